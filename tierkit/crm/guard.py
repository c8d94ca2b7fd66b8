"""The one way in which rows of two tables meet and amounts are added up, so that none gets lost.

Lazy tables are joined and grouped through these functions alone, everywhere; a test holds that.
Only `calendar.rows` beside it pairs rows with dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

import narwhals as nw

from tierkit.crm.engine import SAFE, Rows
from tierkit.errors import DataError

_REPORT = "Please report this: no row may count twice and no cent may get lost."
_RIGHT = "__right_"


@dataclass(frozen=True)
class Joined:
    """Rows with what was looked up for them.

    Attributes
    ----------
    matched, unmatched
        How many rows found their key, and how many did not; rows without a key are among these.
    """

    rows: Rows
    matched: int
    unmatched: int


def look_up(rows: Rows, table: Rows, *, on: str | Sequence[str], what: str) -> Rows:
    """Return every row once, with the columns of the row of `table` that has its key.

    Rows without a key, or whose key is not in `table`, are kept, with missing values.

    Parameters
    ----------
    on
        The key, of the same name in both.
    what
        What is looked up, for the message of the error.

    Raises
    ------
    DataError
        If a key is in `table` twice or is missing there: rows would be multiplied.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.engine import connect, register_frame
    >>> c = connect()
    >>> deals = register_frame(c, pd.DataFrame({"account_id": ["A", "B", None]}))
    >>> names = register_frame(c, pd.DataFrame({"account_id": ["A", "A"], "name": ["x", "y"]}))
    >>> look_up(deals, names, on="account_id", what="names")
    Traceback (most recent call last):
    tierkit.errors.DataError: names: 1 key occurs more than once in account_id, such as 'A'. ...
    """
    keys = _keys(on)
    _check_keys(table, keys, what)
    return rows.join(table, on=keys, how="left")


def look_up_grouped(rows: Rows, table: Rows, *, on: str | Sequence[str], **values: nw.Expr) -> Rows:
    """Return every row once, with values grouped over the rows of `table` that have its key.

    Rows without a key, or whose key is not in `table`, are kept, with missing values. No row can
    multiply, since a group has one row, so that nothing is read to see it.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.engine import connect, register_frame
    >>> c = connect()
    >>> accounts = register_frame(c, pd.DataFrame({"account_id": ["A", None]}))
    >>> deals = register_frame(c, pd.DataFrame({"account_id": ["A", "A", None], "won": [1, 2, 4]}))
    >>> won = nw.col("won").sum().cast(nw.Int64)
    >>> look_up_grouped(accounts, deals, on="account_id", won=won).sort("won").collect().rows()
    [(None, None), ('A', 3)]
    """
    return rows.join(grouped(table, on, **values), on=_keys(on), how="left")


def look_up_groups(rows: Rows, groups: Rows, *, on: str | Sequence[str]) -> Rows:
    """Return every row once, with the columns of the group that has its key.

    Rows whose key is in no group are kept, with missing values.

    Parameters
    ----------
    groups
        What `grouped` gave by the same key, so that a row more for a key is nothing to look for.
    """
    return rows.join(groups, on=_keys(on), how="left")


def last_of(
    rows: Rows, by: str | Sequence[str], *, order_by: Sequence[str], **values: str | nw.Expr
) -> Rows:
    """Return for each group the values of its last row in the order of some columns.

    Missing values come first in that order. Rows that are equal in all of these columns must hold
    the same values, or which of them counts is not decided. A row number finds the last row: an
    ordered aggregate is not known to every engine.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.engine import connect, register_frame
    >>> changes = pd.DataFrame({"deal": ["D", "D", "E"], "day": [2, 1, 1], "stage": list("xyz")})
    >>> rows = register_frame(connect(), changes)
    >>> last_of(rows, "deal", order_by=["day"], then="stage").sort("deal").collect().rows()
    [('D', 'x'), ('E', 'z')]
    """
    keys = _keys(by)
    place = nw.col("__one").cum_sum(reverse=True).over(*keys, order_by=[*order_by])
    numbered = rows.with_columns(__one=nw.lit(1)).with_columns(__place=place)
    named = {name: nw.col(one) if isinstance(one, str) else one for name, one in values.items()}
    return numbered.filter(nw.col("__place") == 1).select(*keys, **named)


def look_up_last(
    rows: Rows,
    table: Rows,
    *,
    on: str | Sequence[str],
    order_by: Sequence[str],
    **values: str | nw.Expr,
) -> Rows:
    """Return every row once, with the values of the last row of `table` that has its key.

    As `last_of` finds it. Rows without a key, or whose key is not in `table`, are kept, with
    missing values.
    """
    found = last_of(table, on, order_by=order_by, **values)
    return rows.join(found, on=_keys(on), how="left")


def look_up_counted(rows: Rows, table: Rows, *, on: str | Sequence[str], what: str) -> Joined:
    """Look up as `look_up` does, and count how many rows found their key.

    Raises
    ------
    DataError
        As `look_up`, or if the rows that come out are not as many as went in.
    """
    mark = f"{_RIGHT}found"
    joined = look_up(rows, table.with_columns(nw.lit(value=True).alias(mark)), on=on, what=what)
    found, out = joined.select(nw.col(mark).count(), nw.len().alias("out")).collect().rows()[0]
    count = int(rows.select(nw.len()).collect().item())
    if count != out:
        raise DataError(f"{what}: {count:,} rows went in and {out:,} came out. {_REPORT}")
    return Joined(joined.drop(mark), int(found), count - int(found))


def only_with(rows: Rows, table: Rows, *, on: str | Sequence[str]) -> Rows:
    """Return the rows whose key is in `table`, each once."""
    return rows.join(table, on=_keys(on), how="semi")


def rows_without(rows: Rows, table: Rows, *, on: str | Sequence[str]) -> Rows:
    """Return the rows whose key is not in `table`; those without a key are among them."""
    return rows.join(table, on=_keys(on), how="anti")


def inner_join(rows: Rows, table: Rows, *, on: str | Sequence[str]) -> Rows:
    """Return each row once for every row of `table` with its key: rows multiply, amounts with them.

    For dates and histories; what comes out is never added up as money.
    """
    return rows.join(table, on=_keys(on), how="inner")


def at_every(rows: Rows, dates: Rows) -> Rows:
    """Return each row once for every row of a small table of dates: rows multiply."""
    return rows.join(dates, how="cross")


def counted_once(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several extracts, those that stand in several of them once.

    A row that occurs n times in one extract and at most n times in the others occurs n times.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.engine import connect, register_frame
    >>> c = connect()
    >>> one = register_frame(c, pd.DataFrame({"item": ["a", "a", "b"]}))
    >>> two = register_frame(c, pd.DataFrame({"item": ["a", "b", "c"]}))
    >>> counted_once([one, two]).sort("item").collect()["item"].to_list()
    ['a', 'a', 'b', 'c']
    """
    columns = parts[0].columns
    numbered = [
        rows.with_columns(__one=nw.lit(1)).with_columns(
            __copy=nw.col("__one").cum_sum().over(*columns, order_by="__one")
        )
        for rows in parts
    ]
    return nw.concat(numbered).unique().select(columns)


