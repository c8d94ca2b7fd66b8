"""Checks of trusted tables: remarks for people, any of which settings may make blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

import narwhals as nw

from tierkit.calendar import later_than
from tierkit.crm import period
from tierkit.crm.account_names import candidate_duplicates
from tierkit.crm.contract import CONTRACT
from tierkit.crm.guard import grouped, look_up, row_count, summed
from tierkit.crm.known import WON, with_outcomes
from tierkit.crm.period import FEWEST_DEALS, warning
from tierkit.crm.plausibility import ACCEPTABLE
from tierkit.crm.revenue import netted_accounts
from tierkit.crm.tables import Tables, example_ids
from tierkit.errors import Problem, SettingsError
from tierkit.settings import CheckSettings, Settings
from tierkit.words import plural

_ENDS_IN_WORDS = r"(?i)\b(won|lost|closed|signed|dead|cancel)"


def missing_values(tables: Tables, checks: CheckSettings) -> Problem | None:
    """Find optional columns that are mostly empty."""
    found = []
    for name in tables.frames:
        contract = CONTRACT[name]
        given = [c for c in contract.columns if c in tables.given[name] - contract.required]
        if name == "opportunities":
            given = [column for column in given if column not in ("cost", "term_months")]
        rows = tables[name]
        present = [column for column in given if column in rows.columns]
        count = row_count(rows)
        if not present or count < FEWEST_DEALS:
            continue
        known = rows.select(*(nw.col(column).count() for column in present)).collect().rows()[0]
        found += [
            f"{name}.{column} {1 - there / count:.0%}"
            for column, there in zip(present, known, strict=True)
            if 1 - there / count > checks.missing_share and not _may_be_empty(name, column)
        ]
    if not found:
        return None
    return warning(
        "missing values",
        f"columns are mostly empty: {', '.join(found[:8])}",
        "Fill them in the CRM; missing is a value of its own and counts as such.",
        found[0].partition(".")[0],
        rows=len(found),
    )


def _may_be_empty(table: str, column: str) -> bool:
    """Return whether emptiness is the usual state: open ends, parents, notes of changes."""
    return column in ("parent_id", "end_date", "reason") or table == "stage_history"


def closed_before_created(tables: Tables) -> Problem | None:
    """Find deals that were closed before they were created."""
    if not tables.has("opportunities", "created_date"):
        return None
    rows = tables["opportunities"].filter(
        ~nw.col("is_won").is_null() & later_than("created_date", "close_date")
    )
    count = row_count(rows)
    if not count:
        return None
    return warning(
        "closed before created",
        f"{plural(count, 'deal')} closed before the day of creation",
        "See whether close dates are typed in afterwards.",
        "opportunities",
        "close_date",
        rows=count,
        examples=example_ids(rows, "opportunity_id"),
    )


def one_large_account(tables: Tables, checks: CheckSettings) -> Problem | None:
    """Find an account that holds a large share of won revenue."""
    deals = tables["opportunities"]
    won = deals.filter(nw.col("is_won")).select("account_id", won="amount")
    sums = {"won": nw.col("won").sum()}
    totals = summed(won, "account_id", sums=sums, what="opportunities")
    largest = totals.sort("won", "account_id", descending=[True, False]).head(1).collect().rows()
    accounts, total = totals.select(nw.len(), nw.col("won").sum()).collect().rows()[0]
    if not largest or not total or accounts < FEWEST_DEALS:
        return None
    share = float(Decimal(largest[0][1]) / Decimal(total))
    if not total > 0 or share <= checks.largest_account_share:
        return None
    return warning(
        "one large account",
        f"one account holds {share:.0%} of won revenue ({largest[0][1]:,.2f})",
        "Read averages with care; see that it is one customer, not a collective account.",
        "opportunities",
        "amount",
        examples=(str(largest[0][0]),),
    )


def unmapped_stages(tables: Tables) -> Problem | None:
    """Find stages that sound like an end but count as open."""
    if not tables.has("opportunities", "stage"):
        return None
    sounds = nw.col("stage").str.contains(_ENDS_IN_WORDS)
    rows = tables["opportunities"].filter(nw.col("is_won").is_null() & sounds)
    stages = grouped(rows, "stage", deals=nw.len()).sort("stage").collect().rows()
    if not stages:
        return None
    shown = ", ".join(f"{stage!r} ({count:,})" for stage, count in stages[:6])
    return warning(
        "unmapped stage",
        f"stages that sound like an end count as open: {shown}",
        "List them in [data.values.opportunities.is_won] as won or lost.",
        "opportunities",
        "stage",
        rows=sum(int(count) for _, count in stages),
    )


def nothing_lost(tables: Tables) -> Problem | None:
    """Find outcomes that are never false, while deals are open: lost ones may count as open."""
    deals = tables["opportunities"]
    won, lost, opened = (
        deals.select(
            nw.col("is_won").cast(nw.Int64).sum(),
            lost=(~nw.col("is_won")).cast(nw.Int64).sum(),
            opened=nw.col("is_won").is_null().cast(nw.Int64).sum(),
        )
        .collect()
        .rows()[0]
    )
    if not won or lost or not opened or opened < FEWEST_DEALS / 2:
        return None
    return warning(
        "nothing lost",
        f"the outcome is never false: {plural(int(opened), 'deal')} without one count as open",
        "Say which values mean lost in [data.values.opportunities.is_won].",
        "opportunities",
        "is_won",
        rows=int(opened),
    )


def reopening_remark(tables: Tables) -> Problem | None:
    """Return the remark that re-opened deals cannot be detected where there is no history."""
    if tables.has("stage_history", "stage"):
        return None
    return Problem(
        "re-opening cannot be detected: a deal that was won and lost later counts as it stands "
        "today, at every earlier date too",
        "Export the changes of deals as stage_history.",
        "stage_history",
        rule="no stage history",
        blocks=False,
    )


def reopened_deals(tables: Tables) -> Problem | None:
    """Return the remark that deals were won and are no longer, with their amounts today."""
    if not tables.has("stage_history", "stage"):
        return None
    once_won = with_outcomes(tables).filter(nw.col("__outcome") == WON)
    ids = grouped(once_won, "opportunity_id", __wins=nw.len())
    deals = look_up(tables["opportunities"], ids, on="opportunity_id", what="stage_history")
    not_won = nw.col("is_won").is_null() | ~nw.col("is_won")
    found = deals.filter((nw.col("__wins") > 0) & not_won)
    count, amount = found.select(nw.len(), nw.col("amount").sum()).collect().rows()[0]
    if not count:
        return None
    return Problem(
        f"{count:,} deal{'s were' if count > 1 else ' was'} won and re-opened later "
        f"({amount or 0:,.2f} today); each counts as won until the day on which it was re-opened",
        "Nothing to do; see that these are no wins.",
        "opportunities",
        "is_won",
        rule="re-opened deals",
        rows=int(count),
        examples=example_ids(found, "opportunity_id"),
        blocks=False,
    )


def netted(tables: Tables) -> Problem | None:
    """Find accounts whose refunds take away all that they brought."""
    netted = netted_accounts(tables)
    if netted.empty:
        return None
    total = sum(netted["won_revenue"], start=Decimal(0))
    return warning(
        "netted accounts",
        f"{plural(len(netted), 'account')} net to zero or below ({total:,.2f} in all); they stay "
        "in, with what is left of their revenue",
        "See that refunds belong to the account that paid.",
        "opportunities",
        "amount",
        rows=len(netted),
        examples=tuple(netted["account_id"].head(5)),
    )


def duplicates(tables: Tables) -> Problem | None:
    """Find accounts that share a name or a domain."""
    found = candidate_duplicates(tables)
    if found.empty:
        return None
    groups = found.drop_duplicates(["matched_by", "key"])
    stake = sum(
        (Decimal(value) for value in found.drop_duplicates("account_id")["won_revenue"]), Decimal(0)
    )
    first = found[found["key"] == groups["key"].iloc[0]]["account_id"].head(3)
    return warning(
        "candidate duplicates",
        f"{plural(len(groups), 'group')} of accounts share a name or a domain ({stake:,.2f} won)",
        "Where they are one company, say so in a table merges; nothing is merged by guess.",
        "accounts",
        "name",
        rows=int(found["account_id"].nunique()),
        examples=(" and ".join(first),),
    )


RULES: Mapping[str, str] = {
    "money left out": "much won revenue is left out for reasons that nobody has settled",
    "how a file is read": "an encoding, a sheet or a header that is not where it usually is",
    "unused file": "a file looks like a table and is not read",
    "identical rows": "rows without an id that are alike in every column",
    "unused columns": "columns look like money and are not used",
    "several companies": "deals that name several companies",
    "stale table": "a table ends long before the others, or before as_of",
    "accounts not updated": "many accounts were not changed for a year",
    "quarter volume": "a quarter holds far fewer or more closed deals than its neighbours",
    "missing values": "an optional column is mostly empty",
    "implausible year": "dates before 1990, or many years after the data end",
    "closed before created": "deals that were closed before they were created",
    "one large account": "one account holds a large share of won revenue",
    "won in the future": "won deals dated after anything else was recorded",
    "unmapped stage": "a stage that sounds like an end counts as open",
    "nothing lost": "no deal is lost, while some have no outcome",
    "open for long": "many open deals should have closed long ago",
    "netted accounts": "refunds take away all that an account brought",
    "candidate duplicates": "accounts that share a name or a domain",
    "accepted tiers": "the source has other tiers on a day for which tiers were accepted",
    "no stage history": "re-opened deals cannot be detected",
    "re-opened deals": "deals that were won and are no longer",
    "unreadable value": "values that cannot be read are left out",
    "unlisted value": "values that are in no list count as open",
    "unclear dates": "an optional column of dates can be read in two ways",
    "unclear numbers": "an optional column of numbers can be read in two ways",
    "no rows": "a table is empty",
    "mostly excluded": "most rows of a table cannot be used",
    "ids as decimals": "ids are written as 1234.0",
    "ids differ by case": "ids are the same but for capitals",
    "ids differ by zeros": "ids are the same but for leading zeros",
    "spreadsheet error": "cells in which a formula of a spreadsheet has failed",
    "dates of periods": "months, quarters or weeks stand where days are wanted",
    "merged into an unknown account": "a merge that cannot be carried out",
    "unknown parent": "a parent that is no account",
    "deep hierarchy": "accounts many levels below their ultimate parent",
    "amount of lines": "deals without an amount take the sum of their lines",
    "lines disagree": "deals differ from the sum of their lines",
    "no currency": "deals without a currency are in the reporting currency",
    "quarter not complete": "the data end before the quarter does",
    "predicts too well alone": "a criterion that seems to know the outcome",
}
"""Every rule that warns, and what it warns of."""


def check_tables(tables: Tables, settings: Settings) -> list[Problem]:
    """Return what a person should know about trusted tables, in the order of `RULES`."""
    checks: tuple[Callable[[], Problem | None], ...] = (
        lambda: period.stale(tables, settings.checks, None),
        lambda: period.not_updated(tables, settings.checks, None),
        lambda: period.quarter_volume(tables, settings),
        lambda: missing_values(tables, settings.checks),
        lambda: period.implausible_years(tables),
        lambda: closed_before_created(tables),
        lambda: one_large_account(tables, settings.checks),
        lambda: period.won_in_the_future(tables, settings.checks),
        lambda: unmapped_stages(tables),
        lambda: nothing_lost(tables),
        lambda: period.open_for_long(tables),
        lambda: netted(tables),
        lambda: duplicates(tables),
        lambda: reopening_remark(tables),
        lambda: reopened_deals(tables),
    )
    found = (check() for check in checks)
    return raised_to_blocking(
        [problem for problem in found if problem is not None], settings.checks
    )


def check_as_of(tables: Tables, settings: Settings, as_of: date) -> list[Problem]:
    """Return what a person should know about tables that a run at `as_of` rests on."""
    found = (
        period.stale(tables, settings.checks, as_of),
        period.not_updated(tables, settings.checks, as_of),
    )
    return raised_to_blocking(
        [problem for problem in found if problem is not None], settings.checks
    )


def raised_to_blocking(problems: Iterable[Problem], checks: CheckSettings) -> list[Problem]:
    """Return problems, those of rules in `[checks] block` as blocking, in `accept` as warnings."""
    return [
        replace(
            problem,
            blocks=problem.rule in checks.block
            or (problem.blocks and problem.rule not in checks.accept),
        )
        for problem in problems
    ]


def check_rule_names(checks: CheckSettings) -> None:
    """Raise if `[checks] block` or `accept` names a rule that there is none of.

    Raises
    ------
    SettingsError
        With the nearest rule for each such name.
    """
    problems = []
    for setting, named, known in (
        ("block", checks.block, tuple(RULES)),
        ("accept", checks.accept, ACCEPTABLE),
    ):
        for rule in set(named) - set(known):
            near = get_close_matches(rule, known, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known)}."
            problems.append(
                Problem(f"[checks] {setting}: no rule {rule!r}", hint, rule="unknown rule")
            )
    if problems:
        raise SettingsError("[checks] names unknown rules", problems)
