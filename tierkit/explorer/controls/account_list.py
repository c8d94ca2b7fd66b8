"""Lists of accounts, of which each row opens its account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tierkit.explorer.controls.labelled import choice, column
from tierkit.explorer.lists import MOST_LISTED, account_list, list_names

if TYPE_CHECKING:
    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session

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
