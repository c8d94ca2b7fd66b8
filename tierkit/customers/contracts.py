"""Contracts that can be used: by rule, each rule counted and said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from tierkit.calendar import days_old
from tierkit.crm import Tables, to_frame
from tierkit.words import count, plural

EPOCH = date(1970, 1, 1)
NO_CONTRACTS = "needs the table contracts, or won deals from which continued buying can be read"
LEAST_TERM_DAYS = 100
"""Terms that are shorter in the median renew so often that every quarter renews all of them."""

COLUMNS = ("contract_id", "account_id", "start", "end", "value")


@dataclass(frozen=True)
class Contracts:
    """The contracts of all customers.

    Attributes
    ----------
    rows
        One row per contract, by account, start, end and id: `start` and `end` in days since 1970,
        `[start, end)`, an infinite `end` where none is written; `value` a year, above 0.
    agreed
        Whether an end is agreed before it comes, so that a renewal is due on it. Otherwise an end
        is written when the customer leaves, or terms are so short that all renew every quarter:
        everything in force may then be lost in any quarter.
    counts
        Contracts by what a rule says of them: `trial`, `backwards`, `undated`, `endless`,
        `overlapping`.
    """

    rows: pd.DataFrame
    agreed: bool = True
    counts: Mapping[str, int] = field(default_factory=dict)

    def in_force(self, day: int) -> pd.DataFrame:
        """Return the contracts that run on a day."""
        started = self.rows["start"] <= day
        return self.rows[started & (self.rows["end"] > day)]

    def sentences(self) -> list[str]:
        """Return what the rules did, one sentence each; empty where nothing was odd."""
        return [_SENTENCES[name](many) for name, many in self.counts.items() if many]


def _verb(many: int, one: str, more: str) -> str:
    return f"{plural(many, 'contract')} {one if many == 1 else more}"


_SENTENCES = {
    "trial": lambda n: f"{_verb(n, 'is', 'are')} worth nothing a year (trials): left out.",
    "backwards": lambda n: f"{_verb(n, 'ends', 'end')} on or before the first day: left out.",
    "undated": lambda n: f"{_verb(n, 'has', 'have')} no start or no account: left out.",
    "endless": lambda n: (
        f"{_verb(n, 'has', 'have')} no end: in force until another day is written."
    ),
    "overlapping": lambda n: (
        f"{_verb(n, 'begins', 'begin')} while another of the same account runs: values add up, "
        "and ends within a month of each other are one renewal."
    ),
}


def day_number(day: date) -> int:
    """Return a day as the number of days since 1970."""
    return days_old(EPOCH, day)


def read_contracts(tables: Tables, *, as_of: date) -> Contracts:
    """Return the contracts that can be used, as the tables know them.

    Parameters
    ----------
    tables
        Trusted tables as they were known at `as_of`.

    Examples
    --------
    A trial and a contract that ends before it begins are left out.

    >>> from tierkit.crm import tables_from_frames
    >>> tables = tables_from_frames({"contracts": pd.DataFrame({
    ...     "contract_id": ["1", "2", "3"], "account_id": ["A", "A", "B"],
    ...     "start_date": ["2025-01-01", "2025-01-01", "2025-06-01"],
    ...     "end_date": ["2026-01-01", "2025-02-01", "2025-05-01"],
    ...     "annual_value": ["100", "0", "30"]})})
    >>> found = read_contracts(tables, as_of=date(2025, 7, 1))
    >>> found.rows["contract_id"].tolist(), found.agreed
    (['1'], True)
    >>> found.sentences()[0]
    '1 contract is worth nothing a year (trials): left out.'
    """
    if "contracts" not in tables:
        return Contracts(pd.DataFrame(columns=[*COLUMNS]).astype({"value": float}))
    columns = ["contract_id", "account_id", "start_date", "end_date", "annual_value"]
    raw = to_frame(tables["contracts"].select(*columns))
    frame = pd.DataFrame(
        {
            "contract_id": raw["contract_id"].astype("str"),
            "account_id": raw["account_id"],
            "start": day_numbers(raw["start_date"]),
            "end": day_numbers(raw["end_date"]).fillna(np.inf),
            "value": raw["annual_value"].astype(float),
        }
    )
    kept, counts = _by_rule(frame)
    order = ["account_id", "start", "end", "contract_id"]
    rows = kept.sort_values(order, kind="stable", ignore_index=True)
    counts |= {"endless": int(np.isinf(rows["end"]).sum()), "overlapping": _overlapping(rows)}
    return Contracts(rows, ends_are_agreed(rows, day_number(as_of)), counts)


def day_numbers(days: pd.Series) -> pd.Series[float]:
    """Return dates as days since 1970; missing stays missing."""
    return (pd.to_datetime(days) - pd.Timestamp(EPOCH)) / pd.Timedelta(days=1)


def _by_rule(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the contracts that no rule leaves out, and how many each rule left out."""
    undated = frame["start"].isna() | frame["account_id"].isna()
    trial = ~undated & ~(frame["value"] > 0)
    backwards = ~undated & ~trial & (frame["end"] <= frame["start"])
    counts = {"trial": trial, "backwards": backwards, "undated": undated}
    left_out = undated | trial | backwards
    return frame[~left_out], {name: int(rows.sum()) for name, rows in counts.items()}


def _overlapping(rows: pd.DataFrame) -> int:
    """Count the contracts that begin before an earlier one of their account has ended."""
    by_account = rows["account_id"]
    latest = rows.groupby("account_id")["end"].cummax().groupby(by_account, dropna=False).shift()
    return int((rows["start"] < latest).sum())


def ends_are_agreed(rows: pd.DataFrame, today: int) -> bool:
    """Return whether ends are known before they come: half of the value in force has one ahead."""
    running = rows[(rows["start"] <= today) & (rows["end"] > today)]
    if running.empty:
        running = rows
    ending = running[np.isfinite(running["end"])]
    if ending.empty or ending["value"].sum() < 0.5 * running["value"].sum():
        return False
    return bool((ending["end"] - ending["start"]).median() >= LEAST_TERM_DAYS)


def contract_words(contracts: Contracts) -> str:
    """Return how renewals are read from these contracts, as a sentence."""
    many = count(len(contracts.rows))
    if contracts.agreed:
        return f"{many} contracts with agreed ends: a renewal is due on the day a contract ends."
    return (
        f"{many} contracts without agreed ends, or with terms of weeks: all of their value may be "
        "lost in any quarter, and what is in force is what is due."
    )
