"""Publication of a finished run: all of it or nothing, and the last good report is never lost."""

from __future__ import annotations

import ctypes
import errno
import filecmp
import hashlib
import json
import os
import re
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tierkit.errors import GateError, SettingsError
from tierkit.files import make_folder, read_json, refuse_links, write_whole

RUN_FILE = "run.json"
UNKNOWN = "unknown"
JOURNAL = ".publishing.json"
MARK = ".tierkit-reports"
"""The file that tells a folder of reports from a folder of somebody else."""
_MARK_TEXT = "tierkit publishes here, and replaces index.html and the folders of quarters.\n"
_ARCHIVE, _FAILED, _INCOMING, _INDEX = "archive", "failed", ".incoming", "index.html"
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux
_AT_FDCWD = -100


@dataclass(frozen=True)
class Publication:
    """The outcome of publishing.

    Attributes
    ----------
    folder
        Where the report lies.
    new
        Whether it was put there; False where the same report lay there already.
    replaced
        Where the report that lay there before is kept, None if there was none.
    """

    folder: Path
    new: bool
    replaced: Path | None = None


@dataclass(frozen=True)
class _Intent:
    """A planned exchange, written to a file so that it can be finished after a power cut.

    Names are those of folders in the folder of reports (the archive's with `archive/` before it).
    `new` and `old` are run ids: they tell which run lies where.
    """

    incoming: str
    target: str
    archive: str
    new: str
    old: str

    def must_stay_inside(self, reports: Path) -> None:
        """Raise unless every name is that of a folder in the folder of reports, and no link."""
        archived = self.archive.removeprefix(f"{_ARCHIVE}/")
        names = (self.incoming, self.target, *([archived] if self.archive else []))
        if not all(map(_is_plain_name, names)) or not self.incoming.startswith(_INCOMING):
            raise _foreign_journal(reports)
        for name in (self.incoming, self.target, self.archive):
            refuse_links(reports / name, below=reports)


def claim_reports(reports: Path) -> None:
    """Mark a folder of reports as tierkit's own; it is made where it is missing.

    A folder without the mark is taken if it is empty, or holds a published report and no
    `index.html` of somebody else.

    Raises
    ------
    SettingsError
        If the folder is a link or cannot be made, or holds something else than reports.
    """
    make_folder(reports, below=reports)
    if is_claimed(reports):
        return
    there = sorted(one.name for one in reports.iterdir() if not one.name.startswith("."))
    reported = (reports / _FAILED).is_dir() or any(map(_is_report, reports.iterdir()))
    if there and not (reported and _is_own_index(reports / _INDEX)):
        raise SettingsError(
            f"{reports}: holds {', '.join(there[:5])}, which tierkit has not written, so nothing "
            "is published there. Name an empty folder in [run] reports."
        )
    write_whole(reports / MARK, _MARK_TEXT)


def is_claimed(reports: Path) -> bool:
    """Return whether a folder is marked as one of tierkit's reports; nothing goes from others."""
    return not reports.is_symlink() and (reports / MARK).is_file()


def _is_own_index(index: Path) -> bool:
    """Return whether the page over all reports is not there, or is one that tierkit wrote."""
    if not index.is_file():
        return True
    return b'data-table="quarters"' in index.read_bytes()


def publish(finished: Path, *, reports: Path, label: str) -> Publication:
    """Publish a finished folder as `reports/<label>`.

    A report that lies there is exchanged for the new one in a single step where the system can do
    that, otherwise by two renamings that a journal lets the next command finish; it is kept as
    `reports/archive/<label>-<run id>`. If it holds the same bytes, `run.json` aside, nothing
    happens.

    Parameters
    ----------
    finished
        The folder, with a `run.json`; it is gone afterwards, unless the same report lay there.
    reports, label
        Where reports lie, and the name of this one.

    Raises
    ------
    GateError
        If its `run.json` states no run id of its own.
    SettingsError
        If something else than a report lies where this one goes.
    """
    target = reports / label
    make_folder(reports, below=reports)
    refuse_links(target, below=reports)
    if target.is_dir() and same_report(finished, target):
        return Publication(target, new=False)
    new, old = run_id(finished), run_id(target)
    if new in {UNKNOWN, old}:
        raise GateError(f"{finished / RUN_FILE}: states no run id of its own; found {new!r}.")
    _must_be_replaceable(target)
    incoming = _brought_in(finished, reports, new)
    _sync_tree(incoming)
    archive = (
        _free_name(reports / _ARCHIVE / _name_of(f"{label}-{old}")) if target.exists() else None
    )
    intent = _Intent(
        incoming=incoming.name,
        target=label,
        archive=f"{_ARCHIVE}/{archive.name}" if archive else "",
        new=new,
        old=old,
    )
    _write_journal(reports, intent)
    _complete(reports, intent)
    return Publication(target, new=True, replaced=archive)


