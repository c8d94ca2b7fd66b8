"""One writer at a time: the lock of a run, and that of the files of a project."""

from __future__ import annotations

import json
import math
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from tierkit.errors import SettingsError
from tierkit.files.writing import make_folder, open_plain

RUN_LOCK, FILES_LOCK = "lock", "files.lock"
PATIENCE = 30.0
"""Seconds to wait for another command that changes a file of the project."""
BEAT = 10.0
"""Seconds between two signs of life of who holds a lock."""
SILENCE = 60.0
"""Seconds without one after which a lock that another computer holds counts as left behind."""
_PAUSE = 0.1


@contextmanager
def project_lock(scratch: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a project's runs while the block runs.

    The operating system lets go of the lock when its holder ends, however it ends, so that a dead
    process never blocks a project. On a network folder whose locks reach no further than one
    computer, what stands in the file counts as well: who holds it, and its last sign of life.

    Parameters
    ----------
    scratch
        The project's `.tierkit` folder; it is made where it is missing.
    wait
        Seconds to wait for another run to end.

    Raises
    ------
    SettingsError
        If another run of the project still goes on then; says which, and since when. Also if the
        lock cannot be written, or is a link.
    """
    with _held(scratch / RUN_LOCK, wait=wait, work="run"):
        yield


@contextmanager
def files_lock(scratch: Path, *, wait: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of the files that people and commands change, for the time of one change.

    Parameters
    ----------
    scratch
        The project's `.tierkit` folder.
    wait
        Seconds to wait for another change to end.

    Raises
    ------
    SettingsError
        As `project_lock` does.
    """
    with _held(scratch / FILES_LOCK, wait=wait, work="change"):
        yield


@contextmanager
def work_lock(scratch: Path, work: str) -> Iterator[None]:
    """Hold the lock of work whose result is cached, so that one process does it and others wait.

    Parameters
    ----------
    scratch
        The project's `.tierkit` folder.
    work
        Its name.

    Raises
    ------
    SettingsError
        If the lock cannot be written, or is a link.
    """
    with _held(scratch / f"{work}.lock", wait=math.inf, work="run"):
        yield


@contextmanager
def _held(path: Path, *, wait: float, work: str) -> Iterator[None]:
    try:
        make_folder(path.parent, below=path.parent.parent)
        file: IO[bytes] = os.fdopen(open_plain(path), "r+b", buffering=0)
    except OSError as error:
        raise _not_written(path, error) from error
    with file:
        _acquire(file, path, until=time.monotonic() + wait, work=work)
        try:
            _write_owner(file)
        except OSError as error:
            raise _not_written(path, error) from error
        done = threading.Event()
        signs = threading.Thread(target=_give_signs, args=(path, done), daemon=True)
        signs.start()
        try:
            yield
        finally:
            done.set()
            signs.join()
            with suppress(OSError):
                file.truncate(0)
            _release(file)


def _give_signs(path: Path, done: threading.Event) -> None:
    """Touch the lock's file from time to time, which others take for a sign of life."""
    while not done.wait(BEAT):
        with suppress(OSError):
            os.utime(path)


def _not_written(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path}: cannot be written: {error.strerror}. "
        "Make room, or put the project where you may write."
    )


@dataclass(frozen=True)
class _Owner:
    """The process that a lock's file names."""

    pid: int
    host: str
    since: str

    @classmethod
    def of(cls, file: IO[bytes]) -> _Owner | None:
        """Return the owner that is written there; None where nobody is."""
        file.seek(0)
        try:
            known: dict[str, Any] = json.loads(file.read())
            return cls(int(known["pid"]), str(known["host"]), str(known["since"]))
        except (ValueError, KeyError, TypeError, RecursionError, OSError):
            return None

    def lives_elsewhere(self, file: IO[bytes], path: Path) -> bool:
        """Return whether it is on another computer and gave a sign of life lately."""
        if self.host == socket.gethostname():
            return False
        seen = os.fstat(file.fileno()).st_mtime
        return _time_there(path) - seen < SILENCE

    def __str__(self) -> str:
        """Return who it is and for how long."""
        with suppress(ValueError, TypeError):
            since = datetime.fromisoformat(self.since)
            age = max(int((datetime.now(UTC) - since).total_seconds()), 0)
            return f"process {self.pid} on {self.host}, for {age:,} s, since {since.isoformat()}"
        return f"process {self.pid} on {self.host}"


def _time_there(path: Path) -> float:
    """Return the time by the clock of the file's own disk, which may be another computer's."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".clock.")
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        Path(name).unlink()


def _acquire(file: IO[bytes], path: Path, *, until: float, work: str) -> None:
    while True:
        if _try_lock(file, path):
            owner = _Owner.of(file)
            if owner is None or not owner.lives_elsewhere(file, path):
                return
            _release(file)
        if time.monotonic() >= until:
            raise SettingsError(_who_holds(file, work))
        time.sleep(_PAUSE)


def _write_owner(file: IO[bytes]) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    file.seek(0)
    file.truncate(0)
    file.write(json.dumps(owner).encode())


def _who_holds(file: IO[bytes], work: str) -> str:
    who = _Owner.of(file) or "a process that has only just started"
    what = "Another run of this project" if work == "run" else "Another change of these files"
    return f"{what} goes on ({who}). Wait for its end, or end it."


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a byte beyond the text, so that others can still read who holds the lock

    def _try_lock(file: IO[bytes], path: Path) -> bool:  # noqa: ARG001
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes], path: Path) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise SettingsError(
                f"{path}: this file system has no locks ({error.strerror}). "
                "Put the project on a local disk."
            ) from error
        return True

    def _release(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
