"""Deals and their lines: amounts that lines give, and where the two disagree."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from tierkit.crm.contract import CONTRACT, LEFT_OUT, MONEY_TYPE
from tierkit.crm.engine import Connection, Rows, materialise
from tierkit.crm.guard import grouped, look_up, summed
from tierkit.crm.tables import example_ids
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

CENT = 0.01
SUMMED = ("amount", "cost")
_SAME_FOR_A_DEAL = ("account_id", "close_date", "is_won")


def deals_from_lines(lines: Rows) -> tuple[Rows, list[Problem]]:
    """Return one row per deal: amounts and costs added up, everything else as its lines say.

    Lines of a deal that disagree on a describing column, such as the product, give the smallest
    value. A cost is known only where the cost of every line is.

    Returns
    -------
    rows, problems
        The deals, and the ids whose lines name two accounts, two close dates or two outcomes.
    """
    columns = [column for column in CONTRACT["opportunities"].columns if column != "opportunity_id"]
    described = [column for column in columns if column not in SUMMED]
    whole_cost = nw.col("cost").is_null().cast(nw.Int64).sum() == 0
    deals = grouped(
        lines,
        "opportunity_id",
        **{column: nw.col(column).min() for column in described},
        **{column: nw.col(column).sum() for column in SUMMED},
        whole_cost=whole_cost,
    )
    deals = deals.with_columns(cost=nw.when(nw.col("whole_cost")).then(nw.col("cost")))
    deals = deals.select("opportunity_id", *columns)
    return deals, [
        problem for column in _SAME_FOR_A_DEAL for problem in _disagreement(lines, column)
    ]


def with_amounts_of_lines(
    deals: TypedTable, lines: TypedTable, connection: Connection
) -> tuple[TypedTable, list[Problem]]:
    """Return deals whose missing amount is the sum of their lines, and where the two disagree.

    The amount of every line of such a deal must be known.
    """
    counted = lines.rows.filter(~nw.col("opportunity_id").is_null())
    if LEFT_OUT in counted.columns:
        counted = counted.filter(nw.col(LEFT_OUT).is_null())
    unknown = nw.when(nw.col("amount").is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    sums = {"__total": nw.col("amount").sum(), "__unknown": unknown.sum()}
    totals = summed(counted, "opportunity_id", sums=sums, what="opportunity_lines")
    whole = totals.filter(nw.col("__unknown") == 0).drop("__unknown")
    found = look_up(deals.rows, whole, on="opportunity_id", what="sums of lines")
    found = materialise(connection, found, "deals with sums of lines")
    missing, total = nw.col("amount").is_null(), nw.col("__total")
    filled = found.filter(missing & ~total.is_null())
    apart = found.filter(~missing & ((nw.col("amount") - total).abs() > CENT))
    rows = found.with_columns(amount=nw.coalesce("amount", "__total")).drop("__total")
    return replace(deals, rows=rows), [
        *_noted(filled, "had no amount and got the sum of the lines", "amount of lines"),
        *_noted(apart, "differed from the sum of the lines by over a cent", "lines disagree"),
    ]


def _noted(deals: Rows, what: str, rule: str) -> list[Problem]:
    difference = nw.col("__total") - nw.coalesce(nw.col("amount"), nw.lit(0).cast(MONEY_TYPE))
    sums = [nw.len().alias("deals"), difference.sum().alias("difference")]
    count, money = deals.select(*sums).collect().rows()[0]
    if not count:
        return []
    return [
        Problem(
            f"{count:,} deal{'s' if count > 1 else ''} {what} ({money:+,.2f} in all)",
            "See which of the two the CRM keeps up to date.",
            "opportunities",
            "amount",
            rule=rule,
            rows=int(count),
            examples=example_ids(deals, "opportunity_id"),
            blocks=False,
        )
    ]


def _disagreement(lines: Rows, column: str) -> list[Problem]:
    counted = grouped(lines, "opportunity_id", values=nw.col(column).n_unique())
    several = counted.filter(nw.col("values") > 1)
    count = int(several.select(nw.len()).collect().item())
    if not count:
        return []
    return [
        Problem(
            f"{count:,} deal{'s' if count > 1 else ''} whose lines name more than one {column}",
            "Give each of them its own opportunity_id.",
            "opportunity_lines",
            column,
            rule="one id, two contents",
            rows=count,
            examples=example_ids(several, "opportunity_id"),
        )
    ]
