"""The reading that decides, declared before any result: all lines, number and size, one bound.

Won revenue is the number of wins times their size. What accounts at every line tell of each of the
two is pooled; a line weighs the inverse variance of its number, which is known best. Either may
carry the claim, provided that won revenue points the same way and the other does not clearly speak
against it. The number spends nine tenths of the error and the size of deals the rest, so that the
two together err as often as stated. Reports are looked at every quarter, so bounds are higher while
little of the planned information is in, and rise slowly after it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

from tierkit.roi.boundary_rows import Reading
from tierkit.roi.poisson import Estimate, correlation, pooled
from tierkit.words import plural, signed_share

DECIDING: tuple[Reading, Reading] = ("wins", "deal size")
POOLED: tuple[Reading, ...] = ("won revenue", *DECIDING)
"""What lines are pooled in: the readings that decide, and the revenue that may not contradict."""

PLANNED_QUARTERS = 12
"""Quarters with known outcomes at which a look spends no more than its whole error."""

LATE = 0.25
_HIGHEST_CORRELATION = 0.999
_CLEARLY = 1.96

Strength = Literal["shown", "suggestive"]
Direction = Literal["more", "less"]
ERROR: Mapping[Strength, Mapping[Direction, float]] = {
    "suggestive": {"more": 0.05, "less": 0.005},
    "shown": {"more": 0.008, "less": 0.002},
}
"""Chance of the claim at the planned look where there is no effect at all."""

SHARES: Mapping[Reading, float] = {"wins": 0.9, "deal size": 0.1}
"""Share of the error that each reading may spend: most tiers work on how often accounts buy."""


@cache
def joint_bounds(error: float, together: float) -> Mapping[Reading, float]:
    """Return the bounds that either of two normal readings exceeds with a chance of `error`.

    Parameters
    ----------
    together
        Their correlation, from −1 to 1; to two decimals.

    Examples
    --------
    >>> {name: round(bound, 2) for name, bound in joint_bounds(0.05, 0.0).items()}
    {'wins': 1.69, 'deal size': 2.57}
    """
    from scipy.optimize import brentq
    from scipy.stats import multivariate_normal  # takes a moment: only to judge

    shared = float(np.clip(together, -_HIGHEST_CORRELATION, _HIGHEST_CORRELATION))
    both = multivariate_normal(mean=[0.0, 0.0], cov=[[1.0, shared], [shared, 1.0]])

    def bounds(spent: float) -> list[float]:
        return [float(-ndtri(spent * SHARES[reading])) for reading in DECIDING]

    def excess(spent: float) -> float:
        return float(1 - both.cdf(bounds(spent)) - error)

    spent = float(brentq(excess, error / 2, error * 2, xtol=1e-7))
    return dict(zip(DECIDING, bounds(spent), strict=True))


def look_factor(quarters: int) -> float:
    """Return by how much a bound is higher at a look with so many quarters of outcomes.

    Examples
    --------
    >>> look_factor(3), look_factor(12), round(look_factor(24), 2)
    (2.0, 1.0, 1.08)
    """
    share = max(quarters, 1) / PLANNED_QUARTERS
    return math.sqrt(1 / share if share < 1 else 1 + LATE * math.log(share))


@dataclass(frozen=True)
class Claim:
    """A claim: its strength, its direction, and the reading that carries it."""

    strength: Strength | None
    direction: Direction | None
    reading: Reading | None


@dataclass(frozen=True)
class Primary:
    """The reading that decides.

    Attributes
    ----------
    pooled
        Over all lines, for won revenue and each reading that decides; a reading that no line tells
        is absent.
    lines
        How many lines stand behind it.
    quarters
        With known outcomes: how much of the planned information is in.
    """

    pooled: Mapping[Reading, Estimate]
    lines: int
    quarters: int

    @property
    def together(self) -> float:
        """The correlation of the two readings that decide; 1 where there is one."""
        found = list(self.deciding.values())
        return correlation(*found) if len(found) == len(DECIDING) else 1.0

    @property
    def deciding(self) -> dict[Reading, Estimate]:
        """The readings that decide, of those that a line tells."""
        return {name: self.pooled[name] for name in DECIDING if name in self.pooled}

    def bound(self, strength: Strength, direction: Direction, reading: Reading) -> float:
        """Return how many standard errors a reading must be from nothing for a claim."""
        error = ERROR[strength][direction]
        if len(self.deciding) < len(DECIDING):
            return float(-ndtri(error)) * look_factor(self.quarters)
        return joint_bounds(error, round(self.together, 2))[reading] * look_factor(self.quarters)

    def claim(self) -> Claim:
        """Return the strongest claim that a reading carries."""
        return self._carried("shown") or self._carried("suggestive") or Claim(None, None, None)

    def _carried(self, strength: Strength) -> Claim | None:
        best = sorted(self.deciding.items(), key=lambda item: -abs(item[1].z))
        for reading, estimate in best:
            direction: Direction = "more" if estimate.z > 0 else "less"
            beyond = abs(estimate.z) > self.bound(strength, direction, reading)
            if beyond and not self._contradicted(estimate):
                return Claim(strength, direction, reading)
        return None

    def _contradicted(self, estimate: Estimate) -> bool:
        """Return whether revenue, or clearly the other factor, goes the other way.

        More deals that are smaller, or fewer that are larger, need not bring more; where revenue
        itself clearly does, they did.
        """
        sign = 1 if estimate.z > 0 else -1
        money = self.pooled.get("won revenue")
        brought = 0.0 if money is None else sign * money.z
        clearly_against = min(sign * one.z for one in self.deciding.values()) < -_CLEARLY
        return brought < 0 or (clearly_against and brought < _CLEARLY)


def primary_reading(
    found: Sequence[Mapping[Reading, Estimate | None]], *, quarters: int
) -> Primary:
    """Return the reading that decides, from what each line tells in each reading."""
    estimates: dict[Reading, Estimate] = {}
    for reading in POOLED:
        known = [(one, line["wins"] or one) for line in found if (one := line[reading]) is not None]
        precision = [1 / by_number.se**2 for _, by_number in known]
        over_all = pooled([one for one, _ in known], precision=precision)
        if over_all is not None:
            estimates[reading] = over_all
    telling = sum(any(line[x] is not None for x in DECIDING) for line in found)
    return Primary(estimates, telling, quarters)


Facts = Mapping[str, Any]


def with_looks(
    boundaries: Sequence[Facts], together: Facts, earlier: Sequence[tuple[str, Facts]]
) -> list[dict[str, Any]]:
    """Return what `facts.json` says of each boundary, with the verdicts of earlier reports.

    Parameters
    ----------
    boundaries, together
        Of this report.
    earlier
        Label and `roi` facts of each earlier report, the oldest first.

    Returns
    -------
    list of dict
        With `look` (1 for the first report that looks at the line), `look_sentence`, `earlier`
        (quarter, verdict and direction of each) and `changed_because`: why the verdict is another
        than the last one, empty where it is the same.
    """
    return [_with_looks(boundary, together, earlier) for boundary in boundaries]


def _with_looks(
    boundary: Facts, together: Facts, earlier: Sequence[tuple[str, Facts]]
) -> dict[str, Any]:
    said = []
    for quarter, roi in earlier:
        before = _same(boundary, roi)
        if before is not None:
            word, direction = before.get("verdict"), before.get("direction")
            said.append({"quarter": quarter, "verdict": word, "direction": direction, "roi": roi})
    changed = _changed(boundary, together, said[-1]) if said else ""
    look = len(said) + 1
    return {
        **boundary,
        "look": look,
        "look_sentence": _sentence(look, together, changed),
        "earlier": [{key: one[key] for key in ("quarter", "verdict", "direction")} for one in said],
        "changed_because": changed,
    }


def _same(boundary: Facts, roi: Facts) -> Facts | None:
    found = roi.get("boundaries") or []
    return next((one for one in found if one.get("boundary") == boundary["boundary"]), None)


def _sentence(look: int, together: Facts, changed: str) -> str:
    known = together.get("quarters")
    if not known:
        return changed
    planned = (
        f"{known} of {PLANNED_QUARTERS} planned quarters of outcomes are in"
        if known < PLANNED_QUARTERS
        else f"{plural(known, 'quarter')} of outcomes are in"
    )
    withheld = together.get("quarters_withheld") or 0
    rest = f", {withheld} more not yet watched long enough" if withheld else ""
    start = f"Look {look} at this line: {planned}{rest}."
    return f"{start} {changed}".strip()


def _changed(boundary: Facts, together: Facts, last: Mapping[str, Any]) -> str:
    """Return why the verdict is another than the last one, as a sentence."""
    same = (last["verdict"], last["direction"]) == (boundary["verdict"], boundary["direction"])
    if same:
        return ""
    was = f"{last['quarter']} said “{_words(last)}”, this report says “{_words(boundary)}”"
    before = last["roi"].get("together") or {}
    if not before.get("readings") or not together.get("readings"):
        return f"{was}: the two reports do not compare the same deals."
    one, other = _carrying(before, together)
    if not one or not other:
        return f"{was}: the two reports do not read the same of their deals."
    moved = (
        f"what all lines show together went from {signed_share(one['relative']['estimate'])} to "
        f"{signed_share(other['relative']['estimate'])}"
    )
    more = together["quarters"] - before["quarters"]
    if more > 0:
        return f"{was}: with {plural(more, 'more quarter')} of outcomes {moved}."
    return f"{was}: on as many quarters of outcomes, from other data or settings, {moved}."


def _carrying(before: Facts, now: Facts) -> tuple[Facts, Facts]:
    """Return the reading that carries the claim of either report, in both.

    Where a report lacks it, the first that both have; empty where there is none.
    """
    was, found = ({one["reading"]: one for one in x["readings"]} for x in (before, now))
    asked = (now.get("carried_by"), before.get("carried_by"), *found)
    name = next((one for one in asked if one in was and one in found), None)
    return was.get(name, {}), found.get(name, {})


def _words(boundary: Facts) -> str:
    direction = boundary.get("direction")
    return f"{boundary['verdict']}: {direction}" if direction else str(boundary["verdict"])
