"""Accounts whose refunds take away all that they brought: listed, never dropped."""

from __future__ import annotations

import narwhals as nw
import pandas as pd

from tierkit.crm.guard import added_up
from tierkit.crm.tables import Tables


def netted_accounts(tables: Tables) -> pd.DataFrame:
    """Return the accounts whose won revenue nets to zero or below.

    A refund or credit note is a won deal with a negative amount; it nets against the account that
    it belongs to, on its own day.

    Returns
    -------
    pandas.DataFrame
        A row per account, the lowest first: `account_id`, `won_revenue` (net), `refunded` (the
        negative amounts), `deals` (won ones). Accounts without a refund are absent. Exact.

    Examples
    --------
    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["1", "2", "3"], "account_id": ["A", "A", "B"],
    ...     "close_date": ["2026-01-02"] * 3, "is_won": ["true"] * 3,
    ...     "amount": ["100", "-100", "5"]})
    >>> netted = netted_accounts(tables_from_frames({"opportunities": deals}))
    >>> netted[["account_id", "won_revenue"]].astype(str).values.tolist()
    [['A', '0.0000']]
    """
    won = tables["opportunities"].filter(nw.col("is_won"))
    refund = nw.when(nw.col("amount") < 0).then(nw.col("amount"))
    parts = won.select("account_id", "amount", refund.alias("refund"))
    sums = {
        "won_revenue": nw.col("amount").sum(),
        "refunded": nw.col("refund").sum(),
        "deals": nw.len(),
    }
    totals = added_up(parts, "account_id", sums=sums, what="opportunities")
    netted = totals.filter((nw.col("won_revenue") <= 0) & (nw.col("refunded") < 0))
    found: pd.DataFrame = netted.sort("won_revenue", "account_id").collect().to_pandas()
    return found
