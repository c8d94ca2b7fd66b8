"""Scenarios that people have saved: settings by name, in the project's scratch folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.explorer.writing import write_atomically
from tierkit.settings import Settings, parse_settings

_FILE = "scenarios.json"


def read_scenarios(settings: Settings) -> dict[str, Settings]:
    """Return the scenarios of earlier times; those that are no settings any more are left out."""
    try:
        plain = json.loads(_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found = {}
    for name, values in plain.items():
        try:
            scenario = parse_settings(values, name=name)
        except SettingsError:
            continue
        scenario._folder = settings.folder
        found[name] = scenario
    return found


def write_scenarios(settings: Settings, scenarios: Mapping[str, Settings]) -> None:
    """Keep the scenarios for the next time."""
    plain = {
        name: scenario.model_dump(mode="json", exclude_none=True)
        for name, scenario in scenarios.items()
    }
    file = _file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, json.dumps(plain, ensure_ascii=False, indent=1))


def _file(settings: Settings) -> Path:
    return settings.scratch / "explorer" / _FILE
