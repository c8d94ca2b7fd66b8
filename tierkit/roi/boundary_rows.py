"""The account-quarters of two neighbouring tiers, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tierkit.roi.known_before import (
    Covariates,
    covariates,
    known_columns,
    usual_deal_size,
)
from tierkit.roi.lines import NormalScale, capacity_line, own_lines
from tierkit.roi.placed import stays_unasked
from tierkit.roi.standings import BoolArray, FloatArray, IntArray, Standings

Reading = Literal["won revenue", "wins", "wins × usual deal size"]
READINGS: tuple[Reading, ...] = ("won revenue", "wins", "wins × usual deal size")
"""What is read of the deals: the money they brought, how many there were, and that number times
what the account's deals usually bring, so that one whale does not decide."""


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
    placed
        Whether a person or a minimum stay, not the score, decided its tier.
    overridden
        Whether a person did.
    outcome
        What came of the window that begins with the quarter, in the reading asked for.
    worth
        What an account-quarter weighs: money tells less of accounts whose deals are large, in
        proportion to the usual size; 1 for other readings.
    revenue, wins, usual
        Money and number won, and what the account's deals usually brought before the quarter.
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
    placed: BoolArray
    overridden: BoolArray
    outcome: FloatArray
    worth: FloatArray
    revenue: FloatArray
    wins: FloatArray
    usual: FloatArray
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

    def read(self, reading: Reading) -> BoundaryRows:
        """Return the rows with another reading as their outcome."""
        even = np.ones(len(self))
        if reading == "won revenue":
            return replace(self, outcome=self.revenue, worth=1 / self.usual)
        if reading == "wins":
            return replace(self, outcome=self.wins, worth=even)
        return replace(self, outcome=self.wins * self.usual, worth=even)

    def quarter_columns(self) -> FloatArray:
        """Return one column per quarter but the first: 1 where the row is of that quarter."""
        return np.asarray((self.quarter[:, None] == np.unique(self.quarter)[None, 1:]) * 1.0)


@dataclass(frozen=True)
class Boundaries:
    """The boundaries between the tiers of a company; what they share is computed once."""

    standings: Standings
    _standing: dict[int, dict[str, FloatArray]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def known(self) -> dict[str, FloatArray]:
        """What was known of every account on each quarter's first day."""
        return known_columns(self.standings.history)

    @cached_property
    def usual(self) -> FloatArray:
        """What each account's deals usually brought before each quarter."""
        return usual_deal_size(self.standings.history)

    @cached_property
    def scores(self) -> FloatArray:
        """The scores of accounts that held a tier: accounts × quarters, missing elsewhere."""
        return np.where(self.standings.level >= 0, self.standings.score, np.nan)

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
        standings = self.standings
        if boundary not in self._standing:
            self._standing[boundary] = self._stand(boundary)
        standing = self._standing[boundary]
        outcome = standings.outcome(outcome_quarters)
        chosen = np.isin(standings.level, (boundary, boundary + 1)) & ~np.isnan(outcome)
        chosen &= ~np.isnan(standing["points"]) & ~np.isnan(standing["capacity_distance"])
        account, quarter = rows = tuple(np.nonzero(chosen))
        before = standings.held_before()[rows]
        values = {name: value[rows] for name, value in standing.items()}
        stays = values.pop("stays") > 0
        overridden, usual = standings.overridden[rows], self.usual[rows]
        return BoundaryRows(
            upper=standings.tiers[boundary],
            lower=standings.tiers[boundary + 1],
            account=account,
            quarter=quarter,
            cluster=standings.history.cluster[account],
            held=standings.level[rows] == boundary,
            ruled=values["points"] >= 0,
            by_capacity=values["capacity_distance"] >= 0,
            incumbent=(before >= 0) & (before <= boundary),
            placed=overridden | stays,
            overridden=overridden,
            outcome=outcome[rows],
            worth=1 / usual,
            revenue=outcome[rows],
            wins=standings.outcome(outcome_quarters, of="wins")[rows],
            usual=usual,
            known=covariates(self.known, self.past_scores, (account, quarter)),
            **values,
        )

    def _stand(self, boundary: int) -> dict[str, FloatArray]:
        """Return where each account stands against its line and against the line of capacity."""
        stays = stays_unasked(self.standings, boundary)
        lines = own_lines(self.standings, boundary, stays=stays)
        distance, apart = (np.full(lines.shape, np.nan) for _ in range(2))
        for quarter, scale in self.scales.items():
            score, place = self.scores[:, quarter], self.normal_scores[:, quarter]
            common = capacity_line(score, self.standings.level[:, quarter], boundary)
            distance[:, quarter] = place - scale.of(lines[:, quarter])
            far = place - scale.of(np.array([common]))
            apart[:, quarter] = _signed(far, score >= common)
        points = self.standings.score - lines
        return {
            "points": points,
            "distance": _signed(distance, points >= 0),
            "capacity_distance": apart,
            "stays": stays * 1.0,
        }


def _signed(distance: FloatArray, above: BoolArray) -> FloatArray:
    """Give distances that are zero after rounding the sign of the side they are on."""
    return np.where(above, np.maximum(distance, 0.0), np.minimum(distance, -1e-12))
