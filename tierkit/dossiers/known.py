"""The data behind dossiers, fetched once for all their accounts and known before `as_of`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from tierkit.calendar import Quarter, before
from tierkit.crm import hierarchy, successors, to_frame
from tierkit.dossiers.naming import WORDS, OtherAccounts
from tierkit.dossiers.people import (
    contacts_by_role,
    contracts_in_force,
    effort_by_quarter,
    of_accounts,
    open_deals,
    won_by_quarter,
)
from tierkit.runs import Run, customers_left, next_left
from tierkit.serving import DATED_TABLES, contact_coverage, newest_facts, whitespace
from tierkit.table import Table

COLUMNS = ("group", "group_size", "depth", "directly_below")


def existing(accounts: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Return the accounts made before `as_of`, and those without a day of their making."""
    if "created_date" not in accounts:
        return accounts
    made = pd.to_datetime(accounts["created_date"])
    return accounts[~made.ge(pd.Timestamp(as_of))]


def groups_of(accounts: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """Return where accounts stand among those under the same ultimate parent.

    Parameters
    ----------
    accounts
        By account_id, those that exist, with `parent_id` where it is known.
    ids
        The accounts to tell of.

    Returns
    -------
    pandas.DataFrame
        By account_id, of `ids` and of all others in their groups: `group` (the id of the ultimate
        parent, not to be shown), `group_size` (accounts, itself included), `depth` (levels below
        the top) and `directly_below` (accounts). An account in a circle of parents stands alone.

    Examples
    --------
    >>> parents = pd.DataFrame({"parent_id": [None, "A", "B", None]}, index=["A", "B", "C", "D"])
    >>> groups_of(parents, pd.Index(["B"])).loc["B", [*COLUMNS[1:]]].tolist()
    [3, 1, 1]
    >>> groups_of(parents, pd.Index(["D"])).index.tolist()
    ['D']
    """
    if "parent_id" not in accounts:
        return pd.DataFrame(columns=[*COLUMNS], index=ids[:0])
    links = pd.DataFrame({"account_id": accounts.index, "parent_id": accounts["parent_id"].array})
    tops = hierarchy(links).tops.set_index("account_id")
    wanted = tops.reindex(ids)["ultimate_parent"].dropna()
    members = tops[tops["ultimate_parent"].isin(wanted)]
    below = links["parent_id"].where(links["parent_id"] != links["account_id"]).value_counts()
    return pd.DataFrame(
        {
            "group": members["ultimate_parent"],
            "group_size": members.groupby("ultimate_parent", dropna=False)["depth"].transform(
                "size"
            ),
            "depth": members["depth"],
            "directly_below": below.reindex(members.index).fillna(0).astype(int),
        }
    )


SPANS = ["account_id", "tier", "start_date", "end_date", "overridden", "reason"]


def as_they_were(run: Run, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return account columns as `account_history` gives them before `as_of`, where it does.

    A column whose first known change of an account lies after `as_of` was not known then and is
    missing; without a change it is today's value. `dated` names the columns whose day is known.

    Parameters
    ----------
    accounts
        By account_id, as they are today.
    """
    dated = pd.Series([frozenset[str]()] * len(accounts), index=accounts.index, dtype="object")
    found = accounts.astype("object")
    if "account_history" not in run.tables:
        return found.assign(dated=dated)
    rows = of_accounts(run.tables["account_history"], [*map(str, accounts.index)])
    rows = rows.select("account_id", "changed_date", "column", "value")
    known = to_frame(before(rows, "changed_date", run.as_of))
    ever = to_frame(rows.select("account_id", "column").unique())
    order = ["account_id", "column", "changed_date", "value"]
    ordered = known.sort_values(order, kind="stable")
    last = ordered.groupby(["account_id", "column"], dropna=False)["value"].last()
    for account, column in ever.itertuples(index=False, name=None):
        if column in accounts and account in found.index:
            found.loc[account, column] = last.get((account, column))
            dated[account] = dated[account] | {column}
    return found.assign(dated=dated)


def tiers_held(run: Run, ids: list[str]) -> pd.DataFrame:
    """Return the spans in which tiers were held, oldest first; equal ones in a row are one span.

    An end on or after `as_of` was not known and is missing.
    """
    if "tier_history" not in run.tables:
        return pd.DataFrame(columns=SPANS)
    rows = before(of_accounts(run.tables["tier_history"], ids), "start_date", run.as_of)
    frame = to_frame(rows.select(*SPANS))
    ends = pd.to_datetime(frame["end_date"])
    frame["end_date"] = ends.where(ends.le(pd.Timestamp(run.as_of)))
    frame["start_date"] = pd.to_datetime(frame["start_date"])
    return _joined_up(frame.sort_values(["account_id", "start_date", "tier"], kind="stable"))


def _joined_up(spans: pd.DataFrame) -> pd.DataFrame:
    """Return spans with those that go on unchanged put into one."""
    same = ["account_id", "tier", "overridden", "reason"]
    before_it = spans[same].shift().fillna("").astype(str)
    goes_on = before_it.eq(spans[same].fillna("").astype(str)).all(axis=1)
    goes_on &= spans["end_date"].shift().eq(spans["start_date"])
    by_run = spans.groupby((~goes_on).cumsum(), sort=False, dropna=False)
    begun = by_run.head(1).reset_index(drop=True)
    return begun.assign(end_date=by_run.tail(1)["end_date"].to_numpy())


QUARTERS = 8


@dataclass(frozen=True)
class Known:
    """The knowledge of some accounts, a table for each thing.

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
    customers
        By account_id of those with a renewal due, as the run has left it; empty without any.
    next_products
        By account_id the product that a customer may buy next: `product`, `chance`, `value`.
    """

    run: Run
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
    customers: pd.DataFrame = field(default_factory=pd.DataFrame)
    next_products: pd.DataFrame = field(default_factory=pd.DataFrame)


def known_of(run: Run, tiers: pd.DataFrame) -> Known:
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
    everyone = run.accounts().set_index("account_id")
    groups = groups_of(existing(everyone, as_of=run.as_of), tiers.index)
    ids = [*map(str, tiers.index)]
    family = [*map(str, tiers.index.union(groups.index))]
    quarters = _last_quarters(run)
    revenue = won_by_quarter(run, quarters, family)
    space = _whitespace(run, tiers, everyone)
    others = OtherAccounts(everyone, words=_shared_products(revenue))
    return Known(
        run=run,
        accounts=_with_words_of_its_own(_accounts(run, everyone.reindex(tiers.index)), others),
        groups=groups,
        tiers=_without_names(tiers, others),
        quarters=tuple(quarter.label for quarter in quarters),
        revenue=others.kept_out_of(revenue, "product"),
        effort=effort_by_quarter(run, quarters, ids),
        deals=others.kept_out_of(open_deals(run, family), "stage", "product"),
        contracts=contracts_in_force(run, ids),
        roles=others.kept_out_of(_roles(run, ids), "role"),
        whitespace=others.kept_out_of(space.to_frame(), "product"),
        whitespace_why=space.why,
        coverage=_coverage(run, tiers),
        history=others.kept_out_of(tiers_held(run, ids), "reason"),
        facts=newest_facts(run.tables, as_of=run.as_of, sources=[*DATED_TABLES]).reindex(
            tiers.index
        ),
        others=others,
        customers=customers_left(run).reindex(tiers.index).dropna(subset=["chance"]),
        next_products=_next_products(run, tiers, others),
    )


def _next_products(run: Run, tiers: pd.DataFrame, others: OtherAccounts) -> pd.DataFrame:
    """Return the next products of accounts, those withheld that name another account."""
    found = next_left(run).reindex(tiers.index).dropna(subset=["chance"])
    rows = found.assign(account_id=[*map(str, found.index)])
    return others.kept_out_of(rows, "product").drop(columns="account_id")


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


def _accounts(run: Run, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts as they were, with how many records count as each."""
    records = pd.Series(successors(run.tables)).value_counts()
    count = records.reindex(accounts.index).fillna(0).astype(int) + 1
    return as_they_were(run, accounts).assign(records=count)


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


def _whitespace(run: Run, tiers: pd.DataFrame, everyone: pd.DataFrame) -> Table:
    predicted = tiers["predicted_revenue"].dropna().astype(float).clip(lower=0.0)
    industry = everyone["industry"]
    return whitespace(run.tables, predicted, industry, settings=run.settings, as_of=run.as_of)


def _roles(run: Run, ids: list[str]) -> pd.DataFrame:
    readiness = run.settings.readiness
    return contacts_by_role(
        run.tables, ids, as_of=run.as_of, required=readiness.required_roles,
        engaged_days=readiness.engaged_days,
    )  # fmt: skip


def _coverage(run: Run, tiers: pd.DataFrame) -> pd.DataFrame:
    readiness = run.settings.readiness
    found = contact_coverage(
        run.tables, tiers["tier"], as_of=run.as_of, required_roles=readiness.required_roles,
        engaged_days=readiness.engaged_days,
    )  # fmt: skip
    return found.to_frame().set_index("account_id")


def _last_quarters(run: Run) -> list[Quarter]:
    calendar = run.settings.fiscal_calendar
    return [calendar.shift(run.quarter, -n) for n in range(QUARTERS - 1, -1, -1)]
