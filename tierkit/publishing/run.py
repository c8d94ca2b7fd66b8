"""The quarterly run: notebooks, pages, gates, publication; or what is left, and the cause."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tierkit.calendar import Quarter
from tierkit.errors import Problem, SettingsError
from tierkit.files import (
    disk_errors_in_words,
    files_lock,
    make_folder,
    project_lock,
    reserved_room,
)
from tierkit.publishing.drafts import Draft, place_draft
from tierkit.publishing.manifest import REMAINS_NOTE, Stage, exit_code_of, now, write_manifest
from tierkit.publishing.notebooks import (
    RUN_NOTEBOOKS,
    check_notebook,
    notebook_parameters,
    packaged_notebook,
    project_notebook,
)
from tierkit.publishing.plan import Handover, OnStep, ReportPlan, RunContext, write_handover
from tierkit.publishing.publish import (
    claim_reports,
    finish_interrupted,
    is_claimed,
    keep_remains,
    publish,
    report_hash,
)
from tierkit.settings import Settings

if TYPE_CHECKING:
    from tierkit.publishing.execute import Execution

DATA_FILE = "data.txt"
"""The file in a run's folder that holds the hash of its data."""

BEGUN_WITH = ("settings.json", DATA_FILE)
_ADDRESSES = "rfc3987_syntax"


@dataclass(frozen=True)
class RunResult:
    """The outcome of a run.

    Attributes
    ----------
    run_id, folder
        Its name, and where the report (of `--only`: the work) lies.
    published
        Whether a new report was put in place.
    remark
        The same in a sentence.
    replaced
        Where the report that lay there before is kept.
    """

    run_id: str
    folder: Path
    published: bool
    remark: str
    replaced: Path | None = None


def run_recalibration(  # noqa: PLR0913 - one keyword per option of the command
    settings: Settings,
    *,
    quarter: Quarter,
    only: Sequence[str] = (),
    set_overrides: Sequence[str] = (),
    model_file: Path | None = None,
    project_notebooks: bool = False,
    on_step: OnStep | None = None,
    plan: ReportPlan,
    draft: Draft | None = None,
    wait: float = 0.0,
) -> RunResult:
    """Run the notebooks of a quarter and publish the report, or leave everything as it was.

    Parameters
    ----------
    settings
        The effective settings.
    quarter
        The quarter of the report.
    only
        Names of the notebooks to run; nothing is published then. They find what earlier runs of
        this kind handed over, as long as the settings are the same.
    set_overrides
        What `--set` said; it is in the settings already, and is noted.
    model_file
        A saved model to use instead of fitting one.
    project_notebooks
        Whether to run the project's own copies.
    on_step
        Called with one line per step.
    plan
        Which notebooks make the report and what must stand on its pages.
    draft
        Where the report goes instead of being published, None to publish it.
    wait
        Seconds to wait for another run of the project.

    Raises
    ------
    SettingsError
        Before anything is started.
    TierkitError
        Of the kind that `tierkit.errors` gives for each failure; what is left of the run then
        lies in `reports/failed/<run id>`, which a note of the error names.
    """
    if model_file is not None and not model_file.is_file():
        raise SettingsError(f"--model {model_file}: no such file.")
    paths = plan.notebooks or _standard_notebooks(settings, own=project_notebooks)
    chosen = _chosen(paths, only)
    for path in chosen:
        check_notebook(path)
    named = draft.name if draft else ""
    handover = Handover(settings, quarter, model_file, tuple(set_overrides), named)
    ready = replace(plan, notebooks=tuple(chosen))
    run = RunContext(handover, ready, on_step or _say_nothing)
    with disk_errors_in_words(), project_lock(settings.scratch, wait=wait):
        claim_reports(settings.reports)
        _finish_publication(settings)
        _sweep(settings)
        return _guarded(run, publishes=not only, draft=draft)


def published_hash(settings: Settings, quarter: Quarter) -> str:
    """Return a hash of a published report's files, `run.json` aside; empty where there is none.

    What an interrupted command began to publish is finished first.
    """
    with project_lock(settings.scratch):
        _finish_publication(settings)
    return report_hash(settings.reports / quarter.label)


