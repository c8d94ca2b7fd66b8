"""The whole beside the tiers: last year, target, renewals, territories, seats, large accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm import RENEWAL_TYPES, TARGET_TYPES, grouped, target_deals, to_frame
from tierkit.figure import Figure
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering
from tierkit.serving import hours_by_role
from tierkit.settings import DECISION_OWNERS
from tierkit.tiers import directions
from tierkit.words import quarters_ahead

NO_HISTORY = "the data do not reach back as far"
NO_RANGE = "too few earlier quarter-ends to test a range on"
NOBODY = "nobody"
_MOST_SEATS = 5


def overview_facts(
    run: Run, tiering: Tiering, *, forecast: dict[str, Any], pipeline: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return what `facts.json` holds of the whole, of swaps, seats and territories; no ids.

    Parameters
    ----------
    forecast
        What the facts hold of the forecast.
    pipeline
        Pipeline coverage of the coming quarter, one row for the company and each territory.
    """
    last_year = won_last_horizon(run)
    return {
        "whole": {
            **whole_facts(run, tiering, last_year, forecast),
            "target": target_facts(forecast, pipeline),
            "largest_account": _largest(tiering, last_year),
        },
        "swaps": swap_facts(tiering, run.settings.run.min_group),
        "seats": seat_facts(run, tiering),
        "territories": _shown_territories(run, tiering),
        "decide": {
            "by": (run.as_of + timedelta(days=run.settings.decision.within_days)).isoformat(),
            "owners": {**DECISION_OWNERS, **run.settings.decision.owners},
        },
        **_named(run, tiering),
    }


def _named(run: Run, tiering: Tiering) -> dict[str, Any]:
    """Return the names of the accounts of each swap, where the settings ask for them."""
    if not run.settings.run.name_accounts:
        return {}
    names = run.accounts().set_index("account_id")["name"]
    first = [tier.name for tier in run.settings.tiers if tier.capacity is not None][:1]
    before, now = (tiering.assigned[name].astype("object") for name in ("previous_tier", "tier"))
    if not before.notna().any():
        return {"named": []}

    def named(chosen: pd.Series[bool]) -> list[str]:
        return [str(names.get(one) or one) for one in tiering.assigned.index[chosen]]

    return {
        "named": [
            {
                "tier": tier,
                "in": named((now == tier) & (before != tier)),
                "out": named((before == tier) & (now != tier)),
            }
            for tier in first
        ]
    }


def won_last_horizon(run: Run, *, types: Sequence[str] = TARGET_TYPES) -> pd.Series[float]:
    """Return what each account won in as many quarters before `as_of` as are predicted after it.

    Accounts without a win are absent; refunds lower the sum. Empty where the data begin later.
    """
    quarters = run.settings.target.horizon_quarters
    nobody = pd.Index([], name="account_id", dtype="str")
    empty = pd.Series(np.empty(0), index=nobody)
    if len(run.totals.quarters) < quarters:
        return empty
    start = look_back_start(run.as_of, quarters)
    deals = target_deals(run.tables, run.settings, revenue_types=tuple(types))
    days = run.tables.dates({"as_of": [start], "horizon_end": [run.as_of]})
    rows = outcome_rows(deals.filter(nw.col("is_won")), "close_date", days)
    sums = to_frame(grouped(rows, ("account_id",), won=nw.col("value").sum()))
    known = sums.dropna(subset=["account_id"]).sort_values("account_id", kind="stable")
    accounts = pd.Index(known["account_id"], name="account_id")
    won = pd.Series(known["won"].to_numpy(dtype=float), index=accounts)
    return won if len(won) else empty


def whole_facts(
    run: Run, tiering: Tiering, last_year: pd.Series[float], forecast: dict[str, Any]
) -> dict[str, Any]:
    """Return predicted revenue of all tiers, what their accounts won last, and what is not in it.

    `last_horizon` is won revenue of the same accounts in as many quarters before `as_of`; `change`
    is predicted over that, less one. `renewals_last_horizon` is of all accounts.
    """
    why = "" if len(last_year) else NO_HISTORY
    tiered = tiering.tiered
    tiers = [
        {"tier": tier.name}
        | _against(tiered[tiered["tier"].astype("object") == tier.name], last_year, why)
        for tier in run.settings.tiers
    ]
    tiered_facts, new = forecast.get("tiered") or {}, forecast.get("new_accounts_brought")
    no_range = tiered_facts.get("low_why") or NO_RANGE
    no_new = forecast.get("new_accounts_brought_why") or NO_HISTORY
    renewals = None if why else float(won_last_horizon(run, types=RENEWAL_TYPES).sum())
    return {
        "quarters": run.settings.target.horizon_quarters,
        "span": quarters_ahead(run.settings.target.horizon_quarters),
        **_against(tiered, last_year, why),
        **Figure.of(tiered_facts.get("low"), no_range).facts("low"),
        **Figure.of(tiered_facts.get("high"), no_range).facts("high"),
        "tiers": tiers,
        **Figure.of(renewals, why).facts("renewals_last_horizon"),
        "renewals_are_predicted": run.settings.target.measure != "revenue",
        **Figure.of(new, no_new).facts("new_accounts_last_horizon"),
    }


