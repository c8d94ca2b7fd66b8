"""SQL and dbt projects give the panel and the scores that tierkit gives."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path
from shutil import which

import duckdb
import pandas as pd
import pytest
import sqlglot
from sqlglot import exp

from tests.postgres_server import address_of, postgres_server
from tests.test_features import company
from tierkit.commands.dbt_project import dbt_files, write_dbt_project, write_sql
from tierkit.commands.export import in_dialect, queries_of, tier_lines
from tierkit.features import build_panel
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.saved import SavedModel
from tierkit.settings import Settings

AS_OF = date(2025, 1, 1)
CARD = Card(
    1000.0,
    (
        NumericCriterion("won_revenue_4q", (100.0, 400.1), (-0.1, 1 / 3, 0.7), missing=0.2),
        CategoricalCriterion("industry", ("retail",), (0.5,), other=-0.1, missing=0.05),
        NumericCriterion("win_rate_shrunk_8q", (0.5,), (0.1, 0.2), missing=0.3),
    ),
)
MODEL = SavedModel(CARD, "fitted card", "won_revenue_4q", 4)
LINES = [("Tier 1", 0.9), ("Tier 2", -float("inf"))]
DBT = os.environ.get("TIERKIT_DBT") or which("dbt")


@pytest.fixture(scope="module")
def queries():
    return queries_of(company(), AS_OF, settings=Settings(), model=MODEL, lines=LINES)


@pytest.fixture(scope="module")
def expected():
    values = build_panel(company(), [AS_OF], settings=Settings()).values.droplevel("as_of")
    return values, MODEL.ranked(values)


def assert_same(panel: pd.DataFrame, scores: pd.DataFrame, expected) -> None:
    values, ranked = expected
    found = panel.set_index("account_id").sort_index()[values.columns]
    close = {"check_exact": False, "rtol": 1e-9, "atol": 0, "check_dtype": False}
    pd.testing.assert_frame_equal(found, values, **close)
    scored = scores.set_index("account_id").sort_index()
    pd.testing.assert_frame_equal(scored[ranked.columns], ranked, **close)
    assert scored["tier"].to_dict() == {"A": "Tier 2", "B": "Tier 1"}


def test_queries_in_duckdb_give_panel_scores_and_tiers(queries, expected, tmp_path):
    write_sql(queries, tmp_path, dialect="duckdb")
    tables, connection = company(), duckdb.connect()
    for name in queries.sources:
        connection.from_arrow(tables[name].collect().to_arrow()).create(name)
    for file in sorted(tmp_path.glob("*.sql")):
        connection.execute(file.read_text())
    found = (connection.table(name).df() for name in ("tierkit_panel", "tierkit_scores"))
    assert_same(*found, expected)


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery", "databricks", "spark"])
def test_every_query_can_be_said_in_every_dialect(queries, dialect):
    names = {f"tierkit_source_{name}": f"crm_{name}" for name in queries.sources}
    for query in queries.models.values():
        text = in_dialect(query, dialect, names=names)
        read = {table.name for table in sqlglot.parse_one(text, read=dialect).find_all(exp.Table)}
        assert not read & {*names}


def test_the_same_data_give_the_same_files(queries):
    again = queries_of(company(), AS_OF, settings=Settings(), model=MODEL, lines=LINES)
    assert dbt_files(again, dialect="postgres") == dbt_files(queries, dialect="postgres")


def test_tier_lines_are_the_lowest_scores_of_the_models_tiers(tmp_path):
    file = tmp_path / "tiers.csv"
    file.write_text("account_id,model_tier,score\nA,Tier 1,3.5\nB,Tier 1,2.5\nC,Tier 2,1\nD,,0\n")
    assert tier_lines(file) == [("Tier 1", 2.5), ("Tier 2", -float("inf"))]
    assert tier_lines(tmp_path / "absent.csv") == []


def run_dbt(folder: Path, target: str, **environment: str) -> str:
    if not DBT:
        pytest.skip("dbt is not installed")
    done = subprocess.run(
        [DBT, "build", "--project-dir", folder, "--profiles-dir", folder, "--target", target,
         "--vars", "{crm_schema: %s}" % ("main" if target == "duckdb" else "public")],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.slow
def test_dbt_on_duckdb_gives_the_same_and_its_tests_pass(queries, expected, tmp_path):
    write_dbt_project(queries, tmp_path, dialect="duckdb")
    file, tables = tmp_path / "w.duckdb", company()
    with duckdb.connect(str(file)) as connection:
        for name in queries.sources:
            connection.from_arrow(tables[name].collect().to_arrow()).create(name)
    said = run_dbt(tmp_path, "duckdb", TIERKIT_DUCKDB=str(file))
    assert "1 unit test" in said
    with duckdb.connect(str(file), read_only=True) as connection:
        found = [connection.table(name).df() for name in ("tierkit_panel", "tierkit_scores")]
    assert_same(*found, expected)


@pytest.mark.slow
def test_dbt_on_postgres_gives_the_same_and_its_tests_pass(queries, expected, tmp_path):
    if not DBT:
        pytest.skip("dbt is not installed")
    adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")
    write_dbt_project(queries, tmp_path, dialect="postgres")
    tables = company()
    with postgres_server() as server, adbc.connect(address_of(server)) as connection:
        with connection.cursor() as cursor:
            for name in queries.sources:
                cursor.adbc_ingest(name, tables[name].collect().to_arrow(), mode="create")
        connection.commit()
        assert "1 unit test" in run_dbt(tmp_path, "postgres", **server)
        found = []
        with connection.cursor() as cursor:
            for name in ("tierkit_panel", "tierkit_scores"):
                cursor.execute(f"SELECT * FROM {name}")
                found.append(cursor.fetch_arrow_table().to_pandas())
    assert_same(*found, expected)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery"])
def test_a_sum_over_as_many_criteria_as_there_are_is_read(dialect):
    """DuckDB writes a sum of n points with n parentheses."""
    terms = 120
    query = f"SELECT {'(' * terms}a{' + 1)' * terms} AS score FROM t"
    assert in_dialect(query, dialect, names={}).count("+ 1") == terms
