"""Fiscal calendars: their quarters, of three months or of thirteen weeks."""

from __future__ import annotations

import re
from calendar import day_name, month_name
from dataclasses import dataclass
from datetime import date, timedelta
from functools import total_ordering
from typing import Literal

from tierkit.errors import SettingsError

_LABEL = re.compile(r"^(FY)?(\d{4})Q([1-4])$", re.IGNORECASE)
MONTHS_PER_QUARTER = 3
DAYS_OF_13_WEEKS = 91
_HALF_A_WEEK = 3


def month_start(index: int) -> date:
    """Return the first day of month `index`, counted from January of year 0."""
    return date(index // 12, index % 12 + 1, 1)


@total_ordering
@dataclass(frozen=True)
class Quarter:
    """A quarter of a fiscal year: three months, or thirteen weeks.

    Attributes
    ----------
    label
        `2026Q3`, or `FY2026Q3` where the fiscal year is not the calendar year.
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
class YearEnd:
    """The day on which a year of 52 or 53 whole weeks ends.

    Attributes
    ----------
    rule
        The `last` such weekday of the month, or the one `nearest` to its last day.
    weekday
        0 for Monday to 6 for Sunday.

    Examples
    --------
    >>> YearEnd("last", 5).before(date(2024, 2, 1)), YearEnd("nearest", 5).before(date(2024, 2, 1))
    (datetime.date(2024, 1, 27), datetime.date(2024, 2, 3))
    """

    rule: Literal["last", "nearest"]
    weekday: int

    @property
    def words(self) -> str:
        """The rule as people say it, `last Saturday`."""
        return f"{self.rule} {day_name[self.weekday]}"

    def before(self, first: date) -> date:
        """Return the day on which the year before the month of `first`, its first day, ends."""
        month_end = first - timedelta(days=1)
        last = month_end - timedelta(days=(month_end.weekday() - self.weekday) % 7)
        is_near = self.rule == "last" or (month_end - last).days <= _HALF_A_WEEK
        return last if is_near else last + timedelta(days=7)


@dataclass(frozen=True)
class FiscalCalendar:
    """The quarters of a company whose fiscal year starts in the month `starts` (1 to 12).

    A year is named by the calendar year in which it ends, or starts where `named_by` says so.

    Attributes
    ----------
    first_day
        The day of that month on which the year starts, 1 to 28.
    year_end
        Where a year has 52 or 53 whole weeks, on which day it ends; `starts` is then the month
        after the one about whose end that day lies. Its quarters have 13 weeks, the last one 14
        where the year has 53. How 13 weeks are cut into months (4-4-5, 4-5-4, 5-4-4) does not
        matter to quarters.

    Examples
    --------
    >>> calendar = FiscalCalendar(starts=2)
    >>> calendar.containing(date(2024, 1, 31)).label, calendar.containing(date(2024, 2, 1)).label
    ('FY2024Q4', 'FY2025Q1')
    >>> FiscalCalendar().parse("2026Q3").dates
    '1 Jul – 30 Sep 2026'
    >>> retail = FiscalCalendar(starts=2, named_by="start", year_end=YearEnd("nearest", 5))
    >>> retail.parse("FY2023Q4").dates  # the 53rd week of 2023 ends on 3 February
    '29 Oct 2023 – 3 Feb 2024'
    """

    starts: int = 1
    named_by: Literal["end", "start"] = "end"
    first_day: int = 1
    year_end: YearEnd | None = None

    def containing(self, day: date) -> Quarter:
        """Return the quarter that holds `day`."""
        year = day.year + 1
        while self._year_start(year) > day:
            year -= 1
        starts = [self._quarter_start(year * 4 + place) for place in range(4)]
        return self._quarter(year * 4 + sum(start <= day for start in starts) - 1)

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
                f"{label}: the fiscal year of this project starts {self._start_in_words}. "
                f"Write {right}."
            )
        return self._quarter((int(match[2]) - self._years_ahead) * 4 + int(match[3]) - 1)

    def shift(self, quarter: Quarter, quarters: int) -> Quarter:
        """Return the quarter so many quarters later (earlier where negative)."""
        match = _LABEL.match(quarter.label)
        if match is None:
            raise SettingsError(f"{quarter.label}: not a quarter.")
        return self._quarter((int(match[2]) - self._years_ahead) * 4 + int(match[3]) - 1 + quarters)

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
    def _is_calendar_year(self) -> bool:
        return self.starts == 1 and self.first_day == 1

    @property
    def _prefix(self) -> str:
        return "" if self._is_calendar_year and self.year_end is None else "FY"

    @property
    def _years_ahead(self) -> int:
        """By how many years the name of a fiscal year lies after the year in which it starts."""
        return 0 if self._is_calendar_year or self.named_by == "start" else 1

    @property
    def _start_in_words(self) -> str:
        if self.year_end is not None:
            return f"after the {self.year_end.words} of {month_name[(self.starts - 2) % 12 + 1]}"
        return f"in {month_name[self.starts]}" + ("" if self.first_day == 1 else " on a later day")

    def _year_start(self, year: int) -> date:
        """Return the first day of the fiscal year that starts about the month of a year."""
        first = date(year, self.starts, self.first_day)
        return first if self.year_end is None else self.year_end.before(first) + timedelta(days=1)

    def _quarter_start(self, index: int) -> date:
        """Return the first day of a quarter, counted from the first one of year 0."""
        year, place = divmod(index, 4)
        if self.year_end is not None:
            return self._year_start(year) + timedelta(days=place * DAYS_OF_13_WEEKS)
        months = year * 12 + self.starts - 1 + MONTHS_PER_QUARTER * place
        return month_start(months).replace(day=self.first_day)

    def _quarter(self, index: int) -> Quarter:
        year, place = divmod(index, 4)
        label = f"{self._prefix}{year + self._years_ahead:04d}Q{place + 1}"
        return Quarter(label, self._quarter_start(index), self._quarter_start(index + 1))


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
