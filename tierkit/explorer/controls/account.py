"""The controls of the account tab."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tierkit.calendar import today
from tierkit.errors import SettingsError, TierkitError
from tierkit.explorer.controls.labelled import button, choice, column, html, row, text
from tierkit.explorer.pages.parts import note, warning
from tierkit.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierkit.explorer.controls.labelled import Acting
    from tierkit.explorer.session import Session


_REVIEW_AFTER = timedelta(days=90)


class AccountControls:
    """Type-ahead, and the override of the account that is shown.

    Parameters
    ----------
    session
        What the controls change.
    acting
        How they do it.
    """

    def __init__(self, session: Session, acting: Acting) -> None:
        self._session, self._acting = session, acting
        self._search = text("Find an account", hint="name, id or domain", as_typed=True)
        self._found = widgets.Select(
            options=[], description="Accounts", tooltip="Accounts that match", rows=8,
            style={"description_width": "5em"}, layout={"width": "99%"},
        )  # fmt: skip
        acting.on(self._search, self._find, soon="find")
        acting.on(self._found, self._choose)
        self._tier = choice("Put it into", [tier.name for tier in session.settings.tiers],
                            value=session.settings.tiers[0].name)  # fmt: skip
        self._reason = text("Reason")
        self._by = text("Set by")
        self._review = widgets.DatePicker(
            description="Review on", tooltip="Review on",
            value=max(session.basis.run.as_of, today()) + _REVIEW_AFTER,
            style={"description_width": "10em"}, layout={"width": "99%"},
        )  # fmt: skip
        self.widget = column(
            self._search,
            self._found,
            self._tier,
            self._reason,
            self._by,
            self._review,
            row(
                button(
                    "Write override", acting.act(self._set), tooltip="Into overrides.csv, at once"
                ),
                button("Remove override", acting.act(self._remove)),
            ),
        )

    def sync(self) -> None:
        """Show what the session says."""

    def _find(self, typed: Any) -> None:  # noqa: ANN401
        names = self._session.basis.names
        found = self._session.find_accounts(str(typed))
        with self._acting.quietly():
            self._found.options = [(f"{names[account]} ({account})", account) for account in found]
            self._found.value = found[0] if len(found) == 1 else None
        if len(found) == 1:
            self._session.show_account(found[0])

    def _choose(self, account: Any) -> None:  # noqa: ANN401
        if account:
            self._session.show_account(account)

    def _set(self) -> None:
        if not self._session.account:
            raise SettingsError("Find an account first.")
        self._session.set_override(
            self._session.account,
            self._tier.value,
            reason=self._reason.value,
            review_on=self._review.value or "",
            set_by=self._by.value,
        )

    def _remove(self) -> None:
        if not self._session.account:
            raise SettingsError("Find an account first.")
        self._session.remove_override(self._session.account)


class CompareControls:
    """Scenarios by name, and copying what is on screen into `tierkit.toml`.

    Parameters
    ----------
    session
        What the controls change.
    acting
        How they do it.
    redraw
        Draws the tab again when another scenario is compared.
    """

    def __init__(self, session: Session, acting: Acting, redraw: Callable[[], None]) -> None:
        self._session = session
        self._name = text("Name")
        self._said = html()
        self._sure = row(
            button(
                "Write it",
                acting.act(self._write, working="checking the gate and writing tierkit.toml"),
                strong=True,
            ),
            button("Leave it", acting.act(self._leave)),
        )
        self._asks(on=False)
        self._asked_for: object = None
        self._saved = choice("Compare with", [("–", "")], value="")
        acting.on(self._saved, lambda _: redraw())
        self.widget = column(
            self._name,
            button("Save as scenario", acting.act(self._save)),
            self._saved,
            row(
                button("Bring on screen", acting.act(self._load)),
                button("Delete", acting.act(self._delete)),
            ),
            button(
                "Write to tierkit.toml …",
                acting.act(self._ask),
                tooltip="Asks first; the quarterly run then gives these tiers",
                strong=True,
            ),
            self._said,
            self._sure,
        )
        self.sync()

    @property
    def against(self) -> str:
        """The scenario that what is on screen is compared with."""
        return self._saved.value or ""

    def sync(self) -> None:
        """Show what the session says."""
        if self._asked_for is not None and self._asked_for != self._session.settings:
            self._leave()  # something else is on screen than what was asked for
        kept = self.against if self.against in self._session.scenarios else ""
        options = [("–", ""), *((name, name) for name in self._session.scenarios)]
        if [*self._saved.options] != options:
            self._saved.options = options
            self._saved.value = kept

    def _save(self) -> None:
        self._session.save_scenario(self._name.value)

    def _load(self) -> None:
        if not self.against:
            raise SettingsError("Choose a scenario first.")
        self._session.load_scenario(self.against)

    def _delete(self) -> None:
        self._session.delete_scenario(self.against)

    def _asks(self, *, on: bool) -> None:
        self._sure.layout.display = "" if on else "none"

    def _ask(self) -> None:
        lines = changed_lines(self._session.settings_difference())
        if not lines:
            self._said.value = str(note("tierkit.toml says what is on screen already."))
            return
        self._asked_for = self._session.settings
        self._said.value = str(note(f"Change {plural(lines, 'line')} of tierkit.toml?"))
        self._asks(on=True)

    def _leave(self) -> None:
        self._asked_for, self._said.value = None, ""
        self._asks(on=False)

    def _write(self) -> None:
        lines = changed_lines(self._session.settings_difference())
        self._leave()
        try:
            file = self._session.write_settings()
        except TierkitError as error:
            self._said.value = str(warning(f"Nothing was written. {error}"))
            raise
        self._said.value = str(
            note(
                f"Written: {plural(lines, 'line')} of {file.name} changed. The next run gives "
                "these tiers."
            )
        )


def changed_lines(difference: str) -> int:
    """Return how many lines a difference takes out or puts in, the larger of both.

    Examples
    --------
    >>> changed_lines("-capacity = 1")
    1
    """
    lines = difference.splitlines()
    return max(sum(line.startswith(sign) for line in lines) for sign in "-+")
