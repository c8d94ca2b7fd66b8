"""Everything that dossiers say, fetched once for all of their accounts: known before `as_of`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from tierkit.calendar import Quarter
from tierkit.crm.hierarchy import successors
from tierkit.dossiers.effort import effort_by_quarter
from tierkit.dossiers.group import existing, groups_of
from tierkit.dossiers.history import as_they_were, tiers_held
from tierkit.dossiers.money import contracts_in_force, open_deals, won_by_quarter
from tierkit.dossiers.naming import WORDS, OtherAccounts
from tierkit.dossiers.people import contacts_by_role
from tierkit.readiness.coverage import contact_coverage
from tierkit.readiness.freshness import DATED, newest_facts
from tierkit.readiness.whitespace import whitespace
from tierkit.recalibration.work import Work

QUARTERS = 8


@dataclass(frozen=True)
class Known:
    """What is known of some accounts, a table for each thing.

    Texts that name another account than the one of their row are withheld.

    Attributes
    ----------
    accounts
        By account_id: the account's columns as they were, `dated` (those whose day is known),
        `records` (how many records of the source count as this account, itself included).
    groups
        By account_id, as `groups_of` returns it: of the accounts and all others in their groups.
    tiers
        By account_id: the row of `tiers.csv`.
    quarters
        The labels of the last quarters, oldest first.
    revenue
        By account, product and quarter, of the accounts and all others in their groups.
    deals
        Open deals of the same.
    effort, contracts, roles, whitespace, history
        With `account_id` in each.
    whitespace_why
        Why there is no whitespace; empty where there is.
    coverage, facts
        By account_id: contact coverage; the newest day of each source.
    others
        Tells whether a text names another account.
    """

    work: Work
    accounts: pd.DataFrame
    groups: pd.DataFrame
    tiers: pd.DataFrame
    quarters: tuple[str, ...]
    revenue: pd.DataFrame
    effort: pd.DataFrame
    deals: pd.DataFrame
    contracts: pd.DataFrame
    roles: pd.DataFrame
    whitespace: pd.DataFrame
    whitespace_why: str
    coverage: pd.DataFrame
    history: pd.DataFrame
    facts: pd.DataFrame
    others: OtherAccounts


def known_of(work: Work, tiers: pd.DataFrame) -> Known:
    """Return what is known of the accounts of `tiers` (rows of `tiers.csv`, by account_id).

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> from tierkit.dossiers.make import published_tiers
    >>> run = example_run()
    >>> known = known_of(run, published_tiers(run, run.folder / "tiers.csv"))
    >>> [*known.accounts.index], known.quarters[-1]
    (['A1', 'B2'], '2025Q3')
    """
    everyone = work.accounts().set_index("account_id")
    groups = groups_of(existing(everyone, as_of=work.as_of), tiers.index)
    ids = [*map(str, tiers.index)]
    family = [*map(str, tiers.index.union(groups.index))]
    quarters = _last_quarters(work)
    revenue = won_by_quarter(work, quarters, family)
    space, why = _whitespace(work, tiers, everyone)
    others = OtherAccounts(everyone, words=_shared_products(revenue))
    return Known(
        work=work,
        accounts=_with_words_of_its_own(_accounts(work, everyone.reindex(tiers.index)), others),
        groups=groups,
        tiers=_without_names(tiers, others),
        quarters=tuple(quarter.label for quarter in quarters),
        revenue=others.kept_out_of(revenue, "product"),
        effort=effort_by_quarter(work, quarters, ids),
        deals=others.kept_out_of(open_deals(work, family), "stage", "product"),
        contracts=contracts_in_force(work, ids),
        roles=others.kept_out_of(_roles(work, ids), "role"),
        whitespace=others.kept_out_of(space, "product"),
        whitespace_why=why,
        coverage=_coverage(work, tiers),
        history=others.kept_out_of(tiers_held(work, ids), "reason"),
        facts=newest_facts(work.tables, as_of=work.as_of, sources=[*DATED]).reindex(tiers.index),
        others=others,
    )


def rows_of(table: pd.DataFrame, account: str) -> pd.DataFrame:
    """Return the rows of one account, in their order."""
    return table[table["account_id"] == account]


def record(table: pd.DataFrame, account: str) -> dict[str, Any]:
    """Return the one row of an account in a table by account_id.

    Raises
    ------
    KeyError
        If the table does not have it.
    """
    return {str(column): value for column, value in table.loc[account].items()}


def _accounts(work: Work, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts as they were, with how many records count as each."""
    records = pd.Series(successors(work.tables)).value_counts()
    count = records.reindex(accounts.index).fillna(0).astype(int) + 1
    return as_they_were(work, accounts).assign(records=count)


def _with_words_of_its_own(accounts: pd.DataFrame, others: OtherAccounts) -> pd.DataFrame:
    """Return the accounts with words withheld that name another account."""
    words = [column for column in WORDS if column in accounts]
    rows = accounts.assign(account_id=[*map(str, accounts.index)])
    return others.kept_out_of(rows, *words)


def _without_names(tiers: pd.DataFrame, others: OtherAccounts) -> pd.DataFrame:
    """Return the tiers with reasons withheld that name another account."""
    named = [column for column in ("reasons", "move_reason") if column in tiers]
    rows = tiers.assign(account_id=[*map(str, tiers.index)])
    return others.kept_out_of(rows, *named).drop(columns="account_id")


def _shared_products(revenue: pd.DataFrame) -> list[str]:
    """Return the products that several accounts bought: words, and nobody's name."""
    buyers = revenue.groupby("product", dropna=True)["account_id"].nunique()
    return [str(product) for product in buyers.index[buyers > 1]]


def _whitespace(
    work: Work, tiers: pd.DataFrame, everyone: pd.DataFrame
) -> tuple[pd.DataFrame, str]:
    predicted = tiers["predicted_revenue"].dropna().astype(float).clip(lower=0.0)
    industry = everyone["industry"]
    return whitespace(work.tables, predicted, industry, settings=work.settings, as_of=work.as_of)


def _roles(work: Work, ids: list[str]) -> pd.DataFrame:
    readiness = work.settings.readiness
    return contacts_by_role(
        work.tables, ids, as_of=work.as_of, required=readiness.required_roles,
        engaged_days=readiness.engaged_days,
    )  # fmt: skip


def _coverage(work: Work, tiers: pd.DataFrame) -> pd.DataFrame:
    readiness = work.settings.readiness
    found, _ = contact_coverage(
        work.tables, tiers["tier"], as_of=work.as_of, required_roles=readiness.required_roles,
        engaged_days=readiness.engaged_days,
    )  # fmt: skip
    return found


def _last_quarters(work: Work) -> list[Quarter]:
    calendar = work.settings.fiscal_calendar
    return [calendar.shift(work.quarter, -n) for n in range(QUARTERS - 1, -1, -1)]
