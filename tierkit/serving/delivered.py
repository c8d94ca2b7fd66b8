"""Delivery of each tier's entitlements, quarter by quarter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import Quarter, outcome_rows
from tierkit.crm import Tables, grouped, to_frame
from tierkit.settings import Entitlement, Settings, Tier
from tierkit.table import Column, Columns, Table
from tierkit.tiers import tiers_in_force

NO_HISTORY = "needs tier_history: which account held which tier when a quarter began"
NO_ACTIVITIES = "needs the table activities"
NO_ENTITLEMENTS = "no tier has entitlements; write [[tiers.entitlements]] in tierkit.toml"
CAPTION = "What was delivered of the entitlements, by quarter, tier and activity"
_COLUMNS: Columns = [
    "quarter",
    "tier",
    "activity",
    "accounts",
    *Column.each("number", "entitled", "delivered"),
    *Column.each("share", "delivered_share"),
    *Column.each("number", "accounts_in_full"),
    "why",
]


def delivered_entitlements(
    tables: Tables, quarters: Sequence[Quarter], *, settings: Settings
) -> Table:
    """Return what the accounts of each tier got of what they were entitled to.

    Outbound activities whose type is one of the entitlement's `counts` (its own name where it has
    none; case does not matter) count for it, for the accounts that held the tier on the quarter's
    first day. Of an entitlement of less than one a quarter the sums still compare; whether an
    account got it in full then means at least one.

    Parameters
    ----------
    quarters
        Complete ones.

    Returns
    -------
    Table
        One row per quarter, tier and entitlement: `accounts`, `entitled` and `delivered` (times),
        `delivered_share` (0.5 is half of what was promised), `accounts_in_full`. Where no activity
        of the type was ever written down, the last three are missing with the reason in `why`.
    """
    why = _missing(tables, settings)
    if why or not quarters:
        return _table(why=why or "no quarter is complete")
    held = tiers_in_force(tables, [quarter.start for quarter in quarters])
    done, ever = _activities(tables, quarters)
    by_day = {pd.Timestamp(quarter.start): quarter for quarter in quarters}
    held = held.assign(start=pd.to_datetime(held["day"]))
    rows = []
    for start, holders in held.groupby("start", sort=True):
        for tier in settings.tiers:
            ids = holders.loc[holders["tier"] == tier.name, "account_id"]
            here = done[(done["start"] == start) & done["account_id"].isin(ids)]
            rows += [
                {"quarter": by_day[pd.Timestamp(str(start))].label, "tier": tier.name}
                | _row(entitlement, len(ids), here, ever)
                for entitlement in tier.entitlements
                if len(ids)
            ]
    return _table(rows, why="" if rows else NO_HISTORY)


def _table(rows: Sequence[Mapping[str, object]] = (), *, why: str) -> Table:
    return Table("delivered", CAPTION, _COLUMNS, rows, why=why)


def activity_types(entitlement: Entitlement) -> frozenset[str]:
    """Return the types of activities that count for an entitlement, in lower case."""
    return frozenset(name.strip().lower() for name in entitlement.counts or (entitlement.activity,))


def _missing(tables: Tables, settings: Settings) -> str:
    if not any(tier.entitlements for tier in settings.tiers):
        return NO_ENTITLEMENTS
    if "activities" not in tables:
        return NO_ACTIVITIES
    return "" if "tier_history" in tables else NO_HISTORY


def _activities(tables: Tables, quarters: Sequence[Quarter]) -> tuple[pd.DataFrame, frozenset[str]]:
    """Return counts by quarter, account and type, and the types that were ever written down."""
    ours = tables["activities"].select("account_id", "date", "type", "direction")
    if tables.has("activities", "direction"):
        ours = ours.filter(nw.col("direction") == "outbound")
    kind = nw.col("type").str.strip_chars(" ").str.to_lowercase()
    named = ours.with_columns(kind=kind)
    spans = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    inside = outcome_rows(named, "date", tables.dates(spans))
    counted = grouped(inside, ("as_of", "account_id", "kind"), times=nw.len())
    frame = to_frame(counted)
    frame["start"] = pd.to_datetime(frame.pop("as_of"))
    types = to_frame(named.select("kind").unique())["kind"].dropna()
    return frame, frozenset(types)


def _row(
    entitlement: Entitlement, accounts: int, here: pd.DataFrame, ever: frozenset[str]
) -> dict[str, object]:
    types = activity_types(entitlement)
    entitled = accounts * entitlement.per_quarter
    row = {"activity": entitlement.activity, "accounts": accounts, "entitled": entitled}
    if not types & ever:
        why = f"no activity of the type {' or '.join(sorted(types))} was ever written down"
        unsaid = dict.fromkeys(("delivered", "delivered_share", "accounts_in_full"), np.nan)
        return row | unsaid | {"why": why}
    by_account = here.loc[here["kind"].isin(types)].groupby("account_id")["times"].sum()
    in_full = by_account >= max(1.0, entitlement.per_quarter)
    return row | {
        "delivered": float(by_account.sum()),
        "delivered_share": float(by_account.sum()) / entitled,
        "accounts_in_full": int(in_full.sum()),
        "why": "",
    }


def tier_delivery(delivered: pd.DataFrame, tiers: Sequence[Tier]) -> pd.DataFrame:
    """Return the share delivered by tier and quarter, over the entitlements that are written down.

    Every entitlement weighs the same, whatever its number: the mean of the shares, each at most 1.
    """
    known = delivered.dropna(subset=["delivered_share"])
    capped = known.assign(delivered_share=known["delivered_share"].clip(upper=1.0))
    table = capped.pivot_table(
        index="tier", columns="quarter", values="delivered_share", aggfunc="mean"
    )
    return table.reindex([tier.name for tier in tiers if tier.name in table.index])


NO_MINUTES = "needs activities with minutes"


def logged_hours(
    tables: Tables, quarter: Quarter, *, settings: Settings
) -> tuple[pd.DataFrame, str]:
    """Return the hours that accounts of each tier were owed and given in a quarter.

    The tier is the one in force on the quarter's first day. Given are the minutes of our outbound
    activities; one without minutes counts as none.

    Returns
    -------
    pandas.DataFrame
        One row per `tier`: `accounts`, `owed` and `logged`, in hours. Empty where it is not known.
    str
        Why it is not known; empty where it is.
    """
    why = _missing(tables, settings)
    if not why and not tables.has("activities", "minutes"):
        why = NO_MINUTES
    held = pd.DataFrame() if why else tiers_in_force(tables, [quarter.start])
    if held.empty:
        return pd.DataFrame(), why or NO_HISTORY
    ours = tables["activities"]
    if tables.has("activities", "direction"):
        ours = ours.filter(nw.col("direction") == "outbound")
    span = tables.dates({"as_of": [quarter.start], "horizon_end": [quarter.as_of]})
    inside = outcome_rows(ours, "date", span)
    minutes = nw.col("minutes").cast(nw.Float64).sum()
    sums = to_frame(grouped(inside, ("account_id",), minutes=minutes))
    by_account = sums.dropna(subset=["account_id"]).set_index("account_id")["minutes"].fillna(0.0)
    rows = []
    for tier in settings.tiers:
        ids = held.loc[held["tier"] == tier.name, "account_id"]
        owed = sum(one.per_quarter * one.hours for one in tier.entitlements)
        logged = float(by_account.reindex(ids).fillna(0.0).sum()) / 60
        rows.append({"tier": tier.name, "accounts": len(ids), "owed": owed * len(ids),
                     "logged": logged})  # fmt: skip
    return pd.DataFrame(rows), ""
