"""The tables of `tierkit.toml`, each frozen and strict about names and types."""

from __future__ import annotations

import codecs
from calendar import day_name
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tierkit.calendar import FiscalCalendar, YearEnd
from tierkit.errors import SettingsError
from tierkit.settings.rules import Rule

_YEAR_END = r"^(last|nearest) (Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day$"
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Scalar = str | int | float | bool
Preset = Literal["salesforce", "salesforce_fivetran", "hubspot", "hubspot_fivetran"]
ModelKind = Literal["fitted card", "rules card"]
EngineName = Literal["duckdb", "polars", "spark"]
CardLength = Literal["full", "short"]


def _readable(text: str) -> None:
    try:
        Rule(text)
    except SettingsError as error:
        raise ValueError(str(error)) from error


class Part(BaseModel):
    """A table of `tierkit.toml`: frozen, and strict about names and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Give what was set; defaults would hide it."""
        return [one for one in super().__repr_args__() if one[0] in self.model_fields_set]


class DataSettings(Part):
    """Place of the tables, and names and readings of their columns."""

    source: str = "data"
    engine: EngineName = "duckdb"
    profile: str = ""
    timeout_seconds: Annotated[int, Field(ge=1)] = 600
    memory_mb: Annotated[int, Field(ge=50)] | None = None
    preset: Preset | None = None
    most_unpacked_mb: Annotated[int, Field(ge=1)] = 2_000
    date_order: Literal["day-first", "month-first", "year-first"] | None = None
    decimal: Literal["comma", "point"] | None = None
    timezone: str | None = None
    columns: dict[str, dict[str, str]] = {}
    tables: dict[str, str | tuple[str, ...]] = {}
    sheets: dict[str, str | tuple[str, ...]] = {}
    fill_down: dict[str, tuple[str, ...]] = {}
    scale: dict[str, dict[str, Positive | Literal["smallest unit"]]] = {}
    only_with: dict[str, str] = {}
    only_without: dict[str, str] = {}
    several_companies: Literal["primary", "first", "split"] = "primary"
    encoding: str | None = None
    constants: dict[str, dict[str, Scalar]] = {}
    values: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, encoding: str | None) -> str | None:
        try:
            codecs.lookup(encoding or "utf-8")
        except LookupError:
            raise ValueError(f"{encoding!r} is no encoding that Python knows") from None
        return encoding

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, timezone: str | None) -> str | None:
        if timezone is not None and timezone not in available_timezones():
            near = get_close_matches(timezone, available_timezones(), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{timezone!r} is no time zone{hint}")
        return timezone


class CalendarSettings(Part):
    """The fiscal year and the reporting currency."""

    fiscal_year_starts: Annotated[int, Field(ge=1, le=12)] = 1
    fiscal_year_starts_on: Annotated[int, Field(ge=1, le=28)] = 1
    fiscal_year_named_by: Literal["end", "start"] = "end"
    weeks: Literal["4-4-5", "4-5-4", "5-4-4"] | None = None
    year_ends: Annotated[str, Field(pattern=_YEAR_END)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"

    @model_validator(mode="after")
    def _weeks_are_whole(self) -> CalendarSettings:
        if self.weeks is not None and self.fiscal_year_starts_on != 1:
            raise ValueError("fiscal_year_starts_on: a year of whole weeks ends by year_ends")
        if self.weeks is None and self.year_ends is not None:
            raise ValueError('year_ends: only a year of weeks has it; set weeks, such as "4-4-5"')
        return self

    @property
    def fiscal_calendar(self) -> FiscalCalendar:
        """The quarters of the company."""
        rule, weekday = (self.year_ends or "last Saturday").split()
        end = YearEnd("last" if rule == "last" else "nearest", [*day_name].index(weekday))
        return FiscalCalendar(
            starts=self.fiscal_year_starts,
            named_by=self.fiscal_year_named_by,
            first_day=self.fiscal_year_starts_on,
            year_end=None if self.weeks is None else end,
        )


class IcpSettings(Part):
    """Accounts that can be tiered at all: those that meet every rule of `where`."""

    where: tuple[str, ...] = ()

    @field_validator("where")
    @classmethod
    def _rules_can_be_read(cls, where: tuple[str, ...]) -> tuple[str, ...]:
        for text in where:
            _readable(text)
        return where


class FeatureSettings(Part):
    """Columns that become criteria in addition to the standard ones.

    `module` is a file of the project and `packages` are entry points (`tierkit.features`) of
    installed packages with criteria of one's own; neither is run unless it is named here.
    """

    account_columns: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    module: str = ""
    packages: tuple[str, ...] = ()


class ModelSettings(Part):
    """Model that ranks the accounts, and the fitting of the points card.

    `packages` are entry points (`tierkit.models`) of installed packages with own models.
    """

    kind: ModelKind = "fitted card"
    card: CardLength = "full"
    bags: Annotated[int, Field(ge=1, le=64)] = 8
    max_bins: Annotated[int, Field(ge=4, le=256)] = 16
    max_training_rows: Annotated[int, Field(ge=100)] = 100_000
    favourite_criteria: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    backtest_quarter_ends: Annotated[int, Field(ge=1, le=40)] = 6
    shuffled_refits: Annotated[int, Field(ge=0, le=199)] = 19
    most_bags: Annotated[int, Field(ge=1, le=256)] = 32
    seed: int = 1


class Entitlement(Part):
    """Service that each account of a tier gets in a quarter."""

    activity: str
    counts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    role: str
    per_quarter: Positive
    hours: Annotated[float, Field(ge=0)]
    cost: Annotated[float, Field(ge=0)] = 0.0


class Tier(Part):
    """One tier: at most one rule of size and one written by hand; without any it takes the rest.

    `capacity` (with `capacities` by group) is a head count, `share` a part of the accounts in
    scope, `line` the predicted revenue from which on accounts belong, `revenue_share` the part of
    predicted revenue that its accounts hold together. `where` lets in only accounts that meet it.
    """

    name: Annotated[str, Field(min_length=1)]
    label: str = ""
    capacity: Annotated[int, Field(ge=0)] | None = None
    capacities: dict[str, Annotated[int, Field(ge=0)]] = {}
    share: Share | None = None
    line: Positive | None = None
    revenue_share: Share | None = None
    where: str | None = None
    max_per_owner: Annotated[int, Field(ge=1)] | None = None
    min_quarters: Annotated[int, Field(ge=0)] | None = None
    entitlements: Annotated[tuple[Entitlement, ...], Field(strict=False)] = ()

    @field_validator("where")
    @classmethod
    def _rule_can_be_read(cls, where: str | None) -> str | None:
        if where is not None:
            _readable(where)
        return where

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the rules of size that are set; more than one contradict each other."""
        rules = ("capacity", "share", "line", "revenue_share")
        return tuple(rule for rule in rules if getattr(self, rule) is not None)

    @property
    def takes_rest(self) -> bool:
        """Return whether no rule limits the tier."""
        return not self.sizes and self.where is None


class Role(Part):
    """The people of one role and the hours that they have in a quarter."""

    people: Annotated[float, Field(ge=0)]
    hours_per_person: Annotated[float, Field(ge=0)]
    cost_per_hour: Annotated[float, Field(ge=0)] = 0.0

    @property
    def hours(self) -> float:
        """The hours of all its people in a quarter; 0 where nobody has said."""
        return self.people * self.hours_per_person


class TieringSettings(Part):
    """In which groups of accounts the tiers are filled, each group by itself."""

    within: Literal["territory", "segment", "region", "country", "industry"] | None = None
    new_and_expansion_apart: bool = False


class StabilitySettings(Part):
    """Limits that keep tiers from changing for no reason."""

    keep_band: Annotated[float, Field(ge=1)] = 1.25
    min_quarters: Annotated[int, Field(ge=0)] = 2
    max_moves_share: Share = 0.2


class RoiSettings(Part):
    """Comparison of tiers: the outcome, and the effect worth having."""

    outcome_quarters: Annotated[int, Field(ge=1, le=8)] = 1
    worth_having: Literal["break-even"] | Positive = "break-even"
    certificate_worlds: Annotated[int, Field(ge=0, le=1_000)] = 100
    band_share: Annotated[float, Field(gt=0, le=1)] = 0.2


Subject = Literal["tiers", "effort", "overrides", "treatment", "data"]
DECISION_OWNERS: dict[Subject, str] = {
    "tiers": "chief revenue officer",
    "effort": "head of sales",
    "overrides": "head of sales",
    "treatment": "chief revenue officer",
    "data": "revenue operations",
}
"""Those who decide, by what is decided."""


class DecisionSettings(Part):
    """Rules for the present model, and the owners and term of the decisions of a report."""

    refit_after_quarters: Annotated[int, Field(ge=1)] = 4
    recalibrate_beyond: Annotated[float, Field(gt=0)] = 0.15
    within_days: Annotated[int, Field(ge=1)] = 14
    owners: dict[Subject, str] = DECISION_OWNERS


class CheckSettings(Part):
    """When data are remarked on, and which remarks stop a run."""

    block: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    accept_left_out: tuple[str, ...] = ()
    stale_days: Annotated[int, Field(ge=1)] = 45
    quarter_volume: Annotated[float, Field(gt=1)] = 2.0
    largest_account_share: Share = 1 / 3
    missing_share: Share = 0.5
    not_updated_share: Share = 0.25


class RunSettings(Part):
    """Published folder of a run, and its limits."""

    title: str = ""
    reports: str = "reports"
    min_group: Annotated[int, Field(ge=1)] = 5
    name_accounts: bool = False
    time_limit_seconds: Annotated[float, Field(gt=0)] = 600.0
    formats: tuple[Literal["pdf", "slides"], ...] = ("pdf",)


class KeepSettings(Part):
    """Limits by age and number of what `tierkit clean` leaves: failed runs, archive, cache."""

    failed_days: Positive = 90.0
    failed_most: Annotated[int, Field(ge=0)] = 20
    archive_days: Positive = 3650.0
    archive_most: Annotated[int, Field(ge=0)] = 80
    cache_days: Positive = 90.0


AS_PROPOSED = "as proposed"
"""Name of what a run proposes, beside which scenarios stand."""


class ScenarioSettings(Part):
    """A what-if that every run computes beside what it proposes: its name and what differs."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    set: tuple[str, ...]


class PushTarget(Part):
    """The one field of the CRM that `tierkit push` may write: `field` of records of `object`.

    `id_column` names the column of `accounts` that holds the record's id, `values` what the field
    is to hold for a tier where that is not the tier's name.
    """

    object: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]*$")]
    field: Annotated[str, Field(pattern="^([A-Za-z][A-Za-z0-9_]*)?$")] = ""
    id_column: Annotated[str, Field(min_length=1)] = "account_id"
    values: dict[str, Annotated[str, Field(min_length=1)]] = {}


class SalesforcePush(PushTarget):
    """The field in Salesforce, by its API name."""

    object: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")] = "Account"


class HubSpotPush(PushTarget):
    """The property in HubSpot, by its internal name."""

    object: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "companies"


class PushSettings(Part):
    """CRMs that accepted tiers are written to."""

    salesforce: SalesforcePush = SalesforcePush()
    hubspot: HubSpotPush = HubSpotPush()


class HookSettings(Part):
    """Commands that are told how a run ended: a program and its arguments, never a shell's line."""

    on_success: tuple[str, ...] = ()
    on_failure: tuple[str, ...] = ()


DEFAULT_TIERS = (
    Tier(name="Tier 1", label="Strategic", capacity=15),
    Tier(name="Tier 2", label="Growth", capacity=300),
    Tier(name="Tier 3", label="Standard"),
)

Days = Annotated[int, Field(ge=1)]
