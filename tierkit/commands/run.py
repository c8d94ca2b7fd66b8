"""`tierkit run`: read and check first, then the notebooks, then publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tierkit.cache import fingerprint
from tierkit.calendar import Quarter, today
from tierkit.commands._explain import open_report
from tierkit.commands.accept import accepted_from
from tierkit.commands.apart import REPORT_PLAN
from tierkit.commands.units import EachResult, read_each, run_each
from tierkit.crm import Tables, check_quarter, default_quarter, used_revenue
from tierkit.errors import DataError, SettingsError, TierkitError
from tierkit.features import all_features
from tierkit.files import project_lock
from tierkit.pages import UNIT_TOTALS
from tierkit.publishing import (
    RUN_NOTEBOOKS,
    Draft,
    Ending,
    Handover,
    RunResult,
    differing_notebooks,
    exit_code_of,
    failure_file,
    file_hash,
    package_versions,
    packaged_notebook,
    project_notebook,
    published_hash,
    run_hooks,
    run_recalibration,
    settings_rows,
)
from tierkit.rendering import find_browser
from tierkit.runs import (
    LEAK_RULE,
    Run,
    certified_beside,
    check_tiering,
    data_remarks,
    leak_problems,
    leave_rows,
    project_cache,
    read_bands,
    trusted_tables,
)
from tierkit.settings import Settings

OUTPUTS = (
    "leadership.html",
    "analyst.html",
    "tiers.csv",
    "accounts.xlsx",
    "crm_import_proposed.csv",
    "model.json",
    "facts.json",
    "summary.txt",
    "run.json",
    "won_deals.csv",
    "dossiers/",
    "notebooks/",
)


MANY_ACCOUNTS = 200_000
"""More are a strain on a machine with 24 GB: 100,000 need about 6."""


@dataclass(frozen=True)
class Request:
    """The arguments of `tierkit run`."""

    settings: Settings
    quarter: str = ""
    only: tuple[str, ...] = ()
    set_overrides: tuple[str, ...] = ()
    model_file: Path | None = None
    project_notebooks: bool = False
    keeps_rows: bool = False
    draft: Draft | None = None
    replace_accepted: bool = False


def recalibrate(
    request: Request,
    *,
    on_step: Callable[[str], None],
    extras: Callable[[Path, Path, Callable[[str], None]], object] | None = None,
) -> str:
    """Run the recalibration and return, in a line, what came of it and where it lies.

    Parameters
    ----------
    on_step
        Called with one line per step.
    extras
        Writes what the report holds besides its pages, as `ReportPlan.extras` says.

    Raises
    ------
    TierkitError
        Of the kind that says what went wrong; nothing is published then.
    """
    if line := _notebooks_in_words(request):
        on_step(line)
    tables, quarter = read_for_run(request)
    for line in (_read_in_words(tables, quarter), *_dated_wrongly(tables), *_too_many(tables)):
        on_step(f"data: {line}")
    settings, done = request.settings, []

    def run() -> str:
        if request.draft is None and not request.only:
            refuse_to_replace_accepted(settings, quarter, asked=request.replace_accepted)
        done.append(_run(request, quarter, tables, on_step=on_step, extras=extras))
        return published_hash(settings, quarter)

    if request.only or request.draft is not None:
        run()
        return _in_a_line(done[0])
    known = project_cache(settings).value("report", [_key(request, tables, quarter)], run)
    if not done and (published_hash(settings, quarter) != known or _lacks(settings, quarter)):
        run()
    if not done:
        return _nothing_new(settings, quarter, on_step)
    with suppress(TierkitError):  # whoever asks for an account is told what is wrong
        open_report(settings, quarter=quarter.label)
    return _in_a_line(done[0])


def _notebooks_in_words(request: Request) -> str:
    """Return which notebooks run, where the project has others than those of tierkit."""
    own = differing_notebooks(request.settings.folder)
    if not own:
        return ""
    names = ", ".join(f"notebooks/{name}.ipynb" for name in own)
    if request.project_notebooks:
        return f"notebooks: the project's own; other code than tierkit's in {names}"
    return (
        f"notebooks: those of tierkit; {names} of the project "
        f"{'has' if len(own) == 1 else 'have'} other code: --project-notebooks runs it"
    )


def _run(
    request: Request,
    quarter: Quarter,
    tables: Tables,
    *,
    on_step: Callable[[str], None],
    extras: Callable[[Path, Path, Callable[[str], None]], object] | None,
) -> RunResult:
    return run_recalibration(
        request.settings,
        quarter=quarter,
        only=request.only,
        set_overrides=request.set_overrides,
        model_file=request.model_file,
        project_notebooks=request.project_notebooks,
        on_step=on_step,
        draft=request.draft,
        plan=replace(
            REPORT_PLAN,
            prepare=lambda given, folder: leave_rows(given, tables, folder),
            beside=nullcontext
            if request.only
            else partial(certified_beside, request.settings, tables),
            extras=extras,
            keeps_rows=request.keeps_rows,
        ),
    )


def refuse_to_replace_accepted(settings: Settings, quarter: Quarter, *, asked: bool) -> None:
    """Refuse to replace a report whose tiers are in force, unless that is asked for.

    Raises
    ------
    SettingsError
        If the tiers of the published report were accepted.
    """
    if asked or not (settings.reports / quarter.label).is_dir():
        return
    begins = accepted_from(settings, quarter.label)
    if begins:
        raise SettingsError(
            f"{quarter.label}: its tiers were accepted and are in force from {begins} on. For a "
            "what-if take --draft NAME; to replace the report all the same, --replace-accepted."
        )


def _key(request: Request, tables: Tables, quarter: Quarter) -> str:
    """Return a hash of all that a report depends on."""
    settings = request.settings
    run = Run(settings, quarter, tables, settings.scratch, request.model_file)
    find = partial(project_notebook, settings.folder) if request.project_notebooks else None
    notebooks = [file_hash((find or packaged_notebook)(name)) for name in RUN_NOTEBOOKS]
    return fingerprint([run.key, request.set_overrides, package_versions(), *notebooks])


def _lacks(settings: Settings, quarter: Quarter) -> bool:
    """Return whether a published report lacks a format that is asked for and can be written."""
    report, formats = settings.reports / quarter.label, settings.run.formats
    printed = (report / "leadership.pdf").is_file() or find_browser() is None
    drawn = (report / "leadership.pptx").is_file()
    return ("pdf" in formats and not printed) or ("slides" in formats and not drawn)


def _nothing_new(settings: Settings, quarter: Quarter, on_step: Callable[[str], None]) -> str:
    folder = settings.reports / quarter.label
    remark = f"Nothing new: reports/{quarter.label} holds the same report already"
    on_step(remark)
    return _with_page(f"{remark}.", folder)


def _in_a_line(result: RunResult) -> str:
    return _with_page(result.remark, result.folder)


def _with_page(remark: str, folder: Path) -> str:
    page = folder / "leadership.html"
    return f"{remark}\n{page if page.is_file() else folder}"


def recalibrate_and_tell(
    request: Request,
    *,
    on_step: Callable[[str], None],
    extras: Callable[[Path, Path, Callable[[str], None]], object] | None = None,
) -> str:
    """Run the recalibration and tell the project's hooks how it ended; return as `recalibrate`.

    A hook that fails is a line to `on_step` and changes nothing else.
    """
    with _failure_told(request.settings, on_step):
        said = recalibrate(request, on_step=on_step, extras=extras)
    folder = Path(said.splitlines()[-1])
    run_file = (folder.parent if folder.is_file() else folder) / "run.json"
    _tell(request.settings, Ending(0, run_file), on_step)
    return said


@contextmanager
def _failure_told(settings: Settings, on_step: Callable[[str], None]) -> Iterator[None]:
    """Tell the hook of failures what ended the block."""
    try:
        yield
    except BaseException as error:
        code = exit_code_of(error)
        _tell(settings, Ending(code, failure_file(settings, error, exit_code=code)), on_step)
        raise


def _tell(settings: Settings, ending: Ending, on_step: Callable[[str], None]) -> None:
    if sentence := run_hooks(settings, ending):
        on_step(sentence)


def recalibrate_each(
    request: Request, given: str, *, jobs: int = 0, on_step: Callable[[str], None]
) -> EachResult:
    """Run the recalibration once for each value of a column of accounts.

    Parameters
    ----------
    given
        `COLUMN` or `COLUMN=A,B,C`.
    jobs
        How many units run at a time; 0 for half the processors.

    Raises
    ------
    TierkitError
        Before any unit is started; what happens in a unit is in the result.
    """
    barred = request.only or request.project_notebooks or request.draft is not None
    if barred or request.keeps_rows:
        raise SettingsError(
            "--each goes with none of --only, --project-notebooks, --draft, --to and --keep."
        )
    tables, quarter = read_for_run(request)
    units = read_each(given, tables)
    on_step(f"data: {_read_in_words(tables, quarter)}; {len(units)} units")
    handover = Handover(request.settings, quarter, request.model_file, request.set_overrides)
    with project_lock(request.settings.scratch):
        return run_each(handover, tables, units, jobs=jobs, on_step=on_step)


def recalibrate_each_and_tell(
    request: Request, given: str, *, jobs: int = 0, on_step: Callable[[str], None]
) -> EachResult:
    """Run each unit as `recalibrate_each` does and tell the project's hooks how all ended, once.

    They are given `units.json`; a single unit that failed makes it a failure.
    """
    with _failure_told(request.settings, on_step):
        done = recalibrate_each(request, given, jobs=jobs, on_step=on_step)
    _tell(request.settings, Ending(done.exit_code, done.index.with_name(UNIT_TOTALS)), on_step)
    return done


def describe_run(request: Request) -> str:
    """Return what a run would read, with which settings, and what it would publish."""
    tables, quarter = read_for_run(request)
    settings = request.settings
    rows = [f"  {name}: {count:,} rows" for name, count in tables.source_rows.items()]
    changed = [
        f"  {key} = {value}" for key, value, is_default in settings_rows(settings) if not is_default
    ]
    target = request.draft.folder if request.draft else settings.reports / quarter.label
    would = "would leave a draft in" if request.draft else "would publish into"
    if target.is_dir():
        would = would.replace("would", "would replace what lies there and", 1)
    return "\n".join(
        [
            f"quarter {quarter.label} ({quarter.dates}), known up to {quarter.end}",
            f"inputs from {settings.source_in_words}",
            *rows,
            "settings that differ from the defaults and from what `tierkit init` writes",
            *changed,
            f"{would} {target}",
            *(f"  {name}" for name in OUTPUTS),
            "Nothing was run.",
        ]
    )


def read_for_run(request: Request) -> tuple[Tables, Quarter]:
    """Read everything that a run needs, so that what is wrong is said before a kernel starts."""
    settings = request.settings
    calendar = settings.fiscal_calendar
    asked = calendar.parse(request.quarter) if request.quarter else None
    if request.model_file is not None and not request.model_file.is_file():
        raise SettingsError(f"--model {request.model_file}: no such file.")
    tables = trusted_tables(settings)
    day = today()
    quarter = asked or default_quarter(tables, calendar, today=day)
    check_quarter(tables, quarter, calendar, today=day)
    all_features(tables, settings)
    found = [*data_remarks(tables, settings, quarter)]
    if LEAK_RULE in settings.checks.block:
        found += leak_problems(tables, settings, as_of=quarter.as_of)
    blocking = [problem for problem in found if problem.blocks]
    if blocking:
        raise DataError(f"{quarter.label}: the settings do not let these data run", blocking)
    check_tiering(tables, settings=settings, as_of=quarter.as_of)
    read_bands(settings)
    return tables, quarter


def _dated_wrongly(tables: Tables) -> list[str]:
    return [str(remark) for remark in tables.remarks if remark.rule == "won in the future"]


def _too_many(tables: Tables) -> list[str]:
    """Return a remark where the criteria of all accounts may not fit into memory."""
    accounts = tables.source_rows["accounts"]
    if accounts <= MANY_ACCOUNTS:
        return []
    return [
        f"a run keeps the criteria of {accounts:,} accounts in memory; where that is too much, "
        "--sample 100000 runs on fewer, and `tierkit score -o FOLDER` scores all"
    ]


def _read_in_words(tables: Tables, quarter: Quarter) -> str:
    accounts = tables.source_rows["accounts"]
    money = used_revenue(tables, quarter.as_of)
    return (
        f"{accounts:,} accounts, {money.used_won_revenue:,.2f} won before {quarter.as_of} "
        f"of {money.won_revenue:,.2f} in the source; quarter {quarter.label}"
    )
