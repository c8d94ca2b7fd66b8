"""Housekeeping of a project: what it no longer needs goes, earlier versions of files come back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.files import (
    DRAFT,
    Version,
    changed_files,
    files_lock,
    project_lock,
    refuse_links_inside,
    undo_change,
    versions_of,
)
from tierkit.publishing import is_claimed
from tierkit.settings import SCRATCH, Settings

_A_DAY = 86_400.0
_STALE_DRAFT_DAYS = 1 / 24
_OLD_DRAFTS = ("tier_history.new", "overrides.csv.new")
"""Drafts of earlier releases."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder that can go.

    Attributes
    ----------
    why
        Why, in a few words.
    size
        Its bytes, with everything in it.
    """

    path: Path
    why: str
    size: int


def leftovers(settings: Settings) -> list[Leftover]:
    """Return what `[keep]` lets go, and what ended commands left, in the order of their paths.

    Published reports, the project's own files and their versions never are among it, nor is
    anything in a folder of reports that tierkit has not marked as its own.
    """
    keep, scratch, reports = settings.keep, settings.scratch, settings.reports
    in_reports = [
        *_beyond(reports / "failed", days=keep.failed_days, most=keep.failed_most),
        *_beyond(reports / "archive", days=keep.archive_days, most=keep.archive_most),
    ]
    found = [
        *(in_reports if is_claimed(reports) else ()),
        *_beyond(scratch / "cache", days=keep.cache_days, most=None),
        *((path, "left by a command that was ended") for path in _unfinished(settings)),
    ]
    unique = {path: Leftover(path, why, _size(path)) for path, why in found}
    return [unique[path] for path in sorted(unique)]


def clean_project(settings: Settings) -> list[Leftover]:
    """Take away what `leftovers` names, while no run goes on, and return it.

    Raises
    ------
    SettingsError
        If a run of the project goes on, or something cannot be taken away.
    """
    with project_lock(settings.scratch), files_lock(settings.scratch):
        found = leftovers(settings)
        for one in found:
            _take_away(one.path)
    return found


def known_versions(folder: Path) -> list[Version]:
    """Return the versions of a project's files that can be brought back, by file, newest first."""
    scratch = _scratch(folder)
    return [one for name in changed_files(scratch) for one in versions_of(name, scratch=scratch)]


def undo_last_change(folder: Path, name: str, *, number: int = 1) -> Version:
    """Bring an earlier version of one of the project's files back, and return it.

    Parameters
    ----------
    name
        Such as `overrides.csv` or `experiments/2026Q4 Tier 1 Tier 2.csv`.
    number
        1 for the newest version, 2 for the one before.

    Raises
    ------
    SettingsError
        If there is no such version.
    """
    scratch = _scratch(folder)
    known = changed_files(scratch)
    if name not in known:
        there = f"There are versions of {', '.join(known)}." if known else "There is none yet."
        raise SettingsError(f"{name}: no earlier version is kept. {there}")
    with files_lock(scratch):
        return undo_change(name, project=folder, scratch=scratch, number=number)


def _scratch(folder: Path) -> Path:
    """Return the `.tierkit` of a project's folder, whether or not its settings can be read."""
    scratch = folder / SCRATCH
    refuse_links_inside(scratch)
    return scratch


def _beyond(folder: Path, *, days: float, most: int | None) -> Iterator[tuple[Path, str]]:
    """Yield what lies in a folder and is older than so many days, or not among the newest."""
    if folder.is_symlink() or not folder.is_dir():
        return
    ordered = sorted(folder.iterdir(), key=lambda one: (-_written(one), one.name))
    for place, path in enumerate(ordered):
        if _age(path) > days:
            yield path, f"older than {days:g} days"
        elif most is not None and place >= most:
            yield path, f"not among the newest {most}"


def _unfinished(settings: Settings) -> Iterator[Path]:
    """Yield what a command leaves that is ended from outside."""
    folder, scratch = settings.folder, settings.scratch
    yield from (scratch / "runs").glob("*")
    if is_claimed(settings.reports):
        yield from settings.reports.glob(".incoming*")
    yield from (folder / name for name in _OLD_DRAFTS if (folder / name).is_file())
    places: Sequence[Path] = (folder, folder / "experiments", settings.reports, scratch)
    spilled = (scratch / "spill").glob("*")
    yield from (one for one in spilled if _age(one) > _STALE_DRAFT_DAYS)
    for place in places:
        inside = place.rglob if place == scratch else place.glob
        yield from (one for one in inside(f".*{DRAFT}") if _age(one) > _STALE_DRAFT_DAYS)


def _take_away(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be taken away: {error.strerror}.") from error


def _age(path: Path) -> float:
    return (time.time() - _written(path)) / _A_DAY


def _written(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else iter([path])
    return sum(one.lstat().st_size for one in inside if not one.is_dir())
