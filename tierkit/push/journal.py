"""The journal of a push: what was confirmed, sent and written; what continues it and undoes it.

A file of JSON lines. The first is the plan. Before a batch goes out its ids are noted as `sent`,
when its answer is there what became of each; `ended` closes the journal. A process that is killed
leaves a journal that is not closed, and at most one batch of which only `sent` is known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tierkit.errors import SettingsError
from tierkit.files import make_folder, open_plain
from tierkit.push.difference import UNDO, Plan
from tierkit.push.records import CrmRecords

SUFFIX = ".jsonl"


@dataclass
class Journal:
    """A journal on disk and what stands in it.

    Attributes
    ----------
    sent
        The ids of records that were sent, answered or not.
    written, held
        The ids of those that were written, and of those that held the value already.
    failed
        The reasons of the others, by id.
    ended
        How the push ended; empty while it has not.
    """

    file: Path
    plan: Plan
    sent: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    ended: str = ""
    _length: int = 0

    @classmethod
    def begin(cls, folder: Path, plan: Plan) -> Journal:
        """Write the plan into a new journal in a folder."""
        make_folder(folder, below=folder.parent)
        stem = f"{plan.title}_{plan.crm}_{plan.digest}"
        if plan.title.startswith(UNDO):
            stem = f"undo_{plan.title.removeprefix(UNDO).removesuffix(SUFFIX)}"
        names = (f"{stem}{f'_{number}' if number > 1 else ''}{SUFFIX}" for number in count(1))
        journal = cls(next(folder / name for name in names if not (folder / name).exists()), plan)
        journal._append(plan.to_json())
        return journal

    @classmethod
    def open(cls, file: Path) -> Journal:
        """Read a journal; a line that a kill cut off counts as not written.

        Raises
        ------
        SettingsError
            If there is no such file, or it is no journal.
        """
        try:
            content = file.read_bytes()
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read: {error.strerror}.") from error
        whole = content[: content.rfind(b"\n") + 1]
        try:
            first, *others = [json.loads(line) for line in whole.decode().splitlines()]
            journal = cls(file, Plan.from_json(first), _length=len(whole))
            for line in others:
                journal._take(line)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingsError(
                f"{file}: is no journal of tierkit push. Give a file of the folder pushes."
            ) from error
        return journal

    @property
    def done(self) -> set[str]:
        """The ids of records that need nothing more."""
        return self.written | self.held | set(self.failed)

    def note_sent(self, ids: Sequence[str]) -> None:
        """Note the ids of a batch before it goes out."""
        self._note({"sent": [*ids]})

    def note_done(
        self, *, written: Iterable[str], held: Iterable[str], failed: Mapping[str, str]
    ) -> None:
        """Note what became of a batch."""
        self._note({"written": [*written], "held": [*held], "failed": dict(failed)})

    def end(self, how: str) -> None:
        """Close the journal: nothing continues it any more."""
        self._note({"ended": how})

    def _note(self, line: Mapping[str, Any]) -> None:
        self._append(json.dumps(line, ensure_ascii=False))
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        self.sent.update(line.get("sent", ()))
        self.written.update(line.get("written", ()))
        self.held.update(line.get("held", ()))
        self.failed.update(line.get("failed", {}))
        self.ended = line.get("ended", self.ended)

    def _append(self, line: str) -> None:
        """Add a line and wait until it is on disk; a line that was cut off gives way."""
        with os.fdopen(open_plain(self.file), "r+b") as target:
            target.truncate(self._length)
            target.seek(self._length)
            self._length += target.write(f"{line}\n".encode())
            target.flush()
            os.fsync(target.fileno())


def unfinished_journal(folder: Path, records: CrmRecords, *, title: str) -> Journal | None:
    """Return the journal of a push of that title to that place that was stopped; None if none."""
    place = (title, records.crm, records.host, records.object_name, records.field)
    for file in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        try:
            journal = Journal.open(file)
        except SettingsError:
            continue  # cut off before anything was sent, or no journal
        plan = journal.plan
        if not journal.ended and place == (
            plan.title, plan.crm, plan.host, plan.object_name, plan.field
        ):  # fmt: skip
            return journal
    return None
