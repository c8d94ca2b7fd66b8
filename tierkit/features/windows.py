"""Look-back windows of features, cut where the data begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw

from tierkit.calendar import (
    known_rows,
    latest_of,
    look_back_start,
    quarters_between,
)
from tierkit.crm import Rows, Tables, look_up_grouped, target_deals
from tierkit.features.feature import KEYS, Window
from tierkit.settings import Settings

MAX_LOOK_BACK = 12
QUARTERS_PER_YEAR = 4
WINDOWS = (Window(1), Window(2), Window(4), Window(8))
EVER_WINDOW = Window(None)
DATED_TABLES: Mapping[str, str] = {"activities": "date", "costs": "date"}


def history_start(tables: Tables, settings: Settings | None = None) -> date | None:
    """Return the first day that won deals cover: the first of the month of the earliest one.

    A deal written down only after it had been closed covers the later day.

    Parameters
    ----------
    tables
        Trusted tables.
    settings
        What counts as a deal and what it is worth; the defaults where None. A deal without a value
        (a margin without a cost) covers nothing.

    Returns
    -------
    date or None
        None where there is no won deal.

    Examples
    --------
    >>> from tierkit.features.example import tables_of
    >>> history_start(tables_of(opportunities="account_id close_date amount is_won;"
    ...                                       "A 2024-01-09 100 true; A 2023-05-02 90 false"))
    datetime.date(2024, 1, 1)
    """
    deals = target_deals(tables, settings or Settings())
    valued = deals.filter(nw.col("is_won"), ~nw.col("value").is_null())
    settled = valued.with_columns(settled_date=latest_of("created_date", "close_date"))
    return _first_month(settled, "settled_date")


@dataclass(frozen=True)
class Known:
    """The extent of each table before each as_of.

    Attributes
    ----------
    days
        The as_of dates, in order.
    quarters
        By table, the quarters of its history before each of them; 0 where it begins later.
    starts
        The first day of `won_revenue_ever` and the like at each of them.
    most_quarters
        No window is longer; None where none is limited.
    """

    days: tuple[date, ...]
    quarters: Mapping[str, tuple[float, ...]]
    starts: tuple[date, ...]
    most_quarters: int | None = None

    def most(self, table: str) -> float:
        """Return the quarters known before the newest as_of."""
        return max(self.quarters.get(table, (0.0,)), default=0.0)


def known_history(
    tables: Tables, days: Sequence[date], settings: Settings, *, look_back: int | None
) -> Known:
    """Return how much is known of deals, activities and costs; `look_back` limits all of them."""
    firsts = {"opportunities": history_start(tables, settings)} | {
        name: _first_month(tables[name], column)
        for name, column in DATED_TABLES.items()
        if name in tables
    }
    if look_back is not None:
        limited = dict.fromkeys(firsts, (float(look_back),) * len(days))
        longest = max(look_back, 1)
        starts = tuple(look_back_start(day, longest) for day in days)
        return Known((*days,), limited, starts, longest)
    found = {
        name: tuple(quarters_between(first, day) if first else 0.0 for day in days)
        for name, first in firsts.items()
    }
    first = firsts["opportunities"]
    return Known((*days,), found, tuple(_ever_start(first, day) for day in days))


def date_rows(tables: Tables, known: Known) -> Rows:
    """Return one row per as_of with the first day of each window.

    `start_ever` is the first day that is known (at least a quarter before as_of);
    `last_year_start` and `last_year_end` bound the quarter that begins at as_of, a year before.
    """
    longest = known.most_quarters or MAX_LOOK_BACK
    shares = {window.start: min(window.quarters or 1, longest) for window in WINDOWS}
    shares["last_year_start"] = QUARTERS_PER_YEAR
    shares["last_year_end"] = QUARTERS_PER_YEAR - 1
    starts = {
        column: [look_back_start(day, quarters) for day in known.days]
        for column, quarters in shares.items()
    }
    return tables.dates(
        {"as_of": list(known.days), **starts, EVER_WINDOW.start: list(known.starts)}
    )


def _ever_start(first: date | None, day: date) -> date:
    shortest = look_back_start(day, 1)
    return shortest if first is None else min(first, shortest)


def _first_month(rows: Rows, column: str) -> date | None:
    first: date | None = rows.select(nw.col(column).min()).collect().item()
    return None if first is None else first.replace(day=1)


EVENTS: Mapping[str, str] = {
    "activities": "date",
    "contacts": "created_date",
    "contracts": "start_date",
    "costs": "date",
    "signals": "date",
    "account_history": "changed_date",
    "tier_history": "start_date",
}


def existing_accounts(tables: Tables, dates: Rows) -> Rows:
    """Return every account with every as_of of `dates` before which it existed.

    An account exists from its created_date on, or without one from its first event: a deal made
    (or, without a created_date, closed), or a row of one of the tables of `EVENTS`. It exists at
    an as_of if that day lies strictly before it: a list of accounts made today knows who will buy.

    Returns
    -------
    Rows
        account_id, as_of, `first_seen` and the first day of the look-back, `start_ever`.

    Examples
    --------
    >>> from tierkit.features.example import example
    >>> example("tenure_days", accounts="account_id created_date; A 2024-12-31; B 2025-01-01; C -;"
    ...         "D -", activities="account_id date type; B 2024-06-01 call; C 2024-12-22 call")
    {'A': 1.0, 'C': 10.0}
    """
    accounts = tables["accounts"].select("account_id", "created_date")
    first_event = nw.col("day").min()
    seen = look_up_grouped(accounts, _events(tables), on="account_id", first_event=first_event)
    first = nw.coalesce("created_date", "first_event").alias("first_seen")
    known = known_rows(seen.select("account_id", first), "first_seen", dates)
    return known.select(*KEYS, "first_seen", EVER_WINDOW.start)


def _events(tables: Tables) -> Rows:
    """Return the day of each event of each account."""
    events = [_deal_events(tables)] + [
        tables[table].select("account_id", nw.col(column).alias("day"))
        for table, column in EVENTS.items()
        if table in tables
    ]
    return nw.concat(events, how="vertical")


def _deal_events(tables: Tables) -> Rows:
    """Return the day each deal was made, or closed where nobody wrote down when it was made.

    The close date of an open deal is only a hope.
    """
    closed = nw.when(~nw.col("is_won").is_null()).then(nw.col("close_date"))
    return tables["opportunities"].select(
        "account_id", nw.coalesce(nw.col("created_date"), closed).alias("day")
    )
