"""The writing of confirmed changes, batch by batch, and the journal that continues and undoes it.

The journal is a file of JSON lines. The first is the plan. Before a batch goes out its ids are
noted as `sent`, when its answer is there what became of each; `ended` closes the journal. A process
that is killed leaves a journal that is not closed, and at most one batch of which only `sent` is
known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tierkit.errors import SettingsError
from tierkit.files import make_folder, open_plain
from tierkit.push.difference import UNDO, Change, Plan, plan_for, shown
from tierkit.push.records import CrmRecords, read_all, update_each


@dataclass(frozen=True)
class Outcome:
    """Outcome of a push.

    Attributes
    ----------
    written, held
        How many records were written, and how many somebody else had set to the same value.
    failed
        The reasons of the others, by account id.
    """

    written: int
    held: int
    failed: Mapping[str, str]


def write_changes(
    journal: Journal, records: CrmRecords, *, on_batch: Callable[[int, int], None]
) -> Outcome:
    """Write what a journal has confirmed and not done, and close it.

    Each record is read again just before its batch goes out. One that holds another value than the
    one that was shown was changed by somebody: it fails with that reason and keeps its value.

    Parameters
    ----------
    on_batch
        Is told after each batch how many records are done, and of how many.
    """
    changes = journal.plan.changes
    rest = [one for one in changes if one.record not in journal.done]
    size = records.write_size(len(changes))
    for start in range(0, len(rest), size):
        _write_batch(journal, records, rest[start : start + size])
        on_batch(len(journal.done), len(changes))
    journal.end("finished")
    accounts = {one.record: one.account for one in changes}
    failed = {accounts[record]: reason for record, reason in sorted(journal.failed.items())}
    return Outcome(len(journal.written), len(journal.held), failed)


def _write_batch(journal: Journal, records: CrmRecords, batch: list[Change]) -> None:
    now = read_all(records, [one.record for one in batch])
    failed = {
        one.record: reason for one in batch if (reason := _conflict(one, now.get(one.record)))
    }
    arrived = {one.record for one in batch if now.get(one.record) == one.after}
    values = {one.record: one.after for one in batch if one.record not in failed.keys() | arrived}
    ours = arrived & journal.sent  # sent before a stop, the answer was lost
    if values:
        journal.note_sent([*values])
        failed |= update_each(records, values)
    written = [record for record in (*sorted(ours), *values) if record not in failed]
    journal.note_done(written=written, held=sorted(arrived - ours), failed=failed)


def _conflict(change: Change, now: str | None) -> str:
    """Return why a record must be left alone; empty where it need not."""
    if now is None:
        return "the record is gone"
    if now in (change.before, change.after):
        return ""
    return (
        f"changed by somebody since: held {shown(change.before)}, holds {shown(now)} now; left as "
        "it is"
    )


def find_undo(journal: Journal, records: CrmRecords) -> Plan:
    """Return the changes that restore what the records of a push held before.

    A record that holds something else by now was changed since: it is left, with that reason.

    Raises
    ------
    SettingsError
        If the journal is of another organisation.
    """
    plan = journal.plan
    if plan.host != records.host:
        raise SettingsError(
            f"{journal.file.name}: was written to {plan.host}, and this is {records.host}."
        )
    pushed = [one for one in plan.changes
              if one.record in journal.sent and one.record not in journal.failed]  # fmt: skip
    held = read_all(records, [one.record for one in pushed])
    changes, failures, unchanged = [], {}, 0
    for one in pushed:
        now = held.get(one.record)
        if now == one.before:
            unchanged += 1
        elif now == one.after:
            changes.append(Change(one.record, one.account, one.after, one.before))
        else:
            failures[one.account] = _conflict(one, now)
    return plan_for(records, f"{UNDO}{journal.file.name}", changes, failures, unchanged)


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
