"""The command of experiments: `draw`."""

from __future__ import annotations

from typing import Annotated

import typer

from tierkit.cli.app import DEFAULT_FILE, Debug, SettingsFile, app


@app.command(epilog="Example: tierkit draw 2026Q3 --ranks 12-18 --seed 7")
def draw(
    quarter: Annotated[str, typer.Argument(metavar="QUARTER", help="A published quarter.")],
    upper: Annotated[
        str, typer.Option(metavar="TIER", help="The tier above the line; by default the first.")
    ] = "",
    ranks: Annotated[
        str, typer.Option(metavar="FIRST-LAST", help="By default roi.band_share around the line.")
    ] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the lot; by default model.seed.")
    ] = None,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Draw by lot who around a line gets the upper tier in the quarter that follows."""
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.experiments import draw_quarter_band

    drawn = draw_quarter_band(settings, quarter, upper=upper, ranks=_ranks(ranks), seed=seed)
    typer.echo(drawn.band.sentence(currency=settings.calendar.currency))
    typer.echo(f"Kept in {drawn.file}, seed {drawn.band.seed}.")
    typer.echo(
        f"Next: tierkit accept {quarter} puts it in force for {drawn.quarter.label} "
        f"({drawn.quarter.dates}); reports from {drawn.quarter.label} on read it out."
    )


def _ranks(text: str) -> tuple[int, int] | None:
    """Return the ranks of `12-18`, None of nothing."""
    from tierkit.errors import SettingsError

    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.strip().isdigit() and last.strip().isdigit()) or int(first) > int(last):
        raise SettingsError(f"--ranks {text}: write the first and the last rank, such as 12-18.")
    return int(first), int(last)
