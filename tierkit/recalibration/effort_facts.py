"""What `facts.json` holds of effort: containers of plain values, no ids, no names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tierkit.effort.alike import NOTHING_SPENT
from tierkit.effort.proportion import Estimate
from tierkit.recalibration.effort import EffortStudy
from tierkit.recalibration.tiering import Tiering, said
from tierkit.recalibration.work import Work
from tierkit.reporting.words import share
from tierkit.tiers.effort import hours_by_role


def effort_facts(study: EffortStudy, tiering: Tiering, work: Work) -> dict[str, Any]:
    """Return what `facts.json` holds of effort; no ids, no names."""
    counts = {str(tier): int(n) for tier, n in tiering.tiered["tier"].value_counts().items()}
    by_tier = hours_by_role(counts, tiers=work.settings.tiers, roles=work.settings.roles)
    return {
        "roles": [
            {
                "role": str(role),
                "hours": float(row["hours"]),
                "available": float(row["available"]),
                **said("share_used", row["share_used"], row["share_used_why"]),
                "hours_by_tier": {
                    tier: roles.get(str(role), 0.0) for tier, roles in by_tier.items()
                },
            }
            for role, row in tiering.role_effort.iterrows()
        ],
        "margin": {"share": study.margin.share, "source": study.margin.source},
        "break_even": _break_even_facts(study),
        "received": _received_facts(study),
        "delivered": _delivered_facts(study),
        "delivered_why": study.delivered_why,
        "frontier": _frontier_facts(study),
        "largest_sizes": [
            {"tier": tier, **said("size", size, "no role has hours")}
            for tier, size in study.largest.items()
        ],
    }


def _break_even_facts(study: EffortStudy) -> list[dict[str, Any]]:
    return [
        {
            "tier": str(tier),
            **said("cost", row["cost"], row["break_even_why"]),
            "predicted_revenue": float(row["predicted_revenue"]),
            **said("break_even", row["break_even"], row["break_even_why"]),
            "sentence": pays_sentence(str(tier), row["break_even"], row["break_even_why"]),
        }
        for tier, row in study.break_even.iterrows()
    ]


def pays_sentence(tier: str, effect: float, why: str) -> str:
    """Return in words at which effect a tier pays.

    Examples
    --------
    >>> pays_sentence("Tier 1", 0.12, ""), pays_sentence("Tier 2", float("nan"), "no costs")
    ('Tier 1 pays if it lifts revenue by 12 %.', 'Tier 2: not known, no costs.')
    """
    if why or pd.isna(effect):
        return f"{tier}: not known, {why}."
    return f"{tier} pays if it lifts revenue by {share(effect)}."


def _received_facts(study: EffortStudy) -> dict[str, Any]:
    received, served = study.received, study.accounts.get("served", pd.Series(dtype=str))
    why = received.why or ("" if len(study.accounts) else NOTHING_SPENT)
    alike = study.alike
    return {
        "measure": received.measure,
        "quarters": received.quarters,
        "why": why,
        "accounts": len(study.accounts),
        **said("total", None if why else float(study.accounts["effort"].sum()), why),
        "over_served": int((served == "over").sum()),
        "under_served": int((served == "under").sum()),
        "tiers": [
            {"tier": str(tier), "accounts": int(row["accounts"])}
            | {
                key: value
                for name in ("effort_share", "value_share", "effort_index", "low", "high")
                for key, value in said(name, row[name], "no value or too few accounts").items()
            }
            for tier, row in study.by_tier.iterrows()
        ],
        "concentration": _ends(study.concentration, why),
        "concentration_over_value": _ends(study.relative, why),
        **(
            {"alike": alike.alike}
            if alike.alike is not None
            else said("alike", None, alike.because)
        ),
        "alike_because": alike.because,
        "lorenz": [
            {str(key): round(float(value), 6) for key, value in row.items()}
            for row in study.curve.to_dict("records")
        ],
    }


def _ends(estimate: Estimate, why: str) -> dict[str, Any]:
    reason = why or "too few accounts to say"
    values = {"estimate": estimate.estimate, "low": estimate.low, "high": estimate.high}
    return {k: v for name, value in values.items() for k, v in said(name, value, reason).items()}


def _delivered_facts(study: EffortStudy) -> list[dict[str, Any]]:
    return [
        {
            **{key: str(row[key]) for key in ("quarter", "tier", "activity")},
            "accounts": int(row["accounts"]),
            "entitled": float(row["entitled"]),
            **said("delivered", row["delivered"], row["why"]),
            **said("delivered_share", row["delivered_share"], row["why"]),
            **said("accounts_in_full", row["accounts_in_full"], row["why"]),
        }
        for row in study.delivered.to_dict("records")
    ]


def _frontier_facts(study: EffortStudy) -> list[dict[str, Any]]:
    why = "the entitlements' hours or costs are not known"
    return [
        {
            "tier": row["tier"],
            "size": int(row["size"]),
            "is_today": bool(row["is_today"]),
            "predicted_revenue": float(row["predicted_revenue"]),
            **said("hours", row["hours"], why),
            **said("cost", row["cost"], why),
            "roles_short": [name for name in str(row["roles_short"]).split(", ") if name],
        }
        for row in study.frontier.to_dict("records")
    ]
