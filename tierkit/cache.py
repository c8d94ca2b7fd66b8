"""Results of earlier computations, kept in files by the fingerprint of their inputs."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.statistics import FloatArray

MOST_FILES = 400
_A_DAY = 86_400


@dataclass(frozen=True)
class Kept:
    """A folder of results; without a folder everything is computed anew.

    Attributes
    ----------
    folder
        Made when something is kept; at most 400 files stay, the newest.

    Examples
    --------
    >>> Kept().value("sum", ["parts"], lambda: 3)
    3
    """

    folder: Path | None = None

    def value(self, kind: str, parts: Iterable[Any], compute: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return plain data (what JSON can hold), computed only where its parts are new.

        Parameters
        ----------
        kind
            The first part of the file's name.
        parts
            All that the result depends on: frames, series, arrays, or what can be spelled. The
            release of tierkit and its library count as well.
        compute
            Gives the result.
        """
        if self.folder is None:
            return compute()
        file = self.folder / f"{kind}-{fingerprint(parts)}.json"
        found = _read(file)
        if found is None:
            found = {"value": compute()}
            _write(file, found)
        return found["value"]


def fingerprint(parts: Iterable[Any]) -> str:
    """Return a short hash of parts; frames count with their index and columns.

    Examples
    --------
    >>> fingerprint([1, "a"]) == fingerprint([1, "a"]), fingerprint([1]) == fingerprint([2])
    (True, False)
    """
    whole = hashlib.sha256(_code().encode())
    for part in parts:
        whole.update(_bytes(part))
        whole.update(b"|")
    return whole.hexdigest()[:24]


def _bytes(part: pd.DataFrame | pd.Series[Any] | FloatArray | object) -> bytes:
    if isinstance(part, pd.DataFrame | pd.Series):
        names = [*part.columns] if isinstance(part, pd.DataFrame) else [part.name]
        hashed = pd.util.hash_pandas_object(part, index=True).to_numpy()
        return repr(names).encode() + hashed.tobytes()
    return repr(part).encode()


@cache
def _code() -> str:
    """Return a hash of what fits cards: the modules of this room and the library's release."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    texts = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(texts).hexdigest() + version("interpret-core")


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "value" in found else None


def _write(file: Path, found: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(found, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    part.replace(file)
    kind = file.name.split("-", 1)[0]
    files = sorted(file.parent.glob(f"{kind}-*.json"), key=_written)
    for old in files[:-MOST_FILES]:
        old.unlink(missing_ok=True)
    for lost in file.parent.glob(f"{kind}-*.part"):  # of a process that was ended
        if 0 < _written(lost) < time.time() - _A_DAY:
            lost.unlink(missing_ok=True)


def _written(file: Path) -> float:
    """Return when a file was written; one that another process has just removed is the oldest."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
