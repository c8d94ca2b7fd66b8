"""The commands of a quarter: `check`, `run`, `accept`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import DEFAULT_FILE, Debug, Overrides, SettingsFile, app
from tierkit.cli.imports import without_grammars_of_addresses
from tierkit.cli.plain import say


@app.command(epilog="Example: tierkit check -f demo/tierkit.toml")
def check(
    file: SettingsFile = DEFAULT_FILE,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Find every data problem at once, and say how to mend each."""
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())
    from tierkit.checking import check_project, print_check

    checked = check_project(settings)
    print_check(checked, sys.stdout)
    raise typer.Exit(checked.exit_code)


@app.command(epilog="Example: tierkit run --quarter 2026Q3 --set stability.keep_band=1.5")
def run(
    file: SettingsFile = DEFAULT_FILE,
    quarter: Annotated[
        str, typer.Option(help="2026Q3 or FY2026Q3; the last complete one by default.")
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Run only this notebook, publish nothing; repeatable."),
    ] = None,
    overrides: Overrides = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this model.json instead of fitting.")
    ] = None,
    project_notebooks: Annotated[
        bool, typer.Option("--project-notebooks", help="Run the project's own notebooks.")
    ] = False,
    each: Annotated[
        str, typer.Option(metavar="COLUMN=A,B", help="One run per value of a column of accounts.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Units at a time; 0: half the processors.")] = 0,
    hooks: Annotated[
        bool, typer.Option("--hooks", help="Run the commands of [hooks] when it has ended.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show inputs, settings and outputs; run nothing.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Run the quarterly recalibration and publish its report."""
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())  # before anything slow is loaded
    with without_grammars_of_addresses():
        from tierkit.dossiers.stages import MADE_AHEAD, write_dossiers
        from tierkit.recalibration.command import (
            Request,
            describe,
            recalibrate,
            recalibrate_and_tell,
            recalibrate_each,
            recalibrate_each_and_tell,
        )

    request = Request(
        settings=settings,
        quarter=quarter,
        only=tuple(only or ()),
        set_overrides=tuple(overrides or ()),
        model_file=model,
        project_notebooks=project_notebooks,
    )
    if dry_run:
        typer.echo(describe(request))
        return
    if each:
        work_each = recalibrate_each_and_tell if hooks else recalibrate_each
        done = work_each(request, each, jobs=jobs, on_step=_step)
        typer.echo(str(done.index))
        raise typer.Exit(done.exit_code)
    work = recalibrate_and_tell if hooks else recalibrate
    remark = work(request, on_step=_step, beside=write_dossiers, ahead=MADE_AHEAD)
    typer.echo(remark)


def _step(line: str) -> None:
    say(line, err=True)


@app.command(epilog="Example: tierkit accept 2026Q3 --from 2026-10-15")
def accept(
    quarter: Annotated[str, typer.Argument(metavar="QUARTER", help="A published quarter.")],
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            help="First day in force; by default the day after the quarter.",
        ),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            "--overrides", metavar="FILE", help="The reviewed workbook, or a CSV of overrides."
        ),
    ] = None,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Let the proposed tiers take force: append them to the project's tier history."""
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.accepting import accept_tiers

    done = accept_tiers(settings, quarter, start=start.date() if start else None, review=review)
    typer.echo(
        f"{done.accounts:,} accounts hold these tiers from {done.start} on; {done.ended:,} earlier "
        f"ones end there. Recorded in {done.file}"
    )
    if done.reviewed:
        typer.echo(f"{done.reviewed:,} overrides of the review are in force and in overrides.csv.")
    if done.drawn:
        typer.echo(
            f"{done.drawn:,} of them hold the tier that was drawn by lot. {done.remark}".strip()
        )
