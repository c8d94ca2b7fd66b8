"""Deals of a business that only exports lines: each deal is the sum of its lines."""

from __future__ import annotations

import narwhals as nw

from tierkit.crm.contract import TABLES
from tierkit.crm.engine import Rows
from tierkit.crm.typed import example_ids
from tierkit.errors import Problem

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
    columns = [column for column in TABLES["opportunities"].columns if column != "opportunity_id"]
    described = [column for column in columns if column not in SUMMED]
    whole_cost = nw.col("cost").is_null().cast(nw.Int64).sum() == 0
    deals = (
        lines.group_by("opportunity_id")
        .agg(
            *(nw.col(column).min() for column in described),
            *(nw.col(column).sum() for column in SUMMED),
            whole_cost.alias("whole_cost"),
        )
        .with_columns(cost=nw.when(nw.col("whole_cost")).then(nw.col("cost")))
        .select("opportunity_id", *columns)
    )
    return deals, [
        problem for column in _SAME_FOR_A_DEAL for problem in _disagreement(lines, column)
    ]


def _disagreement(lines: Rows, column: str) -> list[Problem]:
    several = (
        lines.group_by("opportunity_id")
        .agg(nw.col(column).n_unique().alias("values"))
        .filter(nw.col("values") > 1)
    )
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
