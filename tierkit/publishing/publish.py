"""Put a finished run in its place: all of it or nothing, and the last good one is always kept."""

from __future__ import annotations

import ctypes
import errno
import filecmp
import hashlib
import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tierkit.errors import GateError

RUN_FILE = "run.json"
UNKNOWN = "unknown"
JOURNAL = ".publishing.json"
_INCOMING = ".incoming"
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

    Paths are relative to the folder of reports. `new` and `old` are run ids: they tell which
    run lies where.
    """

    incoming: str
    target: str
    archive: str
    new: str
    old: str


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
    """
    target = reports / label
    if target.is_dir() and same_report(finished, target):
        return Publication(target, new=False)
    reports.mkdir(parents=True, exist_ok=True)
    new, old = run_id(finished), run_id(target)
    if new in {UNKNOWN, old}:
        raise GateError(f"{finished / RUN_FILE}: states no run id of its own; found {new!r}.")
    incoming = _beside(finished, reports)
    _sync_tree(incoming)
    archive = _free_name(reports / "archive" / f"{label}-{old}") if target.exists() else None
    intent = _Intent(
        incoming=os.path.relpath(incoming, reports),
        target=label,
        archive=os.path.relpath(archive, reports) if archive else "",
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
    """
    journal = reports / JOURNAL
    try:
        intent = _Intent(**json.loads(journal.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # cut off while it was written: nothing had been moved yet
        journal.unlink()
        return None
    _complete(reports, intent)
    return reports / intent.target


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
    remains = _free_name(reports / "failed" / run)
    remains.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(run_folder, remains)
    line = " ".join(cause.split())
    with suppress(OSError):  # a full disk must not hide why the run failed
        (remains / "cause.txt").write_text(f"{line}\n", encoding="utf-8")
    return remains


def run_id(folder: Path) -> str:
    """Return the run id that a report's `run.json` states, `unknown` where it states none."""
    try:
        stated = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["run_id"]
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


def _beside(finished: Path, reports: Path) -> Path:
    """Return the folder on the file system of the reports, copied there only if it must be."""
    if finished.stat().st_dev == reports.stat().st_dev:
        return finished
    incoming = reports / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    shutil.copytree(finished, incoming)
    shutil.rmtree(finished)
    return incoming


def _files(folder: Path) -> set[Path]:
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return found - {Path(RUN_FILE)}


def _free_name(path: Path) -> Path:
    taken = (path.with_name(f"{path.name}-{number}") for number in range(2, 1_000_000))
    return path if not path.exists() else next(name for name in taken if not name.exists())


def _write_journal(reports: Path, intent: _Intent) -> None:
    journal = reports / JOURNAL
    with journal.open("w", encoding="utf-8") as file:
        json.dump(asdict(intent), file)
        file.flush()
        os.fsync(file.fileno())
    _sync(reports)


def _rename(source: Path, goal: Path) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
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
