"""Quarters tile the year, whatever month it starts in."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from tierkit.calendar import FiscalCalendar, complete_quarter_ends, trainable
from tierkit.errors import SettingsError

months = st.integers(1, 12)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@given(months, days)
def test_every_day_lies_in_exactly_one_quarter(starts, day):
    calendar = FiscalCalendar(starts)
    quarter = calendar.containing(day)
    assert quarter.start <= day < quarter.as_of
    assert calendar.containing(quarter.as_of) == calendar.shift(quarter, 1)
    assert calendar.containing(quarter.start - timedelta(days=1)) == calendar.shift(quarter, -1)


@given(months, days)
def test_a_label_names_its_quarter(starts, day):
    calendar = FiscalCalendar(starts)
    quarter = calendar.containing(day)
    assert calendar.parse(quarter.label) == quarter


@given(months, days, st.integers(1, 20))
def test_windows_are_whole_quarters(starts, day, quarters):
    calendar = FiscalCalendar(starts)
    as_of = calendar.containing(day).as_of
    start = calendar.window_start(as_of, quarters)
    assert calendar.window_end(start, quarters) == as_of
    assert len(calendar.between(start, as_of)) == quarters


def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends():
    calendar = FiscalCalendar(2)
    assert calendar.containing(date(2024, 1, 31)).label == "FY2024Q4"
    assert calendar.containing(date(2024, 2, 1)).label == "FY2025Q1"
    assert calendar.parse("FY2025Q1").start == date(2024, 2, 1)


@pytest.mark.parametrize(
    ("starts", "label", "right"),
    [
        (1, "FY2026Q3", "2026Q3"),
        (7, "2026Q3", "FY2026Q3"),
        (1, "2026-Q3", "2026Q3"),
        (1, "", "2026Q3"),
    ],
)
def test_the_other_spelling_is_refused_with_the_right_one(starts, label, right):
    with pytest.raises(SettingsError, match=rf"Write (it as )?{right}\."):
        FiscalCalendar(starts).parse(label)


def test_quarter_ends_have_a_whole_look_back_and_a_whole_horizon():
    calendar = FiscalCalendar()
    dates = complete_quarter_ends(
        calendar, date(2024, 1, 15), date(2026, 1, 1), look_back=2, horizon=2
    )
    # the first whole quarter is 2024Q2, so two whole quarters are over on 1 October 2024
    assert dates == [date(2024, 10, 1), date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]


def test_only_finished_outcomes_train():
    dates = [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]
    assert trainable(dates, date(2025, 10, 1), FiscalCalendar(), 2) == dates[:2]
