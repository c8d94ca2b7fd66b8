"""The newest accept taken back: every file that it changed, together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.files import (
    content_of,
    files_lock,
    parse_json,
    refuse_links_inside,
    undo_change,
    write_whole,
)
from tierkit.settings import SCRATCH

_RECORD = "accept.json"


def contents(files: Iterable[Path]) -> dict[Path, bytes | None]:
    """Return the bytes of files by their paths; None where there is none."""
    return {file: content_of(file) for file in files}


def record_accept(scratch: Path, before: Mapping[Path, bytes | None]) -> None:
    """Record which files an accept has changed, so that they can be brought back together.

    The lock of the project's files is held. Where nothing has changed, the earlier record stays.

    Parameters
    ----------
    before
        What the files held that it may change.
    """
    changed = {
        file.name: _mark(now) for file, was in before.items() if (now := content_of(file)) != was
    }
    if changed:
        write_whole(scratch / _RECORD, json.dumps(changed, sort_keys=True), lasting=False)


def accepted_together(scratch: Path) -> list[str]:
    """Return the files that the newest accept changed; empty where none is recorded."""
    return [*_record(scratch)]


def undo_accept(folder: Path) -> list[str]:
    """Bring back what the newest accept changed, and return the names of the files.

    Raises
    ------
    SettingsError
        If no accept is recorded, or one of its files was changed since; nothing is changed then.
    """
    scratch = folder / SCRATCH
    refuse_links_inside(scratch)
    with files_lock(scratch):
        record = _record(scratch)
        if not record:
            raise SettingsError("undo accept: there is no accept that can be taken back.")
        later = [name for name, mark in record.items() if _mark(content_of(folder / name)) != mark]
        if later:
            raise SettingsError(
                f"undo accept: {' and '.join(later)} changed after it. Nothing was brought back; "
                "take the files back one by one with `tierkit undo NAME`."
            )
        for name in record:
            undo_change(name, project=folder, scratch=scratch)
        (scratch / _RECORD).unlink()
    return [*record]


def _record(scratch: Path) -> dict[str, str]:
    """Return the marks of the files that the newest accept changed, by name.

    Raises
    ------
    SettingsError
        If the record holds anything but names of files of the project.
    """
    content = content_of(scratch / _RECORD)
    if content is None:
        return {}
    try:
        record = parse_json(content.decode("utf-8"))
    except ValueError:
        record = None
    if not isinstance(record, dict) or any(Path(name).name != name for name in record):
        raise SettingsError(
            f"{scratch.name}/{_RECORD}: is no record that `tierkit accept` wrote. Delete it; files "
            "are brought back one by one with `tierkit undo NAME`."
        )
    return record


def _mark(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()
