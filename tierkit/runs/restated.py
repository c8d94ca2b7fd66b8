"""Restated deals: those that earlier reports rested on and that have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import before, from_on
from tierkit.crm import (
    Tables,
    WonDeals,
    grouped,
    read_won_deals,
    restatements,
    successors,
    won_deals,
    write_won_deals,
)
from tierkit.errors import DataError
from tierkit.runs.run import Run

FIRST_REPORT = "no earlier report has kept its won deals"
_SEARCHED = 40
"""Quarters that are looked through for an earlier report: ten years."""


@dataclass(frozen=True)
class Restated:
    """Won deals of the last earlier report that are not any more what they were.

    Attributes
    ----------
    since
        The label of that report, empty where there is none.
    changes
        A row per change, as `restatements` gives it, with `changed`: the day on which the history
        of deals notes it, missing where no history tells.
    quarters
        A row per restated quarter: `quarter`, `deals` (that were changed), `was` and `is` (won
        revenue as reported and as it is now), `restated_by`; money is exact.
    why
        Why nothing can be said, empty where it can.
    """

    since: str
    changes: pd.DataFrame
    quarters: pd.DataFrame
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Return what `facts.json` holds of it: quarters and sums, no deal."""
        known = not self.why
        return {
            **({"since": self.since} if known else {"since": None, "since_why": self.why}),
            "deals": int(self.changes["opportunity_id"].nunique()),
            "quarters": [
                {
                    "quarter": str(row["quarter"]),
                    "deals": int(row["deals"]),
                    **{name: round(float(row[name]), 2) for name in ("was", "is", "restated_by")},
                }
                for row in self.quarters.to_dict("records")
            ],
        }

    def sentences(self) -> list[str]:
        """Return a sentence on each restated quarter."""
        return [
            f"{row['quarter']} is restated: {row['was']:,.2f} won in the report of {self.since}, "
            f"{row['is']:,.2f} now ({row['restated_by']:+,.2f}; deals changed: {row['deals']})"
            for row in self.quarters.to_dict("records")
        ]


def keep_won_deals(run: Run) -> Path:
    """Leave the won deals that the run rests on, with their hash, for the reports to come."""
    return write_won_deals(won_deals(run.tables, run.as_of), run.folder)


def restated_deals(run: Run) -> Restated:
    """Compare the won deals with those of the last report of an earlier quarter.

    Deals of accounts that were merged since are compared under the account that is left.
    """
    label, was, why = _last_report(run)
    if was is None:
        return Restated("", _no_changes(), _by_quarter(_no_changes(), {}), why)
    was = _at_successors(was, successors(run.tables))
    now = won_deals(run.tables, run.as_of)
    changes = restatements(was, now, calendar=run.settings.fiscal_calendar)
    noted = _noted_changes(run.tables, was, now)
    changes = changes.assign(changed=changes["opportunity_id"].map(noted))
    return Restated(label, changes, _by_quarter(changes, _reported(was, run)))


def _last_report(run: Run) -> tuple[str, WonDeals | None, str]:
    """Return the won deals of the newest earlier report that has kept them."""
    calendar, quarter = run.settings.fiscal_calendar, run.quarter
    for _ in range(_SEARCHED):
        quarter = calendar.shift(quarter, -1)
        try:
            found = read_won_deals(run.settings.reports / quarter.label)
        except DataError:
            why = f"the won deals that the report of {quarter.label} kept were changed afterwards"
            return quarter.label, None, why
        if found is not None:
            return quarter.label, found, ""
    return "", None, FIRST_REPORT


def _at_successors(was: WonDeals, accounts: Mapping[str, str]) -> WonDeals:
    ids = was.deals["account_id"]
    moved = ids.map(lambda account: accounts.get(account, account))
    return WonDeals(was.as_of, was.deals.assign(account_id=moved))


def _noted_changes(tables: Tables, was: WonDeals, now: WonDeals) -> dict[str, str]:
    """Return the last day between two reports on which the history notes a change of each deal."""
    if "stage_history" not in tables:
        return {}
    since = from_on(tables["stage_history"], "changed_date", was.as_of)
    changes = before(since, "changed_date", now.as_of)
    last = grouped(changes, "opportunity_id", day=nw.col("changed_date").max()).drop_nulls()
    return {deal: day.isoformat() for deal, day in last.collect().rows()}


def _reported(was: WonDeals, run: Run) -> dict[str, Decimal]:
    """Return the won revenue of each quarter as it was reported."""
    calendar = run.settings.fiscal_calendar
    days = pd.to_datetime(was.deals["close_date"])
    quarters = [calendar.containing(day.date()).label for day in days]
    amounts = was.deals["amount"].map(Decimal)
    return {
        str(label): sum(part, Decimal(0)) for label, part in amounts.groupby(quarters, dropna=False)
    }


def _no_changes() -> pd.DataFrame:
    columns = ["quarter", "opportunity_id", "account_id", "change", "was", "is", "restated_by",
               "found", "changed"]  # fmt: skip
    return pd.DataFrame(columns=columns, dtype="object")


def _by_quarter(changes: pd.DataFrame, reported: Mapping[str, Decimal]) -> pd.DataFrame:
    rows = []
    for label, part in changes.groupby("quarter", sort=True):
        by = sum(part["restated_by"].map(Decimal), Decimal(0))
        was = reported.get(str(label), Decimal(0))
        rows.append((label, part["opportunity_id"].nunique(), was, was + by, by))
    return pd.DataFrame(rows, columns=["quarter", "deals", "was", "is", "restated_by"])
