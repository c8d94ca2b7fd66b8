"""The stage that dates and lists marketing qualified accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.runs.run import Run
from tierkit.serving import (
    FEWEST_MQAS,
    QUALIFIED_COLUMNS,
    EngagementWeeks,
    Threshold,
    ThresholdTest,
    became_qualified,
    choose_threshold,
    eligible_weeks,
    engagement_weeks,
    qualified_accounts,
)


@dataclass(frozen=True)
class EngagementStudy:
    """Engagement of accounts, the threshold, and the accounts that reached it this quarter.

    Attributes
    ----------
    tier
        The tier whose accounts can qualify.
    rests_on
        Which accounts counted in the past, in words.
    weeks, threshold
        Scores week by week, and the threshold chosen on them.
    qualified
        One row per account that qualified in the quarter, by date: `account_id`, `date`, `score`,
        `contacts`.
    """

    tier: str
    rests_on: str
    weeks: EngagementWeeks
    threshold: Threshold
    qualified: pd.DataFrame


def study_engagement(run: Run) -> EngagementStudy:
    """Choose the threshold on past weeks and list the accounts that reached it this quarter."""
    settings = run.settings.engagement
    tier = settings.tier or run.settings.tiers[-1].name
    weeks = engagement_weeks(run.tables, as_of=run.as_of, settings=settings)
    became, busy = became_qualified(run.tables, weeks, settings=run.settings)
    eligible, rests_on = eligible_weeks(run.tables, weeks, tier=tier, busy=busy)
    found = choose_threshold(weeks, eligible=eligible, became=became, settings=settings)
    qualified = pd.DataFrame(columns=[*QUALIFIED_COLUMNS])
    if found.value is not None:
        everything = qualified_accounts(weeks, found.value, settings=settings, eligible=eligible)
        this_quarter = [day > run.quarter.start for day in everything["date"]]
        qualified = everything.loc[np.array(this_quarter, dtype=bool), [*QUALIFIED_COLUMNS]]
    return EngagementStudy(tier, rests_on, weeks, found, qualified.reset_index(drop=True))


def engagement_facts(study: EngagementStudy, run: Run) -> dict[str, Any]:
    """Return what `facts.json` holds of engagement; no ids, no names."""
    settings, threshold = run.settings.engagement, study.threshold
    why = threshold.why or "the base rate needs an eligible account in a tested week"
    return {
        "tier": study.tier,
        "rests_on": study.rests_on,
        "why": threshold.why,
        "half_life_days": settings.half_life_days,
        "min_contacts": settings.min_contacts,
        "outcome": settings.outcome,
        "outcome_days": settings.outcome_days,
        **_setting(settings.weekly_capacity, "weekly_capacity").facts("weekly_capacity"),
        **_setting(settings.precision, "precision").facts("precision_asked"),
        **Figure.of(threshold.value, threshold.why).facts("threshold"),
        "chosen_on": _tried(threshold.learned, threshold.why),
        "tested_on": _tried(threshold.tested, threshold.why),
        **Figure.of(threshold.base_rate, why).facts("base_rate"),
        "qualified": len(study.qualified),
        "qualified_by_week": [
            {"week": str(day), "accounts": int(count)}
            for day, count in study.qualified["date"].value_counts().sort_index().items()
        ],
    }


def _setting(value: float | None, name: str) -> Figure:
    return Figure.of(value, f"engagement.{name} is not set")


def _tried(tried: ThresholdTest, why: str) -> dict[str, Any]:
    share, low, high = tried.precision
    few = why or f"too few to say (n = {tried.mqas}, at least {FEWEST_MQAS} are needed)"
    return {
        "weeks": tried.weeks,
        "mqas": tried.mqas,
        "right": tried.right,
        **Figure.of(tried.a_week, why or "no week was tested").facts("a_week"),
        **Figure.of(share, few, low=low, high=high).facts("precision", low="low", high="high"),
    }
