"""Days, look-backs and the quarters that they cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from tierkit.calendar.fiscal import MONTHS_PER_QUARTER, FiscalCalendar, Quarter, month_start

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


DAYS_A_QUARTER = 91.3125
_FEWEST_MONTHS, _FIRST_HALF = 6, 15


def look_back_start(as_of: date, quarters: int) -> date:
    """Return the first day of the look-back of so many times three months that ends at `as_of`.

    At a quarter-end this is the first day of a fiscal quarter; at any other `as_of` the look-back
    is as long. A day that its month lacks becomes the month's last.

    Examples
    --------
    >>> look_back_start(date(2026, 7, 1), 4), look_back_start(date(2026, 5, 31), 1)
    (datetime.date(2025, 7, 1), datetime.date(2026, 2, 28))
    """
    months = as_of.year * 12 + as_of.month - 1 - MONTHS_PER_QUARTER * quarters
    month_end = month_start(months + 1) - timedelta(days=1)
    return month_end.replace(day=min(as_of.day, month_end.day))


def whole_quarters(first: date | None, as_of: date, *, at_most: int) -> int:
    """Return how many whole quarters of look-back from `as_of` the days since `first` cover.

    Examples
    --------
    >>> whole_quarters(date(2025, 1, 1), date(2026, 1, 1), at_most=12)
    4
    >>> whole_quarters(date(2025, 1, 2), date(2026, 1, 1), at_most=12)
    3
    """
    if first is None:
        return 0
    covered = (n for n in range(at_most, 0, -1) if look_back_start(as_of, n) >= first)
    return next(covered, 0)


def quarters_between(first: date, as_of: date) -> float:
    """Return how many quarters of mean length lie in `[first, as_of)`; 0 where there are none.

    Examples
    --------
    >>> quarters_between(date(2025, 1, 1), date(2026, 1, 1))
    4.0
    >>> quarters_between(date(2026, 2, 1), date(2026, 1, 1))
    0.0
    """
    return max(0.0, round((as_of - first).days / DAYS_A_QUARTER, 1))


def complete_quarter_ends(
    calendar: FiscalCalendar, first: date, as_of: date, *, look_back: int, horizon: int
) -> list[date]:
    """Return the quarter-ends with a whole look-back before and a whole horizon after them.

    Parameters
    ----------
    first
        The first day that the data cover.
    as_of
        First day that is not yet known.
    look_back, horizon
        Quarters that must lie before and after each quarter-end.

    Examples
    --------
    >>> complete_quarter_ends(
    ...     FiscalCalendar(), date(2024, 1, 1), date(2026, 1, 1), look_back=4, horizon=2
    ... )
    [datetime.date(2025, 1, 1), datetime.date(2025, 4, 1), datetime.date(2025, 7, 1)]
    """
    quarters = calendar.between(first, as_of)
    return [quarter.as_of for quarter in quarters[look_back - 1 : len(quarters) - horizon]]


def trainable(
    as_of_dates: Iterable[date], test_date: date, calendar: FiscalCalendar, horizon: int
) -> list[date]:
    """Return the dates whose outcomes were complete when `test_date` was the first unknown day."""
    return [day for day in as_of_dates if calendar.window_end(day, horizon) <= test_date]


def covers(quarter: Quarter, newest: date) -> bool:
    """Return whether data whose newest day is `newest` reach the quarter's last working day.

    Examples
    --------
    >>> quarter = FiscalCalendar().parse("2023Q3")  # its last day, 30 September, is a Saturday
    >>> covers(quarter, date(2023, 9, 29)), covers(quarter, date(2023, 9, 28))
    (True, False)
    """
    weekend_days = max(0, quarter.end.weekday() - 4)
    return newest >= quarter.end - timedelta(days=weekend_days)


def billed_for(quarter: Quarter, newest: date, days: Sequence[date]) -> bool:
    """Return whether everything of a quarter is billed, where bills fall on few days of a month.

    Where every month's bills are dated in its first half, those of the next month come next.

    Parameters
    ----------
    days
        The days on which anything was billed.

    Examples
    --------
    >>> days = [date(2025, month, 1) for month in range(1, 13)]
    >>> quarter = FiscalCalendar().parse("2025Q4")
    >>> billed_for(quarter, date(2025, 12, 1), days), billed_for(quarter, date(2025, 11, 1), days)
    (True, False)
    """
    last_of_months: dict[tuple[int, int], int] = {}
    for day in days:
        month = (day.year, day.month)
        last_of_months[month] = max(day.day, last_of_months.get(month, 0))
    if len(last_of_months) < _FEWEST_MONTHS or max(last_of_months.values()) > _FIRST_HALF:
        return False
    first = min(day.day for day in days)
    following = month_start(newest.year * 12 + newest.month).replace(day=first)
    return newest.day >= min(last_of_months.values()) and following > quarter.end


def today() -> date:
    """Return the day of the person at the computer: no data are known after it."""
    return datetime.now(UTC).astimezone().date()


def is_before(day: date, as_of: date) -> bool:
    """Return whether `day` lies strictly before `as_of`."""
    return day < as_of


def starts_after(quarter: Quarter, day: date) -> bool:
    """Return whether the quarter begins after `day`."""
    return quarter.start > day


def window_is_over(end: date, as_of: date) -> bool:
    """Return whether a window that ends before `end` is wholly known at `as_of`."""
    return end <= as_of


def days_within(
    days: pd.Series[pd.Timestamp],
    *,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
) -> pd.Series[bool]:
    """Return which of some days lie in `[start, end)`, either of which may be left open.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(pd.Series(["2025-12-31", "2026-01-01", "2026-02-01"]))
    >>> days_within(days, start=pd.Timestamp("2026-01-01"), end=pd.Timestamp("2026-02-01")).tolist()
    [False, True, False]
    """
    found = days.notna()
    if start is not None:
        found &= days >= start
    return found if end is None else found & (days < end)


def newest(days: Sequence[date]) -> date | None:
    """Return the latest of some days, None of none."""
    return max(days, default=None)


def days_old(day: date, end: date) -> int:
    """Return how many days `day` lies before `end`; negative where it lies after it."""
    return (end - day).days


def quarters_since(days: Sequence[date | None], starts: Sequence[date]) -> NDArray[np.float64]:
    """Return the quarters (of 365.25 / 4 days) from each day to each start, missing without a day.

    Examples
    --------
    >>> quarters_since([date(2025, 1, 1), None], [date(2026, 1, 1)]).round(1).tolist()
    [[4.0], [nan]]
    """
    import numpy as np

    known = [day if isinstance(day, date) and day == day else None for day in days]
    stamps = np.array(known, dtype="datetime64[D]")[:, None]
    apart = np.array(starts, dtype="datetime64[D]")[None, :] - stamps
    whole = np.where(np.isnat(apart), np.nan, apart.astype(np.int64).astype(np.float64))
    return np.asarray(whole / (365.25 / 4))


def latest_on_or_before(
    rows: pd.DataFrame, values: pd.DataFrame, *, day: str, dated: str, by: str, value: str
) -> pd.Series:
    """Return for each row the latest value of its group that is dated on or before its day.

    Parameters
    ----------
    day, dated
        The columns with dates of `rows` and of `values`.
    by
        The column of both that names the group.

    Returns
    -------
    pandas.Series
        `value`, on the index of `rows`; missing where there is none, or the row has no day.
    """
    import pandas as pd

    asked = rows[rows[day].notna()].assign(__row=lambda frame: frame.index)
    found = pd.merge_asof(
        asked.sort_values(day, kind="stable"),
        values[[by, dated, value]].sort_values(dated, kind="stable"),
        left_on=day,
        right_on=dated,
        by=by,
    )
    return found.set_index("__row")[value].reindex(rows.index)
