"""The kernel of a run: this very Python, whatever kernel a notebook names."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

import tierkit
from tierkit.rendering import NOBODY_WAITS

KERNEL_NAME = "tierkit"
_THREADS_OF_ALGEBRA = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_LONGEST_SOCKET_PATH = 90  # of the 104 to 108 bytes that systems allow for the name of a socket


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this code."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the same kernel for every name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
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
        "MPLBACKEND": "agg",
        NOBODY_WAITS: "1",
        **dict.fromkeys(_THREADS_OF_ALGEBRA, "1"),
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # silences a warning about frozen modules
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join(_import_path()),
    }


def peak_memory(pid: int) -> int | None:
    """Return the most memory that a process has held at a time, in bytes; None where unknown."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) * 1024 for line in lines if line[:1] == ["VmHWM:"]), None)


def most_memory_of_children() -> int | None:
    """Return the most bytes that any ended child of this process held; None where unknown."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


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
