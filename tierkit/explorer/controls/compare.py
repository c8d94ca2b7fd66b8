"""The controls of the compare tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierkit.errors import SettingsError
from tierkit.explorer.controls.labelled import button, choice, column, row, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierkit.explorer.controls.acting import Acting
    from tierkit.explorer.session import Session


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
                "Copy as settings",
                acting.act(self._write, working="checking the gate and writing tierkit.toml"),
                tooltip="Writes tierkit.toml; the quarterly run then gives these tiers",
                strong=True,
            ),
        )
        self.sync()

    @property
    def against(self) -> str:
        """The scenario that what is on screen is compared with."""
        return self._saved.value or ""

    def sync(self) -> None:
        """Show what the session says."""
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

    def _write(self) -> None:
        self._session.write_settings()
