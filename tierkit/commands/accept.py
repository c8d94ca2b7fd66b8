"""From proposal to force: the tiers of a published run enter the project's own tier history."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tierkit.crm import ACCEPTED_TIERS, read_tables, successors
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.publishing import Published, read_published
from tierkit.roi import Band
from tierkit.runs import (
    accepted_rows,
    read_bands,
    refuse_other_reports,
    with_drawn_tiers,
    write_accepted,
)
from tierkit.settings import Settings, Tier
from tierkit.tiers import (
    OVERRIDE_COLUMNS,
    OVERRIDES_FILE,
    capacity_in,
    override_lines,
    read_overrides,
)

ASKED = ("account_id", "override_tier", "override_reason", "set_by", "review_on")
"""Columns of a sheet for review; a row without an `override_tier` says nothing."""

MADE_ROOM = "made room for an override"
FILLED = "a slot opened by an override"


def read_review(file: Path, *, set_on: date) -> list[Row]:
    """Return the overrides that people wrote into a reviewed workbook, or into a CSV.

    Parameters
    ----------
    file
        `.xlsx`: every sheet with the columns of `ASKED` is read. `.csv`: those columns, or those of
        `overrides.csv`.
    set_on
        The day that counts as that of the decision where none is written.

    Returns
    -------
    list of dict
        One per override, as text, with the columns of `overrides.csv`.

    Raises
    ------
    SettingsError
        If there is no such file, or it is neither.
    DataError
        If it cannot be read, or no sheet has the columns.
    """
    if not file.is_file():
        raise SettingsError(f"--overrides {file}: no such file.")
    if file.suffix.lower() == ".csv":
        lines, problems = override_lines(file, asked=())
        if problems:
            raise DataError(f"{file.name}: {problems[0].message}", problems)
        tables = [lines]
    elif file.suffix.lower() == ".xlsx":
        tables = _sheets(file)
    else:
        raise SettingsError(f"--overrides {file}: neither .xlsx nor .csv.")
    found = [_override(row, set_on) for rows in tables for row in rows if _says_something(row)]
    if not any(_is_asked(rows) for rows in tables):
        asked = ", ".join(ASKED)
        raise DataError(
            f"{file.name}: no sheet has the columns {asked}. Review the run's workbook."
        )
    return found


def with_review(folder: Path, review: Sequence[Row], **known: Any) -> None:  # noqa: ANN401
    """Write reviewed overrides into `overrides.csv`; an earlier one of the same account gives way.

    Parameters
    ----------
    folder
        Of the project.
    known
        What `read_overrides` checks them against.

    Raises
    ------
    DataError
        With every problem of the rows; nothing is written then.
    """
    file, scratch = folder / OVERRIDES_FILE, folder / f"{OVERRIDES_FILE}.new"
    earlier, problems = override_lines(file) if file.is_file() else ([], [])
    if problems:
        raise DataError(f"{OVERRIDES_FILE}: {problems[0].message}", problems)
    given = {row["account_id"] for row in review}
    kept = [row for row in earlier if row["account_id"] not in given]
    with scratch.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(
            target, OVERRIDE_COLUMNS, lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows([*kept, *review])
    try:
        read_overrides(scratch, **known)
    except DataError as error:
        scratch.unlink()
        raise DataError("the reviewed overrides cannot take force", error.problems) from error
    scratch.replace(file)


def apply_review(
    proposed: Iterable[Mapping[str, str]], review: Sequence[Row], *, tiers: Sequence[Tier]
) -> list[Row]:
    """Return the proposed tiers with the reviewed ones, held to capacity.

    An override takes its slot first. Where a tier then holds more than its capacity, the account
    that ranks last in it and was not overridden falls to the next one; where a slot opened, the
    best of the tiers below takes it. A tier with a written rule or a maximum per owner is not
    filled up.

    Parameters
    ----------
    proposed
        The rows of `tiers.csv`: account_id, tier, rank, overridden, group, move_reason.

    Examples
    --------
    >>> rows = [{"account_id": a, "tier": t, "rank": r, "overridden": "False"}
    ...         for a, t, r in (("A", "Tier 1", "1"), ("B", "Tier 2", "2"), ("C", "Tier 2", "3"))]
    >>> review = [{"account_id": "C", "tier": "Tier 1", "reason": "tender"}]
    >>> tiers = (Tier(name="Tier 1", capacity=1), Tier(name="Tier 2"))
    >>> [(row["account_id"], row["tier"]) for row in apply_review(rows, review, tiers=tiers)]
    [('A', 'Tier 2'), ('B', 'Tier 2'), ('C', 'Tier 1')]
    """
    rows = [dict(row) for row in proposed]
    sizes = _sizes(rows)
    by_account = {row["account_id"]: row for row in rows}
    for override in review:
        row = by_account.setdefault(override["account_id"], {"account_id": override["account_id"]})
        row |= {
            "tier": override["tier"],
            "overridden": "True",
            "move_reason": f"override: {override['reason']}",
        }
    found = list(by_account.values())
    for group in sorted({row.get("group", "") for row in found}):
        members = [row for row in found if row.get("group", "") == group]
        _hold(members, group, sizes=sizes, tiers=tiers)
    return [row for row in found if row["tier"]]


def _hold(
    rows: list[Row], group: str, *, sizes: Mapping[tuple[str, str], int], tiers: Sequence[Tier]
) -> None:
    """Move rows of a group between tiers, from the top, until each tier has its size."""
    for level, tier in enumerate(tiers):
        if tier.capacity is None:
            continue
        below = [one.name for one in tiers[level + 1 :]]
        held = _free(rows, [tier.name])
        count = sum(row["tier"] == tier.name for row in rows)
        too_many = max(0, count - capacity_in(tier, group))
        for row in held[len(held) - too_many :]:
            row |= {"tier": below[0] if below else "", "move_reason": MADE_ROOM}
        open_ = sizes.get((group, tier.name), 0) - count
        if open_ > 0 and tier.where is None and tier.max_per_owner is None:
            for row in _free(rows, below)[:open_]:
                row |= {"tier": tier.name, "move_reason": FILLED}


def _free(rows: Iterable[Row], tiers: Sequence[str]) -> list[Row]:
    """Return the ranked rows of some tiers that nobody set, best rank first."""
    free = [
        row
        for row in rows
        if row["tier"] in tiers and row.get("overridden") != "True" and row.get("rank")
    ]
    return sorted(free, key=lambda row: float(row["rank"]))


def _sizes(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    sizes: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.get("group", ""), row["tier"])
        sizes[key] = sizes.get(key, 0) + 1
    return sizes


def _says_something(row: Mapping[str, str]) -> bool:
    return bool(row.get("override_tier") or (row.get("tier") and "override_tier" not in row))


def _is_asked(rows: Sequence[Mapping[str, str]] | None) -> bool:
    header = rows[0] if rows else {}
    return {"account_id", "override_tier"} <= set(header) or set(OVERRIDE_COLUMNS) <= set(header)


def _override(row: Mapping[str, str], set_on: date) -> Row:
    return {
        "account_id": row.get("account_id", ""),
        "tier": row.get("override_tier") or row.get("tier", ""),
        "reason": row.get("override_reason", row.get("reason", "")),
        "set_by": row.get("set_by", ""),
        "set_on": row.get("set_on", "") or set_on.isoformat(),
        "review_on": row.get("review_on", ""),
    }


def _sheets(file: Path) -> list[list[Row]]:
    """Return the rows of every sheet for review, as text."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(file))
        tables = [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]
    except (CalamineError, OSError, ValueError) as error:
        problem = Problem(f"cannot be read: {error}", "Save it as .xlsx again.", file.name)
        raise DataError(f"{file.name}: is no workbook", [problem]) from error
    return [_named(rows) for rows in tables if rows and set(ASKED) <= {*map(_text, rows[0])}]


