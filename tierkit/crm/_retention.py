"""Retention from contracts: revenue kept and logos lost, per account and quarter."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, in_force
from tierkit.crm.guard import grouped
from tierkit.crm.tables import Tables

COLUMNS = ("start_value", "end_value", "kept_value", "churned")


def retention(tables: Tables, quarters: Sequence[Quarter]) -> pd.DataFrame:
    """Return what became of each account's contracts in each quarter.

    A value is the annual value of the contracts in force on a day, `[start_date, end_date)`; a
    quarter goes from its first day to the first day after it, so that a contract which ends with
    the quarter is lost in it.

    Returns
    -------
    pandas.DataFrame
        A row per account and quarter label with a contract at either end, in order:
        `start_value`, `end_value`, `kept_value` (the smaller of the two) and `churned` (had
        contracts at the start, has none at the end). Money in the reporting currency.

    Examples
    --------
    >>> from datetime import date
    >>> from tierkit.calendar import FiscalCalendar
    >>> from tierkit.crm.tables import tables_from_frames
    >>> tables = tables_from_frames({"contracts": pd.DataFrame({
    ...     "contract_id": ["C1", "C2", "C3"], "account_id": ["A", "A", "B"],
    ...     "start_date": ["2025-01-01", "2026-02-01", "2025-04-01"],
    ...     "end_date": [None, None, "2026-04-01"], "annual_value": ["100", "50", "30"]})})
    >>> found = retention(tables, [FiscalCalendar().parse("2026Q1")])
    >>> found.reset_index()[["account_id", "start_value", "end_value", "churned"]].values.tolist()
    [['A', 100.0, 150.0, False], ['B', 30.0, 0.0, True]]
    >>> retention_totals(found)["net_revenue_retention"].round(3).to_dict()
    {'2026Q1': 1.154}
    """
    ends = sorted({day for quarter in quarters for day in (quarter.start, quarter.as_of)})
    spans = in_force(tables["contracts"], tables.dates({"day": ends}))
    held = grouped(spans, ["account_id", "day"], value=nw.col("annual_value").sum())
    values = held.select("account_id", "day", nw.col("value").cast(nw.Float64)).collect()
    by_day = values.to_pandas().assign(day=lambda frame: pd.to_datetime(frame["day"]))
    wide = by_day.pivot(index="account_id", columns="day", values="value").fillna(0.0)
    parts = [_of_quarter(wide, quarter) for quarter in quarters]
    empty = pd.DataFrame(columns=["account_id", "quarter", *COLUMNS])
    found = pd.concat(parts) if parts else empty
    return found.set_index(["account_id", "quarter"]).sort_index()


def retention_totals(by_account: pd.DataFrame) -> pd.DataFrame:
    """Return retention by quarter, of what `retention` gives.

    Returns
    -------
    pandas.DataFrame
        A row per quarter: `accounts` with contracts at its start, `start_value`,
        `gross_revenue_retention` (the value kept, growth left out, as a share of the start),
        `net_revenue_retention` (growth of those accounts included), `logo_churn` (share of
        accounts that have no contract left). Shares are missing where there was no contract.
    """
    had = by_account[by_account["start_value"] > 0].reset_index()
    totals = had.groupby("quarter").agg(
        accounts=("account_id", "size"),
        start_value=("start_value", "sum"),
        end_value=("end_value", "sum"),
        kept_value=("kept_value", "sum"),
        churned=("churned", "sum"),
    )
    quarters = by_account.index.get_level_values("quarter").unique().sort_values()
    totals = totals.reindex(quarters)
    return pd.DataFrame(
        {
            "accounts": totals["accounts"].fillna(0).astype(int),
            "start_value": totals["start_value"].fillna(0.0),
            "gross_revenue_retention": totals["kept_value"] / totals["start_value"],
            "net_revenue_retention": totals["end_value"] / totals["start_value"],
            "logo_churn": totals["churned"] / totals["accounts"],
        }
    )


def _of_quarter(wide: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    nothing = pd.Series(0.0, index=wide.index)
    start = wide.get(pd.Timestamp(quarter.start), nothing)
    end = wide.get(pd.Timestamp(quarter.as_of), nothing)
    frame = pd.DataFrame(
        {
            "account_id": wide.index,
            "quarter": quarter.label,
            "start_value": start.to_numpy(),
            "end_value": end.to_numpy(),
            "kept_value": start.where(start < end, end).to_numpy(),
            "churned": ((start > 0) & (end == 0)).to_numpy(),
        }
    )
    return frame[(frame["start_value"] != 0) | (frame["end_value"] != 0)]
