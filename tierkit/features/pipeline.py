"""Pipeline of the account: its win rate and its open deals."""

from __future__ import annotations

from functools import partial

import narwhals as nw
import pandas as pd

from tierkit.calendar import days_between, earlier
from tierkit.crm import MONEY_TYPE, Rows, grouped, inner_join
from tierkit.features.deals import CLOSED, OPEN, is_win, open_deals
from tierkit.features.feature import KEYS, Aggregate, Block, Context, Derived, Feature, Window

PRIOR_DEALS = 5


def closed_count(window: Window) -> nw.Expr:
    """Count the deals of the target closed in the window, lost or won for more than nothing.

    Unit: deals; an account without has a true 0. It tells how often the account decides at all,
    which a win rate alone would stand for.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("closed_deals_count_8q", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-01-01 10 true; A 2024-02-01 10 false; A 2024-02-02 -10 true;"
    ...         "B 2024-03-01 10 -")
    {'A': 2.0, 'B': 0.0}
    """
    decided = ~nw.col("is_won") | is_win()
    return nw.when(decided & window.holds("close_date")).then(nw.lit(1)).sum()


def win_rate_shrunk(values: pd.DataFrame) -> pd.Series:
    """Wins as a share of closed deals over eight quarters, shrunk to the rate of all accounts.

    Unit: a share, (wins + 5 × rate) / (closed + 5), where `rate` is that of all existing accounts
    together at that as_of: an account counts as if it had closed five more deals at that rate.
    Refunds and deals won for nothing are not closed deals. Missing for an account without a closed
    deal: nothing is known of its rate.

    Examples
    --------
    All together won 3 of 4 deals; A has (3 + 5 × 0.75) / (3 + 5), B (0 + 5 × 0.75) / (1 + 5).

    >>> from tierkit.features.example import example
    >>> example("win_rate_shrunk_8q", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-01-01 10 true; A 2024-02-01 10 true; A 2024-03-01 10 true;"
    ...         "B 2024-03-01 10 false; C 2024-03-01 10 -")
    {'A': 0.844, 'B': 0.625, 'C': None}
    """
    wins, closed = values["wins_count_8q"], values["closed_deals_count_8q"]
    names = ["wins_count_8q", "closed_deals_count_8q"]
    totals = values[names].groupby(level="as_of").transform("sum")
    rate = totals["wins_count_8q"] / totals["closed_deals_count_8q"]
    return ((wins + PRIOR_DEALS * rate) / (closed + PRIOR_DEALS)).where(closed > 0)


def open_deals_count() -> nw.Expr:
    """Count the deals of the target made before as_of and not closed before it.

    Unit: deals, whatever became of them later. A deal without a created_date is not known before it
    is closed. An account without open deals has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("open_deals_count", opportunities="account_id created_date close_date amount"
    ...         " is_won; A 2024-10-01 2025-02-01 10 true; A 2024-10-01 2025-06-01 10 -;"
    ...         "A 2024-10-01 2024-12-31 10 true; A 2025-01-01 2025-02-01 10 true;"
    ...         "B - 2025-02-01 10 false")
    {'A': 2.0, 'B': 0.0}
    """
    return nw.len()


def open_days() -> nw.Expr:
    """Days since the account's open deals were made, added up; helps to find their mean."""
    return days_between("created_date", "as_of").sum()


def open_deals_age(values: pd.DataFrame) -> pd.Series:
    """Mean days from the creation of the account's open deals to as_of.

    Unit: days. Missing for an account without open deals.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("open_deals_age_days", opportunities="account_id created_date close_date amount"
    ...         " is_won; A 2024-12-22 2025-02-01 10 true; A 2024-12-02 2025-06-01 10 -;"
    ...         "B 2024-12-02 2024-12-30 10 true")
    {'A': 20.0, 'B': None}
    """
    count = values["open_deals_count"]
    return values["_open_days"] / count.where(count > 0)


def open_pipeline_amount(values: pd.DataFrame) -> pd.Series:
    """Amount of the account's open deals, each as stage_history last gave it before as_of.

    Unit: the reporting currency; of several changes on one day the largest amount counts. A deal
    whose amount was not yet known adds nothing. 0 without open deals; missing where the amount of
    none of them was known.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("open_pipeline_amount", opportunities="account_id created_date close_date amount"
    ...         " is_won; A 2024-10-01 2025-02-01 99 true; B 2024-10-01 2025-06-01 99 -;"
    ...         "C 2024-10-01 2024-11-01 99 true", stage_history="opportunity_id changed_date"
    ...         " amount; O1 2024-10-01 40; O1 2024-12-31 50; O1 2025-01-01 99; O2 2025-01-01 99")
    {'A': 50.0, 'B': None, 'C': 0.0}
    """
    known, count = values["_priced_deals_count"], values["open_deals_count"]
    return values["_priced_amount"].where((known > 0) | (count == 0))


def priced_amount() -> nw.Expr:
    """Amount of the open deals whose amount was known, added up."""
    return nw.col("amount_then").cast(MONEY_TYPE).sum()


def priced_deals(context: Context) -> Rows:
    """Return the open deals with the amount that stage_history last gave before as_of."""
    history = context.tables["stage_history"].select("opportunity_id", "changed_date", "amount")
    priced = history.filter(~nw.col("amount").is_null())
    changes = inner_join(context.once(open_deals), priced, on="opportunity_id")
    known = changes.filter(earlier("changed_date", "as_of"))
    last = nw.col("amount").last(order_by=["changed_date", "amount"])
    return grouped(known, [*KEYS, "opportunity_id"], amount_then=last)


PRICED = Block(
    "open deals with an amount",
    priced_deals,
    needs=("opportunities.created_date", "stage_history.amount"),
)
TWO_YEARS = Window(8)

FEATURES: tuple[Feature, ...] = (
    Aggregate(
        "closed_deals_count_8q", CLOSED, partial(closed_count, TWO_YEARS), TWO_YEARS, grows=True
    ),
    Derived("win_rate_shrunk_8q", win_rate_shrunk, ("wins_count_8q", "closed_deals_count_8q")),
    Aggregate("open_deals_count", OPEN, open_deals_count),
    Aggregate("_open_days", OPEN, open_days),
    Derived("open_deals_age_days", open_deals_age, ("_open_days", "open_deals_count")),
    Aggregate("_priced_amount", PRICED, priced_amount),
    Aggregate("_priced_deals_count", PRICED, open_deals_count),
    Derived(
        "open_pipeline_amount",
        open_pipeline_amount,
        ("_priced_amount", "_priced_deals_count", "open_deals_count"),
    ),
)
