"""Rows of every engine become data frames with the same kinds of values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest

from tests.engines import engine_of
from tierkit.crm import register_frame, to_frame

ENGINES = ["duckdb", "polars", pytest.param("sail", marks=pytest.mark.slow)]
DEALS = pa.table(
    {
        "account_id": pa.array(["A", "A", None]),
        "day": pa.array([date(2026, 5, 1), date(2026, 5, 2), None]),
        "at": pa.array([datetime(2026, 5, 1, 8)] * 3, pa.timestamp("us")),  # noqa: DTZ001
        "won": pa.array([Decimal("1.5"), Decimal("2.5"), None], pa.decimal128(38, 4)),
        "open": pa.array([True, False, None]),
    }
)


def frame_of(name):
    rows = register_frame(engine_of(name), DEALS).group_by("account_id")
    whole = nw.when(nw.col("open")).then(nw.lit(1))
    found = rows.agg(
        nw.col("day", "at", "open").max(),
        nw.col("won").sum(),
        deals=nw.len(),
        known=nw.col("day").count(),
        is_open=whole.max(),
        mean=nw.col("won").cast(nw.Float64).mean(),
    )
    return to_frame(found.sort("deals"))


@pytest.mark.parametrize("name", ENGINES)
def test_dates_money_counts_and_text_are_of_the_same_kind_in_every_engine(name):
    frame = frame_of(name)
    assert {column: str(kind) for column, kind in frame.dtypes.items()} == {
        "account_id": "str", "day": "object", "at": "datetime64[us]", "open": "object",
        "won": "object", "deals": "int64", "known": "int64", "is_open": "float64",
        "mean": "float64",
    }  # fmt: skip
    assert frame["day"].tolist() == [None, date(2026, 5, 2)]
    assert frame["won"].tolist()[1] == Decimal(4)
    assert frame["known"].tolist() == [0, 2]
    assert pd.isna(frame["account_id"][0])


def test_rows_that_are_computed_already_become_the_same_frame():
    rows = register_frame(engine_of("duckdb"), DEALS)
    pd.testing.assert_frame_equal(to_frame(rows.collect()), to_frame(rows))
