"""From designs to one of four words: the table of verdicts, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

SIGNIFICANT = 1.96
CROWDED = 1.64

SHOWN = "shown"
SUGGESTIVE = "suggestive"
NOT_WORTH_HAVING = "no effect worth having"
CANNOT_TELL = "cannot tell"
_LOWER = {SHOWN: SUGGESTIVE, SUGGESTIVE: CANNOT_TELL}


@dataclass(frozen=True)
class Evidence:
    """What the designs of a boundary say; None where a design says nothing.

    Attributes
    ----------
    cutoff_z, adjusted_z, randomised_z
        Effects in their standard errors.
    density_z
        Crowding of scores just above the line, in standard errors.
    cutoff_high
        The upper end of the cutoff's 95 % interval, as a share.
    worth_having
        The smallest effect worth having, as a share.
    scores_recorded
        Whether scores stand beside the tiers held.
    """

    cutoff_z: float | None = None
    adjusted_z: float | None = None
    randomised_z: float | None = None
    density_z: float | None = None
    cutoff_high: float | None = None
    worth_having: float | None = None
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


def _same_sign(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one * other > 0


def _both_beyond(evidence: Evidence) -> bool:
    both = _beyond(evidence.cutoff_z) and _beyond(evidence.adjusted_z)
    return both and _same_sign(evidence.cutoff_z, evidence.adjusted_z)


def _crowded(evidence: Evidence) -> bool:
    return evidence.density_z is None or evidence.density_z > CROWDED


def _excluded(evidence: Evidence) -> bool:
    high, worth = evidence.cutoff_high, evidence.worth_having
    return high is not None and worth is not None and high < worth


TABLE: tuple[Row, ...] = (
    Row(
        CANNOT_TELL,
        "",
        lambda e: not e.scores_recorded,
        "no score was recorded beside the tiers held; `tierkit accept` records tier, score and "
        "line of every account from the next quarter on",
    ),
    Row(
        SHOWN,
        "randomised_z",
        lambda e: _beyond(e.randomised_z),
        "accounts that a lot put into the upper tier differ from those it put below by more than "
        "chance explains",
    ),
    Row(
        SHOWN,
        "cutoff_z",
        lambda e: _both_beyond(e) and not _crowded(e),
        "accounts just above the line differ from those just below, and accounts that could have "
        "been in either tier differ the same way; both by more than chance explains",
    ),
    Row(
        SUGGESTIVE,
        "cutoff_z",
        _both_beyond,
        "both comparisons point the same way by more than chance explains, but scores crowd just "
        "above the line, so somebody may have moved them there",
    ),
    Row(
        SUGGESTIVE,
        "cutoff_z",
        lambda e: _beyond(e.cutoff_z) and _same_sign(e.cutoff_z, e.adjusted_z),
        "accounts just above the line differ from those just below by more than chance explains; "
        "accounts that could have been in either tier point the same way, no more",
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
    >>> decide(Evidence(cutoff_z=3.1, adjusted_z=2.4, density_z=0.3))[:2]
    ('shown', 'more')
    >>> decide(Evidence(cutoff_z=-2.2, adjusted_z=-0.4, density_z=0.3))[:2]
    ('suggestive', 'less')
    >>> decide(Evidence(adjusted_z=5.0)).verdict
    'cannot tell'
    """
    row = next(row for row in TABLE if row.holds(evidence))
    if not row.direction_of:
        return Verdict(row.verdict, None, row.because)
    z = getattr(evidence, row.direction_of)
    verdict, because = row.verdict, row.because
    against = [name for name in ("cutoff_z", "adjusted_z", "randomised_z")
               if _beyond(getattr(evidence, name)) and getattr(evidence, name) * z < 0]  # fmt: skip
    if against:
        verdict = _LOWER[verdict]
        because += "; yet another comparison points the other way by more than chance explains"
    if verdict == CANNOT_TELL:
        return Verdict(verdict, None, because)
    return Verdict(verdict, "more" if z > 0 else "less", because)
