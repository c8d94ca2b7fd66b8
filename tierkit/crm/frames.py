"""Rows of an engine as data frames of pandas: the same kinds of values, whichever engine it is."""

from __future__ import annotations

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.types as kinds

from tierkit.crm.engine import Rows


def to_frame(rows: Rows | nw.DataFrame[pa.Table]) -> pd.DataFrame:
    """Return rows as a data frame of pandas, computed where they are lazy.

    Every engine gives the same types: whole numbers as int64, floats where one is missing; dates
    as `datetime.date`, exact amounts as `Decimal`, both with None where one is missing; text as
    pandas' own. All that leaves an engine for pandas comes through here; a test holds that.

    Examples
    --------
    >>> from datetime import date
    >>> from tierkit.crm.engine import connect, register_frame
    >>> deals = pd.DataFrame({"account_id": ["A", "A"], "won": [date(2026, 5, 1)] * 2, "n": [1, 2]})
    >>> rows = register_frame(connect(), deals).group_by("account_id")
    >>> found = to_frame(rows.agg(nw.col("won").max(), nw.col("n").sum()))
    >>> found["won"].tolist(), found["n"].dtype
    ([datetime.date(2026, 5, 1)], dtype('int64'))
    """
    found = rows.collect("pyarrow") if isinstance(rows, nw.LazyFrame) else rows
    table: pa.Table = found.to_native()
    decided = pa.schema([field.with_type(_kind(field.type)) for field in table.schema])
    frame: pd.DataFrame = (table if decided == table.schema else table.cast(decided)).to_pandas()
    return frame


def _kind(kind: pa.DataType) -> pa.DataType:
    """Return the type that stands for all that engines give for the same values."""
    if kinds.is_integer(kind) or (kinds.is_decimal(kind) and kind.scale == 0):
        return pa.int64()
    if kinds.is_float32(kind):
        return pa.float64()
    if kinds.is_dictionary(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return pa.string()
    if kinds.is_date64(kind):
        return pa.date32()
    return pa.timestamp("us") if kinds.is_timestamp(kind) else kind