def finish_interrupted(reports: Path) -> Path | None:
    """Finish what an interrupted command began to publish; call it first, with the lock held.

    Returns
    -------
    Path or None
        The report whose publication was finished, None where nothing had been interrupted.

    Raises
    ------
    SettingsError
        If the journal names anything but folders of these reports: no publication wrote it.
    """
    journal = reports / JOURNAL
    refuse_links(journal, below=reports)
    try:
        intent = _Intent(**read_json(journal))
    except FileNotFoundError:
        _sweep_incoming(reports)
        return None
    except (ValueError, TypeError):  # cut off while it was written: nothing had been moved yet
        journal.unlink()
        _sweep_incoming(reports)
        return None
    intent.must_stay_inside(reports)
    _complete(reports, intent)
    return reports / intent.target


def _sweep_incoming(reports: Path) -> None:
    """Take away what was brought in by a command that ended before it wrote its journal."""
    for left in reports.glob(f"{_INCOMING}*"):
        if left.is_symlink() or left.is_file():
            left.unlink()
        else:
            shutil.rmtree(left, ignore_errors=True)


def same_report(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files with the same bytes, `run.json` aside."""
    files = _files(one)
    return files == _files(other) and all(
        filecmp.cmp(one / file, other / file, shallow=False) for file in files
    )


def report_hash(folder: Path) -> str:
    """Return a hash of a report's files, `run.json` aside; empty where there is no such folder."""
    if not folder.is_dir():
        return ""
    whole = hashlib.sha256()
    for file in sorted(_files(folder)):
        whole.update(f"{file}\n".encode())
        whole.update((folder / file).read_bytes())
    return whole.hexdigest()


def keep_remains(run_folder: Path, *, reports: Path, run: str, cause: str) -> Path:
    """Move what is left of a failed run to `reports/failed/<run id>`, with its cause."""
    remains = _free_name(reports / _FAILED / _name_of(run))
    make_folder(remains.parent, below=reports)
    shutil.move(run_folder, remains)
    line = " ".join(cause.split())
    with suppress(OSError):  # a full disk must not hide why the run failed
        write_whole(remains / "cause.txt", f"{line}\n")
    return remains


def run_id(folder: Path) -> str:
    """Return the run id that a report's `run.json` states, `unknown` where it states none."""
    try:
        stated = read_json(folder / RUN_FILE)["run_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN
    return str(stated)


def _complete(reports: Path, intent: _Intent) -> None:
    """Bring the new report in from wherever an interruption left it; safe to repeat.

    Before the exchange `incoming` is the new run, after it the old one.
    """
    incoming, target = reports / intent.incoming, reports / intent.target
    archive = reports / intent.archive if intent.archive else None
    if incoming.is_dir() and run_id(incoming) == intent.new:
        _bring_in(incoming, target, archive)
    if archive and incoming.is_dir() and target.is_dir() and run_id(target) == intent.new:
        _rename(incoming, archive)
    if archive and not target.exists() and archive.is_dir():
        _rename(archive, target)  # the new run is lost: the old one comes back
    _sync(reports)
    (reports / JOURNAL).unlink(missing_ok=True)


def _bring_in(incoming: Path, target: Path, archive: Path | None) -> None:
    if not target.exists():
        _rename(incoming, target)
    elif not exchange(incoming, target) and archive:
        _rename(target, archive)
        _rename(incoming, target)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in a single step; return False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    result = libc.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_EXCHANGE)
    )
    if result == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _brought_in(finished: Path, reports: Path, run: str) -> Path:
    """Move a finished folder into the folder of reports, under a name that no report has."""
    incoming = _free_name(reports / _name_of(f"{_INCOMING}-{run}"))
    if finished.stat().st_dev == reports.stat().st_dev:
        finished.rename(incoming)
    else:
        shutil.copytree(finished, incoming, symlinks=True)
        shutil.rmtree(finished)
    return incoming


def _must_be_replaceable(target: Path) -> None:
    """Raise if what lies where a report goes is none."""
    if target.exists() and not _is_report(target):
        raise SettingsError(
            f"{target}: is no report of tierkit, so it is not replaced. Move it away."
        )


def _is_report(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (RUN_FILE, "facts.json"))


def _is_plain_name(name: str) -> bool:
    return bool(name) and name not in {".", ".."} and name == _name_of(name)


def _name_of(text: str) -> str:
    """Return a text with every sign replaced that the name of a folder should not hold.

    Examples
    --------
    >>> _name_of("2026Q3-../../home")
    '2026Q3-.._.._home'
    """
    return re.sub(r"[^A-Za-z0-9._ -]", "_", text)[:120]


def _foreign_journal(reports: Path) -> SettingsError:
    return SettingsError(
        f"{reports / JOURNAL}: names folders outside the reports, so no publication wrote it. "
        "Nothing was moved. Look at it, and delete it."
    )


def _files(folder: Path) -> set[Path]:
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return found - {Path(RUN_FILE)}


def _free_name(path: Path) -> Path:
    taken = (path.with_name(f"{path.name}-{number}") for number in range(2, 1_000_000))
    return path if not path.exists() else next(name for name in taken if not name.exists())


def _write_journal(reports: Path, intent: _Intent) -> None:
    write_whole(reports / JOURNAL, json.dumps(asdict(intent)))


def _rename(source: Path, goal: Path) -> None:
    make_folder(goal.parent, below=goal.parent)
    source.rename(goal)
    _sync(goal.parent)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to its disk."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
