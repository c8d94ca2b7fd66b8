"""The file for the CRM: the accounts whose tier changes, and nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from tierkit.crm import written_table
from tierkit.files import change_file, content_of, write_whole
from tierkit.runs.run import Run
from tierkit.runs.tiering import Tiering

PROPOSED_FILE = "crm_import_proposed.csv"
"""Changes that a report proposes for the CRM; `tierkit accept` writes those that count."""
CRM_COLUMNS = (
    "record_id", "tier", "previous_tier", "effective_date", "quarter", "run_id", "reason",
)  # fmt: skip


def proposed_rows(run: Run, tiering: Tiering) -> pd.DataFrame:
    """Return one row per account whose tier changes, by record id.

    The tier of an account that loses its own is empty: an import that clears the field. `run_id` is
    empty as long as nothing was accepted. Reasons begin with a word of tierkit, so that no cell
    becomes a formula.
    """
    assigned = tiering.assigned
    now, before = (assigned[name].astype("object") for name in ("tier", "previous_tier"))
    rows = assigned[now.fillna("").ne(before.fillna(""))].sort_index(kind="stable")
    said = tiering.overrides.set_index("account_id")["reason"].reindex(rows.index)
    reason = rows["move_reason"].astype("object").replace("", "tier given")
    reason = reason.mask(said.notna(), "override: " + said.astype("object"))
    return pd.DataFrame(
        {
            "record_id": rows.index,
            "tier": rows["tier"].astype("object").fillna("").to_numpy(),
            "previous_tier": rows["previous_tier"].astype("object").fillna("").to_numpy(),
            "effective_date": run.as_of.isoformat(),
            "quarter": run.quarter.label,
            "run_id": "",
            "reason": reason.to_numpy(),
        },
        columns=[*CRM_COLUMNS],
    )


def write_proposed(run: Run, tiering: Tiering) -> None:
    """Write the proposal's file into the run's folder."""
    rows = proposed_rows(run, tiering)
    text = rows.to_csv(index=False, lineterminator="\n")
    write_whole(run.folder / PROPOSED_FILE, text, lasting=False)


def accepted_rows(
    rows: Iterable[Mapping[str, str]],
    report: Path,
    *,
    begins: date,
    quarter: str,
    run_id: str,
) -> list[dict[str, str]]:
    """Return what the CRM must change once tiers are accepted, by record id.

    Parameters
    ----------
    rows
        The tiers that take force, with `account_id`, `tier`, `previous_tier` and `move_reason`.
    report
        The folder of the report: its proposal says who loses a tier.
    """
    same = {"effective_date": begins.isoformat(), "quarter": quarter, "run_id": run_id}
    changed = [
        {
            "record_id": row["account_id"],
            "tier": row["tier"],
            "previous_tier": row.get("previous_tier", ""),
            **same,
            "reason": row.get("move_reason") or "tier given",
        }
        for row in rows
        if row["tier"] != row.get("previous_tier", "")
    ]
    there = {row["record_id"] for row in changed}
    lost = [
        {**row, **same}
        for row in _read(report / PROPOSED_FILE)
        if not row["tier"] and row["record_id"] not in there
    ]
    return sorted([*changed, *lost], key=lambda row: row["record_id"])


def accepted_file(folder: Path, quarter: str) -> Path:
    """Return where the accepted changes of a quarter stand, beside `tierkit.toml`."""
    return folder / f"crm_import_{quarter}.csv"


def write_accepted(
    folder: Path, quarter: str, rows: Iterable[Mapping[str, str]], *, scratch: Path
) -> Path:
    """Write the accepted changes and return the file; what it held becomes a version.

    The lock of the project's files is held.
    """
    file, text = accepted_file(folder, quarter), written_table(rows, CRM_COLUMNS)
    change_file(file, text, before=content_of(file), project=folder, scratch=scratch)
    return file


def _read(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))
