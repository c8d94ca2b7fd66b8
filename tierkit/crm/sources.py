"""From a source to raw tables: which file is which table, and which column is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.crm.contract import LINES_AS_DEALS, REQUIRED_TABLES, TABLES
from tierkit.crm.engine import (
    Connection,
    EngineError,
    Rows,
    materialise,
    register,
    scan_database,
    scan_parquet,
    scan_text,
)
from tierkit.crm.files import SUFFIXES, TEXT_SUFFIXES, as_utf8, find_file, text_layout
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.settings import DataSettings, Settings

DATABASE_SUFFIXES = (".duckdb", ".db")


@dataclass(frozen=True)
class RawTable:
    """A table as the source gives it, its columns renamed to the contract's.

    Attributes
    ----------
    given
        The contract columns that the source has, be it under another name or as a constant.
    extra
        Other columns, kept under their own names.
    headers
        The source's name of each contract column that it has.
    """

    name: str
    rows: Rows
    given: frozenset[str]
    extra: tuple[str, ...]
    headers: Mapping[str, str]


def read_raw_tables(
    settings: Settings, connection: Connection
) -> tuple[dict[str, RawTable], list[Problem]]:
    """Return the raw tables of the settings' source, and everything that is wrong with them.

    Raises
    ------
    DataError
        If the source itself cannot be opened.
    SettingsError
        If the settings name tables or columns that the contract does not have.
    """
    unknown = _name_problems(settings.data)
    if unknown:
        raise SettingsError("[data] names what the table contract does not have", unknown)
    found, problems = _scan(settings, connection)
    unread = bool(problems)
    raw = {name: _mapped(name, rows, settings.data) for name, rows in found.items()}
    for name, table in raw.items():
        problems += _column_problems(name, found[name].columns, table, settings.data)
    if not unread:
        problems += _missing_table_problems(raw, settings)
    return raw, problems


def deals_come_from_lines(tables: Iterable[str]) -> bool:
    """Whether the deals of a source have to be summed from their lines."""
    return "opportunity_lines" in tables and "opportunities" not in tables


def _scan(settings: Settings, connection: Connection) -> tuple[dict[str, Rows], list[Problem]]:
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
    named = {name: settings.data.tables.get(name, name) for name in TABLES}
    return {name: tables[table] for name, table in named.items() if table in tables}


def _scan_folder(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    found: dict[str, Rows] = {}
    problems = []
    for name in TABLES:
        file = find_file(settings.source, settings.data.tables.get(name, name))
        if file is None:
            if name in settings.data.tables:
                problems.append(_absent_file(name, settings))
            continue
        try:
            found[name] = _scan_file(file, connection, settings.scratch / "read")
        except DataError as error:
            problems.append(Problem(str(error), "", table=name, rule="unreadable file"))
        except (EngineError, OSError, ValueError) as error:
            message = f"{file.name}: cannot be read: {_first_line(error)}"
            mend = "Export it again; see that every line has the header's columns."
            problems.append(Problem(message, mend, table=name, rule="unreadable file"))
    return found, problems


def _scan_file(file: Path, connection: Connection, scratch: Path) -> Rows:
    suffix = file.suffix.lower()
    if file.stat().st_size == 0:
        raise DataError(f"{file.name}: the file is empty. Export it again, with its header line.")
    if suffix in TEXT_SUFFIXES:
        layout = text_layout(file)
        rows = scan_text(
            connection,
            as_utf8(file, layout, scratch),
            columns=layout.columns,
            delimiter=layout.delimiter,
        )
        return materialise(connection, rows, f"file {file.name}")
    if suffix == ".parquet":
        return scan_parquet(connection, file)
    return register(connection, _read_excel(file))


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


def _mapped(name: str, rows: Rows, data: DataSettings) -> RawTable:
    """Rename a raw table's columns to the contract's and add its constants."""
    wanted = _wanted_columns(name, data)
    chosen = _chosen_columns(wanted, rows.columns, data.columns.get(name, {}))
    constants = data.constants.get(name, {})
    columns = [nw.col(source).alias(column) for column, source in chosen.items()]
    columns += [
        nw.lit(str(value).lower() if isinstance(value, bool) else str(value)).alias(column)
        for column, value in constants.items()
        if column not in chosen
    ]
    taken = set(chosen.values()) | set(chosen) | set(constants)
    extra = tuple(column for column in rows.columns if column not in taken)
    given = frozenset(chosen) | frozenset(constants)
    return RawTable(name, rows.select(*columns, *extra), given, extra, chosen)


def _wanted_columns(name: str, data: DataSettings) -> list[str]:
    """Return the contract's columns; for lines that make deals, those of deals too."""
    columns = list(TABLES[name].columns)
    if name == "opportunity_lines" and _maps_deals(data):
        columns += [column for column in TABLES["opportunities"].columns if column not in columns]
    return columns


