"""`accounts.xlsx`: the sheets of all topics, and the run's report as a whole."""

from __future__ import annotations

from tierkit.pages.chances import chance_sheets
from tierkit.pages.data import data_sheets
from tierkit.pages.effort import effort_sheets
from tierkit.pages.moves import move_sheets
from tierkit.pages.readiness import readiness_sheets
from tierkit.pages.tiers import tier_sheets
from tierkit.rendering import write_workbook
from tierkit.runs import Run, Serving, Tiering, study_run_serving, write_run_files
from tierkit.table import Table

WORKBOOK = "accounts.xlsx"


def write_run_report(
    run: Run, tiering: Tiering, serving: Serving | None = None
) -> dict[str, object]:
    """Write the files of the report and return what `facts.json` holds.

    Parameters
    ----------
    serving
        As `study_run_serving` returns it; computed where it is not given.
    """
    serving = serving or study_run_serving(run, tiering)
    facts = write_run_files(run, tiering, serving)
    write_accounts(run, tiering, serving)
    return facts


def write_accounts(run: Run, tiering: Tiering, serving: Serving) -> None:
    """Write the workbook: what `tiers.csv` holds, and the sheets of every topic."""
    notes = {
        "Project": run.title,
        "Quarter": f"{run.quarter.label} ({run.quarter.dates})",
        "Currency": run.currency,
        "Fingerprint": run.fingerprint,
    }
    write_workbook(run.folder / WORKBOOK, run_sheets(run, tiering, serving), notes=notes)


def run_sheets(run: Run, tiering: Tiering, serving: Serving) -> dict[str, Table]:
    """Return the sheets in their order; one on how accounts are served is left out if empty."""
    served = {
        **effort_sheets(serving.effort, tiering),
        **readiness_sheets(serving.readiness, serving.engagement),
        **chance_sheets(serving.chances),
    }
    return {
        **tier_sheets(tiering),
        **move_sheets(run, tiering),
        **{name: sheet for name, sheet in served.items() if len(sheet)},
        **data_sheets(run),
    }
