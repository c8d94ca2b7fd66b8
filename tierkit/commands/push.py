"""`tierkit push`: the tiers in force into a field of the CRM, confirmed, by record id, undoable."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pydantic

from tierkit.commands.accept import accepted_from
from tierkit.crm import read_accepted_tiers, read_tables
from tierkit.errors import SettingsError, TierkitError
from tierkit.files import draft_of, make_folder, project_lock, write_whole
from tierkit.push import (
    Change,
    CrmRecords,
    Journal,
    Outcome,
    Plan,
    Wanted,
    changed_meanwhile,
    connect,
    find_difference,
    find_undo,
    shown,
    unfinished_journal,
    write_changes,
)
from tierkit.settings import HubSpotPush, PushTarget, SalesforcePush, Settings

PUSHES = "pushes"
"""The folder of journals, beside `tierkit.toml`."""
DIFFERENCE_COLUMNS = ("account_id", "record_id", "holds", "will_hold", "problem")
_MOST_SHOWN = 20


@dataclass(frozen=True)
class OpenPush:
    """A difference that can be written.

    Attributes
    ----------
    settings, records
        The project, and the CRM while the connection is open.
    plan
        What is to be written.
    unfinished
        The journal of the same push that was stopped, which this one continues.
    undone
        The journal whose changes are taken back; None where tiers are written.
    """

    settings: Settings
    records: CrmRecords
    plan: Plan
    unfinished: Journal | None = None
    undone: Journal | None = None

    @property
    def rest(self) -> tuple[Change, ...]:
        """The changes that are still to be written."""
        done = self.unfinished.done if self.unfinished else set()
        return tuple(one for one in self.plan.changes if one.record not in done)

    def lines(self) -> list[str]:
        """Return the difference in words: counts, moves, the first records, what cannot be done."""
        plan, rest = self.plan, self.rest
        lines = [
            f"{plan.title} → {plan.crm}, {plan.object_name}.{plan.field} ({plan.host}): "
            f"{len(rest):,} to change, {plan.unchanged:,} hold it already, "
            f"{len(plan.failures):,} cannot be written."
        ]
        if self.unfinished:
            lines.append(
                f"A push of this was stopped after {len(self.unfinished.done):,} of "
                f"{len(plan.changes):,} records; this is the rest ({self.unfinished.file})."
            )
        moves = Counter((one.before, one.after) for one in rest)
        lines += [f"  {shown(before)} → {shown(after)}: {count:,}"
                  for (before, after), count in sorted(moves.items())]  # fmt: skip
        lines += _first(
            [f"  {_label(one.account, one.record)}: {shown(one.before)} → {shown(one.after)}"
             for one in rest]
        )  # fmt: skip
        return lines + _first(problem_lines(plan.failures))

    def confirm(self, given: str) -> None:
        """Refuse other words than the phrase, and name what changed since it was shown.

        Raises
        ------
        SettingsError
            If the words differ; nothing is written then.
        """
        if given.strip() == self.plan.phrase:
            return
        said = f"The words do not confirm this; nothing was written. They are: {self.plan.phrase}"
        seen = self._seen()
        if seen is not None and given.strip() == seen.phrase:
            changed = changed_meanwhile(seen, self.plan) or ["the tiers in force"]
            said = "\n".join(
                ["The CRM or the tiers changed since that was shown; nothing was written.",
                 *_first([f"  {line}" for line in changed]),
                 f"The new difference is confirmed by: {self.plan.phrase}"]
            )  # fmt: skip
        raise SettingsError(said)

    def remember(self) -> None:
        """Keep what was shown, so that a later command can say what changed since."""
        make_folder(self._seen_file.parent, below=self.settings.folder)
        write_whole(self._seen_file, f"{self.plan.to_json()}\n")

    def write(self, *, on_batch: Callable[[int, int], None]) -> tuple[Outcome, Path]:
        """Write the difference; return what became of it, and the file that undoes it."""
        with project_lock(self.settings.scratch):
            if self.undone is not None and not self.undone.ended:
                self.undone.end("undone")
            journal = self.unfinished or Journal.begin(self.settings.folder / PUSHES, self.plan)
            try:
                return write_changes(journal, self.records, on_batch=on_batch), journal.file
            except (TierkitError, KeyboardInterrupt) as error:
                error.add_note(
                    f"{len(journal.written):,} records were written until then: {journal.file}"
                )
                raise

    @property
    def _seen_file(self) -> Path:
        return self.settings.scratch / "push" / f"{self.plan.crm}.json"

    def _seen(self) -> Plan | None:
        try:
            return Plan.from_json(json.loads(self._seen_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None


@contextmanager
def open_push(settings: Settings, label: str, crm: str) -> Iterator[OpenPush]:
    """Open the push of an accepted quarter: the CRM is read, nothing is written.

    Only tiers that `tierkit accept` put in force are pushed, never a proposal or a draft. Accounts
    that held a tier and lost it get an empty field.

    Raises
    ------
    SettingsError
        If the quarter was not accepted or a later one is in force, or the CRM refuses the token or
        has no such field.
    DataError
        If two accounts have the same record id.
    CrmError
        If the CRM cannot be reached.
    """
    quarter = settings.fiscal_calendar.parse(label).label
    target: PushTarget = getattr(settings.push, crm)
    tiers = tiers_in_force_of(settings, quarter)
    column = target.id_column
    ids = {one: one for one in tiers} if column == "account_id" else _ids(settings, crm, column)
    wanted = [
        Wanted(account, ids.get(account, ""), target.values.get(tier, tier))
        for account, tier in sorted(tiers.items())
    ]
    with connect(crm, target) as records:
        records.check_field({one.value for one in wanted})
        stopped = unfinished_journal(settings.folder / PUSHES, records, title=quarter)
        if stopped and _is_still_wanted(stopped, wanted):
            yield OpenPush(settings, records, stopped.plan, stopped)
        else:
            yield OpenPush(settings, records, find_difference(records, wanted, title=quarter))


@contextmanager
def open_undo(settings: Settings, file: Path) -> Iterator[OpenPush]:
    """Open the undoing of a push by its journal: the CRM is read, nothing is written.

    Raises
    ------
    SettingsError
        If the file is no journal, or the CRM refuses the token.
    CrmError
        If the CRM cannot be reached.
    """
    journal = Journal.open(file)
    crm, target = _target_of(journal)
    with connect(crm, target) as records:
        plan = find_undo(journal, records)
        stopped = unfinished_journal(settings.folder / PUSHES, records, title=plan.title)
        yield OpenPush(settings, records, stopped.plan if stopped else plan, stopped, journal)


def tiers_in_force_of(settings: Settings, quarter: str) -> dict[str, str]:
    """Return the tiers that accepting a quarter put in force, by account id.

    Accounts that held an accepted tier and hold none now have an empty text.

    Raises
    ------
    SettingsError
        If the quarter was not accepted, or its tiers ended.
    """
    if not accepted_from(settings, quarter):
        raise SettingsError(
            f"{quarter}: its tiers were not accepted, and a proposal is never pushed. "
            f"`tierkit accept {quarter}` puts them in force."
        )
    rows = read_accepted_tiers(settings).rows
    held = {row["account_id"]: row["tier"] for row in rows
            if not row["end_date"] and row["reason"].endswith(f"({quarter})")}  # fmt: skip
    if not held:
        ended = max(row["end_date"] for row in rows if row["reason"].endswith(f"({quarter})"))
        raise SettingsError(
            f"{quarter}: its tiers ended on {ended}. Push the quarter whose tiers are in force."
        )
    lost = [row["account_id"] for row in rows]
    lost += _in_import_file(settings.folder / f"crm_import_{quarter}.csv")
    return dict.fromkeys(lost, "") | held


def _in_import_file(file: Path) -> list[str]:
    """Return the accounts of the file that `tierkit accept` wrote for the CRM."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as source:
        return [row["record_id"] for row in csv.DictReader(source) if row.get("record_id")]


