"""What came of each account in each quarter that it began with a tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, trainable
from tierkit.crm import Tables
from tierkit.roi.window_sums import KEYS, LARGEST, SUMS, window_sums, won_rows
from tierkit.settings import Settings
from tierkit.tiers import tiers_in_force


@dataclass(frozen=True)
class AccountQuarters:
    """Outcomes by the tier in force on the first day of each quarter.

    Attributes
    ----------
    rows
        One row per quarter (`as_of`, its first day) and `account_id` that held a `tier` that day,
        with the sums over `[as_of, as_of + outcome_quarters)` that `tierkit.roi.window_sums` names:
        `won_revenue` (refunds included), `wins_value`, `wins_count`, `cost` and so on. An account
        without a row in a table that the source has counts as zero; where the source lacks the
        table the sum is missing.
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
    counted = [quarter for quarter in quarters if quarter.start in starts]
    windows = [Quarter(q.label, q.start, calendar.window_end(q.start, length)) for q in counted]
    rows = held
    for part in window_sums(tables, settings=settings, windows=windows):
        rows = rows.merge(part, on=KEYS, how="left", validate="1:1")
    wins = won_rows(tables, settings=settings, windows=windows)
    return AccountQuarters(
        rows=rows.reindex(columns=[*held.columns, *SUMS, *LARGEST]).fillna(
            {column: 0.0 for column in rows.columns if column in (*SUMS, *LARGEST)}
        ),
        wins=held.merge(wins, on=KEYS, how="inner", validate="1:m"),
        quarters=tuple(quarter.label for quarter in counted),
        withheld=tuple(quarter.label for quarter in quarters if quarter.start not in starts),
    )


def _quarters_with_tiers(tables: Tables, *, settings: Settings, as_of: date) -> Sequence[Quarter]:
    """Return the quarters from the first tier held on, up to the last that is over."""
    first = tables["tier_history"].select(nw.col("start_date").min()).collect().item()
    return [] if first is None else settings.fiscal_calendar.between(first, as_of)
