"""Ranked accounts as arrays, best rank first, and the reasons why they change their tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.settings import StabilitySettings, Tier

if TYPE_CHECKING:
    from tierkit.tiers.slots import TierPlaces

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """The group, of `count` groups, that each account belongs to.

    Examples
    --------
    >>> groups = Groups(np.array([0, 1, 0, 1]), 2)
    >>> groups.running(np.array([True, True, True, False])).tolist()
    [1, 1, 2, 1]
    """

    codes: IntArray
    count: int

    def running(self, members: BoolArray) -> IntArray:
        """Return how many members of its group stand at each account's place or above it."""
        if self.count == 1:
            return np.cumsum(members)
        sums = np.cumsum(members[self._order])
        starts = np.cumsum(self._sizes) - self._sizes
        above = np.concatenate([[0], sums])[starts]
        running = np.empty(len(sums), dtype=np.int64)
        running[self._order] = sums - np.repeat(above, self._sizes)
        return running

    def runs(self, values: FloatArray) -> list[FloatArray]:
        """Return the values of each group, in the order of its accounts."""
        return np.split(values[self._order], np.cumsum(self._sizes)[:-1])

    def counts(self, members: BoolArray) -> IntArray:
        """Return the members of each group."""
        return np.bincount(self.codes[members], minlength=self.count).astype(np.int64)

    def lowest(self, values: FloatArray, members: BoolArray) -> FloatArray:
        """Return the lowest value among the members of each group, missing without one."""
        found = np.full(self.count, np.inf)
        np.minimum.at(found, self.codes[members], values[members])
        return np.where(np.isinf(found), np.nan, found)

    @cached_property
    def _order(self) -> IntArray:
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def _sizes(self) -> IntArray:
        return np.bincount(self.codes, minlength=self.count).astype(np.int64)


@dataclass(frozen=True)
class RankedAccounts:
    """Everything known of each account before slots are given.

    Attributes
    ----------
    scores
        Best first; missing at the end, for accounts outside the scope.
    money
        Predicted revenue.
    held, forced
        The level held before, and the level that an override sets; the number of tiers without one.
    held_by_model
        The level held before, as the model gave it: of accounts that are overridden it may differ.
    stays
        Whether the account has not yet held its tier as long as it shall.
    groups, owners
        Groups that are filled each by itself; the owner, -1 where nobody is.
    meets
        By level: whether the account meets the tier's written rule.
    """

    scores: FloatArray
    money: FloatArray
    held: IntArray
    forced: IntArray
    held_by_model: IntArray
    stays: BoolArray
    groups: Groups
    owners: IntArray
    meets: tuple[BoolArray, ...]

    @property
    def in_scope(self) -> BoolArray:
        """True for accounts that are ranked."""
        return ~np.isnan(self.scores)

    @property
    def none(self) -> int:
        """The level of accounts without a tier."""
        return len(self.meets)

    def without_overrides(self) -> RankedAccounts:
        """Return the same with no override: a tier held by one alone was never held."""
        by_hand = (self.forced < self.none) & (self.held != self.held_by_model)
        return replace(
            self,
            forced=np.full_like(self.forced, self.none),
            held=np.where(by_hand, self.held_by_model, self.held),
            stays=self.stays & ~by_hand,
        )

    def without_history(self) -> RankedAccounts:
        """Return the same as if nobody had held a tier."""
        nothing = np.full_like(self.held, self.none)
        return replace(self, held=nothing, held_by_model=nothing).without_stay()

    def without_stay(self) -> RankedAccounts:
        """Return the same without a minimum stay."""
        return replace(self, stays=np.zeros_like(self.stays))


@dataclass(frozen=True)
class AccountContext:
    """The columns that the rules of the tiers need besides predictions, each by account_id.

    Attributes
    ----------
    columns
        The columns that written rules name, and `owner`; None where nothing is known.
    groups
        The group in which the account's tiers are filled; None where all accounts are one.
    quarters_held
        For how many quarter-ends in a row the account has held its tier; an account that is absent
        has held it long enough.
    held_by_model
        The tier that the model gave each account when it got the tier it holds. Where that is not
        known of an overridden account, a tier equal to its override counts as held by it alone.
    """

    columns: pd.DataFrame | None = None
    groups: pd.Series[str] | None = None
    quarters_held: pd.Series[int] | None = None
    held_by_model: pd.Series[str] | None = None


