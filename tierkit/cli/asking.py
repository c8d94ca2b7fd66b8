"""The commands between recalibrations: `score`, `explain`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import DEFAULT_FILE, Debug, Overrides, SettingsFile, app


class SqlDialect(StrEnum):
    """In which the card can be written."""

    duckdb = "duckdb"
    spark = "spark"


@app.command(epilog="Example: tierkit score --model reports/2026Q3/model.json -o scores.xlsx")
def score(
    model: Annotated[Path, typer.Option(metavar="FILE", help="The model.json of a report.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Ends with .csv, .parquet, .xlsx, or .sql."
        ),
    ],
    file: SettingsFile = DEFAULT_FILE,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            help="First day not yet known; by default the one after the last day in the data.",
        ),
    ] = None,
    dialect: Annotated[
        SqlDialect, typer.Option(help="Of a .sql file: the card as a query over a panel.")
    ] = SqlDialect.duckdb,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Score accounts and give them tiers by a saved model, without fitting anything."""
    from tierkit.settings import read_settings

    needs_data = output.suffix.lower() != ".sql"
    settings = read_settings(file, overrides=overrides or ()) if needs_data else None
    from tierkit.asking.scoring import check_suffix, score_project, write_query, write_scores
    from tierkit.models.saved import read_model

    check_suffix(output)
    saved = read_model(model)
    if settings is None:
        write_query(saved, output, dialect=dialect.value)
        typer.echo(f"The {saved.kind} as a query for {dialect.value}: {output}")
        return
    scored = score_project(saved, settings, as_of=as_of.date() if as_of else None)
    write_scores(scored.accounts, output)
    typer.echo(
        f"{len(scored.accounts):,} accounts scored as of {scored.as_of} by the {saved.kind}, "
        f"{scored.untiered:,} without a tier: {output}"
    )
    if scored.remark:
        typer.echo(scored.remark)


@app.command(epilog='Example: tierkit explain "Acme Ltd" --quarter 2026Q3')
def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id or its name.")],
    quarter: Annotated[
        str, typer.Option(help="A published quarter such as 2026Q3; the newest by default.")
    ] = "",
    file: SettingsFile = DEFAULT_FILE,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Say why an account has its tier, what would move it, and what to tell the customer."""
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())
    from tierkit.asking.explaining import explain_account

    for line in explain_account(settings, account, quarter=quarter).lines():
        typer.echo(line)
