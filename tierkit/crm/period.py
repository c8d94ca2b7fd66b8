"""The period that the data cover, and what of it counts at an `as_of`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

import narwhals as nw
import pandas as pd

from tierkit.calendar import (
    FiscalCalendar,
    Quarter,
    before,
    billed_for,
    covers,
    days_old,
    from_on,
    spell_date,
    starts_after,
)
from tierkit.crm.cleaning import won_amount
from tierkit.crm.contract import CONTRACT, Kind
from tierkit.crm.engine import Rows
from tierkit.crm.frames import to_frame
from tierkit.crm.guard import grouped, row_count
from tierkit.crm.tables import Exclusion, Tables, example_ids
from tierkit.errors import DataError, Problem, SettingsError
from tierkit.settings import CheckSettings, Settings
from tierkit.words import plural

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


LONG_AFTER = timedelta(days=92)
"""Deals that closed more than a quarter after the newest day of anything else are dated wrongly."""

_MOST_WRONG = 0.05
"""Share of a table's rows that may be dated wrongly; where more are, it is meant."""


def last_day(tables: Tables, *, today: date | None = None) -> date:
    """Return the newest day on which something was recorded: a closed deal, a touch, a change.

    Single days in the future do not count: those after `today`, and deals that closed more than
    a quarter after the newest day on which anything else was recorded.

    Parameters
    ----------
    today
        The day on which this is asked; None where nobody knows.

    Raises
    ------
    DataError
        If no deal was ever closed.
    """
    closed = tables["opportunities"].filter(~nw.col("is_won").is_null())
    others = max(newest_days(tables, today=today).values(), default=None)
    ends = [today, None if others is None else others + LONG_AFTER]
    until = min((end for end in ends if end is not None), default=None)
    days = [_newest(closed, "close_date", until=until)]
    days += [
        _newest(tables[name], column, until=today)
        for name, column in _RECORDED.items()
        if name in tables
    ]
    known = [day for day in days if day is not None]
    if days[0] is None or not known:
        raise DataError(
            "opportunities: no deal has been closed, so there is nothing to learn from."
        )
    return max(known)


def default_quarter(
    tables: Tables, calendar: FiscalCalendar, *, today: date | None = None
) -> Quarter:
    """Return the last quarter that the data cover up to its last working day or its last bills.

    Single days in the future move it no further, as `last_day` says.
    """
    newest = last_day(tables, today=today)
    quarter = calendar.containing(newest)
    return quarter if _is_covered(tables, quarter, newest) else calendar.shift(quarter, -1)


def _is_covered(tables: Tables, quarter: Quarter, newest: date) -> bool:
    """Return whether the data reach the end of a quarter, or the last bills that it can hold."""
    if covers(quarter, newest):
        return True
    closed = tables["opportunities"].filter(~nw.col("is_won").is_null())
    closed = before(closed, "close_date", newest + timedelta(days=1))
    days = closed.select("close_date").drop_nulls().unique().collect()["close_date"].to_list()
    return billed_for(quarter, newest, days)


def check_quarter(
    tables: Tables, quarter: Quarter, calendar: FiscalCalendar, *, today: date | None = None
) -> list[Problem]:
    """Return what a person should know about running a quarter on these data.

    Raises
    ------
    SettingsError
        If the data end before the quarter begins.
    """
    newest = last_day(tables, today=today)
    last = default_quarter(tables, calendar, today=today)
    if starts_after(quarter, newest):
        raise SettingsError(
            f"--quarter {quarter.label} ({quarter.dates}) lies in the future: the data end on "
            f"{spell_date(newest)}. The last complete quarter is {last.label} ({last.dates})."
        )
    if _is_covered(tables, quarter, newest):
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


def _newest(rows: Rows, column: str, *, until: date | None = None) -> date | None:
    """Return the newest day of a column; rows after `until` count only where they are many."""
    newest: date | None = rows.select(nw.col(column).max()).collect().item()
    if until is None or newest is None or newest <= until:
        return newest
    kept = before(rows, column, until + timedelta(days=1))
    late = from_on(rows, column, until + timedelta(days=1))
    many = row_count(late) > _MOST_WRONG * row_count(rows)
    return newest if many else _newest(kept, column)


YEAR_DAYS = 365
_DAYS: Mapping[str, str] = {
    "opportunities": "created_date",
    "activities": "date",
    "stage_history": "changed_date",
    "account_history": "changed_date",
    "costs": "date",
    "signals": "date",
}


def newest_days(tables: Tables, *, today: date | None = None) -> dict[str, date]:
    """Return the newest day of each table that records days as they pass.

    Single days after `today` do not count.
    """
    days = {}
    for name, column in _DAYS.items():
        if tables.has(name, column):
            newest = _newest(tables[name], column, until=today)
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


