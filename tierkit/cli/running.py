"""The commands of a quarter: `check`, `run`, `accept`."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import (
    DEFAULT_FILE,
    Debug,
    Overrides,
    SettingsFile,
    app,
    example,
    say,
)


@app.command(epilog=example("check -f demo/tierkit.toml", more="data.md"))
def check(
    file: SettingsFile = DEFAULT_FILE,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """List every data problem at once, and how to fix each."""
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())
    from tierkit.commands import check_project, print_check

    checked = check_project(settings)
    print_check(checked, sys.stdout)
    raise typer.Exit(checked.exit_code)


@app.command(epilog=example("run --quarter 2026Q3 --set stability.keep_band=1.5", more="jobs.md"))
def run(
    file: SettingsFile = DEFAULT_FILE,
    quarter: Annotated[
        str,
        typer.Option(
            metavar="QUARTER",
            help="2026Q3, or FY2026Q3 where the fiscal year does not start in January; "
            "by default the last complete quarter.",
        ),
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Run this notebook only and publish nothing; may be repeated."
        ),
    ] = None,
    overrides: Overrides = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this model.json instead of fitting.")
    ] = None,
    project_notebooks: Annotated[
        bool, typer.Option("--project-notebooks", help="Run the project's own notebooks.")
    ] = False,
    each: Annotated[
        str,
        typer.Option(metavar="COLUMN=A,B", help="One run for each value of a column of accounts."),
    ] = "",
    jobs: Annotated[
        int, typer.Option(min=0, help="Runs at a time with --each; 0 is half the processors.")
    ] = 0,
    sample: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="ACCOUNTS",
            help="Of very many accounts, a run on so many, drawn by lot: reports/sample.",
        ),
    ] = 0,
    hooks: Annotated[
        bool, typer.Option("--hooks", help="When it has ended, run the commands of [hooks].")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="If it fails, keep the rows that it worked with.")
    ] = False,
    draft: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A what-if in reports/drafts/NAME; not published."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="The same, in another folder.")
    ] = None,
    replace_accepted: Annotated[
        bool, typer.Option("--replace-accepted", help="Replace a report whose tiers are in force.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show inputs, settings and outputs; run nothing.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Run the quarterly recalibration and publish its report."""
    from tierkit.errors import SettingsError
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())  # before anything slow is loaded
    from tierkit.commands import (
        Request,
        describe_run,
        recalibrate,
        recalibrate_and_tell,
        recalibrate_each,
        recalibrate_each_and_tell,
        recalibrate_sample,
    )
    from tierkit.dossiers import write_dossiers
    from tierkit.publishing import choose_draft

    request = Request(
        settings=settings,
        quarter=quarter,
        only=tuple(only or ()),
        set_overrides=tuple(overrides or ()),
        model_file=model,
        project_notebooks=project_notebooks,
        keeps_rows=keep,
        draft=choose_draft(settings, name=draft, folder=to),
        replace_accepted=replace_accepted,
    )
    if sample and (each or hooks or dry_run):
        raise SettingsError("--sample goes with none of --each, --hooks and --dry-run.")
    if dry_run:
        typer.echo(describe_run(request))
        return
    if sample:
        typer.echo(recalibrate_sample(request, sample, on_step=_step))
        return
    if each:
        work_each = recalibrate_each_and_tell if hooks else recalibrate_each
        done = work_each(request, each, jobs=jobs, on_step=_step)
        typer.echo(str(done.index))
        raise typer.Exit(done.exit_code)
    work = recalibrate_and_tell if hooks else recalibrate
    remark = work(request, on_step=_step, extras=write_dossiers)
    typer.echo(remark)


def _step(line: str) -> None:
    with suppress(OSError):  # a run does not end because nobody reads how far it is
        say(line, err=True)


@app.command(epilog=example("accept 2026Q3 --from 2026-10-15", more="how-to/crm.md"))
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
    """Put the proposed tiers of a published quarter in force.

    They are added to the tier history of the project, with score, rank, line and overrides.
    """
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.commands import accept_tiers

    done = accept_tiers(settings, quarter, start=start.date() if start else None, review=review)
    typer.echo(
        f"{done.accounts:,} accounts hold these tiers from {done.start} on; {done.ended:,} earlier "
        f"ones end there. Recorded in {done.file}"
    )
    if done.crm_file is not None:
        typer.echo(f"{done.changes:,} changes for the CRM: {done.crm_file}")
    if done.reviewed:
        overrides = "override" if done.reviewed == 1 else "overrides"
        are = "is" if done.reviewed == 1 else "are"
        typer.echo(
            f"{done.reviewed:,} {overrides} of the review {are} in force and in overrides.csv."
        )
    if done.gone:
        say(done.gone, err=True)
    if done.drawn:
        typer.echo(
            f"{done.drawn:,} of them hold the tier that was drawn by lot. {done.remark}".strip()
        )


