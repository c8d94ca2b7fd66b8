"""The last ten versions of each file that people and commands change, and the way back."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.files.writing import DRAFT, make_folder, refuse_links, write_whole

VERSIONS = "versions"
MOST_VERSIONS = 10
_ABSENT = ".absent"
_WRITTEN = "last-written"


@dataclass(frozen=True)
class Version:
    """An earlier content of a file.

    Attributes
    ----------
    file
        Its name below the project's folder, such as `overrides.csv`.
    until
        The moment, in UTC, at which it was replaced.
    content
        Its bytes; None where the file was not there.
    """

    file: str
    until: str
    content: bytes | None
    place: Path

    def __str__(self) -> str:
        """Return the version as a line."""
        if self.content is None:
            return f"until {self.until}: the file was not there"
        lines = self.content.count(b"\n")
        return f"until {self.until}: {lines:,} line{'' if lines == 1 else 's'}"


def change_file(
    file: Path,
    content: str | bytes,
    *,
    before: bytes | None,
    project: Path,
    scratch: Path,
) -> None:
    """Replace a file of a project, once the content that is given up lies among its versions.

    Call it with `files_lock` held, which also held when `before` was read.

    Parameters
    ----------
    file
        `tier_history.csv`, `overrides.csv`, `tierkit.toml`, or a file of `experiments/`.
    before
        The bytes that the change was made from; None where there was no file.
    project, scratch
        The project's folder, and its `.tierkit`.

    Raises
    ------
    SettingsError
        If the file holds something else by now, is a link, or cannot be written.
    """
    plain = content.encode("utf-8") if isinstance(content, str) else content
    name = file.relative_to(project).as_posix()
    make_folder(file.parent, below=project)
    if content_of(file) != before:
        raise SettingsError(
            f"{name}: was changed by somebody else in the meantime. Nothing was written; look at "
            "it and try again."
        )
    try:
        _sweep_drafts(file)
        if plain != before:
            _keep(name, before, scratch=scratch)
            write_whole(file, plain)
        write_whole(_folder(name, scratch) / _WRITTEN, plain)
    except OSError as error:
        raise SettingsError(f"{name}: cannot be written: {error.strerror}.") from error
    if content_of(file) != plain:
        raise SettingsError(
            f"{name}: holds something else than was written. Is another program open on it? "
            "Close it and try again."
        )


def content_of(file: Path) -> bytes | None:
    """Return the bytes of a file that is no link; None where there is none.

    Raises
    ------
    SettingsError
        If it is a link, or cannot be read.
    """
    refuse_links(file, below=file.parent)
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file.name}: cannot be read: {error.strerror}.") from error


def last_written(file: Path, *, project: Path, scratch: Path) -> bytes | None:
    """Return the bytes that tierkit wrote into a file last; None where that is not known."""
    name = file.relative_to(project).as_posix()
    with suppress(SettingsError):
        return content_of(_folder(name, scratch) / _WRITTEN)
    return None


def versions_of(name: str, *, scratch: Path) -> list[Version]:
    """Return the versions of a file that can be brought back, the newest first."""
    folder = _folder(name, scratch)
    found = sorted((one for one in folder.glob("20*") if not one.is_symlink()), reverse=True)
    return [_version(name, place) for place in found]


def undo_change(name: str, *, project: Path, scratch: Path, number: int = 1) -> Version:
    """Bring an earlier version of a file back and return it; the present one becomes a version.

    Call it with `files_lock` held.

    Parameters
    ----------
    name
        Below the project's folder, such as `overrides.csv`.
    number
        1 for the newest version, 2 for the one before.

    Raises
    ------
    SettingsError
        If there is no such version, or it cannot be written.
    """
    known = versions_of(name, scratch=scratch)
    if not 1 <= number <= len(known):
        there = f"there are {len(known)}" if known else "there is none"
        raise SettingsError(f"{name}: no version {number} can be brought back; {there}.")
    chosen, file = known[number - 1], project / name
    present = content_of(file)
    if chosen.content is not None:
        change_file(file, chosen.content, before=present, project=project, scratch=scratch)
    elif present is not None:
        _keep(name, present, scratch=scratch)
        (_folder(name, scratch) / _WRITTEN).unlink(missing_ok=True)
        file.unlink()
    chosen.place.unlink(missing_ok=True)
    return chosen


def changed_files(scratch: Path) -> list[str]:
    """Return the names of the files that have versions, in order."""
    base = scratch / VERSIONS
    found = {one.parent.relative_to(base).as_posix() for one in base.rglob("20*") if one.is_file()}
    return sorted(found)


def _sweep_drafts(file: Path) -> None:
    """Take away what killed processes left of a file; the lock says that none of them lives."""
    for left in file.parent.glob(f".*{DRAFT}"):
        if left.name.startswith(f".{file.name}."):
            left.unlink(missing_ok=True)


def _folder(name: str, scratch: Path) -> Path:
    return scratch / VERSIONS / name


def _version(name: str, place: Path) -> Version:
    stamp = place.name.removesuffix(_ABSENT).rpartition("-")[0]
    until = datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    content = None if place.name.endswith(_ABSENT) else place.read_bytes()
    return Version(name, until.isoformat(sep=" ", timespec="seconds"), content, place)


def _keep(name: str, content: bytes | None, *, scratch: Path) -> None:
    """Add a version and let those go that are more than ten changes old."""
    folder = make_folder(_folder(name, scratch), below=scratch.parent)
    mark = hashlib.sha256(content or b"").hexdigest()[:8]
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{mark}"
    write_whole(folder / f"{stamp}{_ABSENT if content is None else ''}", content or b"")
    for old in sorted(folder.glob("20*"), reverse=True)[MOST_VERSIONS:]:
        old.unlink(missing_ok=True)
