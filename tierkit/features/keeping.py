"""Features of accounts at earlier dates, kept from one quarter to the next, byte for byte.

Beside each row of the panel stands a hash of all that it rests on: the rows of its account dated
before its as_of, the windows of that as_of, the settings and the code. A row whose hash is another
one is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.cache import Cache, fingerprint
from tierkit.calendar import dates_reached, earliest_of, is_before
from tierkit.crm import (
    Rows,
    Tables,
    content_by,
    dated_meanings,
    inner_join,
    is_duckdb,
    only_with,
    register_frame,
    row_count,
    to_frame,
)
from tierkit.features.deals import ends_by_history
from tierkit.features.feature import KEYS, Context
from tierkit.features.windows import EVENTS
from tierkit.files import draft_of

_NAME, _FILE, _CONTENT = "panel", "values.parquet", "content"
_ENOUGH = 0.5
"""The share of accounts that must be as they were for a date not to be computed whole."""
MOST_ROWS = 2_000_000
"""Rows of the panel that are computed at once."""
_SEEN = "__seen"
_OF_DEALS = ("stage_history", "opportunity_lines")
_OF_DAYS = ("account_history", "signals", "tier_history")
"""Tables of which nothing but the first day of an account is kept."""

Compute = Callable[[Context], pd.DataFrame]


def kept_or_computed(
    context: Context, compute: Compute, *, names: Sequence[str], cache: Cache
) -> pd.DataFrame:
    """Return features of every existing account and as_of, computed only where they may differ.

    Parameters
    ----------
    compute
        Gives the features of every existing account and as_of of a context, sorted by both. A row
        must rest on nothing but the rows of its own account dated before its as_of.
    names
        What it computes.
    cache
        Where the panel of an earlier quarter lies, and where this one is kept. Without a folder,
        and in another engine than DuckDB, all is computed.
    """
    if cache.folder is None or not is_duckdb(context.tables.connection):
        return _in_parts(context, compute)
    content = contents(context, names)
    then = _newest(cache, context.days)
    same = _same(then, content)
    values = (
        _renewed(context, compute, then.drop(columns=_CONTENT), same)
        if same.any()
        else _in_parts(context, compute)
    )
    _keep(cache, values, content)
    return values


def _in_parts(context: Context, compute: Compute) -> pd.DataFrame:
    """Return what `compute` gives; of many rows a few dates at a time, to need less memory."""
    dates = dates_at_once(context)
    if len(dates) < 2:
        return compute(context)
    return pd.concat([compute(context_part(context, days)) for days in dates]).sort_index()


def dates_at_once(context: Context) -> list[tuple[date, ...]]:
    """Return the dates in order, in groups whose rows are computed at once."""
    rows, days = row_count(context.existing), context.days
    many = max(1, len(days) * MOST_ROWS // max(rows, MOST_ROWS))
    return [days[start : start + many] for start in range(0, len(days), many)]


def _same(then: pd.DataFrame, content: pd.Series[int]) -> pd.Series[bool]:
    """Return whether each row rests on what it rested on when it was kept."""
    if then.empty:
        return pd.Series(data=False, index=content.index)
    places = then.index.get_indexer(content.index)
    equal = then[_CONTENT].to_numpy()[places] == content.to_numpy()
    return pd.Series((places >= 0) & equal, index=content.index)


def contents(context: Context, names: Sequence[str]) -> pd.Series[int]:
    """Return by existing account and as_of a hash of all that its features rest on."""
    existing = context.existing.select("account_id", nw.col("as_of").cast(nw.Datetime("us")))
    index = pd.MultiIndex.from_frame(to_frame(existing)).sortlevel()[0]
    accounts = index.levels[0]
    grid = np.zeros((len(accounts), len(context.days)), dtype=np.uint64)
    for name, rows in _dated_rows(context.tables).items():
        seen = dates_reached("__first", context.days)
        marked = rows.with_columns(__table=nw.lit(name), **{_SEEN: seen}).drop("__first")
        found = content_by(marked, ("account_id", _SEEN))
        found = found[found[_SEEN] < len(context.days)]
        places = accounts.get_indexer(pd.Index(found["account_id"]))
        known = places >= 0
        at = (places[known], found[_SEEN].to_numpy()[known])
        np.add.at(grid, at, found[_CONTENT].to_numpy(np.uint64)[known])
    whole = np.cumsum(grid, axis=1, dtype=np.uint64) + _of_dates(context, names)
    days = pd.DatetimeIndex([*context.days]).get_indexer(index.levels[1])
    values = whole[index.codes[0], days[index.codes[1]]]
    return pd.Series(values, index=index.set_names(KEYS), name=_CONTENT)


def _dated_rows(tables: Tables) -> dict[str, Rows]:
    """Return rows by table with their account and `__first`, the day from which they may count."""
    deals = tables["opportunities"].with_columns(__first=earliest_of("created_date", "close_date"))
    of_accounts = tables["accounts"].select("account_id", "created_date")
    found = {
        "opportunities": deals,
        "accounts": of_accounts.with_columns(__first=nw.lit(None).cast(nw.Date)),
    }
    owners = deals.select("opportunity_id", "account_id", __made="__first")
    for name in _OF_DEALS:
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


def _newest(cache: Cache, days: Sequence[date]) -> pd.DataFrame:
    """Return the rows of these dates of the panel that was kept last; empty where there is none."""
    folder = cache.newest(_NAME)
    if folder is None:
        return pd.DataFrame()
    moments = [("as_of", "in", [*pd.DatetimeIndex([*days])])]
    try:
        return pd.read_parquet(folder / _FILE, filters=moments).set_index([*KEYS])
    except (OSError, ValueError, KeyError):  # cleared away, or cut off
        return pd.DataFrame()


def _renewed(
    context: Context, compute: Compute, then: pd.DataFrame, same: pd.Series[bool]
) -> pd.DataFrame:
    """Return the kept rows that are the same, and the others computed."""
    shares = same.groupby(level="as_of").mean()
    few = pd.DatetimeIndex(shares.index[shares < _ENOUGH])
    whole = {moment.date() for moment in few}
    kept_days = [day for day in context.days if day not in whole]
    at = same.index.get_level_values("as_of").isin(pd.DatetimeIndex(kept_days))
    restated = same.index[at & ~same]
    parts = [then.loc[same.index[at & same]]]
    if whole:
        parts.append(_in_parts(context_part(context, sorted(whole)), compute))
    if len(restated):
        accounts = restated.get_level_values("account_id").unique()
        parts.append(compute(context_part(context, kept_days, accounts)).loc[restated])
    return pd.concat(parts).reindex(same.index)


def context_part(
    context: Context, days: Collection[date], accounts: Collection[str] | None = None
) -> Context:
    """Return the context of some dates, and of some accounts alone."""
    tables, existing = context.tables, context.existing
    if accounts is not None:
        chosen = register_frame(tables.connection, pd.DataFrame({"account_id": [*accounts]}))
        tables, existing = (
            _of_accounts(tables, chosen),
            only_with(existing, chosen, on="account_id"),
        )
    at = nw.col("as_of").is_in([*days])
    planned: dict[Callable[[Context], Rows], Rows] = {}
    if tables.has("stage_history", "stage"):  # what a stage means is taken from all accounts
        planned[ends_by_history] = context.once(ends_by_history).filter(at)
    return replace(
        context,
        tables=tables,
        dates=context.dates.filter(at),
        days=tuple(days),
        existing=existing.filter(at),
        planned=planned,
    )


def _of_accounts(tables: Tables, chosen: Rows) -> Tables:
    deals = only_with(tables["opportunities"], chosen, on="account_id")
    frames = {
        name: only_with(rows, deals, on="opportunity_id") if name in _OF_DEALS
        else only_with(rows, chosen, on="account_id") if "account_id" in rows.columns
        else rows
        for name, rows in tables.frames.items()
    }  # fmt: skip
    return replace(tables, frames=frames)


def _keep(cache: Cache, values: pd.DataFrame, content: pd.Series[int]) -> None:
    whole = hashlib.sha256(content.to_numpy().tobytes()).hexdigest()
    moments = content.index.get_level_values("as_of").unique()

    def write(folder: Path) -> None:
        frame = values.assign(**{_CONTENT: content}).reset_index()
        with draft_of(folder / _FILE) as draft:
            frame.to_parquet(draft, index=False)

    try:
        cache.files(_NAME, [whole, *map(str, moments)], write)
    except OSError:  # a project that may only be read, or a full disk
        return
