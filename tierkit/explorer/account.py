"""One account at a time: found by what is typed, explained, put into a tier against the card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.explorer import card_settings
from tierkit.explorer.writing import override_row, write_override
from tierkit.models import BY_COLUMN, account_ranges
from tierkit.settings import NEW_AND_EXPANSION
from tierkit.tiers import (
    TierExplanation,
    check_eligibility,
    explain_tier,
    why_untiered,
    within_groups,
)

if TYPE_CHECKING:
    from tierkit.explorer.stage import Stage, State
    from tierkit.explorer.view import View
    from tierkit.settings import Tier


@dataclass(frozen=True)
class AccountView:
    """Everything that the explorer shows of one account.

    Attributes
    ----------
    tier
        Empty without one.
    rank
        None where the account is not ranked.
    standing
        Its tier in a sentence, or why it has none.
    explained
        What it is predicted by and what would move it; None where nothing was known of it at
        `as_of`.
    low, high
        The range that holds its revenue in 8 of 10 cases; None where it is not known.
    range_is_of_run
        Whether the range is the one that the run gives.
    override
        The row of `overrides.csv`, None without one.
    wins, tiers, effort
        As in `AccountHistory`.
    entitled
        What the tier entitles it to a quarter: `activity`, `role`, `per_quarter`, `hours`.
    """

    account: str
    name: str
    tier: str
    rank: int | None
    standing: str
    explained: TierExplanation | None
    low: float | None
    high: float | None
    range_is_of_run: bool
    override: dict[str, Any] | None
    wins: pd.DataFrame
    tiers: pd.DataFrame
    effort: pd.DataFrame | None
    entitled: pd.DataFrame

    @property
    def predicted(self) -> float | None:
        """Predicted revenue; None where nothing was known of the account."""
        return None if self.explained is None else self.explained.predicted_revenue


def account_view(view: View, account: str) -> AccountView:
    """Return everything that is shown of one account.

    Raises
    ------
    SettingsError
        If there is no such account.
    """
    basis = view.basis
    if account not in basis.accounts.index:
        raise SettingsError(f"no account {account}.")
    tiered = account in view.tiered.index
    tier = str(view.tiered["tier"].loc[account]) if tiered else ""
    untiered = "" if tiered else _why_untiered(view, account)
    explained = _explained(view, account, untiered)
    low, high = _range(view, explained)
    overrides = view.overrides[view.overrides["account_id"] == account]
    return AccountView(
        account=account,
        name=str(basis.names.loc[account]),
        tier=tier,
        rank=_rank(view, account),
        standing=_standing(explained, tier, untiered),
        explained=explained,
        low=low,
        high=high,
        range_is_of_run=view.range_is_of_run,
        override=None if overrides.empty else dict(overrides.iloc[0]),
        wins=basis.history.wins(account),
        tiers=basis.history.tiers(account),
        effort=basis.history.effort(account),
        entitled=_entitled(view.settings.tiers, tier),
    )


def _rank(view: View, account: str) -> int | None:
    candidate = view.basis.candidates.ids.get_loc(account)
    place = np.flatnonzero(view.placed.order == candidate)
    if not len(place) or np.isnan(view.placed.scores[place[0]]):
        return None
    return int(place[0]) + 1


def _explained(view: View, account: str, untiered: str) -> TierExplanation | None:
    if account not in view.basis.ids:
        return None
    by_value = view.settings.target.value != NEW_AND_EXPANSION
    return explain_tier(
        view.model,
        view.basis.now.values.loc[[account]],  # noqa: PD011 (a panel's rows)
        view.tiered.assign(cut_on_value=True) if by_value else view.tiered,
        tiers=view.settings.tiers,
        stability=view.settings.stability,
        untiered=untiered,
    )


def _standing(explained: TierExplanation | None, tier: str, untiered: str) -> str:
    if explained is not None:
        return explained.standing
    return f"{tier}, by override." if tier else f"No tier: {untiered}."


def _why_untiered(view: View, account: str) -> str:
    basis, settings = view.basis, view.settings
    row = basis.accounts.loc[[account]].reset_index(drop=True)
    eligible = within_groups(
        check_eligibility(row, where=settings.icp.where),
        basis.groups,
        within=settings.tiering.within,
    )
    found = why_untiered(eligible, tiered=view.tiered.index, existing=basis.ids)
    return str(found.loc[account])


def _range(view: View, explained: TierExplanation | None) -> tuple[float | None, float | None]:
    if explained is None or view.basis.learned.method is None:
        return None, None
    tested = view.tested_by_run
    if tested is None:
        by_column, rankings = view.screen.kind in BY_COLUMN, view.basis.rankings
        money = rankings.by_column_money if by_column else view.tested
        tested = pd.DataFrame({"predicted": money, "actual": rankings.rows.actual})
    found = account_ranges(tested, pd.Series([explained.predicted_revenue])).iloc[0]
    low, high = float(found["predicted_low"]), float(found["predicted_high"])
    return (None, None) if np.isnan(low) else (low, high)


def _entitled(tiers: tuple[Tier, ...], name: str) -> pd.DataFrame:
    rows = [
        {"activity": one.activity, "role": one.role, "per_quarter": one.per_quarter,
         "hours": one.per_quarter * one.hours}
        for tier in tiers if tier.name == name for one in tier.entitlements
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["activity", "role", "per_quarter", "hours"])


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
    """Single accounts: found, looked at, overridden; see `Session`.

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
