"""Trusted tables on disk, so that each notebook of a run starts from the same rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tierkit.crm.engine import connect, scan_parquet, write_parquet
from tierkit.crm.tables import Exclusion, Tables
from tierkit.errors import Problem

_NOTES = "tables.json"


def write_tables(tables: Tables, folder: Path) -> None:
    """Write trusted tables as Parquet files, with what was left out and remarked beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.frames.items():
        write_parquet(rows, folder / f"{name}.parquet")
    for name, rows in tables.excluded.items():
        write_parquet(rows, folder / f"{name}.excluded.parquet")
    notes = {
        "tables": sorted(tables.frames),
        "given": {name: sorted(columns) for name, columns in tables.given.items()},
        "exclusions": [asdict(part) for part in tables.exclusions],
        "remarks": [asdict(problem) for problem in tables.remarks],
        "source_rows": dict(tables.source_rows),
        "source_won_revenue": tables.source_won_revenue,
    }
    (folder / _NOTES).write_text(json.dumps(notes, indent=1, sort_keys=True), encoding="utf-8")


def has_tables(folder: Path) -> bool:
    """Whether `write_tables` has finished in the folder."""
    return (folder / _NOTES).is_file()


def read_written_tables(folder: Path) -> Tables:
    """Return the tables that `write_tables` wrote."""
    notes = json.loads((folder / _NOTES).read_text(encoding="utf-8"))
    connection = connect()
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
