"""Money of deals: its unit, sign, revenue type and currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw
import pandas as pd
import pyarrow as pa

from tierkit.calendar import latest_on_or_before
from tierkit.crm.cleaning import won_amount
from tierkit.crm.contract import MONEY_TYPE
from tierkit.crm.engine import Connection, Rows, materialise, register_frame
from tierkit.crm.frames import to_frame
from tierkit.crm.guard import grouped, look_up, only_with
from tierkit.crm.signs import code_of
from tierkit.crm.tables import Tables
from tierkit.crm.typed import TypedTable
from tierkit.errors import Problem

NATIVE_AMOUNT = "native_amount"
_OF_DEALS = {"opportunity_lines": ("amount", "cost"), "stage_history": ("amount",)}
_MOST_LISTED = 8


def in_reporting_currency(
    typed: Mapping[str, TypedTable], connection: Connection, *, deals: str, currency: str
) -> tuple[dict[str, TypedTable], list[Problem]]:
    """Return the tables with amounts in the reporting currency, and the rates that are missing.

    A rate is what one unit of a currency is worth in the reporting currency; the latest one on or
    before the close date counts, for a deal without a close date the newest. A deal without a
    currency is in the reporting currency. The amount as it was written is kept in `native_amount`.
    Lines and history of a deal convert at the rate of the deal.

    Parameters
    ----------
    deals
        The table that holds the deals: `opportunities`, or `opportunity_lines` in its place.
    """
    if "currency" not in typed[deals].given:
        return dict(typed), []
    rows = typed[deals].rows.with_columns(currency=nw.col("currency").str.to_uppercase())
    foreign = foreign_currencies(rows, currency)
    if not foreign:
        return dict(typed), _without_currency(rows, currency)
    if "exchange_rates" not in typed:
        return dict(typed), foreign
    rates, problems = _rates(typed["exchange_rates"].rows)
    pairs = _pairs(rows, currency)
    priced = _priced(pairs, rates)
    missing = priced[priced["rate"].isna()]
    if problems or len(missing):
        return dict(typed), [*problems, *_missing_rates(missing, currency)]
    return _converted(typed, rows, priced, connection, deals), _without_currency(rows, currency)


def with_codes(rows: Rows) -> Rows:
    """Return rows whose currency is a code, `EUR` for `€` and `Euro`; unknown names stay."""
    name = nw.col("currency").str.to_uppercase()
    known = rows.select(name.alias("name")).drop_nulls().unique().collect()["name"].to_list()
    codes: dict[str, list[str]] = {}
    for one in known:
        code = code_of(one)
        if code is not None and code != one:
            codes.setdefault(code, []).append(one)
    value = name
    for code, names in sorted(codes.items()):
        value = nw.when(name.is_in(names)).then(nw.lit(code)).otherwise(value)
    return rows.with_columns(currency=value)


def without_rate(tables: Tables, currency: str) -> Rows:
    """Return the deals whose amount cannot be converted, for want of a rate on or before the day.

    Parameters
    ----------
    tables
        As they were read, before amounts were converted.
    """
    deals = tables["opportunities"].with_columns(currency=nw.col("currency").str.to_uppercase())
    pairs = _pairs(deals, currency)
    if "exchange_rates" in tables:
        priced = _priced(pairs, _rates(tables["exchange_rates"])[0])
        pairs = priced[priced["rate"].isna()]
    keys = pairs["currency"] + " " + pairs["close_date"].dt.strftime("%Y-%m-%d").fillna("")
    lacking = register_frame(
        tables.connection, pa.table({"__key": pa.array(keys.tolist(), pa.string())})
    )
    found = deals.filter(~nw.col("amount").is_null()).with_columns(__key=_key())
    return only_with(found, lacking, on="__key").drop("__key")


def _key() -> nw.Expr:
    """Return what names a rate: the currency and the day."""
    day = nw.col("close_date").cast(nw.String).fill_null("")
    return nw.concat_str("currency", day, separator=" ")


def _pairs(rows: Rows, currency: str) -> pd.DataFrame:
    """Return the currencies and close dates of which a rate is needed, with how many deals."""
    foreign = rows.filter((nw.col("currency") != currency) & ~nw.col("amount").is_null())
    counted = grouped(foreign, ["currency", "close_date"], deals=nw.len())
    frame = to_frame(counted.sort("currency", "close_date", nulls_last=True))
    return frame.assign(close_date=pd.to_datetime(frame["close_date"]))


def _rates(rates: Rows) -> tuple[pd.DataFrame, list[Problem]]:
    """Return one rate per currency and day, and the days that have two."""
    known = rates.filter(nw.col("rate") > 0).select(
        nw.col("currency").str.to_uppercase().alias("currency"), "date", "rate"
    )
    known = known.drop_nulls()
    daily = grouped(
        known, ["currency", "date"], rate=nw.col("rate").min(), most=nw.col("rate").max()
    )
    frame = to_frame(daily.sort("currency", "date"))
    double = frame[frame["rate"] != frame["most"]]
    problems = []
    if len(double):
        days = pd.to_datetime(double["date"]).dt.strftime("%Y-%m-%d")
        shown = ", ".join(
            f"{code} on {day}" for code, day in zip(double["currency"], days, strict=True)
        )
        problems = [
            Problem(
                f"{len(double):,} days have two rates of one currency ({shown[:200]})",
                "Keep the right one.",
                "exchange_rates",
                "rate",
                rule="one day, two rates",
                rows=len(double),
            )
        ]
    return frame.assign(date=pd.to_datetime(frame["date"])).drop(columns="most"), problems


def _priced(pairs: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Return each pair with its rate; missing where none is known on or before the day."""
    newest = rates.groupby("currency")["rate"].last()
    dated = latest_on_or_before(
        pairs, rates, day="close_date", dated="date", by="currency", value="rate"
    )
    return pairs.assign(
        rate=dated.where(pairs["close_date"].notna(), pairs["currency"].map(newest))
    )


