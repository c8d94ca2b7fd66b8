"""The engines below the lazy tables: DuckDB, embedded, and Polars or Spark in its place.

Exports are read in DuckDB, which no other module of the way names. On trusted tables any engine
computes the same: what they need of one is `register`, `scan_parquet`, `computed` and
`write_parquet`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Literal, Protocol

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa
from typing_extensions import TypeIs

from tierkit.crm.polars_engine import PolarsEngine
from tierkit.crm.spark_engine import SparkEngine
from tierkit.errors import DataError, MemoryLimitError, SettingsError
from tierkit.files import draft_of, is_disk_full, is_out_of_memory

Rows = nw.LazyFrame[Any]
Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error
SAFE = frozenset(
    {
        nw.Implementation.DUCKDB,
        nw.Implementation.POLARS,
        nw.Implementation.PYSPARK,
        nw.Implementation.PYSPARK_CONNECT,
    }
)
"""The engines on which every criterion was found equal."""

EngineName = Literal["duckdb", "polars", "spark"]


class OtherEngine(Protocol):
    """An engine beside DuckDB: what trusted tables need of it."""

    name: str

    def register(self, table: pa.Table) -> Rows:
        """Return an Arrow table as lazy rows, its types kept where it has no row."""

    def scan_parquet(self, files: Sequence[Path]) -> Rows:
        """Return the rows of Parquet files."""

    def computed(self, rows: Rows) -> Rows:
        """Return rows that are computed once."""

    def write_parquet(self, rows: Rows, path: Path) -> None:
        """Write rows to one Parquet file."""

    def write_partitions(self, rows: Rows, folder: Path, *, by: str) -> None:
        """Write rows to a folder of Parquet files, one folder a value of a column."""


Engine = Connection | OtherEngine

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


_ROOM = (
    "Give the engine more memory (data.memory_mb), or free space where it writes what "
    "does not fit: the project's .tierkit folder. Nothing was published; run it again."
)
_FOREIGN = ("duckdb", "_duckdb", "polars", "pyspark", "grpc", "py4j")


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Turn an error of an engine into a sentence.

    Parameters
    ----------
    what
        What was being computed.

    Raises
    ------
    DataError
        In place of an engine's own error, with its first line: it names the file.
    MemoryLimitError, SettingsError
        The same, where memory ran out or the disk is full.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _FOREIGN:
            raise
        refuse_lack_of_room(error, what=what)
        raise DataError(f"{what}: {_cause(error)} {_advice(error)}") from error


def refuse_lack_of_room(error: Exception, *, what: str) -> None:
    """Raise if an error says that memory or the disk is full, which is no fault of the data.

    Raises
    ------
    MemoryLimitError
        With what to do.
    SettingsError
        The same, of a full disk.
    """
    if is_out_of_memory(error):
        raise MemoryLimitError(f"{what}: {_cause(error)} {_ROOM}") from error
    if is_disk_full(error):
        raise SettingsError(f"{what}: the disk is full. {_ROOM}") from error


def _cause(error: Exception) -> str:
    said = str(error).strip()
    is_gone = "StatusCode.UNAVAILABLE" in said
    return "the server does not answer." if is_gone else said.partition("\n")[0]


def _advice(error: Exception) -> str:
    kind = type(error).__name__
    if kind in ("BinderException", "CatalogException", "InternalException", "ParserException"):
        return "Please report this, with the headers of the files."
    if "Unsupported" in str(error) and kind == "AnalysisException":
        return "This engine lacks it: take another (data.engine). Nothing was published."
    if kind in ("IOException", "HTTPException") or "Connect" in kind or "Rpc" in kind:
        return "See that the file, the disk or the server is there, then run it again."
    return "Write the file or partition anew, then run it again; nothing was published."


class ForeignViewError(DataError):
    """A view of a database reads something else than the tables of its own file."""


def connect(
    *, scratch: Path | None = None, timezone: str | None = None, memory_mb: int | None = None
) -> Connection:
    """Return an empty in-memory database.

    Parameters
    ----------
    scratch
        Folder for what does not fit into memory, made when it is needed, with its parents; without
        one a folder of this process where the system keeps temporary files.
    timezone
        The zone in which moments with a zone fall on a calendar date; UTC without one.
    memory_mb
        The most memory that rows may take; by default what DuckDB takes, 80 % of the machine's.
    """
    spill = scratch or Path(gettempdir()) / f"tierkit-spill-{os.getpid()}"
    with suppress(OSError):  # of a project that may only be read, nothing can be written
        spill.parent.mkdir(parents=True, exist_ok=True)  # DuckDB makes the last folder alone
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"SET TimeZone = {_text(timezone or 'UTC')}")
    connection.execute(f"SET temp_directory = {_text(str(spill))}")
    if memory_mb is not None:
        connection.execute(f"SET memory_limit = '{memory_mb}MB'")
    for setting in _CLOSED:
        connection.execute(f"SET {setting} = false")
    connection.execute("SET lock_configuration = true")
    return connection


def open_engine(
    name: EngineName, *, scratch: Path | None = None, memory_mb: int | None = None
) -> Engine:
    """Return an engine by its name, empty; the limit as in `connect` is for DuckDB.

    Raises
    ------
    SettingsError
        If it is not installed, or is a cluster that cannot be reached.
    """
    if name == "duckdb":
        return connect(scratch=scratch, memory_mb=memory_mb)
    return PolarsEngine() if name == "polars" else SparkEngine.open(scratch=scratch)


def is_duckdb(engine: Engine) -> TypeIs[Connection]:
    """Return whether an engine is DuckDB."""
    return isinstance(engine, duckdb.DuckDBPyConnection)


def register_frame(engine: Engine, frame: Any) -> Rows:  # noqa: ANN401 (every kind of frame)
    """Return a data frame, without its index, as lazy rows beside the data.

    Frames of pandas, Arrow, Polars, Dask and others are taken over as Arrow and never computed on:
    in a group-by, several of them drop the condition of a sum without an error.

    Examples
    --------
    >>> register_frame(connect(), pd.DataFrame({"a": [1, 2]})).select("a").collect()["a"].to_list()
    [1, 2]
    """
    if isinstance(frame, pa.Table):
        arrow = frame
    elif isinstance(frame, pd.DataFrame):
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
    else:
        arrow = nw.from_native(frame).lazy().collect("pyarrow").to_native()
    return nw.from_native(engine.from_arrow(arrow)) if is_duckdb(engine) else engine.register(arrow)


def computed(engine: Engine, rows: Rows) -> Rows:
    """Return lazy rows computed once, inside the engine; they are freed when nothing needs them."""
    if not is_duckdb(engine):
        return engine.computed(rows)
    return nw.from_native(engine.from_arrow(rows.collect().to_arrow()))


def materialise(engine: Engine, rows: Rows, name: str) -> Rows:
    """Compute lazy rows once and return them, in DuckDB as a table of that name."""
    if not is_duckdb(engine):
        return engine.computed(rows)
    rows.to_native().create(_identifier(name))
    return nw.from_native(engine.table(_identifier(name)))


def forget(engine: Engine, name: str) -> None:
    """Drop a table that `materialise` has made, so that its memory is free again.

    Other engines free what nothing needs themselves.
    """
    if is_duckdb(engine):
        engine.execute(f"DROP TABLE IF EXISTS {_identifier(name)}")


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


def scan_parquet(engine: Engine, path: Path) -> Rows:
    """Return the rows of a Parquet file, or of a folder of them, whose folders give columns."""
    if not is_duckdb(engine):
        return engine.scan_parquet([path.resolve()])
    files = f"{_glob_free(path)}/**/*.parquet" if path.is_dir() else _glob_free(path)
    return nw.from_native(engine.read_parquet(files, hive_partitioning=path.is_dir()))


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


def write_parquet(engine: Engine, rows: Rows, path: Path) -> None:
    """Write lazy rows to a Parquet file."""
    with draft_of(path) as draft:
        if not is_duckdb(engine):
            engine.write_parquet(rows, draft)
        else:
            rows.to_native().write_parquet(str(draft), compression="zstd")


def write_partitions(engine: Engine, rows: Rows, folder: Path, *, by: str) -> None:
    """Write lazy rows to an empty folder as Parquet files, one folder a value of a column.

    They go from the engine to the files, never through this process.
    """
    if is_duckdb(engine):
        engine.execute(
            f"COPY ({rows.to_native().sql_query()}) TO {_text(str(folder))} "
            f"(FORMAT parquet, COMPRESSION zstd, PARTITION_BY ({_identifier(by)}))"
        ).fetchall()
    else:
        engine.write_partitions(rows, folder, by=by)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _glob_free(path: Path) -> str:
    """Return a path in which the characters of patterns mean themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def content_hash(rows: Rows) -> str:
    """Return a hash of all values of some rows, the same whatever their order and their engine."""
    relation: Any = rows.to_native()
    if not isinstance(relation, duckdb.DuckDBPyRelation):
        relation = connect().from_arrow(rows.collect("pyarrow").to_native())
    values = ", ".join(_identifier(column) for column in sorted(relation.columns))
    one = f"hash({values})"
    query = f"SELECT count(*), bit_xor({one}), sum({one} % 1000000007) FROM hashed"
    ((count, combined, total),) = relation.query("hashed", query).fetchall()
    return f"{count}-{combined}-{total}"


def content_by(rows: Rows, by: Sequence[str]) -> pd.DataFrame:
    """Return `content`, a hash of the rows of each group, the same whatever their order.

    Rows of DuckDB alone. Hashes of groups that share no row add up, modulo 2⁶⁴, to that of both.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["x", "x", "y"], "b": [1, 2, 3]})
    >>> one, other = (content_by(register_frame(connect(), part), ["a"])
    ...               for part in (frame, frame[::-1].assign(b=[3, 2, 0])))
    >>> one.merge(other, on=["a", "content"])["a"].tolist()
    ['y']
    """
    relation: Any = rows.to_native()
    keys = ", ".join(_identifier(key) for key in by)
    values = ", ".join(_identifier(one) for one in sorted(relation.columns) if one not in by)
    content = f"(sum(hash({values})) % 18446744073709551616)::UBIGINT AS content"
    query = f"SELECT {keys}, {content} FROM hashed GROUP BY {keys}"
    found: pd.DataFrame = relation.query("hashed", query).df()
    return found
