"""What some accounts bought, may buy and have signed, as it was known before `as_of`."""

from __future__ import annotations

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, before, outcome_rows
from tierkit.crm.guard import added_up
from tierkit.crm.known import deals_as_known
from tierkit.crm.revenue import TARGET_TYPES, target_deals
from tierkit.crm.tables import Rows
from tierkit.readiness.whitespace import product_revenue
from tierkit.recalibration.work import Work

NO_PRODUCT = "product not known"
REVENUE = ["account_id", "product", "quarter", "amount"]
CENT = 0.005


def of_accounts(rows: Rows, ids: list[str]) -> Rows:
    """Return the rows of some accounts."""
    return rows.filter(nw.col("account_id").is_in(ids))


def by_quarter(work: Work, rows: Rows, day: str, quarters: list[Quarter]) -> Rows:
    """Return the rows that lie in a quarter, with its start as `as_of`."""
    spans = {"as_of": [q.start for q in quarters], "horizon_end": [q.as_of for q in quarters]}
    return outcome_rows(rows, day, work.tables.dates(spans))


def with_labels(frame: pd.DataFrame, quarters: list[Quarter]) -> pd.DataFrame:
    """Return the rows with the label of their quarter in place of its start."""
    labels = {pd.Timestamp(quarter.start): quarter.label for quarter in quarters}
    return frame.assign(quarter=pd.to_datetime(frame["as_of"]).map(labels)).drop(columns="as_of")


def won_by_quarter(work: Work, quarters: list[Quarter], ids: list[str]) -> pd.DataFrame:
    """Return won revenue by account, product and quarter: all of it, as the deals have it.

    What no product line accounts for stands beside the products as `NO_PRODUCT`.
    """
    won = target_deals(work.tables, work.settings).filter(nw.col("is_won"))
    totals = _won(work, won, quarters, ids, ["account_id", "as_of"])
    lines = product_revenue(work.tables, settings=work.settings)
    if lines is None:
        return totals.assign(product=NO_PRODUCT)[REVENUE]
    named = _won(work, lines, quarters, ids, ["account_id", "product", "as_of"])
    keys = ["account_id", "quarter"]
    rest = totals.set_index(keys)["amount"] - named.groupby(keys, dropna=False)["amount"].sum()
    rest = rest.fillna(totals.set_index(keys)["amount"])
    other = rest[rest.abs() >= CENT].rename("amount").reset_index().assign(product=NO_PRODUCT)
    found = pd.concat([named.fillna({"product": NO_PRODUCT})[REVENUE], other[REVENUE]])
    return found.groupby(REVENUE[:3], sort=True, dropna=False)["amount"].sum().reset_index()


def _won(
    work: Work, rows: Rows, quarters: list[Quarter], ids: list[str], keys: list[str]
) -> pd.DataFrame:
    inside = by_quarter(work, of_accounts(rows, ids), "close_date", quarters)
    sums = added_up(inside, keys, sums={"amount": nw.col("amount").sum()}, what="revenue")
    frame = with_labels(sums.collect().to_pandas(), quarters)
    return frame.assign(amount=frame["amount"].astype(float))


def open_deals(work: Work, ids: list[str]) -> pd.DataFrame:
    """Return the deals that were open, the largest of each account first."""
    known = of_accounts(deals_as_known(work.tables, [work.as_of]), ids).filter(
        nw.col("is_won").is_null(), nw.col("revenue_type").is_in([*TARGET_TYPES])
    )
    columns = ["account_id", "stage", "product", "amount", "created_date", "close_date"]
    frame = known.select("opportunity_id", *columns).collect().to_pandas()
    frame["amount"] = frame["amount"].astype(float)
    ordered = frame.sort_values(["account_id", "amount", "opportunity_id"],
                                ascending=[True, False, True], kind="stable")  # fmt: skip
    return ordered[columns]


def contracts_in_force(work: Work, ids: list[str]) -> pd.DataFrame:
    """Return the contracts that run on `as_of`."""
    columns = ["account_id", "start_date", "end_date", "annual_value"]
    if "contracts" not in work.tables:
        return pd.DataFrame(columns=columns)
    started = before(of_accounts(work.tables["contracts"], ids), "start_date", work.as_of)
    frame = started.select(*columns).collect().to_pandas()
    ends = pd.to_datetime(frame["end_date"])
    running = frame[ends.isna() | ~ends.lt(pd.Timestamp(work.as_of))]
    running = running.assign(annual_value=running["annual_value"].astype(float))
    return running.sort_values(columns, kind="stable")
