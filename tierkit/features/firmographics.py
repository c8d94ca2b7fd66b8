"""Firmographics: industry, country, segment, size, and columns that the settings name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import before, known_rows
from tierkit.crm import (
    Rows,
    Tables,
    grouped,
    look_up,
    look_up_grouped,
    look_up_last,
    only_with,
    rows_without,
)
from tierkit.errors import SettingsError
from tierkit.features.deals import won_deals
from tierkit.features.feature import (
    HIDDEN,
    KEYS,
    Aggregate,
    Block,
    Context,
    Derived,
    Feature,
    Window,
)
from tierkit.settings import Settings

TEXT_COLUMNS = ("industry", "country", "segment")
NUMBER_COLUMNS = ("employees", "annual_revenue")
STANDARD_COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS)


def category(column: str) -> nw.Expr:
    """Category of the account, such as its industry, as it stood at as_of.

    The newest value that account_history gives before as_of. Where account_history says nothing of
    the column before as_of, for any account, it is today's value, and the feature is undated.
    Missing where the value is missing, or where the column has a history but the account has none.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> accounts = "account_id industry created_date; A retail 2020-01-01; B - 2020-01-01"
    >>> example("industry", accounts=accounts)
    {'A': 'retail', 'B': None}
    >>> example("industry", accounts=accounts, account_history="account_id changed_date column"
    ...         " value; A 2024-01-01 industry banking; A 2025-01-01 industry retail")
    {'A': 'banking', 'B': None}
    """
    return nw.col(column)


def log_size(column: str, values: pd.DataFrame) -> pd.Series:
    """Natural logarithm of the account's employees or annual revenue, as it stood at as_of.

    Unit: log of employees, or of the reporting currency. Dated like the categories. Missing where
    the value is missing, no number, or not above 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("log_employees", accounts="account_id employees created_date;"
    ...         "A 100 2020-01-01; B 0 2020-01-01; C - 2020-01-01")
    {'A': 4.605, 'B': None, 'C': None}
    """
    size: pd.Series = pd.to_numeric(values[column], errors="coerce").astype("float64")
    return size.where(size > 0).transform(np.log)


def named_column(column: str, values: pd.DataFrame) -> pd.Series:
    """Return a column of accounts that the settings name, as numbers if all its values are such.

    Dated like the categories; missing where the value is missing.

    Examples
    --------
    >>> named_column("_fleet", pd.DataFrame({"_fleet": ["12", None, "7.5"]})).tolist()
    [12.0, nan, 7.5]
    >>> named_column("_grade", pd.DataFrame({"_grade": ["12", "A"]})).tolist()
    ['12', 'A']
    """
    numbers = pd.to_numeric(values[column], errors="coerce").astype("float64")
    return numbers if numbers.notna().equals(values[column].notna()) else values[column]


def firmographics(context: Context, *, columns: Sequence[str]) -> Rows:
    """Return the existing accounts with `columns` as they stood at as_of."""
    today = context.tables["accounts"].select("account_id", *columns)
    rows = look_up(context.existing.select(*KEYS), today, on="account_id", what="accounts")
    for column in dated_columns(context, columns, as_of=context.days[-1]):
        changes = _changes(context.tables, column)
        known = known_rows(changes, "changed_date", context.dates)
        order = ("changed_date", "value")
        rows = look_up_last(rows, known, on=KEYS, order_by=order, value_then="value")
        rows = look_up_grouped(rows, known, on="as_of", changes=nw.len())
        as_text = nw.col(column).cast(nw.String)
        then = nw.when(nw.col("changes") > 0).then(nw.col("value_then")).otherwise(as_text)
        rows = rows.with_columns(then.alias(column)).drop("value_then", "changes")
    return rows


def dated_columns(context: Context, columns: Sequence[str], *, as_of: date) -> list[str]:
    """Return those of `columns` of which account_history says anything before `as_of`."""
    if "account_history" not in context.tables:
        return []
    changes = before(context.tables["account_history"], "changed_date", as_of)
    known = set(changes.select("column").unique().collect()["column"].to_list())
    return [column for column in columns if column in known]


def named_features(tables: Tables, settings: Settings) -> tuple[Feature, ...]:
    """Return a feature for each column that `features.account_columns` names.

    Raises
    ------
    SettingsError
        If accounts has no such column.
    """
    columns = [column for column in settings.features.account_columns if column not in TEXT_COLUMNS]
    there = [name for name in tables["accounts"].columns if name != "account_id"]
    unknown = [column for column in columns if column not in there]
    if unknown:
        raise SettingsError(
            f"features.account_columns: accounts has no column {', '.join(unknown)}; "
            f"there are {', '.join(sorted(there))}."
        )
    block = _block(columns)
    return tuple(feature for column in columns for feature in _named(column, block))


def _named(column: str, block: Block) -> tuple[Feature, Feature]:
    source = f"{HIDDEN}named_{column}"
    as_text = partial(_text, column)
    return (
        Aggregate(source, block, as_text, absent=math.nan, undated=column),
        Derived(column, partial(named_column, source), (source,), undated=column),
    )


def _text(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.String)


def _changes(tables: Tables, column: str) -> Rows:
    history = tables["account_history"].filter(nw.col("column") == column)
    return history.select("account_id", "changed_date", "value")


def _block(columns: Sequence[str]) -> Block:
    rows = partial(firmographics, columns=tuple(columns))
    return Block("firmographics", rows, aggregated=True, of_one_account=False)


def _given(column: str) -> tuple[str, ...]:
    return (f"accounts.{column}",)


FIRMOGRAPHICS = _block(STANDARD_COLUMNS)

FEATURES: tuple[Feature, ...] = (
    *(
        Aggregate(
            column,
            FIRMOGRAPHICS,
            partial(category, column),
            needs=_given(column),
            absent=math.nan,
            undated=column,
        )
        for column in TEXT_COLUMNS
    ),
    *(
        Aggregate(
            f"{HIDDEN}{column}",
            FIRMOGRAPHICS,
            partial(nw.col, column),
            needs=_given(column),
            absent=math.nan,
            undated=column,
        )
        for column in NUMBER_COLUMNS
    ),
    *(
        Derived(
            f"log_{column}",
            partial(log_size, f"{HIDDEN}{column}"),
            (f"{HIDDEN}{column}",),
            undated=column,
        )
        for column in NUMBER_COLUMNS
    ),
)

MAX_LEVELS = 6


def parent_won_revenue() -> nw.Expr:
    """Won revenue over four quarters of the account's family, the account itself left out.

    Unit: the reporting currency. The family is every existing account below the same ultimate
    parent, by parent_id (dated like the categories); a chain of parents that turns in a circle, or
    has more than six levels, is no family. An account without a family has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("parent_won_revenue_4q", accounts="account_id parent_id created_date;"
    ...         "A - 2020-01-01; B A 2020-01-01; C B 2020-01-01; D - 2020-01-01",
    ...         opportunities="account_id close_date amount is_won; A 2024-06-01 10 true;"
    ...         "B 2024-06-01 20 true; C 2024-06-01 40 true; D 2024-06-01 80 true")
    {'A': 60.0, 'B': 50.0, 'C': 30.0, 'D': 0.0}
    """
    return nw.col("family_revenue") - nw.col("own_revenue")


def family_accounts_count() -> nw.Expr:
    """Count the existing accounts in the account's family, itself included.

    Unit: accounts, by parent_id (dated like the categories). An account without a family counts 1.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("family_accounts_count", accounts="account_id parent_id created_date;"
    ...         "A - 2020-01-01; B A 2020-01-01; C B 2025-01-01; D E 2020-01-01; E D 2020-01-01")
    {'A': 2.0, 'B': 2.0, 'D': 1.0, 'E': 1.0}
    """
    return nw.col("family_accounts")


def families(context: Context) -> Rows:
    """Return the members of families of several accounts, with the family's size and won revenue.

    Links are followed through accounts that existed at as_of only: a parent that is no account yet
    is a name that its subsidiaries share.
    """
    accounts = firmographics(context, columns=("parent_id",))
    below = grouped(_tops(accounts), KEYS, family=nw.col("top").min())
    named = below.select("as_of", account_id="family").unique()
    heads = only_with(accounts.select(*KEYS), named, on=KEYS).with_columns(family="account_id")
    kin = nw.concat([below, heads.select(below.columns)])  # whoever is at the top has none above
    year = nw.when(YEAR.holds("close_date")).then(nw.col("value"))
    won = only_with(context.once(won_deals), kin, on=KEYS)
    members = look_up_grouped(kin, won, on=KEYS, own_revenue=year.sum())
    members = members.with_columns(nw.col("own_revenue").fill_null(0))
    return look_up_grouped(
        members,
        members,
        on=("family", "as_of"),
        family_revenue=nw.col("own_revenue").sum(),
        family_accounts=nw.len(),
    )


def _tops(accounts: Rows) -> Rows:
    """Return the ultimate parent, `top`, of the accounts that have one."""
    links = accounts.filter(~nw.col("parent_id").is_null())
    links = links.filter(nw.col("parent_id") != nw.col("account_id"))
    upward = links.select("as_of", top="account_id", above="parent_id")
    walk = links.select(*KEYS, top="parent_id")
    for _ in range(MAX_LEVELS - 1):
        found = look_up_grouped(walk, upward, on=("top", "as_of"), above=nw.col("above").min())
        walk = found.select(*KEYS, nw.coalesce("above", "top").alias("top"))
    unfinished = upward.select("as_of", "top")
    return rows_without(walk, unfinished, on=("top", "as_of"))


FAMILIES = Block(
    "families",
    families,
    ("accounts.parent_id",),
    history="opportunities",
    aggregated=True,
    of_one_account=False,
)
YEAR = Window(4)

FAMILY_FEATURES: tuple[Feature, ...] = (
    Aggregate("parent_won_revenue_4q", FAMILIES, parent_won_revenue, YEAR, undated="parent_id"),
    Aggregate(
        "family_accounts_count", FAMILIES, family_accounts_count, absent=1.0, undated="parent_id"
    ),
)
