"""The stage that asks whether enough is known of the accounts that people shall serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from tierkit.figure import Figure
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering
from tierkit.serving import (
    NO_CONTACT_OF_ACTIVITIES,
    account_freshness,
    contact_coverage,
    fresh_days,
    newest_facts,
    pipeline_coverage,
    whitespace,
)
from tierkit.statistics import wilson_range
from tierkit.table import Table

NO_OWNERS = "needs accounts.owner"


@dataclass(frozen=True)
class ReadinessStudy:
    """Readiness of the accounts of every tier but the last.

    Attributes
    ----------
    facts
        The day of the newest fact of each account, by table.
    freshness, coverage, whitespace
        As `tierkit.serving` gives them, with the reason where one has no rows.
    without_owner
        The accounts of the first tier that nobody owns, by account_id.
    pipeline
        Pipeline coverage of the coming quarter, by territory.
    """

    facts: pd.DataFrame
    freshness: pd.DataFrame
    coverage: Table
    whitespace: Table
    required_roles: tuple[str, ...]
    first_tier: str
    first_tier_accounts: int
    without_owner: list[str]
    owner_why: str
    pipeline: Table


def study_readiness(run: Run, tiering: Tiering) -> ReadinessStudy:
    """Ask how fresh, how well known and how well owned the accounts of the upper tiers are."""
    settings, tables, tiers = run.settings.readiness, run.tables, run.settings.tiers
    upper = tiering.tiered[tiering.tiered["tier"].astype("str").ne(tiers[-1].name)]
    tier = upper["tier"].astype("str")
    accounts = run.accounts().set_index("account_id")
    facts = newest_facts(tables, as_of=run.as_of, sources=settings.sources)
    coverage = contact_coverage(
        tables,
        tier,
        as_of=run.as_of,
        required_roles=settings.required_roles,
        engaged_days=settings.engaged_days,
    )
    white = whitespace(
        tables,
        upper["predicted_revenue"].dropna().clip(lower=0.0).astype(float),
        accounts["industry"],
        settings=run.settings,
        as_of=run.as_of,
    )
    coming = run.settings.fiscal_calendar.shift(run.quarter, 1)
    pipeline = pipeline_coverage(
        tables, coming, as_of=run.as_of, qualified_stages=settings.qualified_stages
    )
    first = tier.index[tier == tiers[0].name]
    owners = accounts["owner"].reindex(first).fillna("").astype("str").str.strip()
    owner_why = "" if tables.has("accounts", "owner") else NO_OWNERS
    limits = fresh_days(tiers, settings.fresh_days)
    everyone = tiering.tiered["tier"].astype("str")
    return ReadinessStudy(
        facts=facts,
        freshness=account_freshness(everyone, facts, as_of=run.as_of, limits=limits),
        coverage=coverage,
        whitespace=white,
        required_roles=settings.required_roles,
        first_tier=tiers[0].name,
        first_tier_accounts=len(first),
        without_owner=[] if owner_why else [*map(str, owners.index[owners == ""])],
        owner_why=owner_why,
        pipeline=pipeline,
    )


NO_FACTS = "no table has dated rows of these accounts"


def readiness_facts(study: ReadinessStudy, run: Run) -> dict[str, Any]:
    """Return what `facts.json` holds of readiness; no ids, no names."""
    owned = study.first_tier_accounts - len(study.without_owner)
    coming = run.settings.fiscal_calendar.shift(run.quarter, 1).label
    return {
        "freshness": freshness_rows(study),
        "contact_coverage": coverage_rows(study),
        "contact_coverage_why": study.coverage.why,
        "owners": {
            "tier": study.first_tier,
            "accounts": study.first_tier_accounts,
            **Figure.of(None if study.owner_why else owned, study.owner_why).facts("with_owner"),
        },
        "whitespace": whitespace_rows(study),
        "whitespace_why": study.whitespace.why,
        "pipeline_coverage": [{"quarter": coming, **row} for row in study.pipeline.facts()],
        "pipeline_coverage_why": study.pipeline.why,
    }


def freshness_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per tier with a limit: how many accounts are fresh, with an 80 % range."""
    return [_fresh(tier, rows) for tier, rows in _by_tier(study.freshness)]


def coverage_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per upper tier: at how many accounts the required roles are known."""
    wanted = len(study.required_roles)
    return [_covered(tier, rows, wanted) for tier, rows in _by_tier(study.coverage.to_frame())]


def whitespace_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per product: accounts that have not bought it, and what it may bring."""
    by = (
        study.whitespace.to_frame()
        .groupby("product", dropna=False)
        .agg(accounts=("account_id", "size"), value=("predicted_value", "sum"))
    )
    return [
        {
            "product": str(name),
            "accounts": int(row["accounts"]),
            "predicted_value": float(row["value"]),
        }
        for name, row in by.sort_values("value", ascending=False, kind="stable").iterrows()
    ]


def _by_tier(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(tier), rows) for tier, rows in frame.groupby("tier", sort=False)]


def _fresh(tier: str, rows: pd.DataFrame) -> dict[str, Any]:
    count, fresh = len(rows), int(rows["is_fresh"].sum())
    low, high = wilson_range(fresh, count)
    return {
        "tier": tier,
        "limit_days": int(rows["limit_days"].iloc[0]),
        "accounts": count,
        "fresh": fresh,
        "share": fresh / count,
        "low": low,
        "high": high,
        **Figure.of(rows["days_old"].median(), NO_FACTS).facts("median_days_old"),
    }


def _covered(tier: str, rows: pd.DataFrame, wanted: int) -> dict[str, Any]:
    engaged = pd.to_numeric(rows["roles_engaged"])  # missing at all accounts, or at none
    everybody = None if engaged.isna().any() else int((engaged == wanted).sum())
    return {
        "tier": tier,
        "accounts": len(rows),
        "required_roles": wanted,
        "all_known": int((rows["roles_known"] == wanted).sum()),
        **Figure.of(everybody, NO_CONTACT_OF_ACTIVITIES).facts("all_engaged"),
        "mean_roles_known": float(rows["roles_known"].mean()),
        **Figure.of(engaged.mean(), NO_CONTACT_OF_ACTIVITIES).facts("mean_roles_engaged"),
    }
