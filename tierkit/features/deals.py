"""Deals as they were known before an as_of, and what they tell: rhythm, win rate, pipeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import narwhals as nw
import pandas as pd

from tierkit.calendar import days_between, earlier, known_rows, latest_of, on_or_after
from tierkit.crm import (
    DEAL_COLUMNS,
    MONEY_TYPE,
    RENEWAL_TYPES,
    TARGET_TYPES,
    Rows,
    inner_join,
    last_of,
    look_up,
    recorded_ends,
    rows_without,
    target_deals,
    with_values,
)
from tierkit.features.feature import KEYS, Aggregate, Block, Context, Derived, Feature, Window
from tierkit.features.windows import EVER_WINDOW

_DEAL = ("opportunity_id", "as_of")
_SETTLED = latest_of("created_date", "close_date")
PRIOR_DEALS = 5
TWO_YEARS = Window(8)


def closed_deals(context: Context, *, revenue_types: Sequence[str] = TARGET_TYPES) -> Rows:
    """Return the deals that were made and closed before as_of, within the look-back.

    A deal that was written down only after it had been closed is known from the later day on. One
    whose end was undone or written anew counts as `stage_history` last recorded before as_of.
    """
    deals = target_deals(context.tables, context.settings, revenue_types=revenue_types)
    closed = deals.filter(~nw.col("is_won").is_null()).with_columns(settled_date=_SETTLED)
    known = known_rows(closed, "settled_date", context.dates)
    recorded = deals_by_history(context, revenue_types)
    if recorded is not None:
        by_history = recorded.filter(~nw.col("is_won").is_null()).with_columns(
            settled_date=_SETTLED
        )
        by_history = by_history.filter(earlier("settled_date", "as_of")).select(known.columns)
        known = nw.concat(
            [rows_without(known, context.once(ends_by_history), on=_DEAL), by_history]
        )
    return known.filter(EVER_WINDOW.holds("close_date"))


def ends_by_history(context: Context) -> Rows:
    """Return the ends that `stage_history` records before each as_of (`recorded_ends`)."""
    return recorded_ends(context.tables, context.dates)


def deals_by_history(context: Context, revenue_types: Sequence[str]) -> Rows | None:
    """Return the deals with an end on record, as it was recorded before each as_of, if any."""
    if not context.tables.has("stage_history", "stage"):
        return None
    records = context.once(ends_by_history)
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
    recorded = deals_by_history(context, TARGET_TYPES)
    if recorded is not None:
        again = recorded.filter(nw.col("is_won").is_null() & earlier("created_date", "as_of"))
        plain = rows_without(found, context.once(ends_by_history), on=_DEAL)
        found = nw.concat([plain, again.select(found.columns)])
    return found.select("opportunity_id", "account_id", "created_date", "as_of")


def is_win() -> nw.Expr:
    """Return the test for a win: a won deal worth more than nothing; refunds and zeros are none."""
    return nw.col("is_won") & (nw.col("value") > 0)


WON = Block("won deals", won_deals, history="opportunities")
CLOSED = Block("closed deals", closed_deals, history="opportunities")
RENEWED = Block("won renewals", won_renewals, history="opportunities")
OPEN = Block("open deals", open_deals, needs=("opportunities.created_date",))


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
    deal = [*KEYS, "opportunity_id"]
    return last_of(known, deal, order_by=["changed_date", "amount"], amount_then="amount")


PRICED = Block(
    "open deals with an amount",
    priced_deals,
    needs=("opportunities.created_date", "stage_history.amount"),
)


def days_since_last_won() -> nw.Expr:
    """Days from the account's last win in the look-back to as_of.

    Unit: whole days; a win on the day before as_of is 1 day ago. Refunds are no wins. Missing for
    an account without a win.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("days_since_last_won", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-12-02 100 true; A 2024-11-02 90 true; A 2024-12-31 -5 true;"
    ...         "B 2024-12-31 70 false")
    {'A': 30.0, 'B': None}
    """
    return nw.when(is_win()).then(days_between("close_date", "as_of")).min()


def won_gap_median() -> nw.Expr:
    """Median of the days between an account's successive days with a win, in the look-back.

    Unit: days. Wins of one day count once. Missing with fewer than two such days.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_gap_median_days", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-01-01 10 true; A 2024-01-11 10 true; A 2024-01-31 10 true;"
    ...         "A 2024-01-31 10 true; A 2024-03-01 10 true; B 2024-06-01 10 true")
    {'A': 20.0, 'B': None}
    """
    return nw.col("gap").median()


def win_gaps(context: Context) -> Rows:
    """Return the days with a win known before as_of, each with the days since the one before."""
    wins = context.once(won_deals).filter(is_win())
    days = wins.select("account_id", "as_of", "close_date").unique()
    previous = nw.col("close_date").shift(1).over("account_id", "as_of", order_by="close_date")
    return (
        days.with_columns(previous_date=previous)
        .filter(~nw.col("previous_date").is_null())
        .with_columns(gap=days_between("previous_date", "close_date"))
    )


def days_since_last_won_over_gap(values: pd.DataFrame) -> pd.Series:
    """Days since the last win, as a multiple of the account's own median gap between wins.

    Unit: a ratio; above 1 the account is later than its own rhythm. Missing with fewer than two
    days with a win in the look-back.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("days_since_last_won_over_gap", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-11-22 10 true; A 2024-12-12 10 true; B 2024-06-01 10 true")
    {'A': 1.0, 'B': None}
    """
    return values["days_since_last_won"] / values["won_gap_median_days"]


def tenure() -> nw.Expr:
    """Days that the account has been known: from its created_date, or first event, to as_of.

    Unit: whole days, at most those that the data cover (an older account has that many), so that
    every account can tell as much. Never missing.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("tenure_days", look_back=4,
    ...         accounts="account_id created_date; A 2024-12-22; B 2015-05-01")
    {'A': 10.0, 'B': 366.0}
    """
    return days_between("seen_since", "as_of")


def seen_accounts(context: Context) -> Rows:
    """Return the existing accounts with the later of their first day and that of the data."""
    return context.existing.with_columns(seen_since=latest_of("first_seen", EVER_WINDOW.start))


GAPS = Block("gaps between wins", win_gaps, history="opportunities")
SEEN = Block("known accounts", seen_accounts, history="opportunities", aggregated=True)

FEATURES: tuple[Feature, ...] = (
    Aggregate("days_since_last_won", WON, days_since_last_won, EVER_WINDOW, absent=math.nan),
    Aggregate("won_gap_median_days", GAPS, won_gap_median, EVER_WINDOW, absent=math.nan),
    Derived(
        "days_since_last_won_over_gap",
        days_since_last_won_over_gap,
        ("days_since_last_won", "won_gap_median_days"),
    ),
    Aggregate("tenure_days", SEEN, tenure, EVER_WINDOW),
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
