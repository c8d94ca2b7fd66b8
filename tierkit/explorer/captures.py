"""Capture of a ranking at the capacities of the tiers, with its interval, quickly.

The point estimates are those of `tierkit.statistics.measures`. The interval is the linear
approximation of resampling accounts: each account's influence on the mean capture over the tested
dates, with the place of the line as one of the things that an account can move. A bench compares
the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.statistics import FloatArray, IntArray

_REACH = 1.959964
_NEAR = 25
"""So many accounts on each side of the line tell what an account there brings."""


@dataclass(frozen=True)
class RankedRows:
    """The tested rows by date, ready to be ranked again and again.

    Attributes
    ----------
    dates
        Places of the rows of each date.
    actual
        What each row brought.
    accounts
        The account of each row, as a number from 0.
    count
        How many accounts there are.
    """

    dates: tuple[IntArray, ...]
    actual: FloatArray
    accounts: IntArray
    count: int

    @classmethod
    def of(cls, tested: pd.DataFrame) -> RankedRows:
        """Return the rows of `Backtest.predictions`."""
        codes, days = pd.factorize(tested["as_of"], sort=True)
        accounts, unique = pd.factorize(tested["account_id"], sort=False)
        places = tuple(np.flatnonzero(codes == place) for place in range(len(days)))
        return cls(places, tested["actual"].to_numpy(dtype=float), accounts, len(unique))

    def ordered(self, ranked_by: FloatArray) -> tuple[FloatArray, ...]:
        """Return what ranks the rows of each date in ascending order, to be kept for `capture`."""
        return tuple(np.sort(_keys(ranked_by[places])) for places in self.dates)


NOTHING_WON = "nothing was won"


@dataclass(frozen=True)
class Capture:
    """The capture of one ranking at one number of accounts, and each account's influence on it."""

    figure: Figure
    influence: FloatArray

    def minus(self, other: Capture) -> Figure:
        """Return the difference of two captures on the same rows."""
        estimate = self.figure.numbers()[0] - other.figure.numbers()[0]
        return _figure(estimate, self.influence - other.influence)


def capture(
    rows: RankedRows,
    ranked_by: FloatArray,
    *,
    accounts: int,
    ordered: tuple[FloatArray, ...] | None = None,
) -> Capture:
    """Return the mean capture of the best-ranked accounts over the tested dates.

    Parameters
    ----------
    ranked_by
        A number per tested row, higher is better; missing comes last. Equal numbers are taken in
        every order at once.
    accounts
        How many accounts the tiers hold together.
    ordered
        As `RankedRows.ordered` returns it, for a ranking that is asked again and again.

    Returns
    -------
    Capture
        With its 95 % interval, from 0 to 1; unknown where nothing was won.

    Examples
    --------
    >>> tested = pd.DataFrame({"account_id": list("ABCD"), "as_of": "2025-01-01",
    ...                        "actual": [60.0, 30.0, 10.0, 0.0]})
    >>> found = capture(RankedRows.of(tested), np.array([4.0, 3.0, 2.0, 1.0]), accounts=2)
    >>> found.figure.value
    0.9
    """
    influence = np.zeros(rows.count)
    shares = []
    for date, places in enumerate(rows.dates):
        kept = None if ordered is None else ordered[date]
        share, moves = _at(rows.actual[places], ranked_by[places], accounts, kept)
        if math.isfinite(share):
            shares.append(share)
            influence += np.bincount(rows.accounts[places], moves, minlength=rows.count)
    if not shares:
        return Capture(Figure.unknown(NOTHING_WON), influence)
    influence /= len(shares)
    found = _figure(float(np.mean(shares)), influence)
    value, low, high = found.numbers()
    inside = Figure.of(value, found.why, low=max(low, 0.0), high=min(high, 1.0))
    return Capture(inside if found.has_range else found, influence)


def _figure(estimate: float, influence: FloatArray) -> Figure:
    count = len(influence)
    if count < 2 or not math.isfinite(estimate):
        return Figure.of(estimate, NOTHING_WON)
    spread = float(np.square(influence - influence.mean()).sum()) * count / (count - 1)
    half = _REACH * math.sqrt(spread)
    return Figure(estimate, estimate - half, estimate + half)


def _keys(ranked_by: FloatArray) -> FloatArray:
    return np.where(np.isnan(ranked_by), -np.inf, ranked_by)


def _at(
    actual: FloatArray, ranked_by: FloatArray, accounts: int, ordered: FloatArray | None
) -> tuple[float, FloatArray]:
    """Return the capture at one date, and what one account more of each row would change it by."""
    total, count = float(actual.sum()), len(actual)
    if total <= 0:
        return math.nan, np.zeros(count)
    inside, at_line = _inside(_keys(ranked_by), actual, min(accounts, count), ordered)
    share = float(inside @ actual) / total
    moves = (inside - share) * actual - (inside - inside.mean()) * at_line
    return share, moves / total


def _inside(
    keys: FloatArray, actual: FloatArray, slots: int, ordered: FloatArray | None
) -> tuple[FloatArray, float]:
    """Return how much of each account is inside, and what an account at the line brings."""
    count = len(keys)
    if slots >= count:
        return np.ones(count), 0.0
    if slots < 1:
        return np.zeros(count), 0.0
    low, at, high = (count - min(count, slots + _NEAR), count - slots,
                     count - max(1, slots - _NEAR))  # fmt: skip
    if ordered is None:
        ordered = np.partition(keys, sorted({low, at, high}))
    line = ordered[at]
    above, ties = keys > line, keys == line
    inside = above.astype(float)
    inside[ties] = (slots - int(above.sum())) / int(ties.sum())
    near = (keys >= ordered[low]) & (keys <= ordered[high])
    return inside, float(actual[near].mean())


def total_over(rows: RankedRows, predicted: FloatArray) -> Figure:
    """Return actual over predicted revenue of all tested rows, with its 95 % interval.

    Examples
    --------
    >>> tested = pd.DataFrame({"account_id": list("AB"), "as_of": "2025-01-01",
    ...                        "actual": [60.0, 30.0]})
    >>> total_over(RankedRows.of(tested), np.array([50.0, 50.0])).value
    0.9
    """
    total = float(np.nansum(predicted))
    if total <= 0:
        return Figure.unknown("nothing was predicted")
    ratio = float(rows.actual.sum()) / total
    moves = (rows.actual - ratio * np.nan_to_num(predicted)) / total
    return _figure(ratio, np.bincount(rows.accounts, moves, minlength=rows.count).astype(float))
