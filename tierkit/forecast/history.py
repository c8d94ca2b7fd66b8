"""Quarterly totals, and what the accounts known at each quarter-end brought after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import Quarter, before
from tierkit.crm import Tables, target_deals, to_frame
from tierkit.features import accounts_seen, history_start
from tierkit.settings import Settings
from tierkit.statistics import FloatArray


@dataclass(frozen=True)
class KnownTotals:
    """Won revenue by quarter, of all accounts and of those that were known before.

    Attributes
    ----------
    quarters
        The whole quarters that are over, oldest first.
    totals
        Won revenue of each.
    of_known
        In row `o` and column `q`: what accounts that existed before quarter `o` began brought in
        quarter `q`; NaN where `q` is before `o`. One row more than quarters: the last is of the
        accounts known now, and empty.
    """

    quarters: tuple[Quarter, ...]
    totals: FloatArray
    of_known: FloatArray

    def came(self, origin: int, quarters: int) -> float:
        """Return what the accounts known at a quarter-end brought in so many quarters after it.

        NaN where these quarters are not over.
        """
        if origin + quarters > len(self.totals):
            return float("nan")
        return float(self.of_known[origin, origin : origin + quarters].sum())


def known_totals(tables: Tables, *, settings: Settings, as_of: date) -> KnownTotals:
    """Return the totals of every whole quarter between the first deal and `as_of`.

    Revenue of accounts counts by the day on which they were first seen: what accounts not yet known
    bring belongs to no forecast of known ones. Refunds lower the quarter in which they were made.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> tables = tables_of(
    ...     accounts="account_id created_date; A 2023-01-01; B 2024-05-01",
    ...     opportunities="account_id close_date amount is_won; A 2024-01-09 100 true;"
    ...                   "A 2024-05-09 30 true; B 2024-06-09 50 true")
    >>> found = known_totals(tables, settings=Settings(), as_of=date(2024, 7, 1))
    >>> found.totals.tolist(), float(found.of_known[1, 1])
    ([100.0, 80.0], 30.0)
    """
    first = history_start(tables, settings)
    calendar = settings.fiscal_calendar
    quarters = tuple(calendar.between(first, as_of)) if first else ()
    count = len(quarters)
    if not count:
        return KnownTotals((), np.zeros(0), np.full((1, 0), np.nan))
    deals = target_deals(tables, settings).filter(nw.col("is_won"))
    rows = before(deals, "close_date", as_of).select("account_id", "close_date", "value")
    frame = to_frame(rows)
    starts = pd.DatetimeIndex([quarter.start for quarter in quarters])
    place = np.searchsorted(starts, pd.to_datetime(frame["close_date"]), side="right") - 1
    seen = accounts_seen(tables, as_of).reindex(frame["account_id"])
    known_from = np.searchsorted(starts, pd.to_datetime(seen), side="right")
    known_from = np.where(seen.isna(), count, known_from)
    value = frame["value"].astype(float).fillna(0.0).to_numpy()
    inside = place >= 0
    table = np.zeros((count + 1, count))
    np.add.at(table, (np.minimum(known_from, count)[inside], place[inside]), value[inside])
    totals = table.sum(axis=0)
    of_known = np.cumsum(table, axis=0)
    later = np.arange(count)[None, :] < np.arange(count + 1)[:, None]
    return KnownTotals(quarters, totals, np.where(later, np.nan, of_known))
