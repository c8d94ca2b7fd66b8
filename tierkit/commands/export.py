"""Panel, card and tier lines as SQL of a warehouse, and as the queries of a dbt project."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from tierkit.crm import (
    SqlEngine,
    Tables,
    connect,
    is_duckdb,
    last_day,
    query_of,
    tables_as_known,
    to_frame,
    write_known_deals,
)
from tierkit.errors import SettingsError
from tierkit.features import plan_panel, write_panel
from tierkit.files import DRAFT
from tierkit.models import SavedModel, read_model, scored_rows, tiered_rows
from tierkit.runs import check_project_criteria, training_dates, trusted_tables
from tierkit.settings import Settings

Dialect = Literal["duckdb", "postgres", "snowflake", "bigquery", "databricks", "spark"]
DATES, PANEL, SCORES, ACCOUNTS = (
    "tierkit_dates",
    "tierkit_panel",
    "tierkit_scores",
    "tierkit_accounts",
)
SOURCE = "tierkit_source_"
"""What the names of the trusted tables begin with in the queries, before they are placed."""
MOST_CALLS = 10_000
"""How deep a query may be nested, in calls of its reader, which takes some 23 a parenthesis."""
_RANDOM_NAME = re.compile(r"row_index_[0-9a-f]+")


@dataclass(frozen=True)
class Queries:
    """One query of DuckDB a table, in the order in which they rest on each other.

    Attributes
    ----------
    models
        By name: `tierkit_accounts`, a table for each block of criteria, `tierkit_panel`, and
        `tierkit_scores` where there is a model. They name one another, `tierkit_dates` and the
        trusted tables, whose names begin with `SOURCE`.
    dates
        A row per as_of with the starts of its windows.
    sources
        The trusted tables, each with its columns.
    """

    models: Mapping[str, str]
    dates: pd.DataFrame
    sources: Mapping[str, Sequence[str]]


def export_queries(
    settings: Settings, *, model_file: Path | None = None, as_of: date | None = None
) -> Queries:
    """Return a project's panel, and the score of a saved model, as queries.

    Parameters
    ----------
    model_file
        The `model.json` of a report; without one the panel alone. Tier lines are taken from the
        `tiers.csv` beside it.
    as_of
        First day that is not yet known; by default the day after the last one in the data.

    Raises
    ------
    SettingsError
        If a criterion of the project is no expression.
    DataError
        If the data lack what the model scores by.
    """
    tables = trusted_tables(settings.with_engine("duckdb"))
    day = as_of or last_day(tables) + timedelta(days=1)
    model = None if model_file is None else read_model(model_file)
    lines = [] if model_file is None else tier_lines(model_file.parent / "tiers.csv")
    return queries_of(tables, day, settings=settings, model=model, lines=lines)


def export_panel(settings: Settings, folder: Path, *, as_of: date | None = None) -> list[date]:
    """Write a project's panel as Parquet, a folder an as_of: for models of one's own.

    It holds the criteria that a recalibration learns from, at each of its quarter-ends and at
    `as_of`, computed in the engine of the settings.

    Parameters
    ----------
    folder
        A new folder.
    as_of
        First day that is not yet known; by default the day after the last one in the data.

    Returns
    -------
    list of date
        The as_of dates, in order.

    Raises
    ------
    SettingsError
        If the folder is there already, or a criterion of the project is no expression, sees the
        future or rests on our own effort.
    """
    tables = trusted_tables(settings)
    day = as_of or last_day(tables) + timedelta(days=1)
    check_project_criteria(tables, settings, as_of=day)
    with known_tables(tables, day, scratch=settings.scratch) as known:
        days = sorted({*training_dates(known, settings=settings, as_of=day), day})
        write_panel(known, days, folder, settings=settings)
    return days


@contextmanager
def known_tables(tables: Tables, as_of: date, *, scratch: Path) -> Iterator[Tables]:
    """Give tables as they were known at `as_of`; DuckDB's deals lie in a file of scratch so long.

    Deals beyond memory are read from there, where `tables_as_known` alone would hold them.
    """
    if not is_duckdb(tables.connection):
        yield tables_as_known(tables, as_of)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".known-", suffix=DRAFT, dir=scratch) as place:
        deals = Path(place) / "opportunities.parquet"
        write_known_deals(tables, as_of, deals)
        yield tables_as_known(tables, as_of, known_deals=deals)


def queries_of(
    tables: Tables,
    as_of: date,
    *,
    settings: Settings,
    model: SavedModel | None = None,
    lines: Sequence[tuple[str, float]] = (),
) -> Queries:
    """Return the queries over trusted tables, as they were known at `as_of`."""
    engine = SqlEngine(connect(), registered=DATES)
    known = tables_as_known(tables, as_of)
    frames = {name: engine.table(SOURCE + name, rows) for name, rows in known.frames.items()}
    named = replace(known, connection=engine, frames=frames, excluded={})
    look_back = None if model is None else model.look_back
    plan = plan_panel(named, [as_of], settings=settings, look_back=look_back)
    models = {ACCOUNTS: query_of(plan.existing)}
    existing = engine.table(ACCOUNTS, plan.existing)
    parts = {}
    for block, rows in plan.parts.items():
        name = "tierkit_" + re.sub(r"\W+", "_", block)
        models[name] = query_of(rows)
        parts[block] = engine.table(name, rows)
    panel = plan.finished(plan.assembled(existing, parts))
    models[PANEL] = query_of(panel)
    if model is not None:
        scored = scored_rows(model, engine.table(PANEL, panel.head(0)))
        scored = tiered_rows(scored, lines) if lines else scored
        tier = ["tier"] if lines else []
        models[SCORES] = query_of(
            scored.select("account_id", "as_of", "score", "predicted_revenue", *tier)
        )
    dates = to_frame(nw.from_native(engine.connection.table(DATES)))
    sources = {name: tuple(rows.columns) for name, rows in frames.items()}
    return Queries(models, dates, sources)


def tier_lines(file: Path) -> list[tuple[str, float]]:
    """Return each tier of a report with the lowest score that the model put into it.

    The last tier has none. Empty where there is no such file.
    """
    if not file.is_file():
        return []
    tiers = pd.read_csv(file, dtype={"model_tier": "string"})
    lowest = tiers.groupby("model_tier", sort=False, dropna=True)["score"].min()
    ordered = lowest.sort_values(ascending=False, kind="stable")
    found = [(str(name), float(line)) for name, line in ordered.items()]
    return [*found[:-1], (found[-1][0], -math.inf)] if found else []


@contextmanager
def _nested_queries() -> Iterator[None]:
    """Let queries be read whose sums of points are nested deeper than Python usually goes."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, MOST_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


