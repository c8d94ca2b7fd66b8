"""What a run tells its notebooks, through a file in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tierkit.calendar import Quarter
from tierkit.errors import SettingsError
from tierkit.settings import Settings, parse_settings

FILE_NAME = "settings.json"


@dataclass(frozen=True)
class Handover:
    """What the notebooks of a run work with.

    Attributes
    ----------
    settings
        The effective ones: `tierkit.toml` with `--set` put over it.
    quarter
        The quarter of the report.
    model_file
        The model to use instead of fitting one, None to fit.
    set_overrides
        What `--set` said, as it was written.
    """

    settings: Settings
    quarter: Quarter
    model_file: Path | None = None
    set_overrides: tuple[str, ...] = ()


def write_handover(run_folder: Path, handover: Handover) -> Path:
    """Write what the notebooks of a run work with to `settings.json` in its folder."""
    content = {
        "project": str(handover.settings.folder.resolve()),
        "quarter": handover.quarter.label,
        "model_file": str(handover.model_file.resolve()) if handover.model_file else None,
        "set": list(handover.set_overrides),
        "settings": handover.settings.model_dump(mode="json"),
    }
    path = run_folder / FILE_NAME
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def read_handover(run_folder: str | Path) -> Handover:
    """Read what `write_handover` wrote; relative paths start at the project's folder again.

    Raises
    ------
    SettingsError
        If the folder is not that of a run.
    """
    path = Path(run_folder) / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        settings = parse_settings(content["settings"], name=FILE_NAME)
        settings._folder = Path(content["project"])
        model, overrides = content["model_file"], content["set"]
        return Handover(
            settings=settings,
            quarter=settings.fiscal_calendar.parse(content["quarter"]),
            model_file=Path(model) if model else None,
            set_overrides=_texts(overrides),
        )
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{path}: is not the folder of a run ({error}).") from error


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
