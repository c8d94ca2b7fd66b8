"""The period that the data cover, and what of it counts at an `as_of`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import narwhals as nw

from tierkit.calendar import (
    FiscalCalendar,
    Quarter,
    before,
    covers,
    days_old,
    from_on,
    spell_date,
    starts_after,
)
from tierkit.crm.cleaning import won_amount
from tierkit.crm.engine import Rows
from tierkit.crm.tables import Exclusion, Tables
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.settings import CheckSettings

_RECORDED = {
    "activities": "date",
    "stage_history": "changed_date",
    "costs": "date",
    "account_history": "changed_date",
}


@dataclass(frozen=True)
class UsedRevenue:
    """Won revenue in the source, what of it is used at an `as_of`, and where the rest went."""

    won_revenue: Decimal
    used_won_revenue: Decimal
    excluded: tuple[Exclusion, ...]


def last_day(tables: Tables) -> date:
    """Return the newest day on which something was recorded: a closed deal, a touch, a change.

    Raises
    ------
    DataError
        If no deal was ever closed.
    """
    closed = tables["opportunities"].filter(~nw.col("is_won").is_null())
    days = [_newest(closed, "close_date")]
    days += [_newest(tables[name], column) for name, column in _RECORDED.items() if name in tables]
    known = [day for day in days if day is not None]
    if days[0] is None or not known:
        raise DataError(
            "opportunities: no deal has been closed, so there is nothing to learn from."
        )
    return max(known)


def default_quarter(tables: Tables, calendar: FiscalCalendar) -> Quarter:
    """Return the last quarter that the data cover up to its last working day."""
    newest = last_day(tables)
    quarter = calendar.containing(newest)
    return quarter if covers(quarter, newest) else calendar.shift(quarter, -1)


def check_quarter(tables: Tables, quarter: Quarter, calendar: FiscalCalendar) -> list[Problem]:
    """Return what a person should know about running a quarter on these data.

    Raises
    ------
    SettingsError
        If the data end before the quarter begins.
    """
    newest = last_day(tables)
    last = default_quarter(tables, calendar)
    if starts_after(quarter, newest):
        raise SettingsError(
            f"--quarter {quarter.label} ({quarter.dates}) lies in the future: the data end on "
            f"{spell_date(newest)}. The last complete quarter is {last.label} ({last.dates})."
        )
    if covers(quarter, newest):
        return []
    message = f"the data end on {spell_date(newest)}, before the quarter does ({quarter.dates})"
    fix = f"Export again when it is over, or run {last.label}."
    return [Problem(message, fix, "opportunities", rule="quarter not complete", blocks=False)]


def used_revenue(tables: Tables, as_of: date) -> UsedRevenue:
    """Return where all won revenue of the source went, for a run at `as_of`.

    `won_revenue` equals `used_won_revenue` plus the won revenue of `excluded`, to the cent.
    """
    deals = tables["opportunities"]
    later = from_on(deals, "close_date", as_of).filter(~nw.col("is_won").is_null())
    rows, won = (
        later.select(nw.len().alias("rows"), won_amount(deals.columns).sum().alias("won"))
        .collect()
        .rows()[0]
    )
    used = before(deals, "close_date", as_of).select(won_amount(deals.columns).sum().alias("won"))
    excluded = list(tables.exclusions)
    if rows:
        reason = f"closed on or after {spell_date(as_of)}"
        excluded.append(Exclusion("opportunities", reason, int(rows), f"{won or 0:.4f}"))
    return UsedRevenue(
        won_revenue=Decimal(tables.source_won_revenue),
        used_won_revenue=Decimal(used.collect().item() or 0),
        excluded=tuple(excluded),
    )


def _newest(rows: Rows, column: str) -> date | None:
    newest: date | None = rows.select(nw.col(column).max()).collect().item()
    return newest


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
