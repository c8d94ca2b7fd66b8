"""Revenue of the account: won revenue, wins, their size and their growth."""

from __future__ import annotations

import math
from functools import partial

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import DAYS_A_QUARTER, days_between, earlier, known_rows, on_or_after
from tierkit.crm import (
    Rows,
    inner_join,
)
from tierkit.features.deals import RENEWED, WON, is_win, won_deals
from tierkit.features.feature import Aggregate, Block, Context, Derived, Feature, Window
from tierkit.features.windows import EVER_WINDOW, WINDOWS


def won_revenue(window: Window) -> nw.Expr:
    """Won revenue of the target (new business and expansion) that was closed in the window.

    Unit: the reporting currency; refunds lower it. `won_revenue_ever` reaches back to the first day
    that the data cover. An existing account without such deals has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_revenue_4q", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-12-31 100.50 true; A 2024-01-01 50 true; A 2024-06-01 -20 true;"
    ...         "A 2023-12-31 9 true; A 2025-01-01 9 true; B 2024-06-01 70 false")
    {'A': 130.5, 'B': 0.0}
    """
    return _in(window, nw.col("value")).sum()


def wins_count(window: Window) -> nw.Expr:
    """Count the won deals of the target, worth more than nothing, closed in the window.

    Unit: deals; refunds and deals worth nothing are none. An account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("wins_count_2q", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-07-01 10 true; A 2024-12-31 -5 true; A 2024-12-31 0 true;"
    ...         "B 2024-06-30 10 true")
    {'A': 1.0, 'B': 0.0}
    """
    return nw.when(is_win() & window.holds("close_date")).then(nw.lit(1)).sum()


def won_revenue_growth(values: pd.DataFrame) -> pd.Series:
    """Growth of won revenue: the last four quarters against the four before.

    Unit: log ratio, log((last + typical) / (before + typical)); 0 is no change, 0.69 twice as much.
    `typical` is half the median won revenue of eight quarters among the accounts with any at that
    as_of; it keeps small sums from counting as large growth. Sums below 0 count as 0. Missing
    where neither year has won revenue.

    Examples
    --------
    A went from 100 to 300, B from nothing to 200; half the median of 400 and 200 is 150.

    >>> from tierkit.features.example import example
    >>> example("won_revenue_growth", opportunities="account_id close_date amount is_won;"
    ...         "A 2023-06-01 100 true; A 2024-06-01 300 true; B 2024-06-01 200 true;"
    ...         "C 2024-06-01 5 false")
    {'A': 0.588, 'B': 0.847, 'C': None}
    """
    last = values["won_revenue_4q"]
    earlier_year = values["won_revenue_8q"] - last
    both = last.clip(lower=0) + earlier_year.clip(lower=0)
    typical = both.where(both > 0).groupby(level="as_of").transform("median") / 2
    ratio = (last.clip(lower=0) + typical) / (earlier_year.clip(lower=0) + typical)
    return ratio.where(both > 0).transform(np.log)


def won_value_of_wins() -> nw.Expr:
    """Won revenue of wins alone, refunds left out; helps to find their mean."""
    return nw.when(is_win()).then(nw.col("value")).sum()


def won_amount_mean(values: pd.DataFrame) -> pd.Series:
    """Mean value of the account's wins in the look-back.

    Unit: the reporting currency; refunds do not count. Missing for an account without a win.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_amount_mean_ever", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-06-01 100 true; A 2024-08-01 50 true; A 2024-09-01 -30 true;"
    ...         "B 2024-06-01 70 false")
    {'A': 75.0, 'B': None}
    """
    wins = values["wins_count_ever"]
    return values["_won_value_of_wins"] / wins.where(wins > 0)


def won_amount_max() -> nw.Expr:
    """Value of the account's largest win in the look-back.

    Unit: the reporting currency. Missing for an account without a win.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_amount_max_ever", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-06-01 100 true; A 2024-08-01 250 true; B 2024-08-01 -30 true")
    {'A': 250.0, 'B': None}
    """
    return nw.when(is_win()).then(nw.col("value")).max()


def won_revenue_same_quarter_last_year() -> nw.Expr:
    """Won revenue, a year before, of the quarter that begins at as_of.

    Unit: the reporting currency; refunds lower it. An account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_revenue_same_quarter_last_year", opportunities="account_id close_date amount"
    ...         " is_won; A 2024-01-01 10 true; A 2024-03-31 5 true; A 2024-04-01 9 true")
    {'A': 15.0}
    """
    inside = on_or_after("close_date", "last_year_start") & earlier("close_date", "last_year_end")
    return nw.when(inside).then(nw.col("value")).sum()


def days_since_first_won() -> nw.Expr:
    """Days from the account's first known win to as_of; helps to find a rate."""
    return nw.when(is_win()).then(days_between("close_date", "as_of")).max()


