"""A source cut into units, such as regions: the same trusted rows, each in one unit at most."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import narwhals as nw

from tierkit.calendar import Quarter
from tierkit.crm import (
    Rows,
    Tables,
    only_with,
    read_edited,
    read_written_tables,
    to_frame,
    used_revenue,
    won_amount,
    write_tables,
    written_table,
)
from tierkit.errors import Problem, SettingsError, TierkitError
from tierkit.files import make_folder, refuse_links, write_whole
from tierkit.pages import UnitRow, mail_summary, write_index, write_slides, write_units_index
from tierkit.processes import EndedBySignal, Programs, end_on_signals, run_program
from tierkit.publishing import (
    Handover,
    PageWriters,
    ReportPlan,
    read_facts,
    read_handover,
    run_recalibration,
    write_handover,
)
from tierkit.runs import OVERRIDES, TABLES_FOLDER, keep_stages, leave_rows
from tierkit.settings import Settings
from tierkit.tiers import OVERRIDES_FORMAT
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
    refuse_links(reports, below=settings.reports)
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
    found = read_edited(source, OVERRIDES_FORMAT, date_order=settings.data.date_order)
    rows = [row for row in found.rows if row["account_id"] in accounts]
    write_whole(target, written_table(rows, found.columns))


def account_ids(tables: Tables) -> frozenset[str]:
    """Return the ids of all accounts of some tables."""
    found = to_frame(tables["accounts"].select("account_id"))
    return frozenset(map(str, found["account_id"]))


def _of(rows: Rows, ids: Rows) -> Rows:
    return only_with(rows, ids, on="account_id") if "account_id" in rows.columns else rows


def _values(tables: Tables, column: str) -> list[str]:
    text = nw.col(column).cast(nw.String).alias("value")
    found = to_frame(tables["accounts"].select(text).unique())["value"].dropna()
    return sorted(value for value in map(str, found) if value.strip())


def _count(rows: Rows) -> int:
    return int(rows.select(nw.len()).collect().item())


def _nearest(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:20])}."


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())


_MOST_LINES = 25
OnStep = Callable[[str], None]


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
    make_folder(folder, below=handover.settings.scratch)
    own = unit_tables(tables, unit)
    write_tables(own, folder / TABLES_FOLDER)
    write_overrides(handover.settings, folder, account_ids(own))
    settings = unit_settings(handover.settings, unit, folder=folder)
    write_handover(
        folder, Handover(settings, handover.quarter, handover.model_file, handover.set_overrides)
    )
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


REPORT_PLAN = ReportPlan(
    pages=PageWriters(
        summary=mail_summary,
        slides=write_slides,
        index=lambda reports, title: write_index(reports, title=title),
    ),
    figures={"leadership.html": ("tier-sizes",)},
    on_published=keep_stages,
    tables={"analyst.html": ("read", "criteria", "tiers", "settings")},
)


def run_unit(folder: Path) -> str:
    """Run the unit whose settings and trusted rows lie in a folder; return what came of it."""
    given = read_handover(folder)
    tables = read_written_tables(folder / TABLES_FOLDER)
    result = run_recalibration(
        given.settings,
        quarter=given.quarter,
        set_overrides=given.set_overrides,
        model_file=given.model_file,
        plan=replace(
            REPORT_PLAN,
            prepare=lambda handed, into: leave_rows(handed, tables, into),
            on_published=None,
        ),
    )
    return "published" if result.published else "nothing new"


def main(folder: str) -> int:
    """Run a unit; say what came of it, or the cause of its failure; return the exit code."""
    end_on_signals(of_a_part=True)
    try:
        sys.stdout.write(f"{run_unit(Path(folder))}\n")
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
