"""Deals with several companies: left out unless one is primary, given to the first, or split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from tierkit.crm.cleaning import won_amount
from tierkit.crm.contract import LEFT_OUT, MONEY_TYPE
from tierkit.crm.engine import Connection, Rows, materialise
from tierkit.crm.guard import look_up
from tierkit.crm.presets.hubspot import SEVERAL_COMPANIES
from tierkit.crm.tables import example_ids
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem
from tierkit.words import plural

_SEPARATED = r"\w\s*;\s*\w|\d\s*,\s*\d"
_AFTER_FIRST = r"\s*[;,].*$"
_CENTS = 2
_DIVIDED = ("amount", "cost")
_SAID = {
    "first": "each counts for the first of them",
    "split": "each is split among them in equal parts, without its lines and its history",
}


def with_one_company(
    typed: Mapping[str, TypedTable], *, how: str, connection: Connection
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return the tables with one company for each deal, and the money at stake.

    Parameters
    ----------
    how
        `primary`: a deal that names several companies, none of them primary, is left out by name.
        `first`: it counts for the first. `split`: it becomes a deal for each, with equal parts of
        its amount and cost, to the cent.
    """
    deals, accounts = typed.get("opportunities"), typed.get("accounts")
    if deals is None or accounts is None:
        return dict(typed), []
    rows = deals.rows
    if rows.filter(nw.col("account_id").str.contains(_SEPARATED)).head(1).collect().is_empty():
        return dict(typed), []
    known = accounts.rows.select("account_id", __known=nw.lit(value=True)).drop_nulls().unique()
    rows = look_up(rows, known, on="account_id", what="accounts")
    several = nw.col("account_id").str.contains(_SEPARATED) & nw.col("__known").is_null()
    marked = rows.with_columns(__several=several.fill_null(value=False)).drop("__known")
    marked = materialise(connection, marked, "deals by companies")
    found = _left_out(marked) if how == "primary" else _unmarked(marked)
    if how == "first":
        first = nw.col("account_id").str.replace_all(_AFTER_FIRST, "")
        of_first = nw.when(nw.col("__several")).then(first).otherwise(nw.col("account_id"))
        found = found.with_columns(account_id=of_first)
    if how == "split":
        found = _split(found)
    found = materialise(connection, found.drop("__several"), "deals of one company")
    tables = {**typed, "opportunities": replace(deals, rows=found)}
    return tables, [] if how == "primary" else _at_stake(marked, how)


def _left_out(rows: Rows) -> Rows:
    reason = nw.when(nw.col("__several")).then(nw.lit(SEVERAL_COMPANIES))
    marks = [nw.col(LEFT_OUT)] if LEFT_OUT in rows.columns else []
    return rows.with_columns(nw.coalesce(*marks, reason).alias(LEFT_OUT))


def _unmarked(rows: Rows) -> Rows:
    if LEFT_OUT not in rows.columns:
        return rows
    meant = nw.col("__several") & (nw.col(LEFT_OUT) == SEVERAL_COMPANIES).fill_null(value=False)
    return rows.with_columns(nw.when(~meant).then(nw.col(LEFT_OUT)).alias(LEFT_OUT))


def _split(rows: Rows) -> Rows:
    """Return a row per deal and company, with parts that add up to the whole."""
    signs = nw.col("account_id").str.replace_all(r"[^;,]", "").str.len_chars()
    counted = rows.with_columns(
        __companies=nw.when(nw.col("__several")).then(signs + 1).otherwise(nw.lit(1))
    )
    most = int(counted.select(nw.col("__companies").max()).collect().item())
    return nw.concat([_part(counted, place) for place in range(most)]).drop("__companies")


def _part(rows: Rows, place: int) -> Rows:
    """Return the parts of the company at a place, from 0, of the deals that have so many."""
    companies = nw.col("__companies")
    before = rf"^([^;,]*[;,]\s*){{{place}}}"
    company = nw.col("account_id").str.replace_all(before, "").str.replace_all(_AFTER_FIRST, "")
    number = nw.concat_str(
        nw.lit(f" ({place + 1} of "), companies.cast(nw.Int64).cast(nw.String), nw.lit(")")
    )
    several = nw.col("__several")
    shares = {}
    for column in _DIVIDED:
        even = (nw.col(column).cast(nw.Float64) / companies).round(_CENTS).cast(MONEY_TYPE)
        rest = nw.col(column)
        for _ in range(place):
            rest = rest - even
        part = nw.when(companies == place + 1).then(rest).otherwise(even)
        shares[column] = nw.when(several).then(part.cast(MONEY_TYPE)).otherwise(nw.col(column))
    own = nw.concat_str(nw.col("opportunity_id"), number)
    return rows.filter(companies > place).with_columns(
        account_id=nw.when(several).then(company).otherwise(nw.col("account_id")),
        opportunity_id=nw.when(several).then(own).otherwise(nw.col("opportunity_id")),
        **shares,
    )


def _at_stake(rows: Rows, how: str) -> list[Problem]:
    """Return the remark how much won revenue belongs to deals with several companies."""
    valued = rows.with_columns(__won=won_amount(rows.columns))
    total = valued.select(nw.col("__won").sum()).collect().item() or 0
    several = valued.filter(nw.col("__several"))
    count, won = several.select(nw.len(), nw.col("__won").sum()).collect().rows()[0]
    share = f" ({float(won or 0) / float(total):.0%} of all)" if total else ""
    return [
        Problem(
            f"{plural(count, 'deal names', 'deals name')} several companies, with {won or 0:,.2f} "
            f"won{share}; {_SAID[how]}",
            'Set [data] several_companies to "primary", "first" or "split".',
            "opportunities",
            "account_id",
            rule="several companies",
            rows=int(count),
            examples=example_ids(several, "opportunity_id"),
            blocks=False,
        )
    ]
