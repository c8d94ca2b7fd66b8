"""What came of each account in each quarter that it began with a tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, outcome_rows, trainable
from tierkit.crm.contract import MONEY
from tierkit.crm.revenue import target_deals
from tierkit.crm.tables import Rows, Tables
from tierkit.settings import Settings
from tierkit.tiers.previous import tiers_in_force

KEYS = ["as_of", "account_id"]
SUMS = ["won_revenue", "wins_value", "wins_count", "losses_count", "pipeline_created_amount",
        "cost"]  # fmt: skip
LARGEST = ["largest_win_value", "largest_created_amount"]


@dataclass(frozen=True)
class AccountQuarters:
    """Outcomes by the tier in force on the first day of each quarter.

    Attributes
    ----------
    rows
        One row per quarter (`as_of`, its first day) and `account_id` that held a `tier` that day.
        `won_revenue` (refunds included), `wins_value`, `wins_count`, `losses_count`,
        `pipeline_created_amount`, `cost`, `largest_win_value`, `largest_created_amount` in
        `[as_of, as_of + outcome_quarters)`; an account without a row in a table that the source has
        counts as zero.
    wins
        One row per win with `as_of`, `account_id`, `tier`, `value` and `sales_cycle_days` (whole
        days from created_date to close_date, missing without a created_date).
    quarters, withheld
        Labels of the quarters counted, and of those whose window is not over before `as_of`.
    """

    rows: pd.DataFrame
    wins: pd.DataFrame
    quarters: tuple[str, ...]
    withheld: tuple[str, ...]

    def of(self, *tiers: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows and the wins of some tiers."""
        return (self.rows[self.rows["tier"].isin(tiers)], self.wins[self.wins["tier"].isin(tiers)])


def account_quarters(tables: Tables, *, settings: Settings, as_of: date) -> AccountQuarters:
    """Return the outcomes of every account in every quarter that it began with a tier.

    Parameters
    ----------
    tables
        Trusted tables with `tier_history`.
    settings
        `roi.outcome_quarters` is how long outcomes are watched from the quarter's first day on.
    as_of
        First day that is not yet known; only windows that are over before it count.

    Raises
    ------
    DataError
        If the source has no `tier_history`.
    """
    quarters = _quarters_with_tiers(tables, settings=settings, as_of=as_of)
    calendar, length = settings.fiscal_calendar, settings.roi.outcome_quarters
    starts = trainable([quarter.start for quarter in quarters], as_of, calendar, length)
    held = tiers_in_force(tables, starts).rename(columns={"day": "as_of"})
    ends = [calendar.window_end(start, length) for start in starts]
    windows = tables.dates({"as_of": starts, "horizon_end": ends})
    deals = target_deals(tables, settings)
    wins = _wins(outcome_rows(deals, "close_date", windows))
    parts = [_closed(outcome_rows(deals, "close_date", windows)),
             _created(outcome_rows(deals, "created_date", windows))]  # fmt: skip
    if "costs" in tables:
        parts.append(_spent(outcome_rows(tables["costs"], "date", windows)))
    rows = held
    for part in parts:
        rows = rows.merge(_collect(part), on=KEYS, how="left", validate="1:1")
    return AccountQuarters(
        rows=rows.reindex(columns=[*held.columns, *SUMS, *LARGEST]).fillna(
            {column: 0.0 for column in rows.columns if column in (*SUMS, *LARGEST)}
        ),
        wins=held.merge(wins, on=KEYS, how="inner", validate="1:m"),
        quarters=tuple(quarter.label for quarter in quarters if quarter.start in starts),
        withheld=tuple(quarter.label for quarter in quarters if quarter.start not in starts),
    )


def _quarters_with_tiers(tables: Tables, *, settings: Settings, as_of: date) -> Sequence[Quarter]:
    """Return the quarters from the first tier held on, up to the last that is over."""
    first = tables["tier_history"].select(nw.col("start_date").min()).collect().item()
    return [] if first is None else settings.fiscal_calendar.between(first, as_of)


def _is_win() -> nw.Expr:
    return nw.col("is_won") & (nw.col("value") > 0)


def _closed(deals: Rows) -> Rows:
    """Sum what was won and lost; refunds lower the revenue and are neither win nor loss."""
    win = _is_win()
    return deals.group_by(*KEYS).agg(
        won_revenue=nw.when(nw.col("is_won")).then(nw.col("value")).sum(),
        wins_value=nw.when(win).then(nw.col("value")).sum(),
        largest_win_value=nw.when(win).then(nw.col("value")).max(),
        wins_count=nw.when(win).then(nw.lit(1)).sum(),
        losses_count=nw.when(~nw.col("is_won")).then(nw.lit(1)).sum(),
    )


def _created(deals: Rows) -> Rows:
    """Sum the amounts, as they stand today, of the deals that were made; whatever came of them."""
    return deals.group_by(*KEYS).agg(
        pipeline_created_amount=nw.col("amount").sum(),
        largest_created_amount=nw.col("amount").max(),
    )


def _spent(costs: Rows) -> Rows:
    return costs.group_by(*KEYS).agg(cost=nw.col("amount").cast(MONEY).sum())


def _collect(part: Rows) -> pd.DataFrame:
    """Collect sums: exact until here, floats from here on; a sum of nothing is zero."""
    values = [column for column in part.columns if column not in KEYS]
    floats = part.with_columns(nw.col(column).cast(nw.Float64).fill_null(0.0) for column in values)
    return _typed(floats.collect().to_pandas())


def _wins(deals: Rows) -> pd.DataFrame:
    columns = ["opportunity_id", "created_date", "close_date"]
    rows = deals.filter(_is_win()).select(*KEYS, *columns, nw.col("value").cast(nw.Float64))
    wins = _typed(rows.collect().to_pandas()).sort_values([*KEYS, "opportunity_id"], kind="stable")
    closed, created = (pd.to_datetime(wins[x]) for x in ("close_date", "created_date"))
    days = (closed - created).dt.days.astype(float)
    return wins[[*KEYS, "value"]].assign(sales_cycle_days=days)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({"account_id": "str"}).dropna(subset=KEYS)
