"""From a source to the rows of its tables: which file, sheet or database table is which."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import CONTRACT
from tierkit.crm.databases import scan_profile
from tierkit.crm.engine import (
    Connection,
    EngineError,
    Rows,
    refuse_lack_of_room,
    scan_database,
    scan_parquet,
)
from tierkit.crm.files import (
    SUFFIXES,
    TEXT_SUFFIXES,
    FileReader,
    files_below,
    find_files,
    table_files,
    text_layout,
    unread_files,
)
from tierkit.crm.guard import counted_once, row_count
from tierkit.crm.header_words import columns_of
from tierkit.crm.lake import logged_rows, parquet_files, refuse_logged, with_partitions
from tierkit.crm.partitions import type_changes
from tierkit.crm.presets import preset_of
from tierkit.crm.presets.preset import Find, plain
from tierkit.crm.workbooks import sheet_names
from tierkit.errors import DataError, Problem
from tierkit.settings import DataSettings, Settings

DATABASE_SUFFIXES = (".duckdb", ".db")
UNREAD_FILE = "unread file of a table"
_FEWEST_HEADERS = 3
EACH_ROW = "each row"
"""For an id in `[data.columns]`: a row is a purchase of its own, and has none."""

DERIVED = "from opportunities"
"""In `[data.tables] accounts`: there is no list of accounts, the deals name them."""


def outside_problems(settings: Settings) -> list[Problem]:
    """Return a remark for a source that a link leads outside the project, or a link in it.

    A source that the settings themselves name outside the project is meant.
    """
    source, project = settings.source, settings.folder.resolve()
    named = Path(os.path.abspath(project / settings.data.source))  # noqa: PTH100 (follows no link)
    linked = source.is_symlink() or named.is_relative_to(project)
    away_from_project = linked and not source.resolve().is_relative_to(project)
    remarks = (
        [f"the source {settings.data.source} is a link to a place outside the project"]
        if away_from_project
        else []
    )
    links = (
        [one.name for one in sorted(source.iterdir()) if one.is_symlink()]
        if source.is_dir()
        else []
    )
    base = source.resolve()
    away = [name for name in links if not (source / name).resolve().is_relative_to(base)]
    if away:
        verb = "is a link" if len(away) == 1 else "are links"
        remarks.append(f"{listed(away)} {verb} to a place outside the source")
    fix = "See that these are the data that you mean."
    return [Problem(one, fix, rule="outside the project", blocks=False) for one in remarks]


def scan_source(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    """Return the rows of each table that the source has, and the files that cannot be read.

    Raises
    ------
    DataError
        If the source itself cannot be opened.
    """
    if settings.data.profile:
        return scan_profile(settings.data, connection), []
    source = settings.source
    if source.is_dir():
        found, problems = _scan_folder(settings, connection)
        return found, [*problems, *outside_problems(settings)]
    if source.suffix.lower() in DATABASE_SUFFIXES and source.is_file():
        return _scan_database(settings, connection), outside_problems(settings)
    raise DataError(
        f"source = {settings.data.source!r}: neither a folder nor a DuckDB file lies at {source}. "
        "Paths start at the folder of tierkit.toml."
    )


def _scan_database(settings: Settings, connection: Connection) -> dict[str, Rows]:
    try:
        tables = scan_database(connection, settings.source)
    except EngineError as error:
        refuse_lack_of_room(error, what=f"{settings.source.name} cannot be read")
        raise DataError(f"{settings.source.name}: no DuckDB file: {_first_line(error)}") from error
    by_name, said = {name.casefold(): rows for name, rows in tables.items()}, list[str]()
    found = {
        name: rows_of_table(
            name, settings.data, lambda file: by_name.get(file.casefold()), said=said
        )
        for name in CONTRACT
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def rows_of_table(name: str, data: DataSettings, find: Find, *, said: list[str]) -> Rows | None:
    """Return a table's raw rows: as the settings name it, else as the preset, else as the contract.

    Several files that the settings name for one table are put behind one another.

    Parameters
    ----------
    find
        Gives the rows of a file or table of the source by its name.
    said
        Takes what a person should know of files that are put together.
    """
    preset, named = preset_of(name, data), data.tables.get(name)
    if named == DERIVED:
        return None
    given = (named,) if isinstance(named, str) else named or ()
    if not given and _is_another(name, data):
        return None
    if preset is None:
        return _together([find(file) for file in given or (name,)], name, data, said)
    if not given:
        found = preset.rows(find)
        return find(name) if found is None else found
    return preset.rows(
        lambda file: _together(
            [find(one) for one in (given if file in preset.files else (file,))], name, data, said
        )
    )


def _is_another(name: str, data: DataSettings) -> bool:
    """Return whether the settings give the file that has the name of a table to another table."""
    files = [one for given in data.tables.values() for one in _listed(given)]
    return name in {Path(one).stem.casefold() for one in files}


def _listed(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _together(
    parts: Sequence[Rows | None], name: str, data: DataSettings, said: list[str]
) -> Rows | None:
    """Return the rows of several files, with every column of any; None without any.

    Where rows have no id, those that stand in two files are counted once. Copies of a row with an
    id are left out later, by name.
    """
    found = [rows for rows in parts if rows is not None]
    if len(found) < 2:
        return found[0] if found else None
    columns = list(dict.fromkeys(column for rows in found for column in rows.columns))
    none = nw.lit(None).cast(nw.String)
    alike = [
        rows.select(
            *(
                (nw.col(one).cast(nw.String) if one in rows.columns else none).alias(one)
                for one in columns
            )
        )
        for rows in found
    ]
    key = CONTRACT[name].key
    if key is not None and data.columns.get(name, {}).get(key) != EACH_ROW:
        return nw.concat(alike)
    once = counted_once(alike)
    twice = row_count(nw.concat(alike)) - row_count(once)
    if twice:
        said.append(f"{twice:,} rows stand in two files or sheets and are counted once.")
    return once


@dataclass(frozen=True)
class _Folder:
    """The files of a folder, each read once."""

    settings: Settings
    reader: FileReader
    scanned: dict[Path, list[Rows]] = field(default_factory=dict)
    read_as: dict[Path, str] = field(default_factory=dict)

    @cached_property
    def files(self) -> list[Path]:
        """Files that can be read as tables, with those of folders that a pattern names."""
        source = self.settings.source
        named = [
            one
            for given in self.settings.data.tables.values()
            for one in ([given] if isinstance(given, str) else given)
        ]
        inside = [file for one in named if "/" in one for file in files_below(source, one)]
        most = self.reader.most_unpacked
        return [*table_files(source, self.reader.scratch, most_unpacked=most), *inside]

    def find(self, name: str, *, table: str) -> Rows | None:
        """Return the rows of a file or of the files of a pattern, with or without ending.

        Raises
        ------
        DataError
            If two files have the name of one table, and nobody says which is meant.
        """
        source = self.settings.source
        folder = source / name
        if "/" in name and not folder.is_dir():
            found = files_below(source, name)
            refuse_logged(found, below=source)
        else:
            top = [f for f in self.files if f.parent == source or "unpacked" in f.parts]
            found = find_files(top, name)
        several = any(sign in name for sign in "*?[")
        if not found and folder.is_dir():
            if (logged := logged_rows(folder, self.reader.connection)) is not None:
                return logged
            found, several = parquet_files(folder), True
        if len(found) > 1 and not several:
            raise DataError(
                f"{' and '.join(file.name for file in found)} both have the name of one table. "
                "Name the one that is meant in [data.tables], or both as a list: what stands in "
                "both is counted once."
            )
        self.read_as.update(dict.fromkeys(found, table))
        parts = [rows for file in found for rows in self._parts(file)]
        self.reader.remarks.extend(type_changes(found, below=source))
        return _together(parts, table, self.settings.data, self.reader.remarks)

    def _parts(self, file: Path) -> list[Rows]:
        """Return the rows of a file, by sheet where several are meant."""
        if file not in self.scanned:
            sheets, below = _sheets_of(file, self.settings.data), self.settings.source
            parts = [self.reader.rows(file, sheet) for sheet in sheets]
            self.scanned[file] = [with_partitions(rows, file, below=below) for rows in parts]
        return self.scanned[file]


def _sheets_of(file: Path, data: DataSettings) -> list[str | None]:
    """Return the sheets that the settings name of a workbook, `Year *` for all of a pattern."""
    named = data.sheets.get(file.name)
    given = [named] if isinstance(named, str) else list(named or ())
    if not any(sign in one for one in given for sign in "*?["):
        return [*given] or [None]
    there = sheet_names(file)
    return [sheet for one in given for sheet in there if fnmatchcase(sheet, one)] or [*given]


def _scan_folder(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    found: dict[str, Rows] = {}
    problems: list[Problem] = []
    data = settings.data
    reader = FileReader(
        connection,
        settings.scratch / "read",
        data.encoding,
        data.fill_down,
        data.most_unpacked_mb * 1_000_000,
    )
    folder = _Folder(settings, reader)
    for name in CONTRACT:
        said = len(reader.remarks)
        try:
            rows = rows_of_table(name, data, partial(folder.find, table=name), said=reader.remarks)
        except DataError as error:
            problems.append(Problem(str(error), "", table=name, rule="unreadable file"))
        except (EngineError, OSError, ValueError) as error:
            refuse_lack_of_room(error, what=f"{name} cannot be read")
            message = f"cannot be read: {_first_line(error)}"
            fix = "Export it again; see that every line has the header's columns."
            problems.append(Problem(message, fix, table=name, rule="unreadable file"))
        else:
            if rows is not None:
                found[name] = rows
            elif settings.data.tables.get(name, DERIVED) != DERIVED:
                problems.append(_absent_file(name, settings, folder.files))
        problems += [
            Problem(remark, "", name, rule="how a file is read", blocks=False)
            for remark in reader.remarks[said:]
        ]
    return found, [*problems, *_unread(folder, found)]


def _unread(folder: _Folder, found: Collection[str]) -> list[Problem]:
    """Return the files that look like a table and are not read."""
    problems = []
    for file in folder.files:
        if file not in folder.read_as and file.name not in _NOT_OF_SOURCE:
            headers = _headers(file, folder.reader)
            problems += _alike(file, headers, folder) or _like_a_table(file, headers, found)
    return problems


_NOT_OF_SOURCE = ("overrides.csv", "tier_history.csv", "experiments.csv")
"""Files of a project that may lie beside its data."""


def _headers(file: Path, reader: FileReader) -> list[str]:
    """Return the headers of a text or Parquet file; none of others, which are slow to open."""
    try:
        if file.suffix.lower() in TEXT_SUFFIXES:
            return list(text_layout(file, encoding=reader.encoding).columns)
        if file.suffix.lower() == ".parquet":
            return list(scan_parquet(reader.connection, file).columns)
    except (DataError, EngineError, OSError, ValueError):
        return []
    return []


def _alike(file: Path, headers: Sequence[str], folder: _Folder) -> list[Problem]:
    """Return the problem that a file has the columns of one that is read, and is not read."""
    mine = {plain(header) for header in headers}
    for other, table in folder.read_as.items():
        theirs = {plain(one) for rows in folder.scanned[other] for one in rows.columns}
        if len(mine) >= _FEWEST_HEADERS and mine == theirs:
            return [
                Problem(
                    f"{file.name} has the same columns as {other.name}, which is read, and is not "
                    "read itself",
                    f'Set [data.tables] {table} = ["{other.name}", "{file.name}"], or accept it: '
                    f'[checks] accept = ["{UNREAD_FILE}"].',
                    table,
                    rule=UNREAD_FILE,
                )
            ]
    return []


def _like_a_table(file: Path, headers: Sequence[str], found: Collection[str]) -> list[Problem]:
    """Return the remark that a file looks like a table that is not read at all."""
    for table, contract in CONTRACT.items():
        needed = contract.required - {"is_won"}
        if table not in found and len(needed) > 1 and needed <= set(columns_of(table, headers)):
            return [
                Problem(
                    f"{file.name} looks like {table} and is not read",
                    f'Set [data.tables] {table} = "{file.name}" if it is.',
                    table,
                    rule="unused file",
                    blocks=False,
                )
            ]
    return []


def found_instead(settings: Settings) -> str:
    """Return what a folder holds beside the tables that it should, as a sentence; else nothing."""
    if not settings.source.is_dir():
        return ""
    there = [p.name for p in sorted(settings.source.iterdir()) if p.suffix.lower() in SUFFIXES]
    unread = unread_files(settings.source)
    parts = [f"there are {listed(there)}"] if there else []
    if unread:
        parts.append(
            f"{listed(unread)} {'is' if len(unread) == 1 else 'are'} not looked into (name files "
            'of a folder by a pattern such as "*/opportunities.csv"; save others as CSV or Parquet)'
        )
    return "; ".join(parts)


def _absent_file(name: str, settings: Settings, there: Sequence[Path]) -> Problem:
    named = settings.data.tables[name]
    wanted = named if isinstance(named, str) else ", ".join(named)
    files = sorted({path.name for path in there})
    near = get_close_matches(wanted, files, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"There are {listed(files)}."
    return Problem(
        f"[data.tables] names {wanted!r}, which is not there", fix, name, rule="missing table"
    )


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names for a sentence, at most so many of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
