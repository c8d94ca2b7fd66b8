"""Deals as they were known before an as_of: won, closed or open."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from tierkit.calendar import earlier, known_rows, latest_of, on_or_after
from tierkit.crm import (
    DEAL_COLUMNS,
    RENEWAL_TYPES,
    TARGET_TYPES,
    Rows,
    inner_join,
    look_up,
    recorded_ends,
    rows_without,
    target_deals,
    with_values,
)
from tierkit.features.feature import Block, Context
from tierkit.features.windows import EVER_WINDOW

_DEAL = ("opportunity_id", "as_of")
_SETTLED = latest_of("created_date", "close_date")


def closed_deals(context: Context, *, revenue_types: Sequence[str] = TARGET_TYPES) -> Rows:
    """Return the deals that were made and closed before as_of, within the look-back.

    A deal that was written down only after it had been closed is known from the later day on. One
    whose end was undone or written anew counts as `stage_history` last recorded before as_of.
    """
    deals = target_deals(context.tables, context.settings, revenue_types=revenue_types)
    closed = deals.filter(~nw.col("is_won").is_null()).with_columns(settled_date=_SETTLED)
    known = known_rows(closed, "settled_date", context.dates)
    recorded = _recorded_deals(context, revenue_types)
    if recorded is not None:
        by_history = recorded.filter(~nw.col("is_won").is_null()).with_columns(
            settled_date=_SETTLED
        )
        by_history = by_history.filter(earlier("settled_date", "as_of")).select(known.columns)
        known = nw.concat([rows_without(known, context.once(ends_on_record), on=_DEAL), by_history])
    return known.filter(EVER_WINDOW.holds("close_date"))


def ends_on_record(context: Context) -> Rows:
    """Return the ends that `stage_history` records before each as_of (`recorded_ends`)."""
    return recorded_ends(context.tables, context.dates)


def _recorded_deals(context: Context, revenue_types: Sequence[str]) -> Rows | None:
    """Return the deals with an end on record, as the history recorded them before each as_of."""
    if not context.tables.has("stage_history", "stage"):
        return None
    records = context.once(ends_on_record)
    if records.head(1).collect().is_empty():
        return None
    then = inner_join(context.tables["opportunities"], records, on="opportunity_id").with_columns(
        amount=nw.coalesce("recorded_amount", "amount"),
        close_date=nw.col("recorded_close"),
        is_won=nw.col("recorded_won"),
    )
    valued = with_values(then, context.settings.target.measure, revenue_types=revenue_types)
    rows = valued.select(*DEAL_COLUMNS, "as_of")
    return look_up(rows, context.dates, on="as_of", what="dates")


def won_deals(context: Context) -> Rows:
    """Return the won deals of the target, refunds included, known before as_of."""
    return context.once(closed_deals).filter(nw.col("is_won"))


def won_renewals(context: Context) -> Rows:
    """Return the won renewals known before as_of."""
    return closed_deals(context, revenue_types=RENEWAL_TYPES).filter(nw.col("is_won"))


def open_deals(context: Context) -> Rows:
    """Return the deals of the target that were made before as_of and not closed before it.

    Known of them are opportunity_id, account_id, created_date and their type; a deal without a
    created_date is known only once closed. That today's close date, outcome, amount and stage
    exist must not show: a deal that is open today counts like one that was closed later. A deal
    that had ended and was open again, as `stage_history` recorded before as_of, is among them.
    """
    deals = target_deals(context.tables, context.settings)
    made = known_rows(deals, "created_date", context.dates)
    found = made.filter(nw.col("is_won").is_null() | on_or_after("close_date", "as_of"))
    recorded = _recorded_deals(context, TARGET_TYPES)
    if recorded is not None:
        again = recorded.filter(nw.col("is_won").is_null() & earlier("created_date", "as_of"))
        plain = rows_without(found, context.once(ends_on_record), on=_DEAL)
        found = nw.concat([plain, again.select(found.columns)])
    return found.select("opportunity_id", "account_id", "created_date", "as_of")


def is_win() -> nw.Expr:
    """Whether a row is a win: a won deal worth more than nothing; refunds and zeros are none."""
    return nw.col("is_won") & (nw.col("value") > 0)


WON = Block("won deals", won_deals, history="opportunities")
CLOSED = Block("closed deals", closed_deals, history="opportunities")
RENEWED = Block("won renewals", won_renewals, history="opportunities")
OPEN = Block("open deals", open_deals, needs=("opportunities.created_date",))
