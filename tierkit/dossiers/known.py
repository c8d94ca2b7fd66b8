"""Everything that dossiers say, fetched once for all of their accounts: known before `as_of`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, before, outcome_rows
from tierkit.crm.guard import added_up, gathered
from tierkit.crm.known import deals_as_known
from tierkit.crm.revenue import TARGET_TYPES
from tierkit.crm.tables import Rows
from tierkit.readiness.coverage import contact_coverage
from tierkit.readiness.freshness import DATED, newest_facts
from tierkit.readiness.whitespace import product_revenue, whitespace
from tierkit.recalibration.work import Work
from tierkit.reporting.names import Names, account_names

QUARTERS = 8


@dataclass(frozen=True)
class Known:
    """What is known of some accounts, a table for each thing, with `account_id` in each.

    Attributes
    ----------
    accounts
        By account_id: the account's columns (today's values), `group_size` (accounts under one
        ultimate parent, itself included).
    tiers
        By account_id: the row of `tiers.csv`.
    quarters
        The labels of the last quarters, oldest first.
    revenue, effort
        By account, quarter (and product): won revenue; `inbound`, `outbound`, `minutes`, `spent`.
    deals, contracts, roles, whitespace, coverage, history, facts
        Open deals; contracts in force; contacts by role; products not bought; contact coverage;
        tiers held; the newest day of each source.
    others
        Finds names of accounts in a text, for what must not name another one.
    """

    work: Work
    accounts: pd.DataFrame
    tiers: pd.DataFrame
    quarters: tuple[str, ...]
    revenue: pd.DataFrame
    effort: pd.DataFrame
    deals: pd.DataFrame
    contracts: pd.DataFrame
    roles: pd.DataFrame
    whitespace: pd.DataFrame
    coverage: pd.DataFrame
    history: pd.DataFrame
    facts: pd.DataFrame
    others: Names


def known_of(work: Work, tiers: pd.DataFrame) -> Known:
    """Return what is known of the accounts of `tiers` (rows of `tiers.csv`, by account_id)."""
    everyone = work.accounts().set_index("account_id")
    accounts = everyone.reindex(tiers.index).assign(group_size=_group_sizes(everyone))
    quarters = _last_quarters(work)
    ids = [*map(str, tiers.index)]
    readiness = work.settings.readiness
    coverage, _ = contact_coverage(
        work.tables,
        tiers["tier"],
        as_of=work.as_of,
        required_roles=readiness.required_roles,
        engaged_days=readiness.engaged_days,
    )
    space, _ = whitespace(
        work.tables,
        tiers["predicted_revenue"].dropna().astype(float).clip(lower=0.0),
        everyone["industry"],
        settings=work.settings,
        as_of=work.as_of,
    )
    names = everyone["name"].dropna() if "name" in everyone else pd.Series(dtype="str")
    return Known(
        work=work,
        accounts=accounts,
        tiers=tiers,
        quarters=tuple(quarter.label for quarter in quarters),
        revenue=_revenue(work, quarters, ids),
        effort=_effort(work, quarters, ids),
        deals=_open_deals(work, ids),
        contracts=_contracts(work, ids),
        roles=_roles(work, ids),
        whitespace=space,
        coverage=coverage,
        history=_history(work, ids),
        facts=newest_facts(work.tables, as_of=work.as_of, sources=[*DATED]).reindex(tiers.index),
        others=account_names(map(str, names)),
    )


def rows_of(table: pd.DataFrame, account: str) -> pd.DataFrame:
    """Return the rows of one account, in their order."""
    return table[table["account_id"] == account]


def record(table: pd.DataFrame, account: str) -> dict[str, Any]:
    """Return the one row of an account in a table by account_id.

    Raises
    ------
    KeyError
        If the table does not have it.
    """
    return {str(column): value for column, value in table.loc[account].items()}


def _group_sizes(accounts: pd.DataFrame) -> pd.Series:
    """Return how many accounts share each one's parent, or have it as theirs, itself included."""
    parent = accounts["parent_id"] if "parent_id" in accounts else pd.Series(dtype="object")
    head = parent.where(parent.notna(), accounts.index.to_series()) if len(parent) else parent
    return head.map(head.value_counts()) if len(head) else pd.Series(1, index=accounts.index)


def _last_quarters(work: Work) -> list[Quarter]:
    calendar = work.settings.fiscal_calendar
    return [calendar.shift(work.quarter, -n) for n in range(QUARTERS - 1, -1, -1)]


def _of(rows: Rows, ids: list[str]) -> Rows:
    return rows.filter(nw.col("account_id").is_in(ids))


def _by_quarter(work: Work, rows: Rows, day: str, quarters: list[Quarter]) -> Rows:
    spans = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    return outcome_rows(rows, day, work.tables.dates(spans))


