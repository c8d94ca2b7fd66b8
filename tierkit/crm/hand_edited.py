"""Files that people edit in a spreadsheet: `tier_history.csv`, `overrides.csv`, a review."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tierkit.crm.dates import DateOrder, read_dates
from tierkit.crm.presets.preset import plain
from tierkit.crm.text_layout import WESTERN, delimiter_of, encoding_of
from tierkit.errors import DataError, Problem

Record = tuple[int, Sequence[str]]
"""The number of a row as a spreadsheet counts, and its cells."""


@dataclass(frozen=True)
class EditedTable:
    """The rows of a file that a person may have edited.

    Attributes
    ----------
    rows
        By column, without surrounding blanks; dates as 2026-09-30; blank rows are left out.
    numbers
        The number of each row as a spreadsheet counts.
    columns
        Known columns under their own names however the file spells them, and all others.
    problems
        Everything that keeps the rows from being used; days that cannot be read stay as written.
    """

    rows: tuple[dict[str, str], ...] = ()
    numbers: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class EditedColumns:
    """The columns that a file of this kind has.

    Attributes
    ----------
    table
        The name that problems give it.
    known, asked, dates
        Every column, those that must be there, and those that hold days.
    """

    table: str
    known: tuple[str, ...]
    asked: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


def read_edited(
    file: Path, columns: EditedColumns, *, date_order: DateOrder | None = None
) -> EditedTable:
    """Return the rows of a CSV file as spreadsheets leave them.

    Commas, semicolons or tabs; UTF-8, UTF-16 or what the large European languages used; headers in
    capitals; dates with the day or the month first where the columns decide between them; blank
    rows and more columns.

    Parameters
    ----------
    date_order
        Which comes first where a date can be read both ways; by default that is a problem.
    """
    try:
        text = text_of(file)
    except OSError as error:
        fix = "Check the file and who may read it."
        return _refused(columns, f"cannot be read: {error.strerror}", fix, "file")
    return edited_text(text, columns, date_order=date_order)


def text_of(file: Path) -> str:
    """Return the text of a file in whatever encoding it is; empty where there is no file."""
    if not file.exists() or not file.stat().st_size:
        return ""
    try:
        judged = encoding_of(file)
        name, errors = judged.name, judged.errors
    except DataError:  # too little text to tell: what a spreadsheet of Western Europe writes
        name, errors = WESTERN, "replace"
    with file.open(encoding=name, errors=errors, newline="") as source:
        return source.read().lstrip("\ufeff")


def written_table(
    rows: Iterable[Mapping[str, str]], columns: Sequence[str], *, delimiter: str = ","
) -> str:
    """Return rows as the text of a CSV file.

    Examples
    --------
    >>> written_table([{"a": "1"}, {"a": "2", "b": "x, y"}], ["a", "b"]).splitlines()
    ['a,b', '1,', '2,"x, y"']
    """
    out = io.StringIO(newline="")
    writer = csv.DictWriter(
        out, columns, restval="", delimiter=delimiter, lineterminator="\n", extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def edited_text(
    text: str, columns: EditedColumns, *, date_order: DateOrder | None = None
) -> EditedTable:
    """Return the rows of the text of such a file, as `read_edited` does."""
    try:
        return edited_table(_records(text), columns, date_order=date_order)
    except csv.Error as error:
        fix = "Close every quotation mark and save it as CSV again."
        return _refused(columns, f"is not a valid CSV file: {error}", fix, "file")


def edited_table(
    records: Iterable[Record], columns: EditedColumns, *, date_order: DateOrder | None = None
) -> EditedTable:
    """Return rows of cells by column, the first of them the header.

    Examples
    --------
    >>> columns = EditedColumns("overrides", ("account_id", "set_on"), dates=("set_on",))
    >>> records = [(1, ["Account ID", "SET_ON", "Note"]), (3, ["A1", "30.09.2026", "by phone"])]
    >>> edited_table(records, columns).rows
    ({'account_id': 'A1', 'set_on': '2026-09-30', 'Note': 'by phone'},)
    """
    cells = [(number, [one.strip() for one in row]) for number, row in records]
    cells = [(number, row) for number, row in cells if any(row)]
    header = _header(cells[0][1] if cells else [], columns)
    problem = _shape_problem(cells, header, columns)
    if problem is not None:
        return EditedTable(columns=tuple(header), problems=(problem,))
    used = [
        place
        for place, name in enumerate(header)
        if name or any(row[place : place + 1] not in ([], [""]) for _, row in cells[1:])
    ]
    names = {place: header[place] or f"column {place + 1}" for place in used}
    rows = [
        {name: row[place] if place < len(row) else "" for place, name in names.items()}
        for _, row in cells[1:]
    ]
    numbers = [number for number, _ in cells[1:]]
    dated, problems = _with_days(rows, numbers, columns, date_order)
    return EditedTable(tuple(dated), tuple(numbers), tuple(names.values()), tuple(problems))


def rows_gone(
    before: Iterable[Mapping[str, str]], now: Iterable[Mapping[str, str]], key: Sequence[str]
) -> list[Mapping[str, str]]:
    """Return the rows that were written once and are no longer there, by the columns of a key.

    Examples
    --------
    >>> rows_gone([{"id": "A"}, {"id": "B"}], [{"id": "B", "note": "new"}], ["id"])
    [{'id': 'A'}]
    """
    present = {tuple(row.get(column, "") for column in key) for row in now}
    return [row for row in before if tuple(row.get(c, "") for c in key) not in present]


def _records(text: str) -> list[Record]:
    first, _, rest = text.partition("\n")
    stated = re.fullmatch(r"\s*sep=(.)\s*", first, flags=re.IGNORECASE)
    delimiter, above = (stated[1], 1) if stated else (delimiter_of(text), 0)
    body = rest if stated else text
    if not body.strip():
        return []
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    return [(above + number, row) for number, row in enumerate(reader, 1)]


def _header(cells: Sequence[str], columns: EditedColumns) -> list[str]:
    """Return the names of the columns, known ones as the contract spells them."""
    known = {plain(name): name for name in columns.known}
    return [known.get(plain(cell), cell) for cell in cells]


def _shape_problem(
    cells: Sequence[Record], header: Sequence[str], columns: EditedColumns
) -> Problem | None:
    missing = [column for column in columns.asked if column not in header]
    if missing:
        found = ", ".join(name for name in header if name) or "none"
        message = f"the columns {', '.join(missing)} are missing; found {found}"
        fix = f"Give it a first line {','.join(columns.known)}."
        return Problem(message, fix, columns.table, rule="missing column")
    twice = sorted({name for name in header if name and list(header).count(name) > 1})
    if twice:
        message = f"the column {', '.join(twice)} stands there twice"
        fix = "Keep the one that counts."
        return Problem(message, fix, columns.table, rule="missing column")
    ragged = [f"row {number}" for number, row in cells[1:] if any(row[len(header) :])]
    if ragged:
        message = f"{_count(ragged)} with more cells than the first line"
        fix = "Put text that holds a comma into quotation marks."
        return Problem(message, fix, columns.table, rule="row", rows=len(ragged),
                       examples=tuple(ragged[:5]))  # fmt: skip
    return None


def _with_days(
    rows: Sequence[dict[str, str]],
    numbers: Sequence[int],
    columns: EditedColumns,
    date_order: DateOrder | None,
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Return the rows with days written alike, and what cannot be read as a day."""
    dated = [column for column in columns.dates if rows and column in rows[0]]
    texts = list(dict.fromkeys(row[column] for row in rows for column in dated if row[column]))
    if all(map(_is_day, texts)):
        return list(rows), []
    reading = read_dates(texts, order=date_order)
    if reading.unclear or reading.remark:
        why = reading.unclear or reading.remark
        fix = reading.fix if reading.unclear else "Write dates as 2026-09-30."
        unread = [text for text in texts if not _is_day(text)]
        found = {one: _places(rows, numbers, [one], unread) for one in dated}
        return list(rows), [
            Problem(f"dates cannot be read: {why}", fix, columns.table, column, "unreadable date",
                    rows=len(places), examples=tuple(places[:5]))
            for column, places in found.items() if places
        ]  # fmt: skip
    days = {
        text: text if _is_day(text) else day.isoformat() if day else text
        for text, day in zip(texts, reading.days, strict=True)
    }
    problems = []
    for column in dated:
        wrong = _places(rows, numbers, [column], [t for t, day in days.items() if not _is_day(day)])
        if wrong:
            problems.append(_unreadable(wrong, columns.table, column))
    read = [row | {column: days.get(row[column], "") for column in dated} for row in rows]
    return read, problems


def _unreadable(wrong: Sequence[str], table: str, column: str) -> Problem:
    message = f"{_count(wrong)} with a date that cannot be read"
    return Problem(message, "Write dates as 2026-09-30.", table, column, "unreadable date",
                   rows=len(wrong), examples=tuple(wrong[:5]))  # fmt: skip


def _places(
    rows: Sequence[Mapping[str, str]],
    numbers: Sequence[int],
    columns: Sequence[str],
    texts: Collection[str],
) -> list[str]:
    """Return rows that hold one of some texts, as a person finds them."""
    sought = set(texts)
    return [
        f"row {number} ({row[column]})"
        for number, row in zip(numbers, rows, strict=True)
        for column in columns
        if row[column] in sought
    ]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _refused(columns: EditedColumns, message: str, fix: str, rule: str) -> EditedTable:
    return EditedTable(problems=(Problem(message, fix, columns.table, rule=rule),))


def _count(rows: Sequence[object]) -> str:
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
