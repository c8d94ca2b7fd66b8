"""Which earlier quarter-ends a model learns from and is tested on."""

from __future__ import annotations

from datetime import date

from tierkit.calendar import FiscalCalendar, complete_quarter_ends, trainable
from tierkit.crm.tables import Tables
from tierkit.features.windows import history_start
from tierkit.settings import Settings

LOOK_BACKS = (8, 6, 4)
SHORT_LOOK_BACKS = (3, 2, 1)
ENOUGH_TESTS = 4


def training_dates(tables: Tables, *, settings: Settings, as_of: date) -> list[date]:
    """Return the quarter-ends whose outcome is complete and whose look-back is whole.

    Two years of look-back are wanted, so that growth and rhythm can be seen; where that leaves
    fewer than four quarter-ends to test on, a year and a half or a year, whichever leaves more. A
    shorter look-back, without a past year to compare with, is only taken where no other leaves any
    quarter-end at all.

    Returns
    -------
    list of date
        In order; empty where the history is shorter than a quarter and a horizon.
    """
    first = history_start(tables, settings)
    if first is None:
        return []
    calendar, horizon = settings.fiscal_calendar, settings.target.horizon_quarters

    def dates_of(look_back: int) -> list[date]:
        return complete_quarter_ends(calendar, first, as_of, look_back=look_back, horizon=horizon)

    by_length = [dates_of(look_back) for look_back in LOOK_BACKS]
    best = max(by_length, key=lambda dates: _testable(dates, calendar, horizon))
    if _testable(best, calendar, horizon):
        return best
    # nothing can be tested in time: as many dates as a past year of look-back leaves, or any
    return next((dates for dates in (dates_of(4), *map(dates_of, SHORT_LOOK_BACKS)) if dates), [])


def _testable(dates: list[date], calendar: FiscalCalendar, horizon: int) -> int:
    """Return on how many dates a model of earlier ones can be tested; four are enough."""
    tests = sum(bool(trainable(dates, day, calendar, horizon)) for day in dates)
    return min(tests, ENOUGH_TESTS)
