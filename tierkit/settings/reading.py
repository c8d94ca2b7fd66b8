"""`tierkit.toml` → settings, with every problem at once."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tierkit.errors import Problem, SettingsError
from tierkit.files import refuse_links, refuse_links_inside
from tierkit.settings.parts import AS_PROPOSED, ScenarioSettings
from tierkit.settings.whole import Settings

FOLDERS_OF_REPORTS = ("archive", "drafts", "each", "failed")
_SECRET_WORDS = ("password", "passwd", "token", "secret", "api_key", "apikey", "credential")


def settings_error(
    error: ValidationError, *, name: str, model: type[BaseModel] = Settings
) -> SettingsError:
    """Return what pydantic found in settings, or in one part of them, as sentences."""
    problems = [
        problem for detail in error.errors() for problem in settings_problems(detail, model=model)
    ]
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return SettingsError(f"{name}: {count}", problems)


def settings_problems(detail: ErrorDetails, *, model: type[BaseModel] = Settings) -> list[Problem]:
    """Return the problems that one finding of pydantic stands for."""
    where = [str(part) for part in detail["loc"] if not _is_union_arm(part)]
    if detail["type"] == "extra_forbidden":
        return [_unknown_name(where, model)]
    if detail["type"] == "value_error":
        place = f"{'.'.join(where)}: " if where else ""
        return [
            Problem(f"{place}{line}", "Change one of them.", rule="contradiction")
            for line in str(detail["ctx"]["error"]).splitlines()
        ]
    found = json.dumps(detail["input"], default=str)
    message = f"{'.'.join(where)}: {_lower_first(detail['msg'])}, found {found[:80]}"
    return [Problem(message, "See the settings page of the documentation.", rule="wrong value")]


def _is_union_arm(part: int | str) -> bool:
    return isinstance(part, str) and (
        part.startswith(("literal[", "constrained", "points["))
        or part in {"float", "int", "str", "bool"}
    )


def _unknown_name(where: Sequence[str], model: type[BaseModel]) -> Problem:
    key = ".".join(where)
    if any(word in where[-1].lower() for word in _SECRET_WORDS):
        return Problem(
            f"{key}: is no setting", "Secrets are never settings: name a profile.", rule="secret"
        )
    known = list(_names_at(model, where[:-1]))
    near = get_close_matches(where[-1], known, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(f"{key}: is no setting", fix, rule="unknown setting")


def _names_at(model: type[BaseModel], path: Sequence[str]) -> Iterable[str]:
    for part in path:
        if part.isdigit() or part not in model.model_fields:
            continue
        inner = model.model_fields[part].annotation
        parts = [
            arm
            for arm in (inner, *get_args(inner))
            if isinstance(arm, type) and issubclass(arm, BaseModel)
        ]
        if parts:
            model = parts[0]
    return model.model_fields


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


SETTINGS_FILE = "tierkit.toml"


def read_settings(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    changes: Mapping[str, object] | None = None,
) -> Settings:
    """Read a `tierkit.toml`, with settings from the command line put over it.

    Parameters
    ----------
    path
        The file, or the folder that holds it.
    overrides
        `KEY=VALUE`, KEY a dotted path (`stability.keep_band`, `tiers.0.capacity`), VALUE in TOML.
    changes
        The same as values by dotted path.

    Raises
    ------
    SettingsError
        With every problem at once: an absent or broken file, unknown names (with the nearest
        known one), wrong types, contradictions; also if a link lies where tierkit writes.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> run = example_run()
    >>> read_settings(run.settings.folder, overrides=["tiers.0.capacity=7"]).tiers[0].capacity
    7
    """
    file = Path(path)
    file = file / SETTINGS_FILE if file.is_dir() else file
    values = _load(file)
    for override in overrides:
        _put_over(values, override)
    for key, value in (changes or {}).items():
        _assign(values, key.split("."), value, f"{key}={value}")
    settings = parse_settings(values, name=file.name)
    settings._folder = file.resolve().parent
    refuse_links_inside(settings.scratch)
    _refuse_linked_reports(settings)
    _check_scenarios(settings)
    return settings


def _refuse_linked_reports(settings: Settings) -> None:
    """Refuse a folder of reports that a link in the project leads to, or that holds one itself."""
    reports = Path(os.path.normpath(settings.reports))
    refuse_links(reports, below=settings.folder)
    for name in FOLDERS_OF_REPORTS:
        refuse_links(reports / name, below=reports / name)


def scenario_settings(settings: Settings, scenario: ScenarioSettings) -> Settings:
    """Return the settings of a scenario: those of the project with its own put over them.

    Raises
    ------
    SettingsError
        If one of its keys or values cannot be set.
    """
    values = settings.model_dump(mode="json", exclude_none=True) | {"scenarios": []}
    for override in scenario.set:
        _put_over(values, override)
    found = parse_settings(values, name=f"scenario {scenario.name!r}")
    found._folder = settings.folder
    return found


def _check_scenarios(settings: Settings) -> None:
    names = [one.name for one in settings.scenarios]
    problems = [
        Problem(f"{name!r} is the name of two scenarios", "Give each a name of its own.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if AS_PROPOSED in names:
        said = f"{AS_PROPOSED!r} is what a run proposes, beside which scenarios stand"
        problems.append(Problem(said, "Give the scenario another name."))
    for one in settings.scenarios:
        try:
            scenario_settings(settings, one)
        except SettingsError as error:
            fix = "Write set = ['tiers.0.capacity=20'], KEY=VALUE as for --set."
            found = [
                replace(problem, message=f"scenario {one.name!r}: {problem.message}")
                for problem in error.problems
            ]
            problems += found or [Problem(f"scenario {one.name!r}: {error}", fix)]
    if problems:
        raise SettingsError(f"{SETTINGS_FILE}: scenarios", problems)


def parse_settings(values: Mapping[str, Any], *, name: str = SETTINGS_FILE) -> Settings:
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
        raise settings_error(error, name=name) from error


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
                f"setting {override}: {part!r} names nothing inside {'.'.join(path)}."
            )
        if last:
            place[step] = value
        else:
            place = place[step]


def settings_template() -> str:
    """Return the text of the `tierkit.toml` that a new project gets."""
    template = Path(__file__).parent / "templates" / SETTINGS_FILE
    return template.read_text(encoding="utf-8")
