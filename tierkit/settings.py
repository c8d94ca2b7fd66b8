"""`tierkit.toml`, read once into a frozen object; every problem in it is reported at once."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from tierkit.calendar import FiscalCalendar
from tierkit.errors import Problem, SettingsError
from tierkit.rules import Rule

FILE_NAME = "tierkit.toml"
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Scalar = str | int | float | bool
_SECRET_WORDS = ("password", "passwd", "token", "secret", "api_key", "apikey", "credential")


class _Part(BaseModel):
    """A table of `tierkit.toml`: frozen, and strict about names and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Preset = Literal["salesforce", "salesforce_fivetran", "hubspot", "hubspot_fivetran"]


class DataSettings(_Part):
    """Where the tables lie and how their columns are named."""

    source: str = "data"
    preset: Preset | None = None
    date_order: Literal["day-first", "month-first"] | None = None
    decimal: Literal["comma", "point"] | None = None
    timezone: str | None = None
    columns: dict[str, dict[str, str]] = {}
    tables: dict[str, str] = {}
    constants: dict[str, dict[str, Scalar]] = {}
    values: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, timezone: str | None) -> str | None:
        if timezone is not None and timezone not in available_timezones():
            near = get_close_matches(timezone, available_timezones(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{timezone!r} is no time zone{hint}")
        return timezone


class CalendarSettings(_Part):
    """The fiscal year and the reporting currency."""

    fiscal_year_starts: Annotated[int, Field(ge=1, le=12)] = 1
    fiscal_year_named_by: Literal["end", "start"] = "end"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"


RevenueType = Literal["new", "expansion", "renewal", "exclude"]
Measure = Literal["revenue", "margin", "annual"]


class TargetSettings(_Part):
    """What is predicted: how far ahead, and which deals count as what."""

    horizon_quarters: Annotated[int, Field(ge=1, le=12)] = 4
    revenue_types: dict[str, RevenueType] = {}
    measure: Measure = "revenue"
    unit: Literal["account", "ultimate_parent"] = "account"


class IcpSettings(_Part):
    """Which accounts can be tiered at all: those that meet every rule of `where`."""

    where: tuple[str, ...] = ()

    @field_validator("where")
    @classmethod
    def _rules_can_be_read(cls, where: tuple[str, ...]) -> tuple[str, ...]:
        for text in where:
            try:
                Rule(text)
            except SettingsError as error:
                raise ValueError(str(error)) from error
        return where


class FeatureSettings(_Part):
    """Which columns become criteria beside the standard ones."""

    account_columns: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


class ModelSettings(_Part):
    """How the points card is fitted."""

    bags: Annotated[int, Field(ge=1, le=64)] = 8
    max_bins: Annotated[int, Field(ge=4, le=256)] = 16
    max_training_rows: Annotated[int, Field(ge=100)] = 100_000
    backtest_quarter_ends: Annotated[int, Field(ge=1, le=40)] = 6
    seed: int = 1


class Entitlement(_Part):
    """What each account of a tier gets in a quarter."""

    activity: str
    role: str
    per_quarter: Positive
    hours: Annotated[float, Field(ge=0)]
    cost: Annotated[float, Field(ge=0)] = 0.0


class Tier(_Part):
    """One tier; without a capacity it takes the rest."""

    name: Annotated[str, Field(min_length=1)]
    label: str = ""
    capacity: Annotated[int, Field(ge=0)] | None = None
    entitlements: tuple[Entitlement, ...] = ()


class Role(_Part):
    """The people of one role and the hours that they have in a quarter."""

    people: Annotated[float, Field(ge=0)]
    hours_per_person: Annotated[float, Field(ge=0)]
    cost_per_hour: Annotated[float, Field(ge=0)] = 0.0


class StabilitySettings(_Part):
    """What keeps tiers from changing for no reason."""

    keep_band: Annotated[float, Field(ge=1)] = 1.25
    min_quarters: Annotated[int, Field(ge=0)] = 2
    max_moves_share: Share = 0.2


class RoiSettings(_Part):
    """How tiers are compared."""

    outcome_quarters: Annotated[int, Field(ge=1, le=8)] = 1
    worth_having: Literal["break-even"] | Positive = "break-even"
    certificate_worlds: Annotated[int, Field(ge=0, le=1_000)] = 100


class CheckSettings(_Part):
    """When data are remarked on, and which remarks stop a run."""

    block: tuple[str, ...] = ()
    stale_days: Annotated[int, Field(ge=1)] = 45
    quarter_volume: Annotated[float, Field(gt=1)] = 2.0
    largest_account_share: Share = 1 / 3
    missing_share: Share = 0.5


class RunSettings(_Part):
    """Where a run publishes and what it must keep to."""

    title: str = ""
    reports: str = "reports"
    min_group: Annotated[int, Field(ge=1)] = 5
    time_limit_seconds: Annotated[float, Field(gt=0)] = 600.0


DEFAULT_TIERS = (
    Tier(name="Tier 1", label="Strategic", capacity=15),
    Tier(name="Tier 2", label="Growth", capacity=300),
    Tier(name="Tier 3", label="Standard"),
)


class Settings(_Part):
    """All settings of a project.

    Examples
    --------
    >>> settings = Settings()
    >>> [(tier.name, tier.capacity) for tier in settings.tiers]
    [('Tier 1', 15), ('Tier 2', 300), ('Tier 3', None)]
    """

    data: DataSettings = DataSettings()
    calendar: CalendarSettings = CalendarSettings()
    target: TargetSettings = TargetSettings()
    icp: IcpSettings = IcpSettings()
    features: FeatureSettings = FeatureSettings()
    model: ModelSettings = ModelSettings()
    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    roles: dict[str, Role] = {}
    stability: StabilitySettings = StabilitySettings()
    roi: RoiSettings = RoiSettings()
    checks: CheckSettings = CheckSettings()
    run: RunSettings = RunSettings()
    _folder: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Settings:
        problems = [*_tier_problems(self.tiers), *_role_problems(self.tiers, self.roles)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def folder(self) -> Path:
        """The folder of the file; relative paths start here."""
        return self._folder

    @property
    def source(self) -> Path:
        """The folder or file that holds the tables."""
        return self._folder / self.data.source

    @property
    def reports(self) -> Path:
        """The folder that runs publish into."""
        return self._folder / self.run.reports

    @property
    def scratch(self) -> Path:
        """The folder for work in progress: locks, runs under way, results of checks."""
        return self._folder / ".tierkit"

    @property
    def fiscal_calendar(self) -> FiscalCalendar:
        """The quarters of the company."""
        return FiscalCalendar(
            starts=self.calendar.fiscal_year_starts, named_by=self.calendar.fiscal_year_named_by
        )

    @property
    def fingerprint(self) -> str:
        """A short hash of every setting that can change a number (paths and limits cannot)."""
        values = self.model_dump(
            mode="json", exclude={"run": {"reports", "time_limit_seconds"}, "data": {"source"}}
        )
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


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
        return Settings.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        problems = [problem for detail in error.errors() for problem in _problems(detail)]
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise SettingsError(f"{name}: {count}", problems) from error


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: no such file. `tierkit init DIR` makes a project with one; -f names another."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
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
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"--set {override}: {text!r} is no TOML value. "
            f"Text needs quotes: --set '{key}=\"{text}\"'."
        ) from error
    _assign(values, path, value, override)


def _assign(values: dict[str, Any], path: Sequence[str], value: object, override: str) -> None:
    place: Any = values
    for part, following in zip(path, [*path[1:], ""], strict=True):
        last = not following
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
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


def _problems(detail: ErrorDetails) -> list[Problem]:
    where = [str(part) for part in detail["loc"] if not _is_union_arm(part)]
    if detail["type"] == "extra_forbidden":
        return [_unknown_name(where)]
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
        part.startswith(("literal[", "constrained")) or part in {"float", "int", "str", "bool"}
    )


def _unknown_name(where: Sequence[str]) -> Problem:
    key = ".".join(where)
    if any(word in where[-1].lower() for word in _SECRET_WORDS):
        return Problem(
            f"{key}: is no setting", "Secrets are never settings: name a profile.", rule="secret"
        )
    known = list(_names_at(Settings, where[:-1]))
    near = get_close_matches(where[-1], known, n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(f"{key}: is no setting", mend, rule="unknown setting")


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


def _tier_problems(tiers: Sequence[Tier]) -> list[str]:
    names = [tier.name for tier in tiers]
    problems = [
        f"tiers: the name {name!r} is given twice"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if not tiers:
        problems.append("tiers: there is none")
    problems += [
        f"tiers: {tier.name!r} has no capacity and is not the last; it would take all the rest"
        for tier in tiers[:-1]
        if tier.capacity is None
    ]
    return problems


def _role_problems(tiers: Sequence[Tier], roles: Mapping[str, Role]) -> list[str]:
    named = {entitlement.role for tier in tiers for entitlement in tier.entitlements}
    return [
        f"roles: an entitlement names the role {role!r}, but there is no [roles.{role}]"
        for role in sorted(named - set(roles))
    ]


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
