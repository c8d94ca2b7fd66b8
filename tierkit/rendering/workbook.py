"""`accounts.xlsx`: the tables of a run for people, with formats and filters and no formula."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, SupportsFloat, cast

import pandas as pd
import xlsxwriter

Kind = Literal["text", "money", "number", "share", "date"]

MOST_ROWS = 1_000_000
"""Rows of data that a sheet holds; Excel ends at 1,048,576."""

MOST_CHARACTERS = 32_767
"""Characters that Excel keeps in a cell."""

NOTES = "Notes"
KINDS: Mapping[str, Kind] = {
    "predicted_revenue": "money",
    "predicted_low": "money",
    "predicted_high": "money",
    "won_probability": "share",
    "predicted_pipeline": "money",
    "won_revenue": "money",
    "cost": "money",
    "share_used": "share",
    "set_on": "date",
    "review_on": "date",
}
"""Kinds of the columns that are not plain text or plain numbers."""

_FORMATS: Mapping[Kind, str] = {
    "money": "#,##0",
    "number": "#,##0.####",
    "share": "0.0%",
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


@dataclass(frozen=True)
class Sheet:
    """One sheet: a table and the kinds of its columns.

    Attributes
    ----------
    frame
        The rows as they shall appear; the index is left out.
    kinds
        `text` stays text whatever it looks like, true and false stay what they are; `money`,
        `number` and `share` (1 is 100 %) stay numbers; `date` is a calendar date. A column that is
        absent here is text, or a number where it holds numbers.
    """

    frame: pd.DataFrame
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def kind(self, column: str) -> Kind:
        """Return the kind of a column."""
        values = self.frame[column]
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        return self.kinds.get(column, "number" if is_number else "text")


@dataclass(frozen=True)
class AccountTables:
    """The tables of `accounts.xlsx`; each row is an account, but for `capacity` and `excluded`.

    Attributes
    ----------
    tiers
        The columns of `tiers.csv`.
    untiered, moves, overrides
        Accounts without a tier and why; those whose tier changes; those whose tier a person set.
    capacity
        Tiers or roles with what they hold and what they may hold.
    excluded
        Rows left out: table, reason, rows, won_revenue.
    """

    tiers: pd.DataFrame
    untiered: pd.DataFrame
    moves: pd.DataFrame
    overrides: pd.DataFrame
    capacity: pd.DataFrame
    excluded: pd.DataFrame

    def sheets(self) -> dict[str, Sheet]:
        """Return one sheet per table, in the order in which people read them."""
        excluded = self.excluded
        if "won_revenue" in excluded:  # exact text until here
            excluded = excluded.assign(won_revenue=excluded["won_revenue"].astype(float))
        frames = {
            "Tiers": self.tiers,
            "Untiered": self.untiered,
            "Moves": self.moves,
            "Overrides": self.overrides,
            "Capacity": self.capacity,
            "Excluded rows": excluded,
        }
        return {
            name: Sheet(frame, {x: KINDS[x] for x in map(str, frame.columns) if x in KINDS})
            for name, frame in frames.items()
        }


def write_workbook(
    path: str | Path, sheets: Mapping[str, Sheet], *, notes: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Write sheets with formats, a frozen header and filters, and a sheet of notes at the end.

    No cell becomes a formula, a link or another type than its column's. Characters that XML cannot
    hold are removed. The same sheets give the same bytes.

    Parameters
    ----------
    path
        The `.xlsx` file; an existing one is replaced.
    notes
        What the workbook is about, such as the quarter with its dates and the fingerprint.

    Returns
    -------
    tuple of str
        A sentence for everything that did not fit into a sheet; they also stand in the notes.
    """
    with xlsxwriter.Workbook(str(path), _NO_FORMULAS) as book:
        book.set_properties({"created": _CREATED})
        formats = _Formats.of(book)
        cut = [
            note for name, sheet in sheets.items() for note in _write(book, name, sheet, formats)
        ]
        about = {**(notes or {}), **{f"Cut {number}": note for number, note in enumerate(cut, 1)}}
        frame = pd.DataFrame({"about": list(about), "note": list(about.values())}, dtype="object")
        _write(book, NOTES, Sheet(frame), formats)
    return tuple(cut)


@dataclass(frozen=True)
class _Formats:
    """The formats of one workbook."""

    header: Any
    cells: Mapping[Kind, Any]

    @classmethod
    def of(cls, book: Any) -> _Formats:  # noqa: ANN401 (xlsxwriter has no types)
        header = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        cells = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        return cls(header, cells)


def _write(book: Any, name: str, sheet: Sheet, formats: _Formats) -> list[str]:  # noqa: ANN401
    """Write one sheet row by row and return what did not fit."""
    page, frame = book.add_worksheet(name), sheet.frame.iloc[:MOST_ROWS]
    columns = [str(column) for column in frame.columns]
    kinds = [sheet.kind(column) for column in frame.columns]
    page.freeze_panes(1, 0)
    if columns:
        page.autofilter(0, 0, len(frame), len(columns) - 1)
    for place, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        page.set_column(place, place, _width(frame.iloc[:, place], column, kind))
        page.write_string(0, place, clean_text(column), formats.header)
    too_long = 0
    for number, row in enumerate(frame.itertuples(index=False, name=None), 1):
        for place, (value, kind) in enumerate(zip(row, kinds, strict=True)):
            too_long += _write_cell(page, (number, place), value, kind, formats)
    return [*_cut_rows(name, len(sheet.frame)), *_cut_cells(name, too_long)]


def _write_cell(
    page: Any,  # noqa: ANN401
    place: tuple[int, int],
    value: object,
    kind: Kind,
    formats: _Formats,
) -> bool:
    """Write one value, nothing where it is missing; return whether it had to be cut."""
    if _is_missing(value):
        return False
    if kind == "text":
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


def _is_missing(value: object) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def _width(values: pd.Series[Any], header: str, kind: Kind) -> float:
    """Return the width of a column in characters, from its header and its first rows."""
    first = (value for value in values.iloc[:_ROWS_MEASURED] if not _is_missing(value))
    longest = max((len(_SPELLED[kind](value)) for value in first), default=0)
    return min(_WIDEST, max(_NARROWEST, len(header) + 3, longest + 2))


_SPELLED: Mapping[Kind, Callable[[object], str]] = {
    "text": str,
    "money": lambda value: f"{float(str(value)):,.0f}",
    "number": lambda value: f"{float(str(value)):,.4f}",
    "share": lambda value: f"{float(str(value)):.1%}",
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
