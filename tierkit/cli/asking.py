"""The commands between recalibrations: `score`, `explain`, `diff`, `draw`; and `help`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tierkit.cli.app import (
    DEFAULT_FILE,
    AsOf,
    Debug,
    Overrides,
    SettingsFile,
    app,
    example,
    say,
)

if TYPE_CHECKING:
    import click
    import pandas as pd

    from tierkit.settings import Settings

_MOST_LISTED = 20


class SqlDialect(StrEnum):
    """The dialects that the card can be written in."""

    duckdb = "duckdb"
    spark = "spark"


class TierLines(StrEnum):
    """The lines by which accounts that are written to a folder fall into tiers."""

    report = "report"
    size = "size"


_BY_LINES = "Tiers are those of the report's lines; overrides, ICP and capacities do not count."
_BY_SIZE = "Tiers hold the best scores that they have room for; overrides and ICP do not count."
_WITHOUT_LINES = "There is no tiers.csv beside the model, so that all are in one folder."


@app.command(
    epilog=example(
        "score --model reports/2026Q3/model.json -o scores.xlsx", more="how-to/what_if.md"
    )
)
def score(
    model: Annotated[Path, typer.Option(metavar="FILE", help="The model.json of a report.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file ending in .csv, .parquet, .xlsx or .sql, or a new folder: Parquet, a "
            "folder a tier, by the report's tier lines alone.",
        ),
    ],
    file: SettingsFile = DEFAULT_FILE,
    as_of: AsOf = None,
    panel: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Score this Parquet file or folder of criteria, into a folder."
        ),
    ] = None,
    lines: Annotated[
        TierLines,
        typer.Option(help="Tiers of a folder: by the report's lines, or as large as they may be."),
    ] = TierLines.report,
    dialect: Annotated[
        SqlDialect, typer.Option(help="Dialect of a .sql file.")
    ] = SqlDialect.duckdb,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Score and tier accounts with a saved model; nothing is fitted.

    For the weeks between recalibrations. A .sql file gets the card as a query over a panel.
    """
    from tierkit.settings import read_settings

    needs_data = output.suffix.lower() != ".sql"
    settings = read_settings(file, overrides=overrides or ()) if needs_data else None
    from tierkit.commands import (
        check_suffix,
        score_in_engine,
        score_panel,
        score_project,
        tier_lines,
        write_query,
        write_scores,
    )
    from tierkit.models import read_model

    saved, day = read_model(model), as_of.date() if as_of else None
    if settings is not None and (panel is not None or not output.suffix):
        by_size = lines is TierLines.size
        given = None if by_size else tier_lines(model.parent / "tiers.csv")
        if panel is not None:
            score_panel(saved, panel, output, settings=settings, lines=given)
            what = panel.name
        else:
            known = score_in_engine(saved, output, settings=settings, lines=given, as_of=day)
            what = f"Accounts as of {known}"
        typer.echo(f"{what} scored by the {saved.kind}, a folder a tier: {output}")
        typer.echo(_BY_SIZE if by_size else _BY_LINES if given else _WITHOUT_LINES)
        return
    check_suffix(output)
    if settings is None:
        write_query(saved, output, dialect=dialect.value)
        typer.echo(f"The {saved.kind} as a query for {dialect.value}: {output}")
        return
    scored = score_project(saved, settings, as_of=day)
    write_scores(scored.accounts, output)
    typer.echo(
        f"{len(scored.accounts):,} accounts scored as of {scored.as_of} by the {saved.kind}, "
        f"{scored.untiered:,} without a tier: {output}"
    )
    if scored.remark:
        typer.echo(scored.remark)


@app.command(epilog=example('explain "Acme Ltd" --quarter 2026Q3', more="how-to/account.md"))
def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id or its name.")],
    quarter: Annotated[
        str,
        typer.Option(
            metavar="QUARTER", help="A published quarter such as 2026Q3; by default the newest."
        ),
    ] = "",
    file: SettingsFile = DEFAULT_FILE,
    overrides: Overrides = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Say why an account has its tier and what would move it.

    It ends with what may be said to the customer.
    """
    from tierkit.settings import read_settings

    settings = read_settings(file, overrides=overrides or ())
    from tierkit.commands import explain_account

    for line in explain_account(settings, account, quarter=quarter).lines():
        typer.echo(line)


@app.command(epilog=example("diff 2026Q2 2026Q3 --page changes.html", more="report.md"))
def diff(
    before: Annotated[
        str, typer.Argument(metavar="RUN_A", help="A published quarter, a draft, or a folder.")
    ],
    after: Annotated[str, typer.Argument(metavar="RUN_B", help="Another one.")],
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the same as an HTML page.")
    ] = None,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Show what changed between two runs.

    Settings, data, tiers moved, verdicts.
    """
    settings = _settings(file)
    reports = settings.reports if settings else Path()
    from tierkit.commands import account_names
    from tierkit.pages import compare_runs, difference_page, difference_text
    from tierkit.publishing import Published, find_run

    runs = [Published.open(find_run(name, reports=reports)) for name in (before, after)]
    found = compare_runs(*runs, names=account_names(settings) if settings else None)
    typer.echo(difference_text(found))
    if page is not None:
        _write(page, difference_page(found))


def _settings(file: Path) -> Settings | None:
    """Return the settings of the project; None where two folders are compared without one."""
    from tierkit.settings import read_settings

    given = file / "tierkit.toml" if file.is_dir() else file
    return read_settings(file) if given.is_file() or file != DEFAULT_FILE else None


