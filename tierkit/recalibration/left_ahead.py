"""What was found ahead of the notebook that needs it, in the folder of a run under way."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def leave(folder: Path, name: str, found: object, *, of: str = "") -> None:
    """Leave a result in the folder of a run.

    Parameters
    ----------
    name
        The name of its file, without an ending.
    of
        What it was found of, beside the run's own tables.
    """
    file = folder / f"{name}.pickle"
    part = file.with_suffix(".part")
    part.write_bytes(pickle.dumps((of, found)))
    part.replace(file)


def left_or(folder: Path, name: str, compute: Callable[[], T], *, of: str = "") -> T:
    """Return what `leave` has left of the same, computed where there is nothing."""
    file = folder / f"{name}.pickle"
    if not file.is_file():
        return compute()
    found_of, found = pickle.loads(file.read_bytes())
    return found if found_of == of else compute()
