"""Rows of a table that are known at a date, and rows that lie in its horizon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import narwhals as nw

    Rows = nw.LazyFrame[Any]


def before(rows: Rows, column: str, as_of: date) -> Rows:
    """Return the rows dated strictly before `as_of`; rows without a date are absent."""
    import narwhals as nw

    return rows.filter(nw.col(column) < nw.lit(as_of))


def from_on(rows: Rows, column: str, as_of: date) -> Rows:
    """Return the rows whose `column` is `as_of` or later."""
    import narwhals as nw

    return rows.filter(nw.col(column) >= nw.lit(as_of))


def known_rows(rows: Rows, column: str, dates: Rows) -> Rows:
    """Pair each row with every `as_of` of `dates` that it lies strictly before.

    Parameters
    ----------
    rows
        Events with a date in `column`; rows without a date are absent from the result.
    dates
        One row per `as_of`, with whatever window starts the caller needs beside it.
    """
    import narwhals as nw

    return rows.join(dates, how="cross").filter(nw.col(column) < nw.col("as_of"))


def outcome_rows(rows: Rows, column: str, dates: Rows) -> Rows:
    """Pair each row with every `as_of` of `dates` in whose `[as_of, horizon_end)` it lies."""
    import narwhals as nw

    day = nw.col(column)
    return rows.join(dates, how="cross").filter(
        (day >= nw.col("as_of")) & (day < nw.col("horizon_end"))
    )


def in_force(spans: Rows, days: Rows) -> Rows:
    """Pair each span with every `day` of `days` that lies in its `[start_date, end_date)`.

    Parameters
    ----------
    spans
        Rows with `start_date` and `end_date`; without an end date a span still lasts.
    days
        One row per `day`.
    """
    import narwhals as nw

    start, end, day = nw.col("start_date"), nw.col("end_date"), nw.col("day")
    lasts = end.is_null() | (day < end)
    return spans.join(days, how="cross").filter((start <= day) & lasts)


def on_or_after(column: str, start: str) -> nw.Expr:
    """Return whether the date in `column` lies on or after the date in the column `start`."""
    import narwhals as nw

    return nw.col(column) >= nw.col(start)


def earlier(column: str, than: str) -> nw.Expr:
    """Return whether the date in `column` lies strictly before the date in the column `than`."""
    import narwhals as nw

    return nw.col(column) < nw.col(than)


def later_than(column: str, than: str) -> nw.Expr:
    """Return whether the date in `column` lies strictly after the date in the column `than`."""
    import narwhals as nw

    return nw.col(column) > nw.col(than)


def latest_of(*columns: str) -> nw.Expr:
    """Return the latest of the dates in `columns`; missing ones are passed over."""
    import narwhals as nw

    return nw.max_horizontal(*columns)


def earliest_of(*columns: str) -> nw.Expr:
    """Return the earliest of the dates in `columns`; missing ones are passed over."""
    import narwhals as nw

    return nw.min_horizontal(*columns)


def dates_reached(column: str, days: Sequence[date]) -> nw.Expr:
    """Return how many of some days the date in `column` has reached; a missing one has none."""
    import narwhals as nw

    reached = [nw.when(nw.col(column) >= nw.lit(day)).then(nw.lit(1)) for day in days]
    return nw.sum_horizontal(*(one.otherwise(nw.lit(0)) for one in reached))


def days_between(start: str, end: str) -> nw.Expr:
    """Return the whole days from the date in `start` to the date in `end`.

    By the calendar's own arithmetic: spans of time are not the same in every engine.
    """
    return _day_number(end) - _day_number(start)


def _day_number(column: str) -> nw.Expr:
    """Return the days from the first day of the year 1 to a date, which is then 1."""
    import narwhals as nw

    day = nw.col(column)
    years = day.dt.year().cast(nw.Int64) - 1
    leap_days = years // 4 - years // 100 + years // 400
    return years * 365 + leap_days + day.dt.ordinal_day().cast(nw.Int64)
