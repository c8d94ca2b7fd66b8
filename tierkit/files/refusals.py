"""Refusals in words: a full or read-only disk, no permission, no memory, a server that ended."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tierkit.errors import DataError, MemoryLimitError, SettingsError, TierkitError
from tierkit.files.writing import open_plain

ROOM = 32_768
"""Bytes kept free for the cause of a failure and its `run.json`."""
_ROOM_FILE = "room"
_FULL = "no space left on device"
_OF_MEMORY = (
    "out of memory", "cannot allocate memory", "bad_alloc", "failed to map segment",
    "can't start new thread", "failed to allocate", "unable to allocate",
)  # fmt: skip
_OF_SERVERS = ("pyspark", "grpc")
"""Packages whose errors tell of a server that computes for us."""
_OF_DISK = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE,
    errno.ENFILE, errno.ESTALE, errno.ETXTBSY, errno.EBUSY, errno.EEXIST, errno.ENOTEMPTY,
    errno.EXDEV, errno.EINTR,
})  # fmt: skip


@contextmanager
def reserved_room(scratch: Path) -> Iterator[Callable[[], None]]:
    """Hold some bytes of the disk while a run goes on; what is yielded gives them back.

    A run that fills the disk can then still leave its cause in words.

    Raises
    ------
    OSError
        If the disk has no room even for that.
    """
    file = scratch / _ROOM_FILE

    def give_back() -> None:
        with suppress(OSError):
            file.unlink(missing_ok=True)

    try:
        with os.fdopen(open_plain(file), "r+b") as target:
            target.truncate(0)
            target.write(b"\1" * ROOM)
        yield give_back
    finally:
        give_back()


@contextmanager
def disk_errors_in_words() -> Iterator[None]:
    """Turn what the system refuses into an error that says what to do; its notes stay.

    Raises
    ------
    SettingsError
        In place of an `OSError`, and of any other error that a full disk caused.
    MemoryLimitError
        In place of any error that says that memory ran out.
    DataError
        In place of an error of a server that computes.
    """
    try:
        yield
    except Exception as error:
        said = words_of_fault(error)
        if said is None:
            raise
        for note in getattr(error, "__notes__", []):
            said.add_note(note)
        raise said from error


def words_of_fault(error: BaseException) -> TierkitError | None:
    """Return the error in words for a refusal of the system; None for any other error.

    Examples
    --------
    >>> print(words_of_fault(PermissionError(13, "Permission denied", "reports")))
    reports could not be read or written: Permission denied. Make room, or put the project where \
you may write.
    >>> words_of_fault(ValueError("a fault")) is None
    True
    """
    if isinstance(error, TierkitError):
        return None
    if is_out_of_memory(error):
        return MemoryLimitError(
            "Memory ran out. Close other programs, allow more of it, or lower "
            "model.max_training_rows."
        )
    if isinstance(error, UnicodeEncodeError) and "surrogates not allowed" in error.reason:
        return SettingsError(
            "A name of a file or folder is not written in UTF-8. Give it another name."
        )
    if type(error).__module__.partition(".")[0] in _OF_SERVERS:
        return DataError(
            f"The server of the engine does not answer, or refused ({type(error).__name__}). See "
            "that it runs, then run it again; nothing was published."
        )
    refused = isinstance(error, OSError) and error.errno in _OF_DISK
    refused |= isinstance(error, shutil.Error)
    if not refused and not is_disk_full(error):
        return None
    name, why = _file_and_reason(error)
    return SettingsError(
        f"{name} could not be read or written: {why}. "
        "Make room, or put the project where you may write."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or one that it came from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        said = str(seen).lower()
        if isinstance(seen, MemoryError) or any(words in said for words in _OF_MEMORY):
            return True
        if isinstance(seen, OSError) and seen.errno == errno.ENOMEM:
            return True
        seen = seen.__cause__
    return False


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that a disk is full."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_full or _FULL in str(error).lower()


def _file_and_reason(error: BaseException) -> tuple[str, str]:
    """Return which file was refused and why; of a folder that was copied, its first file."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        _, copy, why = error.args[0][0]
        return str(copy), re.sub(r"^\[Errno \d+\] |: '.*$", "", str(why))
    if isinstance(error, OSError) and error.strerror:
        return str(error.filename or "A file"), error.strerror
    return "A file", _FULL