def _maps_deals(data: DataSettings) -> bool:
    mapped = {
        *data.columns.get("opportunity_lines", {}),
        *data.constants.get("opportunity_lines", {}),
    }
    return bool(mapped & set(LINES_AS_DEALS))


def _chosen_columns(
    wanted: Sequence[str], present: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, str]:
    """Return for each contract column the source column that gives it."""
    by_plain_name = {_plain(column): column for column in reversed(present)}
    chosen = {}
    for column in wanted:
        source = mapping.get(column)
        if source is None:
            source = column if column in present else by_plain_name.get(_plain(column))
            if source in mapping.values():
                source = None
        if source is not None and source in present:
            chosen[column] = source
    return chosen


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _name_problems(data: DataSettings) -> list[Problem]:
    """Return the table and column names of the settings that the contract does not have."""
    problems = []
    sections: Mapping[str, Mapping[str, object]] = {
        "columns": data.columns,
        "constants": data.constants,
        "values": data.values,
    }
    for section, by_table in {"tables": data.tables, **sections}.items():
        problems += [
            _unknown(f"data.{section}", table, list(TABLES))
            for table in by_table
            if table not in TABLES
        ]
    for section, tables in sections.items():
        for table, columns in tables.items():
            if table in TABLES and isinstance(columns, Mapping):
                known = _wanted_columns(table, data)
                problems += [
                    _unknown(f"data.{section}.{table}", column, known)
                    for column in columns
                    if column not in known
                ]
    return problems


def _unknown(where: str, name: str, known: Sequence[str]) -> Problem:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(
        f"[{where}] {name}: the table contract has no such name", mend, rule="unknown name"
    )


def _column_problems(
    name: str, present: Sequence[str], table: RawTable, data: DataSettings
) -> list[Problem]:
    problems = []
    mapping = data.columns.get(name, {})
    for column, source in mapping.items():
        if source not in present:
            near = get_close_matches(source, list(present), n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are {_listed(present)}."
            message = f"is mapped to {source!r}, which the source lacks"
            problems.append(Problem(message, hint, name, column, "missing column"))
    missing = TABLES[name].required - table.given - set(mapping)
    problems += [
        Problem(
            f"the required column is missing; found {_listed(present)}",
            f"Name the source's column in [data.columns.{name}], "
            f"or a value in [data.constants.{name}].",
            name,
            column,
            "missing column",
        )
        for column in TABLES[name].columns
        if column in missing
    ]
    return problems


def _missing_table_problems(raw: Mapping[str, RawTable], settings: Settings) -> list[Problem]:
    missing = [name for name in REQUIRED_TABLES if name not in raw]
    lines = raw.get("opportunity_lines")
    if lines is not None and set(LINES_AS_DEALS) <= lines.given:
        missing = [name for name in missing if name != "opportunities"]
    return [
        Problem(
            f"the required table is missing in {settings.data.source}",
            f"Put {name}.csv there, or name its file in [data.tables].",
            name,
            rule="missing table",
        )
        for name in missing
    ]


def _absent_file(name: str, settings: Settings) -> Problem:
    wanted = settings.data.tables[name]
    files = sorted(p.name for p in settings.source.iterdir() if p.suffix.lower() in SUFFIXES)
    near = get_close_matches(wanted, files, n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are {_listed(files)}."
    return Problem(
        f"[data.tables] names {wanted!r}, which is not there", mend, name, rule="missing table"
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
