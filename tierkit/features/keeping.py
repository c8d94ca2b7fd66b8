"""Features of accounts at earlier dates, kept from one quarter to the next, byte for byte.

Each as_of is a file with the features of its accounts, and beside them a hash of all that they
rest on: the rows of the account dated before that day, the windows of that day, the settings and
the code. An account whose hash is another one is computed again; a file without any is taken over.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.cache import Cache
from tierkit.crm import Rows, Tables, computed, is_duckdb, only_with, register_frame, row_count
from tierkit.features.contents import OF_DEALS, Contents, Flags, Places, contents_of
from tierkit.features.deals import ends_by_history
from tierkit.features.feature import Context
from tierkit.files import draft_of

_NAME, _CONTENT = "panel", "__content"
MOST_ROWS = 1_000_000
"""Rows of the panel that are computed at once."""

Compute = Callable[[Context], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class _Kept:
    """Features of one as_of that were kept.

    Attributes
    ----------
    values
        A row an account, its hash among the columns.
    found
        For each account of today its place among these rows; -1 where its hash is another one.
    file
        Where they lie, if they are the rows of today, so that the file is taken over; else None.
    """

    values: pd.DataFrame
    found: Places
    file: Path | None = None


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
    now, folder = contents_of(context, names), cache.newest(_NAME)
    kept = [_kept(folder, now, place) for place in range(len(now.days))]
    values = _renewed(context, compute, now, kept)
    _keep(cache, values, now, [one.file for one in kept])
    return values


def _in_parts(context: Context, compute: Compute) -> pd.DataFrame:
    """Return what `compute` gives; of many rows a few dates at a time, to need less memory."""
    dates = dates_at_once(context)
    if len(dates) < 2:
        return compute(context)
    return _in_order(compute(context_part(context, days)) for days in dates)


def _in_order(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return parts as one frame in order, a column at a time: they need hardly more than it."""
    indices, columns = [], defaultdict(list)
    for part in parts:
        indices.append(part.index)
        for name in part:
            columns[name].append(part[name].reset_index(drop=True).copy())
    together = indices[0].append(indices[1:])
    order = together.argsort()
    values = {
        name: pd.concat(columns.pop(name), ignore_index=True).take(order).array
        for name in [*columns]
    }
    return pd.DataFrame(values, index=together.take(order), copy=False)


def dates_at_once(context: Context) -> list[tuple[date, ...]]:
    """Return the dates in order, in groups whose rows are computed at once."""
    rows, days = row_count(context.existing), context.days
    many = max(1, len(days) * MOST_ROWS // max(rows, MOST_ROWS))
    return [days[start : start + many] for start in range(0, len(days), many)]


def _kept(folder: Path | None, now: Contents, place: int) -> _Kept:
    """Return what was kept of one as_of, and where it is as it would be computed now."""
    exists, values = now.exists[:, place], pd.DataFrame()
    file = None if folder is None else _file(folder, now.days[place])
    with suppress(OSError, ValueError):  # another date, cleared away, or cut off
        values = pd.DataFrame() if file is None else pd.read_parquet(file)
    if values.empty:
        return _Kept(values, np.full(len(exists), -1))
    at = values.index.get_indexer(now.accounts)
    is_same = exists & (at >= 0) & (values[_CONTENT].to_numpy()[at] == now.hashes[:, place])
    is_whole = np.array_equal(at[exists], np.arange(len(values))) and is_same[exists].all()
    found = np.where(is_same, at, -1)
    return _Kept(values.drop(columns=_CONTENT), found, file if is_whole else None)


def _renewed(
    context: Context, compute: Compute, now: Contents, kept: Sequence[_Kept]
) -> pd.DataFrame:
    """Return the kept rows that are the same, and the others computed."""
    differs = now.exists & (np.column_stack([one.found for one in kept]) < 0)
    whole = dates_to_compute(differs, now.exists)
    if len(whole) == len(now.days):
        return _in_parts(context, compute)
    cells, parts = [], []
    for place in np.setdiff1d(np.arange(len(now.days)), whole):
        accounts = np.flatnonzero(kept[place].found >= 0)
        cells.append(accounts * len(now.days) + place)
        parts.append(kept[place].values.take(kept[place].found[accounts]))
    if len(whole):
        parts.append(
            _in_parts(context_part(context, [now.days[place] for place in whole]), compute)
        )
        cells.append(now.cells_of(parts[-1]))
        differs[:, whole] = False
    if differs.any():
        again = compute(_restated(context, now, differs))
        at = now.cells_of(again)
        parts.append(again[differs.reshape(-1)[at]])
        cells.append(at[differs.reshape(-1)[at]])
    values: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return values.take(np.argsort(np.concatenate(cells))).set_axis(now.index)


def dates_to_compute(differs: Flags, exists: Flags) -> Places:
    """Return the dates to compute whole, so that the fewest rows are computed.

    At the others, those accounts are computed that differ at any of them.
    """
    most_first = np.argsort(-differs.sum(axis=0), kind="stable")

    def rows(whole: int) -> int:
        left = differs[:, most_first[whole:]]
        others = left.any(axis=1).sum() * left.any(axis=0).sum()
        return int(exists[:, most_first[:whole]].sum() + others)

    return np.sort(most_first[: min(range(len(most_first), -1, -1), key=rows)])


def _restated(context: Context, now: Contents, differs: Flags) -> Context:
    """Return the context of the accounts and dates at which any differs."""
    days = [now.days[place] for place in np.flatnonzero(differs.any(axis=0))]
    return context_part(context, days, now.accounts[np.flatnonzero(differs.any(axis=1))])


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
    """Return the rows of some accounts, picked once for all that reads them."""
    deals = only_with(tables["opportunities"], chosen, on="account_id")

    def own(name: str, rows: Rows) -> Rows:
        if name in OF_DEALS:
            return only_with(rows, deals, on="opportunity_id")
        return only_with(rows, chosen, on="account_id") if "account_id" in rows.columns else rows

    picked = {
        name: computed(tables.connection, own(name, rows)) for name, rows in tables.frames.items()
    }
    return replace(tables, frames=picked)


def _keep(
    cache: Cache, values: pd.DataFrame, now: Contents, taken_over: Sequence[Path | None]
) -> None:
    """Write a file an as_of; those that are taken over are copied."""
    whole = hashlib.sha256(now.hashes[now.exists].tobytes()).hexdigest()

    def write(folder: Path) -> None:
        for place, kept in enumerate(taken_over):
            with draft_of(_file(folder, now.days[place])) as draft:
                if kept is None:
                    _of_date(values, now, place).to_parquet(draft, use_dictionary=False)
                else:
                    shutil.copyfile(kept, draft)

    try:
        cache.files(_NAME, [whole, *map(str, now.days)], write)
    except OSError:  # a project that may only be read, or a full disk
        return


def _of_date(values: pd.DataFrame, now: Contents, place: int) -> pd.DataFrame:
    """Return the rows of one as_of by account, with their hashes."""
    accounts, days = now.rows
    rows = np.flatnonzero(days == place)
    found = values.take(rows).set_axis(now.accounts[accounts[rows]])
    return found.assign(**{_CONTENT: now.hashes[accounts[rows], place]})


def _file(folder: Path, day: date) -> Path:
    return folder / f"{day}.parquet"
