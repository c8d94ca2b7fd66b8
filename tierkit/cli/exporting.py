"""The command that takes the computation to a warehouse: `export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tierkit.cli.app import DEFAULT_FILE, AsOf, Debug, Overrides, SettingsFile, app, example


class ExportForm(StrEnum):
    """The forms that panel and score can be exported in."""

    sql = "sql"
    dbt = "dbt"
    panel = "panel"


class WarehouseDialect(StrEnum):
    """The dialects of SQL that panel and score can be written in."""

    duckdb = "duckdb"
    postgres = "postgres"
    snowflake = "snowflake"
    bigquery = "bigquery"
    databricks = "databricks"
    spark = "spark"


@app.command(
    epilog=example("export dbt -o warehouse --model reports/2026Q3/model.json", more="scale.md")
)
def export(
    form: Annotated[
        ExportForm,
        typer.Argument(
            help="Queries alone, a dbt project with its tests, or the panel itself as Parquet."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the files go.")
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The model.json of a report, for scores and tiers."),
    ] = None,
    dialect: Annotated[
        WarehouseDialect, typer.Option(help="Dialect of the queries.")
    ] = WarehouseDialect.duckdb,
    file: SettingsFile = DEFAULT_FILE,
    as_of: AsOf = None,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Write panel, card and tier lines as SQL over the trusted tables.

    The queries give the criteria and scores that tierkit computes. Tiers are those of the lines:
    overrides, keep band and ICP stay with `tierkit run`. `panel` computes the criteria at the
    quarter-ends that a run learns from, as Parquet for a model of your own.
    """
    from tierkit.commands import export_panel, export_queries, write_dbt_project, write_sql
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())
    day = as_of.date() if as_of else None
    if form is ExportForm.panel:
        days = export_panel(settings, output, as_of=day)
        typer.echo(f"The criteria at {len(days)} dates, a folder each: {output}")
        return
    queries = export_queries(settings, model_file=model, as_of=day)
    write = write_dbt_project if form is ExportForm.dbt else write_sql
    write(queries, output, dialect=dialect.value)
    typer.echo(f"{len(queries.models)} queries for {dialect.value}: {output}")
