"""Trusted tables: typed, checked and lazy, with an account of everything that was left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

import narwhals as nw
import pandas as pd
import pyarrow as pa

from tierkit.crm.contract import CONTRACT
from tierkit.crm.engine import (
    SAFE,
    Engine,
    EngineName,
    Rows as Rows,
    connect,
    open_engine,
    register_frame,
    scan_parquet,
    write_parquet,
)
from tierkit.errors import DataError, Problem
from tierkit.files import read_json, write_whole

REJECTED_VALUE = "rejected_value"
"""The column that holds what could not be read, as it was written."""


@dataclass(frozen=True)
class Exclusion:
    """Rows of one table that were left out for one reason.

    Attributes
    ----------
    won_revenue
        The won revenue in them, in the reporting currency, exact; "0" where they hold none.
    """

    table: str
    reason: str
    rows: int
    won_revenue: str = "0"


@dataclass(frozen=True)
class Rejected:
    """Rows of one table that break a rule, each to be listed.

    Attributes
    ----------
    rows
        With the contract's columns as far as there are any, and `REJECTED_VALUE` where a value is
        at fault.
    column
        The column at fault; empty where it is the row.
    """

    table: str
    reason: str
    rows: Rows = field(repr=False)
    column: str = ""


@dataclass(frozen=True, repr=False)
class Tables:
    """The trusted tables of one project.

    Every contract column is present (null where the source lacks it) and has the type of its
    kind. `opportunities` also has `revenue_type` (new, expansion or renewal); rows that cannot be
    used are not in any table but counted in `exclusions`.

    Attributes
    ----------
    frames
        Lazy rows by table name; a table that the source lacks has no entry.
    given
        For each table the contract columns that the source really had.
    exclusions
        What was left out, by table and reason.
    remarks
        Warnings of the checks.
    source_rows, source_won_revenue
        Rows of each table and won revenue of all deals before anything was left out, exact.
    excluded
        For each table the rows that were left out, with `exclusion_reason`.
    """

    frames: Mapping[str, Rows]
    given: Mapping[str, frozenset[str]]
    connection: Engine = field(repr=False)
    exclusions: tuple[Exclusion, ...] = ()
    remarks: tuple[Problem, ...] = ()
    source_rows: Mapping[str, int] = field(default_factory=dict)
    source_won_revenue: str = "0"
    excluded: Mapping[str, Rows] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Raise if a table is a data frame that no engine holds."""
        for name, rows in self.frames.items():
            if rows.implementation not in SAFE:
                raise DataError(
                    f"{name}: rows of {rows.implementation.name.lower()} give wrong sums. Register "
                    "the data frame in an engine (tierkit.crm.register_frame)."
                )

    def __repr__(self) -> str:
        """Return how many rows were read, and how many of them cannot be used."""
        rows = ", ".join(f"{rows:,} {name}" for name, rows in sorted(self.source_rows.items()))
        lost = sum(one.rows for one in self.exclusions)
        remarks = f"{len(self.remarks):,} remark{'' if len(self.remarks) == 1 else 's'}"
        return (
            f"Trusted tables: {rows or ', '.join(self.frames)}\n{lost:,} rows left out, {remarks}"
        )

    def __contains__(self, table: str) -> bool:
        """Return whether the source has the table."""
        return table in self.frames

    def __getitem__(self, table: str) -> Rows:
        """Return the rows of a table.

        Raises
        ------
        DataError
            If the source lacks the table.
        """
        if table not in self.frames:
            raise DataError(
                f"{table}: the source has no such table; there are {sorted(self.frames)}."
            )
        return self.frames[table]

    def has(self, table: str, *columns: str) -> bool:
        """Return whether the source has the table and really had these columns of it."""
        return table in self.frames and set(columns) <= self.given[table]

    @property
    def missing(self) -> list[str]:
        """The contract's tables that the source lacks, in the contract's order."""
        return [name for name in CONTRACT if name not in self.frames]

    def dates(self, columns: Mapping[str, list[date]]) -> Rows:
        """Return a small table of dates that lives beside the data, for joins.

        Parameters
        ----------
        columns
            Equally long lists, such as `as_of` and the starts of its windows.
        """
        return register_frame(
            self.connection,
            pa.table({name: pa.array(days, pa.date32()) for name, days in columns.items()}),
        )


