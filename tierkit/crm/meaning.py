"""The meaning of deals: their revenue type, the unit of their amounts and their currency."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from tierkit.crm.cleaning import won_amount
from tierkit.crm.contract import MONEY_TYPE
from tierkit.crm.engine import Rows
from tierkit.crm.guard import grouped
from tierkit.errors import Problem

TYPE_LEFT_OUT = "revenue type left out by the settings"


REFUND = "refund"
_WITHOUT_CENTS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
)  # fmt: skip
"""Currencies without a smaller unit."""


def with_signs(deals: Rows, types: Mapping[str, str]) -> Rows:
    """Return deals in which amounts of types that mean refunds are negative, however written."""
    names = [name.strip().lower() for name, meaning in types.items() if meaning == REFUND]
    if not names:
        return deals
    amount = nw.col("amount")
    refund = nw.col("type").fill_null("").str.to_lowercase().is_in(names) & (amount > 0)
    return deals.with_columns(amount=nw.when(refund).then(-amount).otherwise(amount))


def with_scale(rows: Rows, scale: Mapping[str, float | str], *, currency: str) -> Rows:
    """Return rows with amounts in whole units of their currency.

    Parameters
    ----------
    scale
        Column to what one of its units is worth: 0.01 for cents, 1000 for thousands, or `smallest
        unit` for cents of most currencies and units of those that have none, such as the yen.
    currency
        The currency of rows that name none.
    """
    for column, unit in scale.items():
        factor = nw.lit(unit) if not isinstance(unit, str) else _smallest_unit(rows, currency)
        amount = (nw.col(column).cast(nw.Float64) * factor).round(4).cast(MONEY_TYPE)
        rows = rows.with_columns(amount.alias(column))
    return rows


def _smallest_unit(rows: Rows, currency: str) -> nw.Expr:
    code = nw.lit(currency)
    if "currency" in rows.columns:
        code = nw.col("currency").str.to_uppercase().fill_null(currency)
    return nw.when(code.is_in(list(_WITHOUT_CENTS))).then(nw.lit(1.0)).otherwise(nw.lit(0.01))


def with_revenue_type(deals: Rows, types: Mapping[str, str], *, given: bool) -> Rows:
    """Return deals with `revenue_type`: new, expansion, renewal or exclude.

    A type that means refunds, such as credit memos, lowers new business. Without a type column
    every deal is new business. Case and surrounding blanks of a type do not matter. An unmapped
    type is missing and is reported by `unmapped_types`.
    """
    if not given:
        return deals.with_columns(revenue_type=nw.lit("new"))
    value = nw.col("type").fill_null("").str.to_lowercase()
    meanings = {name.strip().lower(): meaning for name, meaning in types.items()}
    mapped = nw.lit(None).cast(nw.String)
    for meaning in sorted(set(meanings.values())):
        names = [name for name, meant in meanings.items() if meant == meaning]
        kept = "new" if meaning == REFUND else meaning
        mapped = nw.when(value.is_in(names)).then(nw.lit(kept)).otherwise(mapped)
    return deals.with_columns(revenue_type=mapped)


def unmapped_types(deals: Rows) -> list[Problem]:
    """Return the problem that some types of deals have no meaning in the settings."""
    values = deals.filter(nw.col("revenue_type").is_null()).select(
        won=won_amount(deals.columns), value=nw.col("type").fill_null("")
    )  # a column of the source may be called Won
    counted = grouped(values, "value", rows=nw.len(), won=nw.col("won").sum())
    unmapped = counted.sort("rows", "value", descending=[True, False]).collect().rows()
    if not unmapped:
        return []
    shown = "; ".join(
        f"{value or '(empty)'!r}: {rows:,} rows, {won:,.2f} won"
        for value, rows, won in unmapped[:8]
    )
    more = f"; and {len(unmapped) - 8} more" if len(unmapped) > 8 else ""
    return [
        Problem(
            f"{len(unmapped)} value{'s have' if len(unmapped) > 1 else ' has'} no revenue type "
            f"({shown}{more})",
            "Map each in [target] revenue_types to new, expansion, renewal or exclude.",
            "opportunities",
            "type",
            rule="unmapped revenue type",
            rows=sum(int(rows) for _, rows, _ in unmapped),
        )
    ]


def foreign_currencies(deals: Rows, currency: str) -> list[Problem]:
    """Return the problem that some deals are in another currency than the reports."""
    code = nw.col("currency").str.to_uppercase()
    others = deals.filter(~nw.col("currency").is_null() & (code != currency))
    foreign = grouped(others, "currency", rows=nw.len()).sort("currency").collect().rows()
    if not foreign:
        return []
    shown = ", ".join(f"{rows:,} rows in {name}" for name, rows in foreign)
    return [
        Problem(
            f"{shown}, but the reporting currency is {currency}",
            "Add a table exchange_rates (currency, date, rate), or set [calendar] currency.",
            "opportunities",
            "currency",
            rule="foreign currency",
            rows=sum(int(rows) for _, rows in foreign),
        )
    ]
