"""A disk that is full: room kept for saying so, and errors of the disk in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tierkit.errors import SettingsError, TierkitError

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
