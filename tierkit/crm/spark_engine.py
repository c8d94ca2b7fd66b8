"""Spark as the engine of trusted tables: a cluster over Spark Connect, or classic PySpark."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import Any
from uuid import uuid4
from weakref import finalize

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from tierkit.errors import SettingsError

Rows = nw.LazyFrame[Any]
REMOTE = "SPARK_REMOTE"
"""The environment variable of Spark Connect that names the cluster."""

RETRIES = 7
"""How often a server that does not answer is asked again: for about half a minute."""
_MOST_WAITED = 8_000

_SPARK_TYPES = {
    pa.types.is_boolean: "boolean",
    pa.types.is_date: "date",
    pa.types.is_timestamp: "timestamp_ntz",
    pa.types.is_floating: "double",
    pa.types.is_integer: "bigint",
}


class SparkEngine:
    """A Spark session: rows stay in the cluster until a result is asked for.

    Parameters
    ----------
    session
        A session of Spark Connect or of classic PySpark.
    scratch
        Folder for results of a server that keeps none itself, which writes and reads them there; by
        default where the system keeps temporary files. What is written goes with the engine.
    """

    name = "spark"

    def __init__(self, session: Any, *, scratch: Path | None = None) -> None:  # noqa: ANN401 (two classes without a common one)
        self.session = session
        self._scratch = scratch
        self._results: Path | None = None
        _allow_deep_plans()

    @classmethod
    def open(cls, remote: str = "", *, scratch: Path | None = None) -> SparkEngine:
        """Return the session of a cluster.

        Parameters
        ----------
        remote
            Address such as `sc://host:15002`; by default that of `SPARK_REMOTE`, else the active
            session of this process.
        scratch
            As in `SparkEngine`.

        Raises
        ------
        SettingsError
            If PySpark is not installed, no cluster is named, or it does not answer.
        """
        address = remote or os.environ.get(REMOTE, "")
        try:
            with warnings.catch_warnings(), _named_main():
                warnings.simplefilter("ignore", FutureWarning)
                from pyspark.sql import SparkSession

                active = _answering(SparkSession.getActiveSession())
        except ImportError as error:
            raise SettingsError(
                'data.engine = "spark" needs PySpark: pip install "tierkit[spark]".'
            ) from error
        if active is not None and not address:
            return cls(active, scratch=scratch)
        if not address:
            raise SettingsError(
                'data.engine = "spark": no cluster is named. Set the environment variable '
                f"{REMOTE} to its address, such as sc://localhost:15002, or start a session."
            )
        session = _connected(SparkSession.builder.remote(address), address)
        return cls(session, scratch=scratch)

    def register(self, table: pa.Table) -> Rows:
        """Return an Arrow table as rows of the cluster, with its types even where it is empty."""
        typed = table.cast(pa.schema([_with_plain_type(field) for field in table.schema]))
        schema = ", ".join(f"`{one.name}` {_spark_type(one.type)}" for one in typed.schema)
        if typed.num_rows == 0:
            return _lazy(self.session.createDataFrame([], schema))
        return _lazy(self.session.createDataFrame(typed, schema))

    def scan_parquet(self, files: Sequence[Path]) -> Rows:
        """Return the rows of Parquet files that the cluster can reach."""
        return _lazy(self.session.read.parquet(*(file.as_uri() for file in files)))

    def computed(self, rows: Rows) -> Rows:
        """Return rows that the cluster computes once and keeps, so that plans stay short."""
        frame = rows.to_native()
        if self._results is None:
            try:
                return _lazy(frame.localCheckpoint())
            except Exception as error:
                if type(error).__name__ != "AnalysisException":  # one class a kind of session
                    raise
        return self._through_files(frame)

    def _through_files(self, frame: Any) -> Rows:  # noqa: ANN401 (a frame of the session)
        """Return rows that a server which keeps no checkpoints has written and reads again."""
        if self._results is None:
            folder = self._scratch or Path(gettempdir())
            folder.mkdir(parents=True, exist_ok=True)
            self._results = Path(mkdtemp(prefix="spark-", dir=folder)).resolve()
            finalize(self, _take_away, self._results, self._scratch)
        file = self._results / uuid4().hex
        frame.write.parquet(file.as_uri())
        return _lazy(self.session.read.schema(frame.schema).parquet(file.as_uri()))

    def write_parquet(self, rows: Rows, path: Path) -> None:
        """Write rows to one Parquet file, through this process: for tables of one project."""
        pq.write_table(rows.to_native().toArrow(), path, compression="zstd")

    def write_partitions(self, rows: Rows, folder: Path, *, by: str) -> None:
        """Write rows to a folder of Parquet files, one folder a value of a column."""
        rows.to_native().write.mode("append").partitionBy(by).parquet(folder.as_uri())


def _allow_deep_plans() -> None:
    """Let plans be nested deeper than protobuf usually reads: those of families are."""
    with suppress(ImportError, AttributeError):
        import_module("google._upb._message").SetAllowOversizeProtos(True)  # noqa: FBT003


def _take_away(results: Path, scratch: Path | None) -> None:
    """Delete a folder of results, and the one that was made for it where nothing else is in it."""
    rmtree(results, ignore_errors=True)
    if scratch is not None:
        with suppress(OSError):
            scratch.rmdir()


@contextmanager
def _named_main() -> Iterator[None]:
    """Give a process without a main file the name of one: PySpark takes it for its own doctests."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = ""
    try:
        yield
    finally:
        del main.__file__


def _answering(session: Any) -> Any:  # noqa: ANN401 (as the session)
    """Return a session whose server answers; one whose server has ended is stopped."""
    if session is None:
        return None
    try:
        session.range(1).collect()
    except Exception:  # one class a kind of session
        if hasattr(session, "client"):
            session.client.set_retry_policies([])  # nobody hears that it ends
        session.stop()  # or PySpark would go on with it
        return None
    return session


def _connected(builder: Any, address: str) -> Any:  # noqa: ANN401 (as the session)
    host = address.partition(";")[0]  # what follows may hold a token
    try:
        with warnings.catch_warnings(), _named_main():
            warnings.simplefilter("ignore", FutureWarning)  # of pandas 3, which works
            from pyspark.sql.connect.client.retries import DefaultPolicy

            session = builder.getOrCreate()
            policy = DefaultPolicy(max_retries=RETRIES, max_backoff=_MOST_WAITED)
            session.client.set_retry_policies([policy])
            session.range(1).collect()
    except Exception as error:
        raise SettingsError(
            f"{host}: the Spark cluster does not answer ({type(error).__name__}). See that it "
            "runs, that its address and port are right, and that you may connect."
        ) from error
    return session


def _with_plain_type(field: pa.Field) -> pa.Field:
    """Return a field with the type of Arrow that every Spark reads: no large text, no codes."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if is_text or pa.types.is_null(kind):
        kind = pa.string()
    elif pa.types.is_timestamp(kind):
        kind = pa.timestamp("us")
    elif pa.types.is_date64(kind):
        kind = pa.date32()
    return pa.field(field.name, kind)


def _spark_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return next((name for holds, name in _SPARK_TYPES.items() if holds(kind)), "string")


def _lazy(native: Any) -> Rows:  # noqa: ANN401 (a frame of the engine)
    rows: Rows = nw.from_native(native)
    return rows
