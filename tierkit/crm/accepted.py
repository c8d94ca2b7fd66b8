"""Accepted tiers before those of the source: on a day that both know, what was accepted counts."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from tierkit.crm.cleaning import EXCLUSION_REASON, CleanTable, count_exclusions
from tierkit.crm.contract import ACCEPTED
from tierkit.crm.engine import Connection, materialise
from tierkit.crm.guard import look_up, only_with, rows_without
from tierkit.errors import Problem

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
