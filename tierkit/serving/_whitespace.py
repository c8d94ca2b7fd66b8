"""Whitespace: products that an account has not bought, with the revenue predicted from each."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import before, look_back_start, outcome_rows
from tierkit.crm import Rows, Tables, look_up, summed, target_deals, to_frame
from tierkit.features import accounts_seen
from tierkit.settings import Settings
from tierkit.table import Column, Columns, Table

NO_PRODUCTS = "needs opportunity_lines, or opportunities.product"
PRIOR_ACCOUNTS = 20
"""An industry's share counts as if so many more accounts had behaved like all accounts."""

CAPTION = "Products that accounts have not bought, with the revenue that they may bring"
_COLUMNS: Columns = [
    "account_id",
    "product",
    *Column.each("money", "predicted_value"),
    *Column.each("share", "share"),
    "accounts",
    *Column.each("count", "buyers"),
]


def product_revenue(tables: Tables, *, settings: Settings) -> Rows | None:
    """Return won revenue by deal line: account_id, product, close_date, amount; None without any.

    Of `opportunity_lines` where the source has them, else of the deals' own product.
    """
    won = target_deals(tables, settings).filter(nw.col("is_won"))
    if "opportunity_lines" in tables:
        lines = tables["opportunity_lines"].select("opportunity_id", "product", "amount")
        deals = won.select("opportunity_id", "account_id", "close_date")
        found = look_up(lines, deals, on="opportunity_id", what="opportunities")
        return found.filter(~nw.col("account_id").is_null())
    if not tables.has("opportunities", "product"):
        return None
    return won.select("account_id", "product", "close_date", "amount")


def whitespace(
    tables: Tables,
    predicted_revenue: pd.Series[float],
    industry: pd.Series[str],
    *,
    settings: Settings,
    as_of: date,
) -> Table:
    """Return the products that each account has not bought, with the revenue predicted from them.

    Of the revenue that accounts without a product brought in the last horizon, a share came from
    that product; the account's predicted revenue times that share is what the product may bring.
    The share is that of the account's industry, drawn to that of all accounts as if
    `PRIOR_ACCOUNTS` more had behaved like all. Shares of several products can overlap.

    Parameters
    ----------
    predicted_revenue
        By account_id, those to return.
    industry
        By account_id, of every account; missing is a group of its own. Accounts that did not exist
        before `as_of` are passed over.

    Returns
    -------
    Table
        One row per account and product not bought before `as_of`, accounts in order, the most
        valuable product first: `predicted_value`, `share`, `accounts` of the industry that had not
        bought it a horizon ago, and `buyers` among them since.
    """
    rows = product_revenue(tables, settings=settings)
    if rows is None:
        return _table(why=NO_PRODUCTS)
    horizon = settings.target.horizon_quarters
    start = look_back_start(as_of, horizon)
    owned = _owned(rows, as_of)
    industry = industry[industry.index.isin(accounts_seen(tables, as_of).index)]
    products = sorted(owned["product"].unique())
    shares = _shares(tables, rows, industry, products, start=start, as_of=as_of)
    if not products or shares.empty:  # nobody is without a product, or there is none
        why = "" if products else "no product was sold yet"
        return _table(why=why)
    wanted = pd.MultiIndex.from_product(
        [predicted_revenue.index, products], names=["account_id", "product"]
    )
    has = pd.MultiIndex.from_frame(owned[["account_id", "product"]])
    frame = wanted[~wanted.isin(has)].to_frame(index=False)
    frame["industry"] = frame["account_id"].map(industry).fillna("")
    frame = frame.merge(shares, on=["industry", "product"], how="left", validate="m:1")
    value = frame["account_id"].map(predicted_revenue).astype(float)  # no rows have no type
    frame["predicted_value"] = value * frame["share"].astype(float)
    order = {account: place for place, account in enumerate(predicted_revenue.index)}
    frame["place"] = frame["account_id"].map(order)
    frame = frame.sort_values(
        ["place", "predicted_value", "product"], ascending=[True, False, True], kind="stable"
    )
    return _table(frame.reset_index(drop=True))


def _table(rows: pd.DataFrame | None = None, *, why: str = "") -> Table:
    return Table("whitespace", CAPTION, _COLUMNS, () if rows is None else rows, why=why)


def _owned(rows: Rows, day: date) -> pd.DataFrame:
    """Return the products that accounts had bought before a day."""
    bought = before(rows, "close_date", day).filter(
        nw.col("amount") > 0, ~nw.col("product").is_null()
    )
    frame = to_frame(bought.select("account_id", "product").unique())
    return frame.sort_values(["account_id", "product"], kind="stable")


def _shares(
    tables: Tables,
    rows: Rows,
    industry: pd.Series[str],
    products: list[str],
    *,
    start: date,
    as_of: date,
) -> pd.DataFrame:
    """Return by industry and product the share of revenue from it among accounts without it."""
    span = tables.dates({"as_of": [start], "horizon_end": [as_of]})
    sums = {"amount": nw.col("amount").sum()}
    inside = outcome_rows(rows, "close_date", span)
    by = summed(inside, ["account_id", "product"], sums=sums, what="products bought")
    since = to_frame(by)
    since = since.assign(amount=since["amount"].astype(float).clip(lower=0.0))
    revenue = since.groupby("account_id")["amount"].sum()
    had = _owned(rows, start)
    groups = industry.fillna("")
    parts = []
    for product in products:
        without = groups.drop(had.loc[had["product"] == product, "account_id"], errors="ignore")
        bought = since[since["product"] == product].set_index("account_id")["amount"]
        frame = pd.DataFrame(
            {
                "industry": without,
                "all": revenue.reindex(without.index).fillna(0.0),
                "product_amount": bought.reindex(without.index).fillna(0.0),
            }
        )
        parts.append(_drawn_in(frame).assign(product=product))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _drawn_in(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the share by industry, drawn to that of all accounts."""
    by = frame.groupby("industry", dropna=False).agg(
        all_revenue=("all", "sum"),
        amount=("product_amount", "sum"),
        accounts=("all", "size"),
        buyers=("product_amount", lambda amounts: int((amounts > 0).sum())),
    )
    count = max(len(frame), 1)
    mean_all, mean_product = frame["all"].sum() / count, frame["product_amount"].sum() / count
    of_all = by["all_revenue"] + PRIOR_ACCOUNTS * mean_all
    of_product = by["amount"] + PRIOR_ACCOUNTS * mean_product
    share = (of_product / of_all.where(of_all > 0)).fillna(0.0)
    return by.assign(share=share)[["share", "accounts", "buyers"]].reset_index()