FEWEST_DEALS = 20
"""Closed deals that the neighbours of a quarter must have before its own number says anything."""

_FIRST_PLAUSIBLE_YEAR = 1990
_YEARS_AHEAD = 10
_MANY_OPEN = 0.1


def warning(
    rule: str, message: str, mend: str, table: str, column: str = "", **more: object
) -> Problem:
    """Return a problem that does not block."""
    return Problem(message, mend, table, column, rule, blocks=False, **more)  # type: ignore[arg-type]


def quarter_volume(tables: Tables, settings: Settings) -> Problem | None:
    """Compare each quarter but the first with the two before and the two after it."""
    deals = tables["opportunities"].filter(~nw.col("is_won").is_null())
    daily = to_frame(grouped(deals, "close_date", deals=nw.len()))
    daily = daily[daily["close_date"].notna()]
    calendar = settings.fiscal_calendar
    quarters = [calendar.containing(pd.Timestamp(day).date()) for day in daily["close_date"]]
    counts = daily.groupby(quarters, sort=True, dropna=False)["deals"].sum()
    ordered, factor = sorted(counts.index), settings.checks.quarter_volume
    odd = []
    for place, quarter in enumerate(ordered[1:], start=1):
        around = ordered[max(1, place - 2) : place] + ordered[place + 1 : place + 3]
        usual = median([int(counts[other]) for other in around] or [0])
        here = int(counts[quarter])
        if usual >= FEWEST_DEALS and not usual / factor <= here <= usual * factor:
            odd.append(f"{quarter.label} ({quarter.dates}) holds {here:,}, around it {usual:,.0f}")
    if not odd:
        return None
    return warning(
        "quarter volume",
        f"closed deals by quarter leap: {'; '.join(odd[:4])}",
        "See that these quarters are loaded once and wholly.",
        "opportunities",
        "close_date",
        rows=len(odd),
    )


def implausible_years(tables: Tables) -> Problem | None:
    """Find dates before 1990 or many years after the data end."""
    days = list(newest_days(tables).values())
    if not days:
        return None
    last_year = sorted(days)[len(days) // 2].year + _YEARS_AHEAD
    parts: list[str] = []
    examples: tuple[str, ...] = ()
    for name in tables.frames:
        for column, kind in CONTRACT[name].columns.items():
            if kind is Kind.DATE and column in tables.given[name] and column != "end_date":
                year = nw.col(column).dt.year()
                wrong = (year < _FIRST_PLAUSIBLE_YEAR) | (year > last_year)
                rows = tables[name].filter(wrong)
                count = row_count(rows)
                if count:
                    parts.append(f"{name}.{column} {count:,}")
                    examples = examples or example_ids(rows, next(iter(CONTRACT[name].columns)))
    if not parts:
        return None
    return warning(
        "implausible year",
        f"dates before {_FIRST_PLAUSIBLE_YEAR} or after {last_year}: {', '.join(parts)}",
        "Correct the dates.",
        parts[0].partition(".")[0],
        examples=examples,
    )


def won_in_the_future(tables: Tables, checks: CheckSettings) -> Problem | None:
    """Find won deals dated long after the newest day on which anything else was recorded."""
    days = newest_days(tables)
    if not days:
        return None
    end = max(days.values())
    late = end + timedelta(days=checks.stale_days)
    rows = from_on(tables["opportunities"].filter(nw.col("is_won")), "close_date", late)
    count, won = rows.select(nw.len(), nw.col("amount").sum()).collect().rows()[0]
    if not count or "opportunities" not in days:
        return None
    return warning(
        "won in the future",
        f"{plural(int(count), 'won deal')} ({won or 0:,.2f}) closed long after {spell_date(end)}, "
        "the last day on which anything else was recorded",
        "Correct the close dates. Such a deal counts from its date on, and does not move the "
        "quarter that a run takes.",
        "opportunities",
        "close_date",
        rows=int(count),
        examples=example_ids(rows, "opportunity_id"),
    )


def open_for_long(tables: Tables) -> Problem | None:
    """Find open deals whose close date is long past: their end may be one that nobody named."""
    days = newest_days(tables)
    if not days:
        return None
    deals = tables["opportunities"]
    past = before(
        deals.filter(nw.col("is_won").is_null()),
        "close_date",
        max(days.values()) - timedelta(days=YEAR_DAYS),
    )
    count, every = row_count(past), row_count(deals)
    if count < FEWEST_DEALS / 2 or count < _MANY_OPEN * every:
        return None
    return warning(
        "open for long",
        f"{plural(count, 'open deal')} should have closed more than a year before the data end",
        "See that every stage that is an end is listed in [data.values.opportunities.is_won].",
        "opportunities",
        "is_won",
        rows=count,
        examples=example_ids(past, "opportunity_id"),
    )
