"""Verdicts over a series of reports: which look it is, what was said before, why it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tierkit.roi.primary import PLANNED_QUARTERS
from tierkit.words import plural, signed_share

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
    moved = (
        f"what all lines show together went from {signed_share(one['relative']['estimate'])} to "
        f"{signed_share(other['relative']['estimate'])}"
    )
    more = together["quarters"] - before["quarters"]
    if more > 0:
        return f"{was}: with {plural(more, 'more quarter')} of outcomes {moved}."
    return f"{was}: on as many quarters of outcomes, from other data or settings, {moved}."


def _carrying(before: Facts, now: Facts) -> tuple[Facts, Facts]:
    """Return the reading that carries the claim of either report, in both; the first if none."""
    name = now.get("carried_by") or before.get("carried_by")
    return _reading(before, name), _reading(now, name)


def _reading(together: Facts, name: str | None) -> Facts:
    readings: Sequence[Facts] = together["readings"]
    return next((one for one in readings if one["reading"] == name), readings[0])


def _words(boundary: Facts) -> str:
    direction = boundary.get("direction")
    return f"{boundary['verdict']}: {direction}" if direction else str(boundary["verdict"])
