"""From what a source holds to typed columns; what cannot be read becomes missing and is counted.

Each kind has one reading. A value that is there but cannot be read is found again by comparing the
typed column with the text beside it, so nothing is lost without a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import pyarrow as pa

from tierkit.crm.contract import MONEY
from tierkit.crm.dates import DateOrder, DateReading, read_dates
from tierkit.crm.engine import Connection, Rows, register

NULL_WORDS = ("", "NULL", "null", "Null", "None", "NaN", "nan", "#N/A", "N/A", "n/a", "\\N")
TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0", "won")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0", "lost")
_PLAIN_NUMBER = r"^[+-]?(\d{1,15}(\.\d*)?|\.\d+)$"
_POWER_NUMBER = r"^[+-]?\d{1,15}(\.\d*)?[eE][+-]?\d{1,2}$"
_NUMBER = f"{_PLAIN_NUMBER}|{_POWER_NUMBER}"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_CURRENCY = r"[$€£¥₹\s\x{00A0}]|^[A-Z]{3} ?| ?[A-Z]{3}$"
_LARGEST = 1e15


def text_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return a column as trimmed text; blanks and the words for nothing are missing."""
    value = nw.col(column)
    if dtype.is_float():
        whole = (value == value.round(0)) & (value.abs() < _LARGEST)
        value = (
            nw.when(whole)
            .then(nw.when(whole).then(value).cast(nw.Int64).cast(nw.String))
            .otherwise(value.cast(nw.String))
        )
    text = value.cast(nw.String).str.strip_chars(" \t\r\n\u00a0\ufeff")
    return nw.when(~text.is_in(NULL_WORDS)).then(text)


def id_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return an id: trimmed text in which nothing is inferred (`0012`, `NA` and `1e5` survive)."""
    if dtype.is_float():
        return text_of(column, dtype)
    text = nw.col(column).cast(nw.String).str.strip_chars(" \t\r\n\u00a0\ufeff")
    return nw.when(~text.is_in(["", "NULL", "\\N"])).then(text)


def number_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return a number; missing where the value is none, or is not finite.

    Text must have gone through `with_bare_numbers` before.
    """
    if dtype.is_numeric():
        value = nw.col(column).cast(nw.Float64)
        return nw.when(value.is_finite() & (value.abs() < _LARGEST)).then(value)
    text = nw.col(column)
    return nw.when(text.str.contains(_NUMBER)).then(text).cast(nw.Float64)


def money_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return an exact amount, rounded to a hundredth of a cent.

    Text must have gone through `with_bare_numbers` before.
    """
    if dtype.is_decimal() or dtype.is_integer():
        value = nw.col(column)
        return nw.when(value.abs() < _LARGEST).then(value).cast(MONEY)
    if dtype.is_float():
        return number_of(column, dtype).cast(MONEY)
    text = nw.col(column)
    plain = nw.when(text.str.contains(_PLAIN_NUMBER)).then(text).cast(MONEY)
    power = nw.when(text.str.contains(_POWER_NUMBER)).then(text).cast(nw.Float64)
    return nw.coalesce(plain, nw.when(power.abs() < _LARGEST).then(power).cast(MONEY))


def with_bare_numbers(rows: Rows, columns: Sequence[str]) -> Rows:
    """Return the rows with numbers in text columns written plainly, `-1234.5`.

    Currency signs and codes, thousands separators, and brackets for negative amounts are taken
    away; what is no number stays as it is. Done in steps, each on the columns of the one before:
    nested in one expression the engine would compute the inner ones many times.
    """
    if not columns:
        return rows
    number = {column: nw.col(column) for column in columns}
    rows = rows.with_columns(
        **{name: text.str.replace_all(_CURRENCY, "") for name, text in number.items()}
    )
    rows = rows.with_columns(**{name: _unbracketed(text) for name, text in number.items()})
    return rows.with_columns(
        **{
            name: nw.when(text.str.contains(_THOUSANDS))
            .then(text.str.replace_all(",", "", literal=True))
            .otherwise(text)
            for name, text in number.items()
        }
    )


def flag_of(
    column: str, dtype: nw.dtypes.DType, *, words: Mapping[str, Sequence[str]] | None = None
) -> nw.Expr:
    """Return true, false or missing, of trimmed text.

    Parameters
    ----------
    words
        Which values mean `won` and which mean `lost`; every other value is then open (missing).
    """
    if dtype == nw.Boolean:
        return nw.col(column)
    text = nw.col(column)
    if words is not None:
        true, false = list(words.get("won", ())), list(words.get("lost", ()))
    else:
        text = text.str.to_lowercase()
        true, false = list(TRUE_WORDS), list(FALSE_WORDS)
    return (
        nw.when(text.is_in(true))
        .then(nw.lit(value=True))
        .when(text.is_in(false))
        .then(nw.lit(value=False))
    )


@dataclass(frozen=True)
class DateRules:
    """What the settings say about dates: the order of numeric ones, the organisation's zone."""

    order: DateOrder | None = None
    zone: str | None = None


def with_dates(
    rows: Rows, columns: Sequence[str], *, rules: DateRules, connection: Connection
) -> tuple[Rows, dict[str, DateReading]]:
    """Return the rows with the named text columns read as dates, under `<column>__date`.

    The distinct values of a column are read once, by the whole column's format, and joined back.
    The readings tell which columns cannot be read as a whole.
    """
    readings = {}
    for column in columns:
        distinct = rows.select(nw.col(column).alias("__text")).drop_nulls().unique().collect()
        texts = sorted(distinct["__text"].to_list())
        readings[column] = read_dates(texts, order=rules.order, zone=rules.zone)
        lookup = pa.table(
            {
                "__text": pa.array(texts, pa.string()),
                f"{column}__date": pa.array(readings[column].days, pa.date32()),
            }
        )
        rows = rows.join(
            register(connection, lookup), left_on=column, right_on="__text", how="left"
        )
    return rows, readings


def _unbracketed(text: nw.Expr) -> nw.Expr:
    inner = text.str.replace_all(r"[()]", "")
    in_brackets = text.str.starts_with("(") & text.str.ends_with(")")
    return nw.when(in_brackets).then(nw.concat_str([nw.lit("-"), inner])).otherwise(text)
