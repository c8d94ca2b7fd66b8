"""The panel that is computed inside an engine is the one that is built in this process."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from tests.engines import engine_of
from tests.test_features import company
from tierkit.crm.tables import tables_in
from tierkit.errors import SettingsError
from tierkit.features import build_panel
from tierkit.features.example import tables_of
from tierkit.features.wide import plan_panel
from tierkit.settings import Settings, parse_settings

DATES = [date(2025, 1, 1), date(2024, 7, 1)]


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
