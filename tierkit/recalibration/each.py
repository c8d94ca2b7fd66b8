"""`tierkit run --each`: one isolated run a unit, side by side, and an index whose totals add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tierkit.calendar import Quarter
from tierkit.crm.period import used_revenue
from tierkit.crm.storage import write_tables
from tierkit.crm.tables import Tables
from tierkit.recalibration.units import (
    EACH_FOLDER,
    Unit,
    account_ids,
    unit_settings,
    unit_tables,
    write_overrides,
)
from tierkit.recalibration.work import TABLES_FOLDER
from tierkit.reporting.handover import Handover, write_handover
from tierkit.reporting.units_index import UnitRow, write_units_index
from tierkit.reporting.words import quarter_name
from tierkit.settings import Settings

_MOST_LINES = 25
OnStep = Callable[[str], None]


@dataclass(frozen=True)
class EachResult:
    """What came of running every unit.

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
    with _pool(at_a_time) as pool:
        running = {pool.submit(_run, unit, folders[unit]): unit for unit in units}
        for ended in as_completed(running):
            unit = running[ended]
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
def _pool(at_a_time: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads; after Ctrl-C those that work end, and no other is started."""
    pool = ThreadPoolExecutor(at_a_time)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(handover: Handover, tables: Tables, unit: Unit) -> Path:
    """Leave settings, overrides and trusted rows of a unit in its folder."""
    folder = handover.settings.scratch.resolve() / EACH_FOLDER / unit.column / unit.name
    folder.mkdir(parents=True, exist_ok=True)
    own = unit_tables(tables, unit)
    write_tables(own, folder / TABLES_FOLDER)
    write_overrides(handover.settings, folder, account_ids(own))
    settings = unit_settings(handover.settings, unit, folder=folder)
    write_handover(
        folder, Handover(settings, handover.quarter, handover.model_file, handover.set_overrides)
    )
    return folder


def _run(unit: Unit, folder: Path) -> tuple[int, str, float]:
    """Run a unit in a process of its own; return its exit code, its last words and its seconds."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "tierkit.recalibration.unit_run", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
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
    facts = report / "facts.json"
    return UnitRow(
        name=unit.value,
        folder=f"{unit.name}/{quarter.label}" if report.is_dir() else "",
        accounts=own.source_rows["accounts"],
        used_won_revenue=_used(own, quarter),
        exit_code=code,
        said=said,
        facts=json.loads(facts.read_text(encoding="utf-8")) if not code and facts.is_file() else {},
    )


def _whole(tables: Tables, quarter: Quarter) -> UnitRow:
    accounts = len(account_ids(tables))
    return UnitRow("The whole source", "", accounts, _used(tables, quarter))


def _used(tables: Tables, quarter: Quarter) -> Decimal:
    return used_revenue(tables, quarter.as_of).used_won_revenue