@_nested_queries()
def in_dialect(query: str, dialect: Dialect, *, names: Mapping[str, str]) -> str:
    """Return a query of DuckDB in another dialect, tables replaced by what `names` says.

    Raises
    ------
    SettingsError
        If sqlglot is not installed, or the dialect lacks what a query needs.
    """
    try:
        import sqlglot
        from sqlglot import ErrorLevel, exp
    except ImportError as error:
        raise SettingsError(
            'tierkit export needs sqlglot: pip install "tierkit[warehouse]".'
        ) from error
    tree = sqlglot.parse_one(_named_in_order(query), read="duckdb")
    tree = tree.transform(_portable)
    if dialect == "postgres":
        tree = tree.transform(_for_postgres)
    for table in tree.find_all(exp.Table):
        if table.name in names:
            table.set("db", None)
            table.set("catalog", None)
            table.set("this", exp.to_identifier(_MARK.format(table.name), quoted=False))
    for with_ in tree.find_all(exp.CTE):
        with_.set("materialized", None)
    try:
        text: str = tree.sql(dialect=dialect, pretty=True, unsupported_level=ErrorLevel.RAISE)
    except sqlglot.errors.UnsupportedError as error:
        raise SettingsError(f"{dialect}: cannot say what a criterion needs: {error}") from error
    for name, placed in names.items():
        text = text.replace(_MARK.format(name), placed)
    return text


_MARK = "placed__{}__here"


def _named_in_order(query: str) -> str:
    """Return a query whose random names are numbered, so that it is the same in every run."""
    seen: dict[str, str] = {}
    return _RANDOM_NAME.sub(
        lambda found: seen.setdefault(found.group(), f"row_index_{len(seen) + 1}"), query
    )


def _portable(node: Any) -> Any:  # noqa: ANN401 (sqlglot is loaded where it is needed)
    """Return a part of a query in a form that means the same in every dialect."""
    from sqlglot import exp

    if isinstance(node, exp.Contains | exp.ArrayContains) and isinstance(node.this, exp.Array):
        return exp.In(this=node.expression, expressions=node.this.expressions)
    if isinstance(node, exp.Anonymous) and node.name.upper() == "ADD":
        left, right = node.expressions
        return exp.paren(exp.Add(this=left, expression=right))
    if isinstance(node, exp.Count) and node.this is None:
        return exp.Count(this=exp.Star())
    if isinstance(node, exp.In) and isinstance(node.this, exp.Typeof):
        return exp.false()  # asked of whole numbers alone, before they are divided
    if isinstance(node, exp.Greatest) and not isinstance(node.parent, exp.Coalesce):
        # in some dialects a missing value makes the greatest missing
        parts = [node.this, *node.expressions]
        return exp.Coalesce(this=node.copy(), expressions=[part.copy() for part in parts])
    return node


def _for_postgres(node: Any) -> Any:  # noqa: ANN401 (as above)
    """Return the test for no number, and the day of a year, as Postgres writes them."""
    from sqlglot import exp

    if isinstance(node, exp.DayOfYear):
        return exp.Extract(this=exp.var("DOY"), expression=node.this)
    if isinstance(node, exp.IsNan):
        return exp.EQ(this=node.this, expression=exp.cast(exp.Literal.string("NaN"), "double"))
    return node
