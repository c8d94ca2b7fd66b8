"""The stage that looks at how accounts are served, for the notebook and for the report."""

from __future__ import annotations

from dataclasses import dataclass

from tierkit.recalibration.effort import EffortStudy, study_effort
from tierkit.recalibration.engagement import EngagementStudy, study_engagement
from tierkit.recalibration.readiness import ReadinessStudy, study_readiness
from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work


@dataclass(frozen=True)
class Serving:
    """How accounts are served."""

    effort: EffortStudy
    engagement: EngagementStudy
    readiness: ReadinessStudy


def study_serving(work: Work, tiering: Tiering) -> Serving:
    """Look at effort against value and promises, and at who is marketing qualified and ready."""
    return Serving(
        effort=study_effort(work, tiering),
        engagement=study_engagement(work),
        readiness=study_readiness(work, tiering),
    )
