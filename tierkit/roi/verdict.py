"""From designs to one of four words: the table, declared once; and what could be seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tierkit.roi.measures import unknown
from tierkit.roi.poisson import Estimate
from tierkit.roi.primary import Claim, Primary

SIGNIFICANT = 1.96
CROWDED = 1.64
MOST_THAT_JUMP = 0.4
"""Share of the columns known before that may jump at a line whose comparison shows anything."""

LEAST_OWN_Z = 1.0
"""Standard errors that a line must show itself to take part in what all lines show together."""

SHOWN = "shown"
SUGGESTIVE = "suggestive"
NOT_WORTH_HAVING = "no effect worth having"
CANNOT_TELL = "cannot tell"
_LOWER = {SHOWN: SUGGESTIVE, SUGGESTIVE: CANNOT_TELL}

SIZES = ("10", "20", "50")
BAND_SIZES = ("20", "50")
FOUR_OF_FIVE = 0.84
"""Standard errors beyond its bound at which an effect is seen in four of five cases."""

LONGEST_WAIT = 8
"""Quarters; nobody plans for a longer wait, and no advice is to wait that long."""

NO_HISTORY_WILL = "no history of this company will settle it"


@dataclass(frozen=True)
class Evidence:
    """The findings that a verdict rests on; None where a design says nothing.

    Attributes
    ----------
    claim
        What all lines say together: the reading that decides.
    own_z
        By reading, this line's own effect in its standard errors.
    leads
        Whether no line points further in the direction of the claim.
    adjusted_z, randomised_z
        Effects in their standard errors.
    density_z
        Crowding of scores just above the line, in standard errors.
    jumping_share
        Share of the columns known before that jump at the line.
    cutoff_high
        The upper end of the cutoff's 95 % interval, as a share.
    worth_having
        The smallest effect worth having, as a share.
    begun
        Whether outcomes are deals begun in a quarter; those closed in it hide an effect.
    scores_recorded
        Whether scores are recorded with the tiers held.
    """

    claim: Claim = field(default=Claim(None, None, None))
    own_z: Mapping[str, float] = field(default_factory=dict)
    leads: bool = False
    adjusted_z: float | None = None
    randomised_z: float | None = None
    density_z: float | None = None
    jumping_share: float | None = None
    cutoff_high: float | None = None
    worth_having: float | None = None
    begun: bool = True
    scores_recorded: bool = True


class Verdict(NamedTuple):
    """The verdict, its direction (`more`, `less` or None) and its reason in words."""

    verdict: str
    direction: str | None
    because: str


class Row(NamedTuple):
    """One row of the table: the verdict, whose effect gives the direction, when, and why."""

    verdict: str
    direction_of: str
    holds: Callable[[Evidence], bool]
    because: str


def _beyond(z: float | None) -> bool:
    return z is not None and abs(z) > SIGNIFICANT


def _claimed(evidence: Evidence, strength: str) -> bool:
    """Return whether the lines together claim so much, and this line takes part in it."""
    claim = evidence.claim
    slow = claim.direction == "less" and not evidence.begun
    return claim.strength == strength and not slow and takes_part(evidence)


def takes_part(evidence: Evidence) -> bool:
    """Return whether a line points the way of what all lines claim, by enough to count."""
    sign = 1 if evidence.claim.direction == "more" else -1
    own = max((sign * z for z in evidence.own_z.values()), default=-math.inf)
    return own > 0 and (evidence.leads or own >= LEAST_OWN_Z)


def _doubtful(evidence: Evidence) -> bool:
    crowded = evidence.density_z is None or evidence.density_z > CROWDED
    return crowded or (evidence.jumping_share or 0.0) > MOST_THAT_JUMP


def _excluded(evidence: Evidence) -> bool:
    high, worth = evidence.cutoff_high, evidence.worth_having
    return evidence.begun and high is not None and worth is not None and high < worth


TABLE: tuple[Row, ...] = (
    Row(
        CANNOT_TELL,
        "",
        lambda e: not e.scores_recorded,
        "no score was recorded with the tiers held; `tierkit accept` records tier, score and "
        "line of every account from the next quarter on",
    ),
    Row(
        SHOWN,
        "randomised_z",
        lambda e: _beyond(e.randomised_z),
        "accounts that a random draw put into the upper tier differ from those it put below by "
        "more than chance explains",
    ),
    Row(
        SHOWN,
        "claim",
        lambda e: _claimed(e, SHOWN) and not _doubtful(e),
        "accounts just above the lines differ from those just below by far more than chance "
        "explains, and this line takes part in it",
    ),
    Row(
        SUGGESTIVE,
        "claim",
        lambda e: _claimed(e, SHOWN),
        "accounts just above the lines differ from those just below by far more than chance "
        "explains, but they may have differed before: scores crowd just above this line, or what "
        "was known before jumps there",
    ),
    Row(
        SUGGESTIVE,
        "claim",
        lambda e: _claimed(e, SUGGESTIVE),
        "accounts just above the lines differ from those just below by more than chance would "
        "often bring, and this line takes part in it, but not by enough to call it shown",
    ),
    Row(
        NOT_WORTH_HAVING,
        "",
        _excluded,
        "accounts just above and just below the line are so alike that an effect worth having can "
        "be ruled out",
    ),
    Row(
        CANNOT_TELL,
        "",
        lambda e: e.claim.strength is not None and e.begun,
        "the lines together show a difference, but accounts at this line take no part in it",
    ),
    Row(
        CANNOT_TELL,
        "",
        lambda e: not e.begun,
        "it is not known when deals were created, so only deals closed in a quarter count for its "
        "tiers, and slow deals hide the effect",
    ),
    Row(
        CANNOT_TELL,
        "",
        lambda _: True,
        "the data can neither show an effect nor rule out one worth having",
    ),
)
"""The first row that holds gives the verdict. Documented in docs/roi.md."""


def decide(evidence: Evidence) -> Verdict:
    """Return the verdict of the table.

    An effect in the other direction by another design, beyond 1.96, lowers *shown* to *suggestive*
    and *suggestive* to *cannot tell*.

    Examples
    --------
    >>> more = Claim("shown", "more", "wins")
    >>> decide(Evidence(claim=more, own_z={"wins": 2.4}, density_z=0.3))[:2]
    ('shown', 'more')
    >>> decide(Evidence(claim=more, own_z={"wins": -0.4}, density_z=0.3)).verdict
    'cannot tell'
    >>> decide(Evidence(adjusted_z=5.0)).verdict
    'cannot tell'
    """
    row = next(row for row in TABLE if row.holds(evidence))
    if not row.direction_of:
        return Verdict(row.verdict, None, row.because)
    by_lot = row.direction_of == "randomised_z"
    more = (evidence.randomised_z or 0.0) > 0 if by_lot else evidence.claim.direction == "more"
    verdict, because = row.verdict, row.because
    if any(_against(z, more=more) for z in (evidence.adjusted_z, evidence.randomised_z)) or (
        by_lot and evidence.claim.direction == ("less" if more else "more")
    ):
        verdict = _LOWER[verdict]
        because += "; yet another comparison points the other way by more than chance explains"
    if verdict == CANNOT_TELL:
        return Verdict(verdict, None, because)
    return Verdict(verdict, "more" if more else "less", because)


def _against(z: float | None, *, more: bool) -> bool:
    return z is not None and abs(z) > SIGNIFICANT and (z > 0) != more


def smallest_detectable(se: float, *, bound: float = SIGNIFICANT) -> float:
    """Return the smallest effect, as a share, that would be seen in four of five cases.

    Examples
    --------
    >>> round(smallest_detectable(0.074), 3)
    0.23
    """
    return math.expm1((bound + FOUR_OF_FIVE) * se)


def quarters_until(se: float, *, quarters: int, bound: float = SIGNIFICANT) -> dict[str, Any]:
    """Return how many more quarters it takes to see effects of 10, 20 and 50 %.

    Parameters
    ----------
    se
        The standard error (log scale) after so many `quarters`; it falls with their root.
    bound
        Standard errors at which an effect is seen.

    Examples
    --------
    >>> quarters_until(0.1, quarters=12)
    {'10': None, '10_why': 'no history of this company will settle it', '20': None, '20_why': 'no
    history of this company will settle it', '50': 0}
    """
    waits: dict[str, Any] = {}
    for size in SIZES:
        needed = quarters * ((bound + FOUR_OF_FIVE) * se / math.log1p(int(size) / 100)) ** 2
        wait = max(0, math.ceil(round(needed - quarters, 6)))
        if wait > LONGEST_WAIT:
            waits |= unknown((size,), NO_HISTORY_WILL)
        else:
            waits[size] = wait
    return waits


@dataclass(frozen=True)
class Room:
    """The accounts that a random draw could place: the upper tier's places, and all of both."""

    places: int
    accounts: int


def power_facts(primary: Primary, own: Estimate | None, *, room: Room, why: str) -> dict[str, Any]:
    """Return what a boundary's facts say of power; with the reason where there is no design.

    Parameters
    ----------
    own
        This line's effect on the number of wins, or on revenue where there is none.
    """
    if not primary.deciding or own is None:
        return {
            **unknown(("smallest_detectable",), why),
            "quarters_until": unknown(SIZES, why),
            "randomised_band": unknown(BAND_SIZES, why),
        }
    reading, best = next(iter(primary.deciding.items()))  # the number of wins, where it is known
    bound = primary.bound("suggestive", "more", reading)
    bands: dict[str, Any] = {}
    for size in BAND_SIZES:
        bands |= _possible_band(size, band_size(own.dispersion, int(size) / 100), room)
    return {
        "smallest_detectable": smallest_detectable(best.se, bound=bound),
        "quarters_until": quarters_until(best.se, quarters=primary.quarters, bound=bound),
        "randomised_band": bands,
    }


def _possible_band(size: str, accounts: int, room: Room) -> dict[str, Any]:
    """Return a band that the tiers can hold, or what it would take."""
    if accounts <= room.accounts and accounts <= 2 * room.places:
        return {size: accounts}
    why = (
        f"it would take {accounts} accounts, half of them in the upper tier; it has "
        f"{room.places} places, and both tiers hold {room.accounts} accounts"
    )
    return unknown((size,), why)


def band_size(dispersion: float, effect: float) -> int:
    """Return how many accounts to draw at random, half into each tier, to see an effect in a year.

    Parameters
    ----------
    dispersion
        Variance of an account-quarter's outcome over its squared mean.

    Examples
    --------
    >>> band_size(2.0, 0.5)
    96
    """
    detectable = SIGNIFICANT + FOUR_OF_FIVE
    per_arm = 2 * dispersion * (detectable / math.log1p(effect)) ** 2
    return 2 * math.ceil(per_arm / 4)
