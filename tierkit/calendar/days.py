"""Comparing days: which lies before which, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from tierkit.calendar.quarters import Quarter


def is_before(day: date, as_of: date) -> bool:
    """Whether `day` lies strictly before `as_of`."""
    return day < as_of


def starts_after(quarter: Quarter, day: date) -> bool:
    """Whether the quarter begins after `day`."""
    return quarter.start > day


def window_is_over(end: date, as_of: date) -> bool:
    """Whether a window that ends before `end` is wholly known at `as_of`."""
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
