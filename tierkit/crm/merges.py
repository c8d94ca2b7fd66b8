"""Accounts that were merged: their rows, tiers and overrides go to the account that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw
import pandas as pd
import pyarrow as pa

from tierkit.crm.contract import LEFT_OUT
from tierkit.crm.engine import Connection, Rows, materialise, register_frame
from tierkit.crm.guard import grouped, look_up
from tierkit.crm.tables import Tables
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

MERGED = "merged into another account"
TIER_OF_ANOTHER = "tier of an account that is now part of another"
_NOT_RENAMED = ("accounts", "merges")


def resolve_merges(merges: Mapping[str, str]) -> tuple[dict[str, str], tuple[tuple[str, ...], ...]]:
    """Follow chains of merges to the account that is left at their end.

    Returns
    -------
    survivors, cycles
        The last account for each merged one, and the chains that turn in a circle.

    Examples
    --------
    >>> resolve_merges({"A": "B", "B": "C"})
    ({'A': 'C', 'B': 'C'}, ())
    >>> resolve_merges({"A": "B", "B": "A"})
    ({}, (('A', 'B', 'A'),))
    """
    survivors: dict[str, str] = {}
    cycles: dict[frozenset[str], tuple[str, ...]] = {}
    for start in sorted(merges):
        path = [start]
        while path[-1] in merges and merges[path[-1]] not in path:
            path.append(merges[path[-1]])
        if path[-1] not in merges:
            survivors[start] = path[-1]
            continue
        circle = path[path.index(merges[path[-1]]) :]
        cycles.setdefault(frozenset(circle), (*circle, circle[0]))
    return survivors, tuple(cycles.values())


def survivors_of(tables: Tables) -> dict[str, str]:
    """Return the account that is left for each merged one; empty without a table of merges."""
    return resolve_merges(_pairs(tables["merges"]))[0] if "merges" in tables else {}


def with_merges(
    typed: Mapping[str, TypedTable], connection: Connection
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return the tables with every row at the account that is left, and what is wrong with merges.

    The row of a merged account is left out by name. Its tiers count only where the account that is
    left has none of its own.
    """
    if "merges" not in typed or "accounts" not in typed:
        return dict(typed), []
    survivors, cycles = resolve_merges(_pairs(typed["merges"].rows))
    if cycles:
        return dict(typed), [_cycle_problem(cycles)]
    known = set(_ids(typed["accounts"].rows))
    usable = {old: new for old, new in survivors.items() if new in known and new != old}
    lost = sorted(old for old, new in survivors.items() if new not in known)
    renamed = with_accounts_renamed(typed, usable, connection, reason=MERGED)
    return renamed, [_lost_problem(lost, survivors)] if lost else []


def with_accounts_renamed(
    typed: Mapping[str, TypedTable],
    names: Mapping[str, str],
    connection: Connection,
    *,
    reason: str,
) -> dict[str, TypedTable]:
    """Return the tables with accounts under other ids, and their own rows of `accounts` left out.

    Parameters
    ----------
    names
        Id to the id that takes its place.
    reason
        Why the row of such an account does not count.
    """
    if not names:
        return dict(typed)
    frame = pa.table({"account_id": list(names), "__new": list(names.values())})
    lookup = register_frame(connection, frame)
    tables = {}
    for name, table in typed.items():
        rows = table.rows
        if name == "accounts":
            rows = _leave_out(rows, lookup, reason)
        elif name not in _NOT_RENAMED and "account_id" in rows.columns:
            rows = _renamed(rows, lookup, one_history=name == "tier_history")
        if rows is not table.rows:
            rows = materialise(connection, rows, f"{name} after: {reason}")
        tables[name] = replace(table, rows=rows)
    return tables


