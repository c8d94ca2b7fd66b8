"""Slots of tiers: overrides first, then holders that keep theirs, then the best of the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_in
from tierkit.tiers.ranked_accounts import BoolArray, FloatArray, IntArray, RankedAccounts


@dataclass(frozen=True)
class TierPlaces:
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
    def of(
        cls, tiers: Sequence[Tier], ranked: RankedAccounts, *, groups: Sequence[str]
    ) -> TierPlaces:
        """Return the places that the tiers of the settings make of these accounts.

        Parameters
        ----------
        groups
            The names of the groups, by code.
        """
        positions = _positions(ranked)
        places, last = [], []
        above = np.zeros(ranked.groups.count)
        for level, tier in enumerate(tiers):
            room = _room(tier, ranked, above=above, groups=groups)
            able = ranked.groups.counts(_reaches(tier, ranked, level, band=1.0))
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

    def inside(self, ranked: RankedAccounts, level: int, *, band: float = 1.0) -> BoolArray:
        """Return whether each account ranks, or is predicted to earn, enough for the tier.

        Parameters
        ----------
        band
            By how much it may fall short, as a multiple: 1.25 reaches to rank 1.25 × capacity, or
            down to the line over 1.25. A written rule is met or not, whatever the band.
        """
        reaches = _reaches(self.tiers[level], ranked, level, band=band)
        if "line" in self.tiers[level].sizes or not self.tiers[level].sizes:
            return reaches
        ends = self.keep_last(level, band=band)[ranked.groups.codes]
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


def _positions(ranked: RankedAccounts) -> tuple[IntArray, ...]:
    positions: list[IntArray] = []
    able = np.zeros_like(ranked.in_scope)
    for meets in ranked.meets:
        wider = able | (meets & ranked.in_scope)
        if not positions or (wider != able).any():
            positions.append(ranked.groups.running(wider))
        else:
            positions.append(positions[-1])
        able = wider
    return tuple(positions)


def _reaches(tier: Tier, ranked: RankedAccounts, level: int, *, band: float) -> BoolArray:
    """Return whether each account meets the tier's written rule and reaches its line."""
    reaches = ranked.meets[level] & ranked.in_scope
    if tier.line is not None:
        reaches = reaches & (ranked.money >= tier.line / band)
    return reaches


def _room(
    tier: Tier, ranked: RankedAccounts, *, above: FloatArray, groups: Sequence[str]
) -> FloatArray:
    """Return by group how many accounts the tier has room for."""
    if tier.capacity is not None:
        return np.array([float(capacity_in(tier, name)) for name in groups])
    if tier.share is not None:
        in_scope = ranked.groups.counts(ranked.in_scope)
        return np.asarray(np.floor(tier.share * in_scope + 0.5))
    if tier.revenue_share is not None:
        return _holding(tier.revenue_share, ranked, above=above)
    return np.full(ranked.groups.count, np.inf)


def _holding(share: float, ranked: RankedAccounts, *, above: FloatArray) -> FloatArray:
    """Return by group how many accounts after those above hold this share of predicted revenue."""
    groups = ranked.groups
    room = np.zeros(groups.count)
    money = np.where(ranked.in_scope, np.nan_to_num(ranked.money).clip(min=0.0), 0.0)
    for group, rows in enumerate(groups.runs(money)):
        total = rows.sum()
        if total > 0 and not math.isinf(above[group]):
            held = np.cumsum(rows[int(above[group]) :])
            reached = np.searchsorted(held, share * total * (1 - 1e-12), side="left")
            room[group] = min(int(reached) + (share > 0), len(held))
    return room


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


def fill_places(ranked: RankedAccounts, *, places: TierPlaces, band: float) -> Placement:
    """Fill the tiers from the top: overrides, then who keeps its slot, then the best of the rest.

    An account that held a tier above counts as one that held this tier: it does not fall through a
    tier that it ranks inside. One that has not yet held its tier long enough keeps it like one
    inside the band.

    Parameters
    ----------
    band
        How far past its end an account keeps its slot, as a multiple.
    """
    levels, filled = _fill(ranked, places, band)
    lines = []
    for one in filled:
        if not places.tiers[one.level].takes_rest:
            exit_line = _exit_line(
                ranked, places, one.level, band=band, claims=one.claims, kept=one.kept
            )
            entry_line = _entry_line(ranked, places, one.level, entered=one.entered)
            line = np.where(one.holders, exit_line, entry_line)
            lines.append(np.where(one.stays, np.nan, line))
    return Placement(levels, tuple(lines))


def levels_of(ranked: RankedAccounts, *, places: TierPlaces, band: float) -> IntArray:
    """Return the level of each account as `fill_places` gives it, without the lines."""
    levels, _ = _fill(ranked, places, band)
    return levels


