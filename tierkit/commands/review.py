"""Tiers that managers set in a reviewed workbook: read, checked, held to capacity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tierkit.crm import (
    DateOrder,
    EditedColumns,
    EditedTable,
    edited_table,
    read_edited,
    written_table,
)
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.files import change_file, content_of
from tierkit.settings import Settings, Tier
from tierkit.tiers import (
    OVERRIDE_COLUMNS,
    OVERRIDES_FILE,
    OVERRIDES_FORMAT,
    capacity_in,
    read_overrides,
)

Row = dict[str, str]
ASKED = ("account_id", "override_tier", "override_reason", "set_by", "review_on")
"""Columns of a sheet for review; a row without an `override_tier` says nothing."""
_REVIEW = EditedColumns(
    "review", tuple(dict.fromkeys((*ASKED, *OVERRIDE_COLUMNS))), dates=("set_on", "review_on")
)
_OF_OVERRIDES = {*OVERRIDE_COLUMNS} - {"set_on", "review_on", "set_by"}
_ASKED_FOR = (
    f"no sheet has the columns {', '.join(ASKED)}. Fill in the run's workbook, or write a CSV with "
    "these columns or account_id, tier, reason, set_by, review_on."
)
MADE_ROOM = "made room for an override"
FILLED = "a slot opened by an override"


def read_review(file: Path, *, set_on: date, date_order: DateOrder | None = None) -> list[Row]:
    """Return the overrides that people wrote into a reviewed workbook, or into a CSV.

    Parameters
    ----------
    file
        `.xlsx`: every sheet with the columns of `ASKED` is read. `.csv`: those columns, or those of
        `overrides.csv`, of which `set_on` may be left out.
    set_on
        The day that counts as that of the decision where none is written.
    date_order
        Which comes first where a date of a CSV can be read both ways.

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
        found = read_edited(file, _REVIEW, date_order=date_order)
        if found.problems:
            raise DataError(f"{file.name}: {found.problems[0].message}", found.problems)
        tables = [list(found.rows)]
    elif file.suffix.lower() == ".xlsx":
        tables = _sheets(file)
    else:
        raise SettingsError(f"--overrides {file}: neither .xlsx nor .csv.")
    asked_for = [_override(row, set_on) for rows in tables for row in rows if _says_something(row)]
    if not any(_is_asked(rows) for rows in tables):
        raise DataError(f"{file.name}: {_ASKED_FOR}")
    return asked_for


def with_review(settings: Settings, review: Sequence[Row], **known: Any) -> None:  # noqa: ANN401
    """Write reviewed overrides into `overrides.csv`; an earlier one of the same account gives way.

    The lock of the project's files is held.

    Parameters
    ----------
    known
        The arguments of `read_overrides` that they are checked with.

    Raises
    ------
    DataError
        With every problem of the rows; nothing is written then.
    """
    file, order = settings.folder / OVERRIDES_FILE, settings.data.date_order
    before = content_of(file)
    earlier = EditedTable() if before is None else read_edited(
        file, OVERRIDES_FORMAT, date_order=order
    )  # fmt: skip
    if earlier.problems:
        raise DataError(f"{OVERRIDES_FILE}: {earlier.problems[0].message}", earlier.problems)
    given = {row["account_id"] for row in review}
    others = [row for row in earlier.rows if row["account_id"] not in given]
    columns = dict.fromkeys((*OVERRIDE_COLUMNS, *earlier.columns))
    text = written_table([*others, *review], list(columns))
    with TemporaryDirectory() as draft:
        (Path(draft) / OVERRIDES_FILE).write_text(text, encoding="utf-8", newline="")
        try:
            read_overrides(draft, **known)
        except DataError as error:
            raise DataError("the reviewed overrides cannot take force", error.problems) from error
    change_file(file, text, before=before, project=settings.folder, scratch=settings.scratch)


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
    return {"account_id", "override_tier"} <= {*header} or {*header} >= _OF_OVERRIDES


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
    found = [
        edited_table([(n, [*map(_text, row)]) for n, row in enumerate(rows, 1)], _REVIEW)
        for rows in tables
    ]
    asked = [table for table in found if set(ASKED) <= set(table.columns)]
    unshaped = [problem for table in asked if not table.rows for problem in table.problems]
    if unshaped:
        raise DataError(f"{file.name}: {unshaped[0].message}", unshaped)
    return [list(table.rows) for table in asked]


def _text(cell: object) -> str:
    """Return a cell as text: whole numbers without a point, moments as their day."""
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
