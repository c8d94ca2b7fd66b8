"""What the panel rests on: a hash for every account and as_of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.cache import fingerprint
from tierkit.calendar import dates_reached, earliest_of, is_before
from tierkit.crm import (
    Rows,
    Tables,
    content_by,
    dated_meanings,
    grouped,
    inner_join,
    register_frame,
    to_frame,
)
from tierkit.features.feature import KEYS, Context
from tierkit.features.windows import EVENTS

_CELL, _SEEN = "__cell", "__seen"
OF_DEALS = ("stage_history", "opportunity_lines")
"""Tables whose rows belong to the account of their deal."""
_OF_DAYS = ("account_history", "signals", "tier_history")
"""Tables of which nothing but the first day of an account is kept."""

Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Hashes = np.ndarray[tuple[int, int], np.dtype[np.uint64]]
Places = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True, eq=False)
class Contents:
    """Hashes of all that features rest on: a row an account, a column an as_of.

    Attributes
    ----------
    accounts
        Every account that exists before one of the days, in order.
    days
        The as_of dates, in order.
    exists
        Whether the account existed before that day.
    """

    accounts: pd.Index[str]
    days: tuple[date, ...]
    exists: Flags
    hashes: Hashes

    @cached_property
    def rows(self) -> tuple[Places, Places]:
        """The places of the account and of the as_of of each row of the panel."""
        accounts, days = np.nonzero(self.exists)
        return accounts, days

    @cached_property
    def index(self) -> pd.MultiIndex:
        """The index of the panel: every existing account and as_of, sorted by both."""
        levels: list[Any] = [self.accounts, moments_of(self.days)]
        codes: list[Any] = [*self.rows]
        whole = pd.MultiIndex(levels, codes, names=[*KEYS], verify_integrity=False)
        return whole.remove_unused_levels()

    def cells_of(self, panel: pd.DataFrame) -> Places:
        """Return for the rows of a panel their places in the flattened arrays."""
        index: Any = panel.index
        accounts = self.accounts.get_indexer(index.levels[0])[index.codes[0]]
        days = moments_of(self.days).get_indexer(index.levels[1])[index.codes[1]]
        cells: Places = accounts * len(self.days) + days
        return cells


def moments_of(days: Sequence[date]) -> pd.DatetimeIndex:
    """Return dates as the panel's index holds them."""
    return pd.DatetimeIndex([*days]).as_unit("us")


def contents_of(context: Context, names: Sequence[str]) -> Contents:
    """Return by existing account and as_of a hash of all that its features rest on.

    Parameters
    ----------
    names
        What is computed from it.
    """
    accounts, exists = _existing(context)
    days = len(context.days)
    cells = pd.DataFrame({"account_id": accounts, _CELL: np.arange(len(accounts)) * days})
    places = register_frame(context.tables.connection, cells)
    hashes = np.zeros(exists.shape, dtype=np.uint64)
    for name, rows in _dated_rows(context.tables).items():
        seen = rows.with_columns(**{_SEEN: dates_reached("__first", context.days)})
        placed = inner_join(seen.filter(nw.col(_SEEN) < days), places, on="account_id")
        marked = placed.with_columns(nw.col(_CELL) + nw.col(_SEEN), __table=nw.lit(name))
        found = content_by(marked.drop("__first", _SEEN), (_CELL,))
        hashes.reshape(-1)[found[_CELL]] += found["content"].to_numpy(np.uint64)
    whole = np.cumsum(hashes, axis=1, dtype=np.uint64) + _of_dates(context, names)
    return Contents(accounts, context.days, exists, whole)


def _existing(context: Context) -> tuple[pd.Index[str], Flags]:
    """Return the accounts in order, and whether each existed before each as_of: from one on."""
    first = grouped(context.existing, "account_id", first=nw.col("as_of").min())
    found = to_frame(first).sort_values("account_id")
    places = moments_of(context.days).get_indexer(pd.DatetimeIndex(found["first"]))
    exists = np.arange(len(context.days)) >= places[:, np.newaxis]
    return pd.Index(found["account_id"]), exists


def _dated_rows(tables: Tables) -> dict[str, Rows]:
    """Return rows by table with their account and `__first`, the day from which they may count."""
    deals = tables["opportunities"].with_columns(__first=earliest_of("created_date", "close_date"))
    of_accounts = tables["accounts"].select("account_id", "created_date")
    found = {
        "opportunities": deals,
        "accounts": of_accounts.with_columns(__first=nw.lit(None).cast(nw.Date)),
    }
    owners = deals.select("opportunity_id", "account_id", __made="__first")
    for name in OF_DEALS:
        if name in tables:
            rows = tables[name].drop("account_id", strict=False)
            day = nw.coalesce("changed_date", "__made") if name == "stage_history" else "__made"
            owned = inner_join(rows, owners, on="opportunity_id").with_columns(__first=day)
            found[name] = owned.drop("__made")
    for name, column in EVENTS.items():
        if name in tables:
            rows = tables[name]
            rows = rows.select("account_id", column) if name in _OF_DAYS else rows
            found[name] = rows.with_columns(__first=nw.col(column))
    return found


def _of_dates(
    context: Context, names: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return a hash a date of what its features rest on beside the rows of an account."""
    settings, tables = context.settings, context.tables
    given = {name: sorted(columns) for name, columns in sorted(tables.given.items())}
    meanings = _meanings(tables)
    windows = to_frame(context.dates.sort("as_of"))
    found = []
    for place, day in enumerate(context.days):
        of_all: list[object] = [settings.criteria_fingerprint, [*names], given, version("duckdb")]
        parts = [*of_all, windows.iloc[place].astype(str).to_dict(), _known_by(meanings, day)]
        found.append(int(fingerprint(parts)[:16], 16))
    return np.array(found, dtype=np.uint64)


def _meanings(tables: Tables) -> list[tuple[str, date | None, date | None]]:
    """Return by stage the days from which deals were won and lost in it: of all accounts."""
    if not tables.has("stage_history", "stage"):
        return []
    return sorted(dated_meanings(tables).collect().rows())


def _known_by(meanings: Sequence[tuple[str, date | None, date | None]], day: date) -> list[object]:
    return [
        (stage, kind)
        for stage, *firsts in meanings
        for kind, first in enumerate(firsts)
        if first is not None and is_before(first, day)
    ]