def _write(page: Path, html: str) -> None:
    from tierkit.errors import SettingsError
    from tierkit.files import write_whole

    try:
        write_whole(page, html)
    except OSError as error:
        raise SettingsError(f"{page}: cannot be written: {error.strerror}.") from error
    typer.echo(str(page))


@app.command(epilog=example("draw 2026Q3 --ranks 12-18 --seed 7", more="roi.md"))
def draw(
    quarter: Annotated[str, typer.Argument(metavar="QUARTER", help="A published quarter.")],
    upper: Annotated[
        str, typer.Option(metavar="TIER", help="The tier above the line; by default the first.")
    ] = "",
    ranks: Annotated[
        str, typer.Option(metavar="FIRST-LAST", help="By default roi.band_share around the line.")
    ] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the draw; by default model.seed.")
    ] = None,
    effort: Annotated[
        str, typer.Option(metavar="less|more", help="Draw who of a tier gets less or more effort.")
    ] = "",
    tier: Annotated[
        str, typer.Option(metavar="TIER", help="With --effort; by default the second.")
    ] = "",
    share: Annotated[float, typer.Option(help="With --effort: of the tier's accounts.")] = 0.2,
    quarters: Annotated[int, typer.Option(min=1, max=8, help="With --effort: how long.")] = 4,
    effect: Annotated[float, typer.Option(help="With --effort: the effect asked about.")] = 0.1,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Draw lots: who around a line moves up, or who gets more effort.

    Later reports compare winners and losers of the draw: the fairest test of what a tier adds.
    """
    from tierkit.settings import read_settings

    settings = read_settings(file)
    if effort:
        _draw_effort(settings, quarter, effort, tier=tier, share=share, quarters=quarters,
                     effect=effect, seed=seed)  # fmt: skip
        return
    from tierkit.runs import draw_quarter_band

    drawn = draw_quarter_band(settings, quarter, upper=upper, ranks=_ranks(ranks), seed=seed)
    typer.echo(drawn.band.sentence(currency=settings.calendar.currency))
    _list_drawn(drawn.band.rows, settings, quarter)
    typer.echo(f"Kept in {drawn.file}, seed {drawn.band.seed}.")
    typer.echo(
        f"Next: tierkit accept {quarter} puts it in force for {drawn.quarter.label} "
        f"({drawn.quarter.dates}); reports from {drawn.quarter.label} on read it out."
    )


def _list_drawn(rows: pd.DataFrame, settings: Settings, quarter: str) -> None:
    """Print who takes part in a draw: name, rank, the tier drawn, predicted revenue."""
    from tierkit.commands import account_names
    from tierkit.pages import named_account
    from tierkit.publishing import read_published
    from tierkit.words import money

    names, currency = account_names(settings), settings.calendar.currency
    predicted = read_published(settings, label=quarter).tiers["predicted_revenue"]
    for row in rows.sort_values("rank").head(_MOST_LISTED).to_dict("records"):
        account = named_account(row["account_id"], names.get(row["account_id"]))
        revenue = money(currency, predicted.get(row["account_id"], 0.0))
        typer.echo(f"  rank {row['rank']}: {account} → {row['drawn_tier']}, {revenue}")
    if len(rows) > _MOST_LISTED:
        typer.echo(f"  … and {len(rows) - _MOST_LISTED} more")


def _draw_effort(
    settings: Settings,
    quarter: str,
    effort: str,
    *,
    tier: str,
    share: float,
    quarters: int,
    effect: float,
    seed: int | None,
) -> None:
    """Draw who of a tier gets less or more effort, and say what that may cost and show."""
    from tierkit.errors import SettingsError
    from tierkit.runs import draw_quarter_effort

    if effort not in ("less", "more"):
        raise SettingsError(f"--effort {effort}: write less or more.")
    if not effect > 0:
        raise SettingsError(f"--effect {effect:g}: give a share above 0, such as 0.1.")
    arm: Literal["less", "more"] = "less" if effort == "less" else "more"
    drawn = draw_quarter_effort(
        settings, quarter, arm=arm, tier=tier, drawn_share=share, quarters=quarters, seed=seed
    )
    currency = settings.calendar.currency
    typer.echo(drawn.draw.sentence(currency=currency, effect=effect, dispersion=drawn.dispersion))
    typer.echo(f"Kept in {drawn.file}: `drawn` says who. Nobody's tier changes.")
    typer.echo(f"Reports from {drawn.quarter.label} on read it out.")


def _ranks(text: str) -> tuple[int, int] | None:
    """Return the ranks of `12-18`, None of nothing."""
    from tierkit.errors import SettingsError

    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.strip().isdigit() and last.strip().isdigit()) or int(first) > int(last):
        raise SettingsError(f"--ranks {text}: write the first and the last rank, such as 12-18.")
    return int(first), int(last)


@app.command(name="help", epilog=example("help stability.keep_band", more="pages"))
def help_(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="A chapter, or anything by its name."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Look up a setting, column, file, key, command or word.

    Without a topic it lists the chapters of the reference.
    """
    from tierkit.reference import find_topic, list_topics

    asked = " ".join(topic or ())
    say(find_topic(asked, application()) if asked else list_topics())


def application() -> click.Group:
    """Return the command line as click knows it, with its commands in their order."""
    return cast("click.Group", typer.main.get_command(app))
