"""Drafts: what-ifs with whole pages that are never published, no promise and no predecessor."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.files import make_folder, refuse_links
from tierkit.publishing.published import read_facts
from tierkit.settings import Settings

DRAFTS = "drafts"
_NAME = re.compile(r"[\w][\w .+-]{0,59}")


@dataclass(frozen=True)
class Draft:
    """A what-if: its name, which its pages show, and its folder."""

    name: str
    folder: Path


def choose_draft(
    settings: Settings, *, name: str | None = None, folder: Path | None = None
) -> Draft | None:
    """Return the draft that is asked for by name or by folder; None where none is.

    Raises
    ------
    SettingsError
        If both are given, the name is no name of a folder, or the folder is a link or holds
        anything but a draft: a report is never replaced by one.
    """
    if name is None and folder is None:
        return None
    if name is not None and folder is not None:
        raise SettingsError("--draft and --to exclude each other: take one.")
    if name is not None and (not _NAME.fullmatch(name) or name.endswith((".", " "))):
        raise SettingsError(
            f"--draft {name!r}: is no name for a folder. Take letters, digits, spaces and - + . _"
        )
    reports = settings.reports.resolve()
    target = folder.resolve() if folder is not None else reports / DRAFTS / str(name)
    refuse_links(target, below=reports)
    inside = target == reports or reports in target.parents
    if inside and reports / DRAFTS not in target.parents:
        raise SettingsError(
            f"--to {folder}: lies where reports are published. Take {DRAFTS}/NAME there, or a "
            "folder elsewhere."
        )
    if target.exists() and not _is_draft(target):
        raise SettingsError(f"--to {target.name}: holds something that is no draft. Take another.")
    return Draft(name or target.name, target)


def place_draft(report: Path, draft: Draft) -> Path:
    """Move a finished report to the folder of its draft, in place of an earlier one."""
    make_folder(draft.folder.parent, below=draft.folder.parent)
    refuse_links(draft.folder, below=draft.folder)
    if draft.folder.exists():
        shutil.rmtree(draft.folder)
    shutil.move(report, draft.folder)
    return draft.folder


def _is_draft(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        return bool(read_facts(folder).get("draft"))
    except SettingsError:
        return False