def _guarded(run: RunContext, *, publishes: bool, draft: Draft | None) -> RunResult:
    """Run; on any failure, Ctrl-C included, keep the remains with their cause."""
    with reserved_room(run.settings.scratch) as give_back:
        try:
            with disk_errors_in_words():
                make_folder(run.folder, below=run.settings.scratch)
                load_what_runs_notebooks()
                return _publishing(run, draft) if publishes else _partial(run)
        except BaseException as error:
            give_back()
            error.add_note(f"{REMAINS_NOTE}{_keep_remains(run, error)}")
            raise


def load_what_runs_notebooks() -> None:
    """Import what runs notebooks and makes pages of them, in 2 s instead of 5.

    `nbformat` imports `jsonschema`, and that compiles 38 grammars of web addresses where it finds
    them; the schema of notebooks asks for no such check.
    """
    if _ADDRESSES in sys.modules:
        return
    sys.modules[_ADDRESSES] = None  # type: ignore[assignment]
    try:
        import_module("tierkit.publishing.assemble")
    finally:
        del sys.modules[_ADDRESSES]


def _publishing(run: RunContext, draft: Draft | None) -> RunResult:
    from tierkit.publishing.assemble import (
        collect,
        requirements,
        write_formats,
        write_pages,
        write_report_manifest,
    )
    from tierkit.publishing.gates import check_report

    executions = _execute(run)
    with run.stage("pages"):
        collect(run)
        write_pages(run, executions)
        remarks = write_formats(run)
    for remark in remarks:
        run.on_step(remark)
    if run.plan.extras is not None:
        with run.stage("dossiers"):
            run.plan.extras(run.folder, run.report, run.on_step)
    write_report_manifest(run)
    with run.stage("gates"):
        check_report(run.report, requirements(run))
    if draft is not None:
        return _left_as_draft(run, draft)
    with files_lock(run.settings.scratch):
        done = publish(run.report, reports=run.settings.reports, label=run.label)
    if run.plan.on_published is not None:
        run.plan.on_published(run.folder)
    shutil.rmtree(run.folder, ignore_errors=True)
    instead = f", in place of what is now {_short(done.replaced, run)}" if done.replaced else ""
    remark = (
        f"Published {_short(done.folder, run)}{instead}"
        if done.new
        else f"Nothing new: {_short(done.folder, run)} holds the same report already"
    )
    run.plan.pages.index(run.settings.reports, run.title)
    run.on_step(remark)
    return RunResult(run.run_id, done.folder, done.new, f"{remark}.", done.replaced)


def _left_as_draft(run: RunContext, draft: Draft) -> RunResult:
    folder = place_draft(run.report, draft)
    shutil.rmtree(run.folder, ignore_errors=True)
    remark = f"Draft {draft.name} lies in {_short(folder, run)}; nothing was published"
    run.on_step(remark)
    return RunResult(run.run_id, folder, published=False, remark=f"{remark}.")


def _partial(run: RunContext) -> RunResult:
    """Run some notebooks only, on top of what earlier runs of this kind handed over."""
    _execute(run, after=run.partial)
    shutil.rmtree(run.partial, ignore_errors=True)
    make_folder(run.partial.parent, below=run.settings.scratch)
    run.folder.rename(run.partial)
    remark = f"Ran in {_short(run.partial, run)}; with --only nothing is published"
    run.on_step(remark)
    return RunResult(run.run_id, run.partial, published=False, remark=f"{remark}.")


def _execute(run: RunContext, *, after: Path | None = None) -> list[Execution]:
    """Run the notebooks; on top of what another run handed over, where it began with the same."""
    write_handover(run.folder, run.handover)
    if run.plan.prepare is not None:
        with run.stage("data"):
            run.plan.prepare(run.handover, run.folder)
    if after is not None and _began_alike(after, run.folder):
        shutil.copytree(after, run.folder, dirs_exist_ok=True)
    with run.plan.beside(run.folder):
        return _execute_notebooks(run)


