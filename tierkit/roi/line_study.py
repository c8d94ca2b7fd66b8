"""The estimates at every line, and the verdicts that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tierkit.roi.adjusted import Adjusted, adjusted
from tierkit.roi.boundary_rows import READINGS, Boundaries, BoundaryRows, Reading
from tierkit.roi.checks import deciding_checks
from tierkit.roi.cutoff import Cutoff, Window, cutoff
from tierkit.roi.experiment import Band, Randomised, randomised
from tierkit.roi.measures import Numbers
from tierkit.roi.poisson import Estimate
from tierkit.roi.primary import DECIDING, Primary, primary_reading
from tierkit.roi.verdict import Evidence, Verdict, decide


@dataclass(frozen=True)
class Line:
    """The findings of the designs that have a say at one boundary.

    Attributes
    ----------
    number
        Of the upper tier.
    rows
        In the first reading, won revenue.
    readings
        The comparison at the line in every reading.
    """

    number: int
    rows: BoundaryRows
    readings: Mapping[Reading, Cutoff]
    adjusted: Adjusted
    randomised: Randomised

    @property
    def cutoff(self) -> Cutoff:
        """The comparison at the line of won revenue."""
        return self.readings["won revenue"]

    @property
    def estimates(self) -> dict[Reading, Estimate | None]:
        """The effect at the line in every reading."""
        return {name: found.estimate for name, found in self.readings.items()}

    @property
    def by_number(self) -> Estimate | None:
        """The effect on the number of wins, or on revenue where that is not known."""
        return self.estimates["wins"] or self.cutoff.estimate

    def own_z(self) -> dict[str, float]:
        """Return this line's own effects in their standard errors, in the readings that decide."""
        known = {name: self.estimates[name] for name in DECIDING}
        return {name: one.z for name, one in known.items() if one is not None}


def estimate_line(
    boundaries: Boundaries, number: int, *, outcome_quarters: int, bands: Sequence[Band] = ()
) -> Line:
    """Return what the designs that have a say find at one boundary."""
    rows = boundaries.rows(number, outcome_quarters=outcome_quarters)
    readings = read_at_line(rows, READINGS)
    before = boundaries.standings.closed_before(outcome_quarters)
    by_draw = randomised(boundaries.standings, rows, bands)
    return Line(number, rows, readings, adjusted(rows, won_before=before), by_draw)


def read_at_line(rows: BoundaryRows, readings: Sequence[Reading]) -> dict[Reading, Cutoff]:
    """Return the comparison at a line in some readings, inside one window."""
    window = Window.of(rows)
    return {
        reading: cutoff(rows.read(reading), width=window.reach)
        if reading == "deal size"  # of those rows that won anything
        else window.compare(window.rows.read(reading))
        for reading in readings
    }


def study_lines(
    boundaries: Boundaries, *, outcome_quarters: int, bands: Sequence[Band] = ()
) -> tuple[list[Line], Primary]:
    """Return what every line tells, and the reading over all of them that decides."""
    lines = [
        estimate_line(boundaries, number, outcome_quarters=outcome_quarters, bands=bands)
        for number in range(len(boundaries.standings.tiers) - 1)
    ]
    quarters = boundaries.standings.quarters_known(outcome_quarters)
    return lines, primary_reading([line.estimates for line in lines], quarters=quarters)


def evidence_at(
    line: Line,
    primary: Primary,
    checks: Mapping[str, Numbers],
    *,
    leads: bool,
    worth_having: float | None,
    begun: bool,
) -> Evidence:
    """Return what the table of verdicts looks at, for one line."""
    at_line, drawn, alike = line.cutoff.estimate, line.randomised.estimate, line.adjusted.estimate
    return Evidence(
        claim=primary.claim(),
        own_z=line.own_z(),
        leads=leads,
        adjusted_z=None if alike is None else alike.z,
        randomised_z=None if drawn is None else drawn.z,
        density_z=checks.get("density", {}).get("z"),
        jumping_share=jumping_share(checks),
        cutoff_high=at_line.relative().high if at_line else None,
        worth_having=worth_having,
        begun=begun,
    )


def verdicts_at(
    boundaries: Boundaries,
    found: Sequence[Mapping[Reading, Cutoff]],
    primary: Primary,
    *,
    worth_having: float | None = None,
) -> list[Verdict]:
    """Return the verdict at each line without what no verdict needs: for simulated companies.

    Parameters
    ----------
    found
        By line, from the first, the comparison in won revenue and in the readings that decide.
    """
    claim = primary.claim()
    own: list[dict[str, float]] = [
        {name: one.z for name in DECIDING if (one := line[name].estimate)} for line in found
    ]
    sign = 1 if claim.direction == "more" else -1
    furthest = [max((sign * z for z in one.values()), default=-9.0) for one in own]
    verdicts = []
    for number, line in enumerate(found):
        at_line = line["won revenue"].estimate
        evidence = Evidence(
            claim=claim,
            own_z=own[number],
            leads=furthest[number] == max(furthest),
            cutoff_high=at_line.relative().high if at_line else None,
            worth_having=worth_having,
            begun=boundaries.standings.begun,
        )
        if claim.strength and at_line:  # otherwise none of these can change the verdict
            rows = boundaries.rows(number, outcome_quarters=1)
            half = cutoff(rows, width=line["won revenue"].bandwidth / 2)
            checks, alike = deciding_checks(rows, half), adjusted(rows).estimate
            evidence = replace(
                evidence,
                adjusted_z=None if alike is None else alike.z,
                density_z=checks["density"].get("z"),
                jumping_share=jumping_share(checks),
            )
        verdicts.append(decide(evidence))
    return verdicts


def jumping_share(checks: Mapping[str, Numbers]) -> float | None:
    """Return the share of the columns known before that jump at a line, None where unknown."""
    jumps = checks.get("known before", {})
    return jumps["beyond_1.96"] / jumps["columns"] if jumps.get("columns") else None
