"""Run one notebook to its last cell within a time limit, or say in a sentence why that failed."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from tierkit import errors
from tierkit.errors import (
    GateError,
    KernelDiedError,
    NotebookError,
    Problem,
    TierkitError,
    TimeLimitError,
)
from tierkit.publishing.kernel import (
    KERNEL_NAME,
    RunKernel,
    kernel_environment,
    most_memory_of_children,
    run_kernel,
)
from tierkit.publishing.manifest import Replacements, scrubbed
from tierkit.publishing.parameters import Scalar

_HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
_WIDGET = "application/vnd.jupyter.widget-view+json"


def check_outcome(name: str, notebook: NotebookNode) -> None:
    """Raise unless every cell of an executed notebook ran to its end and wrote no warning.

    Raises
    ------
    TierkitError
        The error that a cell raised, of its own kind if tierkit raised it, else a `NotebookError`.
    NotebookError
        Also where cells were not run.
    GateError
        A cell wrote to standard error or showed a widget.
    """
    for index, cell in _cells_to_run(notebook):
        failures = [output for output in cell.outputs if output.output_type == "error"]
        if failures:
            raise _cell_error(place_of(name, notebook, index), failures[0])
        if cell.execution_count is None:
            raise NotebookError(
                f"{place_of(name, notebook, index)}: was not run; the notebook stopped before it. "
                "Look for an `exit` in the cells above."
            )
    problems = [
        problem
        for index, cell in _cells_to_run(notebook)
        for problem in _unwanted(place_of(name, notebook, index), cell)
    ]
    if problems:
        raise GateError(f"{name}: its output cannot go into a report", problems)


def _cells_to_run(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            yield index, cell


def place_of(name: str, notebook: NotebookNode, index: int) -> str:
    """Name a cell by its number among those that run, as JupyterLab shows it, and its section."""
    number = sum(1 for at, _ in _cells_to_run(notebook) if at <= index)
    above = (cell.source for cell in notebook.cells[:index] if cell.cell_type == "markdown")
    headings = [heading for text in above for heading in _HEADING.findall(text)]
    return f"{name}, cell {number}" + (f" ({headings[-1]})" if headings else "")


def _cell_error(place: str, output: NotebookNode) -> TierkitError:
    if output.ename == "SystemExit":
        return NotebookError(
            f"{place}: stopped the notebook by `exit`; the cells below were not run. Take it out."
        )
    kind = _tierkit_errors().get(output.ename)
    if kind is not None:
        return kind(f"{place}: {output.evalue}")
    said = output.evalue.strip().splitlines()
    last = f"{output.ename}: {said[-1]}" if said else output.ename
    return NotebookError(f"{place}: {last}. The executed copy holds the whole trace.")


def _tierkit_errors() -> dict[str, type[TierkitError]]:
    """Return the kinds of errors by name; a kernel tells of an error's kind only its name."""
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TierkitError)
    }


def _unwanted(place: str, cell: NotebookNode) -> Iterator[Problem]:
    said = "".join(output.text for output in cell.outputs if output.get("name") == "stderr").strip()
    if said:
        yield Problem(
            f"{place} wrote to standard error: {said.splitlines()[0][:200]}",
            "Fix what it warns of.",
        )
    if any(_WIDGET in output.get("data", {}) for output in cell.outputs):
        yield Problem(f"{place} shows a widget, which a page cannot hold", "Show its static twin.")


START_LIMIT = 60.0
_OUTPUT_LIMIT = 60  # seconds between a cell's end and its last output
_SIGKILL = 9
_SHORTEST = 0.05  # nbclient takes 0 seconds for no limit
_LOG = logging.getLogger("tierkit.publishing")


@dataclass(frozen=True)
class Execution:
    """A notebook that ran to its end.

    Attributes
    ----------
    name
        The notebook's name.
    notebook
        The executed copy, without times and paths.
    peak_memory
        The most bytes that its kernel held; None where not known.
    """

    name: str
    notebook: NotebookNode
    peak_memory: int | None


@dataclass
class _Session:
    """What the engine and its caller share while a notebook runs."""

    name: str
    folder: Path
    log: Path
    time_limit: float
    ends: float
    kernel: RunKernel | None = None
    notebook: NotebookNode | None = None
    cell: int | None = None
    peak_memory: int | None = None

    def remaining(self, _cell: NotebookNode | None = None) -> float:
        return max(self.ends - time.monotonic(), _SHORTEST)

    def enter(self, *, cell: NotebookNode, cell_index: int) -> None:
        if cell.cell_type == "code":
            self.cell = cell_index
        if time.monotonic() > self.ends:
            raise _too_long(self)

    @property
    def place(self) -> str:
        if self.notebook is None or self.cell is None:
            return self.name
        return place_of(self.name, self.notebook, self.cell)

    def log_line(self, which: int) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip()[:200] for line in said if line.strip()]
        return f" Its log says: {lines[which]}" if lines else ""


