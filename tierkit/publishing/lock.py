"""One run of a project at a time."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from tierkit.errors import SettingsError, TierkitError

_PAUSE = 0.1


@contextmanager
def project_lock(scratch: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a project while the block runs.

    The operating system lets go of the lock when its holder ends, however it ends, so that a dead
    process never blocks a project. What stands in the file only tells people who holds it.

    Parameters
    ----------
    scratch
        The project's `.tierkit` folder; it is made where it is missing.
    wait
        Seconds to wait for another run to end.

    Raises
    ------
    SettingsError
        If another run of the project still goes on then; says which, and since when.
    """
    path = scratch / "lock"
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise _not_written(path, error) from error
    with file:
        _acquire(file, time.monotonic() + wait)
        try:
            _write_owner(file)
        except OSError as error:
            raise _not_written(path, error) from error
        try:
            yield
        finally:
            file.truncate(0)
            _release(file)


def _not_written(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path}: cannot be written: {error.strerror}. "
        "Make room, or put the project where you may write."
    )


def _acquire(file: IO[bytes], until: float) -> None:
    while not _try_lock(file):
        if time.monotonic() >= until:
            raise SettingsError(_who_holds(file))
        time.sleep(_PAUSE)


def _write_owner(file: IO[bytes]) -> None:
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    file.truncate(0)
    file.write(json.dumps(owner).encode())


def _who_holds(file: IO[bytes]) -> str:
    file.seek(0)
    try:
        owner = json.loads(file.read())
        since = datetime.fromisoformat(owner["since"])
        age = max(int((datetime.now(UTC) - since).total_seconds()), 0)
        who = f"process {owner['pid']} on {owner['host']}, for {age:,} s, since {since.isoformat()}"
    except (ValueError, KeyError, TypeError):
        who = "a process that has only just started"
    return f"Another run of this project goes on ({who}). Wait for its end, or end it."


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a byte beyond the text, so that others can still read who holds the lock

    def _try_lock(file: IO[bytes]) -> bool:
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

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise SettingsError(
                f"{file.name}: this file system has no locks ({error.strerror}). "
                "Put the project on a local disk."
            ) from error
        return True

    def _release(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


ROOM = 32_768
"""Bytes kept free for the cause of a failure and its `run.json`."""
_FILE = "room"
_FULL = "no space left on device"


@contextmanager
def kept_room(scratch: Path) -> Iterator[Callable[[], None]]:
    """Hold some bytes of the disk while a run goes on; what is yielded gives them back.

    A run that fills the disk can then still leave its cause in words.

    Raises
    ------
    OSError
        If the disk has no room even for that.
    """
    file = scratch / _FILE

    def give_back() -> None:
        with suppress(OSError):
            file.unlink(missing_ok=True)

    try:
        file.write_bytes(b"\1" * ROOM)
        yield give_back
    finally:
        give_back()


@contextmanager
def disk_errors_in_words() -> Iterator[None]:
    """Turn what the disk refuses into an error that says what to do; its notes stay.

    Raises
    ------
    SettingsError
        In place of an `OSError`, and of any other error that a full disk caused.
    """
    try:
        yield
    except Exception as error:
        refused = isinstance(error, OSError) or _FULL in str(error).lower()
        if isinstance(error, TierkitError) or not refused:
            raise
        told = SettingsError(
            f"The run could not read or write {_what(error)}. "
            "Make room, or put the project where you may write."
        )
        for note in getattr(error, "__notes__", []):
            told.add_note(note)
        raise told from error


def _what(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return f"a file: {_FULL}"
