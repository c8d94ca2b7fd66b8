"""Deals as they were known before an as_of: won, closed or open."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from tierkit.calendar import known_rows, latest_of, on_or_after
from tierkit.crm.revenue import RENEWAL_TYPES, TARGET_TYPES, target_deals
from tierkit.crm.tables import Rows
from tierkit.features.feature import Block, Context
from tierkit.features.windows import EVER_WINDOW


def closed_deals(context: Context, *, revenue_types: Sequence[str] = TARGET_TYPES) -> Rows:
    """Return the deals that were made and closed before as_of, within the look-back.

    A deal that was written down only after it had been closed is known from the later day on.
    """
    deals = target_deals(context.tables, context.settings, revenue_types=revenue_types)
    closed = deals.filter(~nw.col("is_won").is_null()).with_columns(
        settled_date=latest_of("created_date", "close_date")
    )
    return known_rows(closed, "settled_date", context.dates).filter(EVER_WINDOW.holds("close_date"))


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
    exist must not show: a deal that is open today counts like one that was closed later.
    """
    deals = target_deals(context.tables, context.settings)
    made = known_rows(deals, "created_date", context.dates)
    still_open = nw.col("is_won").is_null() | on_or_after("close_date", "as_of")
    return made.filter(still_open).select("opportunity_id", "account_id", "created_date", "as_of")


def is_win() -> nw.Expr:
    """Whether a row is a win: a won deal worth more than nothing; refunds and zeros are none."""
    return nw.col("is_won") & (nw.col("value") > 0)


WON = Block("won deals", won_deals, history="opportunities")
CLOSED = Block("closed deals", closed_deals, history="opportunities")
RENEWED = Block("won renewals", won_renewals, history="opportunities")
OPEN = Block("open deals", open_deals, needs=("opportunities.created_date",))
