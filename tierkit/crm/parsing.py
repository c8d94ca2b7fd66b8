"""From what a source holds to typed columns; what cannot be read becomes missing and is counted.

Each kind has one reading. A value that is there but cannot be read is found again by comparing the
typed column with the text beside it, so nothing is lost without a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import pyarrow as pa

from tierkit.crm.contract import MONEY_TYPE
from tierkit.crm.dates import DateOrder, DateReading, read_dates
from tierkit.crm.engine import Connection, Rows, register_frame
from tierkit.crm.guard import look_up

ERROR_CELLS = (
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
    "#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#VALEUR!", "#NOM?", "#NOMBRE?", "#¡REF!", "#¡VALOR!",
    "#¡DIV/0!", "#VALOR!", "#N/D", "#N/D!", "#RIF!", "#VALORE!", "#NOME?",
)  # fmt: skip
"""Texts that a spreadsheet shows where a formula failed, in the large European languages."""

NO_VALUE = "\\N"
NULL_WORDS = (
    "", "NULL", "null", "Null", "None", "NaN", "nan", "N/A", "n/a", NO_VALUE, *ERROR_CELLS
)  # fmt: skip
TRUE_WORDS = (
    "true", "t", "yes", "y", "1", "1.0", "-1", "won", "x", "✓", "✔", "☑", "✅", "ja", "wahr", "oui",
    "vrai", "sí", "si", "verdadero", "verdadeiro", "sim", "vero", "sì", "waar", "tak", "prawda",
    "ano", "sant", "kyllä", "igen", "да", "evet", "はい",
)  # fmt: skip
FALSE_WORDS = (
    "false", "f", "no", "n", "0", "0.0", "lost", "✗", "✘", "☐", "❌", "nein", "falsch", "non",
    "faux", "falso", "não", "nao", "nee", "onwaar", "nie", "fałsz", "ne", "nej", "falskt", "ei",
    "nem", "нет", "hayır", "いいえ",
)  # fmt: skip
_PLAIN_NUMBER = r"^[+-]?(\d{1,15}(\.\d*)?|\.\d+)$"
_POWER_NUMBER = r"^[+-]?\d{1,15}(\.\d*)?[eE][+-]?\d{1,2}$"
_NUMBER = f"{_PLAIN_NUMBER}|{_POWER_NUMBER}"
_LARGEST = 1e15
_BLANKS = " \t\r\n\u00a0\u00ad\u2007\u2009\u200b\u200c\u200d\u200e\u200f\u202f\u2060\u3000\ufeff"
_BLANK = "[" + "".join(rf"\x{{{ord(sign):04X}}}" for sign in _BLANKS) + "]"
_PADDED = rf"^{_BLANK}|{_BLANK}$"
_AS_FORMULA = r'^="[^"]*"$'
_AS_TEXT = r"^'\d"
"""Digits marked as text for a spreadsheet: `="00012"`, `'00012`."""

ERROR_CELL = f"^(?:{'|'.join(map(re.escape, ERROR_CELLS))})$"
_NO_ID = f"^(?:{'|'.join(map(re.escape, ('', 'NULL', NO_VALUE, *ERROR_CELLS)))})$"
_NULL_WORD = f"^(?:{'|'.join(map(re.escape, NULL_WORDS))})$"
"""A pattern, as a list of values would be joined to the rows: once for each column."""


_AS_LIST = r'^\["?[\w-]+"?(, ?"?[\w-]+"?)*\]$'
"""Ids as a list of JSON, `["9001"]`."""


def bare_list(text: nw.Expr) -> nw.Expr:
    """Return texts in which a list of ids is `9001` or `9001,9002`."""
    bare = text.str.replace_all(r'[\["\]]', "")
    return nw.when(text.str.contains(_AS_LIST)).then(bare).otherwise(text)


def without_wrapping(rows: Rows, columns: Sequence[str]) -> Rows:
    """Return the rows with bare texts: no blanks around them, `="00012"` and `'00012` as `00012`.

    Blanks are also those that nobody sees, of no width. One look finds the columns that have such
    texts; touching the others would cost time.
    """
    schema = rows.collect_schema()
    texts = [column for column in columns if schema.get(column) == nw.String]
    for pattern, bare in (
        (_PADDED, lambda text: text.str.strip_chars(_BLANKS)),
        (_AS_FORMULA, _without_formula),
        (_AS_TEXT, _without_apostrophe),
        (_AS_LIST, bare_list),
    ):
        found = _with(rows, texts, pattern)
        rows = rows.with_columns(*(bare(nw.col(name)) for name in found)) if found else rows
    return rows


def _with(rows: Rows, columns: Sequence[str], pattern: str) -> list[str]:
    """Return the columns in which some text matches."""
    if not columns:
        return []
    held = rows.select(**{one: nw.col(one).str.contains(pattern).any() for one in columns})
    found = held.collect().rows(named=True)[0]
    return [column for column in columns if found[column]]


def _without_formula(text: nw.Expr) -> nw.Expr:
    inner = text.str.replace_all(r'^="|"$', "")
    return nw.when(text.str.contains(_AS_FORMULA)).then(inner).otherwise(text)


def _without_apostrophe(text: nw.Expr) -> nw.Expr:
    return nw.when(text.str.contains(_AS_TEXT)).then(text.str.slice(1)).otherwise(text)


def text_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return a column as text without padding; blanks and the words for nothing are missing."""
    value = nw.col(column)
    if dtype.is_float():
        whole = (value == value.round(0)) & (value.abs() < _LARGEST)
        value = (
            nw.when(whole)
            .then(nw.when(whole).then(value).cast(nw.Int64).cast(nw.String))
            .otherwise(value.cast(nw.String))
        )
    text = value.cast(nw.String)
    return nw.when(~text.str.contains(_NULL_WORD)).then(text)


