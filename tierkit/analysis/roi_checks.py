"""What stands beside the designs, and the return: tables and figures of the analyst page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from tierkit.charts.designs import overlap_picture
from tierkit.recalibration.tier_roi import TierRoi
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import count, plural, share
from tierkit.roi.boundaries import BoundaryStudy

NO_CHECKS = "No comparison beyond the raw difference could be made, so nothing stands beside it."
NO_OVERLAP = "No accounts that could have been in either tier were compared."


def checks_table(roi: TierRoi) -> Fragment:
    """Return what stands beside each comparison at a line: the same effect cut otherwise, placebos.

    Of all of it only crowding just above the line has a say in the verdict.
    """
    rows = [row for one in roi.boundaries for row in _checks(one)]
    if not rows:
        return Fragment(str(tag("p", NO_CHECKS)))
    caption = "Beside the comparison at the line: shown, without a say (but for the density)"
    kinds = dict.fromkeys(("effect", "low", "high"), "effect")
    return html_table(pd.DataFrame(rows), caption=caption, kinds=kinds, name="checks")


def balance_table(roi: TierRoi) -> Fragment:
    """Return how far apart the tiers lie in each column known before, and after weighting."""
    parts = [
        study.balance.assign(boundary=study.facts["boundary"])
        for study in roi.studies
        if not study.balance.empty
    ]
    if not parts:
        return Fragment(str(tag("p", NO_OVERLAP)))
    frame = pd.concat(parts)[["boundary", "column", "before", "after"]].round(2)
    return html_table(
        frame.rename(columns={"column": "known_before"}),
        caption="How far apart the two tiers lie, before and after weighting",
        kinds=dict.fromkeys(("before", "after"), "number standard deviations"),
        name="balance",
    )


def overlap_figures(roi: TierRoi) -> Fragment:
    """Return how many account-quarters of each tier had which chance of the upper one."""
    parts = [_overlap_figure(study) for study in roi.studies if _has_overlap(study)]
    return Fragment(str(joined(*parts)) if parts else str(tag("p", NO_OVERLAP)))


def return_table(roi: TierRoi) -> Fragment:
    """Return what the upper tier brings over what it costs more, where an effect is shown."""
    if not roi.boundaries:
        return Fragment(str(tag("p", "There is one tier only, so there is no boundary.")))
    rows = [
        {
            "boundary": one["boundary"],
            "verdict": one["verdict"],
            "pays_from": one["break_even"],
            "return_on_cost": (one["return_on_cost"] or {}).get("estimate"),
            "low": (one["return_on_cost"] or {}).get("low"),
            "high": (one["return_on_cost"] or {}).get("high"),
            "remark": _why_no_return(one),
        }
        for one in roi.boundaries
    ]
    kinds = {"pays_from": "effect", **dict.fromkeys(("return_on_cost", "low", "high"), "number")}
    caption = "Added revenue over what the upper tier costs more, for the accounts compared"
    return html_table(pd.DataFrame(rows), caption=caption, kinds=kinds, name="return")


def _why_no_return(boundary: Mapping[str, Any]) -> str:
    told = boundary["return_on_cost"] or {}
    return str(told.get("estimate_why") or boundary.get("return_on_cost_why") or "")


def _checks(boundary: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    for design in boundary["designs"]:
        for name, found in design["checks"].items():
            yield {
                "boundary": boundary["boundary"],
                "design": design["design"],
                "check": name,
                "effect": found.get("estimate"),
                "low": found.get("low"),
                "high": found.get("high"),
                "result": _result(found),
            }


def _result(found: Mapping[str, Any]) -> str:
    """Return what a check found beside an effect, in words."""
    if found.get("estimate") is not None:
        return ""
    reason = next((str(value) for key, value in found.items() if key.endswith("_why")), "")
    told = [f"{key.replace('_', ' ')} {_number(key, value)}" for key, value in found.items()
            if value is not None and not key.endswith("_why")]  # fmt: skip
    return reason or ", ".join(told)


def _number(key: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if key.endswith("_share"):
        return share(value)
    whole = isinstance(value, int) or abs(value) >= 100
    return count(value) if whole else f"{value:.2f}".replace("-", "−")


def _has_overlap(study: BoundaryStudy) -> bool:
    table = study.overlap
    return not table.empty and bool((table["upper"] + table["lower"]).sum() > 0)


def _overlap_figure(study: BoundaryStudy) -> Fragment:
    upper, lower = study.facts["boundary"].split(" / ", 1)
    table = study.overlap
    alike = table[(table["upper"] > 0) & (table["lower"] > 0)]
    both = int((alike["upper"] + alike["lower"]).sum())
    picture = Picture(
        lambda ax: overlap_picture(table, ax=ax, tiers=(upper, lower), count=count),
        width=640,
        height=260,
        margins=(64, 10, 10, 30),
    )
    slug = "".join(sign if sign.isalnum() else "-" for sign in study.facts["boundary"].lower())
    finding = (
        f"Chance of {upper} given score and history: {plural(both, 'account-quarter')} stand where "
        f"both {upper} and {lower} occur."
    )
    return figure(picture, name=f"overlap-{slug}", finding=finding)
