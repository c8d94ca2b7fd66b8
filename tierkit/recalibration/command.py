"""What `tierkit run` does: read and check first, then the notebooks, then publication."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tierkit.calendar import Quarter
from tierkit.crm.period import check_quarter, default_quarter, used_revenue
from tierkit.crm.tables import Tables
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.experiments import read_bands
from tierkit.features.registry import all_features
from tierkit.recalibration.asking import check_tiering
from tierkit.recalibration.leaks import RULE, leak_problems
from tierkit.recalibration.plan import REPORT_PLAN
from tierkit.recalibration.work import data_remarks, prepare
from tierkit.reporting.manifest import settings_rows
from tierkit.reporting.run import run_recalibration
from tierkit.settings import Settings

OUTPUTS = (
    "leadership.html",
    "analyst.html",
    "tiers.csv",
    "accounts.xlsx",
    "crm_import.csv",
    "model.json",
    "facts.json",
    "summary.txt",
    "run.json",
    "won_deals.csv",
    "dossiers/",
    "notebooks/",
)


@dataclass(frozen=True)
class Request:
    """What a person asks of `tierkit run`."""

    settings: Settings
    quarter: str = ""
    only: tuple[str, ...] = ()
    set_overrides: tuple[str, ...] = ()
    model_file: Path | None = None
    project_notebooks: bool = False


def recalibrate(
    request: Request,
    *,
    on_step: Callable[[str], None],
    beside: Callable[[Path, Path, Callable[[str], None]], object] | None = None,
) -> str:
    """Run the recalibration and return, in a line, what came of it and where it lies.

    Parameters
    ----------
    on_step
        Called with one line per step.
    beside
        Writes what the report holds beside its pages, as `ReportPlan.beside` says.

    Raises
    ------
    TierkitError
        Of the kind that says what went wrong; nothing is published then.
    """
    tables, quarter = _read(request)
    on_step(f"data: {_read_in_words(tables, quarter)}")
    result = run_recalibration(
        request.settings,
        quarter=quarter,
        only=request.only,
        set_overrides=request.set_overrides,
        model_file=request.model_file,
        project_notebooks=request.project_notebooks,
        on_step=on_step,
        plan=replace(
            REPORT_PLAN,
            prepare=lambda handover, folder: prepare(handover, tables, folder),
            beside=beside,
        ),
    )
    page = result.folder / "leadership.html"
    return f"{result.remark}\n{page if page.is_file() else result.folder}"


def describe(request: Request) -> str:
    """Return what a run would read, with which settings, and what it would publish."""
    tables, quarter = _read(request)
    settings = request.settings
    rows = [f"  {name}: {count:,} rows" for name, count in tables.source_rows.items()]
    changed = [
        f"  {key} = {value}" for key, value, is_default in settings_rows(settings) if not is_default
    ]
    target = settings.reports / quarter.label
    return "\n".join(
        [
            f"quarter {quarter.label} ({quarter.dates}), known up to {quarter.end}",
            f"inputs from {settings.source}",
            *rows,
            "settings that differ from their defaults",
            *changed,
            f"would publish into {target}",
            *(f"  {name}" for name in OUTPUTS),
            "Nothing was run.",
        ]
    )


def _read(request: Request) -> tuple[Tables, Quarter]:
    """Read everything that a run needs, so that what is wrong is said before a kernel starts."""
    settings = request.settings
    calendar = settings.fiscal_calendar
    asked = calendar.parse(request.quarter) if request.quarter else None
    if request.model_file is not None and not request.model_file.is_file():
        raise SettingsError(f"--model {request.model_file}: no such file.")
    tables = read_tables(settings)
    quarter = asked or default_quarter(tables, calendar)
    check_quarter(tables, quarter, calendar)
    all_features(tables, settings)
    found = [*data_remarks(tables, settings, quarter)]
    if RULE in settings.checks.block:
        found += leak_problems(tables, settings, as_of=quarter.as_of)
    blocking = [problem for problem in found if problem.blocks]
    if blocking:
        raise DataError(f"{quarter.label}: the settings do not let these data run", blocking)
    check_tiering(tables, settings=settings, as_of=quarter.as_of)
    read_bands(settings)
    return tables, quarter


def _read_in_words(tables: Tables, quarter: Quarter) -> str:
    accounts = tables.source_rows["accounts"]
    money = used_revenue(tables, quarter.as_of)
    return (
        f"{accounts:,} accounts, {money.used_won_revenue:,.2f} won before {quarter.as_of} "
        f"of {money.won_revenue:,.2f} in the source; quarter {quarter.label}"
    )