def execute_notebook(
    path: Path,
    *,
    parameters: Mapping[str, Scalar],
    folder: Path,
    copy: Path,
    time_limit: float,
    replacements: Replacements = (),
) -> Execution:
    """Run a notebook in a kernel of its own and write the executed copy, whatever came of it.

    Parameters
    ----------
    path
        The notebook. The kernel it names does not matter: it runs in this Python.
    parameters
        What to pass, as `notebook_parameters` checked it.
    folder
        The working directory of the kernel.
    copy
        The file for the executed copy; what the kernel itself logs goes beside it, to `.log`.
    time_limit
        Seconds for the whole notebook, the start of the kernel included.
    replacements
        Texts, such as local paths, and what the copy holds instead.

    Raises
    ------
    NotebookError
        A cell raised, or the notebook stopped before its last cell.
    TierkitError
        Of the same kind as the one that a cell raised.
    GateError
        A cell wrote to standard error or showed a widget.
    TimeLimitError, KernelDiedError
        The time was over; the kernel ended by itself.
    """
    source = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    ids = [cell.get("id", "") for cell in source.cells]
    ends = time.monotonic() + time_limit
    session = _Session(path.stem, folder, copy.with_suffix(".log"), time_limit, ends)
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        _start_and_run(source, parameters, session)
    finally:
        executed = clean_copy(session.notebook or source, ids=ids, replacements=replacements)
        nbformat.write(executed, copy)  # type: ignore[no-untyped-call]
    check_outcome(path.stem, executed)
    session.log.unlink()
    return Execution(path.stem, executed, session.peak_memory)


def clean_copy(
    notebook: NotebookNode, *, ids: list[str], replacements: Replacements = ()
) -> NotebookNode:
    """Return an executed notebook without times, and with the same bytes for the same results.

    Parameters
    ----------
    ids
        The ids of the cells before the run; cells that came later are numbered instead.
    replacements
        Texts and what stands in their place.
    """
    cleaned: NotebookNode = nbformat.from_dict(  # type: ignore[no-untyped-call]
        scrubbed(notebook, replacements)
    )
    cleaned.metadata.pop("papermill", None)
    cleaned.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    for number, cell in enumerate(cleaned.cells, 1):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.get("id") not in ids:
            cell["id"] = f"run-{number}"
    cleaned.nbformat_minor = max(cleaned.nbformat_minor, 5)
    return cleaned


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Ends the kernel at once, not on request, when a notebook does not come to its end."""

    def papermill_execute_cells(self) -> None:
        before = run_sync(_tasks)()
        try:
            super().papermill_execute_cells()
        except BaseException:
            run_sync(_cancel)(run_sync(_tasks)() - before)
            self.km.note_end()
            self.shutdown_kernel = "immediate"
            raise


async def _tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """End what a cell that was cut off waits for; otherwise it would complain later, unasked."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Engine(Engine):  # type: ignore[misc]
    """Papermill's way of running a notebook, in the kernel and with the limits of a session."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, session: _Session, **_: object
    ) -> None:
        session.notebook = nb_man.nb
        client = _Client(
            nb_man,
            km=session.kernel,
            kernel_name=kernel_name,
            log=_quiet_log(),
            timeout_func=session.remaining,
            startup_timeout=math.ceil(min(START_LIMIT, session.remaining())),
            iopub_timeout=_OUTPUT_LIMIT,
            on_cell_start=session.enter,
            force_raise_errors=True,
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
        )
        environment = kernel_environment(Path(client.km.connection_file).parent)
        with session.log.open("wb") as log:
            client.execute(
                cleanup_kc=True, cwd=str(session.folder), env=environment, stdout=log, stderr=log
            )


def _start_and_run(
    source: NotebookNode, parameters: Mapping[str, Scalar], session: _Session
) -> None:
    """Run a notebook; a kernel that did not start gets a second chance, a cell never does."""
    try:
        _run(source, parameters, session)
    except KernelDiedError:
        if session.cell is not None:
            raise
        _run(source, parameters, session)


def _run(source: NotebookNode, parameters: Mapping[str, Scalar], session: _Session) -> None:
    papermill_engines.register(KERNEL_NAME, _Engine)
    with run_kernel() as kernel:
        session.kernel = kernel
        try:
            papermill.execute_notebook(
                source,
                None,
                parameters=dict(parameters),
                engine_name=KERNEL_NAME,
                kernel_name=KERNEL_NAME,
                language="python",
                progress_bar=False,
                session=session,
            )
        except PapermillExecutionError:
            pass  # it stands in the outputs, where every cell is checked
        except CellTimeoutError as error:
            raise _too_long(session) from error
        except DeadKernelError as error:
            raise _died(kernel.exit_status, session) from error
        except RuntimeError as error:
            if session.cell is not None:
                raise
            raise _did_not_start(session) from error
        session.peak_memory = kernel.peak_memory


def _too_long(session: _Session) -> TimeLimitError:
    return TimeLimitError(
        f"{session.place}: not done when the {session.time_limit:g} seconds of the "
        "notebook were over. Allow more with run.time_limit_seconds, or give it less to do: fewer "
        "quarter-ends in model.backtest_quarter_ends, fewer rows in model.max_training_rows."
    )


def _died(status: int | None, session: _Session) -> KernelDiedError:
    return KernelDiedError(f"{session.place}: the kernel died. {_cause_of_death(status, session)}")


def _cause_of_death(status: int | None, session: _Session) -> str:
    if status == -_SIGKILL:
        most = most_memory_of_children()
        held = f" (kernels held up to {most / 1e9:.1f} GB)" if most else ""
        return (
            f"It was killed, most likely because memory ran out{held}. "
            "Close other programs, or lower model.max_training_rows."
        )
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        return f"It ended by {name}, a fault in compiled code.{session.log_line(0)}"
    return f"It ended by itself with status {status}.{session.log_line(0)}"


def _did_not_start(session: _Session) -> TierkitError:
    if session.ends <= time.monotonic() + _SHORTEST:
        return TimeLimitError(f"{session.name}: the time was over before its kernel had started.")
    return KernelDiedError(
        f"{session.name}: the kernel did not start; `tierkit doctor` looks into it."
        f"{session.log_line(-1)}"
    )


def _quiet_log() -> logging.Logger:
    """Return the package's log, silent where nobody set one up: failures are raised instead."""
    if not _LOG.handlers:
        _LOG.addHandler(logging.NullHandler())
    return _LOG
