"""The one store of computed results: plain data, tables and folders, by all they were made of."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from tierkit.errors import SettingsError
from tierkit.files import make_folder, read_json, write_whole
from tierkit.statistics import FloatArray

MOST_FILES, MOST_FOLDERS = 400, 4
_A_DAY = 86_400


@dataclass(frozen=True)
class Cache:
    """A folder of results; without a folder everything is computed anew.

    A result is found again under its name and the fingerprint of its key. The key holds all that
    the result depends on: data, settings, quarter, as frames, series, arrays, or whatever can be
    spelled. The code of tierkit counts as well, so that another release finds nothing of this one.

    Attributes
    ----------
    folder
        Made when something is kept. Of each name the newest 400 files stay, and 4 folders.

    Examples
    --------
    >>> Cache().value("sum", ["parts"], lambda: 3)
    3
    """

    folder: Path | None = None

    def value(self, name: str, key: Iterable[Any], compute: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return plain data (what JSON can hold), computed only where its key is new."""
        if self.folder is None:
            return compute()
        file = self._place(name, key, ".json")
        found = _read(file)
        if found is None:
            found = {"value": compute()}
            text = json.dumps(found, ensure_ascii=False, allow_nan=False)
            _put(file, text)
        return found["value"]

    def frame(
        self, name: str, key: Iterable[Any], compute: Callable[[], pd.DataFrame]
    ) -> pd.DataFrame:
        """Return a data frame with its index, computed only where its key is new.

        Examples
        --------
        >>> Cache().frame("table", [], lambda: pd.DataFrame({"a": [1]}))["a"].tolist()
        [1]
        """
        if self.folder is None:
            return compute()
        file = self._place(name, key, ".parquet")
        try:
            return pd.read_parquet(file)
        except (OSError, ValueError):  # not there, or cut off
            found = compute()
            _put(file, found.to_parquet())
            return found

    def files(self, name: str, key: Iterable[Any], make: Callable[[Path], object]) -> Path:
        """Return a folder of files, filled by `make` only where its key is new.

        Without a folder of its own the cache makes one that lasts as long as the process may need
        it: the system clears it away.
        """
        if self.folder is None:
            passing = Path(tempfile.mkdtemp(prefix=f"tierkit-{name}-"))
            make(passing)
            return passing
        place = self._place(name, key, "")
        if not place.is_dir():
            part = _own_part(place)
            _remove(part)  # of a process of the same number
            part.mkdir(parents=True)
            try:
                make(part)
            except BaseException:
                _remove(part)
                raise
            _take_place(part, place)
        os.utime(place)
        _keep_newest(place, "", MOST_FOLDERS)
        return place

    def newest(self, name: str) -> Path | None:
        """Return the folder of `files` under a name that was used last, whatever its key."""
        found = [] if self.folder is None else [*self.folder.glob(f"{name}-*")]
        folders = [one for one in found if one.is_dir() and not one.suffix]
        return max(folders, key=_written, default=None)

    def _place(self, name: str, key: Iterable[Any], ending: str) -> Path:
        return (self.folder or Path()) / f"{name}-{fingerprint(key)}{ending}"


def fingerprint(parts: Iterable[Any]) -> str:
    """Return a short hash of parts and of the code; frames count with their index and columns.

    Examples
    --------
    >>> fingerprint([1, "a"]) == fingerprint([1, "a"]), fingerprint([1]) == fingerprint([2])
    (True, False)
    """
    whole = hashlib.sha256(code_hash().encode())
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
def code_hash() -> str:
    """Return a hash of all modules of tierkit and of the release of what fits cards."""
    package = Path(__file__).parent
    whole = hashlib.sha256(version("interpret-core").encode())
    for file in sorted(package.rglob("*.py")):
        whole.update(file.relative_to(package).as_posix().encode())
        whole.update(file.read_bytes())
    return whole.hexdigest()


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = read_json(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "value" in found else None


def _own_part(place: Path) -> Path:
    return place.with_name(f"{place.name}.{os.getpid()}.part")


def _put(file: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, and let the oldest of its name go.

    Where nothing can be written, nothing is kept, and the next one computes again.
    """
    try:
        make_folder(file.parent, below=file.parent)
        write_whole(file, content, lasting=False)
    except (OSError, SettingsError):
        return
    _keep_newest(file, file.suffix, MOST_FILES)


def _take_place(part: Path, place: Path) -> None:
    """Put a finished folder in its place; the same of another process may lie there by now."""
    try:
        part.rename(place)
    except OSError:
        shutil.rmtree(part)


def _keep_newest(place: Path, ending: str, most: int) -> None:
    name = place.name.split("-", 1)[0]
    alike = [one for one in place.parent.glob(f"{name}-*{ending}") if one.suffix == ending]
    for old in sorted(alike, key=_written)[:-most]:
        _remove(old)
    for lost in place.parent.glob(f"{name}-*.part"):  # of a process that was ended
        if 0 < _written(lost) < time.time() - _A_DAY:
            _remove(lost)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _written(file: Path) -> float:
    """Return when a file was written; one that another process has just removed is the oldest."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
