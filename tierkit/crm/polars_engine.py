"""Polars as the engine of trusted tables: an implementation that shares no code with DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa

from tierkit.errors import SettingsError

Rows = nw.LazyFrame[Any]


class PolarsEngine:
    """Polars in this process: lazy frames, computed by all processors.

    Raises
    ------
    SettingsError
        If polars is not installed.
    """

    name = "polars"

    def __init__(self) -> None:
        try:
            import polars
        except ImportError as error:
            raise SettingsError(
                'data.engine = "polars" needs polars: pip install "tierkit[polars]".'
            ) from error
        self._polars: Any = polars

    def register(self, table: pa.Table) -> Rows:
        """Return an Arrow table as lazy rows."""
        return _lazy(self._polars.from_arrow(table).lazy())

    def scan_parquet(self, files: Sequence[Path]) -> Rows:
        """Return the rows of Parquet files."""
        return _lazy(self._polars.scan_parquet([*files], glob=False))

    def computed(self, rows: Rows) -> Rows:
        """Return rows computed once and held in memory."""
        return _lazy(rows.to_native().collect().lazy())

    def write_parquet(self, rows: Rows, path: Path) -> None:
        """Write rows to one Parquet file."""
        rows.to_native().sink_parquet(path, compression="zstd")

    def write_partitions(self, rows: Rows, folder: Path, *, by: str) -> None:
        """Write rows to a folder of Parquet files, one folder a value of a column."""
        rows.to_native().sink_parquet(
            self._polars.PartitionBy(folder, key=[by], include_key=False), mkdir=True
        )


def _lazy(native: Any) -> Rows:  # noqa: ANN401 (a frame of the engine)
    rows: Rows = nw.from_native(native)
    return rows
