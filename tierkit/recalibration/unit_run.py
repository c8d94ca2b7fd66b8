"""The run of one unit in a process of its own: `python -m tierkit.recalibration.unit_run DIR`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from tierkit.crm.storage import read_written_tables
from tierkit.errors import TierkitError
from tierkit.recalibration.plan import REPORT_PLAN
from tierkit.recalibration.work import TABLES_FOLDER, leave_rows
from tierkit.reporting.handover import read_handover
from tierkit.reporting.run import run_recalibration


def run_unit(folder: Path) -> str:
    """Run the unit whose settings and trusted rows lie in a folder; return what came of it.

    Nothing is done beside its notebooks: other units are.
    """
    given = read_handover(folder)
    tables = read_written_tables(folder / TABLES_FOLDER)
    result = run_recalibration(
        given.settings,
        quarter=given.quarter,
        set_overrides=given.set_overrides,
        model_file=given.model_file,
        plan=replace(REPORT_PLAN, prepare=lambda _, into: leave_rows(tables, into), ahead={}),
    )
    return "published" if result.published else "nothing new"


def main(folder: str) -> int:
    """Run a unit; say what came of it, or the cause of its failure; return the exit code."""
    try:
        sys.stdout.write(f"{run_unit(Path(folder))}\n")
    except TierkitError as error:
        lines = [str(error.args[0]), *(str(problem) for problem in error.problems[:5])]
        sys.stderr.write("\n".join([*lines, *getattr(error, "__notes__", [])]) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
