"""Fiscal quarters tile the year, whatever month it starts in and whichever year names it."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from tierkit.calendar import FiscalCalendar

CALENDARS = [FiscalCalendar(starts, name) for starts in range(1, 13) for name in ("end", "start")]


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