def numeral_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return the text of a number; a mere dash stands for nothing."""
    text = text_of(column, dtype)
    return nw.when(~text.str.contains(r"^[-–—]+$")).then(text)


def id_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return an id: text in which nothing is inferred (`0012`, `NA` and `1e5` survive)."""
    if dtype.is_float():
        return text_of(column, dtype)
    text = nw.col(column).cast(nw.String)
    return nw.when(~text.str.contains(_NO_ID)).then(text)


def number_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return a number; missing where the value is none, or is not finite.

    Text must have gone through `tierkit.crm.numbers.with_plain_numbers` before.
    """
    if dtype.is_numeric():
        value = nw.col(column).cast(nw.Float64)
        return nw.when(value.is_finite() & (value.abs() < _LARGEST)).then(value)
    text = nw.col(column)
    return nw.when(text.str.contains(_NUMBER)).then(text).cast(nw.Float64)


def money_of(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return an exact amount, rounded to a hundredth of a cent.

    Text must have gone through `tierkit.crm.numbers.with_plain_numbers` before.
    """
    if dtype.is_decimal() or dtype.is_integer():
        value = nw.col(column)
        return nw.when(value.abs() < _LARGEST).then(value).cast(MONEY_TYPE)
    if dtype.is_float():
        return number_of(column, dtype).cast(MONEY_TYPE)
    text = nw.col(column)
    plain = nw.when(text.str.contains(_PLAIN_NUMBER)).then(text).cast(MONEY_TYPE)
    power = nw.when(text.str.contains(_POWER_NUMBER)).then(text).cast(nw.Float64)
    return nw.coalesce(plain, nw.when(power.abs() < _LARGEST).then(power).cast(MONEY_TYPE))


def day_of(column: str) -> nw.Expr:
    """Return the calendar date of a date or a moment; one with a zone is converted.

    The engine converts to the zone that it was connected with.
    """
    return nw.col(column).cast(nw.Date)


def has_zone(dtype: nw.dtypes.DType | None) -> bool:
    """Return whether the values are moments with a time zone."""
    return isinstance(dtype, nw.Datetime) and dtype.time_zone is not None


def flag_of(
    column: str, dtype: nw.dtypes.DType, *, words: Mapping[str, Sequence[str]] | None = None
) -> nw.Expr:
    """Return true, false or missing, of trimmed text.

    Parameters
    ----------
    words
        Which values mean `won` and which mean `lost`; every other value is then open (missing),
        those listed as `open` and those in no list.
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
    """Settings of dates: the order of numeric ones, the organisation's zone."""

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
        lookup = lookup.rename_columns([column, f"{column}__date"])
        rows = look_up(
            rows, register_frame(connection, lookup), on=column, what=f"dates of {column}"
        )
    return rows, readings
