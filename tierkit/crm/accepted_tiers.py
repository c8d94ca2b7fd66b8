"""`tier_history.csv`: the tiers that were put in force, read back however it was edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tierkit.crm.contract import ACCEPTED_TIERS
from tierkit.crm.hand_edited import EditedColumns, EditedTable, edited_text, read_edited, rows_gone
from tierkit.errors import DataError, Problem
from tierkit.files import last_written
from tierkit.settings import Settings

HISTORY_COLUMNS = (
    "account_id", "tier", "start_date", "end_date", "model_tier", "score", "rank", "cut_score",
    "overridden", "reason",
)  # fmt: skip
_COLUMNS = EditedColumns(
    "tier_history",
    HISTORY_COLUMNS,
    asked=("account_id", "tier", "start_date"),
    dates=("start_date", "end_date"),
)
_KEY = ("account_id", "tier", "start_date")


@dataclass(frozen=True)
class AcceptedTiers:
    """The rows of a `tier_history.csv`.

    Attributes
    ----------
    table
        Its rows, with days as 2026-09-30, and every column, or why it cannot be used.
    remark
        A warning where rows that `tierkit accept` wrote are gone; None where none are.
    """

    table: EditedTable
    remark: Problem | None = None

    @property
    def rows(self) -> tuple[dict[str, str], ...]:
        """The rows.

        Raises
        ------
        DataError
            With everything that keeps them from being used.
        """
        if self.table.problems:
            message = f"{ACCEPTED_TIERS}: {self.table.problems[0].message}"
            raise DataError(message, self.table.problems)
        return self.table.rows


def read_accepted_tiers(settings: Settings) -> AcceptedTiers:
    """Return the tiers that were put in force; without a file there are none."""
    file = settings.folder / ACCEPTED_TIERS
    if not file.is_file():
        return AcceptedTiers(EditedTable(columns=HISTORY_COLUMNS), _gone(file, [], settings))
    table = read_edited(file, _COLUMNS, date_order=settings.data.date_order)
    if table.problems:
        return AcceptedTiers(table)
    backwards = [
        f"row {number} ({row['start_date']} to {row['end_date']})"
        for number, row in zip(table.numbers, table.rows, strict=True)
        if row.get("end_date") and row["end_date"] < row["start_date"]
    ]
    if backwards:
        count = f"{len(backwards)} row{'s' if len(backwards) > 1 else ''}"
        problem = Problem(
            f"{count} whose tier ends before it starts", "Correct the dates, or take them out.",
            "tier_history", "end_date", "ends before start", rows=len(backwards),
            examples=tuple(backwards[:5]),
        )  # fmt: skip
        return AcceptedTiers(EditedTable(columns=table.columns, problems=(problem,)))
    return AcceptedTiers(table, _gone(file, table.rows, settings))


def _gone(file: Path, rows: Sequence[dict[str, str]], settings: Settings) -> Problem | None:
    """Return a warning if rows are gone that tierkit wrote into the file."""
    written = last_written(file, project=settings.folder, scratch=settings.scratch)
    if written is None:
        return None
    gone = rows_gone(edited_text(written.decode("utf-8-sig", "replace"), _COLUMNS).rows, rows, _KEY)
    if not gone:
        return None
    rows_are = "1 row is" if len(gone) == 1 else f"{len(gone):,} rows are"
    return Problem(
        f"{rows_are} gone from {ACCEPTED_TIERS} that `tierkit accept` wrote there",
        f"`tierkit undo {ACCEPTED_TIERS}` lists earlier versions; if it was meant, accept again.",
        "tier_history",
        rule="rows gone",
        rows=len(gone),
        examples=tuple(f"{row['account_id']} ({row['start_date']})" for row in gone[:5]),
        blocks=False,
    )
