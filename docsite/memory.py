"""Pages that were run before: what came of them, under a hash of all that it was made of."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import tierkit

PACKAGE = Path(tierkit.__file__).parent
READ = (".py", ".toml", ".j2", ".css", ".ipynb")


@cache
def code() -> str:
    """Return a hash of the package and of this builder."""
    folders = (PACKAGE, Path(__file__).parent, PACKAGE.parent / "notebooks")
    files = (file for folder in folders for file in folder.rglob("*") if file.suffix in READ)
    return hash_of(file.read_bytes() for file in sorted(files))


def hash_of(parts: Iterable[bytes]) -> str:
    """Return one hash of several contents."""
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()[:24]


class Memory:
    """A folder of results; each is a folder of files under its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, key: str, target: Path) -> bool:
        """Copy what lies under a key into a folder; return whether anything did."""
        if not (self.folder / key).is_dir():
            return False
        shutil.copytree(self.folder / key, target, dirs_exist_ok=True)
        return True

    def keep(self, key: str, *sources: Path) -> None:
        """Keep files, or all of a folder, under a key."""
        place = self.folder / f"{key}.part"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, place, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, place / source.name)
        place.rename(self.folder / key)
