"""The rankings that the card on screen is compared with in the backtest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from tierkit.explorer.captures import Capture, RankedRows, capture, total_over
from tierkit.explorer.curves import lift_curve
from tierkit.figure import Figure
from tierkit.statistics import FloatArray

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
