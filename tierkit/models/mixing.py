"""How much of a card is boosting, powers of past revenue, and the smooth part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.models.boosting import QUICK, bags_by_account, boost
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.draws import account_draws
from tierkit.models.past_revenue import powers_of_past_revenue
from tierkit.models.rows import AS_OF, account_ids
from tierkit.models.smooth import smooth_points
from tierkit.statistics import FloatArray, IntArray, gini

SHARES = np.linspace(0, 1, 11)
BEFORE = 0.5
"""The share of boosting that is taken where nothing can be tried."""

SMOOTH = (0.0, 0.5, 1.0)
"""Shares of the smooth part in what is not boosting."""

_TOWARDS_NONE = 0.005
"""What the smooth part must gain in Gini to take the place of powers of past revenue."""

_TOWARDS_BEFORE = 0.003
"""What a share must gain in Gini to be taken all the way from one half to none or all."""

MOST_ROWS = 30_000
"""A share is tried on about so many rows: accounts are drawn by their ids."""

_THIRDS = 3
_FEWEST_WINS = 20
_HALF_WAY_WINS = 500
Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shares:
    """What a card is made of: a geometric mean.

    Attributes
    ----------
    boosting
        The share of boosting, 0 to 1.
    smooth
        The share of the smooth part in the rest, 0 to 1; the remainder is powers of past revenue.
    """

    boosting: float = BEFORE
    smooth: float = 0.0


def tried_shares(
    criteria: Sequence[Criterion],
    codes: IntArray,
    rows: pd.DataFrame,
    target: FloatArray,
    *,
    windows: Sequence[NumericCriterion],
    seed: int,
) -> Shares:
    """Return the shares of the parts that rank accounts best later on.

    The parts are fitted to the earlier dates of two thirds of the accounts and tried on the newest
    date of the others, each third in turn. The shares are those with the highest mean Gini, less a
    little for the distance of boosting from one half and for the smooth part, so that chance does
    not decide. One bag and large steps
    do for a try. With one date they are tried at that date, and the fewer rows have won revenue the
    nearer to one half the share stays: what ranks other accounts well at the same date may be a
    habit of that season. Of larger panels, the accounts of about 30,000 rows are used.

    Parameters
    ----------
    criteria, codes, rows, target
        As boosting sees them, in one order: bins, their codes, values, amounts of 0 or more.
    windows
        The criteria of past revenue.
    """
    earlier, newest, in_time = _in_time(rows)
    parts = _Parts(criteria, codes, rows, target, windows, seed)
    third = _thirds(rows, seed)
    found = [
        parts.ginis((third != place) & (third >= 0) & earlier, (third == place) & newest)
        for place in range(_THIRDS)
    ]
    tried = [one for one in found if one is not None]
    if not tried:
        return Shares()
    cost = _TOWARDS_BEFORE * np.abs(SHARES - BEFORE) / BEFORE
    smooth_cost = _TOWARDS_NONE * np.array(SMOOTH)
    worth = np.mean(tried, axis=0) - smooth_cost[:, None] - cost[None, :]
    row, column = np.unravel_index(int(np.argmax(np.round(worth, 9))), worth.shape)
    wins = int((target > 0).sum())
    trust = 1.0 if in_time else wins / (wins + _HALF_WAY_WINS)
    best = float(SHARES[column])
    return Shares(BEFORE + (best - BEFORE) * trust, SMOOTH[row] * trust)


@dataclass(frozen=True)
class _Parts:
    """What the parts are fitted to, as `tried_shares` takes it."""

    criteria: Sequence[Criterion]
    codes: IntArray
    rows: pd.DataFrame
    target: FloatArray
    windows: Sequence[NumericCriterion]
    seed: int

    def ginis(self, train: Chosen, test: Chosen) -> FloatArray | None:
        """Return the Gini of every pair of shares on the tested rows; None with too few wins."""
        if min((self.target[side] > 0).sum() for side in (train, test)) < _FEWEST_WINS:
            return None
        bags = bags_by_account(account_ids(self.rows)[train], bags=1, seed=self.seed)
        target = self.target[train]
        boosted = boost(self.criteria, self.codes[train], target, bags, seed=self.seed, pace=QUICK)
        powers = powers_of_past_revenue(self.windows, self.rows[train], target)
        names = [one.name for one in self.criteria]
        places = [names.index(one.name) for one in self.windows]
        by_boosting = _sum_of(boosted.points, self.codes[test], range(len(names)))
        by_powers = _sum_of(powers, self.codes[test], places)
        smooth = smooth_points(self.criteria, self.codes[train], self.rows[train], target)
        by_smooth = _sum_of(smooth, self.codes[test], range(len(names)))
        ginis = np.array(
            [
                [
                    gini(self.target[test], share * by_boosting + (1 - share) * rest)
                    for share in SHARES
                ]
                for part in SMOOTH
                for rest in [(1 - part) * by_powers + part * by_smooth]
            ]
        )
        return np.asarray(np.nan_to_num(ginis))  # a ranking that says nothing counts as 0


def _thirds(rows: pd.DataFrame, seed: int) -> IntArray:
    """Return the third that each row's account is in; -1 for accounts beyond what is tried on."""
    draws = account_draws(account_ids(rows), purpose="mixing", seed=seed)
    kept = min(1.0, MOST_ROWS / max(len(rows), 1))
    third = np.floor(draws / kept * _THIRDS).astype(np.int64)
    return np.where(third < _THIRDS, third, -1)


def _in_time(rows: pd.DataFrame) -> tuple[Chosen, Chosen, bool]:
    """Return the rows before the newest date and those at it; all rows twice with one date."""
    every = np.ones(len(rows), dtype=bool)
    if AS_OF not in rows.index.names:
        return every, every, False
    days = rows.index.get_level_values(AS_OF)
    newest = np.asarray(days.isin([days.max()]))
    return (every, every, False) if newest.all() else (~newest, newest, True)


def _sum_of(points: Sequence[FloatArray], codes: IntArray, places: Sequence[int]) -> FloatArray:
    found = np.zeros(len(codes))
    for one, place in zip(points, places, strict=True):
        found = found + one[codes[:, place]]
    return found
