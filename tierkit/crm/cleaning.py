"""Usable rows of a table; the others are kept aside, each named by one reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import narwhals as nw

from tierkit.crm.contract import ACCEPTED, CONTRACT, LEFT_OUT, MONEY_TYPE
from tierkit.crm.engine import Connection, Rows, materialise
from tierkit.crm.guard import grouped, look_up, only_with, rows_without
from tierkit.crm.sources import FOOTER_REASON
from tierkit.crm.tables import Exclusion, example_ids, id_column
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

EXCLUSION_REASON = "exclusion_reason"
REPEATED = "repeated row"
NOBODY = (
    "null",
    "none",
    "(none)",
    "--none--",
    "n/a",
    "na",
    "-",
    "0",
    "select",
    "unassigned",
    "tbd",
)
"""Words that CRMs write where a row has no account; an account may still have such an id."""


@dataclass(frozen=True)
class CleanTable:
    """The rows that can be used, those that cannot with their reason, and what blocks."""

    rows: Rows
    excluded: Rows
    exclusions: tuple[Exclusion, ...]
    problems: tuple[Problem, ...]


def clean_table(table: TypedTable, *, accounts: Rows | None, connection: Connection) -> CleanTable:
    """Split a typed table into rows that can be used and rows that cannot.

    Parameters
    ----------
    accounts
        The trusted accounts, to find rows of unknown ones; None for `accounts` itself.
    """
    table, left_out_before = _without_left_out(table)
    rows, repeated, problems = _without_repeats(table, connection)
    known = accounts is not None and "account_id" in rows.columns and table.name != "merges"
    if accounts is not None and known:
        ids = accounts.select("account_id", known_account=nw.lit(value=True)).unique()
        rows = look_up(rows, ids, on="account_id", what="accounts")
    reason = nw.coalesce(*_reasons(table, known=known), nw.lit(None).cast(nw.String))
    marked = materialise(
        connection, rows.with_columns(reason.alias(EXCLUSION_REASON)), f"marked {table.name}"
    )
    marked = marked.drop(["known_account"] if known else [])
    left_out = nw.concat(
        [*left_out_before, repeated, marked.filter(~nw.col(EXCLUSION_REASON).is_null())]
    )
    return CleanTable(
        rows=marked.filter(nw.col(EXCLUSION_REASON).is_null()).drop(EXCLUSION_REASON),
        excluded=left_out,
        exclusions=(*_footers(table), *count_exclusions(left_out, table.name)),
        problems=problems,
    )


def _without_left_out(table: TypedTable) -> tuple[TypedTable, list[Rows]]:
    """Return a table without the rows that were found not to count, and these with their reason."""
    if LEFT_OUT not in table.rows.columns:
        return table, []
    mark = nw.col(LEFT_OUT)
    gone = (
        table.rows.filter(~mark.is_null()).with_columns(mark.alias(EXCLUSION_REASON)).drop(LEFT_OUT)
    )
    return replace(table, rows=table.rows.filter(mark.is_null()).drop(LEFT_OUT)), [gone]


def _footers(table: TypedTable) -> list[Exclusion]:
    count = table.footer_rows
    return [Exclusion(table.name, FOOTER_REASON, count, "0.0000")] if count else []


def won_amount(columns: Sequence[str]) -> nw.Expr:
    """Return the won revenue in each row: the amount of a won deal, zero for every other row."""
    zero = nw.lit(0).cast(MONEY_TYPE)
    if not {"is_won", "amount"} <= set(columns):
        return zero
    return nw.when(nw.col("is_won")).then(nw.col("amount")).otherwise(zero).fill_null(0)


def count_exclusions(excluded: Rows, table: str) -> list[Exclusion]:
    """Return how many rows, and how much won revenue, each reason left out, by reason."""
    won = excluded.select(EXCLUSION_REASON, won=won_amount(excluded.columns))
    counted = (
        grouped(won, EXCLUSION_REASON, rows=nw.len(), won=nw.col("won").sum())
        .sort(EXCLUSION_REASON)
        .collect()
    )
    return [
        Exclusion(table, reason, int(rows), f"{won or 0:.4f}")
        for reason, rows, won in counted.rows()
    ]


def _reasons(table: TypedTable, *, known: bool) -> list[nw.Expr]:
    """Return the reasons to leave a row out, the first that applies counts."""
    contract = CONTRACT[table.name]
    needed = [column for column in contract.columns if column in contract.required]
    if table.name == "opportunities" or "is_won" in table.given:
        return [
            *_missing(["opportunity_id", "account_id"]),
            *_unknown(known=known),
            *_deal_reasons(),
        ]
    return [*_missing(needed), *(_unknown(known=known))]


def _missing(columns: Sequence[str]) -> list[nw.Expr]:
    return [nw.when(nw.col(column).is_null()).then(nw.lit(f"no {column}")) for column in columns]


def _unknown(*, known: bool) -> list[nw.Expr]:
    if not known:
        return []
    unknown = nw.col("known_account").is_null()
    nobody = nw.col("account_id").str.to_lowercase().is_in(NOBODY)
    return [
        nw.when(unknown & nobody).then(nw.lit("no account_id")),
        nw.when(unknown).then(nw.lit("unknown account_id")),
    ]


def _deal_reasons() -> list[nw.Expr]:
    closed = ~nw.col("is_won").is_null()
    no_date = closed & nw.col("close_date").is_null()
    no_amount = nw.col("is_won") & nw.col("amount").is_null()
    return [
        nw.when(no_date).then(nw.lit("no close_date on a closed deal")),
        nw.when(no_amount).then(nw.lit("no amount on a won deal")),
    ]


def _without_repeats(
    table: TypedTable, connection: Connection
) -> tuple[Rows, Rows, tuple[Problem, ...]]:
    """Return each keyed row once, the copies, and the keys that have two contents."""
    key = CONTRACT[table.name].key
    none = table.rows.head(0).with_columns(nw.lit(None).cast(nw.String).alias(EXCLUSION_REASON))
    if key is None:
        return table.rows, none, ()
    keyed = table.rows.filter(~nw.col(key).is_null())
    repeated = grouped(keyed, key, copies=nw.len()).filter(nw.col("copies") > 1)
    repeated = materialise(connection, repeated, f"repeated {table.name}")
    if repeated.head(1).collect().is_empty():
        return table.rows, none, ()
    columns = table.rows.columns
    several = only_with(table.rows, repeated, on=key)
    contents = grouped(several, columns, copies=nw.len())
    contents = materialise(connection, contents, f"contents {table.name}")
    conflicts = grouped(contents, key, n=nw.len()).filter(nw.col("n") > 1)
    single = rows_without(table.rows, repeated, on=key)
    once = nw.concat([single, contents.select(columns)])
    return once, _copies(contents, columns), _conflict_problems(table.name, conflicts, connection)


def _copies(contents: Rows, columns: Sequence[str]) -> Rows:
    """Return the superfluous copies of repeated rows, one row for each copy."""
    extra = contents.filter(nw.col("copies") > 1)
    most = extra.select(nw.col("copies").max()).collect().item() or 1
    copies = [
        extra.filter(nw.col("copies") > number).select(
            *columns, nw.lit(REPEATED).alias(EXCLUSION_REASON)
        )
        for number in range(1, int(most))
    ]
    none = contents.head(0).select(*columns, nw.lit(REPEATED).alias(EXCLUSION_REASON))
    return nw.concat([none, *copies])


def _conflict_problems(table: str, conflicts: Rows, connection: Connection) -> tuple[Problem, ...]:
    key = id_column(table)
    conflicts = materialise(connection, conflicts, f"conflicts {table}")
    ids, rows = conflicts.select(nw.len().alias("ids"), nw.col("n").sum()).collect().rows()[0]
    if not ids:
        return ()
    return (
        Problem(
            f"{ids:,} id{'s' if ids > 1 else ''} with different contents ({rows:,} different rows)",
            "Keep the row that is right, or give the others an id of their own.",
            table,
            key,
            rule="one id, two contents",
            rows=int(rows),
            examples=example_ids(conflicts, key),
        ),
    )


REPLACED = "tiers were accepted for that day"
_EXAMPLES = 5


def accepted_first(table: CleanTable, connection: Connection) -> CleanTable:
    """Return the tier history without rows of the source that begin on a day of acceptance.

    Who holds which tier from such a day on is what was accepted, for accounts that it left without
    a tier as well. Rows in which the source says another tier are a remark, counted and named.
    """
    rows = table.rows
    if ACCEPTED not in rows.columns:
        return table
    mark = nw.col(ACCEPTED).fill_null(value=False)
    ours, theirs = rows.filter(mark), rows.filter(~mark)
    days = ours.select("start_date").unique()
    replaced = only_with(theirs, days, on="start_date")
    replaced = materialise(connection, replaced, "tiers replaced by accepted ones")
    counted_rows = nw.concat([ours, rows_without(theirs, days, on="start_date")])
    excluded = replaced.with_columns(nw.lit(REPLACED).alias(EXCLUSION_REASON))
    counted = count_exclusions(excluded, "tier_history")
    given = ours.select("account_id", "start_date", given=nw.col("tier")).unique(
        ["account_id", "start_date"], keep="any"
    )
    other = look_up(replaced, given, on=["account_id", "start_date"], what="accepted tiers")
    named = other.filter(nw.col("given").is_null() | (nw.col("given") != nw.col("tier")))
    ids = sorted(map(str, named.select("account_id").collect()["account_id"].to_list()))
    return replace(
        table,
        rows=materialise(connection, counted_rows, "tier history"),
        excluded=nw.concat([table.excluded, excluded.select(table.excluded.columns)]),
        exclusions=(*table.exclusions, *counted),
        problems=(*table.problems, *_conflicts(ids)),
    )


def _conflicts(ids: list[str]) -> list[Problem]:
    if not ids:
        return []
    message = (
        f"{len(ids):,} rows begin on a day for which other tiers were accepted; "
        "what was accepted counts"
    )
    fix = "Let the CRM take over the accepted tiers (the file that `tierkit accept` wrote)."
    return [Problem(message, fix, "tier_history", "tier", rule="accepted tiers", rows=len(ids),
                    examples=tuple(ids[:_EXAMPLES]), blocks=False)]  # fmt: skip
