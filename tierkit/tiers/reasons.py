"""Why an account changes its tier, in plain words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tierkit.settings import Tier
from tierkit.tiers.slots import TierPlaces
from tierkit.tiers.standing import BoolArray, IntArray, RankedAccounts

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
    standing: RankedAccounts,
    levels: IntArray,
    *,
    retired: BoolArray,
    ladder: TierPlaces,
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
    held, none = standing.held, ladder.none
    reached = _by_level(levels, ladder, lambda level: ladder.inside(standing, level))
    kept = _by_level(held, ladder, lambda level: ladder.inside(standing, level, band=band))
    meets = _by_level(held, ladder, lambda level: standing.meets[level])
    rose, fell = _words(levels, ladder, _rise), _words(held, ladder, _fall)
    rules = [
        (retired, RENAMED),
        (levels == held, STAYED),
        (standing.forced < none, OVERRIDE),
        (~standing.in_scope, LEFT),
        (held == none, ENTERED),
        ((levels < held) & reached, rose),
        (levels < held, SLOT_OPENED),
        (~meets, MEETS_NOT),
        (~kept, fell),
        (_owner_is_full(standing, levels, ladder), OWNER_FULL),
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


def _words(levels: IntArray, ladder: TierPlaces, spell: Callable[[Tier], str]) -> Words:
    return np.array([*map(spell, ladder.tiers), ""], dtype=object)[levels]


def _by_level(levels: IntArray, ladder: TierPlaces, ask: Callable[[int], BoolArray]) -> BoolArray:
    """Return for each account what holds of it at its own level; true without one."""
    found = np.ones(len(levels), dtype=bool)
    for level in range(ladder.none):
        at = levels == level
        if at.any():
            found[at] = ask(level)[at]
    return found


def _owner_is_full(standing: RankedAccounts, levels: IntArray, ladder: TierPlaces) -> BoolArray:
    """Return whether the owner has as many accounts in the tier held before as one may."""
    full = np.zeros(len(levels), dtype=bool)
    owners = int(standing.owners.max(initial=-1)) + 1
    for level, tier in enumerate(ladder.tiers):
        if tier.max_per_owner is not None and owners:
            owned = standing.owners[(levels == level) & (standing.owners >= 0)]
            at_most = np.bincount(owned, minlength=owners) >= tier.max_per_owner
            asks = (standing.held == level) & (standing.owners >= 0)
            full |= asks & at_most[standing.owners]
    return full