def _named(rows: Sequence[Sequence[object]]) -> list[Row]:
    header = [_text(cell) for cell in rows[0]]
    return [dict(zip(header, map(_text, row), strict=False)) for row in rows[1:] if any(row)]


def _text(cell: object) -> str:
    """Return a cell as text: whole numbers without a point, moments as their day."""
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


HISTORY_COLUMNS = ("account_id", "tier", "start_date", "end_date", "model_tier", "score", "rank",
           "cut_score", "overridden", "reason")  # fmt: skip
_COPIED = ("account_id", "tier", "model_tier", "score", "rank", "cut_score", "overridden")
Row = dict[str, str]


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
    quarter = settings.fiscal_calendar.parse(label)
    published = read_published(settings, label=quarter.label)
    begins = start or quarter.as_of
    file = settings.folder / ACCEPTED_TIERS
    earlier = [row for row in read_rows(file) if row["start_date"] != begins.isoformat()]
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
    still_held = [
        row for row in earlier if not row["end_date"] or row["end_date"] > begins.isoformat()
    ]
    ended = [{**row, "end_date": begins.isoformat()} for row in still_held]
    kept = [row for row in earlier if row not in still_held]
    _write(file, [*kept, *ended, *new])
    run_id = _run_id(published)
    changes = accepted_rows(
        proposed, published.folder, begins=begins, quarter=quarter.label, run_id=run_id
    )
    crm_file = write_accepted(settings.folder, quarter.label, changes)
    drawn = sum(len(band.rows) for band in bands)
    return Acceptance(
        file, begins, len(new), len(ended), drawn, remark, len(reviewed), crm_file, len(changes)
    )


def _reviewed(
    settings: Settings, review: Path, proposed: list[Row], bands: list[Band], begins: date
) -> list[Row]:
    """Return the overrides of a review, once they are checked and in `overrides.csv`."""
    found = read_review(review, set_on=begins)
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
        settings.folder,
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
        for row in read_rows(settings.folder / ACCEPTED_TIERS)
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


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a CSV as text; none where there is no such file."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def _write(file: Path, rows: list[Row]) -> None:
    """Write the history in one step, so that an interruption leaves the old one whole."""
    ordered = sorted(rows, key=lambda row: (row["start_date"], row["account_id"]))
    scratch = file.with_suffix(".new")
    with scratch.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(
            target, HISTORY_COLUMNS, restval="", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(ordered)
    scratch.replace(file)