def levels_of(names: pd.Series[str], tiers: Sequence[str]) -> IntArray:
    """Return the level of each tier's name, that of no tier for missing and unknown ones.

    Examples
    --------
    >>> levels_of(pd.Series(["B", None, "X"], dtype="str"), ["A", "B"]).tolist()
    [1, 2, 2]
    """
    levels = pd.Index(tiers).get_indexer(pd.Index(names))
    return np.where(levels < 0, len(tiers), levels).astype(np.int64)


def minimum_stay(tier: Tier, stability: StabilitySettings) -> int:
    """Return for how many quarters an account stays in the tier before rank can take it away."""
    return stability.min_quarters if tier.min_quarters is None else tier.min_quarters


FIRST_RUN = "first tiers"
STAYED = ""
OVERRIDE = "override"
ENTERED = "entered scope"
LEFT = "left scope"
ROSE = "rank rose into the tier"
SLOT_OPENED = "a slot opened"
FELL = "rank fell past the keep band"
NO_SLOT = "overrides or a smaller capacity left no slot"
RENAMED = "the earlier tier is no longer in the settings"
ABOVE_LINE = "predicted revenue rose to the line"
BELOW_LINE = "predicted revenue fell below the line"
MEETS = "meets the tier's rule"
MEETS_NOT = "no longer meets the tier's rule"
OWNER_FULL = "its owner holds as many accounts of the tier as one may"

Words = npt.NDArray[np.object_]


def move_reasons(
    ranked: RankedAccounts,
    levels: IntArray,
    *,
    retired: BoolArray,
    places: TierPlaces,
    band: float,
) -> Words:
    """Return the main reason of each account's move, empty where the tier stayed.

    Parameters
    ----------
    levels
        The tiers given, by level.
    retired
        Whether the account held a tier that the settings no longer have.
    band
        The keep band that was used.
    """
    held, none = ranked.held, places.none
    reached = _by_level(levels, places, lambda level: places.inside(ranked, level))
    kept = _by_level(held, places, lambda level: places.inside(ranked, level, band=band))
    meets = _by_level(held, places, lambda level: ranked.meets[level])
    rose, fell = _words(levels, places, _rise), _words(held, places, _fall)
    rules = [
        (retired, RENAMED),
        (levels == held, STAYED),
        (ranked.forced < none, OVERRIDE),
        (~ranked.in_scope, LEFT),
        (held == none, ENTERED),
        ((levels < held) & reached, rose),
        (levels < held, SLOT_OPENED),
        (~meets, MEETS_NOT),
        (~kept, fell),
        (_owner_is_full(ranked, levels, places), OWNER_FULL),
    ]
    conditions, words = zip(*rules, strict=True)
    chosen = [np.array(word, dtype=object) if isinstance(word, str) else word for word in words]
    return np.select(conditions, chosen, NO_SLOT)


def _rise(tier: Tier) -> str:
    if tier.line is not None:
        return ABOVE_LINE
    return ROSE if tier.sizes or tier.takes_rest else MEETS


def _fall(tier: Tier) -> str:
    return FELL if tier.line is None else BELOW_LINE


def _words(levels: IntArray, places: TierPlaces, spell: Callable[[Tier], str]) -> Words:
    return np.array([*map(spell, places.tiers), ""], dtype=object)[levels]


def _by_level(levels: IntArray, places: TierPlaces, ask: Callable[[int], BoolArray]) -> BoolArray:
    """Return for each account what holds of it at its own level; true without one."""
    found = np.ones(len(levels), dtype=bool)
    for level in range(places.none):
        at = levels == level
        if at.any():
            found[at] = ask(level)[at]
    return found


def _owner_is_full(ranked: RankedAccounts, levels: IntArray, places: TierPlaces) -> BoolArray:
    """Return whether the owner has as many accounts in the tier held before as one may."""
    full = np.zeros(len(levels), dtype=bool)
    owners = int(ranked.owners.max(initial=-1)) + 1
    for level, tier in enumerate(places.tiers):
        if tier.max_per_owner is not None and owners:
            owned = ranked.owners[(levels == level) & (ranked.owners >= 0)]
            at_most = np.bincount(owned, minlength=owners) >= tier.max_per_owner
            asks = (ranked.held == level) & (ranked.owners >= 0)
            full |= asks & at_most[ranked.owners]
    return full