def _against(rows: pd.DataFrame, last_year: pd.Series[float], why: str) -> dict[str, Any]:
    predicted = float(rows["predicted_revenue"].fillna(0.0).sum())
    before = None if why else float(last_year.reindex(rows.index).fillna(0.0).sum())
    change = predicted / before - 1 if before and before > 0 else None
    return {
        "accounts": len(rows),
        "predicted_revenue": predicted,
        **Figure.of(before, why).facts("last_horizon"),
        **Figure.of(change, why or "nothing was won then").facts("change"),
    }


def target_facts(forecast: dict[str, Any], pipeline: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the company's target of the coming quarter, the share predicted of it, its pipeline.

    The targets of territories are summed where the company as a whole has none.
    """
    whole = [row for row in pipeline if not row.get("territory")] or [*pipeline]
    target = sum(row.get("target") or 0.0 for row in whole)
    if not target > 0:
        return Figure.unknown("no target is set for the coming quarter").facts("target")
    soon: dict[str, Any] = next(iter(forecast.get("quarters") or ()), {})
    predicted, qualified = soon.get("predicted"), sum(row.get("pipeline") or 0.0 for row in whole)
    return {
        "quarter": whole[0].get("quarter", ""),
        "target": target,
        **Figure.of(predicted, soon.get("predicted_why", "")).facts("predicted"),
        **Figure.of(
            predicted / target if predicted is not None else None, "nothing is predicted"
        ).facts("predicted_over_target"),
        "pipeline": qualified,
        "pipeline_over_target": qualified / target,
    }


def _largest(tiering: Tiering, last_year: pd.Series[float]) -> dict[str, Any]:
    """Return the share of the largest account in won revenue of last year and in predicted."""
    predicted = tiering.tiered["predicted_revenue"].dropna().clip(lower=0.0)
    return {
        **_top_share(last_year.clip(lower=0.0)).facts("share_of_won"),
        **_top_share(predicted).facts("share_of_predicted"),
    }


def _top_share(amounts: pd.Series[float]) -> Figure:
    total = float(amounts.sum())
    return Figure.of(float(amounts.max()) / total if total > 0 else None, "nothing was won")


def swap_facts(tiering: Tiering, min_group: int) -> list[dict[str, Any]]:
    """Return who comes into and goes out of each tier that has places, in accounts and money.

    The money of one account alone is never said where groups have a least size.
    """
    before, now = (tiering.assigned[name].astype("object") for name in ("previous_tier", "tier"))
    if before.isna().all():
        return []
    rows = []
    for tier in now.dropna().unique():
        came = tiering.assigned[(now == tier) & (before != tier)]
        went = tiering.assigned[(before == tier) & (now != tier)]
        rows.append(
            {"tier": str(tier)} | _side("in", came, min_group) | _side("out", went, min_group)
        )
    order = {str(name): place for place, name in enumerate(tiering.assigned["tier"].cat.categories)}
    return sorted(rows, key=lambda row: order[row["tier"]])


def _side(key: str, rows: pd.DataFrame, min_group: int) -> dict[str, Any]:
    alone = len(rows) == 1 and min_group > 1
    money = None if alone else float(rows["predicted_revenue"].fillna(0.0).sum())
    amount = Figure.of(money, "it is one account").facts(f"{key}_predicted_revenue")
    return {f"{key}_accounts": len(rows), **amount}


def seat_facts(run: Run, tiering: Tiering) -> list[dict[str, Any]]:
    """Return, for each tier with places, the seats that rules hold and who waits for them.

    A seat is held by a rule where its account's rank is beyond the places of this tier and those
    above; one waits whose rank is inside them and whose tier is lower. Ranks of groups that are
    filled apart cannot be compared: there are no rows then.
    """
    if len(tiering.assigned["group"].fillna("").unique()) > 1:
        return []
    ranked = tiering.tiered[tiering.tiered["rank"].notna()].sort_values("rank", kind="stable")
    levels, places, found = ranked["tier"].cat.codes, 0, []
    for level, tier in enumerate(run.settings.tiers):
        if tier.capacity is None:
            break
        places += tier.capacity
        held = ranked[(levels == level) & (ranked["rank"] > places)]
        waiting = ranked[(levels > level) & (ranked["rank"] <= places)]
        found.append(
            {
                "tier": tier.name,
                "places": tier.capacity,
                "held_by_rules": len(held),
                "held": [
                    {"rank": int(row["rank"]), "by": _rule(row, tiering)}
                    for _, row in held.head(_MOST_SEATS).iterrows()
                ],
                "waiting_accounts": len(waiting),
                "waiting": [
                    {"rank": int(row["rank"]), "predicted_revenue": float(row["predicted_revenue"])}
                    for _, row in waiting.head(1).iterrows()
                ],
            }
        )
    return found


def _rule(row: pd.Series[Any], tiering: Tiering) -> str:
    if not row["overridden"]:
        return str(row["kept_by"] or "a written rule")
    expired = tiering.overrides.set_index("account_id")["expired"]
    return "expired override" if bool(expired.get(row.name, default=False)) else "override"


def territory_rows(run: Run, tiering: Tiering, column: str) -> pd.DataFrame:
    """Return one row per territory or owner, the most predicted revenue first.

    Parameters
    ----------
    column
        A column of accounts; those without a value count as `nobody`.

    Returns
    -------
    pandas.DataFrame
        The column, `accounts`, `owners`, one count per tier, `predicted_revenue`, `last_horizon`,
        `up`, `down`, the `hours` that the first role of the entitlements owes these accounts in a
        quarter, and the hours that its owners have, `available`, 0 where not known. Empty without
        the column.
    """
    accounts = run.accounts().set_index("account_id")
    if column not in accounts:
        return pd.DataFrame()
    assigned, last_year = tiering.assigned, won_last_horizon(run)
    known = accounts.reindex(assigned.index)
    names = known[column].astype("object").fillna(NOBODY).replace("", NOBODY)
    rows = [
        {column: str(name)} | _row(run, group, known.loc[group.index], last_year)
        for name, group in assigned.groupby(names, sort=True, dropna=False)
    ]
    frame = pd.DataFrame(rows)
    return frame.sort_values(
        ["predicted_revenue", column], ascending=[False, True], ignore_index=True, kind="stable"
    )


def _row(
    run: Run, rows: pd.DataFrame, accounts: pd.DataFrame, last_year: pd.Series[float]
) -> dict[str, Any]:
    tiered = rows[rows["tier"].notna()]
    counts = {tier.name: int((tiered["tier"] == tier.name).sum()) for tier in run.settings.tiers}
    owners = accounts["owner"].replace("", None).dropna().nunique() if "owner" in accounts else 0
    moved = directions(rows["previous_tier"], rows["tier"])
    role = owner_role(run)
    asked = hours_by_role(counts, tiers=run.settings.tiers, roles=run.settings.roles)
    known = bool(role) and run.settings.roles[role].hours > 0
    per_person = run.settings.roles[role].hours_per_person if known else 0.0
    return {
        "accounts": len(tiered),
        "owners": owners,
        **counts,
        "predicted_revenue": float(tiered["predicted_revenue"].fillna(0.0).sum()),
        "last_horizon": float(last_year.reindex(tiered.index).fillna(0.0).sum()),
        "up": moved["up"],
        "down": moved["down"],
        "hours": sum(of_tier.get(role, 0.0) for of_tier in asked.values()),
        "available": owners * per_person,
    }


def owner_role(run: Run) -> str:
    """Return the role of account owners: that of the first entitlement; empty without any."""
    named = (one.role for tier in run.settings.tiers for one in tier.entitlements)
    return next((role for role in named if role in run.settings.roles), "")


def _shown_territories(run: Run, tiering: Tiering) -> dict[str, Any]:
    """Return territories, else owners, as the facts hold them; small ones are one row together."""
    tiers = [tier.name for tier in run.settings.tiers]
    for column in ("territory", "owner"):
        frame = territory_rows(run, tiering, column)
        if len(frame) > 1:
            least = run.settings.run.min_group
            small = frame["accounts"] < least
            shown = [_plain(row, column, tiers) for _, row in frame[~small].iterrows()]
            rest = _together(frame[small], column) if small.sum() > 1 else []
            rows = [*shown, *(_plain(row, column, tiers) for row in rest)]
            return {"by": column, "role": owner_role(run), "rows": rows}
    return {"by": "", "role": "", "rows": [], "rows_why": "needs accounts.territory or an owner"}


def _together(rows: pd.DataFrame, column: str) -> Iterable[pd.Series[Any]]:
    if rows["accounts"].sum() == 0:
        return []
    return [pd.concat([pd.Series({column: "all others"}), rows.drop(columns=column).sum()])]


def _plain(row: pd.Series[Any], column: str, tiers: Sequence[str]) -> dict[str, Any]:
    counts = ("accounts", "owners", "up", "down")
    money = ("predicted_revenue", "last_horizon", "hours", "available")
    return {
        "name": str(row[column]),
        **{key: int(row[key]) for key in counts},
        "tiers": {tier: int(row[tier]) for tier in tiers},
        **{key: float(row[key]) for key in money},
    }
