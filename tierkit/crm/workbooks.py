"""Workbooks and what is called so: sheets as the text that a person sees."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.crm.signs import currencies_of
from tierkit.crm.text_layout import header_place, unique
from tierkit.crm.workbook_extent import check_extent
from tierkit.errors import DataError

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_ZEROS = re.compile(r"0{2,}")
_WORTH_A_LOOK = re.compile(rb'formatCode="(?:0{2,}"|[^"]*(?:\[\$|&quot;|[\xc2\xe2]))')
_ERRORS = b't="e"'
MOST_UNPACKED = 2_000_000_000
"""Bytes that a packed file may unpack to, unless the settings allow more."""
_SIGN = re.compile(r'\[\$([^\]-]+)(?:-[^\]]*)?\]|"([^"]+)"|([€£¥₹$])')


@dataclass(frozen=True)
class Sheet:
    """A sheet as text, with what a person should know about it."""

    frame: pd.DataFrame
    remarks: tuple[str, ...] = ()


def sheet_names(file: Path) -> list[str]:
    """Return the names of a workbook's sheets that hold anything; none of a web page.

    Raises
    ------
    DataError
        If the file is no workbook.
    """
    if _is_page(file):
        return []
    book = _book(file)
    return [name for name in book.sheet_names if book.get_sheet_by_name(name).total_height]


def read_sheet(file: Path, name: str | None = None) -> Sheet:
    """Return a sheet of a workbook, the first that holds anything by default.

    Cells that are merged hold their value in every row; numbers shown as `00012` are that text;
    errors of formulas stay (`#N/A`); amounts shown in several currencies keep their signs.

    Raises
    ------
    DataError
        If the file is no workbook, or has no such sheet.
    """
    if _is_page(file):
        return _framed(_page_rows(file), file.name, ())
    names = sheet_names(file)
    if name is not None and name not in names:
        raise DataError(f"{file.name}: there is no sheet {name!r}; there are {', '.join(names)}.")
    if not names:
        raise DataError(f"{file.name}: the workbook is empty.")
    chosen = name or names[0]
    sheet = _book(file).get_sheet_by_name(chosen)
    rows = [[_cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    if file.suffix.lower() in (".xlsx", ".xlsm"):
        _put_as_shown(rows, file, chosen)
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        for row in rows[top : bottom + 1]:
            row[left : right + 1] = [rows[top][left]] * (min(right + 1, len(row)) - left)
    others = [other for other in names if other != chosen]
    remarks = (
        (
            f"{file.name}: the sheet {chosen!r} is read; there are also {', '.join(others)}. "
            "Name the one that is meant in [data.sheets].",
        )
        if others and name is None
        else ()
    )
    return _framed(rows, file.name, remarks)


def check_unpacked(file: Path, *, most: int = MOST_UNPACKED) -> None:
    """Raise if a packed file would unpack to more bytes than may be, or says so falsely.

    Raises
    ------
    DataError
        With the size that it would have.
    """
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > most:
        raise too_large(file, size, most)


def too_large(file: Path, size: int, most: int) -> DataError:
    """Return the error for a file that unpacks to too many bytes."""
    return DataError(
        f"{file.name}: unpacks to {size / 1e6:,.0f} MB or more; {most / 1e6:,.0f} MB may be. If "
        "that is meant, raise [data] most_unpacked_mb."
    )


def _book(file: Path) -> Any:  # noqa: ANN401 (the library has no types)
    from python_calamine import CalamineWorkbook

    check_extent(file)
    try:
        return CalamineWorkbook.from_path(str(file))
    except Exception as error:  # the reader's own errors share no base class
        raise DataError(f"{file.name}: no Excel workbook: {_first_line(error)}") from error


def _framed(rows: Sequence[list[str]], name: str, remarks: tuple[str, ...]) -> Sheet:
    """Return rows of text below their header."""
    if not rows:
        raise DataError(f"{name}: the file is empty. Export it again, with its header line.")
    place = header_place(rows)
    header = unique([cell.strip() for cell in rows[place]])
    body = [
        [cell or None for cell in (*row, *[""] * len(header))[: len(header)]]
        for row in rows[place + 1 :]
    ]
    frame = pd.DataFrame(body, columns=list(header), dtype="string[pyarrow]")
    said = (f"{name}: the header is in row {place + 1}; what stands above is left out.",)
    return Sheet(frame, (*remarks, *(said if place else ())))


def _cell_text(value: Any) -> str:  # noqa: ANN401 (a cell may hold anything)
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _put_as_shown(rows: list[list[str]], file: Path, sheet: str) -> None:
    """Write errors, leading zeros and several currencies into rows as a person sees them.

    Only a workbook that bears marks of these is read a second time, which is slow.
    """
    try:
        with zipfile.ZipFile(file) as parts:
            names = parts.namelist()
            styles = parts.read("xl/styles.xml") if "xl/styles.xml" in names else b""
            sheets = [name for name in names if name.startswith("xl/worksheets/")]
            if not _WORTH_A_LOOK.search(styles) and not any(
                _ERRORS in parts.read(name) for name in sheets
            ):
                return
    except zipfile.BadZipFile:
        return
    for row, column, text in _shown(file, sheet):
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text


def _shown(file: Path, sheet: str) -> Iterator[tuple[int, int, str]]:
    """Give the cells whose format or error matters, by row and column from 0."""
    from openpyxl import load_workbook

    cells = [
        cell
        for line in load_workbook(file, data_only=True)[sheet].iter_rows()
        for cell in line
        if cell.value is not None
    ]
    signs = {cell.coordinate: _sign(str(cell.number_format)) for cell in cells}
    by_column: dict[int, set[str]] = {}
    for cell in cells:
        by_column.setdefault(cell.column, set()).update(filter(None, [signs[cell.coordinate]]))
    for cell in cells:
        sign, number = signs[cell.coordinate], isinstance(cell.value, int | float)
        if cell.data_type == "e":
            yield cell.row - 1, cell.column - 1, str(cell.value)
        elif number and _ZEROS.fullmatch(str(cell.number_format)):
            width = len(str(cell.number_format))
            yield cell.row - 1, cell.column - 1, f"{int(cell.value):0{width}d}"
        elif number and sign and len(by_column[cell.column]) > 1:
            yield cell.row - 1, cell.column - 1, f"{sign} {_cell_text(cell.value)}"


def _sign(number_format: str) -> str:
    """Return the currency sign of a number format, empty where it has none."""
    found = [part for groups in _SIGN.findall(number_format) for part in groups if part]
    return next((part.strip() for part in found if currencies_of([part])), "")


def _is_page(file: Path) -> bool:
    """Return whether a file that is called a workbook is a web page or a table of tags."""
    with file.open("rb") as opened:
        start = opened.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<html", b"<!doctype", b"<table", b"<head", b"<meta", b"<style"))


def _page_rows(file: Path) -> list[list[str]]:
    """Return the rows of the largest table of a web page."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(file.read_bytes(), "html.parser")
    tables = [
        [
            [" ".join(cell.get_text().split()) for cell in row.find_all(["td", "th"])]
            for row in table.find_all("tr")
        ]
        for table in page.find_all("table")
    ]
    return max(tables, key=len, default=[])


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
