"""Seven slides from the facts, each with its finding as title and a native chart."""

from __future__ import annotations

import importlib.util
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierkit.reporting.fragment import printable
from tierkit.reporting.leadership.accounts import is_first_run, tier_table
from tierkit.reporting.leadership.changes import flow_table
from tierkit.reporting.leadership.decisions import MOST, decisions
from tierkit.reporting.leadership.earned import forest_table
from tierkit.reporting.leadership.effects import finding
from tierkit.reporting.leadership.effort import effort_table
from tierkit.reporting.leadership.heading import recommendation_sentences, title_sentence
from tierkit.reporting.leadership.ledger import ledger_sentence
from tierkit.reporting.leadership.reading import Facts, currency, parts, text
from tierkit.reporting.leadership.revenue import revenue_table
from tierkit.reporting.words import count, plural, sentence

NO_LIBRARY = (
    "No slides: python-pptx is not installed. Install tierkit[slides], or take slides out of "
    "run.formats."
)
_EPOCH = (2000, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:\w+[^>]*>)[^<]*(</dcterms:)")
_LONGEST_LINE, _MOST_ROWS = 180, 8
_INK, _TONE = "1B2631", "1F5C8C"
Series = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Slide:
    """One slide: a finding as title, lines of text, and the numbers of a bar chart."""

    title: str
    lines: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    series: Series = field(default_factory=dict)
    number_format: str = "#,##0"


def slides(facts: Facts) -> list[Slide]:
    """Return what the seven slides say; what is not known is left out of their charts."""
    makers: tuple[Callable[[Facts], Slide], ...] = (
        _opening, _accounts, _effort, _revenue, _earned, _changes, _decisions,
    )  # fmt: skip
    return [make(facts) for make in makers]


def write_slides(facts: Facts, target: Path) -> str:
    """Write the slides as a PowerPoint file; the same facts give the same bytes.

    Returns
    -------
    str
        Empty when it is done; otherwise why there are no slides, in a sentence.
    """
    if importlib.util.find_spec("pptx") is None:
        return NO_LIBRARY
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    for one in slides(facts):
        _add(deck, one)
    deck.core_properties.title = _line(title_sentence(facts))
    deck.core_properties.author = _line(text(facts, "title"))
    written = io.BytesIO()
    deck.save(written)
    target.write_bytes(without_times(written.getvalue()))
    return ""


