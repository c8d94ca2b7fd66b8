"""Plausibility of what settings say of a source: what the rows themselves contradict.

A number that rows contradict blocks, with both readings and their totals, until another column is
named or `[checks] accept` names the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw

from tierkit.crm.contradictions import as_numbers, net_of, sums_to
from tierkit.crm.engine import Rows
from tierkit.crm.guard import grouped, only_with, row_count
from tierkit.crm.header_words import TAXES, found_header, money_headers
from tierkit.crm.outcome_words import outcome_of, says_not_won
from tierkit.crm.scanning import UNREAD_FILE
from tierkit.crm.sources import deals_come_from_lines
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem
from tierkit.settings import DataSettings
from tierkit.words import plural

REPEATED_AMOUNT, WITH_TAX = "amount repeated in lines", "amount with tax"
NO_CHANGES, NO_MATCH = "history without changes", "no row matches"
ENDS_OPEN, UNUSED = "ends that count as open", "unused columns"
NOT_WON = "wins that say they are none"
ACCEPTABLE = (REPEATED_AMOUNT, WITH_TAX, NO_CHANGES, NO_MATCH, UNREAD_FILE, ENDS_OPEN, NOT_WON)
"""Rules that block until `[checks] accept` names them."""

_NEARLY_ALL, _FEW = 0.95, 0.05
_FEWEST_ROWS = 3


def contradictions_of(typed: Mapping[str, TypedTable], data: DataSettings) -> list[Problem]:
    """Return what rows of typed tables contradict: amounts, histories and outcomes."""
    deals = "opportunity_lines" if deals_come_from_lines(typed) else "opportunities"
    if deals not in typed:
        return _history(typed)
    found = typed[deals]
    return [
        *_amounts(found, data),
        *_ends(found, data),
        *_not_won(found, data),
        *_history(typed),
    ]


def _amounts(deals: TypedTable, data: DataSettings) -> list[Problem]:
    """Return the problem that amounts are repeated in the lines of a deal, or hold tax."""
    others = [header for header in money_headers(deals.extra) if header in deals.rows.columns]
    if not others:
        return []
    if deals.name == "opportunity_lines":
        line = sums_to(deals.rows, "opportunity_id", "amount", others)
        if line is not None:
            message = "every line of a deal repeats its amount"
            return [_other_amount(deals, line, message, "adds up to it", REPEATED_AMOUNT, data)]
    taxes = [header for name in TAXES if (header := found_header((name,), deals.extra))]
    net = net_of(deals.rows, "amount", others, list(dict.fromkeys(taxes)))
    if net is None:
        return [_unused(deals, others)]
    return [_other_amount(deals, net, "amounts hold tax", "is without it", WITH_TAX, data)]


def _unused(deals: TypedTable, others: Sequence[str]) -> Problem:
    """Return the remark that columns look like money and are not used."""
    numbers = as_numbers(deals.rows, ["amount", *others])
    amount, *sums = (
        numbers.select(*(nw.col(one).sum() for one in ("amount", *others))).collect().rows()[0]
    )
    shown = ", ".join(
        f"{one!r} ({value or 0:,.2f})" for one, value in zip(others, sums, strict=True)
    )
    return Problem(
        f"columns look like money and are not used: {shown} in all rows; "
        f"amounts are {amount or 0:,.2f}",
        f"Name another one in [data.columns.{deals.name}] amount if it is meant.",
        deals.name,
        "amount",
        rule=UNUSED,
        blocks=False,
    )


def _other_amount(
    deals: TypedTable, other: str, message: str, because: str, rule: str, data: DataSettings
) -> Problem:
    sums = as_numbers(deals.rows, ["amount", other]).select(
        nw.col("amount").sum(), nw.col(other).sum().alias("other")
    )
    amount, rest = sums.collect().rows()[0]
    header = data.columns.get(deals.name, {}).get("amount", "amount")
    return Problem(
        f"{message}: {header!r} is {amount or 0:,.2f} in all rows, {other!r} is {rest or 0:,.2f} "
        f"and {because}",
        f'Set [data.columns.{deals.name}] amount = "{other}", or accept it: '
        f'[checks] accept = ["{rule}"].',
        deals.name,
        "amount",
        rule=rule,
    )


def _history(typed: Mapping[str, TypedTable]) -> list[Problem]:
    """Return the problem that a history holds one row per deal, written when it was made."""
    history, deals = typed.get("stage_history"), typed.get("opportunities")
    if history is None or deals is None or "created_date" not in deals.given:
        return []
    rows = history.rows.filter(~nw.col("opportunity_id").is_null())
    count = row_count(rows)
    once = grouped(rows, "opportunity_id", rows=nw.len(), day=nw.col("changed_date").min())
    once = once.filter(nw.col("rows") == 1)
    made = deals.rows.select("opportunity_id", "created_date").drop_nulls().unique()
    same = only_with(
        once.with_columns(created_date=nw.col("day")),
        made,
        on=["opportunity_id", "created_date"],
    )
    if count < _FEWEST_ROWS or row_count(same) < _NEARLY_ALL * count:
        return []
    return [
        Problem(
            f"{plural(count, 'row')}, one for each deal and dated on the day on which it was made: "
            "this is a list of deals, not of their changes",
            "Leave it out, export the changes of stages, or accept it: "
            f'[checks] accept = ["{NO_CHANGES}"].',
            "stage_history",
            rule=NO_CHANGES,
            rows=count,
        )
    ]


_KEYS = {"opportunity_lines": "opportunity_id", "stage_history": "opportunity_id"}


def unmatched_tables(typed: Mapping[str, TypedTable]) -> list[Problem]:
    """Return the problem of each table of which no row belongs to any account or deal.

    Ids must have been brought to one spelling before.
    """
    problems = []
    for name, table in typed.items():
        key = _KEYS.get(name, "account_id")
        owner = "opportunities" if key == "opportunity_id" else "accounts"
        if name == owner or key not in table.given or owner not in typed or name == "merges":
            continue
        rows = table.rows.select(key).drop_nulls()
        known = typed[owner].rows.select(key).drop_nulls().unique()
        count = row_count(rows)
        if count < _FEWEST_ROWS or not only_with(rows, known, on=key).head(1).collect().is_empty():
            continue
        problems.append(
            Problem(
                f"none of {plural(count, 'row')} has a {key} that {owner} has: {_two(rows, key)} "
                f"here, {_two(known, key)} there",
                f"Name the columns with the same ids in [data.columns.{name}] and "
                f'[data.columns.{owner}], or accept it: [checks] accept = ["{NO_MATCH}"].',
                name,
                key,
                rule=NO_MATCH,
                rows=count,
            )
        )
    return problems


def _two(rows: Rows, key: str) -> str:
    values = rows.select(key).unique().sort(key).head(2).collect()[key].to_list()
    return " and ".join(map(repr, values))


def _ends(deals: TypedTable, data: DataSettings) -> list[Problem]:
    """Return the problem that deals count as open in stages whose words say how they ended."""
    if "stage" not in deals.given or "is_won" not in deals.given:
        return []
    opened = deals.rows.filter(nw.col("is_won").is_null() & ~nw.col("stage").is_null())
    counted = grouped(opened, "stage", rows=nw.len(), money=nw.col("amount").sum())
    stages = counted.sort("stage").collect().rows(named=True)
    ended = {row["stage"]: row for row in stages if outcome_of(row["stage"]) is not None}
    listed = data.values.get(deals.name, {}).get("is_won", {})
    given = {word for words in listed.values() for word in words}
    ended = {stage: row for stage, row in ended.items() if stage not in given}
    if sum(row["rows"] for row in ended.values()) <= _FEW * row_count(deals.rows):
        return []  # a remark on unmapped stages says so
    return [_ended(deals.name, ended)]


def _not_won(deals: TypedTable, data: DataSettings) -> list[Problem]:
    """Return the problem that values count as won whose words say lost, or not yet."""
    listed = data.values.get(deals.name, {}).get("is_won", {}).get("won", ())
    doubtful = [value for value in listed if says_not_won(value)]
    if not doubtful:
        return []
    shown = ", ".join(map(repr, doubtful))
    others = _toml([value for value in listed if value not in doubtful])
    return [
        Problem(
            f"the settings count {shown} as won, and the words say otherwise"
            f"{_won_with_and_without(deals, doubtful)}",
            f"Set [data.values.{deals.name}.is_won] won = {others}, or accept it: "
            f'[checks] accept = ["{NOT_WON}"].',
            deals.name,
            "is_won",
            rule=NOT_WON,
        )
    ]


def _won_with_and_without(deals: TypedTable, stages: Sequence[str]) -> str:
    """Return both totals in words, where the values are those of the stage."""
    if "stage" not in deals.given:
        return ""
    won = deals.rows.filter(nw.col("is_won"))
    named = won.filter(nw.col("stage").is_in([*stages]))
    whole, part = (
        rows.select(nw.col("amount").sum()).collect()["amount"].to_list()[0] or 0
        for rows in (won, named)
    )
    return f": {whole:,.2f} is won with them, {whole - part:,.2f} without"


def _ended(table: str, ended: Mapping[str, Mapping[str, object]]) -> Problem:
    shown = ", ".join(
        f"{stage!r} ({row['rows']:,}, {row['money'] or 0:,.2f})" for stage, row in ended.items()
    )
    won = _toml([stage for stage in ended if outcome_of(stage)])
    lost = _toml([stage for stage in ended if outcome_of(stage) is False])
    rows = sum(int(str(row["rows"])) for row in ended.values())
    return Problem(
        f"deals count as open whose stage says that they ended: {shown}",
        f"Set [data.columns.{table}] is_won to the column of stages, with "
        f"[data.values.{table}.is_won] won = {won}, lost = {lost}, or accept it: "
        f'[checks] accept = ["{ENDS_OPEN}"].',
        table,
        "stage",
        rule=ENDS_OPEN,
        rows=rows,
    )


def _toml(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
