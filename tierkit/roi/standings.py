"""Standings: scores, lines, tiers held and revenue won, by account and quarter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Measured = Literal["revenue", "wins"]

NO_TIER = -1

WATCHED_SHARE = 0.95
LONGEST_WATCH_DAYS = 365


@dataclass(frozen=True)
class History:
    """The deals of accounts; rows are accounts, columns are fiscal quarters, oldest first.

    Attributes
    ----------
    won_revenue, wins_count
        Won revenue (refunds included) and wins closed in each quarter.
    open_deals
        Deals open on the quarter's first day; None where it is not known when deals were created.
    begun_revenue, begun_wins
        Revenue and number of the deals that were created in the quarter and won within
        `watched_days` of that; missing where deals of the quarter cannot all be watched so long,
        None where it is not known when deals were created.
    size, tenure
        Per account: log of employees; per account and quarter: log of the quarters since it was
        created. Missing where unknown.
    cluster
        Per account: a number shared by the accounts below one ultimate parent.
    watched_days
        How long deals are watched: as long as deals of this company take, by `days_to_watch`.
    """

    won_revenue: FloatArray
    wins_count: FloatArray
    cluster: IntArray
    size: FloatArray
    tenure: FloatArray | None = None
    open_deals: FloatArray | None = None
    begun_revenue: FloatArray | None = None
    begun_wins: FloatArray | None = None
    watched_days: int | None = None


def days_to_watch(cycles: FloatArray) -> int:
    """Return how long to watch deals: until 19 of 20 won ones have closed, at most a year.

    Parameters
    ----------
    cycles
        Days from creation to close of deals that were won.

    Examples
    --------
    >>> days_to_watch(np.arange(1.0, 101.0)), days_to_watch(np.zeros(0))
    (96, 0)
    """
    if len(cycles) == 0:
        return 0
    longest = float(np.quantile(np.maximum(cycles, 0.0), WATCHED_SHARE, method="higher"))
    return min(int(np.ceil(longest)), LONGEST_WATCH_DAYS)


@dataclass(frozen=True)
class Standings:
    """The tiers that accounts held, with what put them there; matrices as in `History`.

    Attributes
    ----------
    level
        0 for the first tier, 1 for the next, and so on; `NO_TIER` without one.
    score
        Higher is better; missing where none was recorded.
    cut_score
        The line that the account faced; missing where none was recorded.
    overridden
        Whether a person set the tier.
    tiers
        Names of the levels, from the top.
    account_ids, quarters
        Names of rows and columns. A column whose quarter is not over has no place here.
    """

    history: History
    level: IntArray
    score: FloatArray
    cut_score: FloatArray
    overridden: BoolArray
    tiers: tuple[str, ...]
    account_ids: npt.NDArray[np.object_]
    quarters: tuple[str, ...]

    @property
    def scored(self) -> bool:
        """True where any account had both a tier and a score."""
        return bool((~np.isnan(self.score) & (self.level >= 0)).any())

    def held_before(self) -> IntArray:
        """Return the level held in the quarter before; none in the first."""
        before = np.full_like(self.level, NO_TIER)
        before[:, 1:] = self.level[:, :-1]
        return before

    def still_overridden(self) -> BoolArray:
        """Return who is overridden and was so already in the quarter before."""
        before = np.zeros_like(self.overridden)
        before[:, 1:] = self.overridden[:, :-1]
        return self.overridden & before

    @property
    def begun(self) -> bool:
        """True where outcomes are deals begun in a quarter, not those closed in it."""
        return self.history.begun_revenue is not None

    def outcome(self, quarters: int, *, of: Measured = "revenue") -> FloatArray:
        """Return what came of the window of so many quarters that begins with each quarter.

        Of deals begun in it and watched as long as deals take, where it is known when they were
        created; else of those closed in it. Windows that are not complete yet are missing.

        Examples
        --------
        >>> history = History(np.array([[1.0, 2.0, 4.0]]), np.ones((1, 3)), np.zeros(1, int),
        ...                   np.zeros(1))
        >>> unknown = np.full((1, 3), np.nan)
        >>> standings = Standings(history, np.zeros((1, 3), int), unknown, unknown,
        ...                       np.zeros((1, 3), bool), ("Tier 1",), np.array(["A"], object), ())
        >>> standings.outcome(2).tolist(), standings.outcome(1, of="wins").tolist()
        ([[3.0, 6.0, nan]], [[1.0, 1.0, 1.0]])
        """
        history = self.history
        begun = {"revenue": history.begun_revenue, "wins": history.begun_wins}[of]
        closed = {"revenue": history.won_revenue, "wins": history.wins_count}[of]
        return _ahead(closed if begun is None else begun, quarters)

    def quarters_known(self, quarters: int) -> int:
        """Return how many quarters began with tiers and have outcomes that are complete."""
        tiered = (self.level >= 0) & ~np.isnan(self.outcome(quarters))
        return int(tiered.any(axis=0).sum())

    def closed_before(self, quarters: int) -> FloatArray:
        """Return revenue closed in the window of so many quarters that ends with each first day."""
        won = self.history.won_revenue
        total = np.full(won.shape, np.nan)
        total[:, quarters:] = _ahead(won, quarters)[:, : won.shape[1] - quarters]
        return total


def _ahead(values: FloatArray, quarters: int) -> FloatArray:
    """Return the sums over so many columns from each one on; missing where there are too few."""
    total = np.full(values.shape, np.nan)
    last = values.shape[1] - quarters + 1
    if last > 0:
        total[:, :last] = sum(values[:, step : step + last] for step in range(quarters))
    return total
