"""Buying rhythm of the account: days since its last win, its usual pace, its age."""

from __future__ import annotations

import math

import narwhals as nw
import pandas as pd

from tierkit.calendar import days_between, latest_of
from tierkit.crm import Rows
from tierkit.features.deals import WON, is_win, won_deals
from tierkit.features.feature import Aggregate, Block, Context, Derived, Feature
from tierkit.features.windows import EVER_WINDOW


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
)
