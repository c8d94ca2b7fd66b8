"""Fiscal quarters: their names, their days, and how they follow each other."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import total_ordering
from typing import TYPE_CHECKING, Literal

from tierkit.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


_LABEL = re.compile(r"^(FY)?(\d{4})Q([1-4])$", re.IGNORECASE)
MONTHS_PER_QUARTER = 3
DAYS_A_QUARTER = 91.3125


def _month_start(index: int) -> date:
    """Return the first day of month `index`, counted from January of year 0."""
    return date(index // 12, index % 12 + 1, 1)


@total_ordering
@dataclass(frozen=True)
class Quarter:
    """Three calendar months of a fiscal year.

    Attributes
    ----------
    label
        `2026Q3`, or `FY2026Q3` where the fiscal year does not start in January.
    start, as_of
        First day, and the day after the last: the first day not yet known when the quarter is over.
    """

    label: str
    start: date
    as_of: date

    @property
    def end(self) -> date:
        """The quarter's last day."""
        return self.as_of - timedelta(days=1)

    @property
    def dates(self) -> str:
        """The days in words, `1 Jul – 30 Sep 2026`."""
        return spell_range(self.start, self.end)

    def __lt__(self, other: Quarter) -> bool:
        """Earlier quarters are smaller."""
        return self.start < other.start


@dataclass(frozen=True)
class FiscalCalendar:
    """The quarters of a company whose fiscal year starts on the first of `starts` (a month, 1–12).

    A year is named by the calendar year in which it ends, or starts where `named_by` says so.

    Examples
    --------
    >>> calendar = FiscalCalendar(starts=2)
    >>> calendar.containing(date(2024, 1, 31)).label, calendar.containing(date(2024, 2, 1)).label
    ('FY2024Q4', 'FY2025Q1')
    >>> FiscalCalendar().parse("2026Q3").dates
    '1 Jul – 30 Sep 2026'
    """

    starts: int = 1
    named_by: Literal["end", "start"] = "end"

    def containing(self, day: date) -> Quarter:
        """Return the quarter that holds `day`."""
        months = day.year * 12 + day.month - 1
        return self._from_month(months - (day.month - self.starts) % MONTHS_PER_QUARTER)

    def parse(self, label: str) -> Quarter:
        """Return the quarter of a label.

        Raises
        ------
        SettingsError
            If the label is no quarter, or is written in the spelling of another calendar; the
            message holds the right one.
        """
        match = _LABEL.match(label.strip())
        if match is None:
            raise SettingsError(f"{label}: not a quarter. Write it as {self._prefix}2026Q3.")
        right = f"{self._prefix}{match[2]}Q{match[3]}"
        if bool(match[1]) != bool(self._prefix):
            raise SettingsError(
                f"{label}: the fiscal year of this project starts in {month_name[self.starts]}. "
                f"Write {right}."
            )
        first_year = int(match[2]) - self._years_ahead
        return self._from_month(
            first_year * 12 + self.starts - 1 + MONTHS_PER_QUARTER * (int(match[3]) - 1)
        )

    def shift(self, quarter: Quarter, quarters: int) -> Quarter:
        """Return the quarter so many quarters later (earlier where negative)."""
        months = quarter.start.year * 12 + quarter.start.month - 1
        return self._from_month(months + MONTHS_PER_QUARTER * quarters)

    def ending_at(self, as_of: date) -> Quarter:
        """Return the quarter whose last day is the day before `as_of`."""
        return self.containing(as_of - timedelta(days=1))

    def window_start(self, as_of: date, quarters: int) -> date:
        """Return the first day of the window of so many quarters that ends at `as_of`."""
        return self.shift(self.ending_at(as_of), 1 - quarters).start

    def window_end(self, as_of: date, quarters: int) -> date:
        """Return the first day after the window of so many quarters that begins at `as_of`."""
        return self.shift(self.containing(as_of), quarters).start

    def between(self, first: date, last: date) -> list[Quarter]:
        """Return every quarter that lies wholly in `[first, last)`, in order."""
        quarter = self.containing(first)
        if quarter.start < first:
            quarter = self.shift(quarter, 1)
        found = []
        while quarter.as_of <= last:
            found.append(quarter)
            quarter = self.shift(quarter, 1)
        return found

    @property
    def _prefix(self) -> str:
        return "" if self.starts == 1 else "FY"

    @property
    def _years_ahead(self) -> int:
        """By how many years the name of a fiscal year lies after the year in which it starts."""
        return 1 if self._prefix and self.named_by == "end" else 0

    def _from_month(self, months: int) -> Quarter:
        offset = (months - (self.starts - 1)) % 12
        year = (months - offset) // 12 + self._years_ahead
        label = f"{self._prefix}{year:04d}Q{offset // MONTHS_PER_QUARTER + 1}"
        return Quarter(label, _month_start(months), _month_start(months + MONTHS_PER_QUARTER))


def spell_date(day: date) -> str:
    """Return a date as people write it.

    Examples
    --------
    >>> spell_date(date(2026, 9, 30))
    '30 Sep 2026'
    """
    return f"{day.day} {day:%b %Y}"


def spell_range(first: date, last: date) -> str:
    """Return a span of days, the first year only where it differs.

    Examples
    --------
    >>> spell_range(date(2025, 12, 1), date(2026, 2, 28))
    '1 Dec 2025 – 28 Feb 2026'
    """
    start = f"{first.day} {first:%b}" if first.year == last.year else spell_date(first)
    return f"{start} – {spell_date(last)}"


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
    month_end = _month_start(months + 1) - timedelta(days=1)
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


def is_before(day: date, as_of: date) -> bool:
    """Return whether `day` lies strictly before `as_of`."""
    return day < as_of


def starts_after(quarter: Quarter, day: date) -> bool:
    """Return whether the quarter begins after `day`."""
    return quarter.start > day


def window_is_over(end: date, as_of: date) -> bool:
    """Return whether a window that ends before `end` is wholly known at `as_of`."""
    return end <= as_of


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
