"""A simulated CRM as a project folder: CSV files, settings, overrides and the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from tierkit.simulate.crm import SimulatedCrm

_DECIMALS = {"score": 4, "cut_score": 4, "value": 1}


def write_crm(crm: SimulatedCrm, folder: Path) -> list[Path]:
    """Write a simulated CRM into a folder, the same bytes for the same arguments.

    Ids are text, dates ISO, amounts have two decimals, `is_won` is `true`, `false` or empty, lines
    end in a line feed.

    Parameters
    ----------
    crm
        As `tierkit.simulate.simulate_crm` gives it.
    folder
        Made if it does not exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        `data/*.csv` by name, `overrides.csv`, `truth.json`, `tierkit.toml`.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect() as connection:
        for name in sorted(crm.tables, key=lambda name: (name == "overrides", name)):
            path = (folder if name == "overrides" else data) / f"{name}.csv"
            _write_table(crm.tables[name], path, connection)
            written.append(path)
    truth = json.dumps(crm.truth, indent=2, sort_keys=True, allow_nan=False) + "\n"
    for name, text in (("truth.json", truth), ("tierkit.toml", crm.settings_text)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return written


def _write_table(table: pd.DataFrame, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write one table, its rows in the order that they have; text is quoted only where it must."""
    columns = pa.table({str(name): _as_written(table[name]) for name in table.columns})
    connection.from_arrow(columns).write_csv(str(path), header=True)


def _as_written(column: pd.Series) -> pa.Array:
    """Return a column in the Arrow type whose text is the one wanted in the file."""
    array = pa.array(column, from_pandas=True)
    conversions: list[tuple[Callable[[pa.DataType], bool], pa.DataType]] = [
        (pa.types.is_timestamp, pa.date32()),
        (pa.types.is_floating, pa.decimal128(20, _DECIMALS.get(str(column.name), 2))),
    ]
    for applies, wanted in conversions:
        if applies(array.type):
            return array.cast(wanted)
    return array
