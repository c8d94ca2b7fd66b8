"""Fiscal quarters tile the year, whatever month it starts in and whichever year names it."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from tierkit.calendar import FiscalCalendar, YearEnd, billed_for

CALENDARS = [
    *(FiscalCalendar(starts, name) for starts in range(1, 13) for name in ("end", "start")),
    *(FiscalCalendar(starts, first_day=day) for starts in (1, 4, 12) for day in (6, 28)),
    *(
        FiscalCalendar(starts, year_end=YearEnd(rule, weekday))
        for starts in (1, 2, 10)
        for rule in ("last", "nearest")
        for weekday in range(7)
    ),
]


@pytest.mark.parametrize("calendar", CALENDARS, ids=str)
def test_quarters_tile_the_years_without_gap_or_overlap(calendar):
    quarters = calendar.between(date(2022, 1, 1), date(2028, 1, 1))
    for quarter, following in itertools.pairwise(quarters):
        assert quarter.as_of == following.start
    assert len({quarter.label for quarter in quarters}) == len(quarters) >= 23
    for quarter in quarters:
        assert calendar.parse(quarter.label) == quarter
        assert calendar.containing(quarter.start) == calendar.containing(quarter.end) == quarter
        assert calendar.containing(quarter.start - timedelta(days=1)).label != quarter.label


@pytest.mark.parametrize(
    ("name", "labels"), [("end", "FY2024Q4 FY2025Q1"), ("start", "FY2023Q4 FY2024Q1")]
)
def test_the_year_is_named_by_its_end_or_its_start(name, labels):
    calendar = FiscalCalendar(2, name)
    days = (date(2024, 1, 31), date(2024, 2, 1))
    assert " ".join(calendar.containing(day).label for day in days) == labels


RETAIL = FiscalCalendar(2, "start", year_end=YearEnd("nearest", 5))
LAST = FiscalCalendar(10, year_end=YearEnd("last", 5))


@pytest.mark.parametrize(
    ("calendar", "year", "first", "after"),
    [  # years of US retailers, and of a company whose year ends on the last Saturday of September
        (RETAIL, 2022, date(2022, 1, 30), date(2023, 1, 29)),
        (RETAIL, 2023, date(2023, 1, 29), date(2024, 2, 4)),  # 53 weeks
        (RETAIL, 2024, date(2024, 2, 4), date(2025, 2, 2)),
        (LAST, 2022, date(2021, 9, 26), date(2022, 9, 25)),
        (LAST, 2023, date(2022, 9, 25), date(2023, 10, 1)),  # 53 weeks
        (LAST, 2024, date(2023, 10, 1), date(2024, 9, 29)),
    ],
)
def test_years_of_whole_weeks_begin_and_end_as_companies_publish(calendar, year, first, after):
    quarters = [calendar.parse(f"FY{year}Q{place}") for place in (1, 2, 3, 4)]
    assert (quarters[0].start, quarters[3].as_of) == (first, after)
    weeks = [(quarter.as_of - quarter.start).days / 7 for quarter in quarters]
    assert weeks[:3] == [13, 13, 13]
    assert weeks[3] == (after - first).days / 7 - 39


@pytest.mark.parametrize("calendar", CALENDARS, ids=str)
def test_windows_are_whole_quarters_in_every_calendar(calendar):
    as_of = calendar.containing(date(2024, 2, 29)).as_of
    start = calendar.window_start(as_of, 9)
    assert calendar.window_end(start, 9) == as_of
    assert len(calendar.between(start, as_of)) == 9


def test_a_year_may_start_within_a_month():
    british = FiscalCalendar(4, first_day=6)
    assert british.containing(date(2024, 4, 5)).label == "FY2024Q4"
    assert british.parse("FY2025Q1").dates == "6 Apr – 5 Jul 2024"


def test_bills_of_the_first_of_a_month_complete_a_quarter():
    firsts = [date(2025, month, 1) for month in range(1, 13)]
    quarter = FiscalCalendar().parse("2025Q4")
    assert billed_for(quarter, date(2025, 12, 1), firsts)
    assert not billed_for(quarter, date(2025, 11, 1), firsts)
    assert not billed_for(quarter, date(2025, 12, 1), [*firsts, date(2025, 5, 30)])
    assert not billed_for(quarter, date(2025, 12, 1), firsts[:4])
