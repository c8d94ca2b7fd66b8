"""Growth of customers beside new business: predicted, and how such predictions came out before."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.crm import RENEWAL_TYPES, TARGET_TYPES, Tables, grouped, target_deals, to_frame
from tierkit.customers.contracts import day_numbers
from tierkit.figure import Figure
from tierkit.settings import Settings
from tierkit.statistics import Z_80

NEW, GROWTH = "new business", "growth of customers"


def first_won(tables: Tables, *, settings: Settings) -> pd.Series[float]:
    """Return the day (since 1970) on which each account first bought, by account_id."""
    deals = target_deals(tables, settings, revenue_types=(*TARGET_TYPES, *RENEWAL_TYPES))
    won = deals.filter(nw.col("is_won"), nw.col("value") > 0)
    firsts = to_frame(grouped(won, ("account_id",), day=nw.col("close_date").min()))
    known = firsts.dropna(subset=["account_id"]).set_index("account_id")
    return day_numbers(known["day"]).sort_index()


def growth_rows(
    predicted: pd.Series[float],
    tested: pd.DataFrame,
    first: pd.Series[float],
    *,
    today: float,
) -> pd.DataFrame:
    """Return what customers should bring beside new accounts, with ranges from earlier dates.

    Parameters
    ----------
    predicted
        Predicted revenue of new and expansion business by account_id.
    tested
        Earlier predictions: `account_id`, `as_of`, `predicted`, `actual`.
    first
        As `first_won` gives it.

    Returns
    -------
    pandas.DataFrame
        A row each of new business (accounts that had not bought before the date) and of growth of
        customers: `kind`, `accounts`, `predicted` (a `Figure` with its 80 % range), `quarter_ends`
        tested, and `actual_over_predicted` over all of them (a `Figure`).

    Examples
    --------
    >>> tested = pd.DataFrame({"account_id": ["A", "B"], "as_of": pd.Timestamp("2025-01-01"),
    ...     "predicted": [10.0, 5.0], "actual": [12.0, 4.0]})
    >>> rows = growth_rows(pd.Series({"A": 8.0, "B": 2.0}), tested, pd.Series({"A": 1.0}),
    ...     today=20_500.0)
    >>> [(row["kind"], row["predicted"].value) for row in rows.to_dict("records")]
    [('new business', 2.0), ('growth of customers', 8.0)]
    """
    customers = predicted.index.isin(first.index[first < today])
    predicted_on = day_numbers(tested["as_of"])
    bought = tested["account_id"].map(first) < predicted_on
    rows = []
    for kind, now, before in ((NEW, ~customers, ~bought), (GROWTH, customers, bought)):
        sums = tested[before].groupby("as_of")[["predicted", "actual"]].sum()
        amount = float(predicted[now].sum())
        total = float(sums["predicted"].sum())
        ratio = float(sums["actual"].sum()) / total if total > 0 else None
        rows.append(
            {
                "kind": kind,
                "accounts": int(now.sum()),
                "predicted": _ranged(amount, sums),
                "quarter_ends": len(sums),
                "actual_over_predicted": Figure.of(ratio, "no earlier date could be tested"),
            }
        )
    return pd.DataFrame(rows)


def _ranged(amount: float, sums: pd.DataFrame) -> Figure:
    """Return an amount as far off as sums of earlier dates were."""
    known = sums[(sums["predicted"] > 0) & (sums["actual"] > 0)]
    if len(known) < 2:
        return Figure(amount, why="fewer than two earlier quarter-ends could be tested")
    ratios = np.log((known["actual"] / known["predicted"]).to_numpy(dtype=float))
    reach = Z_80 * float(np.sqrt(np.mean(ratios**2) * (1 + 1 / len(ratios))))
    return Figure(amount, amount * float(np.exp(-reach)), amount * float(np.exp(reach)))
