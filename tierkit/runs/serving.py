"""The stage that looks at how accounts are served and how firm tiers are, for pages and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tierkit.cache import fingerprint
from tierkit.roi import override_scoreboard
from tierkit.runs.chances import Chances, study_chances
from tierkit.runs.effort import EffortStudy, study_effort
from tierkit.runs.engagement import EngagementStudy, study_engagement
from tierkit.runs.readiness import ReadinessStudy, study_readiness
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering

_Pieces = dict[str, Callable[[], Any]]
"""Name in `Serving` → what finds it."""


@dataclass(frozen=True)
class Serving:
    """How accounts are served, how firm their tiers are, and how past overrides did."""

    effort: EffortStudy
    engagement: EngagementStudy
    readiness: ReadinessStudy
    chances: Chances
    scoreboard: list[dict[str, Any]]


def study_serving(work: Run, tiering: Tiering) -> Serving:
    """Look at effort against value and promises, and at who is marketing qualified and ready.

    What `leave_serving` has left for the same tiers, and `leave_serving_without_tiers` for any, is
    taken as it is.
    """
    of = _of(tiering)
    by_tiers = {
        name: work.left_or(name, find, of=of) for name, find in _by_tiers(work, tiering).items()
    }
    others = {name: work.left_or(name, find) for name, find in _without_tiers(work).items()}
    return Serving(**by_tiers, **others)


def leave_serving(work: Run, tiering: Tiering) -> None:
    """Leave what `study_serving` finds of today's tiers, piece by piece, in a run's folder."""
    of = _of(tiering)
    for name, find in _by_tiers(work, tiering).items():
        work.leave(name, find(), of=of)


def leave_serving_without_tiers(work: Run) -> None:
    """Leave what `study_serving` finds that needs no tiers of today, as `leave_serving` does."""
    for name, find in _without_tiers(work).items():
        work.leave(name, find())


def _by_tiers(work: Run, tiering: Tiering) -> _Pieces:
    return {
        "effort": partial(study_effort, work, tiering),
        "readiness": partial(study_readiness, work, tiering),
        "chances": partial(study_chances, work, tiering),
    }


def _without_tiers(work: Run) -> _Pieces:
    scoreboard = partial(override_scoreboard, work.tables, settings=work.settings, as_of=work.as_of)
    return {"engagement": partial(study_engagement, work), "scoreboard": scoreboard}


def _of(tiering: Tiering) -> str:
    """Return a hash of who has which tier, and who has none."""
    return fingerprint([tiering.assigned, tiering.untiered])
