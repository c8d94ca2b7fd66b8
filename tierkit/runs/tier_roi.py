"""The stage that compares what came of the tiers that were in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from tierkit.files import work_lock
from tierkit.parallel import Progress
from tierkit.roi import (
    BoundaryStudy,
    Standings,
    TierOutcomes,
    certificate,
    outcomes_by_tier,
    study_boundaries,
    tier_standings,
    with_looks,
)
from tierkit.runs.experiments import bands_before, effort_draws_before
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering

NO_CERTIFICATE = "roi.certificate_worlds is 0, so the designs were not tried on simulated accounts"
_CERTIFIED = ("worlds", "false_shown", "coverage", "seen")


@dataclass(frozen=True, repr=False)
class TierRoi:
    """Results of the tiers: what they earned.

    Attributes
    ----------
    outcomes
        By tier, side by side.
    studies
        What can be said at each boundary between two tiers.
    together
        What all lines say together: the reading that decides, and its bounds.
    effort_tests
        What hold-outs of effort have shown.
    certificate
        How often the designs are wrong, and right, on accounts shaped like these.
    """

    outcomes: TierOutcomes
    studies: list[BoundaryStudy]
    together: dict[str, Any]
    effort_tests: list[dict[str, Any]]
    certificate: dict[str, Any]

    def __repr__(self) -> str:
        """Return the verdict on each boundary between two tiers."""
        said = [f"{one['boundary']}: {one['verdict']}" for one in self.boundaries]
        return "What tiers earned\n" + ("\n".join(said) or str(self.outcomes.why))

    def to_frame(self) -> pd.DataFrame:
        """Return a row per boundary: its verdict, and why."""
        columns = ["boundary", "verdict", "direction", "because"]
        return pd.DataFrame(self.boundaries, columns=columns)

    @property
    def boundaries(self) -> list[dict[str, Any]]:
        """Return what `facts.json` says of each boundary."""
        return [study.facts for study in self.studies]

    def facts(self) -> dict[str, Any]:
        """Return what `facts.json` holds of it."""
        return {
            "outcomes": self.outcomes.facts(),
            "boundaries": self.boundaries,
            "together": self.together,
            "effort_tests": self.effort_tests,
            "why": self.outcomes.why,
            "certificate": self.certificate,
        }


def compare_tiers(run: Run, tiering: Tiering, *, progress: Progress | None = None) -> TierRoi:
    """Compare outcomes by the tier that was in force when each quarter began.

    `progress` is told the batches of simulated accounts done for the certificate, and their number.
    """
    past = _past(run)
    studies = study_boundaries(
        past.outcomes,
        past.standings,
        break_even=tiering.break_even,
        settings=run.settings,
        bands=bands_before(run.settings, run.as_of),
        efforts=effort_draws_before(run.settings, run.as_of),
    )
    certified = certify(run, past.standings, progress=progress)
    facts = [study.facts for study in studies.boundaries]
    looked = with_looks(facts, studies.together, _earlier(run))
    pairs = zip(studies.boundaries, looked, strict=True)
    told = [replace(study, facts=one) for study, one in pairs]
    return TierRoi(past.outcomes, told, studies.together, studies.effort_tests, certified)


def _earlier(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return what earlier reports said of tier ROI, the oldest first."""
    return [
        (promise.quarter.label, promise.facts.get("roi") or {}) for promise in run.earlier.reports
    ]


@dataclass(frozen=True)
class _Past:
    """Outcomes of the tiers that were in force, as tables and as accounts by quarter."""

    outcomes: TierOutcomes
    standings: Standings | None


def _past(run: Run) -> _Past:
    return _Past(
        outcomes_by_tier(run.tables, settings=run.settings, as_of=run.as_of),
        tier_standings(run.tables, settings=run.settings, as_of=run.as_of),
    )


def certify(
    run: Run, standings: Standings | None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the certificate for accounts like these, made only where none is kept.

    Where another process of the project makes one, its end is waited for.
    """
    worlds = run.settings.roi.certificate_worlds
    if worlds == 0:
        unsaid = {f"{key}_why": NO_CERTIFICATE for key in _CERTIFIED}
        return {**dict.fromkeys(_CERTIFIED), **unsaid}
    scratch = run.settings.scratch
    with work_lock(scratch, "certificate"):
        return certificate(standings, cache=scratch / "cache", worlds=worlds, progress=progress)