def without_times(packed: bytes) -> bytes:
    """Return a zipped document with every time in it set to the same moment, nested ones too."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(".xlsx"):
                content = without_times(content)
            if name.endswith("core.xml"):
                content = _STAMP.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", content)
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return written.getvalue()


def _opening(facts: Facts) -> Slide:
    table = tier_table(facts)
    head = " ".join(part for part in (text(facts, "title"), "·", title_sentence(facts)) if part)
    lines = tuple(recommendation_sentences(facts))
    return Slide(head.removeprefix("· "), lines, tuple(table["label"]),
                 {"accounts": tuple(table["accounts"])})  # fmt: skip


def _accounts(facts: Facts) -> Slide:
    table = tier_table(facts)
    known = table["share"].notna().all() and len(table) > 0
    lines = tuple(f"{row.label}: {row.text}" for row in table.itertuples())
    if not known:
        return Slide("Which accounts: how many are in each tier", lines, tuple(table["label"]),
                     {"accounts": tuple(table["accounts"])})  # fmt: skip
    return Slide("Which accounts: what each tier holds of predicted revenue", lines,
                 tuple(table["label"]), {"share": tuple(table["share"])}, "0%")  # fmt: skip


def _effort(facts: Facts) -> Slide:
    roles = effort_table(facts)
    needed = roles.drop(columns=["label", "text", "available"]).sum(axis="columns")
    lines = tuple(f"{row.label}: {row.text}" for row in roles.itertuples())
    series = {"hours needed": tuple(needed), "hours available": _known(roles["available"])}
    return Slide("How much effort: hours a quarter by role", lines or ("No effort is set.",),
                 tuple(roles["label"]), series)  # fmt: skip


def _revenue(facts: Facts) -> Slide:
    table = revenue_table(facts)
    lines = [f"{row.label}: {row.text}" for row in table.itertuples()]
    series = {"low": _known(table["low"]), "predicted": _known(table["estimate"]),
              "high": _known(table["high"])}  # fmt: skip
    title = f"How much revenue: predicted by tier, with its range, {currency(facts)}".rstrip(", ")
    told = ledger_sentence(facts).replace(" (diamond)", "")
    return Slide(title, (*lines, told), tuple(table["label"]), series)


def _earned(facts: Facts) -> Slide:
    boundaries = parts(facts, "roi", "boundaries")
    lines = tuple(f"{text(one, 'boundary')}: {sentence(finding(one))}" for one in boundaries)
    table = forest_table(list(boundaries))
    known = table.dropna(subset="estimate")
    names = tuple(f"{row.boundary}, {row.label}" for row in known.itertuples())
    title = "Did the tiers earn their keep: effect of the upper tier"
    return Slide(title, lines or ("No tier that was in force in the past is known.",), names,
                 {"effect": tuple(known["estimate"])}, "+0%;-0%;0%")  # fmt: skip


def _changes(facts: Facts) -> Slide:
    table = flow_table(facts).head(_MOST_ROWS)
    names = tuple(f"{row[1]} → {row[2]}" for row in table.itertuples())
    moving = plural(table["accounts"].sum(), "account") if len(table) else "No account"
    line = "The first run: every tier is new." if is_first_run(facts) else f"{moving} on the move."
    return Slide("What changed: where accounts go", (line,), names,
                 {"accounts": tuple(table["accounts"])})  # fmt: skip


def _decisions(facts: Facts) -> Slide:
    found = decisions(facts)[:MOST]
    lines = tuple(f"{place}. {what} {its}" for place, (what, its) in enumerate(found, 1))
    title = f"Decide now: {count(len(found))}" if found else "Nothing needs a decision"
    return Slide(title, lines)


def _known(column: Any) -> tuple[float | None, ...]:  # noqa: ANN401 (a pandas column)
    return tuple(None if value != value else float(value) for value in column)


def _line(value: object) -> str:
    plain = " ".join(printable(value).split())
    return plain if len(plain) <= _LONGEST_LINE else f"{plain[: _LONGEST_LINE - 1].rstrip()}…"


def _add(deck: Any, one: Slide) -> None:  # noqa: ANN401 (python-pptx has no types)
    from pptx.util import Inches

    page = deck.slides.add_slide(deck.slide_layouts[6])
    _text(page, (_line(one.title),), (0.6, 0.4, 12.1, 1.0), size=28, bold=True)
    drawn = any(value is not None for values in one.series.values() for value in values)
    width = 5.4 if drawn else 12.1
    _text(page, tuple(map(_line, one.lines[:_MOST_ROWS])), (0.6, 1.6, width, 5.4), size=16)
    if drawn:
        box = (Inches(6.3), Inches(1.6), Inches(6.5), Inches(5.4))
        _chart(page, one, box)


def _text(
    page: Any,  # noqa: ANN401
    lines: Sequence[str],
    box: tuple[float, float, float, float],
    *,
    size: int,
    bold: bool = False,
) -> None:
    from pptx.dml.color import RGBColor
    from pptx.util import Inches, Pt

    frame = page.shapes.add_textbox(*map(Inches, box)).text_frame
    frame.word_wrap = True
    for place, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = RGBColor.from_string(_INK)  # type: ignore[no-untyped-call]
        paragraph.space_after = Pt(8)


def _chart(page: Any, one: Slide, box: tuple[Any, ...]) -> None:  # noqa: ANN401
    from pptx.chart.data import CategoryChartData
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
    from pptx.util import Pt

    data = CategoryChartData(number_format=one.number_format)  # type: ignore[no-untyped-call]
    data.categories = [_line(name) for name in one.categories]
    for name, values in one.series.items():
        data.add_series(name, values)  # type: ignore[no-untyped-call]
    chart = page.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *box, data).chart
    chart.has_title, chart.font.size = False, Pt(12)
    chart.has_legend = len(one.series) > 1
    if chart.has_legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.category_axis.reverse_order = True
    chart.value_axis.visible, chart.value_axis.has_major_gridlines = False, False
    plot = chart.plots[0]
    plot.has_data_labels, plot.gap_width = True, 60
    labels = plot.data_labels
    labels.number_format, labels.number_format_is_linked = one.number_format, False
    if len(one.series) == 1:
        plot.series[0].format.fill.solid()
        plot.series[0].format.fill.fore_color.rgb = RGBColor.from_string(_TONE)  # type: ignore[no-untyped-call]
