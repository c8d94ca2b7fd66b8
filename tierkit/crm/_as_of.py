"""Trusted tables as they were known at a day, for a run that must see nothing later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import narwhals as nw

from tierkit.calendar import on_or_after
from tierkit.crm.engine import Rows, computed, scan_parquet, write_parquet
from tierkit.crm.guard import only_with
from tierkit.crm.known import deals_as_known
from tierkit.crm.tables import Tables

_RECORDED = {
    "activities": ("date",),
    "contacts": ("created_date",),
    "costs": ("date",),
    "signals": ("date",),
    "stage_history": ("changed_date",),
    "tier_history": ("start_date", "end_date"),
}
"""By table the day on which a row is written, and a date that is written into it later."""


def tables_as_known(tables: Tables, as_of: date, *, known_deals: Path | None = None) -> Tables:
    """Return the tables as they were known before `as_of`.

    Every deal stands as `deals_as_known` gives it: one that was open then has the amount that
    `stage_history` gave, and none without history. Rows dated on or after `as_of` are absent, the
    end of a tier on or after it is not known yet, and rows without a date are kept. A contract is
    agreed with its end before its first day: one that starts on `as_of` is known. Accounts, targets
    and exchange rates are those of today: nothing says when they were written.

    Parameters
    ----------
    known_deals
        What `write_known_deals` wrote for the same tables and day, which saves the work.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(
    ...     opportunities="account_id created_date close_date amount is_won;"
    ...     "A 2025-01-09 2025-02-01 100 true; A 2025-01-09 2025-05-01 70 true",
    ...     costs="account_id date amount; A 2025-03-01 5; A 2025-06-01 7")
    >>> known = tables_as_known(tables, date(2025, 4, 1))
    >>> known["opportunities"].sort("close_date").collect()["is_won"].to_list()
    [None, True]
    >>> known["costs"].collect()["amount"].to_list()
    [Decimal('5.0000')]
    """
    frames = dict(tables.frames)
    for name, columns in _RECORDED.items():
        if name in frames:
            frames[name] = _recorded_before(frames[name], columns, as_of)
    if "contracts" in frames:
        tomorrow = as_of + timedelta(days=1)
        frames["contracts"] = _recorded_before(frames["contracts"], ("start_date",), tomorrow)
    if "opportunities" in frames:
        frames["opportunities"] = (
            computed(tables.connection, _known_deals(tables, as_of))
            if known_deals is None
            else scan_parquet(tables.connection, known_deals)
        )
        if "opportunity_lines" in frames:
            closed = frames["opportunities"].filter(~nw.col("is_won").is_null())
            lines = frames["opportunity_lines"]
            frames["opportunity_lines"] = only_with(lines, closed, on="opportunity_id")
    return replace(tables, frames=frames)


def write_known_deals(tables: Tables, as_of: date, file: Path) -> None:
    """Write the deals of `tables_as_known` to a Parquet file."""
    write_parquet(tables.connection, _known_deals(tables, as_of), file)


def _known_deals(tables: Tables, as_of: date) -> Rows:
    return deals_as_known(tables, [as_of]).drop("as_of")


def _recorded_before(rows: Rows, columns: Sequence[str], as_of: date) -> Rows:
    written, *ends = columns
    dated = rows.with_columns(__as_of=nw.lit(as_of))
    known = dated.filter(~on_or_after(written, "__as_of").fill_null(value=False))
    for column in ends:
        is_later = on_or_after(column, "__as_of").fill_null(value=False)
        known = known.with_columns(nw.when(~is_later).then(nw.col(column)).alias(column))
    return known.drop("__as_of")
