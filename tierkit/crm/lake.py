"""Tables that lie as a folder: Delta and Iceberg by their own log, Parquet by its partitions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import narwhals as nw

from tierkit.crm.engine import Connection, Rows
from tierkit.errors import DataError, SettingsError

_DELTA_LOG, _ICEBERG_LOG = "_delta_log", "metadata"
_WITH_PARQUET = "Without it, save the table as Parquet files."


def logged_rows(folder: Path, connection: Connection) -> Rows | None:
    """Return the rows of a Delta or Iceberg table, None where the folder is neither.

    Delta is read lazily, in its newest version; Iceberg comes through memory, in its newest
    snapshot.

    Raises
    ------
    SettingsError
        If the package that reads such a table is not installed.
    DataError
        If the table cannot be read, as by a feature that the package does not know.
    """
    kind = _kind(folder)
    if kind is None:
        return None
    read = {"Delta": _delta, "Iceberg": _iceberg}[kind]
    try:
        return nw.from_native(connection.from_arrow(read(folder)))
    except ImportError as error:
        raise SettingsError(
            f'{folder.name}: a table of {kind} needs `pip install "tierkit[lake]"`. {_WITH_PARQUET}'
        ) from error
    except Exception as error:
        cause = str(error).strip().partition("\n")[0]
        raise DataError(
            f"{folder.name}: the {kind} table cannot be read: {cause} Write it anew, or save it "
            "as Parquet files."
        ) from error


def refuse_logged(files: list[Path], *, below: Path) -> None:
    """Raise if a file belongs to a Delta or Iceberg table: its log says which files count.

    Raises
    ------
    DataError
        With the folder to name instead.
    """
    for file in files:
        for folder in file.relative_to(below).parents if file.is_relative_to(below) else ():
            if kind := _kind(below / folder):
                raise DataError(
                    f"{file.relative_to(below)} belongs to a table of {kind}, whose log says which "
                    f'files count. Name the folder in [data.tables]: "{folder.as_posix()}".'
                )


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder and of the folders in it, in order."""
    return sorted(
        file
        for file in folder.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )


def with_partitions(rows: Rows, file: Path, *, below: Path) -> Rows:
    """Return rows with the columns that their folders name, as in `year=2025/part.parquet`."""
    parts = file.relative_to(below).parts[:-1] if file.is_relative_to(below) else ()
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    absent = {name: nw.lit(value) for name, value in named.items() if name not in rows.columns}
    return rows.with_columns(**absent) if absent else rows


def _kind(folder: Path) -> str | None:
    if (folder / _DELTA_LOG).is_dir():
        return "Delta"
    return "Iceberg" if any((folder / _ICEBERG_LOG).glob("*.metadata.json")) else None


def _delta(folder: Path) -> Any:  # noqa: ANN401 (a dataset of Arrow)
    from deltalake import DeltaTable

    return DeltaTable(str(folder)).to_pyarrow_dataset()


def _iceberg(folder: Path) -> Any:  # noqa: ANN401 (a table of Arrow)
    from pyiceberg.table import StaticTable

    newest = max((folder / _ICEBERG_LOG).glob("*.metadata.json"), key=_version)
    return StaticTable.from_metadata(newest.as_uri()).scan().to_arrow()


def _version(file: Path) -> tuple[int, str]:
    found = re.match(r"v?(\d+)", file.name)
    return (int(found.group(1)) if found else -1, file.name)
