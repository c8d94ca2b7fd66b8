"""The stage that compares what came of the tiers that were in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tierkit.parallel import Progress
from tierkit.roi import (
    BoundaryStudy,
    Ladder,
    TierOutcomes,
    certificate,
    outcomes_by_tier,
    study_boundaries,
    tier_ladder,
)
from tierkit.runs.experiments import bands_before
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering

NO_CERTIFICATE = "roi.certificate_worlds is 0, so the designs were not tried on simulated accounts"
_CERTIFIED = ("worlds", "false_shown", "coverage", "seen")


@dataclass(frozen=True)
class TierRoi:
    """What came of the tiers.

    Attributes
    ----------
    outcomes
        By tier, side by side.
    studies
        What can be said at each boundary between two tiers.
    certificate
        How often the designs are wrong, and right, on accounts shaped like these.
    """

    outcomes: TierOutcomes
    studies: list[BoundaryStudy]
    certificate: dict[str, Any]

    @property
    def boundaries(self) -> list[dict[str, Any]]:
        """What `facts.json` says of each boundary."""
        return [study.facts for study in self.studies]

    def facts(self) -> dict[str, Any]:
        """Return what `facts.json` holds of it."""
        return {
            "outcomes": self.outcomes.facts(),
            "boundaries": self.boundaries,
            "why": self.outcomes.why,
            "certificate": self.certificate,
        }


def compare_tiers(work: Run, tiering: Tiering, *, progress: Progress | None = None) -> TierRoi:
    """Compare outcomes by the tier that was in force when each quarter began.

    `progress` is told the batches of simulated accounts done for the certificate, and their number.
    """
    past = _past(work)
    studies = study_boundaries(
        past.outcomes,
        past.ladder,
        break_even=tiering.break_even,
        settings=work.settings,
        bands=bands_before(work.settings, work.as_of),
    )
    return TierRoi(past.outcomes, studies, _certified(work, past.ladder, progress=progress))


@dataclass(frozen=True)
class _Past:
    """What came of the tiers that were in force, as tables and as accounts by quarter."""

    outcomes: TierOutcomes
    ladder: Ladder | None


def _past(work: Run) -> _Past:
    return _Past(
        outcomes_by_tier(work.tables, settings=work.settings, as_of=work.as_of),
        tier_ladder(work.tables, settings=work.settings, as_of=work.as_of),
    )


def _certified(
    work: Run, ladder: Ladder | None, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the certificate for accounts like these, made only where none is kept."""
    worlds = work.settings.roi.certificate_worlds
    if worlds == 0:
        unsaid = {f"{key}_why": NO_CERTIFICATE for key in _CERTIFIED}
        return {**dict.fromkeys(_CERTIFIED), **unsaid}
    cache = work.settings.scratch / "cache"
    return certificate(ladder, cache=cache, worlds=worlds, progress=progress)
