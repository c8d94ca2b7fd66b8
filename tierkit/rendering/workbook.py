"""`accounts.xlsx`: the tables of a run for people, with formats and filters and no formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, SupportsFloat, cast

import pandas as pd
import xlsxwriter

from tierkit.files import draft_of
from tierkit.table import Kind, Table, is_missing

MOST_ROWS = 1_000_000
"""Rows of data that a sheet holds; Excel ends at 1,048,576."""

MOST_CHARACTERS = 32_767
"""Characters that Excel keeps in a cell."""

NOTES = "Notes"
_FORMATS: Mapping[Kind, str] = {
    "money": "#,##0",
    "count": "#,##0",
    "number": "#,##0.0##",
    "share": "0.0%",
    "effect": "0.0%",
    "date": "yyyy-mm-dd",
}
_CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # fixed: same input, same bytes
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NARROWEST, _WIDEST, _ROWS_MEASURED = 8, 60, 1_000
_NO_FORMULAS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}


def write_workbook(
    path: str | Path, sheets: Mapping[str, Table], *, notes: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Write sheets with formats, a frozen header and filters, and a sheet of notes at the end.

    No cell becomes a formula, a link or another type than its column's. Characters that XML cannot
    hold are removed. The same sheets give the same bytes.

    Parameters
    ----------
    path
        The `.xlsx` file; an existing one is replaced.
    sheets
        Tables by the name of their sheet, each with every row. Text stays text whatever it looks
        like, true and false stay what they are, numbers stay numbers, dates are calendar dates.
    notes
        What the workbook is about, such as the quarter with its dates and the fingerprint.

    Returns
    -------
    tuple of str
        A sentence for everything that did not fit into a sheet; they also stand in the notes.
    """
    with draft_of(Path(path)) as draft, xlsxwriter.Workbook(str(draft), _NO_FORMULAS) as book:
        book.set_properties({"created": _CREATED})
        formats = _Formats.of(book)
        cut = [
            note for name, sheet in sheets.items() for note in _write(book, name, sheet, formats)
        ]
        about = {**(notes or {}), **{f"Cut {number}": note for number, note in enumerate(cut, 1)}}
        rows = [{"about": what, "note": note} for what, note in about.items()]
        _write(book, NOTES, Table(NOTES, "", ["about", "note"], rows), formats)
    return tuple(cut)


@dataclass(frozen=True)
class _Formats:
    """The formats of one workbook."""

    header: Any
    cells: Mapping[Kind, Any]
    asked: Any

    @classmethod
    def of(cls, book: Any) -> _Formats:  # noqa: ANN401 (xlsxwriter has no types)
        header = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        cells = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        asked = book.add_format({"bg_color": "#FFF6D6", "border": 1, "border_color": "#D9C27A"})
        return cls(header, cells, asked)


def _write(book: Any, name: str, table: Table, formats: _Formats) -> list[str]:  # noqa: ANN401
    """Write one sheet row by row and return what did not fit."""
    page, frame = book.add_worksheet(name), table.to_frame().iloc[:MOST_ROWS]
    of_columns = {column.name: column.kind for column in table.heads}
    kinds = {str(name): of_columns.get(str(name), "text") for name in frame.columns}
    page.freeze_panes(1, 0)
    _make_printable(page)
    if kinds:
        page.autofilter(0, 0, len(frame), len(kinds) - 1)
    for place, (column, kind) in enumerate(kinds.items()):
        page.set_column(place, place, _width(frame.iloc[:, place], column, kind))
        page.write_string(0, place, clean_text(column), formats.header)
    _mark_inputs(page, table, list(kinds))
    asked = {column.name for column in table.heads if column.is_input}
    too_long = 0
    for number, row in enumerate(frame.itertuples(index=False, name=None), 1):
        for place, (value, (column, kind)) in enumerate(zip(row, kinds.items(), strict=True)):
            if column in asked:
                _write_input(page, (number, place), value, formats)
            else:
                too_long += _write_cell(page, (number, place), value, kind, formats)
    return [*_cut_rows(name, len(table)), *_cut_cells(name, too_long)]


def _make_printable(page: Any) -> None:  # noqa: ANN401
    """Let a sheet print across, as wide as the paper, with its header on every page."""
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_footer("&L&A&RPage &P of &N")


def _mark_inputs(page: Any, table: Table, names: list[str]) -> None:  # noqa: ANN401
    """Give the cells that people write into a list to choose from, where there is one."""
    for column in table.heads:
        if column.is_input and column.choices and len(table) and column.name in names:
            place = names.index(column.name)
            rule = {"validate": "list", "source": list(column.choices), "ignore_blank": True}
            page.data_validation(1, place, len(table), place, rule)


def _write_input(page: Any, place: tuple[int, int], value: object, formats: _Formats) -> None:  # noqa: ANN401
    """Write a cell that people fill in, marked, also where it is still empty."""
    text = "" if is_missing(value) else clean_text(str(value))
    if text:
        page.write_string(*place, text, formats.asked)
    else:
        page.write_blank(*place, None, formats.asked)


def _write_cell(
    page: Any,  # noqa: ANN401
    place: tuple[int, int],
    value: object,
    kind: Kind,
    formats: _Formats,
) -> bool:
    """Write one value, nothing where it is missing; return whether it had to be cut."""
    if is_missing(value):
        return False
    if kind in ("text", "spoken"):
        return _write_text(page, place, value)
    if kind == "date":
        page.write_datetime(*place, _moment(str(value)), formats.cells[kind])
    else:
        page.write_number(*place, float(cast("SupportsFloat", value)), formats.cells[kind])
    return False


@lru_cache(maxsize=10_000)
def _moment(text: str) -> datetime:
    found: datetime = pd.Timestamp(text).to_pydatetime()
    return found


def _write_text(page: Any, place: tuple[int, int], value: object) -> bool:  # noqa: ANN401
    if isinstance(value, bool):
        page.write_boolean(*place, value)
        return False
    text = clean_text(str(value))
    if text:
        page.write_string(*place, text[:MOST_CHARACTERS])
    return len(text) > MOST_CHARACTERS


def clean_text(text: str) -> str:
    r"""Return text without the characters that a workbook cannot hold.

    Examples
    --------
    >>> clean_text("=A1\x00+\x1b B\n")
    '=A1+ B\n'
    """
    return _ILLEGAL.sub("", text)


def _width(values: pd.Series[Any], header: str, kind: Kind) -> float:
    """Return the width of a column in characters, from its header and its first rows."""
    first = (value for value in values.iloc[:_ROWS_MEASURED] if not is_missing(value))
    longest = max((len(_SPELLED[kind](value)) for value in first), default=0)
    return min(_WIDEST, max(_NARROWEST, len(header) + 3, longest + 2))


_SPELLED: Mapping[Kind, Callable[[object], str]] = {
    "text": str,
    "spoken": str,
    "money": lambda value: f"{float(str(value)):,.0f}",
    "count": lambda value: f"{float(str(value)):,.4f}",
    "number": lambda value: f"{float(str(value)):,.4f}",
    "share": lambda value: f"{float(str(value)):.1%}",
    "effect": lambda value: f"{float(str(value)):.1%}",
    "date": lambda _: "2026-09-30",
}


def _cut_rows(name: str, rows: int) -> list[str]:
    if rows <= MOST_ROWS:
        return []
    return [f"{name} holds the first {MOST_ROWS:,} of {rows:,} rows; a sheet cannot hold more."]


def _cut_cells(name: str, cells: int) -> list[str]:
    if not cells:
        return []
    return [f"{name}: cells cut at {MOST_CHARACTERS:,} characters: {cells:,}."]
