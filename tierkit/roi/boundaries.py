"""For each boundary between tiers: what can be said about the effect of the upper tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pandas as pd

from tierkit.crm import Tables
from tierkit.figure import Figure
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.adjusted import balance, overlap
from tierkit.roi.boundary_rows import Boundaries, Reading
from tierkit.roi.checks import line_checks, overlap_checks
from tierkit.roi.cutoff import Cutoff, line_picture
from tierkit.roi.designs import (
    Design,
    adjusted_design,
    cutoff_design,
    event_study,
    moved,
    moved_design,
    randomised_design,
    raw_design,
    unknown_design,
)
from tierkit.roi.effort_draw import EffortDraw, dispersions, effort_facts
from tierkit.roi.experiment import Band
from tierkit.roi.from_tables import tier_standings
from tierkit.roi.line_study import Line, evidence_at, study_lines
from tierkit.roi.measures import unknown
from tierkit.roi.poisson import Estimate
from tierkit.roi.primary import DECIDING, PLANNED_QUARTERS, Direction, Primary
from tierkit.roi.sentences import Pays, boundary_sentence, pays_from
from tierkit.roi.standings import Standings
from tierkit.roi.verdict import (
    BAND_SIZES,
    CANNOT_TELL,
    SHOWN,
    SIZES,
    SUGGESTIVE,
    Room,
    decide,
    power_facts,
)
from tierkit.serving import boundary_name
from tierkit.settings import Settings

ONLY_RAW = (
    "Only the raw difference between the two tiers was computed; it compares accounts that were "
    "picked for being better, so it says nothing about what the tier itself did."
)
NO_SCORES = (
    "no score was recorded with the tiers held; `tierkit accept` records tier, score and line of "
    "every account from the next quarter on"
)
_NO_EFFECT = "no effect was estimated apart from who was picked"


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


@dataclass(frozen=True)
class Studies:
    """The findings at every boundary, over all lines together, and of random draws of effort."""

    boundaries: list[BoundaryStudy]
    together: dict[str, Any]
    effort_tests: list[dict[str, Any]]


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
    standings = None
    if tables is not None and as_of is not None:
        standings = tier_standings(tables, settings=settings, as_of=as_of)
    studies = study_boundaries(
        outcomes, standings, break_even=break_even, settings=settings, bands=bands
    )
    return [study.facts for study in studies.boundaries]


def study_boundaries(
    outcomes: TierOutcomes,
    standings: Standings | None,
    *,
    break_even: pd.DataFrame,
    settings: Settings,
    bands: Sequence[Band] = (),
    efforts: Sequence[EffortDraw] = (),
) -> Studies:
    """Return for each boundary its facts and the tables of its figures, and the deciding reading.

    Parameters
    ----------
    standings
        As `tierkit.roi.from_tables.tier_standings` returns them; None computes the raw difference
        alone.
    efforts
        Draws of less or more effort that were in force.
    """
    heads = [
        _Head(
            upper.name,
            lower.name,
            pays_from(boundary_name(upper.name, lower.name), break_even, settings),
            _raw(outcomes, upper.name, lower.name, settings),
        )
        for upper, lower in pairwise(settings.tiers)
    ]
    if standings is None or not standings.scored:
        why = NO_SCORES if standings is not None else ""
        return Studies([_without_scores(head, outcomes, why) for head in heads], {}, [])
    boundaries, window = Boundaries(standings), settings.roi.outcome_quarters
    lines, primary = study_lines(boundaries, outcome_quarters=window, bands=bands)
    shared = _Shared(boundaries, primary, lines, window, bool(bands))
    studies = [
        _study(head, line, shared, settings=settings)
        for head, line in zip(heads, lines, strict=False)
    ]
    pays = {head.upper: head.pays.break_even.value for head in heads}
    effort_tests = [
        effort_facts(boundaries, draw, pays_from=pays.get(draw.tier), outcome_quarters=window)
        for draw in efforts
    ]
    together = together_facts(primary, standings)
    together["dispersions"] = dispersions(boundaries, outcome_quarters=window)
    return Studies(studies, together, effort_tests)


@dataclass(frozen=True)
class _Head:
    """The names of two neighbouring tiers, what the upper one costs, and the raw difference."""

    upper: str
    lower: str
    pays: Pays
    raw: list[Design]

    @property
    def name(self) -> str:
        return boundary_name(self.upper, self.lower)


@dataclass(frozen=True)
class _Shared:
    """The data and the reading that all lines share."""

    boundaries: Boundaries
    primary: Primary
    lines: Sequence[Line]
    window: int
    drawn: bool

    def leads(self, line: Line) -> bool:
        """Return whether no line points further the way of what all lines claim together."""
        claim = self.primary.claim()
        sign = 1 if claim.direction == "more" else -1
        furthest = [max((sign * z for z in one.own_z().values()), default=-9.0)
                    for one in self.lines]  # fmt: skip
        return furthest[line.number] == max(furthest)


def _raw(outcomes: TierOutcomes, upper: str, lower: str, settings: Settings) -> list[Design]:
    source = outcomes.source
    if source is None or not outcomes.rows:
        return []
    return [raw_design(source, upper, lower, settings)]


def _without_scores(head: _Head, outcomes: TierOutcomes, why: str) -> BoundaryStudy:
    """Return what can be said without a score: the raw difference, and what to record."""
    because = why or (ONLY_RAW if head.raw else outcomes.why)
    silent = [unknown_design("cutoff", why), unknown_design("adjusted", why)] if why else []
    reason = why or _NO_EFFECT
    facts = {
        "boundary": head.name,
        "verdict": CANNOT_TELL,
        "direction": None,
        "because": because,
        "sentence": f"{because[:1].upper()}{because[1:]}".rstrip(".") + "." if because else "",
        **head.pays.facts(),
        **Figure.unknown(reason).facts("smallest_detectable"),
        "quarters_until": unknown(SIZES, reason),
        "quarters_until_why": reason,
        "randomised_band": unknown(BAND_SIZES, reason),
        "readings": [],
        "designs": [design.facts() for design in [*head.raw, *silent]],
        **Figure.unknown(reason).facts("return_on_cost"),
    }
    empty = pd.DataFrame()
    return BoundaryStudy(facts, empty, empty, empty, empty)


def _study(head: _Head, line: Line, shared: _Shared, *, settings: Settings) -> BoundaryStudy:
    rows, at_line, boundaries = line.rows, line.cutoff, shared.boundaries
    checks = line_checks(boundaries, line.number, line.readings, window=shared.window)
    evidence = evidence_at(line, shared.primary, checks, leads=shared.leads(line),
                           worth_having=head.pays.worth_having.value,
                           begun=boundaries.standings.begun)  # fmt: skip
    verdict = decide(evidence)
    designs = [
        *head.raw,
        cutoff_design(at_line, settings, checks, begun=boundaries.standings.begun),
        adjusted_design(line.adjusted, settings, overlap_checks(line.adjusted)),
        moved_design(moved(rows), rows.upper, rows.lower, settings),
    ]
    if shared.drawn:
        designs.append(randomised_design(line.randomised, rows.upper, rows.lower, settings))
    facts = {
        "boundary": head.name,
        **verdict._asdict(),
        "sentence": boundary_sentence(
            verdict, line=line, primary=shared.primary, evidence=evidence, pays=head.pays
        ),
        **head.pays.facts(),
        **power_facts(
            shared.primary,
            line.by_number,
            room=_room(boundaries.standings, line.number),
            why=at_line.why,
        ),
        "readings": [reading_facts(name, found) for name, found in line.readings.items()],
        "designs": [design.facts() for design in designs],
        "return_on_cost": _return_on_cost(
            verdict.verdict, line, head.pays, window=shared.window
        ).effect(),
    }
    return BoundaryStudy(
        facts,
        pd.DataFrame(line_picture(at_line)),
        pd.DataFrame(event_study(boundaries.standings, line.number)),
        pd.DataFrame(balance(line.adjusted)),
        pd.DataFrame(overlap(line.adjusted)),
    )


def reading_facts(reading: str, found: Cutoff) -> dict[str, Any]:
    """Return the effect at a line in one reading, as `facts.json` holds it."""
    relative = found.estimate.relative() if found.estimate else Figure.unknown(found.why)
    return {"reading": reading, "relative": relative.effect(), "account_quarters": len(found.rows)}


def together_facts(primary: Primary, standings: Standings) -> dict[str, Any]:
    """Return what all lines say together, with the bounds declared before, for `facts.json`."""
    claim, tiered = primary.claim(), int((standings.level >= 0).any(axis=0).sum())
    readings = [
        {
            "reading": reading,
            "relative": estimate.relative().effect(),
            "standard_errors": estimate.z,
            **_bounds(primary, reading, _way(estimate)),
        }
        for reading, estimate in primary.pooled.items()
    ]
    return {
        "lines": primary.lines,
        "quarters": primary.quarters,
        "planned_quarters": PLANNED_QUARTERS,
        "quarters_withheld": tiered - primary.quarters,
        "begun": standings.begun,
        "watched_days": standings.history.watched_days,
        "claim": claim.strength,
        "direction": claim.direction,
        "carried_by": claim.reading,
        "readings": readings,
    }


def _bounds(primary: Primary, reading: Reading, way: Direction) -> dict[str, Any]:
    """Return how many standard errors a reading must be from nothing, if it decides."""
    if reading not in DECIDING:
        why = "it decides by its two factors, the number of wins and the size of deals"
        return unknown(("suggestive_beyond", "shown_beyond"), why)
    return {
        "suggestive_beyond": primary.bound("suggestive", way, reading),
        "shown_beyond": primary.bound("shown", way, reading),
    }


def _way(estimate: Estimate) -> Direction:
    return "more" if estimate.z > 0 else "less"


def _room(standings: Standings, number: int) -> Room:
    """Return the places that a random draw could give out: those of the last quarter with tiers."""
    level = standings.level[:, (standings.level >= 0).any(axis=0)][:, -1]
    upper = int((level == number).sum())
    return Room(upper, upper + int((level == number + 1).sum()))


def _return_on_cost(verdict: str, line: Line, pays: Pays, *, window: int) -> Figure:
    """Return what is left of added revenue over what the upper tier costs more, in a window."""
    if verdict not in (SHOWN, SUGGESTIVE):
        return Figure.unknown("no effect is shown, and a return on nothing is no number")
    best = line.randomised.estimate or line.cutoff.estimate
    if best is None or not pays.extra_cost > 0:
        return Figure.unknown("what the upper tier costs more is not known, or nothing")
    return best.money().map(lambda value: value * pays.margin / (pays.extra_cost * window))