def _ids(settings: Settings, crm: str, column: str) -> dict[str, str]:
    """Return the record ids by account that a column of the table of accounts holds."""
    accounts = read_tables(settings)["accounts"]
    there = accounts.collect_schema().names()
    if column not in there:
        raise SettingsError(
            f"[push.{crm}] id_column: accounts have no column {column!r}; there are "
            f"{', '.join(there)}."
        )
    rows = accounts.select("account_id", column).collect().rows()
    return {str(account): str(record).strip() for account, record in rows if record is not None}


def _is_still_wanted(journal: Journal, wanted: Sequence[Wanted]) -> bool:
    values = {one.record: one.value for one in wanted}
    return all(values.get(one.record) == one.after for one in journal.plan.changes)


def _target_of(journal: Journal) -> tuple[str, PushTarget]:
    plan = journal.plan
    kinds: dict[str, type[PushTarget]] = {"salesforce": SalesforcePush, "hubspot": HubSpotPush}
    try:
        return plan.crm, kinds[plan.crm](object=plan.object_name, field=plan.field)
    except (KeyError, pydantic.ValidationError) as error:
        raise SettingsError(f"{journal.file}: names no CRM, object or field.") from error


def write_difference(push: OpenPush, file: Path) -> None:
    """Write a difference as CSV: a row per record that changes or cannot be written.

    Raises
    ------
    SettingsError
        If the file cannot be written.
    """
    rows = [(one.account, one.record, one.before, one.after, "") for one in push.rest]
    rows += [
        (account, "", "", "", reason) for account, reason in sorted(push.plan.failures.items())
    ]
    try:
        with draft_of(file) as draft, draft.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerows([DIFFERENCE_COLUMNS, *rows])
    except OSError as error:
        raise SettingsError(f"-o {file}: cannot be written: {error.strerror}.") from error


def problem_lines(failures: Mapping[str, str]) -> list[str]:
    """Return a line per account that was not written: its id and the reason."""
    return [f"  not written: {account}: {reason}" for account, reason in sorted(failures.items())]


def _label(account: str, record: str) -> str:
    return account if account == record else f"{account} ({record})"


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_SHOWN
    return [
        *lines[:_MOST_SHOWN],
        *([f"  … and {more:,} more (-o FILE lists all)"] if more > 0 else []),
    ]
