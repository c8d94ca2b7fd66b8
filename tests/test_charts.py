"""Charts draw what the table says, from zero, and become figures that are read aloud and print."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tierkit import charts
from tierkit.charts.canvas import GREY, INK, TONES, WARN, fitted, text_width, tone
from tierkit.charts.effects import effect_limits
from tierkit.charts.rows import UNSPLIT
from tierkit.rendering.figures import Picture, figure

HOSTILE = "<script>alert(1)</script> $x^2$ {{ a }} & \x07 日本"


def axes(width: float = 300, height: float = 150):
    return Figure(figsize=(width / 72, height / 72), dpi=72).add_axes((0, 0, 1, 1))


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def tiers(values=(3.0, 2.0, math.nan)) -> pd.DataFrame:
    return pd.DataFrame(
        {"label": ["One", "Two", "Three"], "value": list(values), "text": ["3", "2", "?"]}
    )


def effects(**columns) -> pd.DataFrame:
    base = {
        "boundary": ["a", "a", "b"], "heading": ["A", "A", "B"], "note": "",
        "label": ["raw", "line", "raw"], "text": ["+240 %", "+10 %", "not computed"],
        "estimate": [2.4, 0.1, math.nan],
        "low": [1.2, -0.2, math.nan], "high": [4.4, 0.43, math.nan], "raw": [True, False, True],
        "break_even": [0.12, 0.12, math.nan],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_bars_start_at_zero_and_are_as_long_as_their_values():
    ax = charts.tier_bars(tiers(), ax=axes())
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 3), (0, 2)]
    assert ax.get_xlim()[0] == 0
    assert texts(ax) == ["One", "3", "Two", "2", "Three", "?"]


def test_bars_of_nothing_are_not_drawn():
    assert not charts.tier_bars(tiers((0.0, 0.0, 0.0)), ax=axes()).patches


@pytest.mark.parametrize("amount", [1, 2, 3, 4, 5])
def test_tones_run_from_dark_to_light_without_repeating(amount):
    places = [TONES.index(tone(position, amount)) for position in range(amount)]
    assert places == sorted(set(places))


def test_effort_stands_end_to_end_and_too_much_is_told_by_word_and_colour():
    hours = pd.DataFrame(
        {"label": ["AE", "SDR"], "text": ["5 of 8 h", "▲ over: 9 of 7 h"], "available": [8.0, 7.0],
         0: [2.0, 4.0], 1: [3.0, 5.0]}
    )  # fmt: skip
    ax = charts.effort_bars(hours, ax=axes())
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [
        (0, 2),
        (2, 3),
        (0, 4),
        (4, 5),
    ]
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert colours["5 of 8 h"] == INK
    assert colours["▲ over: 9 of 7 h"] == WARN


def test_hours_that_are_not_known_by_tier_take_no_tiers_tone():
    hours = pd.DataFrame(
        {"label": ["AE"], "text": ["5 h"], "available": [math.nan], UNSPLIT: [5.0]}
    )
    (bar,) = charts.effort_bars(hours, ax=axes()).patches
    assert mpl.colors.to_hex(bar.get_facecolor()) == GREY


def test_ranges_are_drawn_where_they_are_known():
    table = pd.DataFrame(
        {"label": ["One", "Two"], "text": ["", ""], "estimate": [5.0, math.nan],
         "low": [4.0, math.nan], "high": [7.0, math.nan], "shade": ["tier", "grey"]}
    )  # fmt: skip
    ax = charts.range_rows(table, ax=axes())
    assert [line.get_xdata()[0] for line in ax.lines] == [5]
    assert ax.get_xlim() == (0, 7)


def test_what_was_delivered_is_a_diamond():
    table = pd.DataFrame(
        {
            "label": ["One"],
            "text": [""],
            "predicted": [5.0],
            "low": [4.0],
            "high": [6.0],
            "delivered": [7.0],
        }
    )
    ax = charts.ledger_ranges(table, ax=axes())
    assert {line.get_marker(): line.get_xdata()[0] for line in ax.lines} == {"o": 5, "D": 7}
    assert ax.get_xlim() == (0, 7)


def test_raw_effects_are_grey_and_hollow_and_do_not_set_the_axis():
    ax = charts.effect_forest(effects(), ax=axes(900), beside=True)
    assert ax.get_xlim() == (-0.2, 0.5)
    by_marker = {line.get_marker(): line for line in ax.lines}
    assert by_marker[">"].get_color() == GREY
    assert by_marker["o"].get_xdata()[0] == 0.1
    assert charts.forest_rows(effects()) == 5
    assert "not computed" in texts(ax)


def test_without_adjusted_designs_the_axis_is_that_of_the_raw_ones_up_to_300_percent():
    assert effect_limits(effects(raw=True, estimate=[2.4, math.nan, 1.1]))[1] == 3.0
    assert (
        effect_limits(effects(low=math.nan, high=math.nan, estimate=math.nan, break_even=math.nan))[
            0
        ]
        == 0
    )


def test_an_effect_below_minus_100_percent_cannot_be():
    assert effect_limits(effects(low=[0, -4.0, 0]))[0] == -1.0


def test_capture_names_its_lines_beside_them_without_overlap():
    x = np.linspace(0, 1, 21)
    curves = [
        pd.DataFrame(
            {"model": name, "share_of_accounts": x, "share_of_revenue": 1 - (1 - x) ** power}
        )
        for name, power in (("card", 5.0), ("past_revenue", 4.9), ("random", 1.0))
    ]
    ax = charts.capture_curve(pd.concat(curves), ax=axes(700, 300))
    heights = [text.get_position()[1] for text in ax.texts]
    assert texts(ax) == ["card", "past revenue", "random"]
    assert min(-np.diff(heights)) >= 0.05
    assert ax.get_xlim() == (0, 1)


def test_calibration_starts_at_zero():
    table = pd.DataFrame({"decile": [1, 2], "predicted": [1.0, 4.0], "actual": [2.0, 3.0]})
    ax = charts.calibration(table, ax=axes())
    assert ax.get_ylim()[0] == 0
    assert {text.get_text() for text in ax.texts} == {"predicted", "actual"}


def test_card_bins_start_at_a_factor_of_one():
    table = pd.DataFrame(
        {
            "criterion": ["won", "won"],
            "bin": ["none", "some"],
            "factor": [0.5, 2.0],
            "accounts": [1200, 3],
        }
    )
    ax = charts.card_bins(table, ax=axes(700))
    assert "× 0.50 (1,200 accounts)" in texts(ax)
    assert ax.get_xlim()[0] < 0.5 < 2.0 < ax.get_xlim()[1]


def test_moves_heat_shows_every_count_and_fills_only_moves():
    matrix = pd.DataFrame([[9, 1], [0, 7]], index=["A", "B"], columns=["A", "B"])
    ax = charts.moves_heat(matrix, ax=axes())
    assert [text for text in texts(ax) if text.isdigit()] == ["9", "1", "0", "7"]
    assert [patch.get_facecolor()[3] > 0 for patch in ax.patches] == [False, True, False, False]


def test_gini_by_quarter_end_keeps_the_order_of_the_dates():
    table = pd.DataFrame(
        {"as_of": ["2025-01-01", "2025-04-01"] * 2, "model": ["card"] * 2 + ["random"] * 2,
         "gini": [0.6, 0.7, 0.0, -0.1]}
    )  # fmt: skip
    ax = charts.gini_by_quarter_end(table, ax=axes())
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2025-01-01", "2025-04-01"]
    assert list(ax.lines[0].get_ydata()) == [0.6, 0.7]
    assert ax.get_ylim()[0] < -0.09


def test_text_that_does_not_fit_ends_in_an_ellipsis():
    cut = fitted("Strategic partnerships of the northern regions", 120)
    assert cut.endswith("…")
    assert text_width(cut) <= 120
    assert fitted("", 10) == ""


# ---- figures


def hostile_picture() -> Picture:
    table = tiers().assign(label=HOSTILE, text="$4.9–7.4 M, $5")
    return Picture(lambda ax: charts.tier_bars(table, ax=ax), 500, 150)


def elements(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html.replace("<figure ", "<figure xmlns:x='x' "))


def test_a_figure_is_an_image_with_one_sentence_as_title():
    html = figure(hostile_picture(), name="tiers", finding="A & B lead.").html
    root = elements(html)
    image = root.find("svg")
    assert root.attrib["data-figure"] == "tiers"
    assert root.findtext("figcaption") == "A & B lead."
    assert image is not None
    assert image.attrib["role"] == "img"
    assert image.attrib["aria-label"] == image.findtext("title") == "A & B lead."


def test_text_stays_text_and_nothing_in_it_is_markup_or_mathematics():
    html = figure(hostile_picture(), name="tiers", finding=HOSTILE).html
    written = [text.text for text in elements(html).iter("text")]
    assert "$4.9–7.4 M, $5" in written
    assert any(
        (text or "").startswith("<script>alert(1)</script> $x^2$ {{ a }}") for text in written
    )
    assert "<script" not in html
    assert "http" not in html
    assert "<style" not in html


def test_colours_are_variables_of_the_page():
    html = figure(hostile_picture(), name="tiers", finding="").html
    assert "var(--tone-1, #0f3a5f)" in html
    assert not re.findall(r"(?<!, )#[0-9a-f]{6}", html)


def test_settings_of_the_working_folder_change_no_figure(monkeypatch):
    """A `matplotlibrc` in the folder that a command works in is read by matplotlib."""
    picture = Picture(lambda ax: ax.plot([1, 3, 2])[0].axes, 200, 100)
    plain = figure(picture, name="f", finding="Nothing moved.").html
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 9.0)
    monkeypatch.setitem(mpl.rcParams, "axes.edgecolor", "red")
    assert figure(picture, name="f", finding="Nothing moved.").html == plain
    assert mpl.rcParams["lines.linewidth"] == 9.0


def test_a_figure_has_the_same_bytes_each_time_and_leaves_settings_alone():
    before = dict(mpl.rcParams)
    first, second = (figure(hostile_picture(), name="tiers", finding="x").html for _ in range(2))
    assert first == second
    assert dict(mpl.rcParams) == before


def test_ids_of_two_figures_never_meet():
    def curve(ax):
        ax.plot([0, 1], [0, 1], "o-")
        return ax

    one, two = (figure(Picture(curve, 100, 50), name=name, finding="").html for name in "ab")
    ids = [set(re.findall(r'id="([^"]+)"', html)) for html in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_narrow_picture_stands_beside_the_wide_one():
    html = figure(hostile_picture(), name="tiers", finding="x", narrow=hostile_picture()).html
    assert [image.attrib["class"] for image in elements(html).iter("svg")] == ["wide", "narrow"]


def test_without_a_style_sheet_a_figure_is_shown_once():
    """Mail programs that drop style sheets would show it twice."""
    html = figure(hostile_picture(), name="tiers", finding="x", narrow=hostile_picture()).html
    hidden = [
        image.attrib["style"].endswith(";display:none") for image in elements(html).iter("svg")
    ]
    assert hidden == [False, True]
