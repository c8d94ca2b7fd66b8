"""Accounts by what a person types: a part of their name, their id or their domain."""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_FOUND = 25


class AccountFinder:
    """Type-ahead over all accounts.

    Parameters
    ----------
    accounts
        By account_id: `name` and `domain` (either may be missing).

    Examples
    --------
    >>> accounts = pd.DataFrame({"name": ["Acme", "Bolt", None]}, index=["A1", "A2", "A3"])
    >>> AccountFinder(accounts).find("ac")
    ['A1']
    >>> AccountFinder(accounts).find("a")[:2]
    ['A1', 'A2']
    """

    def __init__(self, accounts: pd.DataFrame) -> None:
        self._ids = [str(account) for account in accounts.index]
        blank = pd.Series("", index=accounts.index, dtype="object")
        names, domains = (
            accounts[column].astype("object").fillna("") if column in accounts else blank
            for column in ("name", "domain")
        )
        lines = [
            f"\n{name}\t{account}\t{domain}".casefold()
            for account, name, domain in zip(self._ids, names, domains, strict=True)
        ]
        self._text = "".join(lines)
        self._starts = np.cumsum([0, *map(len, lines)])

    def find(self, text: str, *, most: int = MOST_FOUND) -> list[str]:
        """Return the ids of accounts that match, those that begin with the text first.

        Parameters
        ----------
        text
            Case does not matter; nothing typed matches nothing.
        most
            How many at most.
        """
        wanted = text.strip().casefold()
        if not wanted or "\n" in wanted:
            return []
        found: dict[str, None] = {}
        for mark in (f"\n{wanted}", f"\t{wanted}", wanted):
            self._collect(mark, found, most)
        return list(found)

    def _collect(self, mark: str, found: dict[str, None], most: int) -> None:
        at = self._text.find(mark)
        while at >= 0 and len(found) < most:
            row = int(np.searchsorted(self._starts, at, side="right")) - 1
            found.setdefault(self._ids[row])
            at = self._text.find(mark, int(self._starts[row + 1]))
