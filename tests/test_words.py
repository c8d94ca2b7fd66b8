"""Numbers are said the way a sales leader says them, and never more exactly than they are known."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tierkit.rendering.html import Fragment, words
from tierkit.rendering.tables import html_table
from tierkit.table import Column, Table
from tierkit.words import (
    count,
    day_range,
    enumerated,
    is_number,
    money,
    money_range,
    money_with_range,
    quarter_name,
    quarters_ahead,
    sentence,
    share,
    signed_range,
    signed_share,
)

amounts = st.floats(0, 1e15, allow_nan=False)


@pytest.mark.parametrize(
    ("amount", "spoken"),
    [
        (0, "$0"),
        (0.3, "under $1"),
        (-0.3, "over −$1"),
        (7, "$7"),
        (845, "$845"),
        (999.7, "$1.0 k"),
        (8_449, "$8.4 k"),
        (84_000, "$84 k"),
        (310_400, "$310 k"),
        (999_600, "$1.0 M"),
        (6_123_456, "$6.1 M"),
        (-1_250_000, "−$1.2 M"),
        (61_000_000, "$61 M"),
        (1.5e9, "$1.5 bn"),
        (2.25e15, "$2,200 tn"),
    ],
)
def test_money_has_two_figures_and_a_unit(amount, spoken):
    assert money("USD", amount) == spoken


def test_a_currency_without_a_symbol_is_written_out():
    assert money("CHF", 6_123_456) == "CHF 6.1 M"
    assert money_range("SEK", 4_900_000, 7_400_000) == "SEK 4.9–7.4 M"
    assert money("", 84_000) == "84 k"


@pytest.mark.parametrize(
    ("low", "high", "spoken"),
    [
        (4_900_000, 7_400_000, "$4.9–7.4 M"),
        (84_000, 1_200_000, "$84 k – $1.2 M"),
        (0, 310_000, "$0–310 k"),
        (0, 0, "$0"),
        (120, 840, "$120–840"),
        (-2_000_000, 1_400_000, "−$2.0 M to $1.4 M"),
        (6_110_000, 6_120_000, "$6.1 M"),
    ],
)
def test_a_range_says_its_unit_once_where_both_ends_share_it(low, high, spoken):
    assert money_range("USD", low, high) == spoken


def test_an_amount_without_a_range_stands_alone():
    assert money_with_range("USD", 6_123_456, None, 7e6) == "$6.1 M"
    assert money_with_range("USD", 0, 0, 0) == "$0"


@given(amounts, amounts)
def test_the_ends_of_a_range_never_change_places(one, other):
    low, high = sorted((one, other))
    spoken = money_range("USD", low, high)
    ends = [float(end.replace(",", "")) for end in re.findall(r"(\d[\d,.]*)", spoken)]
    assert " – " in spoken or ends == sorted(ends)


@given(amounts)
def test_money_is_within_five_percent_of_the_amount(amount):
    units = {"": 1, "k": 1e3, "M": 1e6, "bn": 1e9, "tn": 1e12}
    digits, _, unit = money("USD", amount).removeprefix("under ").removeprefix("$").partition(" ")
    assert float(digits.replace(",", "")) * units[unit] == pytest.approx(amount, rel=0.051, abs=1)


@pytest.mark.parametrize(
    ("value", "spoken"),
    [(0, "0 %"), (1, "100 %"), (0.31, "31 %"), (0.0342, "3.4 %"), (0.03, "3 %"), (0.0999, "10 %"),
     (0.00021, "under 0.1 %"), (0.9981, "over 99 %"), (1.034, "103 %"), (-0.05, "−5 %")],
)  # fmt: skip
def test_shares_are_percentages(value, spoken):
    assert share(value) == spoken


@pytest.mark.parametrize(
    ("value", "spoken"),
    [(0.12, "+12 %"), (-0.08, "−8 %"), (0, "0 %"), (-0.00001, "0 %"), (2.413, "+240 %"),
     (0.0123, "+1.2 %"), (11.84, "+1,200 %")],
)  # fmt: skip
def test_relative_effects_have_a_sign(value, spoken):
    assert signed_share(value) == spoken


def test_ranges_of_effects_say_both_signs():
    assert signed_range(-0.05, 0.55) == "−5 % to +55 %"


def test_truth_values_and_what_is_not_finite_cannot_be_said():
    assert [is_number(value) for value in (1, 0.0, True, None, float("nan"), float("-inf"))] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_dates_quarters_and_lists_are_written_as_people_do():
    assert day_range("2025-12-01", "2026-02-28") == "1 Dec 2025 – 28 Feb 2026"
    assert quarter_name("FY2027Q2") == "FY2027 Q2"
    assert quarter_name("spring") == "spring"
    assert quarters_ahead(12) == "the next 12 quarters"
    assert enumerated([]) == ""
    assert enumerated(["a", "b", "c"]) == "a, b and c"
    assert count(-1840.4) == "−1,840"
    assert sentence(None) == ""


def test_text_is_escaped_and_numbers_keep_their_unit():
    assert words('<img src="x">') == "&lt;img src=&#34;x&#34;&gt;"
    assert words("$4.9–7.4 M in 4 quarters") == ('<span class="nb">$4.9–7.4 M</span> in 4 quarters')
    assert "\x07" not in words("bell\x07")


def test_a_fragment_shows_itself_in_a_notebook():
    fragment = Fragment("<p>14</p>")
    assert fragment._repr_html_() == "<p>14</p>"
    assert "<p>" not in repr(fragment)


def test_a_table_names_itself_heads_its_rows_and_says_what_it_leaves_out():
    frame = pd.DataFrame(
        {"tier": ["<b>One</b>"], "won_revenue": [1234567.0], "gain": [float("nan")]}
    )
    columns = ["tier", "won_revenue", Column("gain", "effect")]
    of = "accounts, by revenue"
    table = Table("won", "Won & lost", columns, frame, currency="USD", total=500, of=of)
    html = html_table(table).html
    assert '<table data-table="won">' in html
    assert "<caption>Won &amp; lost</caption>" in html
    assert '<th scope="row">&lt;b&gt;One&lt;/b&gt;</th>' in html
    assert '<th scope="col" class="n">Won revenue, USD</th>' in html
    assert '<td class="n">1,234,567</td>' in html
    assert '<td class="n">–</td>' in html
    assert "Showing 1 of 500 accounts, by revenue" in html


def test_a_table_does_not_change_what_it_was_given():
    frame = pd.DataFrame({"tier": ["One"], "on": [pd.Timestamp("2026-09-30")], "n": [3]})
    before = frame.copy()
    table = Table("t", "", ["tier", Column("on", "date"), Column("n", "count")], frame)
    html = html_table(table).html
    pd.testing.assert_frame_equal(frame, before)
    assert "30 Sep 2026" in html
    assert "Showing" not in html
