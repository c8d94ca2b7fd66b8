"""The sheets of `accounts.xlsx` on how accounts are served."""

from __future__ import annotations

from tierkit.recalibration.chances import Chances
from tierkit.recalibration.effort import EffortStudy
from tierkit.recalibration.readiness import ReadinessStudy
from tierkit.recalibration.serving import Serving
from tierkit.reporting.workbook import Kind, Sheet

LEAST_CHANCE = 0.01
"""Of accounts that stay with more certainty than this, one line each would say nothing."""

_ACCOUNT_COLUMNS = [
    "account_id",
    "tier",
    "value",
    "effort",
    "effort_index",
    "excess_effort",
    "served",
]


def serving_sheets(serving: Serving) -> dict[str, Sheet]:
    """Return the sheets on how accounts are served; one without rows is left out."""
    qualified = Sheet(serving.engagement.qualified, {"date": "date"})
    sheets = {
        **_effort_sheets(serving.effort),
        "MQA": qualified,
        **_readiness_sheets(serving.readiness),
        **_chance_sheets(serving.chances),
    }
    return {name: sheet for name, sheet in sheets.items() if len(sheet.frame)}


def _chance_sheets(chances: Chances) -> dict[str, Sheet]:
    """Return the accounts with a chance of another tier, and those on the borderline."""
    names = ("in_tier", "higher", "lower", "up", "down")
    kinds: dict[str, Kind] = dict.fromkeys((f"chance_{name}" for name in names), "share")
    kinds |= {"predicted_revenue": "money", "rank": "number", "account_quarters": "number"}
    known = chances.accounts.drop(columns="borders_on").dropna(
        how="all", subset=["chance_in_tier", "chance_up"]
    )
    moves = known[["chance_higher", "chance_lower", "chance_up", "chance_down"]].fillna(0.0)
    open_to_chance = known[(moves >= LEAST_CHANCE).any(axis=1)]
    columns = ["tier", "borders_on", "rank", "predicted_revenue", "chance_in_tier"]
    open_ = chances.borderline[columns]
    return {
        "Chances": Sheet(open_to_chance.rename_axis("account_id").reset_index(), kinds),
        "Borderline": Sheet(
            open_.rename_axis("account_id").reset_index(),
            {name: kind for name, kind in kinds.items() if name in columns},
        ),
    }


def _effort_sheets(effort: EffortStudy) -> dict[str, Sheet]:
    """Return effort against value by account, and what was delivered of the entitlements."""
    accounts = effort.accounts.rename_axis("account_id").reset_index()
    accounts = accounts.reindex(columns=_ACCOUNT_COLUMNS)
    in_money = effort.received.measure == "money spent"
    money: dict[str, Kind] = {"value": "money"}
    if in_money:
        money |= {"effort": "money", "excess_effort": "money"}
    return {
        "Effort": Sheet(accounts, money),
        "Delivered": Sheet(effort.delivered, {"delivered_share": "share"}),
        "Tier sizes": Sheet(effort.frontier, {"predicted_revenue": "money", "cost": "money"}),
    }


def _readiness_sheets(readiness: ReadinessStudy) -> dict[str, Sheet]:
    """Return freshness and contacts by account, and whitespace by account and product."""
    contacts = readiness.coverage.drop(columns="tier")
    accounts = readiness.freshness.join(contacts, how="outer", validate="1:1")
    accounts = accounts.reindex(readiness.freshness.index.union(contacts.index, sort=False))
    owners = dict.fromkeys(readiness.without_owner, "nobody")
    accounts = accounts.assign(owner_missing=[owners.get(str(x), "") for x in accounts.index])
    frame = accounts.rename_axis("account_id").reset_index()
    money: dict[str, Kind] = {"predicted_value": "money", "share": "share"}
    return {
        "Readiness": Sheet(frame, {"newest": "date"}),
        "Whitespace": Sheet(readiness.whitespace, money),
    }
