"""In which group each account's tiers are filled: its territory, and new logo or expansion."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import before
from tierkit.crm.revenue import RENEWAL_TYPES, TARGET_TYPES, target_deals
from tierkit.crm.tables import Tables
from tierkit.settings import Settings
from tierkit.settings.tier_rules import EXPANSION, NEW_LOGO

BETWEEN = " / "


def account_groups(
    tables: Tables, accounts: pd.DataFrame, *, settings: Settings, as_of: date
) -> pd.Series[str] | None:
    """Return the group of each account, None where all accounts are one.

    Parameters
    ----------
    accounts
        One row per account_id, with the column that `tiering.within` names.
    as_of
        First day that is not yet known: an account that won nothing before it is a new logo.

    Returns
    -------
    pandas.Series or None
        By account_id: the value of `tiering.within`, `new logo` or `expansion`, or both as
        `EMEA / expansion`; missing where the account's value of `tiering.within` is.
    """
    index = pd.Index(accounts["account_id"].astype(str), name="account_id")
    parts = []
    if settings.tiering.within is not None:
        values = accounts[settings.tiering.within].astype("object")
        parts.append(pd.Series(values.to_numpy(), index=index).replace("", None))
    if settings.tiering.new_and_expansion_apart:
        bought = index.isin(_bought(tables, settings=settings, as_of=as_of))
        parts.append(pd.Series(bought, index=index).map({True: EXPANSION, False: NEW_LOGO}))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1], sep=BETWEEN)


def _bought(tables: Tables, *, settings: Settings, as_of: date) -> list[str]:
    """Return the accounts with a win before a date."""
    deals = target_deals(tables, settings, revenue_types=(*TARGET_TYPES, *RENEWAL_TYPES))
    won = before(deals, "close_date", as_of).filter(nw.col("is_won"), nw.col("value") > 0)
    ids: list[str] = won.select("account_id").unique().collect()["account_id"].to_list()
    return ids