def tables_from_frames(
    frames: Mapping[str, pd.DataFrame], *, engine: Engine | None = None
) -> Tables:
    """Return trusted tables from data frames whose columns already hold what the contract says.

    Nothing is checked or left out; missing contract columns are added as null. Dates may be text
    (`2026-09-30`) or dates, money may be text or numbers. They live in a DuckDB of their own, or in
    the engine that is given.

    Examples
    --------
    >>> tables = tables_from_frames({"accounts": pd.DataFrame({"account_id": ["A1"]})})
    >>> tables["accounts"].select("account_id", "industry").collect().rows()
    [('A1', None)]
    """
    connection = connect()
    trusted = {
        name: _typed(register_frame(connection, _as_text(frame)), name)
        for name, frame in frames.items()
    }
    if "opportunities" in trusted and "revenue_type" not in trusted["opportunities"].columns:
        trusted["opportunities"] = trusted["opportunities"].with_columns(revenue_type=nw.lit("new"))
    given = {name: frozenset(map(str, frame.columns)) for name, frame in frames.items()}
    tables = Tables(trusted, given, connection)
    return tables if engine is None else tables_in(engine, tables)


def tables_in(engine: Engine, tables: Tables) -> Tables:
    """Return the same trusted tables in another engine, taken over as Arrow.

    For tables of one project; larger ones are read where they lie.
    """

    def moved(rows: Rows) -> Rows:
        return register_frame(engine, rows.collect("pyarrow").to_native())

    return replace(
        tables,
        connection=engine,
        frames={name: moved(rows) for name, rows in tables.frames.items()},
        excluded={name: moved(rows) for name, rows in tables.excluded.items()},
    )


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    text = frame.astype("object").where(frame.notna(), None)
    return text.map(lambda value: None if value is None else str(value)).astype("string[pyarrow]")


def _typed(rows: Rows, name: str) -> Rows:
    columns = CONTRACT[name].columns
    present = set(rows.columns)
    typed = [
        (nw.col(column) if column in present else nw.lit(None)).cast(kind.dtype).alias(column)
        for column, kind in columns.items()
    ]
    extra = [nw.col(column) for column in rows.columns if column not in columns]
    return rows.select(*typed, *extra)


_NOTES = "tables.json"


def write_tables(tables: Tables, folder: Path) -> None:
    """Write trusted tables as Parquet files, with what was left out and remarked beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.frames.items():
        write_parquet(tables.connection, rows, folder / f"{name}.parquet")
    for name, rows in tables.excluded.items():
        write_parquet(tables.connection, rows, folder / f"{name}.excluded.parquet")
    notes = {
        "tables": sorted(tables.frames),
        "given": {name: sorted(columns) for name, columns in tables.given.items()},
        "exclusions": [asdict(part) for part in tables.exclusions],
        "remarks": [asdict(problem) for problem in tables.remarks],
        "source_rows": dict(tables.source_rows),
        "source_won_revenue": tables.source_won_revenue,
    }
    write_whole(folder / _NOTES, json.dumps(notes, indent=1, sort_keys=True), lasting=False)


def has_tables(folder: Path) -> bool:
    """Return whether `write_tables` has finished in the folder."""
    return (folder / _NOTES).is_file()


def read_written_tables(
    folder: Path,
    *,
    engine: EngineName = "duckdb",
    scratch: Path | None = None,
    memory_mb: int | None = None,
) -> Tables:
    """Return the tables that `write_tables` wrote, in an engine of their own (`open_engine`)."""
    notes = read_json(folder / _NOTES)
    connection = open_engine(engine, scratch=scratch, memory_mb=memory_mb)
    excluded = sorted(folder.glob("*.excluded.parquet"))
    return Tables(
        frames={
            name: scan_parquet(connection, folder / f"{name}.parquet") for name in notes["tables"]
        },
        given={name: frozenset(columns) for name, columns in notes["given"].items()},
        connection=connection,
        exclusions=tuple(Exclusion(**part) for part in notes["exclusions"]),
        remarks=tuple(
            Problem(**{**part, "examples": tuple(part["examples"])}) for part in notes["remarks"]
        ),
        source_rows=notes["source_rows"],
        source_won_revenue=notes["source_won_revenue"],
        excluded={
            file.name.removesuffix(".excluded.parquet"): scan_parquet(connection, file)
            for file in excluded
        },
    )


def id_column(table: str) -> str:
    """Return the column that names a row of the table to a person."""
    columns = CONTRACT[table].columns
    key = CONTRACT[table].key
    return key or next(
        (name for name in ("opportunity_id", "account_id") if name in columns), next(iter(columns))
    )


def example_ids(rows: Rows, column: str) -> tuple[str, ...]:
    """Return up to five different ids of some rows, in order."""
    found = rows.select(column).drop_nulls().unique().sort(column).head(5).collect()
    return tuple(str(value) for value in found[column].to_list())
