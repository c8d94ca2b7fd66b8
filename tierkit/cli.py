"""The command line: thin commands over public functions, and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tierkit.errors import TierkitError

MOST_ERROR_LINES = 15

app = typer.Typer(
    name="tierkit",
    help="Account tiering that can be explained, signed and checked.",
    epilog="Try it: tierkit init demo --sample && cd demo && tierkit run",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

SettingsFile = Annotated[
    Path, typer.Option("-f", "--file", metavar="FILE", help="The settings, or their folder.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Put a TOML value over a setting; may be repeated."
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the full trace of an error.")]
DEFAULT_FILE = Path("tierkit.toml")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    from tierkit.errors import TierkitError

    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(given)
    except TierkitError as error:
        if "--debug" in given:
            raise
        _report(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if "--debug" in given:
            raise
        _report_fault(error)
        sys.exit(1)


@app.command(epilog="Example: tierkit init demo --sample")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    sample: Annotated[
        bool, typer.Option("--sample", help="Fill it with a simulated CRM to try things on.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Make a project folder: settings, notebooks, a place for data, overrides."""
    from tierkit.project import make_project

    made = make_project(folder, sample=sample)
    for path in made:
        typer.echo(f"made {path}")
    typer.echo(f"Next: cd {folder} && tierkit {'run' if sample else 'check'}")


@app.command(epilog="Example: tierkit simulate world --accounts 4000 --tier-effect 0.6 --seed 7")
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write into.")],
    accounts: Annotated[int, typer.Option(min=1, help="How many accounts.")] = 2000,
    quarters: Annotated[int, typer.Option(min=6, max=80, help="How many quarters.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another company.")] = 1,
    tier_effect: Annotated[
        float, typer.Option(min=-0.9, help="What Tier 1 adds over Tier 3: 0.6 is +60 %.")
    ] = 0.6,
    effort_bias: Annotated[
        float, typer.Option(min=1.0, help="Tier 1's effort as a multiple of Tier 3's.")
    ] = 3.0,
    dirty: Annotated[bool, typer.Option("--dirty", help="Plant faults of real exports.")] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Write a CRM with known truth: tables, truth.json and matching settings."""
    from tierkit.simulate import simulate_crm, write_crm

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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show inputs, settings and outputs; run nothing.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Run the quarterly recalibration and publish its report."""
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())  # before anything slow is loaded
    from tierkit.recalibration.command import Request, describe, recalibrate

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
    typer.echo(recalibrate(request, on_step=lambda line: typer.echo(line, err=True)))


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
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Let the proposed tiers take force: append them to the project's tier history."""
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.accepting import accept_tiers

    done = accept_tiers(settings, quarter, start=start.date() if start else None)
    typer.echo(
        f"{done.accounts:,} accounts hold these tiers from {done.start} on; {done.ended:,} earlier "
        f"ones end there. Recorded in {done.file}"
    )


@app.command(epilog="Example: tierkit doctor")
def doctor(
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Show Python, kernel, versions and optional parts, and how to mend what is missing."""
    from tierkit.doctor import examine_installation

    findings = examine_installation()
    for finding in findings:
        typer.echo(str(finding))
    raise typer.Exit(0 if all(finding.fine or finding.optional for finding in findings) else 2)


def _report(error: TierkitError) -> None:
    """Print the list of problems to standard output and the cause to standard error."""
    for problem in error.problems:
        typer.echo(f"- {problem}")
    lines = str(error.args[0]).splitlines()
    if error.problems:
        lines.append(f"{len(error.problems)} listed on standard output. Nothing was published.")
    lines += getattr(error, "__notes__", [])
    for line in lines[:MOST_ERROR_LINES]:
        typer.echo(line, err=True)


def _report_fault(error: Exception) -> None:
    """Say in words that tierkit itself failed, and how to see more."""
    said = str(error).strip().splitlines()
    typer.echo(f"tierkit failed: {type(error).__name__}: {said[0] if said else ''}"[:500], err=True)
    typer.echo("This is a fault of tierkit. Nothing was published.", err=True)
    typer.echo("Run the command again with --debug for the whole trace, and report it.", err=True)
    for note in getattr(error, "__notes__", []):
        typer.echo(note, err=True)


if __name__ == "__main__":
    main()
