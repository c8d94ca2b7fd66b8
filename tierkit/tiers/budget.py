"""The move budget: how far the keep band must reach so that no more accounts move than may."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tierkit.settings import StabilitySettings
from tierkit.tiers.ladder import Ladder
from tierkit.tiers.slots import levels_of
from tierkit.tiers.standing import BoolArray, IntArray, Standing

_ONE_EXCHANGE = 2
_STEP = 1.001
_WIDEST = 1e6


@dataclass(frozen=True)
class MoveBudget:
    """What the move budget did.

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
    standing: Standing, *, ladder: Ladder, stability: StabilitySettings
) -> MoveBudget:
    """Return the narrowest keep band, not below that of the settings, that holds to the budget.

    The budget is a share of the accounts that have a tier and are in scope, those that a person
    set aside; two moves, one exchange, are always within it unless it is 0. A move is a change of
    tier of such an account. Where not even an endless band is enough (places were added or taken
    away), the band is endless.
    """
    usual = stability.keep_band
    asked = count_moves(standing, levels_of(standing, ladder=ladder, band=usual))
    counted = int(_may_move(standing).sum())
    if stability.max_moves_share >= 1 or counted == 0:
        return MoveBudget(None, usual, asked)
    share = stability.max_moves_share
    most = max(math.floor(round(share * counted, 6)), _ONE_EXCHANGE if share else 0)
    if asked <= most:
        return MoveBudget(most, usual, asked)
    return MoveBudget(most, _widened(standing, ladder, usual, most), asked)


def count_moves(standing: Standing, levels: IntArray) -> int:
    """Return how many accounts in scope change the tier they have, overrides aside."""
    return int((_may_move(standing) & (levels != standing.held)).sum())


def _may_move(standing: Standing) -> BoolArray:
    free: BoolArray = standing.forced == standing.none
    return free & (standing.held < standing.none) & standing.in_scope


def _widened(standing: Standing, ladder: Ladder, usual: float, most: int) -> float:
    """Return by halving, to one in a thousand, the narrowest band that is wide enough."""

    def holds(band: float) -> bool:
        return count_moves(standing, levels_of(standing, ladder=ladder, band=band)) <= most

    low, high = usual, 2 * usual
    while not holds(high):
        low, high = high, 4 * high
        if high > _WIDEST:
            return math.inf
    while high / low > _STEP:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
