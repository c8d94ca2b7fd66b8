"""Eligible accounts, and the reason in words for each of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import product

import numpy as np
import pandas as pd

from tierkit.errors import Problem, SettingsError
from tierkit.settings import EXPANSION, NEW_LOGO, Rule, Settings


def check_eligibility(accounts: pd.DataFrame, *, where: Sequence[str]) -> pd.DataFrame:
    """Say of every account whether it meets the ideal customer profile (ICP).

    Parameters
    ----------
    accounts
        One row per `account_id`, with today's values.
    where
        Rules such as `employees >= 20`; an account must meet each of them.

    Returns
    -------
    pandas.DataFrame
        One row per account_id, in the order given: `eligible`, and `reason`, empty where eligible.
        A rule that is not met counts before one that is unknown, the first of either is named.

    Raises
    ------
    SettingsError
        With every rule that names an unknown column, or compares one with a value of another kind.

    Examples
    --------
    >>> accounts = pd.DataFrame({"account_id": ["A1", "A2", "A3"], "employees": [50, 5, None]})
    >>> check_eligibility(accounts, where=["employees >= 20"])["reason"].to_dict()
    {'A1': '', 'A2': 'outside the ICP: employees >= 20', 'A3': 'ICP unknown: employees is missing'}
    """
    rules = [Rule(text) for text in where]
    _check_columns(rules, accounts.columns)
    outside = np.full(len(accounts), "", dtype=object)
    unknown = outside.copy()
    for rule in rules:
        met = rule.evaluate(accounts)
        failed = met.eq(other=False).fillna(value=False).to_numpy(dtype=bool)
        outside[failed & (outside == "")] = f"outside the ICP: {rule.text}"
        unsure = met.isna().to_numpy() & (unknown == "")
        unknown[unsure] = _missing_columns(accounts.loc[unsure, sorted(rule.columns)])
    reason = np.where(outside != "", outside, unknown)
    index = pd.Index(accounts["account_id"], name="account_id")
    return pd.DataFrame({"eligible": reason == "", "reason": reason}, index=index)


def meets_all(accounts: pd.DataFrame, *, where: Sequence[str]) -> pd.Series[bool]:
    """Say of every row whether it meets all rules, as `check_eligibility` does, without a reason.

    Raises
    ------
    SettingsError
        As `check_eligibility` does.

    Examples
    --------
    >>> meets_all(pd.DataFrame({"employees": [50, 5, None]}), where=["employees >= 20"]).tolist()
    [True, False, False]
    """
    rules = [Rule(text) for text in where]
    _check_columns(rules, accounts.columns)
    met = pd.Series(data=True, index=accounts.index)
    for rule in rules:
        met &= rule.evaluate(accounts).fillna(value=False).astype(bool)
    return met


NOT_YET = "not yet an account: neither created nor active before the first unknown day"
NO_SLOT = "beyond the last tier's capacity"


def within_groups(
    eligible: pd.DataFrame, groups: pd.Series[str] | None, *, within: str | None
) -> pd.DataFrame:
    """Return what `check_eligibility` said; an account of no group cannot be tiered either.

    Parameters
    ----------
    groups
        The group of each account, None where all accounts are one.
    within
        The column that groups accounts, for the reason.
    """
    if groups is None:
        return eligible
    lost = eligible["eligible"] & groups.reindex(eligible.index).isna()
    why = f"tiers are filled within {within}, and it is missing"
    return eligible.assign(
        eligible=eligible["eligible"] & ~lost, reason=eligible["reason"].mask(lost, why)
    )


def can_be_tiered(
    accounts: pd.DataFrame, *, where: Sequence[str], groups: pd.Series[str] | None
) -> pd.Series[bool]:
    """Say of every account whether it can be tiered, as `within_groups` does, without a reason.

    Parameters
    ----------
    accounts
        By account_id, with today's values.
    groups
        The group of each account, None where all accounts are one.

    Examples
    --------
    >>> accounts = pd.DataFrame({"employees": [50, 5, 90]}, index=["A1", "A2", "A3"])
    >>> groups = pd.Series({"A1": "EMEA", "A2": "EMEA"})
    >>> can_be_tiered(accounts, where=["employees >= 20"], groups=groups).to_dict()
    {'A1': True, 'A2': False, 'A3': False}
    """
    met = meets_all(accounts, where=where)
    return met if groups is None else met & groups.reindex(accounts.index).notna()


def why_untiered(
    eligible: pd.DataFrame, *, tiered: pd.Index[str], existing: pd.Index[str]
) -> pd.Series[str]:
    """Return the reason of each account that has no tier, by account_id.

    Parameters
    ----------
    eligible
        As `within_groups` returns it.
    tiered, existing
        The accounts that have a tier, and those that existed at `as_of`.

    Examples
    --------
    >>> eligible = pd.DataFrame({"eligible": [True, True, True], "reason": ""}, index=list("ABC"))
    >>> why_untiered(eligible, tiered=pd.Index(["A"]), existing=pd.Index(["A", "B"])).to_dict()
    {'B': "beyond the last tier's capacity", 'C': 'not yet an account: neither created nor active \
before the first unknown day'}
    """
    reason = eligible.loc[eligible.index.difference(tiered, sort=True), "reason"]
    unknown = existing.get_indexer(reason.index) < 0
    reason = reason.mask((reason == "") & unknown, NOT_YET)
    found: pd.Series[str] = reason.mask(reason == "", NO_SLOT)
    return found


def _check_columns(rules: Iterable[Rule], columns: Iterable[object]) -> None:
    known = sorted(map(str, columns))
    problems = [
        Problem(f"rule {rule.text!r}: no column {column}", _did_you_mean(column, known), rule="icp")
        for rule in rules
        for column in sorted(rule.columns.difference(known))
    ]
    if problems:
        raise SettingsError("icp.where: names columns that accounts do not have", problems)


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."


def _missing_columns(values: pd.DataFrame) -> list[str]:
    """Return for each row in words which of its columns are missing."""
    absent = list(values.isna().itertuples(index=False, name=None))
    words = {pattern: _spell(values.columns[list(pattern)]) for pattern in set(absent)}
    return [words[pattern] for pattern in absent]


def _spell(columns: Iterable[object]) -> str:
    names = list(map(str, columns))
    verb = "is" if len(names) == 1 else "are"
    return f"ICP unknown: {' and '.join(names)} {verb} missing"


_ANY_LIST = (NEW_LOGO, EXPANSION)


def tier_rule_problems(accounts: pd.DataFrame, *, settings: Settings) -> list[Problem]:
    """Return what the rules of the tiers ask of accounts that they do not have.

    Parameters
    ----------
    accounts
        One row per account, with today's values.

    Returns
    -------
    list of Problem
        Of rules on unknown columns and on values of another kind, of groups that no account is in,
        of owners that are not known. A capacity beyond the number of accounts is one that does not
        block.
    """
    known = sorted(map(str, accounts.columns))
    return [
        *_group_problems(accounts, settings=settings, known=known),
        *(problem for tier in settings.tiers if tier.where
          for problem in _rule_problems(tier.name, tier.where, accounts, known=known)),
        *_owner_problems(settings, known=known),
        *_large_capacities(accounts, settings=settings),
        *_capacities_in_groups(accounts, settings=settings),
    ]  # fmt: skip


def _capacities_in_groups(accounts: pd.DataFrame, *, settings: Settings) -> Iterator[Problem]:
    """Yield how many accounts a tier may hold in all, where its capacity is that of each group."""
    within, apart = settings.tiering.within, settings.tiering.new_and_expansion_apart
    if within is not None and within not in accounts.columns:
        return
    values = [""] if within is None else sorted(map(str, accounts[within].dropna().unique()))
    kinds = [NEW_LOGO, EXPANSION] if apart else [""]
    groups = [" / ".join(filter(None, pair)) for pair in product(values, kinds)]
    if len(groups) < 2:
        return
    for tier in settings.tiers:
        if tier.capacity is not None:
            total = sum(tier.capacities.get(group, tier.capacity) for group in groups)
            yield Problem(
                f"tiers: {tier.name} may hold {total:,} accounts in all: its capacity of "
                f"{tier.capacity:,} is that of each of {len(groups)} groups",
                "Lower it, or give groups their own in tiers.capacities.",
                rule="capacity by group",
                blocks=False,
            )


def _rule_problems(
    tier: str, text: str, accounts: pd.DataFrame, *, known: list[str]
) -> Iterator[Problem]:
    rule = Rule(text)
    absent = sorted(rule.columns.difference(known))
    for column in absent:
        message = f"tiers: the rule of {tier!r} names {column}, which accounts do not have"
        yield Problem(message, _did_you_mean(column, known), rule="tier rule")
    if not absent:
        try:
            rule.evaluate(accounts)
        except SettingsError as error:
            yield Problem(
                f"tiers: {error}", "Compare it with a value of its kind.", rule="tier rule"
            )


def _group_problems(
    accounts: pd.DataFrame, *, settings: Settings, known: list[str]
) -> Iterator[Problem]:
    within = settings.tiering.within
    if within is not None and within not in known:
        message = f"tiering.within: accounts have no column {within}"
        yield Problem(message, "Map one in [data.columns.accounts], or take the setting out.",
                      rule="tier groups")  # fmt: skip
        return
    values = [] if within is None else sorted(map(str, accounts[within].dropna().unique()))
    groups = {*values}
    if settings.tiering.new_and_expansion_apart:
        groups = {f"{value} / {one}" for value in values for one in _ANY_LIST} or {*_ANY_LIST}
    for tier in settings.tiers:
        for name in sorted(set(tier.capacities) - groups):
            message = f"tiers: {tier.name!r} has a capacity for {name!r}, a group of no account"
            yield Problem(message, _did_you_mean(name, sorted(groups)), rule="tier groups")


def _owner_problems(settings: Settings, *, known: Iterable[str]) -> Iterator[Problem]:
    asking = [tier.name for tier in settings.tiers if tier.max_per_owner is not None]
    if asking and "owner" not in known:
        message = f"tiers: max_per_owner of {', '.join(asking)}: accounts have no column owner"
        yield Problem(message, "Map one in [data.columns.accounts], or take the setting out.",
                      rule="tier rule")  # fmt: skip


def _large_capacities(accounts: pd.DataFrame, *, settings: Settings) -> Iterator[Problem]:
    for tier in settings.tiers:
        if tier.capacity is not None and tier.capacity > len(accounts):
            message = (
                f"{tier.name} has {tier.capacity:,} places, more than there are accounts "
                f"({len(accounts):,})"
            )
            yield Problem(message, "Nothing must be done.", rule="large capacity", blocks=False)
