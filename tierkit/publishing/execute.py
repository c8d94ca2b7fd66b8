"""Run one notebook to its last cell within a time limit, or say in a sentence why that failed."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

import tierkit
from tierkit.errors import (
    KernelDiedError,
    TierkitError,
    TimeLimitError,
)
from tierkit.files import write_whole
from tierkit.publishing.leaks import Replacements
from tierkit.publishing.manifest import most_memory_of_children, peak_memory
from tierkit.publishing.notebooks import Scalar, check_outcome, clean_copy, place_of
from tierkit.rendering import NOBODY_WAITS

KERNEL_NAME = "tierkit"
_THREADS_OF_ALGEBRA = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_LONGEST_SOCKET_PATH = 90  # of the 104 to 108 bytes that systems allow for the name of a socket


_START = (
    "import sys; from tierkit.processes import end_with; end_with(int(sys.argv.pop(1))); "
    "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
)
_NOTHING_OF_THE_FOLDER = ("--InteractiveShellApp.ignore_cwd=True",)
"""A module that lies in the project's folder is not imported in place of a real one."""


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this code."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the same kernel for every name."""
        command = [sys.executable, "-P", "-c", _START, str(os.getpid()), *_NOTHING_OF_THE_FOLDER]
        command += ["-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


class RunKernel(AsyncKernelManager):
    """Starts and ends a kernel, and remembers how much memory it took and how it ended."""

    peak_memory: int | None = None
    exit_status: int | None = None

    async def shutdown_kernel(self, **options: bool) -> None:  # type: ignore[override]
        """Note the memory of the kernel, then end it."""
        self.note_end()
        await super().shutdown_kernel(**options)

    def note_end(self) -> None:
        """Note the peak memory of a kernel that runs, or the exit status of one that died."""
        process = getattr(self.provisioner, "process", None)
        if process is None:
            return
        self.exit_status = process.poll()
        self.peak_memory = peak_memory(process.pid) or self.peak_memory


@contextmanager
def run_kernel() -> Iterator[RunKernel]:
    """Give a kernel manager with a runtime folder of its own, which goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="tk-", dir=_short_folder()) as folder:
        transport = _transport(folder)
        manager = RunKernel(
            kernel_name=KERNEL_NAME,
            kernel_spec_manager=ThisPython(),
            connection_file=str(Path(folder) / "kernel.json"),
            **transport,
        )
        yield manager


def kernel_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a kernel: ours, with what could make two runs differ set aside.

    Linear algebra keeps to one thread: with more, the last digits of sums depend on how many.

    Parameters
    ----------
    folder
        The kernel's runtime folder; IPython's profile goes there, so a person's own is not read.
    """
    return {
        **os.environ,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # own figures are pictures
        NOBODY_WAITS: "1",
        **dict.fromkeys(_THREADS_OF_ALGEBRA, "1"),
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # silences a warning about frozen modules
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join(_import_path()),
    }


def _short_folder() -> str | None:
    """Return where the runtime folder goes: not where names of sockets grow too long."""
    if len(tempfile.gettempdir()) <= _LONGEST_SOCKET_PATH // 2 or os.name != "posix":
        return None
    return "/tmp"


def _transport(folder: str) -> dict[str, Any]:
    sockets = str(Path(folder) / "k")
    if os.name == "posix" and len(sockets) <= _LONGEST_SOCKET_PATH:
        return {"transport": "ipc", "ip": sockets}
    return {"transport": "tcp", "ip": "127.0.0.1", "transport_encryption": "auto"}


def _import_path() -> list[str]:
    """Return the import path of kernels; they use this tierkit even where it is not installed."""
    home = str(Path(tierkit.__file__).resolve().parent.parent)
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return given if home in {*given, *installed} else [home, *given]


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
    """A notebook under way: the state that the engine and its caller share."""

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
        write_whole(copy, f"{nbformat.writes(executed)}\n", lasting=False)  # type: ignore[no-untyped-call]
    check_outcome(path.stem, executed)
    session.log.unlink()
    return Execution(path.stem, executed, session.peak_memory)


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
