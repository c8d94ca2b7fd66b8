"""`tierkit.toml` → settings, with every problem at once."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tierkit.errors import SettingsError
from tierkit.settings.problems import settings_problems
from tierkit.settings.whole import Settings

FILE_NAME = "tierkit.toml"


def read_settings(path: str | Path, *, overrides: Sequence[str] = ()) -> Settings:
    """Read a `tierkit.toml`, with settings from the command line put over it.

    Parameters
    ----------
    path
        The file, or the folder that holds it.
    overrides
        `KEY=VALUE`, KEY a dotted path (`stability.keep_band`, `tiers.0.capacity`), VALUE in TOML.

    Raises
    ------
    SettingsError
        With every problem at once: an absent or broken file, unknown names (with the nearest
        known one), wrong types, contradictions.
    """
    file = Path(path)
    file = file / FILE_NAME if file.is_dir() else file
    values = _load(file)
    for override in overrides:
        _put_over(values, override)
    settings = parse_settings(values, name=file.name)
    settings._folder = file.resolve().parent
    return settings


def parse_settings(values: Mapping[str, Any], *, name: str = FILE_NAME) -> Settings:
    """Return the settings that a mapping such as a parsed TOML file states.

    Raises
    ------
    SettingsError
        With every problem at once.

    Examples
    --------
    >>> parse_settings({"stability": {"keep_bend": 1.5}})
    Traceback (most recent call last):
    tierkit.errors.SettingsError: tierkit.toml: 1 problem
      - stability.keep_bend: is no setting. Did you mean keep_band?
    """
    try:
        text = json.dumps(values, default=str)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: a value is too long or too deep to be read.") from error
    try:
        return Settings.model_validate_json(text, strict=True)
    except ValidationError as error:
        problems = [problem for detail in error.errors() for problem in settings_problems(detail)]
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise SettingsError(f"{name}: {count}", problems) from error


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: no such file. `tierkit init DIR` makes a project with one; -f names another."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"{file.name}: not valid TOML: {error}. Text values need quotes."
        ) from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}.") from error


def _put_over(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not separator or not all(path):
        raise SettingsError(
            f"--set {override}: write KEY=VALUE, for example stability.keep_band=1.5."
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"--set {override}: {text!r} is no TOML value. "
            f"Text needs quotes: --set '{key}=\"{text}\"'."
        ) from error
    _assign(values, path, value, override)


def _assign(values: dict[str, Any], path: Sequence[str], value: object, override: str) -> None:
    place: Any = values
    for part, following in zip(path, [*path[1:], ""], strict=True):
        last = not following
        if isinstance(place, list) and part in map(str, range(len(place))):
            step: Any = int(part)
        elif isinstance(place, dict):
            step = part
            if not last:
                place.setdefault(part, {})
        else:
            raise SettingsError(
                f"--set {override}: {part!r} names nothing inside {'.'.join(path)}."
            )
        if last:
            place[step] = value
        else:
            place = place[step]
