"""Lists of accounts: who moves, who is in a tier, who differs; each row opens its account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tierkit.explorer.controls.labelled import choice, column
from tierkit.words import money

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session


MOST_LISTED = 200
MOVES = "accounts that move"
_BETWEEN = " · "


@dataclass(frozen=True)
class AccountLines:
    """The first accounts of a list, each as a line, and how many there are."""

    lines: dict[str, str]
    total: int


def list_names(session: Session, *, against: str = "") -> list[str]:
    """Return the lists that there are; the last compares with a saved scenario."""
    compared = [_differing(against)] if against in session.scenarios else []
    return [MOVES, *session.view.names, *compared]


def account_list(session: Session, name: str, *, against: str = "") -> AccountLines:
    """Return the accounts of a list, the largest predicted revenue first.

    Examples
    --------
    >>> from tierkit.explorer.example import example_explorer
    >>> [*account_list(example_explorer(), "Tier 1").lines.values()]
    ['Acme Freight · Tier 1 · $3.6 k']
    """
    if name == _differing(against) and against in session.scenarios:
        found = session.differing(against)
        moves = zip(found["before"], found["after"], strict=True)
        where = [f"{before} → {after}" for before, after in moves]
        return _lines(session, [*found.index], where, found["predicted_revenue"].tolist())
    view, placed = session.view, session.view.placed
    if name == MOVES:
        rows = placed.moved[np.argsort(-view.money[placed.moved], kind="stable")]
    else:
        rows = np.flatnonzero(placed.levels == view.names.index(name))
    first = rows[:MOST_LISTED]
    named = [*view.names, "no tier"]
    before, now = placed.ranked.held[first], placed.levels[first]
    pairs = zip(before.tolist(), now.tolist(), strict=True)
    where = [named[b] if a == b or name != MOVES else f"{named[a]} → {named[b]}" for a, b in pairs]
    listed = _lines(session, [*placed.ids[placed.order[first]]], where, view.money[first].tolist())
    return AccountLines(listed.lines, len(rows))


def _differing(against: str) -> str:
    return f"other tier than in {against}"


def _lines(
    session: Session, accounts: Sequence[str], where: Sequence[str], amounts: Sequence[float]
) -> AccountLines:
    names, currency = session.basis.names, session.basis.currency
    rows = zip(accounts, where, amounts, strict=True)
    found = {
        account: _BETWEEN.join([str(names.get(account, account)), tier, money(currency, amount)])
        for account, tier, amount in [*rows][:MOST_LISTED]
    }
    return AccountLines(found, len(accounts))


_ROWS = 12


class AccountList:
    """The accounts that move, of a tier or that differ; choosing one opens it.

    Parameters
    ----------
    session
        What is explored.
    acting
        How controls do it.
    opened
        Brings the account tab to the front.
    against
        Tells the scenario that what is on screen is compared with.
    """

    def __init__(
        self,
        session: Session,
        acting: Acting,
        opened: Callable[[], None],
        against: Callable[[], str],
    ) -> None:
        self._session, self._acting = session, acting
        self._opened, self._against = opened, against
        self._which = choice("List", [""], value="")
        self._rows = widgets.Select(
            options=[], description="Open", rows=_ROWS, tooltip="Choose an account to open it",
            style={"description_width": "6em"}, layout={"width": "99%"},
        )  # fmt: skip
        acting.on(self._which, lambda _: self.fill())
        acting.on(self._rows, self._open)
        self.widget = column(self._which, self._rows)

    def fill(self) -> None:
        """Show what the session says."""
        names = list_names(self._session, against=self._against())
        with self._acting.quietly():
            if [*self._which.options] != names:
                kept = self._which.value
                self._which.options = names
                self._which.value = kept if kept in names else names[0]
            found = account_list(self._session, self._which.value, against=self._against())
            options = [(line, account) for account, line in found.lines.items()]
            self._rows.options = options
            self._rows.value = None
        more = f", the first {MOST_LISTED}" if found.total > MOST_LISTED else ""
        self._rows.description = f"{found.total:,} accounts{more}"

    def _open(self, account: Any) -> None:  # noqa: ANN401
        if account:
            self._session.show_account(account)
            self._opened()
