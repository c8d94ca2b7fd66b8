"""From a source to the rows of its tables: which file, sheet or database table is which."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import (
    Connection,
    EngineError,
    Rows,
    materialise,
    register_frame,
    scan_database,
    scan_parquet,
    scan_text,
)
from tierkit.crm.presets import preset_of
from tierkit.crm.presets.preset import Find
from tierkit.errors import DataError, Problem
from tierkit.settings import DataSettings, Settings

SUFFIXES = (".csv", ".txt", ".tsv", ".parquet", ".xlsx")
TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
_DELIMITERS = (",", ";", "\t", "|")
_PROBE_BYTES = 1 << 20


@dataclass(frozen=True)
class TextLayout:
    """How a delimited text file is written."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]


def find_file(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder: `name` with a known ending, or exactly `name`."""
    exact = folder / name
    if exact.suffix.lower() in SUFFIXES:
        return exact if exact.is_file() else None
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((file for file in found if file.is_file()), _in_other_case(folder, name))


def _in_other_case(folder: Path, name: str) -> Path | None:
    """Return the file whose name is the same but for capitals, `Opportunity.CSV`."""
    wanted = [f"{name}{suffix}".casefold() for suffix in SUFFIXES]
    files = {file.name.casefold(): file for file in sorted(folder.iterdir(), reverse=True)}
    return next((files[file] for file in wanted if file in files and files[file].is_file()), None)


def text_layout(path: Path) -> TextLayout:
    """Return how a delimited text file is written, judged by its first megabyte.

    Raises
    ------
    DataError
        If the file is empty, holds binary data, or has no header.
    """
    with path.open("rb") as file:
        probe = file.read(_PROBE_BYTES)
    if not probe.strip():
        raise DataError(f"{path.name}: the file is empty. Export it again, with its header line.")
    encoding = _encoding(probe, path.name)
    text = probe.decode(encoding, errors="replace").lstrip("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(text.split("\n", 1)[0])
    try:
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{path.name}: its header cannot be read: {error}. Export it again as CSV."
        ) from error
    return TextLayout(encoding, delimiter, _unique([name.strip() for name in header]))


def as_utf8(path: Path, layout: TextLayout, scratch: Path) -> Path:
    """Return a UTF-8 copy of a file in `scratch`, or the file itself where it is UTF-8 already."""
    if layout.encoding == "utf-8":
        return path
    copy = scratch / f"{path.stem}.utf8.csv"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        path.open(encoding=layout.encoding, errors="replace", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target)
    return copy


def _encoding(probe: bytes, name: str) -> str:
    if probe.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in probe:
        raise DataError(
            f"{name}: holds binary data, not text. Export it again as CSV, or name it .parquet or "
            ".xlsx if that is what it is."
        )
    try:
        # a character may be cut in two where the probe ends
        probe[: len(probe) - 3 if len(probe) == _PROBE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(probe) - 4:
            return "cp1252"
    return "utf-8"


def _delimiter(header: str) -> str:
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with empty ones numbered and repeated ones marked by their count."""
    seen: dict[str, int] = {}
    unique = []
    for position, name in enumerate(names, start=1):
        base = name or f"column {position}"
        key = base.casefold()
        seen[key] = seen.get(key, 0) + 1
        unique.append(base if seen[key] == 1 else f"{base} ({seen[key]})")
    return tuple(unique)


_MORE = "__more values than columns"
DATABASE_SUFFIXES = (".duckdb", ".db")


def scan_source(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    """Return the rows of each table that the source has, and the files that cannot be read.

    Raises
    ------
    DataError
        If the source itself cannot be opened.
    """
    source = settings.source
    if source.is_dir():
        return _scan_folder(settings, connection)
    if source.suffix.lower() in DATABASE_SUFFIXES and source.is_file():
        return _scan_database(settings, connection), []
    raise DataError(
        f"source = {settings.data.source!r}: neither a folder nor a DuckDB file lies at {source}. "
        "Paths start at the folder of tierkit.toml."
    )


def _scan_database(settings: Settings, connection: Connection) -> dict[str, Rows]:
    try:
        tables = scan_database(connection, settings.source)
    except EngineError as error:
        raise DataError(f"{settings.source.name}: no DuckDB file: {_first_line(error)}") from error
    by_name = {name.casefold(): rows for name, rows in tables.items()}
    found = {
        name: rows_of_table(name, settings.data, lambda file: by_name.get(file.casefold()))
        for name in CONTRACT
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def rows_of_table(name: str, data: DataSettings, find: Find) -> Rows | None:
    """Return a table's raw rows: as the settings name it, else as the preset, else as the contract.

    Parameters
    ----------
    find
        Gives the rows of a file or table of the source by its name.
    """
    preset = preset_of(name, data)
    named = data.tables.get(name)
    if preset is None:
        return find(named or name)
    if named is None:
        found = preset.rows(find)
        return find(name) if found is None else found
    return preset.rows(lambda file: find(named if file in preset.files else file))


@dataclass(frozen=True)
class _Folder:
    """The files of a folder, each read once."""

    settings: Settings
    connection: Connection
    scanned: dict[Path, Rows] = field(default_factory=dict)

    def find(self, name: str) -> Rows | None:
        """Return the rows of a file by its name, with or without ending."""
        file = find_file(self.settings.source, name)
        if file is None:
            return None
        if file not in self.scanned:
            scratch = self.settings.scratch / "read"
            self.scanned[file] = scan_file(file, self.connection, scratch)
        return self.scanned[file]


def _scan_folder(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    found: dict[str, Rows] = {}
    problems = []
    folder = _Folder(settings, connection)
    for name in CONTRACT:
        try:
            rows = rows_of_table(name, settings.data, folder.find)
        except DataError as error:
            problems.append(Problem(str(error), "", table=name, rule="unreadable file"))
        except (EngineError, OSError, ValueError) as error:
            message = f"cannot be read: {_first_line(error)}"
            mend = "Export it again; see that every line has the header's columns."
            problems.append(Problem(message, mend, table=name, rule="unreadable file"))
        else:
            if rows is not None:
                found[name] = rows
            elif name in settings.data.tables:
                problems.append(_absent_file(name, settings))
    return found, problems


def scan_file(file: Path, connection: Connection, scratch: Path) -> Rows:
    """Return the rows of one file: text, Parquet, or the first sheet of a workbook."""
    suffix = file.suffix.lower()
    if file.stat().st_size == 0:
        raise DataError(f"{file.name}: the file is empty. Export it again, with its header line.")
    if suffix in TEXT_SUFFIXES:
        layout = text_layout(file)
        rows = scan_text(
            connection,
            as_utf8(file, layout, scratch),
            columns=(*layout.columns, _MORE),
            delimiter=layout.delimiter,
        )
        rows = materialise(connection, rows, f"file {file.parent.name}/{file.name}")
        _check_lines(rows, file.name, layout)
        return rows.drop(_MORE)
    if suffix == ".parquet":
        return scan_parquet(connection, file)
    return register_frame(connection, _read_excel(file))


def _check_lines(rows: Rows, name: str, layout: TextLayout) -> None:
    """Raise where lines do not fit the header, so that values would be lost or stand elsewhere.

    Raises
    ------
    DataError
        If lines hold more values than the header, or a quotation mark has swallowed lines.
    """
    long = rows.filter(nw.col(_MORE).str.strip_chars(" ").str.len_chars() > 0)
    count = int(long.select(nw.len()).collect().item())
    if count:
        first = long.select(nw.concat_str(*layout.columns[:4], separator=" | ", ignore_nulls=True))
        example = first.head(100).collect().rows()
        raise DataError(
            f"{name}: {count:,} line{'s hold' if count > 1 else ' holds'} more values than the "
            f"header, for example {min(example)[0]!r}. Put quotation marks around values that hold "
            f"{layout.delimiter!r}."
        )
    others = len(layout.columns) - 1
    sign = re.escape(layout.delimiter)
    line = rf"\n([^\n{sign}]*{sign}){{{others}}}"
    if others < 2 or _first_with(rows, layout.columns, "\n", literal=True) is None:
        return
    column = _first_with(rows, layout.columns, line)
    if column is not None:
        raise DataError(
            f"{name}: a quotation mark in the column {column!r} is not closed and swallows the "
            "lines after it. Export the file again, with quotation marks doubled in values."
        )


def _first_with(
    rows: Rows, columns: Sequence[str], sought: str, *, literal: bool = False
) -> str | None:
    """Return the first column with a value that holds what is sought, if any."""
    held = [nw.col(column).str.contains(sought, literal=literal).any() for column in columns]
    found = rows.select(*held).collect().rows()[0]
    return next((column for column, has in zip(columns, found, strict=True) if has), None)


def _read_excel(file: Path) -> pd.DataFrame:
    """Return the first sheet, every value as the text that a person sees."""
    try:
        sheet = pd.read_excel(file, dtype=object, engine="calamine", keep_default_na=False)
    except Exception as error:  # the reader's own errors share no base class
        raise DataError(f"{file.name}: no Excel workbook: {_first_line(error)}") from error
    return sheet.map(_cell_text).astype("string[pyarrow]").rename(columns=str)


def _cell_text(value: Any) -> str | None:  # noqa: ANN401 (a cell may hold anything)
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _absent_file(name: str, settings: Settings) -> Problem:
    wanted = settings.data.tables[name]
    files = sorted(p.name for p in settings.source.iterdir() if p.suffix.lower() in SUFFIXES)
    near = get_close_matches(wanted, files, n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are {listed(files)}."
    return Problem(
        f"[data.tables] names {wanted!r}, which is not there", mend, name, rule="missing table"
    )


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names for a sentence, at most so many of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
