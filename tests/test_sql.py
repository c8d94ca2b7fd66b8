"""The card as SQL gives the same score inside the database."""

from __future__ import annotations

import math
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given, settings, strategies as st

from tierkit.errors import SettingsError
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.saved import SavedModel
from tierkit.models.sql import model_sql

HOSTILE = (
    "select",
    'a "b"',
    "c`d",
    "e'; DROP TABLE panel; --",
    "naïve 名",
    "back\\slash",
    "new\nline",
)
NUMBERS = [None, math.nan, -1e300, -0.1, 0.0, 0.1, 0.1 + 0.2, 99.99999999999999, 100.0, 1e300]
TEXTS = [None, "", "it's", "back\\slash", 'a "b"', "名", "Never Seen", "x'y\\'z"]


def model_of(*criteria, kind="fitted card"):
    return SavedModel(Card(math.pi * 1e5, criteria), kind, "won_revenue_4q", 4)


def scored_in_duckdb(model, panel, *, dialect="duckdb", table="panel"):
    query = model_sql(model, table=table, dialect=dialect, keys=["account_id"])
    if dialect != "duckdb":
        query = sqlglot.transpile(query, read=dialect, write="duckdb")[0]
    connection = duckdb.connect()
    connection.register(table, panel)
    found = connection.execute(f"{query} ORDER BY account_id").df()
    return found.set_index("account_id")


def assert_same(model, values, **more):
    panel = values.rename_axis("account_id").reset_index()
    found = scored_in_duckdb(model, panel, **more)
    expected = model.ranked(values)
    for column in ("score", "predicted_revenue"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def values():
    rows = max(len(NUMBERS), len(TEXTS))
    columns = {
        name: [NUMBERS[(row + place) % len(NUMBERS)] for row in range(rows)]
        for place, name in enumerate(HOSTILE)
    }
    texts = [TEXTS[row % len(TEXTS)] for row in range(rows)]
    return pd.DataFrame({**columns, "te'xt": texts, "won_revenue_4q": NUMBERS}).astype(
        {"te'xt": object}
    )


@pytest.fixture(scope="module")
def model():
    numbers = [
        NumericCriterion(name, (0.1, 0.1 + 0.2, 100.0), (0.1, -1 / 3, 0.7, 1e-9), missing=place / 7)
        for place, name in enumerate(HOSTILE)
    ]
    known = tuple(sorted(text for text in TEXTS if text not in (None, "Never Seen")))
    points = tuple(0.1 * place for place in range(len(known)))
    return model_of(*numbers, CategoricalCriterion("te'xt", known, points, other=-2, missing=3 / 7))


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_the_database_gives_the_same_score_whatever_columns_are_called(model, values, dialect):
    assert_same(model, values, dialect=dialect)


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
@pytest.mark.parametrize("table", ["panel", 'odd "name"', "semi;colon"])
def test_tables_are_quoted(model, values, dialect, table):
    assert_same(model, values, dialect=dialect, table=table)


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_past_revenue_as_a_model_ranks_by_past_revenue(model, values, dialect):
    assert_same(replace(model, kind="past revenue"), values, dialect=dialect)


def test_a_card_without_criteria_is_its_base():
    values = pd.DataFrame({"x": [1.0, 2.0]})
    assert_same(model_of(), values)


def test_spark_text_is_written_with_backslashes_and_parsed_back():
    one = CategoricalCriterion("c", ("it's \\ here",), (1.0,))
    query = model_sql(model_of(one), table="t", dialect="spark")
    assert "'it\\'s \\\\ here'" in query
    assert "`c`" in query
    literals = {node.name for node in sqlglot.parse_one(query, read="spark").find_all(
        sqlglot.exp.Literal)}  # fmt: skip
    assert "it's \\ here" in literals


@settings(max_examples=25, deadline=None)
@given(
    edges=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5, unique=True),
    seed=st.integers(0, 99),
)
def test_any_numeric_criterion_scores_the_same_at_its_edges(edges, seed):
    edges = tuple(sorted(edges))
    points = np.random.default_rng(seed).normal(size=len(edges) + 2)
    one = NumericCriterion("x", edges, tuple(points[:-1].tolist()), missing=float(points[-1]))
    near = [*edges, *np.nextafter(edges, -np.inf), *np.nextafter(edges, np.inf), None]
    assert_same(model_of(one), pd.DataFrame({"x": near}, dtype=float))


def test_what_sql_cannot_write_is_refused():
    with pytest.raises(SettingsError, match="zero character"):
        model_sql(model_of(NumericCriterion("a\x00b", (), (0.0,))), table="t")
    with pytest.raises(SettingsError, match="no such dialect"):
        model_sql(model_of(), table="t", dialect="oracle")
