"""The stage that compares what came of the tiers that were in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work
from tierkit.roi.boundaries import compare_boundaries
from tierkit.roi.outcomes_by_tier import TierOutcomes, outcomes_by_tier

NO_CERTIFICATE = "the designs were not tried on simulated accounts"


@dataclass(frozen=True)
class TierRoi:
    """Outcomes by tier, and what can be said at each boundary between two tiers."""

    outcomes: TierOutcomes
    boundaries: list[dict[str, Any]]

    def facts(self) -> dict[str, Any]:
        """Return what `facts.json` holds of it."""
        unsaid = dict.fromkeys(("worlds", "false_shown", "coverage", "seen"))
        return {
            "outcomes": self.outcomes.facts(),
            "boundaries": self.boundaries,
            "why": self.outcomes.why,
            "certificate": {**unsaid, **{f"{key}_why": NO_CERTIFICATE for key in unsaid}},
        }


def compare_tiers(work: Work, tiering: Tiering) -> TierRoi:
    """Compare outcomes by the tier that was in force when each quarter began."""
    outcomes = outcomes_by_tier(work.tables, settings=work.settings, as_of=work.as_of)
    boundaries = compare_boundaries(outcomes, break_even=tiering.break_even, settings=work.settings)
    return TierRoi(outcomes, boundaries)
