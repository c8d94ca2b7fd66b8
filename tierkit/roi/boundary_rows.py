"""The account-quarters of two neighbouring tiers, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from tierkit.roi.covariates import Covariates, covariates, known_columns
from tierkit.roi.ladder import BoolArray, FloatArray, IntArray, Ladder
from tierkit.roi.lines import NormalScale, capacity_line, own_lines


@dataclass(frozen=True)
class BoundaryRows:
    """One entry per account-quarter that began in one of two neighbouring tiers, with a score.

    Attributes
    ----------
    upper, lower
        Names of the tiers.
    account, quarter, cluster
        Positions; accounts below one ultimate parent share a cluster.
    held
        Whether the account held the upper tier.
    ruled
        Whether its score reached the line that it faced.
    points
        Score less that line.
    distance
        The same as a difference of normal scores of the quarter.
    by_capacity, capacity_distance
        Whether the score reached the one line that fills the upper tiers by score alone, and how
        far above it it lies.
    incumbent
        Whether the account held the upper tier, or one above it, the quarter before.
    outcome
        Won revenue in the window that begins with the quarter.
    known
        What was known on its first day.
    """

    upper: str
    lower: str
    account: IntArray
    quarter: IntArray
    cluster: IntArray
    held: BoolArray
    ruled: BoolArray
    points: FloatArray
    distance: FloatArray
    by_capacity: BoolArray
    capacity_distance: FloatArray
    incumbent: BoolArray
    outcome: FloatArray
    known: Covariates

    def __len__(self) -> int:
        """How many account-quarters there are."""
        return len(self.account)

    @property
    def off_rule(self) -> BoolArray:
        """Whether the tier held differs from what one line for all would have given."""
        return np.asarray(self.held != self.by_capacity)

    def where(self, chosen: BoolArray) -> BoundaryRows:
        """Return some of the rows."""
        arrays: dict[str, Any] = {
            name: value[chosen]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        known = Covariates(self.known.values[chosen], self.known.names)
        return replace(self, **arrays, known=known)

    def quarter_columns(self) -> FloatArray:
        """Return one column per quarter but the first: 1 where the row is of that quarter."""
        return np.asarray((self.quarter[:, None] == np.unique(self.quarter)[None, 1:]) * 1.0)


@dataclass(frozen=True)
class Boundaries:
    """The boundaries between the tiers of a ladder; what they share is computed once."""

    ladder: Ladder
    _standing: dict[int, dict[str, FloatArray]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def known(self) -> dict[str, FloatArray]:
        """What was known of every account on each quarter's first day."""
        return known_columns(self.ladder.history)

    @cached_property
    def scores(self) -> FloatArray:
        """The scores of accounts that held a tier: accounts × quarters, missing elsewhere."""
        return np.where(self.ladder.level >= 0, self.ladder.score, np.nan)

    @cached_property
    def scales(self) -> dict[int, NormalScale]:
        """The normal scale of each quarter in which anybody was scored."""
        scored = np.flatnonzero(~np.isnan(self.scores).all(axis=0)).tolist()
        return {quarter: NormalScale(self.scores[:, quarter]) for quarter in scored}

    @cached_property
    def normal_scores(self) -> FloatArray:
        """Where the scores lie on the normal scale of their quarter."""
        found = np.full(self.scores.shape, np.nan)
        for quarter, scale in self.scales.items():
            score = self.scores[:, quarter]
            scored = ~np.isnan(score)
            found[scored, quarter] = scale.of(score[scored])
        return found

    @cached_property
    def past_scores(self) -> FloatArray:
        """The mean of an account's earlier normal scores less its own; 0 without earlier ones."""
        known = ~np.isnan(self.normal_scores)
        filled = np.where(known, self.normal_scores, 0.0)
        counts = np.cumsum(known, axis=1) - known
        sums = np.cumsum(filled, axis=1) - filled
        apart = sums / np.maximum(counts, 1) - self.normal_scores
        return np.where((counts > 0) & known, apart, 0.0)

    def rows(self, boundary: int, *, outcome_quarters: int) -> BoundaryRows:
        """Return the account-quarters of tier `boundary` and the next with complete outcomes."""
        ladder = self.ladder
        if boundary not in self._standing:
            self._standing[boundary] = self._stand(boundary)
        standing = self._standing[boundary]
        outcome = ladder.outcome(outcome_quarters)
        chosen = np.isin(ladder.level, (boundary, boundary + 1)) & ~np.isnan(outcome)
        chosen &= ~np.isnan(standing["points"]) & ~np.isnan(standing["capacity_distance"])
        account, quarter = rows = tuple(np.nonzero(chosen))
        before = ladder.held_before()[rows]
        values = {name: value[rows] for name, value in standing.items()}
        return BoundaryRows(
            upper=ladder.tiers[boundary],
            lower=ladder.tiers[boundary + 1],
            account=account,
            quarter=quarter,
            cluster=ladder.history.cluster[account],
            held=ladder.level[rows] == boundary,
            ruled=values["points"] >= 0,
            by_capacity=values["capacity_distance"] >= 0,
            incumbent=(before >= 0) & (before <= boundary),
            outcome=outcome[rows],
            known=covariates(self.known, self.past_scores, (account, quarter)),
            **values,
        )

    def _stand(self, boundary: int) -> dict[str, FloatArray]:
        """Return where each account stands against its line and against the line of capacity."""
        lines = own_lines(self.ladder, boundary)
        distance, apart = (np.full(lines.shape, np.nan) for _ in range(2))
        for quarter, scale in self.scales.items():
            score, place = self.scores[:, quarter], self.normal_scores[:, quarter]
            common = capacity_line(score, self.ladder.level[:, quarter], boundary)
            distance[:, quarter] = place - scale.of(lines[:, quarter])
            far = place - scale.of(np.array([common]))
            apart[:, quarter] = _signed(far, score >= common)
        points = self.ladder.score - lines
        return {
            "points": points,
            "distance": _signed(distance, points >= 0),
            "capacity_distance": apart,
        }


def _signed(distance: FloatArray, above: BoolArray) -> FloatArray:
    """Give distances that are zero after rounding the sign of the side they are on."""
    return np.where(above, np.maximum(distance, 0.0), np.minimum(distance, -1e-12))