def row_count(rows: Rows) -> int:
    """Return how many rows there are."""
    return int(rows.select(nw.len()).collect().item())


def grouped(rows: Rows, by: str | Sequence[str], /, *columns: nw.Expr, **values: nw.Expr) -> Rows:
    """Return a row per group, rows without a key in a group of their own.

    For counts and for values that describe; amounts are added up by `summed`. The sums of the
    panel, many over one reading of the deals, are grouped too: tests hold that they conserve
    money.
    """
    refuse_unregistered(rows)
    return rows.group_by(_keys(by)).agg(*columns, **values)


def refuse_unregistered(rows: Rows) -> None:
    """Raise if rows are those of a data frame that no engine holds.

    Narwhals drops the condition of `when(c).then(x).sum()` in a group-by of pandas, Arrow or Dask
    without an error; Modin and cuDF share that code.

    Raises
    ------
    DataError
        If so.
    """
    if rows.implementation not in SAFE:
        raise DataError(
            f"Rows of {rows.implementation.name.lower()} cannot be grouped safely. Register the "
            "data frame in an engine (tierkit.crm.register_frame) and compute there."
        )


def summed(rows: Rows, by: str | Sequence[str], *, sums: Mapping[str, nw.Expr], what: str) -> Rows:
    """Return a row per group with sums; rows without a key are in a group of their own.

    Parameters
    ----------
    sums
        Name to a sum over rows, such as `nw.col("amount").sum()`.

    Raises
    ------
    DataError
        If the groups do not add up to the whole, to the last digit of exact amounts.

    Examples
    --------
    >>> import pandas as pd
    >>> from tierkit.crm.engine import connect, register_frame
    >>> frame = pd.DataFrame({"account_id": ["A", "A", None], "won": [1, 2, 4]})
    >>> deals = register_frame(connect(), frame)
    >>> total = summed(deals, "account_id", sums={"won": nw.col("won").sum()}, what="won")
    >>> sorted(map(int, total.collect()["won"].to_list()))
    [3, 4]
    """
    found = grouped(rows, by, **sums)
    whole = rows.select(**sums).collect().rows()[0]
    parts = found.select(*(nw.col(name).sum() for name in sums)).collect().rows()[0]
    for name, total, added in zip(sums, whole, parts, strict=True):
        if not _same(total, added):
            raise DataError(f"{what}: {name} is {total} in all, but {added} in groups. {_REPORT}")
    return found


def _keys(on: str | Sequence[str]) -> list[str]:
    return [on] if isinstance(on, str) else list(on)


def _same(total: Any, added: Any) -> bool:  # noqa: ANN401 (a number of any type)
    if isinstance(total, float):
        return isclose(total, added or 0.0, rel_tol=1e-9, abs_tol=1e-9)
    return bool((total or 0) == (added or 0))


def _check_keys(table: Rows, keys: Sequence[str], what: str) -> None:
    """Raise unless every key of the table looked up in is there, and is there once."""
    name = ", ".join(keys)
    absent = nw.any_horizontal(*(nw.col(key).is_null() for key in keys), ignore_nulls=True)
    copies = table.group_by(keys).agg(nw.len().alias(f"{_RIGHT}copies"))
    wrong = copies.filter((nw.col(f"{_RIGHT}copies") > 1) | absent)
    found = wrong.sort(*keys).head(100).collect().rows()
    if any(value is None for row in found for value in row[:-1]):
        raise DataError(f"{what}: a key is missing in {name}. {_REPORT}")
    if found:
        count = f"{len(found)} key{'s occur' if len(found) > 1 else ' occurs'}"
        example = found[0][0] if len(keys) == 1 else found[0][:-1]
        raise DataError(f"{what}: {count} more than once in {name}, such as {example!r}. {_REPORT}")
