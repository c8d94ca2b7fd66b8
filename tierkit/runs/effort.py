"""The stage that holds effort against value, against what was promised and what the team has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, complete_quarter_ends
from tierkit.figure import Figure
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering
from tierkit.serving import (
    FEW,
    NOTHING_SPENT,
    EffortReceived,
    EqualTreatment,
    Margin,
    concentration,
    delivered_entitlements,
    effort_index,
    effort_received,
    gross_margin,
    hours_by_role,
    largest_size,
    logged_hours,
    lorenz_curve,
    size_frontier,
    slot_values,
    tier_index,
    tiers_pay,
    treated_alike,
)
from tierkit.table import Table
from tierkit.words import share

DELIVERED_QUARTERS = 4


@dataclass(frozen=True)
class EffortStudy:
    """Effort received, promised, delivered, and what other sizes of tiers would ask.

    Attributes
    ----------
    received
        What was done for accounts.
    accounts
        One row per tiered account, by rank: `tier`, `value`, `effort`, `effort_index`,
        `excess_effort`, `served` (`over`, `under` or empty). No rows without effort.
    by_tier, curve, concentration, relative
        As `tierkit.serving.proportion` gives them; `relative` is effort's concentration over
        value's.
    delivered
        As `tierkit.serving.delivered_entitlements` gives it.
    frontier, largest
        What other sizes would ask, and the largest size that the team could serve, by tier.
    break_even
        As `tiers_pay` returns it, and the `margin` in it.
    """

    received: EffortReceived
    accounts: pd.DataFrame
    by_tier: pd.DataFrame
    curve: pd.DataFrame
    concentration: Figure
    relative: Figure
    alike: EqualTreatment
    delivered: Table
    frontier: pd.DataFrame
    largest: dict[str, int | None]
    break_even: pd.DataFrame
    margin: Margin


def study_effort(run: Run, tiering: Tiering) -> EffortStudy:
    """Hold the effort that accounts received against their value and their entitlements."""
    settings, tiered = run.settings, tiering.tiered
    received = effort_received(run.tables, as_of=run.as_of, quarters=settings.effort.quarters)
    value = tiered["predicted_revenue"].dropna().clip(lower=0.0).astype(float)
    proportion = effort_index(value, received.by_account)
    spent = not received.why and proportion["effort"].sum() > 0
    known = proportion if spent else proportion.iloc[:0]
    tier = tiered["tier"].reindex(known.index)
    seed = settings.model.seed
    of_effort, relative = _concentration(known, received, seed=seed)
    delivered = delivered_entitlements(run.tables, last_quarters(run), settings=settings)
    ranked = _by_rank(tiered)
    margin = gross_margin(run.tables, settings=settings, as_of=run.as_of)
    return EffortStudy(
        received=received,
        accounts=_accounts(known, tier, run),
        by_tier=tier_index(known, tier, seed=seed) if spent else pd.DataFrame(),
        curve=lorenz_curve(known) if spent else pd.DataFrame(),
        concentration=of_effort,
        relative=relative,
        alike=treated_alike(
            known,
            relative,
            received,
            below=settings.effort.alike_share,
            fewest=settings.run.min_group,
        ),
        delivered=delivered,
        frontier=size_frontier(ranked, tiers=settings.tiers, roles=settings.roles),
        largest={
            tier.name: largest_size(ranked, number, tiers=settings.tiers, roles=settings.roles)
            for number, tier in enumerate(settings.tiers)
            if tier.capacity
        },
        break_even=tiers_pay(
            tiering.break_even,
            tiering.tier_effort,
            _revenue(tiering),
            horizon_quarters=settings.target.horizon_quarters,
        ),
        margin=margin,
    )


def last_quarters(run: Run) -> list[Quarter]:
    """Return the last quarters before `as_of` of which activities are known from the first day."""
    if "activities" not in run.tables:
        return []
    first = run.tables["activities"].select(nw.col("date").min()).collect().item()
    if first is None:
        return []
    calendar = run.settings.fiscal_calendar
    month = first.replace(day=1)  # who starts to write down in a month knows that month
    ends = complete_quarter_ends(calendar, month, run.as_of, look_back=1, horizon=0)
    return [calendar.ending_at(end) for end in ends][-DELIVERED_QUARTERS:]


def slot_facts(run: Run) -> dict[str, dict[str, Any]]:
    """Return by tier what one more slot is worth, from the comparison that the run has left."""
    settings = run.settings
    return slot_values(
        run.read_facts("roi")["roi"]["boundaries"],
        tiers=settings.tiers,
        roles=settings.roles,
        outcome_quarters=settings.roi.outcome_quarters,
        margin=gross_margin(run.tables, settings=settings, as_of=run.as_of).share,
    )


def _accounts(proportion: pd.DataFrame, tier: pd.Series[str], run: Run) -> pd.DataFrame:
    limits = run.settings.effort
    index = proportion["effort_index"]
    served = pd.Series("", index=proportion.index, dtype="str")
    served = served.mask(index >= limits.over_served, "over")
    served = served.mask(index <= limits.under_served, "under")
    return proportion.assign(tier=tier.astype("str"), served=served)


def _concentration(
    proportion: pd.DataFrame, received: EffortReceived, *, seed: int
) -> tuple[Figure, Figure]:
    if proportion.empty or not proportion["value"].sum() > 0:
        nobody = NOTHING_SPENT if proportion.empty else FEW
        return Figure.unknown(received.why or nobody), Figure.unknown(received.why or nobody)
    return concentration(proportion, seed=seed)


def _by_rank(tiered: pd.DataFrame) -> pd.Series[float]:
    ranked = tiered[tiered["rank"].notna()].sort_values("rank", kind="stable")
    return ranked["predicted_revenue"].astype(float)


def _revenue(tiering: Tiering) -> dict[str, float]:
    sums = tiering.tiered.groupby("tier", observed=True)["predicted_revenue"].sum()
    return {str(tier): float(money) for tier, money in sums.items()}


def effort_facts(study: EffortStudy, tiering: Tiering, run: Run) -> dict[str, Any]:
    """Return what `facts.json` holds of effort; no ids, no names."""
    counts = {str(tier): int(n) for tier, n in tiering.tiered["tier"].value_counts().items()}
    by_tier = hours_by_role(counts, tiers=run.settings.tiers, roles=run.settings.roles)
    return {
        "tiers": _tier_facts(study, tiering, run),
        "roles": [
            {
                "role": str(role),
                "hours": float(row["hours"]),
                "available": float(row["available"]),
                **row["share_used"].facts("share_used"),
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
        "delivered_why": study.delivered.why,
        "frontier": _frontier_facts(study),
        "largest_sizes": [
            {"tier": tier, **Figure.of(size, "no role has hours").facts("size")}
            for tier, size in study.largest.items()
        ],
    }


def _tier_facts(study: EffortStudy, tiering: Tiering, run: Run) -> list[dict[str, Any]]:
    """Return effort by tier: planned next, owed and logged last quarter, spent beside value."""
    logged, why = logged_hours(run.tables, run.quarter, settings=run.settings)
    hours = logged.set_index("tier") if len(logged) else logged
    in_money = study.received.measure == "money spent" and len(study.accounts) > 0
    spent = study.accounts.groupby("tier")["effort"].sum() if in_money else pd.Series(dtype=float)
    no_money = study.received.why or "needs the table costs"
    rows = []
    for tier, planned in tiering.tier_effort.iterrows():
        name = str(tier)
        then = dict(hours.loc[name]) if name in hours.index else {}
        of_value = dict(study.by_tier.loc[name]) if name in study.by_tier.index else {}
        rows.append(
            {
                "tier": name,
                **planned["hours"].facts("planned_hours"),
                **planned["cost"].facts("planned_cost"),
                "logged_quarter": run.quarter.label,
                **_of(then, "accounts", why).facts("logged_accounts"),
                **_of(then, "owed", why).facts("owed_hours"),
                **_of(then, "logged", why).facts("logged_hours"),
                "spent_quarters": study.received.quarters,
                **Figure.of(spent.get(name), no_money).facts("spent"),
                **_of(of_value, "effort_share", no_money).facts("share_of_effort"),
                **_of(of_value, "value_share", no_money).facts("share_of_value"),
            }
        )
    return rows


def _of(row: Mapping[Any, Any], column: str, why: str) -> Figure:
    return Figure.of(row.get(column), why or "nobody held this tier then")


def _break_even_facts(study: EffortStudy) -> list[dict[str, Any]]:
    return [
        {
            "tier": str(tier),
            **row["cost"].facts("cost"),
            "predicted_revenue": float(row["predicted_revenue"]),
            **row["break_even"].facts("break_even"),
            "sentence": pays_sentence(str(tier), row["break_even"]),
        }
        for tier, row in study.break_even.iterrows()
    ]


def pays_sentence(tier: str, effect: Figure) -> str:
    """Return in words at which effect a tier pays.

    Examples
    --------
    >>> pays_sentence("Tier 1", Figure(0.12)), pays_sentence("Tier 2", Figure.unknown("no costs"))
    ('Tier 1 pays if it lifts revenue by 12 %.', 'Tier 2: not known, no costs.')
    """
    if not effect.is_known:
        return f"{tier}: not known, {effect.why}."
    return f"{tier} pays if it lifts revenue by {effect.say(share)}."


def _received_facts(study: EffortStudy) -> dict[str, Any]:
    received, served = study.received, study.accounts.get("served", pd.Series(dtype=str))
    why = received.why or ("" if len(study.accounts) else NOTHING_SPENT)
    alike = study.alike
    return {
        "measure": received.measure,
        "quarters": received.quarters,
        "why": why,
        "accounts": len(study.accounts),
        **Figure.of(None if why else float(study.accounts["effort"].sum()), why).facts("total"),
        "over_served": int((served == "over").sum()),
        "under_served": int((served == "under").sum()),
        "tiers": [
            {"tier": str(tier), "accounts": int(row["accounts"]), **_of_tier(row)}
            for tier, row in study.by_tier.iterrows()
        ],
        "concentration": study.concentration.effect(),
        "concentration_over_value": study.relative.effect(),
        **(
            {"alike": alike.alike}
            if alike.alike is not None
            else Figure.unknown(alike.because).facts("alike")
        ),
        "alike_because": alike.because,
        "lorenz": [
            {str(key): round(float(value), 6) for key, value in row.items()}
            for row in study.curve.to_dict("records")
        ],
    }


def _of_tier(row: pd.Series[Any]) -> dict[str, Any]:
    why = "no value or too few accounts"
    index = Figure.of(row["effort_index"], why, low=row["low"], high=row["high"])
    return {
        **Figure.of(row["effort_share"], why).facts("effort_share"),
        **Figure.of(row["value_share"], why).facts("value_share"),
        **index.facts("effort_index", low="low", high="high"),
    }


def _delivered_facts(study: EffortStudy) -> list[dict[str, Any]]:
    return [
        {
            **{key: str(row[key]) for key in ("quarter", "tier", "activity")},
            "accounts": int(row["accounts"]),
            "entitled": float(row["entitled"]),
            **Figure.of(row["delivered"], row["why"]).facts("delivered"),
            **Figure.of(row["delivered_share"], row["why"]).facts("delivered_share"),
            **Figure.of(row["accounts_in_full"], row["why"]).facts("accounts_in_full"),
        }
        for row in study.delivered.to_frame().to_dict("records")
    ]


def _frontier_facts(study: EffortStudy) -> list[dict[str, Any]]:
    why = "the entitlements' hours or costs are not known"
    return [
        {
            "tier": row["tier"],
            "size": int(row["size"]),
            "is_today": bool(row["is_today"]),
            "predicted_revenue": float(row["predicted_revenue"]),
            **Figure.of(row["hours"], why).facts("hours"),
            **Figure.of(row["cost"], why).facts("cost"),
            "roles_short": [name for name in str(row["roles_short"]).split(", ") if name],
        }
        for row in study.frontier.to_dict("records")
    ]
