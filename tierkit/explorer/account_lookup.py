"""One account at a time: found by what is typed, looked at, put into a tier against the card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.explorer import card_settings
from tierkit.explorer.account import AccountView, account_view
from tierkit.explorer.writing import override_row, write_override

if TYPE_CHECKING:
    from tierkit.explorer.stage import Stage, State
    from tierkit.explorer.view import View


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


class AccountLookup:
    """What can be done with single accounts; see `Session`.

    Parameters
    ----------
    stage
        Where the changes are shown.

    Attributes
    ----------
    account
        The id of the account that is looked at; empty where none is.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.account: str = ""
        self._account_view: tuple[View, AccountView] | None = None

    def find_accounts(self, text: str) -> list[str]:
        """Return the ids of at most 25 accounts whose name, id or domain holds the text.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.find_accounts("clin")
        ['B2']
        """
        return self._finder.find(text)

    def show_account(self, account: str) -> AccountView:
        """Look at one account, by id, or by name where only one has it.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> found = explorer.show_account("Borealis Clinics")
        >>> found.account, found.tier, found.rank
        ('B2', 'Tier 2', 2)
        """
        found = self._stage.guarded(lambda: self._account(self._id_of(account)))
        self.account = found.account
        self._stage.tell()
        return found

    @property
    def shown_account(self) -> AccountView | None:
        """The account that is looked at, under the settings on screen; None where none is."""
        return self._account(self.account) if self.account else None

    def set_override(
        self,
        account: str,
        tier: str,
        *,
        reason: str,
        review_on: date | str,
        set_by: str = "",
    ) -> None:
        """Put an account into a tier against the card, signed, in `overrides.csv`.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_override("D4", "Tier 1", reason="a plan, signed", review_on="2030-01-01")
        >>> explorer.tiers()["tier"]["D4"]
        'Tier 1'
        """

        def write() -> State:
            names = [one.name for one in self._stage.settings.tiers]
            card_settings.place_of(tier, names, what="tier")
            row = override_row(
                self._id_of(account), tier, reason=reason, review_on=review_on, set_by=set_by
            )
            return self._with_override(row)

        self._write_state(f"override: {account} in {tier}", write)

    def remove_override(self, account: str) -> None:
        """Take an account's override out of `overrides.csv`.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_override("D4", "Tier 1", reason="a plan, signed", review_on="2030-01-01")
        >>> explorer.remove_override("D4")
        >>> explorer.tiers()["tier"]["D4"]
        'Tier 2'
        """
        row = {"account_id": account, "tier": ""}
        self._write_state(f"override of {account} removed", lambda: self._with_override(row))

    @cached_property
    def _finder(self) -> AccountFinder:
        return AccountFinder(self._stage.basis.accounts)

    def _account(self, account: str) -> AccountView:
        kept = self._account_view
        if kept is None or kept[0] is not self._stage.view or kept[1].account != account:
            kept = (self._stage.view, account_view(self._stage.view, account))
            self._account_view = kept
        return kept[1]

    def _id_of(self, account: str) -> str:
        if account in self._stage.basis.accounts.index:
            return account
        named = self._stage.basis.names.index[self._stage.basis.names == account]
        if len(named) == 1:
            return str(named[0])
        near = self.find_accounts(account)
        hint = f"Did you mean {', '.join(near[:3])}?" if near else "Type a part of its name."
        raise SettingsError(f"no account {account}. {hint}")

    def _write_state(self, words: str, write: Callable[[], State]) -> None:
        self._stage.show(replace(self._stage.guarded(write), words=words), words)

    def _with_override(self, row: dict[str, str]) -> State:
        overrides, text = write_override(self._stage.basis, self._stage.settings, row)
        return replace(self._stage.state, overrides=overrides, overrides_text=text)
