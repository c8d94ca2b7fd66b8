"""Whole runs with tiny notebooks, in this process and in others that can be killed."""

from __future__ import annotations

import signal
import sys
import time
from concurrent.futures import as_completed
from pathlib import Path

import pytest
from nbformat import NotebookNode
from report_samples import LABEL, report_notebook, write_notebook

from tierkit.calendar import FiscalCalendar
from tierkit.commands.apart import REPORT_PLAN
from tierkit.commands.units import _pool
from tierkit.files import project_lock
from tierkit.processes import end_on_signals, run_program
from tierkit.publishing import execute, exit_code_of
from tierkit.publishing.run import ReportPlan, run_recalibration
from tierkit.settings import read_settings

QUARTER = FiscalCalendar().parse(LABEL)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make_project(folder: Path, *, toml: str = "") -> Path:
    """Write a project of one account and return its folder."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "accounts.csv").write_text("account_id,name\nA-001,Blue Heron Freight\n")
    (folder / "tierkit.toml").write_text(f'[run]\ntitle = "Acme"\nformats = []\n{toml}')
    return folder


def one(folder: Path, **kwargs: str) -> ReportPlan:
    """Return a plan of one tiny notebook that makes a whole report, and more if asked."""
    made = report_notebook(**kwargs)
    return ReportPlan(
        pages=REPORT_PLAN.pages,
        notebooks=(write_notebook(folder / "nb" / "recalibrate.ipynb", made),),
    )


def fails(project: Path, kind: type[BaseException], said: str, **options: object) -> Path:
    """Run and expect a failure that leaves the last report as it was; return the remains."""
    before = contents(project / "reports" / LABEL)
    with pytest.raises(kind, match=said) as caught:
        run_recalibration(read_settings(project), quarter=QUARTER, **options)
    assert contents(project / "reports" / LABEL) == before
    assert list((project / ".tierkit" / "runs").iterdir()) == []
    with project_lock(project / ".tierkit"):
        pass
    remains = Path(caught.value.__notes__[-1].removeprefix("What is left of the run: "))
    assert (remains / "cause.txt").read_text().startswith(kind.__name__)
    assert len((remains / "cause.txt").read_text().splitlines()) == 1
    return remains


def over_once_entered(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Let the time of a notebook be over when a cell with such a source begins, not before."""
    enter = execute._Session.enter

    def entered(session: execute._Session, *, cell: NotebookNode, cell_index: int) -> None:
        enter(session, cell=cell, cell_index=cell_index)
        if cell.cell_type == "code" and source in cell.source:
            session.ends = time.monotonic()

    monkeypatch.setattr(execute._Session, "enter", entered)


def run_as_command(folder: Path) -> None:
    """Run as `run_project` does, and end on signals as the command line does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind a shell ignores it
    end_on_signals()
    try:
        run_project(folder)
    except BaseException as error:
        code = exit_code_of(error)
        (folder / "said.txt").write_text("\n".join(getattr(error, "__notes__", [])))
        sys.exit(code)


def run_endless_units(folder: Path) -> None:
    """Run two programs as `--each` runs its units; each writes its number and never ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_on_signals()
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(3600)"
    try:
        with _pool(2) as (pool, programs):
            command = [sys.executable, "-S", "-c", code]
            asked = [pool.submit(run_program, [*command, str(folder / name)], running=programs)
                     for name in ("one", "two")]  # fmt: skip
            for done in as_completed(asked):
                done.result()
    except BaseException as error:
        sys.exit(exit_code_of(error))


def run_project(folder: Path) -> None:
    """Run the notebooks of `nb` as a command would, in the process that this file is run in."""
    plan = ReportPlan(
        pages=REPORT_PLAN.pages, notebooks=tuple(sorted((folder / "nb").glob("*.ipynb")))
    )
    run_recalibration(read_settings(folder), quarter=QUARTER, plan=plan)
