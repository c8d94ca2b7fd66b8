"""A source cut into units, such as regions: the same trusted rows, each in one unit at most."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import narwhals as nw

from tierkit.calendar import Quarter
from tierkit.commands.apart import (
    OnStep,
    account_ids,
    leave_apart,
    run_apart,
    settings_apart,
    tables_of_accounts,
)
from tierkit.crm import (
    Tables,
    to_frame,
    used_revenue,
)
from tierkit.errors import Problem, SettingsError, TierkitError
from tierkit.pages import UnitRow, write_units_index
from tierkit.processes import EndedBySignal, Programs, end_on_signals, run_program
from tierkit.publishing import (
    Handover,
    read_facts,
)
from tierkit.settings import Settings
from tierkit.words import quarter_name

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
    """Return the trusted rows of the accounts of one unit; nothing of another unit is in them."""
    accounts = tables["accounts"].filter(nw.col(unit.column).cast(nw.String) == unit.value)
    return tables_of_accounts(tables, accounts.select("account_id"))


def unit_settings(settings: Settings, unit: Unit, *, folder: Path) -> Settings:
    """Return the settings of a unit: a project of its own, in a folder of its own.

    Parameters
    ----------
    folder
        The unit's folder, for its lock, its scratch and its overrides.
    """
    reports = settings.reports / EACH_FOLDER / unit.column / unit.name
    return settings_apart(settings, reports, folder=folder, title=unit.value)


def _values(tables: Tables, column: str) -> list[str]:
    text = nw.col(column).cast(nw.String).alias("value")
    found = to_frame(tables["accounts"].select(text).unique())["value"].dropna()
    return sorted(value for value in map(str, found) if value.strip())


def _nearest(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:20])}."


_MOST_LINES = 25


@dataclass(frozen=True)
class EachResult:
    """The outcome of running every unit.

    Attributes
    ----------
    index
        The page over them.
    rows
        A row per unit, in the order asked for, and what is in no unit.
    exit_code
        0 where every unit was published, else that of the first that failed.
    """

    index: Path
    rows: tuple[UnitRow, ...]
    exit_code: int


def run_each(
    handover: Handover,
    tables: Tables,
    units: Sequence[Unit],
    *,
    jobs: int = 0,
    on_step: OnStep,
) -> EachResult:
    """Run every unit by itself, some at a time; a unit that fails does not stop the others.

    Each unit has its own folder below `.tierkit/each`, with its trusted rows, overrides, lock and
    scratch, and publishes into `reports/each/COLUMN/UNIT/QUARTER`. Capacities hold in each unit.

    Parameters
    ----------
    handover, tables
        The settings and the quarter of the whole, and its trusted tables.
    jobs
        How many units run at a time; 0 for half the processors.
    on_step
        Called with a line as each unit ends, at most 25 times.
    """
    settings, quarter = handover.settings, handover.quarter
    folders = {unit: _prepare(handover, tables, unit) for unit in units}
    at_a_time = jobs or max(1, min(len(units), (os.cpu_count() or 2) // 2))
    done: dict[Unit, UnitRow] = {}
    with _pool(at_a_time) as (pool, programs):
        asked = {pool.submit(_run, unit, folders[unit], programs): unit for unit in units}
        for ended in as_completed(asked):
            unit = asked[ended]
            code, said, seconds = ended.result()
            done[unit] = _row(settings, quarter, tables, unit, code=code, said=said)
            if len(done) <= _MOST_LINES or code:
                state = said if code == 0 else f"failed ({code}): {said}"
                on_step(f"{unit.value} ({len(done)} of {len(units)}, {seconds:.0f} s): {state}")
    rows = [done[unit] for unit in units]
    whole = _whole(tables, quarter)
    folder = settings.reports / EACH_FOLDER / units[0].column
    title = settings.run.title or settings.folder.resolve().name
    name = f"{title}: account tiers by {units[0].column}, {quarter_name(quarter.label)}"
    index = write_units_index(
        folder, rows=rows, whole=whole, title=name, currency=settings.calendar.currency
    )
    codes = [row.exit_code for row in rows if row.exit_code]
    return EachResult(index, tuple(rows), codes[0] if codes else 0)


@contextmanager
def _pool(at_a_time: int) -> Iterator[tuple[ThreadPoolExecutor, Programs]]:
    """Give threads and their programs; after a signal all of them end, and no other is started."""
    pool, programs = ThreadPoolExecutor(at_a_time), Programs()
    try:
        yield pool, programs
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        programs.end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(handover: Handover, tables: Tables, unit: Unit) -> Path:
    """Leave settings, overrides and trusted rows of a unit in its folder."""
    folder = handover.settings.scratch.resolve() / EACH_FOLDER / unit.column / unit.name
    settings = unit_settings(handover.settings, unit, folder=folder)
    leave_apart(handover, unit_tables(tables, unit), settings)
    return folder


def _run(unit: Unit, folder: Path, running: Programs) -> tuple[int, str, float]:
    """Run a unit in a process of its own; return its exit code, its last words and its seconds."""
    begun = time.monotonic()
    command = [sys.executable, "-P", "-m", "tierkit.commands.units", str(folder)]
    done = run_program(command, running=running)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    words = said[0 if done.returncode in range(2, 8) or not said else -1] if said else unit.value
    code = done.returncode if done.returncode >= 0 else 1
    return code, words[:300], time.monotonic() - begun


def _row(
    settings: Settings, quarter: Quarter, tables: Tables, unit: Unit, *, code: int, said: str
) -> UnitRow:
    """Return what the index shows of a unit; its accounts and money come from the whole's rows."""
    own = unit_tables(tables, unit)
    report = settings.reports / EACH_FOLDER / unit.column / unit.name / quarter.label
    return UnitRow(
        name=unit.value,
        folder=f"{unit.name}/{quarter.label}" if report.is_dir() else "",
        accounts=own.source_rows["accounts"],
        used_won_revenue=_used(own, quarter),
        exit_code=code,
        said=said,
        facts=read_facts(report) if not code and report.is_dir() else {},
    )


def _whole(tables: Tables, quarter: Quarter) -> UnitRow:
    accounts = len(account_ids(tables))
    return UnitRow("The whole source", "", accounts, _used(tables, quarter))


def _used(tables: Tables, quarter: Quarter) -> Decimal:
    return used_revenue(tables, quarter.as_of).used_won_revenue


def main(folder: str) -> int:
    """Run a unit; say what came of it, or the cause of its failure; return the exit code."""
    end_on_signals(of_a_part=True)
    try:
        said = "published" if run_apart(Path(folder)).published else "nothing new"
        sys.stdout.write(f"{said}\n")
    except TierkitError as error:
        lines = [str(error.args[0]), *(str(problem) for problem in error.problems[:5])]
        sys.stderr.write("\n".join([*lines, *getattr(error, "__notes__", [])]) + "\n")
        return error.exit_code
    except EndedBySignal as error:
        sys.stderr.write("\n".join([str(error), *getattr(error, "__notes__", [])]) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
