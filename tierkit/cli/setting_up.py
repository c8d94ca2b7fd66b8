"""The commands that come before a run: `init`, `simulate`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import Debug, app


@app.command(epilog="Example: tierkit init demo --sample")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    sample: Annotated[
        bool, typer.Option("--sample", help="Fill it with a simulated CRM to try things on.")
    ] = False,
    exports: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Guess the settings from these exports."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Make a project folder: settings, notebooks, a place for data, overrides."""
    from tierkit.errors import SettingsError
    from tierkit.project import make_project

    if sample and exports is not None:
        raise SettingsError("--sample and --from exclude each other: take one.")
    made = make_project(folder, sample=sample, exports=exports)
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
