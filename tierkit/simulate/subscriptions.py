"""Subscriptions: what each account pays for, until when, and the contracts behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tierkit.simulate.deals import RENEWAL_NOTICE_DAYS
from tierkit.simulate.scenario import BoolArray, FloatArray, IntArray

TERM_DAYS = 365


@dataclass
class Subscriptions:
    """One subscription per account, extended by renewals and enlarged by expansions.

    Attributes
    ----------
    ends
        First day after the subscription, in days since 1970; -1 where there never was one.
    value
        What it brings a year.
    contracts
        The contracts so far: account, start, end, annual_value, close (of the deal behind each).
    """

    ends: IntArray
    value: FloatArray
    contracts: list[pd.DataFrame] = field(default_factory=list)

    @classmethod
    def none(cls, accounts: int) -> Subscriptions:
        """Return a company without any customer."""
        return cls(ends=np.full(accounts, -1), value=np.zeros(accounts))

    def active(self, day: int) -> BoolArray:
        """Return which accounts have a subscription on a day."""
        return self.ends > day

    def due(self, start: int, stop: int) -> IntArray:
        """Return the accounts whose renewal begins in `[start, stop)`."""
        notice = self.ends - RENEWAL_NOTICE_DAYS
        return np.flatnonzero((self.ends > 0) & (notice >= start) & (notice < stop))

    def add_wins(self, wins: pd.DataFrame) -> None:
        """Take won new and expansion deals in: the first begins a term, others join it."""
        ordered = wins.sort_values(["account", "close"], kind="stable")
        account, close = ordered["account"].to_numpy(), ordered["close"].to_numpy()
        amount = ordered["amount"].to_numpy()
        start = close + 1
        first = ~ordered["account"].duplicated().to_numpy()
        opens = first & (self.ends[account] <= start)
        self.value[account[opens]] = 0.0
        self.ends[account[opens]] = start[opens] + TERM_DAYS
        np.add.at(self.value, account, amount)
        end = np.maximum(self.ends[account], start + 30)
        self._remember(account, start, end, amount, close)

    def renew(self, renewals: pd.DataFrame) -> None:
        """Extend the subscriptions whose renewals are won by one term at the new value."""
        won = renewals[renewals["won"]]
        account, amount = won["account"].to_numpy(), won["amount"].to_numpy()
        start = self.ends[account]
        self.ends[account] = start + TERM_DAYS
        self.value[account] = amount
        self._remember(account, start, start + TERM_DAYS, amount, won["close"].to_numpy())

    def _remember(
        self,
        account: IntArray,
        start: IntArray,
        end: IntArray,
        annual_value: FloatArray,
        close: IntArray,
    ) -> None:
        self.contracts.append(
            pd.DataFrame(
                {"account": account, "start": start, "end": end, "annual_value": annual_value,
                 "close": close}
            )
        )  # fmt: skip
