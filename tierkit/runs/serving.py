"""The stage that looks at how accounts are served and how firm tiers are, for pages and report."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from tierkit.roi import override_scoreboard
from tierkit.runs.chances import Chances, study_chances
from tierkit.runs.customers import CustomerStudy, study_customers
from tierkit.runs.effort import EffortStudy, study_effort
from tierkit.runs.engagement import EngagementStudy, study_engagement
from tierkit.runs.growth import GrowthStudy, study_growth
from tierkit.runs.readiness import ReadinessStudy, study_readiness
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering


@dataclass(frozen=True, repr=False)
class Serving:
    """Service of accounts, renewals, firmness of their tiers, and results of past overrides."""

    effort: EffortStudy
    engagement: EngagementStudy
    readiness: ReadinessStudy
    chances: Chances
    customers: CustomerStudy
    growth: GrowthStudy
    scoreboard: list[dict[str, Any]]

    def __repr__(self) -> str:
        """Return what was looked at."""
        return f"Service of accounts: {', '.join(one.name for one in fields(self))}"


def study_serving(run: Run, tiering: Tiering) -> Serving:
    """Look at effort and promises, at who is marketing qualified and ready, at who may leave."""
    return Serving(
        effort=study_effort(run, tiering),
        engagement=study_engagement(run),
        readiness=study_readiness(run, tiering),
        chances=study_chances(run, tiering),
        customers=study_customers(run, tiering),
        growth=study_growth(run, tiering),
        scoreboard=override_scoreboard(run.tables, settings=run.settings, as_of=run.as_of),
    )
