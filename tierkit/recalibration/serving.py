"""The stage that looks at how accounts are served and how firm tiers are, for pages and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tierkit.models.kept import fingerprint
from tierkit.recalibration.chances import Chances, study_chances
from tierkit.recalibration.effort import EffortStudy, study_effort
from tierkit.recalibration.engagement import EngagementStudy, study_engagement
from tierkit.recalibration.left_ahead import leave, left_or
from tierkit.recalibration.readiness import ReadinessStudy, study_readiness
from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work
from tierkit.roi.override_scoreboard import override_scoreboard

_NAME, _ENGAGEMENT, _SCOREBOARD = "serving", "engagement", "scoreboard"


@dataclass(frozen=True)
class Serving:
    """How accounts are served, how firm their tiers are, and how past overrides did."""

    effort: EffortStudy
    engagement: EngagementStudy
    readiness: ReadinessStudy
    chances: Chances
    scoreboard: list[dict[str, Any]]


def study_serving(work: Work, tiering: Tiering) -> Serving:
    """Look at effort against value and promises, and at who is marketing qualified and ready.

    What `leave_serving` has left for the same tiers is taken as it is.
    """
    return left_or(work.folder, _NAME, lambda: _found(work, tiering), of=_of(tiering))


def leave_serving(work: Work, tiering: Tiering) -> None:
    """Leave what `study_serving` finds in the folder of a run under way."""
    leave(work.folder, _NAME, _found(work, tiering), of=_of(tiering))


def leave_serving_so_far(work: Work) -> None:
    """Leave what `study_serving` finds that needs no tiers of today."""
    leave(work.folder, _ENGAGEMENT, study_engagement(work))
    leave(work.folder, _SCOREBOARD, _scoreboard(work))


def _found(work: Work, tiering: Tiering) -> Serving:
    return Serving(
        effort=study_effort(work, tiering),
        engagement=left_or(work.folder, _ENGAGEMENT, lambda: study_engagement(work)),
        readiness=study_readiness(work, tiering),
        chances=study_chances(work, tiering),
        scoreboard=left_or(work.folder, _SCOREBOARD, lambda: _scoreboard(work)),
    )


def _scoreboard(work: Work) -> list[dict[str, Any]]:
    return override_scoreboard(work.tables, settings=work.settings, as_of=work.as_of)


def _of(tiering: Tiering) -> str:
    """Return a hash of who has which tier, and who has none."""
    return fingerprint([tiering.assigned, tiering.untiered])
