"""What is known of single accounts: deals won, tiers held, effort of the last quarter."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import narwhals as nw
import pandas as pd

from tierkit.calendar import before, from_on

if TYPE_CHECKING:
    from tierkit.crm.tables import Rows
    from tierkit.recalibration.work import Work

_MOST_KEPT = 64


class AccountHistory:
    """Dated rows of one account at a time, none of them from `as_of` on.

    Parameters
    ----------
    work
        The project and the quarter.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self.wins = lru_cache(maxsize=_MOST_KEPT)(self._wins)
        self.tiers = lru_cache(maxsize=_MOST_KEPT)(self._tiers)
        self.effort = lru_cache(maxsize=_MOST_KEPT)(self._effort)

    def _wins(self, account: str) -> pd.DataFrame:
        """Return won revenue by fiscal quarter: `quarter`, `wins`, `won_revenue`; newest first."""
        rows = _of(self._work.tables["opportunities"], account)
        known = before(rows, "close_date", self._work.as_of).filter(nw.col("is_won"))
        won = known.select("close_date", nw.col("amount").cast(nw.Float64)).collect().to_pandas()
        calendar = self._work.settings.fiscal_calendar
        days = pd.to_datetime(won["close_date"]).dt.date
        labels = days.map(lambda day: calendar.containing(day).label)
        by_quarter = won.groupby(labels, dropna=False)["amount"].agg(wins="size", won_revenue="sum")
        ordered = by_quarter.sort_index(ascending=False).rename_axis("quarter")
        found: pd.DataFrame = ordered.reset_index()
        return found

    def _tiers(self, account: str) -> pd.DataFrame:
        """Return the tiers held: `tier`, `start_date`, `end_date`, `reason`; newest first."""
        columns = ["tier", "start_date", "end_date", "reason"]
        if "tier_history" not in self._work.tables:
            return pd.DataFrame(columns=columns)
        rows = before(
            _of(self._work.tables["tier_history"], account), "start_date", self._work.as_of
        )
        found: pd.DataFrame = rows.select(*columns).collect().to_pandas()
        return found.sort_values("start_date", ascending=False, ignore_index=True)

    def _effort(self, account: str) -> pd.DataFrame | None:
        """Return our touches of the last quarter: `activity`, `touches`, `hours`; None if unknown.

        What the account itself did (`inbound`) is no effort of ours. Hours are missing where the
        source has no minutes.
        """
        if "activities" not in self._work.tables:
            return None
        rows = _of(self._work.tables["activities"], account)
        recent = from_on(
            before(rows, "date", self._work.as_of), "date", self._work.quarter.start
        ).select("type", "direction", nw.col("minutes").cast(nw.Float64))
        ours = recent.collect().to_pandas()
        ours = ours[ours["direction"].ne("inbound") | ours["direction"].isna()]
        known = self._work.tables.has("activities", "minutes")
        grouped = ours.groupby("type", sort=True, dropna=False)["minutes"]
        table = grouped.agg(touches="size", minutes="sum").rename_axis("activity").reset_index()
        hours = table["minutes"] / 60 if known else float("nan")
        return table.assign(hours=hours)[["activity", "touches", "hours"]]


def _of(rows: Rows, account: str) -> Rows:
    found: Rows = rows.filter(nw.col("account_id") == nw.lit(account))
    return found
