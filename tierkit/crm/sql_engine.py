"""The tables as SQL: an engine that plans on DuckDB and computes nothing on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pyarrow as pa

Rows = nw.LazyFrame[Any]


class SqlEngine:
    """Named tables of a DuckDB, whose lazy rows are queries over them.

    Parameters
    ----------
    connection
        Where the tables lie.
    registered
        The name of the table that is registered next: the dates.
    """

    name = "sql"

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, registered: str) -> None:
        self.connection = connection
        self._registered = registered

    def table(self, name: str, rows: Rows) -> Rows:
        """Keep rows as a table of that name."""
        self.connection.from_arrow(rows.collect("pyarrow").to_native()).create(name)
        return nw.from_native(self.connection.table(name))

    def register(self, table: pa.Table) -> Rows:
        """Return an Arrow table as the table that was named for it."""
        self.connection.from_arrow(table).create(self._registered)
        return nw.from_native(self.connection.table(self._registered))

    def scan_parquet(self, files: Sequence[Path]) -> Rows:
        """Return the rows of Parquet files."""
        return nw.from_native(self.connection.read_parquet([str(file) for file in files]))

    def computed(self, rows: Rows) -> Rows:
        """Return the rows as they are: the query goes on."""
        return rows

    def write_parquet(self, rows: Rows, path: Path) -> None:
        """Write rows to one Parquet file."""
        rows.to_native().write_parquet(str(path), compression="zstd")

    def write_partitions(self, rows: Rows, folder: Path, *, by: str) -> None:
        """Raise: a query is written as text."""
        raise NotImplementedError(f"{folder} {by} {rows.columns}")


def query_of(rows: Rows) -> str:
    """Return lazy rows of DuckDB as one query."""
    query: str = rows.to_native().sql_query()
    return query
