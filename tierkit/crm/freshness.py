"""How old the data are: tables that end too early, and accounts that nobody updates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import narwhals as nw

from tierkit.calendar import days_old, spell_date
from tierkit.crm.tables import Tables
from tierkit.errors import Problem
from tierkit.settings import CheckSettings

YEAR_DAYS = 365
_DAYS: Mapping[str, str] = {
    "opportunities": "created_date",
    "activities": "date",
    "stage_history": "changed_date",
    "account_history": "changed_date",
    "costs": "date",
    "signals": "date",
}


def newest_days(tables: Tables) -> dict[str, date]:
    """Return the newest day of each table that records days as they pass."""
    days = {}
    for name, column in _DAYS.items():
        if tables.has(name, column):
            newest = tables[name].select(nw.col(column).max()).collect().item()
            if newest is not None:
                days[name] = newest
    return days


def stale(tables: Tables, checks: CheckSettings, as_of: date | None) -> Problem | None:
    """Find tables that end long before the others, or before as_of."""
    closed = tables["opportunities"].filter(~nw.col("is_won").is_null())
    newest_close = closed.select(nw.col("close_date").max()).collect().item()
    days = {**newest_days(tables), **({"opportunities": newest_close} if newest_close else {})}
    end = as_of - timedelta(days=1) if as_of else max(days.values(), default=None)
    late = {
        name: day for name, day in days.items() if end and days_old(day, end) > checks.stale_days
    }
    if not late:
        return None
    shown = ", ".join(f"{name} on {spell_date(day)}" for name, day in sorted(late.items()))
    until = "as_of" if as_of else "the newest of all"
    return Problem(
        f"the data end more than {checks.stale_days} days before {until} ({shown})",
        "Export again." if as_of else "Export all tables on the same day.",
        next(iter(sorted(late))),
        rule="stale table",
        blocks=False,
    )


def not_updated(tables: Tables, checks: CheckSettings, as_of: date | None) -> Problem | None:
    """Find out how many accounts nobody has changed in the 365 days before as_of.

    Only `account_history` tells. An account without any change in it was never updated; one that
    was created within the year is as new as its record.
    """
    if not tables.has("account_history", "changed_date"):
        return None
    newest = newest_days(tables)
    end = as_of or max(newest.values(), default=None)
    if end is None or "account_history" not in newest:
        return None
    total, old = _accounts(tables, since=end - timedelta(days=YEAR_DAYS), until=end)
    if not total or old / total <= checks.not_updated_share:
        return None
    return Problem(
        f"{old:,} of {total:,} accounts ({old / total:.0%}) were not updated in the {YEAR_DAYS} "
        f"days before {spell_date(end)}, so their industry, country and size may be old",
        "Have the owners look at them, or refresh these columns from a data provider.",
        "account_history",
        "changed_date",
        rule="accounts not updated",
        rows=old,
        blocks=False,
    )


def _accounts(tables: Tables, *, since: date, until: date) -> tuple[int, int]:
    """Return how many accounts there are, and how many were neither created nor changed since."""
    history = tables["account_history"].select("account_id", day="changed_date")
    days = [history]
    if tables.has("accounts", "created_date"):
        days.append(tables["accounts"].select("account_id", day="created_date"))
    touched = nw.concat(days).filter(nw.col("day") >= since, nw.col("day") < until)
    ids = tables["accounts"].select("account_id").collect()["account_id"]
    new = touched.select("account_id").unique().collect()["account_id"]
    return len(ids), len(ids) - int(ids.is_in(new).sum())
