"""What a person should know about trusted tables; settings may make any of it block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches

from tierkit.crm import findings, freshness
from tierkit.crm.known import reopened_deals, reopening_remark
from tierkit.crm.tables import Tables
from tierkit.errors import Problem, SettingsError
from tierkit.settings import CheckSettings, Settings

RULES: Mapping[str, str] = {
    "stale table": "a table ends long before the others, or before as_of",
    "accounts not updated": "many accounts were not changed for a year",
    "quarter volume": "a quarter holds far fewer or more closed deals than its neighbours",
    "missing values": "an optional column is mostly empty",
    "implausible year": "dates before 1990, or many years after the data end",
    "closed before created": "deals that were closed before they were created",
    "one large account": "one account holds a large share of won revenue",
    "won in the future": "won deals dated after anything else was recorded",
    "unmapped stage": "a stage that sounds like an end counts as open",
    "netted accounts": "refunds take away all that an account brought",
    "candidate duplicates": "accounts that share a name or a domain",
    "no stage history": "re-opened deals cannot be told",
    "re-opened deals": "deals that were won and are no longer",
    "unreadable value": "values that cannot be read are left out",
    "unlisted value": "values that are in no list count as open",
    "unclear dates": "an optional column of dates can be read in two ways",
    "unclear numbers": "an optional column of numbers can be read in two ways",
    "no rows": "a table is empty",
    "mostly excluded": "most rows of a table cannot be used",
    "ids as decimals": "ids are written as 1234.0",
    "ids differ by case": "ids are the same but for capitals",
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
        lambda: freshness.stale(tables, settings.checks, None),
        lambda: freshness.not_updated(tables, settings.checks, None),
        lambda: findings.quarter_volume(tables, settings),
        lambda: findings.missing_values(tables, settings.checks),
        lambda: findings.implausible_years(tables),
        lambda: findings.closed_before_created(tables),
        lambda: findings.one_large_account(tables, settings.checks),
        lambda: findings.won_in_the_future(tables, settings.checks),
        lambda: findings.unmapped_stages(tables),
        lambda: findings.netted(tables),
        lambda: findings.duplicates(tables),
        lambda: reopening_remark(tables),
        lambda: reopened_deals(tables),
    )
    found = (check() for check in checks)
    return raised([problem for problem in found if problem is not None], settings.checks)


def check_as_of(tables: Tables, settings: Settings, as_of: date) -> list[Problem]:
    """Return what a person should know about tables that a run at `as_of` rests on."""
    found = (
        freshness.stale(tables, settings.checks, as_of),
        freshness.not_updated(tables, settings.checks, as_of),
    )
    return raised([problem for problem in found if problem is not None], settings.checks)


def raised(problems: Iterable[Problem], checks: CheckSettings) -> list[Problem]:
    """Return problems, those of the rules in `[checks] block` as blocking ones."""
    return [
        replace(problem, blocks=problem.blocks or problem.rule in checks.block)
        for problem in problems
    ]


def check_rule_names(checks: CheckSettings) -> None:
    """Raise if `[checks] block` names a rule that there is none of.

    Raises
    ------
    SettingsError
        With the nearest rule for each such name.
    """
    problems = []
    for rule in checks.block:
        if rule not in RULES:
            near = get_close_matches(rule, list(RULES), n=1, cutoff=0.4)
            mend = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(RULES)}."
            problems.append(Problem(f"[checks] block: no rule {rule!r}", mend, rule="unknown rule"))
    if problems:
        raise SettingsError("[checks] block names unknown rules", problems)
