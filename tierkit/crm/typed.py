"""Typed tables: every contract column with the type of its kind, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw

from tierkit.crm.contract import LEFT_OUT, Kind, TableContract
from tierkit.crm.dates import ZONE_FIX, DateReading
from tierkit.crm.engine import Connection, Rows, forget, materialise
from tierkit.crm.numbers import Decimal, NumberReading, with_plain_numbers
from tierkit.crm.parsing import (
    ERROR_CELL,
    DateRules,
    day_of,
    flag_of,
    has_zone,
    id_of,
    money_of,
    number_of,
    numeral_of,
    text_of,
    with_dates,
    without_wrapping,
)
from tierkit.crm.sources import FOOTER_REASON, RawTable, is_footer
from tierkit.crm.tables import REJECTED_VALUE, Rejected, example_ids, id_column
from tierkit.errors import Problem

MOST_UNREADABLE = 0.05
UNREADABLE = "unreadable value"
_TEXT = "__text"


@dataclass(frozen=True)
class TypedTable:
    """A raw table with typed columns; contract columns that the source lacks are null.

    Attributes
    ----------
    footer_rows
        Lines of the export that were no rows: footers, totals, repeated headers.
    rejected
        These lines, and the rows with values that could not be read.
    currencies
        Those that signs in the amounts name, where no column does.
    """

    name: str
    rows: Rows
    given: frozenset[str]
    extra: tuple[str, ...]
    problems: tuple[Problem, ...]
    footer_rows: int = 0
    rejected: tuple[Rejected, ...] = ()
    currencies: tuple[str, ...] = ()


Words = Mapping[str, Mapping[str, Sequence[str]]]


Readings = dict[str, DateReading | NumberReading]


def typed_table(
    raw: RawTable,
    contract: TableContract,
    *,
    words: Words,
    dates: DateRules,
    decimal: Decimal | None,
    connection: Connection,
) -> TypedTable:
    """Return a raw table with the contract's types, computed once.

    Parameters
    ----------
    words
        For flag columns, which values mean won and which mean lost.
    dates
        How dates that can be read in two ways are meant.
    decimal
        The sign before decimals where the settings say it.
    """
    bare = without_wrapping(raw.rows, [*contract.columns, *raw.extra])
    source, footer_rows, rejected = _without_footers(replace(raw, rows=bare))
    schema = source.collect_schema()
    to_read = [column for column in contract.columns if _needs_reading(column, contract, schema)]
    rows = _with_texts(raw, source, to_read, contract, connection)
    rows, readings = with_dates(
        rows, _of_kind(to_read, contract, Kind.DATE), rules=dates, connection=connection
    )
    rows = rows.select(nw.all(), *(nw.col(column).alias(column + _TEXT) for column in to_read))
    rows, number_readings = with_plain_numbers(
        rows,
        _of_kind(to_read, contract, Kind.NUMBER, Kind.MONEY),
        decimal=decimal,
        shares=_of_kind(to_read, contract, Kind.NUMBER),
    )
    without_zone = _without_zone(schema, contract, dates)
    unclear: Readings = {**readings, **number_readings, **without_zone}
    rows = rows.select(*_typed_columns(raw, schema, to_read, unclear, contract, words))
    rows = materialise(connection, rows, f"typed {raw.name}")
    if to_read:
        forget(connection, _text_name(raw))
    clear = [column for column in to_read if not (column in unclear and unclear[column].unclear)]
    unreadable, unread = _unreadable(raw.name, rows, clear, contract, words)
    problems = [
        *_unclear(raw.name, unclear, contract),
        *_several_currencies(raw, number_readings, contract),
        *_remarks(raw.name, readings),
        *_error_cells(raw, bare, contract),
        *unreadable,
    ]
    return TypedTable(
        name=raw.name,
        rows=rows.drop([column + _TEXT for column in to_read]),
        given=raw.given,
        extra=raw.extra,
        problems=tuple(problems),
        footer_rows=footer_rows,
        rejected=(*rejected, *unread),
        currencies=number_readings["amount"].currencies if "amount" in number_readings else (),
    )


def _of_kind(columns: Sequence[str], contract: TableContract, *kinds: Kind) -> list[str]:
    return [column for column in columns if contract.columns[column] in kinds]


def _text_name(raw: RawTable) -> str:
    return f"text of {raw.name}"


def _with_texts(
    raw: RawTable,
    source: Rows,
    to_read: Sequence[str],
    contract: TableContract,
    connection: Connection,
) -> Rows:
    """Return the rows, computed once, with the columns that are read as text."""
    if not to_read:
        return source
    schema = source.collect_schema()
    numbers = _of_kind(to_read, contract, Kind.NUMBER, Kind.MONEY)
    texts = [
        (numeral_of if column in numbers else text_of)(column, schema[column]).alias(column)
        for column in to_read
    ]
    return materialise(connection, source.with_columns(*texts), _text_name(raw))


def _typed_columns(
    raw: RawTable,
    schema: nw.Schema,
    to_read: Sequence[str],
    unclear: Readings,
    contract: TableContract,
    words: Words,
) -> list[nw.Expr | str]:
    """Return the columns of the contract with their types, their text, and those beside them."""
    read = {**schema, **dict.fromkeys(to_read, nw.String())}
    typed = [
        (
            nw.lit(None).cast(kind.dtype)
            if column in unclear and unclear[column].unclear
            else _typed(column, kind, read, words)
        ).alias(column)
        for column, kind in contract.columns.items()
    ]
    return [
        *typed,
        *(column + _TEXT for column in to_read),
        *(text_of(column, schema[column]).alias(column) for column in raw.extra),
        *(mark for mark in [LEFT_OUT] if mark in schema),
    ]


def _without_footers(raw: RawTable) -> tuple[Rows, int, list[Rejected]]:
    """Return the rows that are rows, and how many lines of the export were none, and which."""
    key = id_column(raw.name)
    is_line = is_footer(raw.rows, key=key, header=raw.headers.get(key, key))
    if is_line is None:
        return raw.rows, 0, []
    count = int(raw.rows.select(is_line.cast(nw.Int64).sum()).collect().item() or 0)
    if not count:
        return raw.rows, 0, []
    lines = Rejected(raw.name, FOOTER_REASON, raw.rows.filter(is_line))
    return raw.rows.filter(~is_line), count, [lines]


def _needs_reading(column: str, contract: TableContract, schema: nw.Schema) -> bool:
    """Return whether values of the column may turn out unreadable, which their text then shows."""
    kind = contract.columns[column]
    if column not in schema or kind in (Kind.ID, Kind.TEXT):
        return False
    dtype = schema[column]
    if kind is Kind.DATE:
        return not dtype.is_temporal()
    if kind is Kind.FLAG:
        return dtype != nw.Boolean
    return not dtype.is_numeric()


def _typed(column: str, kind: Kind, schema: Mapping[str, nw.dtypes.DType], words: Words) -> nw.Expr:
    if column not in schema:
        return nw.lit(None).cast(kind.dtype)
    dtype = schema[column]
    if kind is Kind.DATE:
        return day_of(column) if dtype.is_temporal() else nw.col(f"{column}__date")
    if kind is Kind.FLAG:
        return flag_of(column, dtype, words=words.get(column)).cast(nw.Boolean)
    reading = {Kind.ID: id_of, Kind.TEXT: text_of, Kind.NUMBER: number_of, Kind.MONEY: money_of}
    return reading[kind](column, dtype)


def _without_zone(
    schema: nw.Schema, contract: TableContract, dates: DateRules
) -> dict[str, DateReading]:
    """Return the columns of moments with a time zone, where no zone says on which day they lie."""
    return {
        column: DateReading((), "the column's moments carry a time zone", ZONE_FIX)
        for column, kind in contract.columns.items()
        if kind is Kind.DATE and dates.zone is None and has_zone(schema.get(column))
    }


def _unclear(
    name: str, readings: Mapping[str, DateReading | NumberReading], contract: TableContract
) -> list[Problem]:
    """Return the columns that cannot be read as a whole: two readings, or a missing zone."""
    return [
        Problem(
            reading.unclear,
            reading.fix,
            name,
            column,
            rule="unclear dates" if isinstance(reading, DateReading) else "unclear numbers",
            blocks=column in contract.required,
        )
        for column, reading in readings.items()
        if reading.unclear
    ]


def _remarks(name: str, readings: Mapping[str, DateReading]) -> list[Problem]:
    """Return what a person should know of dates that can be read."""
    fix = "Export the day of every row where it matters."
    return [
        Problem(reading.remark, fix, name, column, rule="dates of periods", blocks=False)
        for column, reading in readings.items()
        if reading.remark
    ]


def _error_cells(raw: RawTable, rows: Rows, contract: TableContract) -> list[Problem]:
    """Return one remark per column with cells in which a formula of a spreadsheet has failed."""
    schema = rows.collect_schema()
    texts = [name for name in contract.columns if schema.get(name) == nw.String]
    if not texts:
        return []
    failed = {name: nw.col(name).str.contains(ERROR_CELL) for name in texts}
    counts = rows.select(**{name: one.cast(nw.Int64).sum() for name, one in failed.items()})
    counted = counts.collect().rows(named=True)[0]
    return [
        Problem(
            f"{counted[name]:,} cell{'s hold' if counted[name] > 1 else ' holds'} the error of a "
            f"spreadsheet formula ({_first_values(rows.filter(failed[name]), name)}) and count as "
            "missing",
            "Fix the formulas and export again.",
            raw.name,
            name,
            rule="spreadsheet error",
            rows=int(counted[name]),
            blocks=False,
        )
        for name in texts
        if counted[name]
    ]


def _first_values(rows: Rows, column: str) -> str:
    values = rows.select(column).unique().sort(column).head(5).collect()[column].to_list()
    return ", ".join(repr(value[:40]) for value in values)


def _several_currencies(
    raw: RawTable, readings: Mapping[str, NumberReading], contract: TableContract
) -> list[Problem]:
    """Return the columns of money whose values name several currencies, while no column does."""
    if "currency" in raw.given:
        return []
    return [
        Problem(
            f"values are in {', '.join(reading.currencies)}, and no column tells the currency of "
            "a row: they can never be added up",
            "Export a column of currencies and name it in "
            f"[data.columns.{raw.name}] currency; give rates in exchange_rates.",
            raw.name,
            column,
            rule="several currencies",
            blocks=column in contract.required,
        )
        for column, reading in readings.items()
        if contract.columns[column] is Kind.MONEY and len(reading.currencies) > 1
    ]


def _unreadable(
    name: str, rows: Rows, to_read: Sequence[str], contract: TableContract, words: Words
) -> tuple[list[Problem], list[Rejected]]:
    """Return one problem per column that holds values which could not be read, and the rows."""
    if not to_read:
        return [], []
    lost = {
        column: ~nw.col(column + _TEXT).is_null()
        & nw.col(column).is_null()
        & ~nw.col(column + _TEXT).is_in(list(words.get(column, {}).get("open", ())))
        for column in to_read
    }
    counted = (
        rows.select(
            *(lost[column].cast(nw.Int64).sum().alias(f"{column} lost") for column in to_read),
            *(nw.col(column + _TEXT).count().alias(f"{column} there") for column in to_read),
        )
        .collect()
        .rows(named=True)[0]
    )
    unread = {column: rows.filter(lost[column]) for column in to_read if counted[f"{column} lost"]}
    problems = [
        _unreadable_problem(name, column, found, counted, contract, words)
        for column, found in unread.items()
    ]
    rejected = [
        Rejected(
            name,
            UNREADABLE,
            found.with_columns(nw.col(column + _TEXT).alias(REJECTED_VALUE)),
            column,
        )
        for (column, found), problem in zip(unread.items(), problems, strict=True)
        if problem.rule == UNREADABLE
    ]
    return problems, rejected


def _unreadable_problem(
    name: str,
    column: str,
    lost: Rows,
    counted: Mapping[str, Any],
    contract: TableContract,
    words: Words,
) -> Problem:
    count, there = int(counted[f"{column} lost"]), int(counted[f"{column} there"])
    kind = contract.columns[column]
    shown = _first_values(lost, column + _TEXT)
    listed = kind is Kind.FLAG and column in words
    return Problem(
        f"{count:,} of {there:,} values cannot be read as {kind.value} ({shown})"
        if not listed
        else f"{count:,} of {there:,} values are in no list and count as open ({shown})",
        _fix(name, column, kind),
        name,
        column,
        rule="unlisted value" if listed else UNREADABLE,
        rows=count,
        examples=_examples(lost, contract),
        blocks=not listed and _blocks(column, contract, lost, count / there),
    )


def _blocks(column: str, contract: TableContract, lost: Rows, share: float) -> bool:
    """Return whether unreadable values make a number wrong, rather than only leave rows out."""
    if column not in contract.required:
        return False
    if contract.columns[column] is Kind.FLAG:
        return True
    if contract.columns[column] is Kind.MONEY and "is_won" in contract.columns:
        return (
            bool(lost.filter(nw.col("is_won")).head(1).collect().shape[0])
            or share > MOST_UNREADABLE
        )
    return share > MOST_UNREADABLE


def _fix(name: str, column: str, kind: Kind) -> str:
    if kind is Kind.FLAG:
        return f"List them as won, lost or open in [data.values.{name}.{column}]."
    if kind is Kind.DATE:
        return "Write dates as 2026-09-30; leave unknown ones empty."
    return "Write plain numbers such as 1234.50; leave unknown ones empty."


def _examples(rows: Rows, contract: TableContract) -> tuple[str, ...]:
    """Return up to five ids of some rows, in order."""
    return example_ids(rows, id_column(contract.name))
