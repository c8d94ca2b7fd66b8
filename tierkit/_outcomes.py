"""Outcomes in the horizon after each as_of; only the backtest sees them together with features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import outcome_rows
from tierkit.crm import RENEWAL_TYPES, Rows, Tables, summed, target_deals, to_frame
from tierkit.settings import Settings

KEYS = ("account_id", "as_of")
COLUMNS = ("won_revenue", "wins_count", "pipeline_created_amount", "renewal_revenue")
_MOMENT = nw.Datetime("us")


def outcomes(
    tables: Tables, dates: Sequence[date], *, settings: Settings, horizon_quarters: int = 0
) -> pd.DataFrame:
    """Return what each account brought in the horizon that begins at each as_of.

    Parameters
    ----------
    tables
        Trusted tables, as they are known where the outcomes are looked at (`tables_as_known`).
    dates
        The as_of dates, in any order. Whether a horizon is already over is for the caller to know.
    settings
        The target: its horizon in quarters, its revenue types and its measure.
    horizon_quarters
        How many quarters to watch; the target's horizon by default.

    Returns
    -------
    DataFrame
        A row per account and as_of with any outcome, sorted; accounts without are absent.
        `won_revenue` (new business and expansion, by close_date, refunds net), `wins_count` (deals
        worth more than nothing), `pipeline_created_amount` (amount, as it stands today, of deals of
        the target made in the horizon), `renewal_revenue`; money in the reporting currency.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(opportunities="account_id close_date amount is_won;"
    ...     "A 2025-01-01 100 true; A 2025-12-31 20 true; A 2024-12-31 7 true; B 2026-01-01 9 true")
    >>> outcomes(tables, [date(2025, 1, 1)], settings=Settings())["won_revenue"].to_dict()
    {('A', Timestamp('2025-01-01 00:00:00')): 120.0}
    """
    quarters = horizon_quarters or settings.target.horizon_quarters
    horizons = _horizons(tables, dates, settings, quarters)
    target = target_deals(tables, settings)
    won = target.filter(nw.col("is_won"))
    renewed = target_deals(tables, settings, revenue_types=RENEWAL_TYPES).filter(nw.col("is_won"))
    value, amount = nw.col("value"), nw.col("amount")
    is_win = nw.when(value > 0).then(nw.lit(1))
    parts = [
        _totals(won, "close_date", horizons, won_revenue=value.sum(), wins_count=is_win.sum()),
        _totals(target, "created_date", horizons, pipeline_created_amount=amount.sum()),
        _totals(renewed, "close_date", horizons, renewal_revenue=value.sum()),
    ]
    joined = pd.concat(parts, axis=1, join="outer").rename_axis(list(KEYS))
    return joined[list(COLUMNS)].fillna(0.0).sort_index()


def join_outcomes(index: pd.MultiIndex, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the outcome of every account and as_of of a panel.

    Parameters
    ----------
    index
        The panel's account_id and as_of: the accounts that existed then.
    outcomes
        As `outcomes` gives them for all the panel's as_of dates.

    Returns
    -------
    DataFrame
        A row per row of `index`, in its order. An existing account without outcome has a true 0.
        What accounts brought that did not exist yet is in `newcomers`.

    Examples
    --------
    >>> day = pd.Timestamp("2025-01-01")
    >>> index = pd.MultiIndex.from_tuples([("A", day), ("B", day)], names=["account_id", "as_of"])
    >>> happened = pd.DataFrame({"won_revenue": [5.0, 7.0]}, index=index[[1]].append(
    ...     pd.MultiIndex.from_tuples([("C", day)], names=["account_id", "as_of"])))
    >>> join_outcomes(index, happened)["won_revenue"].tolist()
    [0.0, 5.0]
    """
    empty = pd.DataFrame(index=index)
    return empty.join(outcomes, how="left", validate="1:1").fillna(0.0)


def newcomers(index: pd.MultiIndex, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes of accounts that did not exist at their as_of, added up by as_of.

    With `join_outcomes` they make up all outcomes: nothing is lost between the two.

    Returns
    -------
    DataFrame
        A row per as_of with any: the columns of `outcomes` and `accounts_count`.
    """
    missed = outcomes.loc[~outcomes.index.isin(index)]
    by_date = missed.groupby(level="as_of")
    return by_date.sum().assign(accounts_count=by_date.size())


def _horizons(tables: Tables, dates: Sequence[date], settings: Settings, quarters: int) -> Rows:
    days = sorted(set(dates))
    ends = [settings.fiscal_calendar.window_end(day, quarters) for day in days]
    return tables.dates({"as_of": days, "horizon_end": ends})


def _totals(rows: Rows, column: str, horizons: Rows, **sums: nw.Expr) -> pd.DataFrame:
    """Return sums by account and as_of over the rows dated in the horizon."""
    dated = outcome_rows(rows, column, horizons)
    inside = summed(dated, KEYS, sums=sums, what="outcomes")
    floats = [nw.col(name).cast(nw.Float64) for name in sums]
    found = inside.select("account_id", nw.col("as_of").cast(_MOMENT), *floats)
    return to_frame(found).set_index(list(KEYS))
