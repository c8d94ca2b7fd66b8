"""Where accounts stand in their group: counted, as no other account is named."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tierkit.crm.hierarchy import hierarchy

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
