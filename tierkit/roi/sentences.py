"""What a boundary showed, as one sentence that is true by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tierkit.roi.verdict import (
    CANNOT_TELL,
    CROWDED,
    MOST_THAT_JUMP,
    NOT_WORTH_HAVING,
    SHOWN,
    SIGNIFICANT,
    Evidence,
    Verdict,
)
from tierkit.words import share, signed_range, signed_share

if TYPE_CHECKING:
    from tierkit.roi.boundaries import Line
    from tierkit.roi.pays import Pays
    from tierkit.roi.poisson import Estimate


def boundary_sentence(
    upper: str, lower: str, verdict: Verdict, line: Line, evidence: Evidence, pays: Pays
) -> str:
    """Return what was seen at the line, what that is worth, and what speaks against it."""
    drawn, at_line = line.randomised.estimate, line.cutoff.estimate
    if drawn is not None:
        start = f"Accounts that a lot put into {upper} brought {effect_words(drawn)}"
        start += f" than those it put into {lower}"
    elif at_line is None:
        return (
            f"What {upper} does beyond {lower} cannot be told: {line.cutoff.why or 'no account'}"
            f"{_pays(upper, pays)}."
        )
    else:
        what = "from deals begun in a quarter" if evidence.begun else "in a quarter"
        start = f"Just above the line, {upper} brought {effect_words(at_line)} {what} than {lower}"
        start += " just below it"
    parts = [start, _meaning(verdict, evidence), *_against(line, evidence)]
    return "; ".join(part for part in parts if part) + f"{_pays(upper, pays)}."


def effect_words(estimate: Estimate) -> str:
    """Return an effect in words, with its 95 % range.

    Examples
    --------
    >>> import numpy as np
    >>> from tierkit.roi.poisson import Estimate
    >>> effect_words(Estimate(np.log(1.2), 0.1, 1.0, 1.0, 10))
    '20 % more revenue (range −1.4 % to +46 %)'
    """
    told = estimate.relative()
    word = "more" if told["estimate"] >= 0 else "less"
    span = signed_range(told["low"], told["high"])
    return f"{share(abs(told['estimate']))} {word} revenue (range {span})"


def _meaning(verdict: Verdict, evidence: Evidence) -> str:
    if verdict.verdict == SHOWN:
        return "that is far more than chance explains"
    if verdict.verdict == NOT_WORTH_HAVING:
        return "an effect worth having is ruled out"
    if verdict.verdict != CANNOT_TELL:
        over = "over all lines together that is" if evidence.randomised_z is None else "that is"
        word = "number of wins" if evidence.claim.reading == "wins" else "revenue"
        return f"{over} a sign, no more, of a difference in {word}"
    if evidence.claim.strength and evidence.begun:
        return "all lines together differ by more than chance explains, this one does not"
    slow = "" if evidence.begun else ", and slow deals hide what a tier does"
    return f"chance alone can do that{slow}"


def _against(line: Line, evidence: Evidence) -> list[str]:
    """Return what speaks against the comparison at the line."""
    said = []
    if (evidence.jumping_share or 0.0) > MOST_THAT_JUMP:
        said.append("but much that was known before differs there as well, so it proves little")
    if evidence.density_z is not None and evidence.density_z > CROWDED:
        said.append("but scores crowd just above the line, so somebody may have moved them there")
    beside, at_line = line.adjusted.estimate, line.cutoff.estimate
    if beside is not None and at_line is not None and apart(at_line, beside):
        low_high = beside.relative()
        words = signed_share(low_high["estimate"])
        said.append(f"accounts compared with their like say {words}: the two do not agree")
    return said


def apart(one: Estimate, other: Estimate) -> bool:
    """Whether two estimates differ by more than their errors, taken apart, explain.

    Examples
    --------
    >>> from tierkit.roi.poisson import Estimate
    >>> apart(Estimate(0.0, 0.1, 1, 1, 9), Estimate(0.4, 0.1, 1, 1, 9))
    True
    """
    error = math.hypot(one.se, other.se)
    return abs(one.log_effect - other.log_effect) > SIGNIFICANT * error


def _pays(upper: str, pays: Pays) -> str:
    if pays.break_even is None:
        return ""
    if pays.break_even <= 0:
        return f". {upper} costs no more, so any added revenue pays"
    return (
        f". {upper} pays from {signed_share(pays.break_even)} on ({pays.basis}, of revenue "
        f"{share(pays.margin)} is kept)"
    )
