"""Who gets a slot: overrides, then who keeps its slot, then the best of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tierkit.tiers.ladder import Ladder
from tierkit.tiers.standing import BoolArray, FloatArray, IntArray, Standing


@dataclass(frozen=True)
class Placement:
    """The level of each account, and per limited tier the line that each account faced."""

    levels: IntArray
    lines: tuple[FloatArray, ...]


@dataclass(frozen=True)
class _Filled:
    """One tier after its slots were given out."""

    level: int
    holders: BoolArray
    stays: BoolArray
    claims: BoolArray
    kept: BoolArray
    entered: BoolArray


def place(standing: Standing, *, ladder: Ladder, band: float) -> Placement:
    """Fill the tiers from the top: overrides, then who keeps its slot, then the best of the rest.

    An account that held a tier above counts as one that held this tier: it does not fall through a
    tier that it ranks inside. One that has not yet held its tier long enough keeps it like one
    inside the band.

    Parameters
    ----------
    band
        How far past its end an account keeps its slot, as a multiple.
    """
    levels, filled = _fill(standing, ladder, band)
    lines = []
    for one in filled:
        if not ladder.tiers[one.level].takes_rest:
            exit_line = _exit_line(
                standing, ladder, one.level, band=band, claims=one.claims, kept=one.kept
            )
            entry_line = _entry_line(standing, ladder, one.level, entered=one.entered)
            line = np.where(one.holders, exit_line, entry_line)
            lines.append(np.where(one.stays, np.nan, line))
    return Placement(levels, tuple(lines))


def levels_of(standing: Standing, *, ladder: Ladder, band: float) -> IntArray:
    """Return the level of each account as `place` gives it, without the lines."""
    levels, _ = _fill(standing, ladder, band)
    return levels


def _fill(standing: Standing, ladder: Ladder, band: float) -> tuple[IntArray, list[_Filled]]:
    levels = standing.forced.copy()
    filled = []
    for level, tier in enumerate(ladder.tiers):
        free = (levels == ladder.none) & standing.in_scope & standing.meets[level]
        holders = standing.held <= level
        stays = standing.stays & (standing.held == level)
        claims = free & ((holders & ladder.inside(standing, level, band=band)) | stays)
        slots = _Slots.of(standing, ladder, level)
        kept = slots.first(claims)
        entering = free & ~kept
        if tier.line is not None:
            entering &= ladder.inside(standing, level)
        entered = slots.without(kept).first(entering)
        levels[kept | entered] = level
        filled.append(_Filled(level, holders, stays, claims, kept, entered))
    return levels, filled


def nearest_line(scores: FloatArray, lines: Sequence[FloatArray]) -> FloatArray:
    """Return for each account the line nearest to its score, missing where it faced none."""
    nearest = np.full(len(scores), np.nan)
    for line in lines:
        closer = np.isnan(nearest) | (np.abs(line - scores) < np.abs(nearest - scores))
        nearest = np.where(closer & ~np.isnan(scores), line, nearest)
    return nearest


@dataclass(frozen=True)
class _Slots:
    """The open slots of one tier: by group, and by owner where an owner may hold so many only."""

    standing: Standing
    by_group: FloatArray
    most: int | None
    by_owner: IntArray

    @classmethod
    def of(cls, standing: Standing, ladder: Ladder, level: int) -> _Slots:
        """Return the slots that overrides leave open."""
        forced = standing.forced == level
        whole = cls(
            standing,
            ladder.places[level],
            ladder.tiers[level].max_per_owner,
            np.zeros(int(standing.owners.max(initial=-1)) + 1, dtype=np.int64),
        )
        return whole.without(forced)

    def without(self, members: BoolArray) -> _Slots:
        """Return the slots that are left once these accounts have theirs."""
        owned = self.standing.owners[members & (self.standing.owners >= 0)]
        return _Slots(
            self.standing,
            self.by_group - self.standing.groups.counts(members),
            self.most,
            self.by_owner + np.bincount(owned, minlength=len(self.by_owner)),
        )

    def first(self, candidates: BoolArray) -> BoolArray:
        """Return the candidates that get a slot, best rank first."""
        if self.most is not None:
            return self._first_by_owner(candidates, most=self.most)
        if np.isinf(self.by_group).all():
            return candidates
        groups = self.standing.groups
        return candidates & (groups.running(candidates) <= self.by_group[groups.codes])

    def _first_by_owner(self, candidates: BoolArray, *, most: int) -> BoolArray:
        """Return the same where an owner may hold so many only: one after the other."""
        places = np.flatnonzero(candidates)
        groups = self.standing.groups.codes[places].tolist()
        owners = self.standing.owners[places].tolist()
        open_, held = self.by_group.clip(min=0).tolist(), self.by_owner.tolist()
        chosen: list[int] = []
        left = sum(open_)
        for place_, group, owner in zip(places.tolist(), groups, owners, strict=True):
            if len(chosen) >= left:
                break
            if open_[group] >= 1 and (owner < 0 or held[owner] < most):
                chosen.append(place_)
                open_[group] -= 1
                if owner >= 0:
                    held[owner] += 1
        taken = np.zeros_like(candidates)
        taken[chosen] = True
        return taken


def _exit_line(
    standing: Standing,
    ladder: Ladder,
    level: int,
    *,
    band: float,
    claims: BoolArray,
    kept: BoolArray,
) -> FloatArray:
    """Return the score at the end of the keep band, or of the last one that found a slot."""
    groups, tier = standing.groups, ladder.tiers[level]
    if not tier.sizes:
        return np.full(len(standing.scores), np.nan)
    able = standing.in_scope & ladder.inside(standing, level, band=band)
    if band == np.inf and tier.line is None:
        able = standing.in_scope & standing.meets[level]
    end = groups.lowest(standing.scores, able)
    refused = groups.counts(claims & ~kept) > 0
    crowded = refused & (groups.counts(kept) > 0)
    line = np.where(crowded, groups.lowest(standing.scores, kept), end)
    return np.asarray(line[groups.codes])


def _entry_line(
    standing: Standing, ladder: Ladder, level: int, *, entered: BoolArray
) -> FloatArray:
    """Return the score of the last one let in; with a line in money, the lowest that reaches it."""
    groups, tier = standing.groups, ladder.tiers[level]
    if not tier.sizes:
        return np.full(len(standing.scores), np.nan)
    members = entered if tier.line is None else ladder.inside(standing, level)
    return np.asarray(groups.lowest(standing.scores, members)[groups.codes])
