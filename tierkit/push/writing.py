"""The writing of confirmed changes, batch by batch, and what would undo it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tierkit.errors import SettingsError
from tierkit.push.difference import UNDO, Change, Plan, plan_for, shown
from tierkit.push.journal import Journal
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
