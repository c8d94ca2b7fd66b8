"""Who gets a slot: capacities, the keep band and the lines, as arrays with the best rank first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tierkit.settings import Tier

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ladder:
    """The tiers from the top: level 0 is the first tier, level `none` is no tier.

    Attributes
    ----------
    names, capacities
        By level; a capacity of None takes the rest.
    keep_band
        How far past the capacity an account keeps its slot, as a multiple.
    """

    names: tuple[str, ...]
    capacities: tuple[int | None, ...]
    keep_band: float

    @classmethod
    def of(cls, tiers: Sequence[Tier], *, keep_band: float) -> Ladder:
        """Return the ladder of the tiers of the settings."""
        names = tuple(tier.name for tier in tiers)
        return cls(names, tuple(tier.capacity for tier in tiers), keep_band)

    @property
    def none(self) -> int:
        """The level of accounts without a tier."""
        return len(self.names)

    def last_rank(self, level: int) -> float:
        """Return the last rank that has a place in this tier or one above."""
        capacities = self.capacities[: level + 1]
        return (
            math.inf if None in capacities else float(sum(c for c in capacities if c is not None))
        )

    def keep_rank(self, level: int) -> float:
        """Return the last rank at which an account keeps this tier.

        Examples
        --------
        >>> ladder = Ladder(("Tier 1", "Tier 2"), (100, 300), keep_band=1.15)
        >>> ladder.keep_rank(0), ladder.keep_rank(1)
        (115, 460)
        """
        last = self.last_rank(level)
        # 1.15 × 100 is a little less than 115 in binary
        return last if math.isinf(last) else math.floor(round(self.keep_band * last, 6))


@dataclass(frozen=True)
class Standing:
    """What is known of each account before slots are given.

    Attributes
    ----------
    scores
        Best first; missing at the end, for accounts outside the scope.
    held, forced
        The level held before, and the level that an override sets; `none` without one.
    """

    scores: FloatArray
    held: IntArray
    forced: IntArray

    @property
    def in_scope(self) -> BoolArray:
        """Whether the account is ranked."""
        return ~np.isnan(self.scores)

    def without_overrides(self, ladder: Ladder) -> Standing:
        """Return the same with no override."""
        return replace(self, forced=np.full_like(self.forced, ladder.none))

    def without_history(self, ladder: Ladder) -> Standing:
        """Return the same as if nobody had held a tier."""
        return replace(self, held=np.full_like(self.held, ladder.none))


@dataclass(frozen=True)
class Placement:
    """The level of each account, and per tier with a capacity the line that each account faced."""

    levels: IntArray
    lines: tuple[FloatArray, ...]


def place(standing: Standing, *, ladder: Ladder) -> Placement:
    """Fill the tiers from the top: overrides, then who keeps its slot, then the best of the rest.

    An account that held a tier above counts as one that held this tier: it does not fall through a
    tier that it ranks inside.
    """
    taken = np.bincount(standing.forced, minlength=ladder.none + 1)
    levels = standing.forced.copy()
    rank = np.arange(1, len(levels) + 1)
    lines = []
    for level, capacity in enumerate(ladder.capacities):
        free = (levels == ladder.none) & standing.in_scope
        if capacity is None:
            levels[free] = level
            break
        slots = capacity - int(taken[level])
        holders = standing.held <= level
        kept = _first(free & holders & (rank <= ladder.keep_rank(level)), slots)
        entered = _first(free & ~kept, slots - int(kept.sum()))
        levels[kept | entered] = level
        exit_line = _exit_line(standing.scores, free & holders, kept, ladder.keep_rank(level))
        entry_line = _lowest(standing.scores, entered)
        lines.append(np.where(holders, exit_line, entry_line))
    return Placement(levels, tuple(lines))


def nearest_line(scores: FloatArray, lines: Sequence[FloatArray]) -> FloatArray:
    """Return for each account the line nearest to its score, missing where it faced none."""
    nearest = np.full(len(scores), np.nan)
    for line in lines:
        closer = np.isnan(nearest) | (np.abs(line - scores) < np.abs(nearest - scores))
        nearest = np.where(closer & ~np.isnan(scores), line, nearest)
    return nearest


def _first(candidates: BoolArray, slots: int) -> BoolArray:
    """Return the candidates that get one of the slots, best rank first."""
    return candidates & (np.cumsum(candidates) <= slots)


def _exit_line(scores: FloatArray, holders: BoolArray, kept: BoolArray, keep_rank: float) -> float:
    """Return the score at the end of the keep band, or of the last one that found a slot."""
    ranked = int((~np.isnan(scores)).sum())
    if ranked == 0 or keep_rank < 1:
        return math.nan
    end = min(ranked, int(keep_rank))
    short_of_slots = kept.any() and bool((holders & ~kept)[:end].any())
    return _lowest(scores, kept) if short_of_slots else float(scores[end - 1])


def _lowest(scores: FloatArray, members: BoolArray) -> float:
    return float(scores[members].min()) if members.any() else math.nan
