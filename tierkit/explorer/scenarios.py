"""Scenarios side by side, and what is on screen written into `tierkit.toml`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tierkit.errors import SettingsError
from tierkit.explorer import card_settings
from tierkit.explorer.view import Snapshot, differing
from tierkit.explorer.writing import difference, settings_text
from tierkit.files import (
    change_file,
    content_of,
    files_lock,
    make_folder,
    write_whole,
)
from tierkit.runs import saved_scenarios
from tierkit.settings import SETTINGS_FILE, Settings, parse_settings

if TYPE_CHECKING:
    from tierkit.explorer.stage import Stage


_FILE = "scenarios.json"


def write_scenarios(settings: Settings, scenarios: Mapping[str, Settings]) -> None:
    """Keep the scenarios for the next time."""
    plain = {
        name: scenario.model_dump(mode="json", exclude_none=True)
        for name, scenario in scenarios.items()
    }
    file = _file(settings)
    make_folder(file.parent, below=settings.scratch)
    write_whole(file, json.dumps(plain, ensure_ascii=False, indent=1))


def _file(settings: Settings) -> Path:
    return settings.scratch / "explorer" / _FILE


class Scenarios:
    """Saved sets of settings, and those on screen written into the file; see `Session`.

    Parameters
    ----------
    stage
        Where the changes are shown.

    Attributes
    ----------
    scenarios
        Saved settings by name.
    written
        Which lines of `tierkit.toml` were changed last; empty where none were.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.written: str = ""
        self.scenarios = saved_scenarios(self._stage.settings)
        self._file_text = self._read_file()

    def save_scenario(self, name: str) -> None:
        """Remember the settings on screen under a name, also for the next time.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.save_scenario("as it is")
        >>> [*explorer.scenarios]
        ['as it is']
        """
        if not name.strip():
            self._stage.fail(SettingsError("Give the scenario a name."))
        self.scenarios[name.strip()] = self._stage.settings
        write_scenarios(self._stage.settings, self.scenarios)
        self._stage.tell()

    def load_scenario(self, name: str) -> None:
        """Bring a saved scenario on screen.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.save_scenario("as it is")
        >>> explorer.set_capacity("Tier 1", 3)
        >>> explorer.load_scenario("as it is")
        >>> explorer.view.sizes["Tier 1"]
        1
        """

        def change() -> Settings:
            card_settings.place_of(name, [*self.scenarios], what="scenario")
            return self.scenarios[name]

        self._stage.apply(f"scenario {name}", change)

    def delete_scenario(self, name: str) -> None:
        """Forget a saved scenario.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.save_scenario("as it is")
        >>> explorer.delete_scenario("as it is")
        >>> [*explorer.scenarios]
        []
        """
        self.scenarios.pop(name, None)
        write_scenarios(self._stage.settings, self.scenarios)
        self._stage.tell()

    def snapshots(self) -> dict[str, Snapshot]:
        """Return what each saved scenario gives, and what is on screen."""
        found = {"on screen": Snapshot.of(self._stage.view, with_captures=True)}
        for name, settings in self.scenarios.items():
            state = replace(self._stage.state, settings=settings)
            found[name] = Snapshot.of(self._stage.view_of(state), with_captures=True)
        return found

    def differing(self, name: str) -> pd.DataFrame:
        """Return the accounts that have another tier on screen than in a saved scenario.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.save_scenario("as it is")
        >>> explorer.set_capacity("Tier 1", 2)
        >>> explorer.differing("as it is")["after"].to_dict()
        {'B2': 'Tier 1'}
        """
        card_settings.place_of(name, [*self.scenarios], what="scenario")
        view = self._stage.view_of(replace(self._stage.state, settings=self.scenarios[name]))
        before = Snapshot.of(view, with_captures=False)
        after = Snapshot.of(self._stage.view, with_captures=False)
        return differing(before, after, ids=self._stage.basis.candidates.ids)

    def settings_text(self) -> str:
        """Return the text of `tierkit.toml` with the settings on screen, comments kept.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> print(explorer.settings_text().splitlines()[2])
        capacity = 2  # as agreed
        """
        stated = parse_settings(tomllib.loads(self._file_text))
        return settings_text(self._file_text, before=stated, after=self._stage.settings)

    def settings_difference(self) -> str:
        """Return which lines of `tierkit.toml` the settings on screen would change.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> print(explorer.settings_difference())
        @@ -2,3 +2,3 @@
         name = "Tier 1"
        -capacity = 1  # as agreed
        +capacity = 2  # as agreed
        <BLANKLINE>
        """
        return difference(self._file_text, self.settings_text())

    def write_settings(self) -> Path:
        """Copy what is on screen into `tierkit.toml`; the quarterly run then gives these tiers.

        Raises
        ------
        SettingsError
            If somebody else changed the file since it was opened.

        Examples
        --------
        >>> from tierkit.explorer.example import example_explorer
        >>> explorer = example_explorer()
        >>> explorer.set_capacity("Tier 1", 2)
        >>> explorer.write_settings().name
        'tierkit.toml'
        >>> explorer.settings_difference()
        ''
        """
        file = self._stage.settings.folder / SETTINGS_FILE
        if not self._stage.gate_is_current:
            self._stage.check_gate()
        text = self._stage.guarded(self.settings_text)
        self._stage.guarded(lambda: self._write(file, text))
        self.written = difference(self._file_text, text)
        self._file_text = text
        self._stage.tell()
        return file

    def _write(self, file: Path, text: str) -> None:
        """Write the settings unless somebody else changed them since they were opened here."""
        folder, scratch = file.parent, self._stage.settings.scratch
        with files_lock(scratch):
            before = content_of(file)
            if self._read_file() != self._file_text:
                raise SettingsError(
                    f"{SETTINGS_FILE} has been changed since it was opened here. Save what is on "
                    "screen as a scenario and open the explorer again."
                )
            change_file(file, text, before=before, project=folder, scratch=scratch)

    def _read_file(self) -> str:
        file = self._stage.basis.run.settings.folder / SETTINGS_FILE
        return file.read_bytes().decode("utf-8-sig")
