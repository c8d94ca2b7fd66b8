"""Pipeline coverage: qualified pipeline over the target of the coming quarter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter
from tierkit.crm import TARGET_TYPES, Tables, deals_as_known, look_up, to_frame
from tierkit.figure import Figure
from tierkit.table import Column, Columns, Table

NO_TARGETS = "needs the table targets: a quarter and its amount"
NO_QUOTA = "the target is not above zero"
NO_HISTORY = "needs stage_history: without it amount and stage of open deals are not known"


CAPTION = "Pipeline coverage: qualified pipeline ÷ target of the coming quarter"
_COLUMNS: Columns = [
    "territory",
    *Column.each("count", "deals"),
    *Column.each("money", "pipeline", "target"),
    *Column.each("number", "coverage"),
]


def pipeline_coverage(
    tables: Tables, quarter: Quarter, *, as_of: date, qualified_stages: Sequence[str]
) -> Table:
    """Return how far the open pipeline covers the target of the quarter that begins at `as_of`.

    Deals as they were known at `as_of`, so it needs `stage_history`.

    Parameters
    ----------
    quarter
        The quarter that begins at `as_of`.
    qualified_stages
        The stages that count; every open one where there are none.

    Returns
    -------
    Table
        One row for each territory with a target, by name (empty for the company as a whole):
        `deals` that are open and qualified at `as_of` and their amount, `pipeline`; the `target` of
        the quarter; and as a figure `coverage`, pipeline ÷ target.
    """
    if "targets" not in tables:
        return _table(why=NO_TARGETS)
    if not tables.has("stage_history", "amount", "stage"):
        return _table(why=NO_HISTORY)
    rows = to_frame(tables["targets"].select("quarter", "amount", "territory"))
    wanted = quarter.label.removeprefix("FY").upper()
    labels = rows["quarter"].astype("str").str.strip().str.upper().str.removeprefix("FY")
    goals = rows[labels == wanted]
    if goals.empty:
        return _table(why=f"targets have no row for {quarter.label}")
    deals = _open_deals(tables, as_of, qualified_stages)
    quota = goals.assign(territory=goals["territory"].fillna("").astype("str"))
    by_territory = []
    for territory, target in quota.groupby("territory", dropna=False)["amount"].sum().items():
        inside = deals if not territory else deals[deals["territory"] == territory]
        amount, goal = float(inside["amount"].astype(float).sum()), float(target)
        covered = Figure(amount / goal) if goal > 0 else Figure.unknown(NO_QUOTA)
        by_territory.append({"territory": str(territory), "deals": len(inside), "pipeline": amount,
                      "target": goal, "coverage": covered})  # fmt: skip
    return _table(by_territory)


def _table(rows: Sequence[Mapping[str, object]] = (), *, why: str = "") -> Table:
    return Table("pipeline-coverage", CAPTION, _COLUMNS, rows, why=why)


def _open_deals(tables: Tables, as_of: date, stages: Sequence[str]) -> pd.DataFrame:
    known = deals_as_known(tables, [as_of]).filter(
        nw.col("is_won").is_null(), nw.col("revenue_type").is_in([*TARGET_TYPES])
    )
    if stages:
        plain = nw.col("stage").str.strip_chars(" ").str.to_lowercase()
        known = known.filter(plain.is_in([stage.strip().lower() for stage in stages]))
    accounts = tables["accounts"].select("account_id", "territory")
    deals = known.select("account_id", "amount")
    joined = look_up(deals, accounts, on="account_id", what="accounts")
    return to_frame(joined)
