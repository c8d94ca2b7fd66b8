"""The account-quarters of two neighbouring tiers, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


def boundary_rows(ladder: Ladder, boundary: int, *, outcome_quarters: int) -> BoundaryRows:
    """Return the account-quarters of tier `boundary` and the next whose outcomes are complete."""
    standing = _standing(ladder, boundary)
    outcome = ladder.outcome(outcome_quarters)
    chosen = np.isin(ladder.level, (boundary, boundary + 1)) & ~np.isnan(outcome)
    chosen &= ~np.isnan(standing["points"]) & ~np.isnan(standing["capacity_distance"])
    rows = tuple(np.nonzero(chosen))
    columns = known_columns(ladder.history)
    before = ladder.held_before()[rows]
    values = {name: value[rows] for name, value in standing.items() if name != "past_scores"}
    return BoundaryRows(
        upper=ladder.tiers[boundary],
        lower=ladder.tiers[boundary + 1],
        account=rows[0],
        quarter=rows[1],
        cluster=ladder.history.cluster[rows[0]],
        held=ladder.level[rows] == boundary,
        ruled=values["points"] >= 0,
        points=values["points"],
        distance=values["distance"],
        by_capacity=values["capacity_distance"] >= 0,
        capacity_distance=values["capacity_distance"],
        incumbent=(before >= 0) & (before <= boundary),
        outcome=outcome[rows],
        known=covariates(columns, standing["past_scores"], (rows[0], rows[1])),
    )


def _standing(ladder: Ladder, boundary: int) -> dict[str, FloatArray]:
    """Return where each account stands against its line and against the line of capacity."""
    lines = own_lines(ladder, boundary)
    shape = ladder.score.shape
    normal, distance, apart = (np.full(shape, np.nan) for _ in range(3))
    for quarter in range(shape[1]):
        level = ladder.level[:, quarter]
        score = np.where(level >= 0, ladder.score[:, quarter], np.nan)
        if np.isnan(score).all():
            continue
        scored = ~np.isnan(score)
        scale = NormalScale(score)
        place = scale.of(score[scored])
        normal[scored, quarter] = place
        distance[scored, quarter] = place - scale.of(lines[scored, quarter])
        common = np.array([capacity_line(score, level, boundary)])
        apart[scored, quarter] = place - scale.of(common)
        reached = score[scored] >= common
        apart[scored, quarter] = _signed(apart[scored, quarter], reached)
    points = ladder.score - lines
    return {
        "points": points,
        "distance": _signed(distance, points >= 0),
        "capacity_distance": apart,
        "past_scores": _past_scores(normal),
    }


def _signed(distance: FloatArray, above: BoolArray) -> FloatArray:
    """Give distances that are zero after rounding the sign of the side they are on."""
    return np.where(above, np.maximum(distance, 0.0), np.minimum(distance, -1e-12))


def _past_scores(normal: FloatArray) -> FloatArray:
    """Return the mean of an account's earlier scores less its score; 0 without earlier ones."""
    known = ~np.isnan(normal)
    counts = np.cumsum(known, axis=1) - known
    sums = np.cumsum(np.where(known, normal, 0.0), axis=1) - np.where(known, normal, 0.0)
    apart = sums / np.maximum(counts, 1) - normal
    return np.where((counts > 0) & known, apart, 0.0)
