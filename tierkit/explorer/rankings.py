"""Rankings in the backtest, and the numbers behind the charts of the explorer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.criterion_words import plain_name
from tierkit.figure import Figure
from tierkit.statistics import FloatArray, IntArray

if TYPE_CHECKING:
    from tierkit.explorer.session import Session
    from tierkit.statistics import FloatArray


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


_POINTS = 41
_FURTHER = 3


def lift_curve(rows: RankedRows, ranked_by: FloatArray) -> pd.DataFrame:
    """Return which share of revenue the best-ranked share of accounts brought, mean of all dates.

    Parameters
    ----------
    rows
        The tested rows.
    ranked_by
        A number per tested row, higher is better.

    Returns
    -------
    DataFrame
        `accounts` and `revenue`, shares from 0 to 1; no rows where nothing was won.

    Examples
    --------
    >>> from tierkit.explorer.rankings import RankedRows
    >>> tested = pd.DataFrame({"account_id": list("AB"), "as_of": "2025-01-01",
    ...                        "actual": [30.0, 10.0]})
    >>> curve = lift_curve(RankedRows.of(tested), np.array([2.0, 1.0]))
    >>> curve.set_index("accounts")["revenue"].loc[[0.0, 0.5, 1.0]].tolist()
    [0.0, 0.75, 1.0]
    """
    shares = np.linspace(0.0, 1.0, _POINTS)
    curves = []
    for places in rows.dates:
        order = places[np.argsort(-ranked_by[places], kind="stable")]
        won = np.concatenate([[0.0], np.cumsum(rows.actual[order])])
        if won[-1] > 0:
            curves.append(np.interp(shares * len(order), np.arange(len(won)), won / won[-1]))
    revenue = np.mean(curves, axis=0) if curves else np.array([])
    return pd.DataFrame({"accounts": shares[: len(revenue)], "revenue": revenue})


def revenue_curve(session: Session) -> pd.DataFrame:
    """Return how much revenue is predicted for the best-ranked accounts, as far as it matters.

    Returns
    -------
    DataFrame
        `accounts`, from 0 to three times the places of the limited tiers, and `revenue`, predicted
        for all of them together.
    """
    view = session.view
    money = view.money[view.placed.ranked.in_scope]
    limited = sum(view.sizes[tier.name] for tier in view.settings.tiers if not tier.takes_rest)
    last = min(len(money), max(_FURTHER * limited, 10))
    at = np.unique(np.linspace(0, last, _POINTS).round().astype(int))
    total = np.concatenate([[0.0], np.cumsum(money)])
    return pd.DataFrame({"accounts": at, "revenue": total[at]})


def bin_factors(session: Session, criterion: str) -> pd.DataFrame:
    """Return what each bin of a criterion on the card multiplies by, and the accounts in it.

    Returns
    -------
    DataFrame
        `bin` in words, `factor`, `accounts` as of today; no rows where it is not on the card.

    Examples
    --------
    >>> from tierkit.explorer.example import example_explorer
    >>> int(bin_factors(example_explorer(), "won_revenue_4q")["accounts"].sum())
    4
    """
    shown = next((one for one in session.card().criteria if one.name == criterion), None)
    if shown is None:
        return pd.DataFrame(columns=["bin", "factor", "accounts"])
    counts = np.bincount(session.basis.now.of(shown), minlength=len(shown.points_by_bin))
    return pd.DataFrame(
        {"bin": shown.bins, "factor": np.exp(shown.points_by_bin), "accounts": counts}
    )


def heaviest(session: Session) -> str:
    """Return the criterion of the card on screen that weighs most, empty without one."""
    card = session.card()
    return str(card.importance().idxmax()) if card.criteria else ""


def spoken(criterion: str) -> str:
    """Return a criterion's name as it begins a title."""
    name = plain_name(criterion)
    return f"{name[:1].upper()}{name[1:]}"


FITTED_CARD, PAST_REVENUE, LAST_TIERS = "fitted card", "past revenue", "last quarter's tiers"
_MOST_KEPT = 24
"""Captures remembered; each holds a number per account."""


@dataclass(frozen=True)
class BacktestRow:
    """One ranking in the backtest.

    Attributes
    ----------
    captures
        By capacity in accounts.
    actual_over_predicted
        None where the ranking predicts no money.
    """

    name: str
    captures: dict[int, Capture]
    actual_over_predicted: Figure | None


class Rankings:
    """The rankings that the card on screen is compared with, measured once per capacity.

    Parameters
    ----------
    tested
        A row per account and tested date; see `Learned`.
    ranked_by
        The simple rule that ranks the accounts where the card does not.
    """

    def __init__(self, tested: pd.DataFrame, *, ranked_by: str) -> None:
        self.rows = RankedRows.of(tested)
        self.past = tested["past_revenue"].to_numpy(dtype=float)
        self.past_money = tested["past_revenue_predicted"].to_numpy(dtype=float)
        name = ranked_by if f"{ranked_by}_predicted" in tested else "past_revenue"
        self.by_column = tested[name].to_numpy(dtype=float)
        self.by_column_money = tested[f"{name}_predicted"].to_numpy(dtype=float)
        self._card = tested["card"].to_numpy(dtype=float)
        self._last = tested["last_tiers"].to_numpy(dtype=float) if "last_tiers" in tested else None
        self._kept: dict[tuple[str, int], Capture] = {}
        self._ordered: dict[str, tuple[FloatArray, ...]] = {}
        self._totals: dict[str, Figure] = {}

    @cached_property
    def past_curve(self) -> pd.DataFrame:
        """The lift curve of past revenue."""
        return lift_curve(self.rows, self.past)

    def row(
        self, name: str, ranked_by: FloatArray, sizes: list[int], *, money: FloatArray | None
    ) -> BacktestRow:
        """Return one ranking, measured."""
        captures = {size: capture(self.rows, ranked_by, accounts=size) for size in sizes}
        return BacktestRow(name, captures, None if money is None else total_over(self.rows, money))

    def others(self, sizes: list[int]) -> list[BacktestRow]:
        """Return the rankings that do not change while one explores."""
        found = [
            self._known(FITTED_CARD, self._card, sizes, money=self._card),
            self._known(PAST_REVENUE, self.past, sizes, money=self.past_money),
        ]
        if self._last is not None:
            found.append(self._known(LAST_TIERS, self._last, sizes, money=None))
        return found

    def _known(
        self, name: str, ranked_by: FloatArray, sizes: list[int], *, money: FloatArray | None
    ) -> BacktestRow:
        for size in sizes:
            if (name, size) not in self._kept:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                if name not in self._ordered:
                    self._ordered[name] = self.rows.ordered(ranked_by)
                self._kept[name, size] = capture(
                    self.rows, ranked_by, accounts=size, ordered=self._ordered[name]
                )
        captures = {size: self._kept[name, size] for size in sizes}
        if money is not None and name not in self._totals:
            self._totals[name] = total_over(self.rows, money)
        return BacktestRow(name, captures, self._totals.get(name))