def _missing_rates(missing: pd.DataFrame, currency: str) -> list[Problem]:
    if not len(missing):
        return []
    first = missing.head(_MOST_LISTED)
    days = first["close_date"].dt.strftime("%Y-%m-%d").fillna("no date")
    shown = [f"{code} on {day}" for code, day in zip(first["currency"], days, strict=True)]
    more = f" and {len(missing) - _MOST_LISTED:,} more" if len(missing) > _MOST_LISTED else ""
    return [
        Problem(
            f"no rate to {currency} on or before the close date: {', '.join(shown)}{more}",
            "Add them to exchange_rates: what one unit of the currency is worth.",
            "exchange_rates",
            "rate",
            rule="missing rate",
            rows=int(missing["deals"].sum()),
        )
    ]


def _converted(
    typed: Mapping[str, TypedTable],
    rows: Rows,
    priced: pd.DataFrame,
    connection: Connection,
    deals: str,
) -> dict[str, TypedTable]:
    days = priced["close_date"].dt.strftime("%Y-%m-%d").fillna("")
    keys = priced["currency"] + " " + days
    lookup = pa.table({"__key": keys.tolist(), "__rate": priced["rate"].astype(float).tolist()})
    keyed = rows.with_columns(__key=_key())
    rated = look_up(keyed, register_frame(connection, lookup), on="__key", what="exchange_rates")
    rated = rated.with_columns(nw.col("amount").alias(NATIVE_AMOUNT)).drop("__key")
    rated = materialise(connection, rated, f"{deals} with rates")
    tables = dict(typed)
    tables[deals] = replace(typed[deals], rows=_times_rate(rated, ("amount", "cost")))
    of_deals = grouped(
        rated.filter(~nw.col("opportunity_id").is_null()),
        "opportunity_id",
        __rate=nw.col("__rate").min(),
    )
    of_deals = materialise(connection, of_deals, "rates of deals")
    for name, columns in _OF_DEALS.items():
        if name in typed and name != deals:
            found = look_up(typed[name].rows, of_deals, on="opportunity_id", what="rates of deals")
            tables[name] = replace(typed[name], rows=_times_rate(found, columns))
    return tables


def _times_rate(rows: Rows, columns: tuple[str, ...]) -> Rows:
    """Multiply amounts by the rate of their row, to a hundredth of a cent; drop the rate."""
    rate = nw.col("__rate")
    return rows.with_columns(
        **{
            column: nw.when(rate.is_null())
            .then(nw.col(column))
            .otherwise((nw.col(column).cast(nw.Float64) * rate).round(4).cast(MONEY_TYPE))
            for column in columns
        }
    ).drop("__rate")


def _without_currency(rows: Rows, currency: str) -> list[Problem]:
    count = int(rows.filter(nw.col("currency").is_null()).select(nw.len()).collect().item())
    if not count:
        return []
    return [
        Problem(
            f"{count:,} deals have no currency and are taken to be in {currency}",
            "Write the currency of each deal.",
            "opportunities",
            "currency",
            rule="no currency",
            rows=count,
            blocks=False,
        )
    ]


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
        meant = "new" if meaning == REFUND else meaning
        mapped = nw.when(value.is_in(names)).then(nw.lit(meant)).otherwise(mapped)
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
