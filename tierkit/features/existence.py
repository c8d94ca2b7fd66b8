"""Which accounts existed before an as_of, and since when."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from tierkit.calendar import known_rows
from tierkit.crm.guard import look_up_gathered
from tierkit.crm.tables import Rows, Tables
from tierkit.features.feature import KEYS
from tierkit.features.windows import EVER_WINDOW

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
    seen = look_up_gathered(accounts, _events(tables), on="account_id", first_event=first_event)
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