def _named(frame: pd.DataFrame, quarters: list[Quarter]) -> pd.DataFrame:
    labels = {pd.Timestamp(quarter.start): quarter.label for quarter in quarters}
    return frame.assign(quarter=pd.to_datetime(frame["as_of"]).map(labels)).drop(columns="as_of")


def _revenue(work: Work, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    columns = ["account_id", "product", "quarter", "amount"]
    rows = product_revenue(work.tables, settings=work.settings)
    if rows is None:
        return pd.DataFrame(columns=columns)
    inside = _by_quarter(work, _of(rows, ids), "close_date", quarters)
    keys = ["account_id", "product", "as_of"]
    sums = added_up(inside, keys, sums={"amount": nw.col("amount").sum()}, what="revenue")
    frame = _named(sums.collect().to_pandas(), quarters)
    frame["amount"] = frame["amount"].astype(float)
    named = frame.fillna({"product": "not known"})[columns]
    return named.sort_values(columns[:3], kind="stable")


def _effort(work: Work, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    """Return what happened in both directions, by account and quarter."""
    parts = []
    if work.tables.has("activities", "direction"):
        rows = _of(work.tables["activities"], ids)
        inside = _by_quarter(work, rows, "date", quarters)
        theirs = nw.col("direction") == "inbound"
        marked = inside.with_columns(
            inbound=nw.when(theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
            outbound=nw.when(~theirs).then(nw.lit(1)).otherwise(nw.lit(0)),
        )
        totals = {name: nw.col(name).sum() for name in ("inbound", "outbound")}
        sums = gathered(marked, ("account_id", "as_of"), **totals)
        parts.append(_named(sums.collect().to_pandas(), quarters))
    if "costs" in work.tables:
        inside = _by_quarter(work, _of(work.tables["costs"], ids), "date", quarters)
        total = {"spent": nw.col("amount").sum()}
        spent = added_up(inside, ["account_id", "as_of"], sums=total, what="costs")
        frame = _named(spent.collect().to_pandas(), quarters)
        parts.append(frame.assign(spent=frame["spent"].astype(float)))
    if not parts:
        return pd.DataFrame(columns=["account_id", "quarter"])
    keyed = [part.set_index(["account_id", "quarter"]) for part in parts]
    return pd.concat(keyed, axis=1, join="outer").fillna(0.0).sort_index().reset_index()


def _open_deals(work: Work, ids: list[str]) -> pd.DataFrame:
    known = _of(deals_as_known(work.tables, [work.as_of]), ids).filter(
        nw.col("is_won").is_null(), nw.col("revenue_type").is_in([*TARGET_TYPES])
    )
    columns = ["account_id", "stage", "product", "amount", "created_date", "close_date"]
    frame = known.select("opportunity_id", *columns).collect().to_pandas()
    frame["amount"] = frame["amount"].astype(float)
    ordered = frame.sort_values(["account_id", "amount", "opportunity_id"],
                                ascending=[True, False, True], kind="stable")  # fmt: skip
    return ordered[columns]


def _contracts(work: Work, ids: list[str]) -> pd.DataFrame:
    columns = ["account_id", "start_date", "end_date", "annual_value"]
    if "contracts" not in work.tables:
        return pd.DataFrame(columns=columns)
    started = before(_of(work.tables["contracts"], ids), "start_date", work.as_of)
    frame = started.select(*columns).collect().to_pandas()
    ends = pd.to_datetime(frame["end_date"])
    running = frame[ends.isna() | ~ends.lt(pd.Timestamp(work.as_of))]
    running = running.assign(annual_value=running["annual_value"].astype(float))
    return running.sort_values(columns, kind="stable")


def _roles(work: Work, ids: list[str]) -> pd.DataFrame:
    columns = ["account_id", "role", "contacts"]
    if not work.tables.has("contacts", "role"):
        return pd.DataFrame(columns=columns)
    rows = _of(work.tables["contacts"], ids)
    if work.tables.has("contacts", "created_date"):
        rows = before(rows, "created_date", work.as_of)
    role = nw.coalesce("role", nw.lit("role not known"))
    counted = gathered(rows.with_columns(role=role), ("account_id", "role"), contacts=nw.len())
    frame: pd.DataFrame = counted.collect().to_pandas()
    return frame[columns].sort_values(columns[:2], kind="stable")


def _history(work: Work, ids: list[str]) -> pd.DataFrame:
    columns = ["account_id", "tier", "start_date", "end_date", "overridden", "reason"]
    if "tier_history" not in work.tables:
        return pd.DataFrame(columns=columns)
    rows = before(_of(work.tables["tier_history"], ids), "start_date", work.as_of)
    frame = rows.select(*columns).collect().to_pandas()
    return frame.sort_values(["account_id", "start_date", "tier"], kind="stable")
