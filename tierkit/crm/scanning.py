"""From a source to the rows of its tables: which file, sheet or database table is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import Connection, EngineError, Rows, scan_database
from tierkit.crm.files import SUFFIXES, FileReader, table_files, unread_files
from tierkit.crm.presets import preset_of
from tierkit.crm.presets.preset import Find
from tierkit.errors import DataError, Problem
from tierkit.settings import DataSettings, Settings

DATABASE_SUFFIXES = (".duckdb", ".db")
DERIVED = "from opportunities"
"""In `[data.tables] accounts`: there is no list of accounts, the deals name them."""


def find_files(files: Sequence[Path], name: str) -> list[Path]:
    """Return the files of a table: `name` with or without ending, or those that fit a pattern.

    A file that is called like the pattern itself is meant before those that fit it.
    """
    wanted = name.casefold()
    exact = [file for file in files if file.name.casefold() == wanted]
    if not exact and any(sign in name for sign in "*?["):
        return [file for file in files if fnmatchcase(file.name, name)]
    return exact or [file for file in files if file.stem.casefold() == wanted]


def files_below(folder: Path, name: str) -> list[Path]:
    """Return the file of a name with folders in it, or those that fit it as a pattern."""
    exact = folder / name
    return [exact] if exact.is_file() else sorted(folder.glob(name))


def outside_problems(settings: Settings) -> list[Problem]:
    """Return a remark for a source, or a link in it, that leads outside the project's folder."""
    source, project = settings.source, settings.folder.resolve()
    within = source.resolve().is_relative_to(project)
    remarks = [] if within else [f"the source {settings.data.source} lies outside the project"]
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
        raise DataError(f"{settings.source.name}: no DuckDB file: {_first_line(error)}") from error
    by_name = {name.casefold(): rows for name, rows in tables.items()}
    found = {
        name: rows_of_table(name, settings.data, lambda file: by_name.get(file.casefold()))
        for name in CONTRACT
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def rows_of_table(name: str, data: DataSettings, find: Find) -> Rows | None:
    """Return a table's raw rows: as the settings name it, else as the preset, else as the contract.

    Several files that the settings name for one table are put behind one another.

    Parameters
    ----------
    find
        Gives the rows of a file or table of the source by its name.
    """
    preset, named = preset_of(name, data), data.tables.get(name)
    if named == DERIVED:
        return None
    given = (named,) if isinstance(named, str) else named or ()
    if preset is None:
        return _together([find(file) for file in given or (name,)])
    if not given:
        found = preset.rows(find)
        return find(name) if found is None else found
    return preset.rows(
        lambda file: _together([find(one) for one in (given if file in preset.files else (file,))])
    )


def _together(parts: Sequence[Rows | None]) -> Rows | None:
    """Return the rows of several files, with every column of any; None without any."""
    found = [rows for rows in parts if rows is not None]
    if len(found) < 2:
        return found[0] if found else None
    columns = list(dict.fromkeys(column for rows in found for column in rows.columns))
    none = nw.lit(None).cast(nw.String)
    return nw.concat(
        [
            rows.select(
                *(
                    (nw.col(one).cast(nw.String) if one in rows.columns else none).alias(one)
                    for one in columns
                )
            )
            for rows in found
        ]
    )


@dataclass(frozen=True)
class _Folder:
    """The files of a folder, each read once."""

    settings: Settings
    reader: FileReader
    scanned: dict[tuple[str, ...], Rows] = field(default_factory=dict)

    @cached_property
    def files(self) -> list[Path]:
        """What can be read as tables, with the files of folders that a pattern names."""
        source = self.settings.source
        named = [
            one
            for given in self.settings.data.tables.values()
            for one in ([given] if isinstance(given, str) else given)
        ]
        inside = [file for one in named if "/" in one for file in files_below(source, one)]
        most = self.reader.most_unpacked
        return [*table_files(source, self.reader.scratch, most_unpacked=most), *inside]

    def find(self, name: str) -> Rows | None:
        """Return the rows of a file or of the files of a pattern, with or without ending.

        Raises
        ------
        DataError
            If two files have the name of one table, and nobody says which is meant.
        """
        if "/" in name:
            found = files_below(self.settings.source, name)
        else:
            top = [
                f for f in self.files if f.parent == self.settings.source or "unpacked" in f.parts
            ]
            found = find_files(top, name)
        several = any(sign in name for sign in "*?[")
        if len(found) > 1 and not several:
            raise DataError(
                f"{' and '.join(file.name for file in found)} both have the name of one table. "
                "Name the one that is meant in [data.tables], or both as a list: what stands in "
                "both is counted once."
            )
        return _together([self._rows(file) for file in found])

    def _rows(self, file: Path) -> Rows:
        sheet = self.settings.data.sheets.get(file.name)
        if (str(file),) not in self.scanned:
            self.scanned[str(file),] = self.reader.rows(file, sheet)
        return self.scanned[str(file),]


def _scan_folder(
    settings: Settings, connection: Connection
) -> tuple[dict[str, Rows], list[Problem]]:
    found: dict[str, Rows] = {}
    problems: list[Problem] = []
    reader = FileReader(
        connection,
        settings.scratch / "read",
        settings.data.encoding,
        settings.data.most_unpacked_mb * 1_000_000,
    )
    folder = _Folder(settings, reader)
    for name in CONTRACT:
        said = len(reader.remarks)
        try:
            rows = rows_of_table(name, settings.data, folder.find)
        except DataError as error:
            problems.append(Problem(str(error), "", table=name, rule="unreadable file"))
        except (EngineError, OSError, ValueError) as error:
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
    return found, problems


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
