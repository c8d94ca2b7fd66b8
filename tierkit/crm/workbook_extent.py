"""The size of a workbook's sheets, measured before one is opened: what its cells would take."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tierkit.errors import DataError

MOST_CELLS = 1 << 26
"""Cells from the first to the last that holds something, in a sheet that can be read."""
_CHUNK, _LONGEST_TAG = 1 << 20, 1 << 10
_CELL = re.compile(rb'<(?:[\w.-]+:)?c\s[^>]*?\br\s*=\s*["\']([A-Za-z]{1,3})([0-9]{1,7})["\']')
_ROW_OF_UNNAMED_CELLS = re.compile(
    rb'<(?:[\w.-]+:)?row\s[^>]*?\br\s*=\s*["\']([0-9]{1,7})["\'][^>]*>\s*'
    rb"<(?:[\w.-]+:)?c(?=[\s/>])(?![^>]*?\br\s*=)"
)
_FIRST_OF_SHEET, _ROW_RECORD, _CELL_RECORDS = b"\x81\x01", 0, range(1, 12)
"""The first record of a binary sheet (129), that of a row, and those of cells."""


def check_extent(file: Path) -> None:
    """Raise if a single cell far away makes a sheet larger than can be read.

    Raises
    ------
    DataError
        With the last cell, and how many cells the sheet would have.
    """
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as parts:
        for name in parts.namelist():
            for row, column in _extents(parts, name, file.suffix.lower()):
                if row * column > MOST_CELLS:
                    raise _too_far(file, row, column)


def _extents(parts: zipfile.ZipFile, name: str, suffix: str) -> Iterator[tuple[int, int]]:
    """Yield the last row and column that hold a cell, for each sheet in a part of a workbook."""
    with parts.open(name) as part:
        if suffix == ".ods":
            if name == "content.xml":
                yield from _extents_of_text_tables(part)
        elif suffix == ".xlsb" and name.endswith(".bin"):
            yield _extent_of_records(part.read())
        else:
            yield _extent_of_tags(part)


def _extent_of_tags(part: IO[bytes]) -> tuple[int, int]:
    """Return the extent of a sheet of `.xlsx`; where a part is no sheet, nothing."""
    row = column = 0
    before = b""
    while block := part.read(_CHUNK):
        text = before + block
        for letters, number in _CELL.findall(text):
            row, column = max(row, int(number)), max(column, _column(letters))
        for number in _ROW_OF_UNNAMED_CELLS.findall(text):
            row = max(row, int(number))
        before = block[-_LONGEST_TAG:]
    return row, column


def _extent_of_records(content: bytes) -> tuple[int, int]:
    """Return the extent of a sheet of `.xlsb`, which is a row of records: kind, length, content."""
    if not content.startswith(_FIRST_OF_SHEET):
        return 0, 0
    row = last_row = last_column = at = 0
    while at < len(content):
        kind, at = _number(content, at, most=2)
        length, at = _number(content, at, most=4)
        value = int.from_bytes(content[at : at + 4], "little")
        if kind == _ROW_RECORD:
            row = value + 1
        elif kind in _CELL_RECORDS:
            last_row, last_column = max(last_row, row), max(last_column, value + 1)
        at += length
    return last_row, last_column


def _number(content: bytes, at: int, *, most: int) -> tuple[int, int]:
    """Return a number of up to so many bytes of seven bits, and the place behind it."""
    value = 0
    for place, byte in enumerate(content[at : at + most]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    return value, at + most


def _extents_of_text_tables(part: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the extent of each sheet of `.ods` row by row; a cell and a row may stand for many."""
    row = widest = 0
    with suppress(ElementTree.ParseError):  # what reads the workbook says what is wrong with it
        for _, element in ElementTree.iterparse(part):
            name = element.tag.rpartition("}")[2]
            if name == "table":
                row = widest = 0
            elif name == "table-row":
                row += _repeated(element, "rows")
                if width := _width(element):
                    widest = max(widest, width)
                    yield row, widest
                element.clear()


def _width(row: ElementTree.Element) -> int:
    """Return the last column of a row of `.ods` that holds anything; 0 where none does."""
    column = last = 0
    for cell in row:
        column += _repeated(cell, "columns")
        if len(cell) or any(name.endswith("value-type") for name in cell.attrib):
            last = column
    return last


def _repeated(element: ElementTree.Element, of: str) -> int:
    found = [value for name, value in element.items() if name.endswith(f"number-{of}-repeated")]
    return int(found[0]) if found and found[0].isdigit() else 1


def _column(letters: bytes) -> int:
    """Return the number of a column, 1 for A.

    Examples
    --------
    >>> _column(b"A"), _column(b"AA"), _column(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _letters(column: int) -> str:
    """Return the letters of a column.

    Examples
    --------
    >>> _letters(1), _letters(27), _letters(16384)
    ('A', 'AA', 'XFD')
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _too_far(file: Path, row: int, column: int) -> DataError:
    return DataError(
        f"{file.name}: cells as far as {_letters(column)}{row} make a sheet of {row * column:,} "
        f"cells, and {MOST_CELLS:,} can be read. Delete the rows and columns behind the table, and "
        "save it again."
    )
