"""What the settings of tiers ask of the accounts, tried on them before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import pandas as pd

from tierkit.errors import Problem, SettingsError
from tierkit.rules import Rule
from tierkit.settings import Settings
from tierkit.settings.tier_rules import EXPANSION, NEW_LOGO

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
    ]  # fmt: skip


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


def _did_you_mean(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:20])}."
