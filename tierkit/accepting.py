"""From proposal to force: the tiers of a published run enter the project's own tier history."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tierkit.crm.contract import ACCEPTED_TIERS
from tierkit.crm.hierarchy import successors
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.experiments import read_bands, with_drawn_tiers
from tierkit.reviewing import apply_review, read_review, with_review
from tierkit.roi.experiment import Band
from tierkit.settings import Settings

COLUMNS = ("account_id", "tier", "start_date", "end_date", "model_tier", "score", "rank",
           "cut_score", "overridden", "reason")  # fmt: skip
_COPIED = ("account_id", "tier", "model_tier", "score", "rank", "cut_score", "overridden")
Row = dict[str, str]


@dataclass(frozen=True)
class Acceptance:
    """What came of accepting a published run.

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
    """

    file: Path
    start: date
    accounts: int
    ended: int
    drawn: int = 0
    remark: str = ""
    reviewed: int = 0


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
    published = settings.reports / quarter.label / "tiers.csv"
    if not published.is_file():
        raise SettingsError(
            f"{quarter.label}: not published in {settings.run.reports}. Run it first."
        )
    begins = start or quarter.as_of
    file = settings.folder / ACCEPTED_TIERS
    earlier = [row for row in _read(file) if row["start_date"] != begins.isoformat()]
    late = sorted(row["start_date"] for row in earlier if row["start_date"] > begins.isoformat())
    if late:
        raise DataError(
            f"{ACCEPTED_TIERS}: tiers from {late[-1]} on are accepted already, so none can begin "
            f"on {begins}. Give a later --from."
        )
    bands, remark = _bands(settings, begins)
    proposed = with_drawn_tiers(_read(published), bands)
    reviewed = [] if review is None else _reviewed(settings, review, proposed, bands, begins)
    proposed = apply_review(proposed, reviewed, tiers=settings.tiers) if reviewed else proposed
    new = [_accepted(row, quarter.label, begins) for row in proposed]
    still_held = [
        row for row in earlier if not row["end_date"] or row["end_date"] > begins.isoformat()
    ]
    ended = [{**row, "end_date": begins.isoformat()} for row in still_held]
    kept = [row for row in earlier if row not in still_held]
    _write(file, [*kept, *ended, *new])
    drawn = sum(len(band.rows) for band in bands)
    return Acceptance(file, begins, len(new), len(ended), drawn, remark, len(reviewed))


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


def _accepted(row: Row, label: str, begins: date) -> Row:
    reason = row.get("move_reason") or "stayed"
    return {
        **{column: row.get(column, "") for column in _COPIED},
        "start_date": begins.isoformat(),
        "end_date": "",
        "reason": f"{reason} ({label})",
    }


def _read(file: Path) -> list[Row]:
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
            target, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(ordered)
    scratch.replace(file)
