"""The difference between the tiers in force and what a field of the CRM holds now."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tierkit.errors import DataError
from tierkit.push.records import CrmRecords, read_all

UNDO = "undo of "
"""Beginning of the title of a push that restores what another one changed."""
_DIGEST_SIGNS = 6


class Wanted(NamedTuple):
    """Value that the record of an account is to hold; empty text for nothing."""

    account: str
    record: str
    value: str


class Change(NamedTuple):
    """A record whose field is to hold something else than it held when it was read."""

    record: str
    account: str
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """Everything that one push writes, and where.

    Attributes
    ----------
    title
        What is written: a quarter, or `undo of` a journal.
    crm, host, object_name, field
        Where it is written.
    changes
        In the order of record ids.
    failures
        The reasons why accounts cannot be written, by account id.
    unchanged
        How many records hold already what they are to hold.
    """

    title: str
    crm: str
    host: str
    object_name: str
    field: str
    changes: tuple[Change, ...] = ()
    failures: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unchanged: int = 0

    @property
    def digest(self) -> str:
        """A short hash of place and changes: another difference has another one."""
        place = [self.title, self.crm, self.host, self.object_name, self.field]
        text = json.dumps([place, self.changes])
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_SIGNS]

    @property
    def phrase(self) -> str:
        """The words that confirm these changes and no others."""
        verb = "undo" if self.title.startswith(UNDO) else "push"
        return f"{verb} {len(self.changes)} to {self.object_name}.{self.field} {self.digest}"

    def to_json(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_json` wrote."""
        return cls(**{**found, "changes": tuple(Change(*one) for one in found["changes"])})


def find_difference(records: CrmRecords, wanted: Sequence[Wanted], *, title: str) -> Plan:
    """Return what must change in the CRM, and which accounts cannot be written and why.

    Raises
    ------
    DataError
        If two accounts name the same record, or no account has a record id.
    """
    failures = {one.account: _id_problem(records, one) for one in wanted}
    failures = {account: reason for account, reason in failures.items() if reason}
    _refuse_ids_of_another_system(records, wanted, failures)
    asked = sorted(
        (one for one in wanted if one.account not in failures), key=lambda one: one.record
    )
    _refuse_shared_records(records, asked)
    held = read_all(records, [one.record for one in asked])
    changes, unchanged = [], 0
    for one in asked:
        now = held.get(one.record)
        if now is None:
            failures[one.account] = f"{records.crm} has no record {one.record}"
        elif now == one.value:
            unchanged += 1
        else:
            changes.append(Change(one.record, one.account, now, one.value))
    return plan_for(records, title, changes, failures, unchanged)


def plan_for(
    records: CrmRecords,
    title: str,
    changes: Sequence[Change],
    failures: Mapping[str, str],
    unchanged: int,
) -> Plan:
    """Return a plan for the place that the records stand for."""
    return Plan(title, records.crm, records.host, records.object_name, records.field,
                tuple(changes), dict(failures), unchanged)  # fmt: skip


def _id_problem(records: CrmRecords, one: Wanted) -> str:
    if not one.record:
        return "no record id"
    problem = records.id_problem(one.record)
    return f"{one.record!r} {problem}" if problem else ""


def _refuse_ids_of_another_system(
    records: CrmRecords, wanted: Sequence[Wanted], failures: Mapping[str, str]
) -> None:
    if wanted and len(failures) == len(wanted):
        raise DataError(
            f"accounts: none of {len(wanted):,} has a record id of {records.crm} "
            f"({wanted[0].account}: {failures[wanted[0].account]}). Name the column that holds "
            f"them, [push.{records.crm}] id_column; nothing was written."
        )


def _refuse_shared_records(records: CrmRecords, asked: Sequence[Wanted]) -> None:
    accounts: dict[str, str] = {}
    for one in asked:
        other = accounts.setdefault(records.same_record(one.record), one.account)
        if other != one.account:
            raise DataError(
                f"accounts: {other} and {one.account} have the same record id {one.record}. Give "
                "each account its own; nothing was written."
            )


def changed_meanwhile(seen: Plan, now: Plan) -> list[str]:
    """Return a line for each record that somebody changed after a difference was shown."""
    held = {one.record: one for one in now.changes}
    lines = []
    for one in seen.changes:
        if one.record not in held:
            lines.append(f"{one.account}: held {shown(one.before)}, needs no change any more")
        elif held[one.record].before != one.before:
            lines.append(
                f"{one.account}: held {shown(one.before)}, holds "
                f"{shown(held[one.record].before)} now"
            )
    return lines


def shown(value: str) -> str:
    """Return a value as people read it.

    Examples
    --------
    >>> shown("Tier 1"), shown("")
    ('Tier 1', 'nothing')
    """
    return value or "nothing"
