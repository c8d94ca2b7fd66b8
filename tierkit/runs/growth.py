"""The stage that asks how customers grow: beside new business, and which product comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import complete_quarter_ends, days_old
from tierkit.crm import to_frame
from tierkit.customers import (
    RULES,
    NextProducts,
    Purchases,
    day_number,
    day_numbers,
    first_won,
    growth_rows,
    next_products,
)
from tierkit.files import write_whole
from tierkit.runs.modelling import TESTED_FILE
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering
from tierkit.serving import NO_PRODUCTS, product_revenue
from tierkit.table import Column, Columns, Table
from tierkit.words import enumerated

NEXT_FILE = "next_products.parquet"
FEWEST_LINES = 30
TOO_FEW = "too few won lines have a product"


@dataclass(frozen=True)
class GrowthStudy:
    """Growth of customers.

    Attributes
    ----------
    rows
        New business and growth of customers, as `tierkit.customers.growth_rows` gives them.
    products
        The next product of each customer; None where it cannot be said.
    why
        Why not; empty where it can.
    """

    rows: pd.DataFrame
    products: NextProducts | None
    why: str


def study_growth(run: Run, tiering: Tiering) -> GrowthStudy:
    """Ask what customers should bring anew, and which product each may buy next."""
    file = run.folder / TESTED_FILE
    columns = ["account_id", "as_of", "predicted", "actual"]
    tested = pd.read_parquet(file) if file.is_file() else pd.DataFrame(columns=columns)
    predicted = tiering.tiered["predicted_revenue"].fillna(0.0).astype(float)
    first = first_won(run.tables, settings=run.settings)
    rows = growth_rows(predicted, tested, first, today=float(day_number(run.as_of)))
    products, why = _products(run)
    if products is not None:
        suggested = products.suggested.reset_index().to_parquet(index=False)
        write_whole(run.folder / NEXT_FILE, suggested, lasting=False)
    return GrowthStudy(rows, products, why)


def _products(run: Run) -> tuple[NextProducts | None, str]:
    found = product_revenue(run.tables, settings=run.settings)
    if found is None:
        return None, NO_PRODUCTS
    won = found.filter(nw.col("amount") > 0, ~nw.col("product").is_null())
    frame = to_frame(won.select("account_id", "product", "close_date", "amount"))
    frame = frame.dropna(subset=["account_id"])
    if len(frame) < FEWEST_LINES:
        return None, TOO_FEW
    lines = pd.DataFrame(
        {
            "account_id": frame["account_id"],
            "product": frame["product"].astype("str"),
            "day": day_numbers(frame["close_date"]),
            "amount": frame["amount"].astype(float),
        }
    )
    industry = run.accounts().set_index("account_id")["industry"]
    calendar, horizon = run.settings.fiscal_calendar, run.settings.target.horizon_quarters
    begun = pd.Timestamp(min(frame["close_date"])).date()
    ends = complete_quarter_ends(calendar, begun, run.as_of, look_back=horizon, horizon=horizon)
    tested = ends[-run.settings.model.backtest_quarter_ends :]
    start = calendar.window_start(run.as_of, horizon)
    length = float(days_old(start, run.as_of))
    return (
        next_products(
            Purchases.of(lines, industry),
            today=float(day_number(run.as_of)),
            days=[float(day_number(day)) for day in tested],
            length=length,
        ),
        "",
    )


def next_left(run: Run) -> pd.DataFrame:
    """Return the next product of each customer as the run has left it, by account_id."""
    file = run.folder / NEXT_FILE
    empty = pd.DataFrame(columns=["account_id", "product", "chance", "value"])
    return (pd.read_parquet(file) if file.is_file() else empty).set_index("account_id")


def growth_facts(study: GrowthStudy) -> dict[str, Any]:
    """Return what `facts.json` holds of growth and next products; no ids, no names."""
    rows = [
        {
            "kind": str(row["kind"]),
            "accounts": int(row["accounts"]),
            **row["predicted"].facts("predicted", low="low", high="high"),
            "quarter_ends": int(row["quarter_ends"]),
            **row["actual_over_predicted"].facts("actual_over_predicted"),
        }
        for row in study.rows.to_dict("records")
    ]
    found = study.products
    if found is None:
        return {"growth": rows, "next_product": {"why": study.why, "products": []}}
    return {
        "growth": rows,
        "next_product": {
            "ranked_by": found.ranked_by,
            "quarter_ends": len(found.tests),
            "buyers": int(found.tests["buyers"].sum()) if len(found.tests) else 0,
            **found.hit_rate(found.ranked_by).facts("hit_rate"),
            **found.hit_rate(RULES[0]).facts("hit_rate_of_popularity"),
            "gain": found.gain.effect(),
            **found.value.facts("value", low="low", high="high"),
            "renamed": len(found.renamed),
            "products": [
                {"product": str(one["product"]), "accounts": int(one["accounts"]),
                 "value": float(one["value"])}
                for one in found.by_product.to_dict("records")
            ],
        },
    }  # fmt: skip


def growth_table(study: GrowthStudy, *, currency: str = "") -> Table:
    """Return new business and growth of customers: predicted with ranges, and how tests came."""
    rows = [
        {
            "kind": row["kind"],
            "accounts": row["accounts"],
            "predicted": row["predicted"],
            "low": row["predicted"].low,
            "high": row["predicted"].high,
            "quarter_ends": row["quarter_ends"],
            "actual_over_predicted": row["actual_over_predicted"],
        }
        for row in study.rows.to_dict("records")
    ]
    columns: Columns = [
        "kind", Column("accounts", "count"), *Column.each("money", "predicted", "low", "high"),
        Column("quarter_ends", "count"), Column("actual_over_predicted", "number"),
    ]  # fmt: skip
    caption = "New business and growth of customers: predicted, and tested at earlier quarter-ends"
    return Table("growth", caption, columns, rows, currency=currency)


def next_product_table(study: GrowthStudy, *, currency: str = "") -> Table:
    """Return by product how many customers lack it, and what first purchases may bring."""
    found = study.products
    columns: Columns = ["product", Column("accounts", "count"), Column("value", "money")]
    rows = pd.DataFrame() if found is None else found.by_product
    caption = "Products that customers have not bought: what first purchases may bring"
    return Table("next-products", caption, columns, rows if len(rows) else (), currency=currency,
                 why=f"Next products: {study.why or 'none is left'}.")  # fmt: skip


def next_product_sheet(study: GrowthStudy) -> Table:
    """Return the next product of each customer with its chance."""
    columns: Columns = [
        "account_id",
        "product",
        Column("chance", "share"),
        Column("value", "money"),
    ]
    rows = () if study.products is None else study.products.suggested.reset_index()
    return Table("next-product", "The next product of each customer", columns, rows)


def renamed_words(study: GrowthStudy) -> str:
    """Return which products are read as one, as a sentence; empty where none are."""
    renamed = {} if study.products is None else study.products.renamed
    pairs = [f"{old} as {new}" for old, new in renamed.items()]
    return f"Read as one product under its newer name: {enumerated(pairs)}." if pairs else ""