def carry_overrides(overrides: pd.DataFrame, survivors: Mapping[str, str]) -> pd.DataFrame:
    """Return overrides with those of merged accounts at the account that is left.

    The account's own override counts before that of one merged into it; of several merged ones the
    newest (`set_on`) counts.

    Examples
    --------
    >>> frame = pd.DataFrame({"account_id": ["A", "B"], "tier": ["T1", "T2"],
    ...                       "set_on": pd.to_datetime(["2026-01-01", "2026-02-01"])})
    >>> carry_overrides(frame, {"A": "C"})[["account_id", "tier"]].values.tolist()
    [['B', 'T2'], ['C', 'T1']]
    >>> carry_overrides(frame, {"A": "B"})[["account_id", "tier"]].values.tolist()
    [['B', 'T2']]
    """
    carried = overrides["account_id"].map(lambda account: survivors.get(account, account))
    moved = carried != overrides["account_id"]
    ordered = overrides.assign(account_id=carried, __moved=moved).sort_values(
        ["__moved", "set_on"], ascending=[True, False], kind="stable"
    )
    first = ordered.drop_duplicates("account_id").drop(columns="__moved")
    return first.sort_values("account_id", kind="stable", ignore_index=True)


def _pairs(merges: Rows) -> dict[str, str]:
    known = merges.select("account_id", "merged_into").drop_nulls().unique()
    pairs = known.sort("account_id", "merged_into", descending=True).collect()
    return dict(zip(pairs["account_id"].to_list(), pairs["merged_into"].to_list(), strict=True))


def _ids(accounts: Rows) -> list[str]:
    found: list[str] = accounts.select("account_id").drop_nulls().collect()["account_id"].to_list()
    return found


def _leave_out(accounts: Rows, names: Rows, reason: str) -> Rows:
    """Mark the accounts that have another id now, and rename the parents of all others."""
    marked = look_up(accounts, names, on="account_id", what="new ids of accounts")
    before = nw.col(LEFT_OUT) if LEFT_OUT in accounts.columns else nw.lit(None).cast(nw.String)
    gone = nw.when(~nw.col("__new").is_null()).then(nw.lit(reason))
    marked = marked.with_columns(nw.coalesce(before, gone).alias(LEFT_OUT)).drop("__new")
    parents = names.select(parent_id="account_id", __new="__new")
    renamed = look_up(marked, parents, on="parent_id", what="new ids of parents")
    return renamed.with_columns(parent_id=nw.coalesce("__new", "parent_id")).drop("__new")


def _renamed(rows: Rows, names: Rows, *, one_history: bool) -> Rows:
    found = look_up(rows, names, on="account_id", what="new ids of accounts")
    new = nw.coalesce("__new", "account_id")
    if not one_history:
        return found.with_columns(account_id=new).drop("__new")
    rank = nw.when(nw.col("__new").is_null()).then(nw.lit("0")).otherwise(nw.lit("1"))
    ranked = found.with_columns(
        __order=nw.concat_str(rank, "account_id"),
        account_id=new,
        __moved=~nw.col("__new").is_null(),
    )
    keeper = grouped(
        ranked.filter(~nw.col("account_id").is_null()),
        "account_id",
        __first=nw.col("__order").min(),
    )
    chosen = look_up(ranked, keeper, on="account_id", what="tiers of merged accounts")
    other = nw.when(nw.col("__order") != nw.col("__first")).then(nw.lit(TIER_OF_ANOTHER))
    before = nw.col(LEFT_OUT) if LEFT_OUT in rows.columns else nw.lit(None).cast(nw.String)
    marked = chosen.with_columns(nw.coalesce(before, other).alias(LEFT_OUT))
    return marked.drop("__new", "__order", "__first")


def _cycle_problem(cycles: tuple[tuple[str, ...], ...]) -> Problem:
    shown = "; ".join(" → ".join(cycle) for cycle in cycles[:5])
    return Problem(
        f"{len(cycles)} chain{'s' if len(cycles) > 1 else ''} of merges turn in a circle ({shown})",
        "Leave the account that is left out of account_id.",
        "merges",
        "merged_into",
        rule="merges in a circle",
        rows=sum(len(cycle) - 1 for cycle in cycles),
        examples=cycles[0][:-1],
    )


def _lost_problem(lost: list[str], survivors: Mapping[str, str]) -> Problem:
    wanted = ", ".join(sorted({survivors[account] for account in lost})[:5])
    return Problem(
        f"{len(lost):,} account{'s are' if len(lost) > 1 else ' is'} merged into one that the "
        f"source lacks ({wanted}); these merges are not carried out",
        "Add the account, or correct merged_into.",
        "merges",
        "merged_into",
        rule="merged into an unknown account",
        rows=len(lost),
        examples=tuple(lost[:5]),
        blocks=False,
    )