def _execute_notebooks(run: RunContext) -> list[Execution]:
    from tierkit.publishing.execute import execute_notebook

    project = run.settings.folder.resolve()
    values = {
        "project": str(project),
        "run_folder": str(run.folder.resolve()),
        "quarter": run.label,
    }
    executions: list[Execution] = []
    limit = run.settings.run.time_limit_seconds
    for path in run.plan.notebooks:
        begun = time.monotonic()
        execution = execute_notebook(
            path,
            parameters=notebook_parameters(path.stem, values),
            folder=project,
            copy=run.folder / "notebooks" / path.name,
            time_limit=limit,
            replacements=run.replacements,
        )
        seconds = time.monotonic() - begun
        executions.append(execution)
        run.stages.append(Stage(path.stem, round(seconds, 3), execution.peak_memory))
        run.on_step(f"{path.stem}: {seconds:.1f} s")
    return executions


def _standard_notebooks(settings: Settings, *, own: bool) -> tuple[Path, ...]:
    if own:
        return tuple(project_notebook(settings.folder, name) for name in RUN_NOTEBOOKS)
    return tuple(packaged_notebook(name) for name in RUN_NOTEBOOKS)


def _chosen(paths: Sequence[Path], only: Sequence[str]) -> list[Path]:
    known = [path.stem for path in paths]
    problems = []
    for name in only:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            problems.append(Problem(f"{name}: is no notebook of a run", fix))
    if problems:
        raise SettingsError("--only: nothing was run", problems)
    return [path for path in paths if not only or path.stem in only]


def _began_alike(one: Path, other: Path) -> bool:
    """Return whether two runs began with the same settings and, where noted, the same data."""
    return one.is_dir() and all(_bytes(one / name) == _bytes(other / name) for name in BEGUN_WITH)


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _finish_publication(settings: Settings) -> None:
    """Finish what an interrupted command began to publish; the lock of runs is held."""
    if is_claimed(settings.reports):
        with files_lock(settings.scratch):
            finish_interrupted(settings.reports)


def _sweep(settings: Settings) -> None:
    """Put away what commands left that ended before their run did; the lock is ours."""
    for folder in sorted((settings.scratch / "runs").glob("*")):
        _drop_rows(folder)
        cause = "The command ended before the run did."
        keep_remains(folder, reports=settings.reports, run=folder.name, cause=cause)


def _keep_remains(run: RunContext, error: BaseException) -> Path:
    """Keep what is left of a run, its cause in a line, and a `run.json` that hooks can read."""
    settings, folder = run.settings, run.folder
    _finish_publication(settings)
    kind = "" if str(error) else "interrupted from the keyboard"
    cause = f"{type(error).__name__}: {str(error) or kind}"
    make_folder(folder, below=settings.scratch)
    with suppress(OSError):  # a full disk must not hide why the run failed
        if not run.plan.keeps_rows:
            _drop_rows(folder)
        write_failure_manifest(run, cause=" ".join(cause.split()), exit_code=exit_code_of(error))
    return keep_remains(folder, reports=settings.reports, run=folder.name, cause=cause)


def _drop_rows(folder: Path) -> None:
    """Take the rows of accounts and deals out of the folder of a run; what they gave stays."""
    for file in folder.rglob("*.parquet"):
        file.unlink(missing_ok=True)


def write_failure_manifest(run: RunContext, *, cause: str, exit_code: int) -> None:
    """Write `run.json` of a run that failed: what went into it, what it took, and the cause."""
    content = {
        "run_id": run.run_id,
        "quarter": run.label,
        "started": run.started,
        "finished": now(),
        "set": list(run.handover.set_overrides),
        "cause": cause,
        "exit_code": exit_code,
    }
    write_manifest(
        run.folder / "run.json",
        run=content,
        settings=run.settings,
        stages=run.stages,
        replacements=run.replacements,
    )


def _short(path: Path, run: RunContext) -> str:
    """Return a path as a person in the project's folder writes it."""
    folder = run.settings.folder.resolve()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _say_nothing(_text: str) -> None:
    pass
