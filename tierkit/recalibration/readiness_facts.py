"""What `facts.json` holds of readiness: containers of plain values, no ids, no names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tierkit.readiness.coverage import NO_CONTACT_OF_ACTIVITIES
from tierkit.recalibration.readiness import ReadinessStudy
from tierkit.recalibration.tiering import said
from tierkit.recalibration.work import Work
from tierkit.roi.resampling import wilson_range

NO_FACTS = "no table has dated rows of these accounts"


def readiness_facts(study: ReadinessStudy, work: Work) -> dict[str, Any]:
    """Return what `facts.json` holds of readiness; no ids, no names."""
    owned = study.first_tier_accounts - len(study.without_owner)
    return {
        "freshness": freshness_rows(study),
        "contact_coverage": coverage_rows(study),
        "contact_coverage_why": study.coverage_why,
        "owners": {
            "tier": study.first_tier,
            "accounts": study.first_tier_accounts,
            **said("with_owner", None if study.owner_why else owned, study.owner_why),
        },
        "whitespace": whitespace_rows(study),
        "whitespace_why": study.whitespace_why,
        "pipeline_coverage": [
            {
                "quarter": work.settings.fiscal_calendar.shift(work.quarter, 1).label,
                "territory": part.territory,
                "pipeline": part.pipeline,
                "deals": part.deals,
                "target": part.target,
                **said("coverage", part.coverage, "the target is not above zero"),
            }
            for part in study.pipeline
        ],
        "pipeline_coverage_why": study.pipeline_why,
    }


def freshness_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per tier with a limit: how many accounts are fresh, with an 80 % range."""
    return [_fresh(tier, rows) for tier, rows in _by_tier(study.freshness)]


def coverage_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per upper tier: at how many accounts the required roles are known."""
    wanted = len(study.required_roles)
    return [_covered(tier, rows, wanted) for tier, rows in _by_tier(study.coverage)]


def whitespace_rows(study: ReadinessStudy) -> list[dict[str, Any]]:
    """Return one row per product: accounts that have not bought it, and what it may bring."""
    by = study.whitespace.groupby("product", dropna=False).agg(
        accounts=("account_id", "size"), value=("predicted_value", "sum")
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
        **said("median_days_old", rows["days_old"].median(), NO_FACTS),
    }


def _covered(tier: str, rows: pd.DataFrame, wanted: int) -> dict[str, Any]:
    engaged = pd.to_numeric(rows["roles_engaged"])  # missing at all accounts, or at none
    everybody = None if engaged.isna().any() else int((engaged == wanted).sum())
    return {
        "tier": tier,
        "accounts": len(rows),
        "required_roles": wanted,
        "all_known": int((rows["roles_known"] == wanted).sum()),
        **said("all_engaged", everybody, NO_CONTACT_OF_ACTIVITIES),
        "mean_roles_known": float(rows["roles_known"].mean()),
        **said("mean_roles_engaged", engaged.mean(), NO_CONTACT_OF_ACTIVITIES),
    }
