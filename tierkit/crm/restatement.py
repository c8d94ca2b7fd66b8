"""Deals that were changed after a report: a summary of won deals per run, and their comparison."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import FiscalCalendar, before, is_before
from tierkit.crm.frames import to_frame
from tierkit.crm.tables import Tables
from tierkit.errors import DataError
from tierkit.files import parse_json, write_whole

COLUMNS = ("opportunity_id", "account_id", "close_date", "amount", "revenue_type")
FILE_NAME = "won_deals.csv"


@dataclass(frozen=True)
class WonDeals:
    """The won deals of a run as they were known to it.

    Attributes
    ----------
    as_of
        First day that was not yet known to the run.
    deals
        A row per won deal closed before as_of, by opportunity_id: the columns of `COLUMNS` as text.
    """

    as_of: date
    deals: pd.DataFrame

    @property
    def content_hash(self) -> str:
        """A hash of every deal; the same deals in any order have the same."""
        text = self.deals.to_csv(index=False, lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()


def won_deals(tables: Tables, as_of: date) -> WonDeals:
    """Return the won deals closed before `as_of`."""
    won = before(tables["opportunities"].filter(nw.col("is_won")), "close_date", as_of)
    text = won.select(*(nw.col(column).cast(nw.String) for column in COLUMNS))
    frame = to_frame(text.sort("opportunity_id"))
    return WonDeals(as_of, frame.fillna("").astype("object"))


def write_won_deals(found: WonDeals, folder: Path) -> Path:
    """Write a summary of won deals into a run's folder: the deals, below a line with their hash."""
    head = {"as_of": found.as_of.isoformat(), "sha256": found.content_hash}
    text = found.deals.to_csv(index=False, lineterminator="\n")
    file = folder / FILE_NAME
    write_whole(file, f"# {json.dumps(head, sort_keys=True)}\n{text}", lasting=False)
    return file


def read_won_deals(folder: Path) -> WonDeals | None:
    """Return the summary that a run has left in its folder; None where it has left none.

    Raises
    ------
    DataError
        If the file was changed since.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    try:
        with file.open(encoding="utf-8", newline="") as source:
            head = parse_json(source.readline().removeprefix("#"))
            deals = pd.read_csv(source, dtype="object", keep_default_na=False)
        found = WonDeals(date.fromisoformat(head["as_of"]), deals)
    except (ValueError, KeyError) as error:
        raise DataError(f"{file}: is no summary of won deals. Take it away.") from error
    if found.content_hash != head["sha256"]:
        raise DataError(f"{file}: was changed after it was written. Take it away, or restore it.")
    return found


def restatements(was: WonDeals, now: WonDeals, *, calendar: FiscalCalendar) -> pd.DataFrame:
    """Return the deals of an earlier run that have changed since.

    Parameters
    ----------
    was, now
        The won deals as the earlier and as the later run knew them.

    Returns
    -------
    pandas.DataFrame
        A row per change, by quarter and deal: `quarter` (the restated one: that in which the deal
        was, or is, closed), `opportunity_id`, `account_id`, `change` (amount, close_date,
        revenue_type, account_id, `no longer won` or `won after all`), `was`, `is`, `restated_by`
        (money, exact: what the quarter gained) and `found` (the later as_of). Deals that closed on
        or after the earlier as_of are news, not restatements.

    Examples
    --------
    >>> row = {"opportunity_id": ["O"], "account_id": ["A"], "close_date": ["2026-02-01"],
    ...        "amount": ["100.0000"], "revenue_type": ["new"]}
    >>> was = WonDeals(date(2026, 4, 1), pd.DataFrame(row))
    >>> now = WonDeals(date(2026, 7, 1), pd.DataFrame({**row, "amount": ["80.0000"]}))
    >>> changes = restatements(was, now, calendar=FiscalCalendar())
    >>> changes[["quarter", "change", "was", "is", "restated_by"]].values.tolist()
    [['2026Q1', 'amount', '100.0000', '80.0000', '-20.0000']]
    """
    both = was.deals.merge(
        now.deals, on="opportunity_id", how="outer", suffixes=(" was", " is"), validate="1:1"
    )
    same = pd.Series(data=True, index=both.index)
    for column in COLUMNS[1:]:
        same &= both[f"{column} was"] == both[f"{column} is"]
    rows: list[Sequence[str]] = []
    for values in both[~same].to_dict("records"):
        old, new = _side(values, "was"), _side(values, "is")
        rows += _changes(str(values["opportunity_id"]), old, new, was.as_of, calendar)
    names = ["quarter", "opportunity_id", "account_id", "change", "was", "is", "restated_by"]
    frame = pd.DataFrame(rows, columns=names).assign(found=now.as_of.isoformat())
    return frame.sort_values(["quarter", "opportunity_id", "change"], ignore_index=True)


_Deal = Mapping[str, str]


def _side(values: Mapping[Hashable, Any], side: str) -> _Deal | None:
    """Return a deal as one of the two runs knew it, None where it did not."""
    found = {column: values[f"{column} {side}"] for column in COLUMNS[1:]}
    return found if isinstance(found["amount"], str) else None


def _changes(
    deal: str, old: _Deal | None, new: _Deal | None, as_of: date, calendar: FiscalCalendar
) -> list[Sequence[str]]:
    """Return a row per change of a deal; `restated_by` adds up to what each quarter gained."""
    new_counts = new is not None and is_before(date.fromisoformat(new["close_date"]), as_of)
    if old is None or new is None:
        known = new or old
        if known is None or (old is None and not new_counts):
            return []
        change = "won after all" if old is None else "no longer won"
        gained = Decimal(known["amount"]) * (1 if old is None else -1)
        quarter = _quarter(known, calendar)
        shown = ("", known["amount"]) if old is None else (known["amount"], "")
        return [(quarter, deal, known["account_id"], change, *shown, str(gained))]
    first, second = _quarter(old, calendar), _quarter(new, calendar)
    moved = first != second or not new_counts
    gained = -Decimal(old["amount"]) if moved else Decimal(new["amount"]) - Decimal(old["amount"])
    bearer = "close_date" if moved else "amount"
    rows: list[Sequence[str]] = [
        (first, deal, new["account_id"], column, old[column], new[column])
        + ((str(gained),) if column == bearer else ("0.0000",))
        for column in COLUMNS[1:]
        if old[column] != new[column]
    ]
    if moved and new_counts:
        dates = (old["close_date"], new["close_date"])
        rows.append((second, deal, new["account_id"], "close_date", *dates, new["amount"]))
    return rows


def _quarter(deal: _Deal, calendar: FiscalCalendar) -> str:
    return calendar.containing(date.fromisoformat(deal["close_date"])).label
