"""From proposal to force: the tiers of a published run enter the project's own tier history.

The newest accept can be taken back: every file that it changed, together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tierkit.calendar import Quarter, today
from tierkit.commands.review import Row, apply_review, read_review, with_review
from tierkit.crm import (
    ACCEPTED_TIERS,
    HISTORY_COLUMNS,
    read_accepted_tiers,
    read_tables,
    successors,
    written_table,
)
from tierkit.errors import DataError, SettingsError
from tierkit.files import (
    change_file,
    content_of,
    files_lock,
    parse_json,
    refuse_links_inside,
    undo_change,
    write_whole,
)
from tierkit.publishing import Published, read_published
from tierkit.roi import Band
from tierkit.runs import (
    OVERRIDES,
    accepted_file,
    accepted_rows,
    read_bands,
    refuse_other_reports,
    with_drawn_tiers,
    write_accepted,
)
from tierkit.settings import SCRATCH, Settings

_COPIED = ("account_id", "tier", "model_tier", "score", "rank", "cut_score", "overridden")


@dataclass(frozen=True)
class Acceptance:
    """The outcome of accepting a published run.

    Attributes
    ----------
    accounts
        How many accounts hold the accepted tiers from `start` on.
    ended
        How many tiers that were accepted earlier end there.
    drawn
        How many of the accounts hold the tier that a randomised band gave them.
    remark
        What a person should know about it; empty where there is nothing.
    reviewed
        How many overrides the managers' review brought.
    gone
        A warning where rows that were accepted earlier are no longer in the file.
    crm_file, changes
        What the CRM must take over, and how many accounts that are.
    """

    file: Path
    start: date
    accounts: int
    ended: int
    drawn: int = 0
    remark: str = ""
    reviewed: int = 0
    gone: str = ""
    crm_file: Path | None = None
    changes: int = 0


def accept_tiers(
    settings: Settings, label: str, *, start: date | None = None, review: Path | None = None
) -> Acceptance:
    """Append the tiers of a published run to the project's tier history.

    The history is `tier_history.csv` beside `tierkit.toml`; it is read together with the source's
    own. Tiers that were accepted before and are still held end on the day the new ones begin.
    Accepting the same run for the same day again changes nothing. Randomised bands that were drawn
    for the quarter in which the tiers take force are kept to.

    Parameters
    ----------
    label
        Of the published quarter.
    start
        The day from which the tiers are in force, by default the first day after the quarter.
    review
        The workbook that managers have reviewed, or a CSV of overrides: these take their slots
        first, and are added to `overrides.csv`, so that the next run keeps them.

    Raises
    ------
    SettingsError
        If that quarter is not published.
    DataError
        If a tier that was accepted before begins later, or a randomised band was drawn from other
        tiers than these.
    """
    with files_lock(settings.scratch):
        quarter = settings.fiscal_calendar.parse(label)
        names = (ACCEPTED_TIERS, OVERRIDES)
        before = contents(
            [
                *(settings.folder / name for name in names),
                accepted_file(settings.folder, quarter.label),
            ]
        )
        done = _accept(settings, quarter, start, review)
        record_accept(settings.scratch, before)
    return done


def _accept(
    settings: Settings, quarter: Quarter, start: date | None, review: Path | None
) -> Acceptance:
    published = read_published(settings, label=quarter.label)
    begins = start or quarter.as_of
    file = settings.folder / ACCEPTED_TIERS
    before, history = content_of(file), read_accepted_tiers(settings)
    earlier = [row for row in history.rows if row["start_date"] != begins.isoformat()]
    late = sorted(row["start_date"] for row in earlier if row["start_date"] > begins.isoformat())
    if late:
        raise DataError(
            f"{ACCEPTED_TIERS}: tiers from {late[-1]} on are accepted already, so none can begin "
            f"on {begins}. Give a later --from."
        )
    refuse_other_reports(settings, quarter)
    bands, remark = _bands(settings, begins)
    proposed = with_drawn_tiers(published.rows(), bands)
    reviewed = [] if review is None else _reviewed(settings, review, proposed, bands, begins)
    proposed = apply_review(proposed, reviewed, tiers=settings.tiers) if reviewed else proposed
    new = [_accepted(row, quarter.label, begins) for row in proposed]
    rows, ended = _with_ends(earlier, begins)
    ordered = sorted([*rows, *new], key=lambda row: (row["start_date"], row["account_id"]))
    columns = dict.fromkeys((*HISTORY_COLUMNS, *history.table.columns))
    text = written_table(ordered, list(columns))
    change_file(file, text, before=before, project=settings.folder, scratch=settings.scratch)
    changes = accepted_rows(
        proposed,
        published.folder,
        begins=begins,
        quarter=quarter.label,
        run_id=_run_id(published),
    )
    return Acceptance(
        file,
        begins,
        len(new),
        ended,
        drawn=sum(len(band.rows) for band in bands),
        remark=remark,
        reviewed=len(reviewed),
        gone="" if history.remark is None else str(history.remark),
        crm_file=write_accepted(settings.folder, quarter.label, changes, scratch=settings.scratch),
        changes=len(changes),
    )


def _with_ends(earlier: Sequence[Row], begins: date) -> tuple[list[Row], int]:
    """Return earlier rows, those still held ended on a day, and how many these are."""
    day = begins.isoformat()
    held = [not row.get("end_date") or row["end_date"] > day for row in earlier]
    rows = [
        row | {"end_date": day} if holds else row for row, holds in zip(earlier, held, strict=True)
    ]
    return rows, sum(held)


def _reviewed(
    settings: Settings, review: Path, proposed: list[Row], bands: list[Band], begins: date
) -> list[Row]:
    """Return the overrides of a review, once they are checked and in `overrides.csv`."""
    found = read_review(review, set_on=today(), date_order=settings.data.date_order)
    drawn = {str(account) for band in bands for account in band.rows["account_id"]}
    chosen = sorted(drawn.intersection(row["account_id"] for row in found))
    if chosen:
        raise DataError(
            f"{review.name}: the tier of {', '.join(chosen[:5])} was drawn by lot; an override "
            "would spoil the comparison. Take the row out."
        )
    tables = read_tables(settings)
    accounts = tables["accounts"].select("account_id").collect()["account_id"].to_list()
    with_review(
        settings,
        found,
        accounts=frozenset(accounts) | frozenset(successors(tables)),
        tiers=settings.tiers,
        as_of=begins,
        groups={row["account_id"]: row.get("group", "") for row in proposed},
    )
    return found


def _bands(settings: Settings, begins: date) -> tuple[list[Band], str]:
    """Return the bands drawn for the quarter that holds a day, and a remark on them."""
    quarter = settings.fiscal_calendar.containing(begins)
    bands = [band for band in read_bands(settings) if band.quarter == quarter.label]
    if not bands or begins == quarter.start:
        return bands, ""
    return bands, (
        f"The tier that counts is the one held on the first day of {quarter.label}, "
        f"{quarter.start}: a randomised band that takes force on {begins} cannot be read out."
    )


def _run_id(published: Published) -> str:
    """Return the run that a report is of; empty where its manifest is gone."""
    try:
        return str(published.manifest.get("run_id") or "")
    except SettingsError:
        return ""


def accepted_from(settings: Settings, label: str) -> str:
    """Return the first day on which the tiers of a quarter's report took force; empty if none."""
    mark = f"({label})"
    days = {
        row["start_date"]
        for row in read_accepted_tiers(settings).table.rows
        if str(row.get("reason") or "").endswith(mark)
    }
    return min(days, default="")


def _accepted(row: Row, label: str, begins: date) -> Row:
    reason = row.get("move_reason") or "stayed"
    return {
        **{column: row.get(column, "") for column in _COPIED},
        "start_date": begins.isoformat(),
        "end_date": "",
        "reason": f"{reason} ({label})",
    }


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
