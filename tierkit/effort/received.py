"""How much effort each account received, in the best unit that the source has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import look_back_start, outcome_rows
from tierkit.crm.guard import added_up
from tierkit.crm.tables import Rows, Tables

NO_EFFORT = (
    "neither costs nor outbound activities are known: give the table costs, or activities with a "
    "direction"
)


@dataclass(frozen=True)
class EffortReceived:
    """What was done for accounts before `as_of`.

    Attributes
    ----------
    by_account
        Effort by account_id; accounts without any are absent, and that is a true zero.
    measure
        `money spent`, `minutes` or `activities`: what the numbers count.
    quarters
        How many quarters before `as_of` are counted.
    why
        Why nothing is known; empty otherwise.
    """

    by_account: pd.Series[float]
    measure: str
    quarters: int
    why: str = ""


def effort_received(tables: Tables, *, as_of: date, quarters: int) -> EffortReceived:
    """Return the effort that each account received in the quarters before `as_of`.

    Money from `costs` where the source has it, else minutes of outbound activities, else their
    number. Effort describes what we did; it is never a reason to call an account valuable.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(costs="account_id date amount; A 2025-10-01 60; A 2026-01-01 500;"
    ...                          "B 2024-12-31 7")
    >>> effort_received(tables, as_of=date(2026, 1, 1), quarters=4).by_account.to_dict()
    {'A': 60.0}
    """
    window = {"as_of": [look_back_start(as_of, quarters)], "horizon_end": [as_of]}
    dates = tables.dates(window)
    if "costs" in tables:
        rows = outcome_rows(tables["costs"], "date", dates)
        return EffortReceived(_totals(rows, nw.col("amount").sum()), "money spent", quarters)
    if not tables.has("activities", "direction"):
        nobody = pd.Index([], name="account_id", dtype="str")
        return EffortReceived(pd.Series(0.0, index=nobody), "", quarters, NO_EFFORT)
    outbound = tables["activities"].filter(nw.col("direction") == "outbound")
    rows = outcome_rows(outbound, "date", dates)
    if tables.has("activities", "minutes"):
        minutes = nw.col("minutes").cast(nw.Decimal(38, 4)).sum()
        return EffortReceived(_totals(rows, minutes), "minutes", quarters)
    return EffortReceived(_totals(rows, nw.len()), "activities", quarters)


def _totals(rows: Rows, total: nw.Expr) -> pd.Series[float]:
    summed = added_up(rows, "account_id", sums={"effort": total}, what="effort received")
    frame = summed.select("account_id", nw.col("effort").cast(nw.Float64)).collect().to_pandas()
    found: pd.Series[float] = frame.set_index("account_id")["effort"].fillna(0.0).sort_index()
    return found
