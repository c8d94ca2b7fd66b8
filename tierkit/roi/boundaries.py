"""For each boundary between tiers: what can be said about the effect of the upper tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pandas as pd

from tierkit.crm import Tables
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.adjusted import Adjusted, adjusted, balance, overlap
from tierkit.roi.boundary_rows import Boundaries, BoundaryRows
from tierkit.roi.checks import line_checks, overlap_checks
from tierkit.roi.cutoff import Cutoff, cutoff, line_picture
from tierkit.roi.designs import (
    Design,
    adjusted_design,
    cutoff_design,
    moved_design,
    randomised_design,
    raw_design,
    unknown_design,
)
from tierkit.roi.experiment import Band, Randomised, randomised
from tierkit.roi.from_tables import tier_ladder
from tierkit.roi.ladder import Ladder
from tierkit.roi.measures import Numbers, unsaid
from tierkit.roi.moved import event_study, moved
from tierkit.roi.poisson import Estimate
from tierkit.roi.power import BAND_SIZES, SIZES, power_facts
from tierkit.roi.verdict import CANNOT_TELL, SHOWN, SUGGESTIVE, Evidence, decide
from tierkit.serving import boundary_name
from tierkit.settings import Settings

ONLY_RAW = (
    "Only the raw difference between the two tiers was computed; it compares accounts that were "
    "picked for being better, so it says nothing about what the tier itself did."
)
NO_SCORES = (
    "no score was recorded beside the tiers held; `tierkit accept` records tier, score and line of "
    "every account from the next quarter on"
)
_NO_EFFECT = "no effect was estimated apart from who was picked"
_ENDS = ("estimate", "low", "high")


@dataclass(frozen=True)
class Estimates:
    """What the designs that have a say found at one boundary."""

    rows: BoundaryRows
    cutoff: Cutoff
    adjusted: Adjusted
    randomised: Randomised

    def evidence(self, *, density_z: float | None, worth_having: float | None) -> Evidence:
        """Return what the table of verdicts looks at."""
        at_line = self.cutoff.estimate
        return Evidence(
            cutoff_z=_z(at_line),
            adjusted_z=_z(self.adjusted.estimate),
            randomised_z=_z(self.randomised.estimate),
            density_z=density_z,
            cutoff_high=at_line.relative()["high"] if at_line else None,
            worth_having=worth_having,
        )


@dataclass(frozen=True)
class Costs:
    """What the upper tier costs more per account and quarter, and what is left of revenue.

    Both are 0 where they are not known.
    """

    extra: float
    margin: float


@dataclass(frozen=True)
class BoundaryStudy:
    """Everything that was found at one boundary.

    Attributes
    ----------
    facts
        As `facts.json` holds them.
    line_picture, event_study, balance, overlap
        Tables for figures, one row per bin, quarter, column and bin; empty where there is nothing.
    """

    facts: dict[str, Any]
    line_picture: pd.DataFrame
    event_study: pd.DataFrame
    balance: pd.DataFrame
    overlap: pd.DataFrame


def compare_boundaries(
    outcomes: TierOutcomes,
    *,
    break_even: pd.DataFrame,
    settings: Settings,
    tables: Tables | None = None,
    as_of: date | None = None,
    bands: Sequence[Band] = (),
) -> list[dict[str, Any]]:
    """Return for each boundary the verdict and the designs behind it, as `facts.json` holds them.

    Parameters
    ----------
    outcomes
        As `outcomes_by_tier` returns them.
    break_even
        As `tierkit.serving.cost.break_even` returns it.
    tables, as_of
        Trusted tables and the first day that is not yet known. Without them only the raw difference
        is computed.
    bands
        Randomised bands that were in force.
    """
    ladder = None
    if tables is not None and as_of is not None:
        ladder = tier_ladder(tables, settings=settings, as_of=as_of)
    studies = study_boundaries(
        outcomes, ladder, break_even=break_even, settings=settings, bands=bands
    )
    return [study.facts for study in studies]


def study_boundaries(
    outcomes: TierOutcomes,
    ladder: Ladder | None,
    *,
    break_even: pd.DataFrame,
    settings: Settings,
    bands: Sequence[Band] = (),
) -> list[BoundaryStudy]:
    """Return for each boundary its facts and the tables of its figures.

    Parameters
    ----------
    ladder
        As `tierkit.roi.from_tables.tier_ladder` returns it; None computes the raw difference alone.
    """
    studies = []
    boundaries = None if ladder is None or not ladder.scored else Boundaries(ladder)
    for number, (upper, lower) in enumerate(pairwise(settings.tiers)):
        name, source = boundary_name(upper.name, lower.name), outcomes.source
        raw = []
        if source is not None and outcomes.rows:
            raw = [raw_design(source, upper.name, lower.name, settings)]
        pays = {**_break_even(name, break_even), **_worth_having(name, break_even, settings)}
        costs = Costs(_known(name, break_even, "extra_cost"), _known(name, break_even, "margin"))
        head = {"boundary": name, "pays": pays, "costs": costs}
        if boundaries is None:
            why = NO_SCORES if ladder is not None else ""
            studies.append(_without_scores(head, raw, outcomes, why))
        else:
            studies.append(_study(head, raw, boundaries, number, settings=settings, bands=bands))
    return studies


def estimate_boundary(
    boundaries: Boundaries, number: int, *, outcome_quarters: int, bands: Sequence[Band] = ()
) -> Estimates:
    """Return what the designs that have a say find at one boundary."""
    rows = boundaries.rows(number, outcome_quarters=outcome_quarters)
    by_draw = randomised(boundaries.ladder, rows, bands)
    return Estimates(rows, cutoff(rows), adjusted(rows), by_draw)


def _without_scores(
    head: Mapping[str, Any], raw: list[Design], outcomes: TierOutcomes, why: str
) -> BoundaryStudy:
    """Return what can be said without a score: the raw difference, and what to record."""
    because = why or (ONLY_RAW if raw else outcomes.why)
    unknown = [unknown_design("cutoff", why), unknown_design("adjusted", why)] if why else []
    reason = why or _NO_EFFECT
    facts = {
        "boundary": head["boundary"],
        "verdict": CANNOT_TELL,
        "direction": None,
        "because": because,
        **head["pays"],
        **unsaid(("smallest_detectable",), reason),
        "quarters_until": unsaid(SIZES, reason),
        "quarters_until_why": reason,
        "randomised_band": unsaid(BAND_SIZES, reason),
        "designs": [design.facts() for design in [*raw, *unknown]],
        **unsaid(("return_on_cost",), reason),
    }
    empty = pd.DataFrame()
    return BoundaryStudy(facts, empty, empty, empty, empty)


def _study(
    head: Mapping[str, Any],
    raw: list[Design],
    boundaries: Boundaries,
    number: int,
    *,
    settings: Settings,
    bands: Sequence[Band],
) -> BoundaryStudy:
    window = settings.roi.outcome_quarters
    found = estimate_boundary(boundaries, number, outcome_quarters=window, bands=bands)
    rows, at_line = found.rows, found.cutoff
    checks = line_checks(boundaries, number, rows, at_line, window=window)
    density = checks.get("density", {}).get("z")
    evidence = found.evidence(density_z=density, worth_having=head["pays"]["worth_having"])
    verdict, direction, because = decide(evidence)
    table_of_balance = pd.DataFrame(balance(found.adjusted))
    designs = [
        *raw,
        cutoff_design(at_line, settings, checks),
        adjusted_design(found.adjusted, settings, overlap_checks(found.adjusted)),
        moved_design(moved(rows), rows.upper, rows.lower, settings),
    ]
    if bands:
        designs.append(randomised_design(found.randomised, rows.upper, rows.lower, settings))
    quarters = len(set(rows.quarter.tolist()))
    facts = {
        "boundary": head["boundary"],
        "verdict": verdict,
        "direction": direction,
        "because": because,
        **head["pays"],
        **power_facts(at_line.estimate, quarters=quarters, why=at_line.why),
        "designs": [design.facts() for design in designs],
        "return_on_cost": _return_on_cost(verdict, found, head["costs"], window=window),
    }
    return BoundaryStudy(
        facts,
        pd.DataFrame(line_picture(at_line)),
        pd.DataFrame(event_study(boundaries.ladder, number)),
        table_of_balance,
        pd.DataFrame(overlap(found.adjusted)),
    )


def _return_on_cost(verdict: str, found: Estimates, costs: Costs, *, window: int) -> Numbers:
    """Return what is left of added revenue over what the upper tier costs more, in a window."""
    if verdict not in (SHOWN, SUGGESTIVE):
        return unsaid(_ENDS, "no effect is shown, and a return on nothing is no number")
    best = found.randomised.estimate or found.cutoff.estimate
    if best is None or not costs.extra > 0:
        return unsaid(_ENDS, "what the upper tier costs more is not known, or nothing")
    margin = costs.margin or 1.0
    return {key: value * margin / (costs.extra * window) for key, value in best.money().items()}


def _z(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.z


def _known(name: str, table: pd.DataFrame, column: str) -> float:
    """Return a number of the table of break-even effects; 0 where it is not known or negative."""
    if name not in table.index or column not in table.columns:
        return 0.0
    value = float(table.loc[name, column])  # type: ignore[arg-type]
    return value if value > 0 else 0.0


def _break_even(name: str, table: pd.DataFrame) -> Numbers:
    if name not in table.index:
        return unsaid(("break_even",), "the cost of this boundary is not known")
    row = table.loc[name]
    why = str(row["break_even_why"])
    return unsaid(("break_even",), why) if why else {"break_even": row["break_even"].item()}


def _worth_having(name: str, table: pd.DataFrame, settings: Settings) -> Numbers:
    """Return the smallest effect worth having: a share of the settings, or the break-even."""
    asked = settings.roi.worth_having
    if asked != "break-even":
        return {"worth_having": float(asked)}
    pays = _break_even(name, table)
    return {key.replace("break_even", "worth_having"): value for key, value in pays.items()}
