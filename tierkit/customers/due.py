"""Renewals due: per account the contract value that ends inside a window, known at its date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from tierkit.calendar import FiscalCalendar
from tierkit.customers.contracts import Contracts, day_number

TOGETHER_DAYS = 31
"""Ends of one account that lie no further apart are one renewal."""

DAYS_A_YEAR = 365.25
QUARTER, HORIZON = "quarter", "horizon"
KEYS = ["account_id", "as_of", "window", "last_end"]


class Day(NamedTuple):
    """A date with the ends of its two windows, in days since 1970."""

    as_of: pd.Timestamp
    day: int
    quarter_end: int
    horizon_end: int


@dataclass(frozen=True)
class Dates:
    """Dates at which renewals are asked for, each with the ends of its two windows.

    Attributes
    ----------
    rows
        A row per date, in order: `as_of` (Timestamp), `day`, `quarter_end`, `horizon_end` (days
        since 1970; a window is `(day, end]` of the first days without a contract).
    """

    rows: pd.DataFrame

    def each(self) -> Iterator[Day]:
        """Yield the dates one by one."""
        for row in self.rows.to_dict("records"):
            ends = (int(row[name]) for name in ("day", "quarter_end", "horizon_end"))
            yield Day(row["as_of"], *ends)

    @classmethod
    def of(cls, days: Sequence[date], calendar: FiscalCalendar, *, horizon: int) -> Dates:
        """Return dates with the end of the next quarter and of the horizon after each."""
        ends = {name: [day_number(calendar.window_end(day, quarters)) for day in days]
                for name, quarters in (("quarter_end", 1), ("horizon_end", horizon))}  # fmt: skip
        stamps = pd.to_datetime(pd.Series(list(days), dtype="object"))
        return cls(pd.DataFrame({"as_of": stamps, "day": [*map(day_number, days)], **ends}))


def renewals_due(contracts: Contracts, dates: Dates) -> pd.DataFrame:
    """Return the renewals that are due after each date, as they were known on it.

    Parameters
    ----------
    contracts
        A contract is known from its first day on, with its end where ends are agreed.

    Returns
    -------
    pandas.DataFrame
        A row per account, date and renewal: `account_id`, `as_of`, `window` (`quarter`, or
        `horizon` for what comes after it; without agreed ends one row of each), `first_end` and
        `last_end` (the first days without these contracts), `value` (a year), `term_days`,
        `tenure_days` (since the account's first contract), `earlier` (renewals before), `lead`
        (days from the date to the end).

    Examples
    --------
    >>> rows = pd.DataFrame({"contract_id": ["1", "2"], "account_id": ["A", "A"],
    ...     "start": [0.0, 90.0], "end": [365.0, 365.0], "value": [100.0, 20.0]})
    >>> dates = Dates.of([date(1970, 10, 1)], FiscalCalendar(), horizon=4)
    >>> renewals_due(Contracts(rows), dates)[["account_id", "window", "value", "lead"]].values
    array([['A', 'quarter', 120.0, 92.0]], dtype=object)
    """
    parts = [_at(contracts, one) for one in dates.each()]
    found = pd.concat(parts, ignore_index=True) if parts else _at_nothing()
    return found.sort_values(["as_of", "account_id", "window", "last_end"], kind="stable",
                             ignore_index=True)  # fmt: skip


def _at_nothing() -> pd.DataFrame:
    names = [*KEYS, "first_end", "value", "term_days", "tenure_days", "earlier", "lead"]
    return pd.DataFrame(columns=names)


def _at(contracts: Contracts, one: Day) -> pd.DataFrame:
    running = contracts.in_force(one.day)
    ending = _ending(running, one) if contracts.agreed else _all_of_it(running, one)
    begun = contracts.rows[contracts.rows["start"] <= one.day]
    first = begun.groupby("account_id")["start"].min()
    over = begun[begun["end"] <= one.day].drop_duplicates(["account_id", "end"])
    renewed = over.groupby("account_id").size()
    account = ending["account_id"]
    return ending.assign(
        as_of=one.as_of,
        tenure_days=one.day - account.map(first).astype(float),
        earlier=account.map(renewed).fillna(0.0).astype(float),
        lead=ending["last_end"] - one.day,
    )


def _ending(running: pd.DataFrame, one: Day) -> pd.DataFrame:
    """Return the renewals of contracts that end in the horizon, ends close together as one."""
    rows = running[running["end"] <= one.horizon_end].sort_values(
        ["account_id", "end"], kind="stable"
    )
    apart = rows.groupby("account_id")["end"].diff() > TOGETHER_DAYS
    group = apart.groupby(rows["account_id"], dropna=False).cumsum()
    found = (
        rows.assign(group=group, term=rows["end"] - rows["start"])
        .groupby(["account_id", "group"], as_index=False)
        .agg(first_end=("end", "min"), last_end=("end", "max"), value=("value", "sum"),
             term_days=("term", "max"))
        .drop(columns="group")
    )  # fmt: skip
    soon = found["last_end"] <= one.quarter_end
    return found.assign(window=np.where(soon, QUARTER, HORIZON))


def _all_of_it(running: pd.DataFrame, one: Day) -> pd.DataFrame:
    """Return all value in force, once to be kept for a quarter and once for the horizon."""
    held = running.groupby("account_id", as_index=False).agg(value=("value", "sum"))
    parts = [
        held.assign(window=window, first_end=float(end), last_end=float(end), term_days=0.0)
        for window, end in ((QUARTER, one.quarter_end), (HORIZON, one.horizon_end))
    ]
    return pd.concat(parts, ignore_index=True)


def in_window(due: pd.DataFrame, window: str, *, agreed: bool) -> pd.DataFrame:
    """Return what is due in the next quarter or in the whole horizon.

    Where ends are agreed the horizon holds the next quarter; otherwise each has rows of its own.
    """
    if window == HORIZON and agreed:
        return due
    return due[due["window"] == window]
