"""Do criteria see the future? Tried in every run, on the project's own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import narwhals as nw

from tierkit.calendar import before, from_on
from tierkit.crm.engine import Rows
from tierkit.crm.tables import Tables
from tierkit.features.panel import build_panel
from tierkit.recalibration.quarter_ends import training_dates
from tierkit.recalibration.work import Work
from tierkit.settings import Settings

_NAME = "future_rows"
_RECORDED = {
    "activities": "date",
    "contacts": "created_date",
    "contracts": "start_date",
    "costs": "date",
    "signals": "date",
    "stage_history": "changed_date",
    "account_history": "changed_date",
    "tier_history": "start_date",
}
_UNKNOWN_WHILE_OPEN = ("close_date", "amount", "is_won", "stage", "cost", "term_months", "product")


def future_rows_seen(tables: Tables, dates: Sequence[date], *, settings: Settings) -> int | None:
    """Return how many accounts have other criteria once everything from a date on is taken away.

    Tried at the first of the dates, where the most future can be seen. It must be 0.

    Returns
    -------
    int or None
        None where there is no date to try.
    """
    if not dates:
        return None
    first = min(dates)
    known = build_panel(tables, [first], settings=settings).values
    blind = build_panel(_without_future(tables, first), [first], settings=settings).values
    shared = known.columns.union(blind.columns)
    index = known.index.union(blind.index)
    one, other = (part.reindex(index=index, columns=shared) for part in (known, blind))
    same = (one == other) | (one.isna() & other.isna())
    return int((~same.all(axis=1)).sum())


def future_rows_of(work: Work, dates: Sequence[date]) -> int | None:
    """Return `future_rows_seen` in a run; what `leave_future_rows` has left is taken as it is."""
    tables, settings = work.tables, work.settings
    seen = partial(future_rows_seen, tables, dates, settings=settings)
    return work.left_or(_NAME, seen, of=_of(dates))


def leave_future_rows(work: Work) -> None:
    """Leave what `future_rows_of` finds in the folder of a run under way."""
    dates = training_dates(work.tables, settings=work.settings, as_of=work.as_of)
    seen = future_rows_seen(work.tables, dates, settings=work.settings)
    work.leave(_NAME, seen, of=_of(dates))


def _of(dates: Sequence[date]) -> str:
    """Return the one date that is tried, as text."""
    return min(dates).isoformat() if dates else ""


def _without_future(tables: Tables, as_of: date) -> Tables:
    """Return the tables as they would have been known at `as_of`, undated columns aside."""
    frames = dict(tables.frames)
    for name, column in _RECORDED.items():
        if name in frames:
            undated = frames[name].filter(nw.col(column).is_null())
            frames[name] = nw.concat([before(frames[name], column, as_of), undated])
    frames["opportunities"] = _known_deals(frames["opportunities"], as_of)
    return replace(tables, frames=frames)


def _known_deals(deals: Rows, as_of: date) -> Rows:
    """Return deals closed before, and deals made before of which nothing later is known."""
    closed = before(deals, "close_date", as_of)
    made = before(from_on(deals, "close_date", as_of), "created_date", as_of)
    schema = deals.collect_schema()
    hidden = [nw.lit(None).cast(schema[name]).alias(name) for name in _UNKNOWN_WHILE_OPEN]
    undated = deals.filter(nw.col("close_date").is_null())
    return nw.concat([closed, made.with_columns(*hidden), before(undated, "created_date", as_of)])
