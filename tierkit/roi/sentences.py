"""The one sentence of a boundary that is true by itself, and the effect from which a tier pays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from tierkit.figure import Figure
from tierkit.roi.measures import Numbers
from tierkit.roi.verdict import (
    CANNOT_TELL,
    CROWDED,
    MOST_THAT_JUMP,
    NOT_WORTH_HAVING,
    SHOWN,
    SIGNIFICANT,
    SUGGESTIVE,
    Evidence,
    Verdict,
    takes_part,
)
from tierkit.serving import PLANNED
from tierkit.settings import Settings
from tierkit.words import share, signed_range, signed_share

if TYPE_CHECKING:
    from tierkit.roi.line_study import Line
    from tierkit.roi.poisson import Estimate
    from tierkit.roi.primary import Primary


@dataclass(frozen=True)
class Pays:
    """From which effect an upper tier pays.

    Attributes
    ----------
    break_even, worth_having
        Shares.
    extra_cost, margin
        Money per account and quarter, 0 where it is not known; what is left of revenue.
    basis
        Which cost it is.
    """

    break_even: Figure
    worth_having: Figure
    extra_cost: float = 0.0
    margin: float = 1.0
    basis: str = PLANNED

    @property
    def terms(self) -> str:
        """On which cost, and at which margin, in words."""
        margin = "" if self.margin == 1 else f", {share(self.margin)} of revenue kept"
        return f"{self.basis}{margin}"

    def facts(self) -> Numbers:
        """Return what `facts.json` says of it."""
        return {
            **self.worth_having.facts("worth_having"),
            **self.break_even.facts("break_even"),
            "break_even_basis": self.basis,
            "break_even_margin": self.margin,
        }


def pays_from(name: str, table: pd.DataFrame, settings: Settings) -> Pays:
    """Return from which effect the upper tier of a boundary pays.

    Parameters
    ----------
    table
        As `tierkit.serving.cost.break_even` returns it.
    """
    row = table.loc[name] if name in table.index else None
    unknown = Figure.unknown("the cost of this boundary is not known")
    even = unknown if row is None else Figure.of(row["break_even"].value, row["break_even"].why)
    asked = settings.roi.worth_having
    worth_having = even if asked == "break-even" else Figure(float(asked))
    if row is None:
        return Pays(even, worth_having)
    extra = row.get("extra_cost")
    return Pays(
        even,
        worth_having,
        extra_cost=_known(None if extra is None else extra.value),
        margin=_known(row.get("margin")) or 1.0,
        basis=str(row.get("basis", PLANNED)),
    )


def _known(value: object) -> float:
    """Return a number; 0 where it is not known or negative."""
    return float(value) if isinstance(value, float | int) and value > 0 else 0.0


def boundary_sentence(
    verdict: Verdict,
    *,
    line: Line,
    primary: Primary,
    evidence: Evidence,
    pays: Pays,
) -> str:
    """Return what was seen at the line, what that is worth, and what speaks against it."""
    seen = _seen(line, begun=evidence.begun)
    said = [_together(verdict, evidence, primary), seen, _meaning(verdict, evidence, line),
            *_against(line, evidence), _pays(line.rows.upper, line.rows.lower, pays)]  # fmt: skip
    whole = "; ".join(part for part in said if part)
    return f"{whole[:1].upper()}{whole[1:]}."


def _seen(line: Line, *, begun: bool) -> str:
    """Return what was seen at this line, or why nothing was."""
    upper, lower = line.rows.upper, line.rows.lower
    drawn, at_line = line.randomised.estimate, line.cutoff.estimate
    if drawn is not None:
        start = f"accounts that a random draw put into {upper} brought {effect_words(drawn)}"
        return f"{start} than those it put into {lower}"
    if at_line is None:
        return f"whether {upper} brings more than {lower} cannot be said: {line.cutoff.why}"
    what = "from deals begun in a quarter" if begun else "closed in a quarter"
    words = effect_words(at_line, f"revenue {what}")
    return f"at this line accounts in {upper} brought {words} than their like in {lower}"


def _together(verdict: Verdict, evidence: Evidence, primary: Primary) -> str:
    """Return what all lines say together, where that is what the verdict rests on."""
    claim = evidence.claim
    if verdict.verdict not in (SHOWN, SUGGESTIVE) or claim.reading is None:
        return ""
    if evidence.randomised_z is not None and abs(evidence.randomised_z) > SIGNIFICANT:
        return ""
    found = primary.pooled[claim.reading]
    words = size_words(found) if claim.reading == "deal size" else number_words(found)
    where = "at this line" if primary.lines == 1 else "over all lines together"
    seldom = "hardly ever" if claim.strength == SHOWN else "rarely"
    return f"{where} the upper tier brought {words}, which chance alone would {seldom} bring"


def effect_words(estimate: Estimate, what: str = "revenue") -> str:
    """Return an effect in words, with its 95 % range.

    Examples
    --------
    >>> import numpy as np
    >>> from tierkit.roi.poisson import Estimate
    >>> effect_words(Estimate(np.log(1.2), 0.1, 1.0, 1.0, 10))
    '20 % more revenue (95 % range −1.4 % to +46 %)'
    """
    return _words(estimate, ("more", "less"), what)


def number_words(estimate: Estimate) -> str:
    """Return an effect on the number of deals won in words, with its 95 % range."""
    return _words(estimate, ("more", "fewer"), "won deals")


def size_words(estimate: Estimate) -> str:
    """Return an effect on the size of deals won in words, with its 95 % range."""
    return _words(estimate, ("larger", "smaller"), "won deals")


def _words(estimate: Estimate, ways: tuple[str, str], what: str) -> str:
    value, low, high = estimate.relative().numbers()
    word = ways[0] if value >= 0 else ways[1]
    return f"{share(abs(value))} {word} {what} (95 % range {signed_range(low, high)})"


def _meaning(verdict: Verdict, evidence: Evidence, line: Line) -> str:
    """Return what that means, where the verdict does not rest on what was said before it."""
    if verdict.verdict == NOT_WORTH_HAVING:
        return "an effect worth having is ruled out"
    slow = "" if evidence.begun else "slow deals hide what a tier does"
    unknown = verdict.verdict == CANNOT_TELL and line.cutoff.estimate is not None
    return ", and ".join(
        part for part in (_chance(evidence, line) if unknown else "", slow) if part
    )


def _chance(evidence: Evidence, line: Line) -> str:
    """Return what chance can do, where it cannot be told whether there is an effect."""
    if evidence.claim.strength:
        but = "" if not evidence.begun else ", but this one takes no part in that"
        if evidence.begun and takes_part(evidence):
            but = ", but another comparison points the other way"
        return f"all lines together differ by more than chance would often bring{but}"
    at_line = line.cutoff.estimate
    if at_line is not None and abs(at_line.z) > SIGNIFICANT:
        return "over all lines together, which is what counts, chance alone could explain it"
    return "chance alone could explain that"


def _against(line: Line, evidence: Evidence) -> list[str]:
    """Return what speaks against the comparison at the line."""
    said = []
    if (evidence.jumping_share or 0.0) > MOST_THAT_JUMP:
        said.append("but much that was known before differs there as well, so it proves little")
    if evidence.density_z is not None and evidence.density_z > CROWDED:
        said.append("but scores crowd just above the line, so somebody may have moved them there")
    at_line = line.cutoff.estimate
    others = {
        "accounts compared with their like": line.adjusted.estimate,
        "accounts just above the line against those just below": line.randomised.estimate
        and at_line,
    }
    best = line.randomised.estimate or at_line
    for who, other in others.items():
        if other is not None and best is not None and apart(best, other):
            words = other.relative().say(signed_share)
            said.append(f"{who} say {words}: the two do not agree")
    return said


def apart(one: Estimate, other: Estimate) -> bool:
    """Return whether two estimates differ by more than their errors, taken apart, explain.

    Examples
    --------
    >>> from tierkit.roi.poisson import Estimate
    >>> apart(Estimate(0.0, 0.1, 1, 1, 9), Estimate(0.4, 0.1, 1, 1, 9))
    True
    """
    error = math.hypot(one.se, other.se)
    return abs(one.log_effect - other.log_effect) > SIGNIFICANT * error


def _pays(upper: str, lower: str, pays: Pays) -> str:
    even = pays.break_even.value
    if even is None:
        return ""
    if even <= 0:
        return f"{upper} costs no more than {lower}, so any added revenue pays"
    return f"against {lower}, {upper} pays from {signed_share(even)} on ({pays.terms})"