def won_revenue_per_quarter(values: pd.DataFrame) -> pd.Series:
    """Won revenue a quarter since the account's first known win.

    Unit: the reporting currency a quarter of 91.3125 days; refunds lower it. An account whose first
    win is less than a quarter ago counts as if it were one quarter; one without a win has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("won_revenue_per_quarter", opportunities="account_id close_date amount is_won;"
    ...         "A 2024-01-01 300 true; A 2024-12-01 100 true; B 2024-12-30 70 true;"
    ...         "C 2024-06-01 70 false")
    {'A': 99.795, 'B': 70.0, 'C': 0.0}
    """
    quarters = (values["_days_since_first_won"] / DAYS_A_QUARTER).clip(lower=1.0)
    return (values["won_revenue_ever"] / quarters).fillna(0.0)


def renewal_revenue(window: Window) -> nw.Expr:
    """Won revenue of renewals that were closed in the window.

    Unit: the reporting currency. An account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("renewal_revenue_4q", opportunities="account_id close_date amount is_won"
    ...         " revenue_type; A 2024-06-01 80 true renewal; A 2024-06-01 9 true new")
    {'A': 80.0}
    """
    return _in(window, nw.col("value")).sum()


def products_count() -> nw.Expr:
    """Count the different products in the account's won deals of the look-back.

    Unit: products, from opportunity_lines where the source has them, else from the deals. Lines
    without a product do not count; an account without has a true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("products_count_ever", opportunities="account_id close_date amount is_won product;"
    ...         "A 2024-06-01 80 true suite; A 2024-08-01 9 true suite; A 2024-09-01 9 true add-on;"
    ...         "A 2024-09-01 9 false other")
    {'A': 2.0}
    """
    return nw.col("product").n_unique()


def won_products(context: Context) -> Rows:
    """Return the products of won deals known before as_of."""
    won = context.once(won_deals)
    if context.tables.has("opportunity_lines", "product"):
        lines = context.tables["opportunity_lines"].select("opportunity_id", "product")
        won = inner_join(won.drop("product"), lines, on="opportunity_id")
    return won.filter(~nw.col("product").is_null())


def active_contract_value() -> nw.Expr:
    """Yearly value of the contracts that run at as_of.

    Unit: the reporting currency a year. A contract runs from its start_date, strictly before as_of,
    to its end_date, which is as_of or later; one without an end runs on. An account without has a
    true 0.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("active_contract_value", contracts="contract_id account_id start_date end_date"
    ...         " annual_value; C1 A 2024-06-01 2025-05-31 120; C2 A 2023-06-01 2024-05-31 100;"
    ...         "C3 A 2024-02-01 - 30; C4 A 2025-01-01 - 500")
    {'A': 150.0}
    """
    return nw.col("annual_value").sum()


def running_contracts(context: Context) -> Rows:
    """Return the contracts that began before as_of and end on it or later."""
    begun = known_rows(context.tables["contracts"], "start_date", context.dates)
    return begun.filter(nw.col("end_date").is_null() | on_or_after("end_date", "as_of"))


def _in(window: Window, amount: nw.Expr) -> nw.Expr:
    return nw.when(window.holds("close_date")).then(amount)


PRODUCTS = Block(
    "won products",
    won_products,
    needs=("opportunity_lines.product or opportunities.product",),
    history="opportunities",
)
CONTRACTS = Block("running contracts", running_contracts, needs=("contracts",))
YEAR = Window(4)

FEATURES: tuple[Feature, ...] = (
    *(
        Aggregate(
            f"won_revenue_{window.label}", WON, partial(won_revenue, window), window, grows=True
        )
        for window in (*WINDOWS, EVER_WINDOW)
    ),
    *(
        Aggregate(
            f"wins_count_{window.label}", WON, partial(wins_count, window), window, grows=True
        )
        for window in (*WINDOWS, EVER_WINDOW)
    ),
    Derived(
        "won_revenue_growth",
        won_revenue_growth,
        ("won_revenue_4q", "won_revenue_8q"),
        history="opportunities",
        least=8,
    ),
    Aggregate("_days_since_first_won", WON, days_since_first_won, EVER_WINDOW, absent=math.nan),
    Derived(
        "won_revenue_per_quarter",
        won_revenue_per_quarter,
        ("won_revenue_ever", "_days_since_first_won"),
    ),
    Aggregate("_won_value_of_wins", WON, won_value_of_wins, EVER_WINDOW),
    Derived("won_amount_mean_ever", won_amount_mean, ("_won_value_of_wins", "wins_count_ever")),
    Aggregate("won_amount_max_ever", WON, won_amount_max, EVER_WINDOW, absent=math.nan),
    Aggregate(
        "won_revenue_same_quarter_last_year",
        WON,
        won_revenue_same_quarter_last_year,
        YEAR,
        least=4,
    ),
    Aggregate("renewal_revenue_4q", RENEWED, partial(renewal_revenue, YEAR), YEAR, grows=True),
    Aggregate("products_count_ever", PRODUCTS, products_count, EVER_WINDOW),
    Aggregate("active_contract_value", CONTRACTS, active_contract_value),
)
