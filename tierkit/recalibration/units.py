"""A source cut into units, such as regions: the same trusted rows, each in one unit at most."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import narwhals as nw

from tierkit.crm.cleaning import won_amount
from tierkit.crm.engine import Rows
from tierkit.crm.guard import only_with
from tierkit.crm.tables import Tables
from tierkit.errors import Problem, SettingsError
from tierkit.project import OVERRIDES
from tierkit.settings import Settings

EACH_FOLDER = "each"
MOST_UNITS = 200


@dataclass(frozen=True)
class Unit:
    """One value of a column of accounts.

    Attributes
    ----------
    name
        What folders are called by: the value with every sign that a path cannot hold replaced.
    """

    column: str
    value: str
    name: str


def read_each(given: str, tables: Tables) -> list[Unit]:
    """Return the units of `--each COLUMN` or `--each COLUMN=A,B,C`.

    Raises
    ------
    SettingsError
        If accounts have no such column, or none of them such a value; names the nearest.
    """
    column, _, listed = given.partition("=")
    column = column.strip()
    known_columns = list(tables["accounts"].columns)
    if column not in known_columns:
        raise SettingsError(f"--each {column}: accounts have no such column. "
                            f"{_nearest(column, known_columns)}")  # fmt: skip
    known = _values(tables, column)
    asked = [value.strip() for value in listed.split(",") if value.strip()] or known
    problems = [
        Problem(f"no account has {column} = {value}", _nearest(value, known))
        for value in asked
        if value not in known
    ]
    if problems:
        raise SettingsError("--each: nothing was run", problems)
    if not asked or len(asked) > MOST_UNITS:
        raise SettingsError(
            f"--each {column}: {len(asked)} values; between 1 and {MOST_UNITS} can be run. "
            "Name those you want: --each COLUMN=A,B."
        )
    return [Unit(column, value, unit_name(value)) for value in dict.fromkeys(asked)]


def unit_name(value: str) -> str:
    """Return a value as the name of a folder; values that differ get names that differ.

    Examples
    --------
    >>> unit_name("EMEA"), unit_name("North America")
    ('EMEA', 'North_America-64be08')
    >>> unit_name("../..").startswith("_")
    True
    """
    cleaned = re.sub(r"[^A-Za-z0-9-]+", "_", value)[:60]
    if cleaned and cleaned == value:
        return cleaned
    return f"{cleaned or 'blank'}-{hashlib.sha256(value.encode()).hexdigest()[:6]}"


def unit_tables(tables: Tables, unit: Unit) -> Tables:
    """Return the trusted rows of the accounts of one unit; nothing of another unit is in them.

    What was left out of the whole source is accounted for there, so that a unit's own source is
    what the whole source used and its accounts hold.
    """
    accounts = tables["accounts"].filter(nw.col(unit.column).cast(nw.String) == unit.value)
    ids = accounts.select("account_id")
    frames = {name: _of(rows, ids) for name, rows in tables.frames.items()}
    if "opportunities" in frames:
        deals = frames["opportunities"].select("opportunity_id")
        for name, rows in frames.items():
            if "account_id" not in rows.columns and "opportunity_id" in rows.columns:
                frames[name] = only_with(rows, deals, on="opportunity_id")
    return replace(
        tables,
        frames=frames,
        exclusions=(),
        excluded={},
        source_rows={name: _count(rows) for name, rows in frames.items()},
        source_won_revenue=f"{won_revenue(frames['opportunities']):.4f}",
    )


def won_revenue(deals: Rows) -> Decimal:
    """Return the won revenue of trusted deals, exact."""
    won = deals.select(won_amount(deals.columns).sum().alias("won")).collect().item()
    return Decimal(won or 0)


def unit_settings(settings: Settings, unit: Unit, *, folder: Path) -> Settings:
    """Return the settings of a unit: a project of its own, in a folder of its own.

    Parameters
    ----------
    folder
        The unit's folder, for its lock, its scratch and its overrides.
    """
    reports = settings.reports / EACH_FOLDER / unit.column / unit.name
    title = settings.run.title or settings.folder.resolve().name
    own = settings.model_copy(
        update={
            "run": settings.run.model_copy(
                update={"title": f"{title} – {unit.value}", "reports": _relative(reports, folder)}
            ),
            "data": settings.data.model_copy(update={"source": _relative(settings.source, folder)}),
        }
    )
    own._folder = folder
    return own


def write_overrides(settings: Settings, folder: Path, accounts: frozenset[str]) -> None:
    """Leave the overrides of a unit's accounts in its folder."""
    source, target = settings.folder / OVERRIDES, folder / OVERRIDES
    target.unlink(missing_ok=True)
    if not source.is_file():
        return
    with source.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if (row.get("account_id") or "").strip() in accounts]
        columns: Sequence[str] = reader.fieldnames or ()
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def account_ids(tables: Tables) -> frozenset[str]:
    """Return the ids of all accounts of some tables."""
    found = tables["accounts"].select("account_id").collect().to_pandas()
    return frozenset(map(str, found["account_id"]))


def _of(rows: Rows, ids: Rows) -> Rows:
    return only_with(rows, ids, on="account_id") if "account_id" in rows.columns else rows


def _values(tables: Tables, column: str) -> list[str]:
    text = nw.col(column).cast(nw.String).alias("value")
    found = tables["accounts"].select(text).unique().collect().to_pandas()["value"].dropna()
    return sorted(value for value in map(str, found) if value.strip())


def _count(rows: Rows) -> int:
    return int(rows.select(nw.len()).collect().item())


def _nearest(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:20])}."


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())
