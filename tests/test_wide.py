"""The panel that is computed inside an engine is the one that is built in this process."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from __future__ import annotations

from dataclasses import replace
from datetime import date
from shutil import rmtree

import duckdb
import narwhals as nw
import pandas as pd
import pytest

from tests.engines import engine_of
from tests.test_features import company
from tierkit.crm.tables import tables_in
from tierkit.errors import DataError, SettingsError
from tierkit.features import all_features, build_panel
from tierkit.features.example import tables_of
from tierkit.features.registry import PAST_REVENUE
from tierkit.features.wide import plan_panel, write_panel
from tierkit.settings import Settings, parse_settings

DATES = [date(2025, 1, 1), date(2024, 7, 1)]
FAMILY = ("parent_won_revenue_4q", "family_accounts_count")  # of a plan deeper than most


def in_engine(tables, dates, settings, **asked):
    found = plan_panel(tables, dates, settings=settings, **asked).rows.collect().to_pandas()
    days = pd.to_datetime(found["as_of"]).astype("datetime64[us]")
    return found.assign(as_of=days).set_index(["account_id", "as_of"]).sort_index()


@pytest.mark.parametrize(
    "name", ["duckdb", "polars", pytest.param("spark", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("look_back", [None, 8])
def test_the_panel_in_the_engine_is_the_panel(name, look_back):
    tables, settings = tables_in(engine_of(name), company()), Settings()
    panel = build_panel(company(), DATES, settings=settings, look_back=look_back).values
    found = in_engine(tables, DATES, settings, look_back=look_back)
    assert {*found.columns} == {*panel.columns}
    pd.testing.assert_frame_equal(
        found[panel.columns], panel, check_exact=False, rtol=1e-9, atol=0, check_dtype=False
    )


@pytest.mark.parametrize("name", ["duckdb", "polars", pytest.param("sail", marks=pytest.mark.slow)])
def test_the_panel_that_an_engine_writes_is_the_panel(name, tmp_path):
    """A folder an as_of. Sail lacks the division of fractions, hence the columns without any."""
    tables, settings = tables_in(engine_of(name), company()), Settings()
    whole = build_panel(company(), DATES, settings=settings).values
    names = None if name != "sail" else [*PAST_REVENUE, "industry", *FAMILY]
    folder = tmp_path / "panel"
    write_panel(tables, DATES, folder, settings=settings, names=names)
    assert sorted(one.name for one in folder.iterdir()) == ["as_of=2024-07-01", "as_of=2025-01-01"]
    files = f"{folder}/**/*.parquet"
    found = duckdb.read_parquet(files, hive_partitioning=True).df()
    days = pd.to_datetime(found["as_of"]).astype("datetime64[us]")
    found = found.assign(as_of=days).set_index(["account_id", "as_of"]).sort_index()
    expected = whole if names is None else whole[names]
    pd.testing.assert_frame_equal(
        found[expected.columns], expected, check_exact=False, rtol=1e-9, atol=0, check_dtype=False
    )
    with pytest.raises(SettingsError, match="is there already"):
        write_panel(tables, DATES, folder, settings=settings)


@pytest.mark.slow
def test_what_an_engine_lacks_is_a_sentence(tmp_path):
    """Once Sail divides fractions, this test and the words about it can go."""
    tables = tables_in(engine_of("sail"), company())
    with pytest.raises(DataError, match=r"This engine lacks it: take another \(data.engine\)"):
        write_panel(tables, DATES, tmp_path / "panel", settings=Settings())
    assert not [*tmp_path.iterdir()]


def test_what_is_left_out_of_the_panel_is_left_out_of_what_is_written(tmp_path):
    settings = parse_settings({"features": {"leave_out": ["open_deals_count"]}})
    tables = company()
    for _ in range(2):  # what the first computed is gone
        write_panel(tables, DATES[:1], tmp_path / "panel", settings=settings)
        columns = duckdb.read_parquet(f"{tmp_path}/panel/*/*.parquet").columns
        assert "open_deals_count" not in columns
        assert "won_revenue_4q" in columns
        rmtree(tmp_path / "panel")


def test_a_panel_with_a_wrong_sum_is_not_written(tmp_path, monkeypatch):
    def dropped(*given):
        found = [*all_features(*given)]
        place = [one.name for one in found].index("won_revenue_1q")
        found[place] = replace(found[place], compute=lambda: nw.col("value").sum())
        return found

    monkeypatch.setattr("tierkit.features.wide.all_features", dropped)
    with pytest.raises(DataError, match=r"won_revenue_1q before .* no cent may get lost"):
        write_panel(company(), DATES, tmp_path / "panel", settings=Settings())
    assert not [*tmp_path.iterdir()]


def test_named_columns_are_numbers_where_all_their_values_are():
    tables = tables_of(
        accounts="account_id created_date fleet grade; A 2020-01-01 12 1e2; B 2020-01-01 - x"
    )
    settings = parse_settings({"features": {"account_columns": ["fleet", "grade"]}})
    panel = build_panel(tables, DATES[:1], settings=settings).values
    found = in_engine(tables, DATES[:1], settings)
    for column in ("fleet", "grade"):
        pd.testing.assert_series_equal(found[column], panel[column], check_dtype=False)
    assert found["fleet"].dtype == float


def test_what_cannot_be_built_is_named():
    with pytest.raises(SettingsError, match="spend_4q: needs table costs"):
        plan_panel(tables_of(), DATES, settings=Settings(), names=["spend_4q"])