@app.command(epilog=example("undo overrides.csv", more="how-to/undo.md"))
def undo(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The file, or `accept` for all that the newest accept changed; without one, "
            "versions are listed.",
        ),
    ] = "",
    number: Annotated[
        int, typer.Option("--version", min=1, help="1 is the newest, 2 the one before it.")
    ] = 1,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Bring an earlier version of a project's file back.

    Of tier_history.csv, overrides.csv, crm_import_QUARTER.csv, tierkit.toml and every draw the last
    ten versions are kept.
    """
    from tierkit.commands import known_versions, undo_accept

    folder = (file if file.is_dir() else file.parent).resolve()  # also where the settings are wrong
    if name == "accept":
        for one in undo_accept(folder):
            say(f"{one} is as it was before the accept. `tierkit undo {one}` takes this back.")
        return
    if name:
        _undo_file(folder, name, number)
        return
    found = known_versions(folder)
    for version in found:
        say(f"{version.file} {version}")
    if not found:
        say("No file of this project has an earlier version yet.")


def _undo_file(folder: Path, name: str, number: int) -> None:
    """Bring one file back, and name the others that the same accept has changed."""
    from tierkit.commands import accepted_together, undo_last_change
    from tierkit.settings import SCRATCH

    together = accepted_together(folder / SCRATCH)
    chosen = undo_last_change(folder, name, number=number)
    say(f"{name} is as it was {chosen}. `tierkit undo {name}` takes this back.")
    others = [one for one in together if one != name] if name in together else []
    if others:
        stay = "stays as it is" if len(others) == 1 else "stay as they are"
        say(f"{' and '.join(others)}, changed by the same accept, {stay}.")


@app.command(epilog=example("clean --yes", more="how-to/undo.md"))
def clean(
    yes: Annotated[
        bool, typer.Option("--yes", help="Take it away; without, it is listed.")
    ] = False,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """List what a project no longer needs; --yes takes it away.

    Failed runs, archived reports and computed results beyond the limits of [keep], and what ended
    commands left. Published reports and the project's own files stay.
    """
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.commands import clean_project, leftovers

    found = clean_project(settings) if yes else leftovers(settings)
    for one in found:
        say(f"{one.size / 1e6:10,.1f} MB  {one.path}: {one.why}")
    size = sum(one.size for one in found) / 1e6
    verb = "are gone" if yes else "can go; `tierkit clean --yes` takes them away"
    say(f"{len(found):,} files and folders with {size:,.1f} MB {verb}.")


@app.command(epilog=example("init demo --sample", more="tutorial/first_hour.md"))
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")],
    sample: Annotated[
        bool, typer.Option("--sample", help="Fill it with a simulated CRM to try things on.")
    ] = False,
    exports: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Guess the settings from these exports."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Make a project folder: settings, notebooks, data, overrides."""
    from tierkit.errors import SettingsError
    from tierkit.runs import make_project

    if sample and exports is not None:
        raise SettingsError("--sample and --from exclude each other: take one.")
    made = make_project(folder, sample=sample, exports=exports)
    for path in made:
        typer.echo(f"created {path}")
    typer.echo(f"Next: cd {folder} && tierkit {'run' if sample else 'check'}")


@app.command(
    epilog=example(
        "simulate world --accounts 4000 --tier-effect 0.6 --seed 7", more="evidence/tier_roi.md"
    )
)
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write into.")],
    accounts: Annotated[int, typer.Option(min=1, help="How many accounts.")] = 2000,
    quarters: Annotated[int, typer.Option(min=6, max=80, help="How many quarters.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives another company.")] = 1,
    tier_effect: Annotated[
        float, typer.Option(min=-0.9, help="What Tier 1 adds over Tier 3; 0.6 is +60 %.")
    ] = 0.6,
    effort_bias: Annotated[
        float, typer.Option(min=1.0, help="Tier 1's effort as a multiple of Tier 3's.")
    ] = 3.0,
    dirty: Annotated[bool, typer.Option("--dirty", help="Add the faults of real exports.")] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Write a simulated CRM whose truth is known.

    It has the tables, matching settings, and truth.json with what tiers really added. A project
    that was not simulated is never written over.
    """
    from tierkit.simulate import keep_projects, simulate_crm, write_crm

    keep_projects(folder)
    crm = simulate_crm(
        accounts=accounts,
        quarters=quarters,
        seed=seed,
        tier_effect=tier_effect,
        effort_bias=effort_bias,
        dirty=dirty,
    )
    for path in write_crm(crm, folder):
        typer.echo(f"wrote {path}")


@app.command(epilog=example("doctor", more="tutorial/first_hour.md"))
def doctor(
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Check the installation, and say how to fix what is missing."""
    from tierkit.commands import examine_installation

    findings = examine_installation()
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(0 if all(finding.fine or finding.optional for finding in findings) else 2)
