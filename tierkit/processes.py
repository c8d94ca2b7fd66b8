"""The end of a process by a signal, and programs that end with the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType

_ENDING = ("SIGTERM", "SIGHUP")
_ALL = (*_ENDING, "SIGINT")
_GRACE = 3.0
"""Seconds that a program has to end by itself once it is asked to."""
_POLL = 0.5
_PR_SET_PDEATHSIG = 1
_received: list[int] = []


class EndedBySignal(KeyboardInterrupt):
    """A signal asked this process to end; whatever is done for Ctrl-C is done for it.

    Examples
    --------
    >>> EndedBySignal(15).exit_code
    143
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def end_on_signals(*, of_a_part: bool = False) -> None:
    """Let SIGTERM and SIGHUP end this process with its remains named, unless they are ignored.

    What comes after the first of them is ignored, so that the end itself is not cut off.

    Parameters
    ----------
    of_a_part
        Whether the process is part of a larger command: it is sent Ctrl-C and, by that command,
        SIGTERM, and only the first counts.
    """
    usual = (signal.SIG_DFL, signal.default_int_handler)
    for number in _numbers(_ALL if of_a_part else _ENDING):
        if signal.getsignal(number) in usual:
            signal.signal(number, _end)


def exit_code_of_signal() -> int | None:
    """Return the exit code of the signal that ended this process; None where none did."""
    return 128 + _received[0] if _received else None


def _end(number: int, _frame: FrameType | None) -> None:
    for one in _numbers(_ALL):
        if signal.getsignal(one) is _end:
            signal.signal(one, signal.SIG_IGN)
    _received.append(number)
    raise EndedBySignal(number)


def _numbers(names: Sequence[str]) -> list[int]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def end_with(parent: int) -> None:
    """Let this process end when the one that started it has ended, however that was."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    watch_parent(parent)


@cache
def watch_parent(parent: int) -> None:
    """Look twice a second for the process that started this one, and end when it is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def ending_with_this(command: Sequence[str]) -> list[str]:
    """Return a command that ends when this process does, also where it is killed.

    No module of the working folder is imported on the way.
    """
    if sys.platform != "linux":
        return [*command]
    return [sys.executable, "-P", "-S", str(Path(__file__)), str(os.getpid()), *command]


@contextmanager
def without_folder_on_path() -> Iterator[None]:
    """Let Python processes that the block starts import nothing from the working folder."""
    name = "PYTHONSAFEPATH"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def run_program(
    command: Sequence[str], *, timeout: float | None = None, running: Programs | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it is asked to end, and then killed, if this process must end.

    Nothing is given to it to read; what it writes is captured.

    Parameters
    ----------
    timeout
        Seconds that it may take.
    running
        The programs that it shall end with.

    Raises
    ------
    OSError
        If it cannot be started.
    subprocess.TimeoutExpired
        If it does not end within `timeout` seconds; it is ended then.
    """
    with subprocess.Popen(
        ending_with_this(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as program:
        if running is not None:
            running.add(program)
        try:
            said, warned = program.communicate(timeout=timeout)
        except BaseException:
            end_program(program)
            raise
    return subprocess.CompletedProcess([*command], program.returncode, said, warned)


class Programs:
    """Programs that run at the same time, each in a thread of its own, and end together."""

    def __init__(self) -> None:
        self._programs: list[subprocess.Popen[str]] = []
        self._over = False

    def add(self, program: subprocess.Popen[str]) -> None:
        """Take in a program that was started; it is asked to end if the others were."""
        self._programs.append(program)
        if self._over:
            program.terminate()

    def end(self) -> None:
        """Ask all of them to end, and kill those that have not ended 3 seconds later."""
        self._over = True
        running = [one for one in [*self._programs] if one.poll() is None]
        for program in running:
            program.terminate()
        until = time.monotonic() + _GRACE
        while time.monotonic() < until and any(one.poll() is None for one in running):
            time.sleep(_POLL / 10)
        for program in running:
            program.kill()


def end_program(program: subprocess.Popen[str]) -> None:
    """Ask a program to end, and kill it if it has not ended 3 seconds later."""
    program.terminate()
    try:
        program.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()


def _become(parent: int, command: Sequence[str]) -> None:
    """Turn this process into a program that the system ends with the process that started it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], [*command])


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
