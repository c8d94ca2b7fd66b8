"""Won revenue by quarter and revenue type: renewals stand apart from what is predicted."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import FiscalCalendar, before, from_on
from tierkit.crm.guard import added_up
from tierkit.crm.tables import Rows, Tables

TYPES = ("new", "expansion", "renewal")


def won_by_type(
    tables: Tables, calendar: FiscalCalendar, *, as_of: date, quarters: int = 8
) -> pd.DataFrame:
    """Return the won revenue of the last quarters before `as_of`, by revenue type.

    Parameters
    ----------
    as_of
        First day that is not yet known; the first day of a quarter.
    quarters
        How many of the newest quarters.

    Returns
    -------
    pandas.DataFrame
        A row per quarter, the oldest first: `quarter`, `dates`, then `new`, `expansion` and
        `renewal` (amounts of won deals, refunds left out), `refunds` (negative amounts, of whatever
        type) and `won_revenue`, the sum of all four; in the reporting currency.

    Examples
    --------
    A flat renewal, a renewal for less and a refund are no growth.

    >>> from tierkit.crm.tables import tables_from_frames
    >>> deals = pd.DataFrame({"opportunity_id": ["1", "2", "3", "4"], "account_id": ["A"] * 4,
    ...     "close_date": ["2026-01-02"] * 4, "is_won": ["true"] * 4,
    ...     "amount": ["100", "80", "50", "-5"],
    ...     "revenue_type": ["renewal", "renewal", "new", "new"]})
    >>> found = won_by_type(tables_from_frames({"opportunities": deals}), FiscalCalendar(),
    ...     as_of=date(2026, 4, 1), quarters=1)
    >>> found[["quarter", "new", "renewal", "refunds", "won_revenue"]].values.tolist()
    [['2026Q1', 50.0, 180.0, -5.0, 225.0]]
    """
    start = calendar.window_start(as_of, quarters)
    won = before(tables["opportunities"].filter(nw.col("is_won")), "close_date", as_of)
    daily = added_up(
        _kinds(from_on(won, "close_date", start)),
        ["close_date", "kind"],
        sums={"won": nw.col("amount").sum()},
        what="opportunities",
    )
    frame: pd.DataFrame = daily.sort("close_date", "kind").collect().to_pandas()
    spans = calendar.between(start, as_of)
    closed = pd.to_datetime(frame["close_date"])
    labels = [calendar.containing(day.date()).label for day in closed]
    sums = frame.assign(quarter=labels, won=frame["won"].astype(float))
    money = sums.groupby(["quarter", "kind"])["won"].sum().unstack()
    columns = [*TYPES, "refunds"]
    money = money.reindex(index=[span.label for span in spans], columns=columns)
    money = money.astype(float).fillna(0.0)
    found = money.assign(won_revenue=money.sum(axis=1)).rename_axis("quarter").reset_index()
    found.insert(1, "dates", [span.dates for span in spans])
    return found.rename_axis(columns=None)


def _kinds(won: Rows) -> Rows:
    kind = nw.when(nw.col("amount") < 0).then(nw.lit("refunds")).otherwise(nw.col("revenue_type"))
    return won.select("close_date", "amount", kind=kind)
