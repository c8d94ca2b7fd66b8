"""Who stood where, quarter by quarter: scores, lines, tiers held, and what accounts won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NO_TIER = -1


@dataclass(frozen=True)
class History:
    """What accounts did; rows are accounts, columns are fiscal quarters, oldest first.

    Attributes
    ----------
    won_revenue, wins_count
        Won revenue (refunds included) and wins closed in each quarter.
    open_deals
        Deals open on the quarter's first day; None where it is not known when deals were created.
    begun_revenue
        Revenue from deals that were created in the quarter and won within a year of its first day;
        missing where that year is not over, None where it is not known when deals were created.
    size, tenure
        Per account: log of employees; per account and quarter: log of the quarters since it was
        created. Missing where unknown.
    cluster
        Per account: a number shared by the accounts below one ultimate parent.
    """

    won_revenue: FloatArray
    wins_count: FloatArray
    cluster: IntArray
    size: FloatArray
    tenure: FloatArray | None = None
    open_deals: FloatArray | None = None
    begun_revenue: FloatArray | None = None


@dataclass(frozen=True)
class Ladder:
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
        """Whether any account had both a tier and a score."""
        return bool((~np.isnan(self.score) & (self.level >= 0)).any())

    def held_before(self) -> IntArray:
        """Return the level held in the quarter before; none in the first."""
        before = np.full_like(self.level, NO_TIER)
        before[:, 1:] = self.level[:, :-1]
        return before

    def outcome(self, quarters: int) -> FloatArray:
        """Return won revenue in the window of so many quarters that begins with each quarter.

        Windows that are not over are missing.

        Examples
        --------
        >>> history = History(np.array([[1.0, 2.0, 4.0]]), np.ones((1, 3)), np.zeros(1, int),
        ...                   np.zeros(1))
        >>> unknown = np.full((1, 3), np.nan)
        >>> ladder = Ladder(history, np.zeros((1, 3), int), unknown, unknown,
        ...                 np.zeros((1, 3), bool), ("Tier 1",), np.array(["A"], object), ())
        >>> ladder.outcome(2).tolist()
        [[3.0, 6.0, nan]]
        """
        won = self.history.won_revenue
        total = np.full(won.shape, np.nan)
        last = won.shape[1] - quarters + 1
        if last > 0:
            total[:, :last] = sum(won[:, step : step + last] for step in range(quarters))
        return total
