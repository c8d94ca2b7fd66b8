"""Work that is needed later, done in a process of its own while a notebook runs.

The process is `python -m tierkit.publishing.prefetch MODULE RUN_FOLDER`; it ends with its input.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tierkit.parallel import BESIDE_OTHERS

Finish = Callable[[], object]
_PRIORITY, _LOWEST = 10, 19


@contextmanager
def working_ahead(module: str, folder: Path, *, time_limit: float) -> Iterator[Finish]:
    """Run a module beside what the block does, and give what waits for its end.

    The module leaves its results, piece by piece, where what needs them looks first. It ends with
    the block at the latest; where it fails, or a piece is not there, what needs it does the work
    itself and says what is wrong.

    Parameters
    ----------
    module
        Run as `python -m MODULE FOLDER` would be; nothing is run where it is empty.
    folder
        Of the run under way.
    time_limit
        Seconds to wait; work that is not done then ends unfinished.
    """
    if not module:
        yield nothing_to_wait_for
        return
    from tierkit.publishing.kernel import kernel_environment

    with subprocess.Popen(
        [sys.executable, "-m", __name__, module, str(folder.resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**kernel_environment(folder), BESIDE_OTHERS: "1"},
        start_new_session=True,  # Linux shares processors between sessions first
    ) as process:
        _put_behind(process.pid)
        try:
            yield lambda: _wait(process, time_limit)
        finally:
            process.kill()


def _put_behind(process_id: int) -> None:
    """Let a process take only what the notebook leaves; systems without priorities share alike.

    On Linux a priority may count within a session alone (`man 7 sched`, the autogroup feature), and
    a kernel has one of its own: so the session of the process is put behind as well.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process_id, _PRIORITY)
    _set_session(process_id, _LOWEST)


def _set_session(process_id: int, priority: int) -> None:
    with suppress(OSError):  # there is no such file on many systems
        Path(f"/proc/{process_id}/autogroup").write_text(str(priority), encoding="ascii")


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    _set_session(process.pid, 0)  # nothing is left to be behind
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()


def nothing_to_wait_for() -> None:
    """Wait for nothing."""


def main(module: str, folder: str) -> None:
    """Run a module as a script; end when the process that asked for it has ended, however it did.

    A session of its own hears neither Ctrl-C nor the end of the terminal, but its input ends.
    """
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.argv = [module, folder]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