def _fill(
    ranked: RankedAccounts, places: TierPlaces, band: float
) -> tuple[IntArray, list[_Filled]]:
    levels = ranked.forced.copy()
    filled = []
    for level, tier in enumerate(places.tiers):
        free = (levels == places.none) & ranked.in_scope & ranked.meets[level]
        holders = ranked.held <= level
        stays = ranked.stays & (ranked.held == level)
        claims = free & ((holders & places.inside(ranked, level, band=band)) | stays)
        slots = _Slots.of(ranked, places, level)
        kept = slots.first(claims)
        entering = free & ~kept
        if tier.line is not None:
            entering &= places.inside(ranked, level)
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

    ranked: RankedAccounts
    by_group: FloatArray
    most: int | None
    by_owner: IntArray

    @classmethod
    def of(cls, ranked: RankedAccounts, places: TierPlaces, level: int) -> _Slots:
        """Return the slots that overrides leave open."""
        forced = ranked.forced == level
        whole = cls(
            ranked,
            places.places[level],
            places.tiers[level].max_per_owner,
            np.zeros(int(ranked.owners.max(initial=-1)) + 1, dtype=np.int64),
        )
        return whole.without(forced)

    def without(self, members: BoolArray) -> _Slots:
        """Return the slots that are left once these accounts have theirs."""
        owned = self.ranked.owners[members & (self.ranked.owners >= 0)]
        return _Slots(
            self.ranked,
            self.by_group - self.ranked.groups.counts(members),
            self.most,
            self.by_owner + np.bincount(owned, minlength=len(self.by_owner)),
        )

    def first(self, candidates: BoolArray) -> BoolArray:
        """Return the candidates that get a slot, best rank first."""
        if self.most is not None:
            return self._first_by_owner(candidates, most=self.most)
        if np.isinf(self.by_group).all():
            return candidates
        groups = self.ranked.groups
        return candidates & (groups.running(candidates) <= self.by_group[groups.codes])

    def _first_by_owner(self, candidates: BoolArray, *, most: int) -> BoolArray:
        """Return the same where an owner may hold so many only: one after the other."""
        found = np.flatnonzero(candidates)
        groups = self.ranked.groups.codes[found].tolist()
        owners = self.ranked.owners[found].tolist()
        open_, held = self.by_group.clip(min=0).tolist(), self.by_owner.tolist()
        chosen: list[int] = []
        left = sum(open_)
        for place_, group, owner in zip(found.tolist(), groups, owners, strict=True):
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
    ranked: RankedAccounts,
    places: TierPlaces,
    level: int,
    *,
    band: float,
    claims: BoolArray,
    kept: BoolArray,
) -> FloatArray:
    """Return the score at the end of the keep band, or of the last one that found a slot."""
    groups, tier = ranked.groups, places.tiers[level]
    if not tier.sizes:
        return np.full(len(ranked.scores), np.nan)
    able = ranked.in_scope & places.inside(ranked, level, band=band)
    if band == np.inf and tier.line is None:
        able = ranked.in_scope & ranked.meets[level]
    end = groups.lowest(ranked.scores, able)
    refused = groups.counts(claims & ~kept) > 0
    crowded = refused & (groups.counts(kept) > 0)
    line = np.where(crowded, groups.lowest(ranked.scores, kept), end)
    return np.asarray(line[groups.codes])


def _entry_line(
    ranked: RankedAccounts, places: TierPlaces, level: int, *, entered: BoolArray
) -> FloatArray:
    """Return the score of the last one let in; with a line in money, the lowest that reaches it."""
    groups, tier = ranked.groups, places.tiers[level]
    if not tier.sizes:
        return np.full(len(ranked.scores), np.nan)
    members = entered if tier.line is None else places.inside(ranked, level)
    return np.asarray(groups.lowest(ranked.scores, members)[groups.codes])


_ONE_EXCHANGE = 2
_STEP = 1.001
_WIDEST = 1e6


@dataclass(frozen=True)
class MoveBudget:
    """The effect of the move budget.

    Attributes
    ----------
    most
        How many accounts may move; None where moves are not limited.
    band
        The keep band that holds to it: that of the settings, or a wider one.
    asked
        How many accounts would move with the band of the settings.
    """

    most: int | None
    band: float
    asked: int


def within_budget(
    ranked: RankedAccounts, *, places: TierPlaces, stability: StabilitySettings
) -> MoveBudget:
    """Return the narrowest keep band, not below that of the settings, that holds to the budget.

    The budget is a share of the accounts that have a tier and are in scope, those that a person
    set aside; two moves, one exchange, are always within it unless it is 0. A move is a change of
    tier of such an account. Where not even an endless band is enough (places were added or taken
    away), the band is endless.
    """
    usual = stability.keep_band
    asked = count_moves(ranked, levels_of(ranked, places=places, band=usual))
    counted = int(_may_move(ranked).sum())
    if stability.max_moves_share >= 1 or counted == 0:
        return MoveBudget(None, usual, asked)
    share = stability.max_moves_share
    most = max(math.floor(round(share * counted, 6)), _ONE_EXCHANGE if share else 0)
    if asked <= most:
        return MoveBudget(most, usual, asked)
    return MoveBudget(most, _widened(ranked, places, usual, most), asked)


def count_moves(ranked: RankedAccounts, levels: IntArray) -> int:
    """Return how many accounts in scope change the tier they have, overrides aside."""
    return int((_may_move(ranked) & (levels != ranked.held)).sum())


def _may_move(ranked: RankedAccounts) -> BoolArray:
    free: BoolArray = ranked.forced == ranked.none
    return free & (ranked.held < ranked.none) & ranked.in_scope


def _widened(ranked: RankedAccounts, places: TierPlaces, usual: float, most: int) -> float:
    """Return by halving, to one in a thousand, the narrowest band that is wide enough."""

    def holds(band: float) -> bool:
        return count_moves(ranked, levels_of(ranked, places=places, band=band)) <= most

    low, high = usual, 2 * usual
    while not holds(high):
        low, high = high, 4 * high
        if high > _WIDEST:
            return math.inf
    while high / low > _STEP:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
