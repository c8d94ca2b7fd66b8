"""The tiers from the top, with the places and the ends that their rules give in each group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tierkit.settings import Tier
from tierkit.tiers.overrides import capacity_in
from tierkit.tiers.standing import BoolArray, FloatArray, IntArray, Standing


@dataclass(frozen=True)
class Ladder:
    """The tiers from the top: level 0 is the first tier, level `none` is no tier.

    Attributes
    ----------
    tiers
        By level.
    places
        Levels × groups: how many accounts the tier has room for, infinite where it has no size.
    last
        Levels × groups: the last position that belongs to this tier or one above by rule.
    positions
        By level: the account's position in its group among those that may stand in this tier or
        one above; its rank in the group where no tier has a written rule.
    """

    tiers: tuple[Tier, ...]
    places: FloatArray
    last: FloatArray
    positions: tuple[IntArray, ...]

    @classmethod
    def of(cls, tiers: Sequence[Tier], standing: Standing, *, groups: Sequence[str]) -> Ladder:
        """Return the ladder that the tiers of the settings make of these accounts.

        Parameters
        ----------
        groups
            The names of the groups, by code.
        """
        positions = _positions(standing)
        places, last = [], []
        above = np.zeros(standing.groups.count)
        for level, tier in enumerate(tiers):
            room = _room(tier, standing, above=above, groups=groups)
            able = standing.groups.counts(_reaches(tier, standing, level, band=1.0))
            above = above + (np.inf if tier.takes_rest else np.minimum(room, able))
            places.append(room)
            last.append(above)
        return cls(tuple(tiers), np.array(places), np.array(last), positions)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tiers, by level."""
        return tuple(tier.name for tier in self.tiers)

    @property
    def none(self) -> int:
        """The level of accounts without a tier."""
        return len(self.tiers)

    def inside(self, standing: Standing, level: int, *, band: float = 1.0) -> BoolArray:
        """Return whether each account ranks, or is predicted to earn, enough for the tier.

        Parameters
        ----------
        band
            By how much it may fall short, as a multiple: 1.25 reaches to rank 1.25 × capacity, or
            down to the line over 1.25. A written rule is met or not, whatever the band.
        """
        reaches = _reaches(self.tiers[level], standing, level, band=band)
        if "line" in self.tiers[level].sizes or not self.tiers[level].sizes:
            return reaches
        ends = self.keep_last(level, band=band)[standing.groups.codes]
        within: BoolArray = reaches & (self.positions[level] <= ends)
        return within

    def keep_last(self, level: int, *, band: float) -> FloatArray:
        """Return by group the last position at which an account keeps this tier.

        1.15 × 100 is a little less than 115 in binary, so products are rounded before they are cut.
        """
        last = self.last[level]
        if math.isinf(band):
            return np.where(last > 0, np.inf, 0.0)
        with np.errstate(invalid="ignore"):
            cut = np.floor(np.round(band * last, 6))
        return np.asarray(np.where(np.isinf(last), last, cut))


def _positions(standing: Standing) -> tuple[IntArray, ...]:
    positions: list[IntArray] = []
    able = np.zeros_like(standing.in_scope)
    for meets in standing.meets:
        wider = able | (meets & standing.in_scope)
        if not positions or (wider != able).any():
            positions.append(standing.groups.running(wider))
        else:
            positions.append(positions[-1])
        able = wider
    return tuple(positions)


def _reaches(tier: Tier, standing: Standing, level: int, *, band: float) -> BoolArray:
    """Return whether each account meets the tier's written rule and reaches its line."""
    reaches = standing.meets[level] & standing.in_scope
    if tier.line is not None:
        reaches = reaches & (standing.money >= tier.line / band)
    return reaches


def _room(
    tier: Tier, standing: Standing, *, above: FloatArray, groups: Sequence[str]
) -> FloatArray:
    """Return by group how many accounts the tier has room for."""
    if tier.capacity is not None:
        return np.array([float(capacity_in(tier, name)) for name in groups])
    if tier.share is not None:
        in_scope = standing.groups.counts(standing.in_scope)
        return np.asarray(np.floor(tier.share * in_scope + 0.5))
    if tier.revenue_share is not None:
        return _holding(tier.revenue_share, standing, above=above)
    return np.full(standing.groups.count, np.inf)


def _holding(share: float, standing: Standing, *, above: FloatArray) -> FloatArray:
    """Return by group how many accounts after those above hold this share of predicted revenue."""
    groups = standing.groups
    room = np.zeros(groups.count)
    money = np.where(standing.in_scope, np.nan_to_num(standing.money).clip(min=0.0), 0.0)
    for group, rows in enumerate(groups.runs(money)):
        total = rows.sum()
        if total > 0 and not math.isinf(above[group]):
            held = np.cumsum(rows[int(above[group]) :])
            reached = np.searchsorted(held, share * total * (1 - 1e-12), side="left")
            room[group] = min(int(reached) + (share > 0), len(held))
    return room
