"""The account's family: the accounts below the same ultimate parent."""

from __future__ import annotations

import narwhals as nw

from tierkit.crm.guard import look_up_gathered, without
from tierkit.crm.tables import Rows
from tierkit.features.deals import won_deals
from tierkit.features.feature import KEYS, Aggregate, Block, Context, Feature, Window
from tierkit.features.firmographics import firmographics

MAX_LEVELS = 6


def parent_won_revenue() -> nw.Expr:
    """Won revenue over four quarters of the account's family, the account itself left out.

    Unit: the reporting currency. The family is every existing account below the same ultimate
    parent, by parent_id (dated like the categories); a chain of parents that turns in a circle, or
    has more than six levels, is no family. An account without a family has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("parent_won_revenue_4q", accounts="account_id parent_id created_date;"
    ...         "A - 2020-01-01; B A 2020-01-01; C B 2020-01-01; D - 2020-01-01",
    ...         opportunities="account_id close_date amount is_won; A 2024-06-01 10 true;"
    ...         "B 2024-06-01 20 true; C 2024-06-01 40 true; D 2024-06-01 80 true")
    {'A': 60.0, 'B': 50.0, 'C': 30.0, 'D': 0.0}
    """
    return nw.col("family_revenue") - nw.col("own_revenue")


def family_accounts_count() -> nw.Expr:
    """Count the existing accounts in the account's family, itself included.

    Unit: accounts, by parent_id (dated like the categories). An account without a family counts 1.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("family_accounts_count", accounts="account_id parent_id created_date;"
    ...         "A - 2020-01-01; B A 2020-01-01; C B 2025-01-01; D E 2020-01-01; E D 2020-01-01")
    {'A': 2.0, 'B': 2.0, 'D': 1.0, 'E': 1.0}
    """
    return nw.col("family_accounts")


def families(context: Context) -> Rows:
    """Return each existing account with the size of its family, its won revenue and the family's.

    Links are followed through accounts that existed at as_of only: a parent that is no account yet
    is a name that its subsidiaries share.
    """
    accounts = firmographics(context, columns=("parent_id",))
    year = nw.when(YEAR.holds("close_date")).then(nw.col("value"))
    topped = look_up_gathered(accounts, _tops(accounts), on=KEYS, top=nw.col("top").min())
    won = context.once(won_deals)
    members = look_up_gathered(topped, won, on=KEYS, own_revenue=year.sum()).with_columns(
        nw.coalesce("top", "account_id").alias("family"), nw.col("own_revenue").fill_null(0)
    )
    return look_up_gathered(
        members,
        members,
        on=("family", "as_of"),
        family_revenue=nw.col("own_revenue").sum(),
        family_accounts=nw.len(),
    )


def _tops(accounts: Rows) -> Rows:
    """Return the ultimate parent, `top`, of the accounts that have one."""
    links = accounts.filter(~nw.col("parent_id").is_null())
    links = links.filter(nw.col("parent_id") != nw.col("account_id"))
    upward = links.select("as_of", top="account_id", above="parent_id")
    walk = links.select(*KEYS, top="parent_id")
    for _ in range(MAX_LEVELS - 1):
        found = look_up_gathered(walk, upward, on=("top", "as_of"), above=nw.col("above").min())
        walk = found.select(*KEYS, nw.coalesce("above", "top").alias("top"))
    unfinished = upward.select("as_of", "top")
    return without(walk, unfinished, on=("top", "as_of"))


FAMILIES = Block(
    "families", families, ("accounts.parent_id",), history="opportunities", aggregated=True
)
YEAR = Window(4)

FEATURES: tuple[Feature, ...] = (
    Aggregate("parent_won_revenue_4q", FAMILIES, parent_won_revenue, YEAR, undated="parent_id"),
    Aggregate("family_accounts_count", FAMILIES, family_accounts_count, undated="parent_id"),
)
