"""Numbers as people write them, read by the whole column: 1,234.50, 1.234,50, $45k, (12), 7 %."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import narwhals as nw

from tierkit.crm.engine import Rows
from tierkit.crm.signs import CURRENCY, currencies_of

Decimal = Literal["comma", "point"]

_BLANK = r"[\s\x{00A0}\x{2000}-\x{200B}\x{202F}\x{205F}\x{3000}'’‘´`ʼ′]"
_SIGNS = rf"{CURRENCY}|{_BLANK}"
_TWO_NUMBERS = rf"\d{_BLANK}+\d|\d{_BLANK}*(?:{CURRENCY}){_BLANK}*\d"
_BLANK_GROUPS = rf"^\D*\d{{1,3}}({_BLANK}\d{{3}})+([.,]\d*)?\D*$"
_COUNTS = ("employees", "rank", "term_months")
"""Columns of whole things: `1,200` and `1.200` employees are both twelve hundred."""

_MINUS = "[−–—‐‑]"
_DASH_FOR_CENTS = r"[.,]-{1,2}$"
"""As in `1'234.-`: there are no cents."""

_FACTORS = (
    (r"(?i)(k|tsd\.?|千)$", "e3"),
    ("万$", "e4"),
    ("(?i)(lakhs?|lacs?)$", "e5"),
    (r"(?i)(m|mm|mn|mio\.?|mln)$", "e6"),
    ("(?i)(crores?|cr)$", "e7"),
    ("[億亿]$", "e8"),
    (r"(?i)(b|bn|mrd\.?)$", "e9"),
)
_END = r"(?i:k|tsd\.?|千|万|lakhs?|lacs?|m|mm|mn|mio\.?|mln|crores?|cr|[億亿]|b|bn|mrd\.?)?%?$"
_INDIAN = re.compile(r"lakh|lac|crore|₹|rs|inr", re.IGNORECASE)
_DIGITS = {
    chr(first + digit): str(digit) for first in (0x660, 0x6F0, 0xFF10) for digit in range(10)
} | {"٫": ".", "٬": ",", "．": ".", "，": ","}
_OTHER_DIGITS = r"[\x{0660}-\x{0669}\x{06F0}-\x{06F9}\x{FF10}-\x{FF19}]"
_NO_SIGN = rf"[\d.,+()−–—‐‑-]|{_BLANK}"
_MOST_MARKS = 2000


@dataclass(frozen=True)
class NumberReading:
    """Reading of a column of texts as numbers.

    Attributes
    ----------
    decimal
        The sign before the decimals.
    unclear
        Why the column cannot be read as a whole, empty where it can.
    fix
        What to do about that.
    currencies
        The currencies that signs or codes in the values name, by code, `kr` for any crown.
    """

    decimal: Decimal = "point"
    unclear: str = ""
    fix: str = ""
    currencies: tuple[str, ...] = ()


def with_plain_numbers(
    rows: Rows, columns: Sequence[str], *, decimal: Decimal | None, shares: Collection[str] = ()
) -> tuple[Rows, dict[str, NumberReading]]:
    """Return the rows with the numbers in text columns written plainly, `-1234.5` or `1.2e6`.

    Currency signs and codes, thousands separators, brackets for negative amounts, `k`, `M` and
    `bn` are understood, so are `1'234.-`, lakh and crore, 万, and digits of other scripts; what is
    no number becomes missing. The sign before the decimals is that
    of the whole column: `1.234,50`, `12,5` or `1.234.567` decide for the comma, `1,234.50`,
    `12.5` or `1,234,567` for the point. A column in which both occur, or in which nothing but
    `1,234` does, is not read at all.

    Parameters
    ----------
    decimal
        The sign before the decimals as the settings say it; None to decide by the column.
    shares
        The columns in which `7 %` is 0.07; elsewhere a percentage is no number.
    """
    plain = () if decimal == "comma" else _plain_already(rows, columns)
    readings = dict.fromkeys(plain, NumberReading())
    others = [column for column in columns if column not in readings]
    if not others:
        return rows, readings
    rows = _with_plain_digits(rows, others)
    marks = {column: marks_of(rows, column) for column in others}
    rows = _bare(rows, others)
    readings |= (
        {column: NumberReading(decimal) for column in others}
        if decimal
        else _readings(rows, others)
    )
    readings |= {column: _with_marks(readings[column], marks[column]) for column in others}
    rows = rows.with_columns(**{column: _plain(column, readings[column]) for column in others})
    return rows.with_columns(
        **{column: _scaled(column, share=column in shares) for column in others}
    ), readings


def _plain_already(rows: Rows, columns: Sequence[str]) -> list[str]:
    """Return the columns of which every value is a plain number that can be read in one way."""
    if not columns:
        return []
    odd = {column: ~nw.col(column).str.contains(_PLAIN_ALREADY) for column in columns}
    counted = rows.select(**{column: one.cast(nw.Int64).sum() for column, one in odd.items()})
    found = counted.collect().rows(named=True)[0]
    return [column for column in columns if not found[column]]


def _with_plain_digits(rows: Rows, columns: Sequence[str]) -> Rows:
    """Write the digits of other scripts, Arabic or of full width, as 0 to 9."""
    found = rows.select(*(nw.col(one).str.contains(_OTHER_DIGITS).any() for one in columns))
    held = found.collect().rows()[0]
    columns = [column for column, has in zip(columns, held, strict=True) if has]
    for sign, digit in _DIGITS.items() if columns else ():
        rows = rows.with_columns(
            *(nw.col(one).str.replace_all(sign, digit, literal=True) for one in columns)
        )
    return rows


def marks_of(rows: Rows, column: str) -> list[str]:
    """Return what values hold beside digits, points, signs and blanks: `€`, `k`, `Cr`."""
    mark = nw.col(column).cast(nw.String).str.replace_all(_NO_SIGN, "").alias("mark")
    marks = rows.select(mark).drop_nulls().unique().sort("mark").head(_MOST_MARKS).collect()
    return [text for text in marks["mark"].to_list() if text]


def _with_marks(reading: NumberReading, marks: Sequence[str]) -> NumberReading:
    """Return a reading with the currencies of its values; unclear where marks have two readings."""
    debits = [mark for mark in marks if re.search(r"(?i)dr\.?$", mark)]
    credits = [mark for mark in marks if re.search(r"(?i)(?<!la)cr\.?$", mark)]
    if debits or (credits and not any(map(_INDIAN.search, marks))):
        found = " and ".join(repr(mark) for mark in (*debits[:1], *credits[:1]))
        meant = "Dr and Cr tell debit from credit, or Cr a crore"
        fix = "Export a column of signed amounts, with revenue positive."
        return replace(reading, unclear=f"values end in {found}: {meant}", fix=fix)
    return replace(reading, currencies=currencies_of(marks))


def _bare(rows: Rows, columns: Sequence[str]) -> Rows:
    """Take signs, codes, blanks and brackets away, in steps: nested they would be slow."""
    text = {column: nw.col(column) for column in columns}
    rows = rows.with_columns(**{name: _one_number(one) for name, one in text.items()})
    rows = rows.with_columns(
        **{name: one.str.replace_all(_MINUS, "-") for name, one in text.items()}
    )
    rows = rows.with_columns(
        **{name: one.str.replace_all(_SIGNS, "") for name, one in text.items()}
    )
    rows = rows.with_columns(
        **{name: one.str.replace_all(_DASH_FOR_CENTS, "") for name, one in text.items()}
    )
    return rows.with_columns(**{name: _signed(one) for name, one in text.items()})


def _one_number(text: nw.Expr) -> nw.Expr:
    """Leave out texts in which blanks stand between digits other than groups of three."""
    two = text.str.contains(_TWO_NUMBERS) & ~text.str.contains(_BLANK_GROUPS)
    return nw.when(~two).then(text)


def _signed(text: nw.Expr) -> nw.Expr:
    """Write `(12)` and `12-` as `-12`."""
    zero = nw.when(text == "-").then(nw.lit("0"))  # what accounting writes after a sign
    inner = text.str.replace_all(r"[()]|-$", "")
    negative = (text.str.starts_with("(") & text.str.ends_with(")")) | text.str.contains(r"^\d.*-$")
    signed = nw.when(negative).then(nw.concat_str([nw.lit("-"), inner])).otherwise(text)
    return nw.coalesce(zero, signed)


def _grouped(group: str) -> str:
    """Return the pattern of digits in groups of three (or, with commas, as in India)."""
    sign = "," if group == "," else r"\."
    indian = r"|\d{1,2}(,\d{2})+,\d{3}" if group == "," else ""
    return rf"(\d{{1,3}}({sign}\d{{3}})+{indian})"


def _decides_for(point: str, group: str) -> str:
    """Return the pattern of numbers in which `point` can only stand before decimals."""
    point, escaped = rf"\{point}", rf"\{group}"
    several = rf"\d{{1,3}}({escaped}\d{{3}}){{2,}}"
    indian = r"|\d{1,2}(,\d{2})+,\d{3}" if group == "," else ""
    return (
        rf"^[+-]?({_grouped(group)}{point}\d*|{several}{indian}|\d*{point}(\d{{1,2}}|\d{{4,}})"
        rf"|(0\d*|\d{{4,}})?{point}\d{{3}}|\d+{point}\d*[eE][+-]?\d+){_END}"
    )


_POINT, _COMMA = _decides_for(".", ","), _decides_for(",", ".")
_EITHER = rf"^[+-]?[1-9]\d{{0,2}}[.,]\d{{3}}{_END}"
_PLAIN_ALREADY = r"^-?\d{1,15}(\.(\d{1,2}|\d{4,}))?$"
_VALID: Mapping[Decimal, str] = {
    "point": rf"^[+-]?({_grouped(',')}|\d+)?(\.\d*)?([eE][+-]?\d+)?{_END}",
    "comma": rf"^[+-]?({_grouped('.')}|\d+)?(,\d*)?([eE][+-]?\d+)?{_END}",
}


def _readings(rows: Rows, columns: Sequence[str]) -> dict[str, NumberReading]:
    kinds = {"point": _POINT, "comma": _COMMA, "either": _EITHER}
    first = [
        nw.when(nw.col(column).str.contains(pattern))
        .then(nw.col(column))
        .min()
        .alias(f"{column} {kind}")
        for column in columns
        for kind, pattern in kinds.items()
    ]
    found = rows.select(*first).collect().rows(named=True)[0]
    return {
        column: _reading(*(found[f"{column} {kind}"] for kind in kinds), whole=column in _COUNTS)
        for column in columns
    }


def _reading(
    point: str | None, comma: str | None, either: str | None, *, whole: bool
) -> NumberReading:
    fix = 'Set [data] decimal to "comma" or "point".'
    if point is not None and comma is not None:
        unclear = f"{comma!r} has a decimal comma and {point!r} a decimal point"
        return NumberReading(unclear=unclear, fix=fix)
    if point is None and comma is None and either is not None and whole:
        return NumberReading("point" if "," in either else "comma")
    if point is None and comma is None and either is not None:
        digits = "".join(sign for sign in either if sign.isdigit())
        spelt = f"{int(digits):,} or {int(digits) / 1000:.3f}"
        unclear = f"{either!r} is {spelt}, and no value of the column decides"
        return NumberReading(unclear=unclear, fix=fix)
    return NumberReading("point" if comma is None else "comma")


def _plain(column: str, reading: NumberReading) -> nw.Expr:
    """Return numbers with a decimal point and no separators, missing where there is none."""
    if reading.unclear:
        return nw.lit(None).cast(nw.String)
    text = nw.col(column)
    valid = nw.when(text.str.contains(_VALID[reading.decimal])).then(text)
    if reading.decimal == "point":
        return valid.str.replace_all(",", "", literal=True)
    ungrouped = valid.str.replace_all(".", "", literal=True)
    return ungrouped.str.replace_all(",", ".", literal=True)


def _scaled(column: str, *, share: bool) -> nw.Expr:
    text = nw.col(column)
    for pattern, power in _FACTORS:
        text = text.str.replace_all(pattern, power)
    return text.str.replace_all(r"%$", "e-2") if share else text
