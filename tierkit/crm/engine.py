"""The engine below the lazy tables: DuckDB, embedded. No other module of the way names it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from tierkit.errors import DataError
from tierkit.files import draft_of

Rows = nw.LazyFrame[Any]
Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error


_CLOSED = (
    "autoload_known_extensions",
    "autoinstall_known_extensions",
    "allow_community_extensions",
    "python_enable_replacements",
)
"""Ways in which a query could bring in code, or variables of the program."""

_OWN_ROWS = frozenset(
    {
        "SEQ_SCAN", "TABLE_SCAN", "INDEX_SCAN", "COLUMN_DATA_SCAN", "DELIM_SCAN", "CTE_SCAN",
        "REC_CTE_SCAN", "DUMMY_SCAN", "EMPTY_RESULT", "EXPRESSION_SCAN", "RANGE", "UNNEST",
        "GENERATE_SERIES",
    }
)  # fmt: skip
"""Sources that the rows of a view may come from: its own file, or nothing."""


class ForeignViewError(DataError):
    """A view of a database reads something else than the tables of its own file."""


def connect(*, scratch: Path | None = None, timezone: str | None = None) -> Connection:
    """Return an empty in-memory database.

    Parameters
    ----------
    scratch
        Folder for what does not fit into memory; without one DuckDB's own default is used.
    timezone
        The zone in which moments with a zone fall on a calendar date; UTC without one.
    """
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET TimeZone = {_text(timezone or 'UTC')}")
    if scratch is not None:
        connection.execute(f"SET temp_directory = {_text(str(scratch))}")
    for setting in _CLOSED:
        connection.execute(f"SET {setting} = false")
    connection.execute("SET lock_configuration = true")
    return connection


def register_frame(connection: Connection, frame: pd.DataFrame | pa.Table) -> Rows:
    """Return a data frame, without its index, as lazy rows beside the data."""
    is_arrow = isinstance(frame, pa.Table)
    arrow = frame if is_arrow else pa.Table.from_pandas(frame, preserve_index=False)
    return nw.from_native(connection.from_arrow(arrow))


def materialise(connection: Connection, rows: Rows, name: str) -> Rows:
    """Compute lazy rows once and return them as a table of the database."""
    rows.to_native().create(_identifier(name))
    return nw.from_native(connection.table(_identifier(name)))


def forget(connection: Connection, name: str) -> None:
    """Drop a table that `materialise` has made, so that its memory is free again."""
    connection.execute(f"DROP TABLE {_identifier(name)}")


def scan_text(
    connection: Connection,
    path: Path,
    *,
    columns: Sequence[str],
    delimiter: str,
    header: bool = True,
) -> Rows:
    """Return the rows of a delimited UTF-8 file, with a header or without, every value as text.

    Rows with too few values are filled with missing ones (report exports end with such lines).

    Raises
    ------
    EngineError
        If the file cannot be read so.
    """
    named = ", ".join(f"{_text(column)}: 'VARCHAR'" for column in columns)
    query = (
        f"SELECT * FROM read_csv({_text(_glob_free(path))}, columns = {{{named}}}, "
        f"header = {str(header).lower()}, "
        f"delim = {_text(delimiter)}, quote = '\"', escape = '\"', null_padding = true, "
        f"auto_detect = false, strict_mode = false, parallel = false, max_line_size = 16000000)"
    )
    return nw.from_native(connection.sql(query))


def scan_parquet(connection: Connection, path: Path) -> Rows:
    """Return the rows of a Parquet file."""
    return nw.from_native(connection.read_parquet(_glob_free(path)))


def scan_database(connection: Connection, path: Path) -> dict[str, Rows]:
    """Return the tables and views of a DuckDB file, which is opened for reading only.

    Raises
    ------
    ForeignViewError
        If a view reads anything but the tables of the file.
    """
    _refuse_foreign_views(path)
    connection.execute(f"ATTACH {_text(str(path))} AS source (READ_ONLY)")
    listed = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() "
        "WHERE database_name = 'source' AND NOT internal ORDER BY ALL"
    ).fetchall()
    return {
        table: nw.from_native(
            connection.sql(f"SELECT * FROM source.{_identifier(schema)}.{_identifier(table)}")
        )
        for schema, table in listed
    }


def _refuse_foreign_views(path: Path) -> None:
    """Raise if a view of a database reads files, settings or anything else beside its tables.

    The views are planned, never run, where nothing outside the file can be reached.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }
    with duckdb.connect(str(path), read_only=True, config=config) as alone:
        views = alone.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        for schema, view in views:
            query = f"SELECT * FROM {_identifier(schema)}.{_identifier(view)}"
            try:
                ((_, plan),) = alone.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
                foreign = sorted(set(_sources(json.loads(plan))) - _OWN_ROWS)
            except duckdb.Error as error:
                foreign = [str(error).strip().partition("\n")[0]]
            if foreign:
                raise ForeignViewError(
                    f"{path.name}: the view {view} reads something else than the tables of this "
                    f"file ({foreign[0][:120]}). Make it a table, or take it out."
                )


def _sources(plan: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the names of the operators in a plan that rows come from."""
    for operator in plan:
        below = operator.get("children") or []
        if not below:
            yield str(operator.get("name", "")).strip()
        yield from _sources(below)


def write_parquet(rows: Rows, path: Path) -> None:
    """Write lazy rows to a Parquet file."""
    with draft_of(path) as draft:
        rows.to_native().write_parquet(str(draft), compression="zstd")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _glob_free(path: Path) -> str:
    """Return a path in which the characters of patterns mean themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def content_hash(rows: Rows) -> str:
    """Return a hash of all values of some rows, the same whatever the order of the rows."""
    relation = rows.to_native()
    values = ", ".join(_identifier(column) for column in sorted(relation.columns))
    one = f"hash({values})"
    query = f"SELECT count(*), bit_xor({one}), sum({one} % 1000000007) FROM hashed"
    ((count, combined, total),) = relation.query("hashed", query).fetchall()
    return f"{count}-{combined}-{total}"
