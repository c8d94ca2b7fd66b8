"""For each boundary between tiers: what can be said about the effect of the upper tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from tierkit.roi.designs import DESIGNS, Design
from tierkit.roi.measures import Numbers, unsaid
from tierkit.roi.outcomes_by_tier import TierOutcomes
from tierkit.settings import Settings
from tierkit.tiers.effort import boundary_name

CANNOT_TELL = "cannot tell"
ONLY_RAW = (
    "Only the raw difference between the two tiers was computed; it compares accounts that were "
    "picked for being better, so it says nothing about what the tier itself did."
)
_NO_EFFECT = "no effect was estimated apart from who was picked"


def compare_boundaries(
    outcomes: TierOutcomes, *, break_even: pd.DataFrame, settings: Settings
) -> list[dict[str, Any]]:
    """Return for each boundary the verdict and the designs behind it, as `facts.json` holds them.

    Parameters
    ----------
    break_even
        As `tierkit.tiers.effort.break_even` returns it.
    """
    return [
        _boundary(upper.name, lower.name, outcomes, break_even=break_even, settings=settings)
        for upper, lower in pairwise(settings.tiers)
    ]


def _boundary(
    upper: str, lower: str, outcomes: TierOutcomes, *, break_even: pd.DataFrame, settings: Settings
) -> dict[str, Any]:
    name, source = boundary_name(upper, lower), outcomes.source
    designs = [] if source is None else [one(source, upper, lower, settings) for one in DESIGNS]
    pays = _break_even(name, break_even)
    return {
        "boundary": name,
        **_verdict(designs, outcomes),
        **_worth_having(pays, settings),
        **pays,
        **unsaid(("smallest_detectable",), _NO_EFFECT),
        "quarters_until": unsaid(("10", "20", "50"), _NO_EFFECT),
        "quarters_until_why": _NO_EFFECT,
        "designs": [design.facts() for design in designs],
        **unsaid(("return_on_cost",), _NO_EFFECT),
    }


def _verdict(designs: Sequence[Design], outcomes: TierOutcomes) -> Numbers:
    """Return the verdict of the designs. The raw difference alone never decides anything."""
    because = ONLY_RAW if designs and outcomes.rows else outcomes.why
    return {"verdict": CANNOT_TELL, "direction": None, "because": because}


def _break_even(name: str, table: pd.DataFrame) -> Numbers:
    if name not in table.index:
        return unsaid(("break_even",), "the cost of this boundary is not known")
    row = table.loc[name]
    why = str(row["break_even_why"])
    return unsaid(("break_even",), why) if why else {"break_even": row["break_even"].item()}


def _worth_having(pays: Mapping[str, Any], settings: Settings) -> Numbers:
    """Return the smallest effect worth having: a share of the settings, or the break-even."""
    asked = settings.roi.worth_having
    if asked != "break-even":
        return {"worth_having": float(asked)}
    return {key.replace("break_even", "worth_having"): value for key, value in pays.items()}
