"""How far the data reach, and what of it counts at an `as_of`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import narwhals as nw

from tierkit.calendar import (
    FiscalCalendar,
    Quarter,
    before,
    covers,
    from_on,
    spell_date,
    starts_after,
)
from tierkit.crm.cleaning import won_amount
from tierkit.crm.engine import Rows
from tierkit.crm.tables import Exclusion, Tables
from tierkit.errors import DataError, Problem, SettingsError

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
    mend = f"Export again when it is over, or run {last.label}."
    return [Problem(message, mend, "opportunities", rule="quarter not complete", blocks=False)]


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
