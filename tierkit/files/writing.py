"""Files written whole or not at all, and never through a link."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from tierkit.errors import SettingsError

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS
_USUAL_MODE = 0o644
DRAFT = ".draft"
"""The ending of files that are not yet whole; their names begin with a dot."""


def write_whole(file: Path, content: str | bytes, *, lasting: bool = True) -> None:
    """Replace a file in one step: others find the old content or the new one, never a part.

    Parameters
    ----------
    content
        Text is written in UTF-8, with its line ends as they are.
    lasting
        Whether to wait until the disk holds it.

    Raises
    ------
    SettingsError
        If the file is a link.
    OSError
        If it cannot be written; the old file is left as it was.
    """
    plain = content.encode("utf-8") if isinstance(content, str) else content

    def write(draft: Path) -> None:
        with draft.open("r+b") as target:
            target.write(plain)
            target.flush()
            if lasting:
                os.fsync(target.fileno())

    with draft_of(file) as draft:
        write(draft)
    if lasting:
        sync(file.parent)


@contextmanager
def draft_of(file: Path) -> Iterator[Path]:
    """Give an empty file of a name of its own, which takes the place of `file` after the block.

    Raises
    ------
    SettingsError
        If the file is a link.
    """
    refuse_links(file, below=file.parent)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}{DRAFT}")
    os.close(os.open(draft, _NEW, _mode_of(file)))
    try:
        yield draft
        draft.replace(file)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder of another name, which becomes `folder` after the block.

    Raises
    ------
    SettingsError
        If something of that name is there already.
    """
    if folder.exists():
        raise SettingsError(f"{folder}: is there already. Name a new folder.")
    draft = folder.resolve().with_name(f".{folder.name}.{secrets.token_hex(6)}{DRAFT}")
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.rename(folder)
    except BaseException:
        rmtree(draft, ignore_errors=True)
        raise


def open_plain(file: Path) -> int:
    """Open a file for reading and writing, made where it is missing, and return its descriptor.

    Raises
    ------
    SettingsError
        If it is a link, no plain file, or a file that has a second name elsewhere.
    """
    refuse_links(file, below=file.parent)
    flags = os.O_RDWR | os.O_CREAT | _NO_LINKS | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(file, flags, _USUAL_MODE)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise SettingsError(
        f"{file}: is no file of its own, so writing it could change another one. Take it away."
    )


def make_folder(folder: Path, *, below: Path) -> Path:
    """Make a folder and those above it, none of them a link from `below` on; return it.

    Raises
    ------
    SettingsError
        If one of them is a link, or no folder.
    """
    refuse_links(folder, below=below)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingsError(
            f"{folder}: is there and is no folder, or lies in a file. Take it away."
        ) from error
    refuse_links(folder, below=below)
    return folder


def refuse_links(path: Path, *, below: Path) -> None:
    """Refuse a path that is a link, or that a link leads to.

    Parameters
    ----------
    below
        The folder below which nothing may be a link; it and what lies above are the person's own.

    Raises
    ------
    SettingsError
        Naming the link.

    Examples
    --------
    >>> refuse_links(Path("no such folder/lock"), below=Path("no such folder"))
    """
    steps = [path, *path.parents]
    inside = steps[: max(steps.index(below), 1)] if below in steps else [path]
    for step in reversed(inside):
        if step.is_symlink() or _is_junction(step):
            raise SettingsError(
                f"{step}: is a link to somewhere else, and tierkit writes through none. "
                "Put a file or folder of its own there."
            )


def refuse_links_inside(folder: Path) -> None:
    """Refuse a folder that tierkit writes into if it is a link, or one lies anywhere in it.

    Raises
    ------
    SettingsError
        Naming the first link.
    """
    refuse_links(folder, below=folder)
    for place, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            refuse_links(Path(place) / name, below=Path(place) / name)


def sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to its disk."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode_of(file: Path) -> int:
    try:
        return stat.S_IMODE(file.lstat().st_mode) & 0o777
    except OSError:
        return _USUAL_MODE


def _is_junction(path: Path) -> bool:
    """Return whether a path is what Windows has for links between folders."""
    ask: Callable[[Path], bool] = getattr(os.path, "isjunction", lambda _: False)
    return ask(path)
