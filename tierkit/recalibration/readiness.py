"""The stage that asks whether enough is known of the accounts that people shall serve."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tierkit.readiness.coverage import contact_coverage
from tierkit.readiness.freshness import account_freshness, fresh_days, newest_facts
from tierkit.readiness.pipeline import PipelineCoverage, pipeline_coverage
from tierkit.readiness.whitespace import whitespace
from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work

NO_OWNERS = "needs accounts.owner"


@dataclass(frozen=True)
class ReadinessStudy:
    """Readiness of the accounts of every tier but the last.

    Attributes
    ----------
    facts
        The day of the newest fact of each account, by table.
    freshness, coverage, whitespace
        As `tierkit.readiness` gives them, with the reason where one has no rows.
    without_owner
        The accounts of the first tier that nobody owns, by account_id.
    pipeline
        Pipeline coverage of the coming quarter, by territory.
    """

    facts: pd.DataFrame
    freshness: pd.DataFrame
    coverage: pd.DataFrame
    coverage_why: str
    whitespace: pd.DataFrame
    whitespace_why: str
    required_roles: tuple[str, ...]
    first_tier: str
    first_tier_accounts: int
    without_owner: list[str]
    owner_why: str
    pipeline: list[PipelineCoverage]
    pipeline_why: str


def study_readiness(work: Work, tiering: Tiering) -> ReadinessStudy:
    """Ask how fresh, how well known and how well owned the accounts of the upper tiers are."""
    settings, tables, tiers = work.settings.readiness, work.tables, work.settings.tiers
    upper = tiering.tiered[tiering.tiered["tier"].astype("str").ne(tiers[-1].name)]
    tier = upper["tier"].astype("str")
    accounts = work.accounts().set_index("account_id")
    facts = newest_facts(tables, as_of=work.as_of, sources=settings.sources)
    coverage, coverage_why = contact_coverage(
        tables,
        tier,
        as_of=work.as_of,
        required_roles=settings.required_roles,
        engaged_days=settings.engaged_days,
    )
    white, white_why = whitespace(
        tables,
        upper["predicted_revenue"].dropna().clip(lower=0.0).astype(float),
        accounts["industry"],
        settings=work.settings,
        as_of=work.as_of,
    )
    coming = work.settings.fiscal_calendar.shift(work.quarter, 1)
    pipeline, pipeline_why = pipeline_coverage(
        tables, coming, as_of=work.as_of, qualified_stages=settings.qualified_stages
    )
    first = tier.index[tier == tiers[0].name]
    owners = accounts["owner"].reindex(first).fillna("").astype("str").str.strip()
    owner_why = "" if tables.has("accounts", "owner") else NO_OWNERS
    limits = fresh_days(tiers, settings.fresh_days)
    everyone = tiering.tiered["tier"].astype("str")
    return ReadinessStudy(
        facts=facts,
        freshness=account_freshness(everyone, facts, as_of=work.as_of, limits=limits),
        coverage=coverage,
        coverage_why=coverage_why,
        whitespace=white,
        whitespace_why=white_why,
        required_roles=settings.required_roles,
        first_tier=tiers[0].name,
        first_tier_accounts=len(first),
        without_owner=[] if owner_why else [*map(str, owners.index[owners == ""])],
        owner_why=owner_why,
        pipeline=pipeline,
        pipeline_why=pipeline_why,
    )
