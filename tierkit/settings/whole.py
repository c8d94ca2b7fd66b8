"""All settings of a project, and what they must agree on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, PrivateAttr, model_validator

from tierkit.calendar import FiscalCalendar
from tierkit.settings.card import CardSettings
from tierkit.settings.parts import (
    DEFAULT_TIERS,
    CalendarSettings,
    CheckSettings,
    DataSettings,
    DecisionSettings,
    EngineName,
    FeatureSettings,
    HookSettings,
    IcpSettings,
    KeepSettings,
    ModelSettings,
    Part,
    PushSettings,
    RoiSettings,
    Role,
    RunSettings,
    ScenarioSettings,
    StabilitySettings,
    Tier,
    TieringSettings,
)
from tierkit.settings.serving import EffortSettings, EngagementSettings, ReadinessSettings
from tierkit.settings.target import CustomerSettings, TargetSettings
from tierkit.settings.tier_rules import hours_problems, tier_problems

SCRATCH = ".tierkit"
"""The folder beside `tierkit.toml` in which tierkit works."""


_UNSEEN: dict[str, set[str] | bool] = {
    "run": {"reports", "time_limit_seconds", "formats"},
    "data": {"source", "profile", "timeout_seconds", "engine", "memory_mb", "most_unpacked_mb"},
    "hooks": True,
    "push": True,
    "keep": True,
}
"""Paths and limits, which change no number."""
CRITERIA_SECTIONS = ("data", "calendar", "target", "features")
"""The sections that a criterion may rest on; the others only choose among criteria."""


class Settings(Part):
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
    card: CardSettings = CardSettings()
    tiers: tuple[Tier, ...] = DEFAULT_TIERS
    tiering: TieringSettings = TieringSettings()
    roles: dict[str, Role] = Field(default_factory=dict)
    stability: StabilitySettings = StabilitySettings()
    effort: EffortSettings = EffortSettings()
    engagement: EngagementSettings = EngagementSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    roi: RoiSettings = RoiSettings()
    decision: DecisionSettings = DecisionSettings()
    customers: CustomerSettings = CustomerSettings()
    checks: CheckSettings = CheckSettings()
    run: RunSettings = RunSettings()
    hooks: HookSettings = HookSettings()
    push: PushSettings = PushSettings()
    keep: KeepSettings = KeepSettings()
    scenarios: tuple[ScenarioSettings, ...] = ()
    _folder: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Settings:
        problems = [
            *tier_problems(self.tiers, tiering=self.tiering),
            *_role_problems(self.tiers, self.roles),
            *hours_problems(self.tiers, roles=self.roles),
            *_card_problems(self.model, self.card),
            *_named_tier_problems(self),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def with_engine(self, engine: EngineName) -> Settings:
        """Return the same settings with another engine."""
        changed: Settings = self.model_copy(
            update={"data": self.data.model_copy(update={"engine": engine})}
        )
        return changed

    @property
    def folder(self) -> Path:
        """The folder of the file; relative paths start here."""
        return self._folder

    @property
    def source(self) -> Path:
        """The folder or file that holds the tables."""
        return self._folder / self.data.source

    @property
    def source_in_words(self) -> str:
        """The folder or file of the tables, or the profile of their database."""
        profile = self.data.profile
        return f"the database of the profile {profile}" if profile else str(self.source)

    @property
    def reports(self) -> Path:
        """The folder that runs publish into."""
        return self._folder / self.run.reports

    @property
    def scratch(self) -> Path:
        """The folder for work in progress: locks, runs under way, results of checks."""
        return self._folder / SCRATCH

    @property
    def fiscal_calendar(self) -> FiscalCalendar:
        """The quarters of the company."""
        return self.calendar.fiscal_calendar

    @property
    def module_hash(self) -> str:
        """A hash of the file that `features.module` names; empty where there is none."""
        file = self.folder / self.features.module
        if not self.features.module or not file.is_file():
            return ""
        return hashlib.sha256(file.read_bytes()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """A short hash of every setting that can change a number (paths and limits cannot)."""
        return self._hash_of(self.model_dump(mode="json", exclude=_UNSEEN))

    @property
    def criteria_fingerprint(self) -> str:
        """A short hash of the settings that can change a criterion, beside the rows themselves."""
        sections = {*CRITERIA_SECTIONS}
        return self._hash_of(self.model_dump(mode="json", include=sections, exclude=_UNSEEN))

    def _hash_of(self, values: dict[str, object]) -> str:
        if self.module_hash:
            values["module"] = self.module_hash
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _role_problems(tiers: Sequence[Tier], roles: Mapping[str, Role]) -> list[str]:
    named = {entitlement.role for tier in tiers for entitlement in tier.entitlements}
    return [
        f"roles: an entitlement names the role {role!r}, but there is no [roles.{role}]"
        for role in sorted(named - set(roles))
    ]


def _card_problems(model: ModelSettings, card: CardSettings) -> list[str]:
    if model.kind == "fitted card":
        return []
    problems = []
    if not card.criteria:
        problems.append("card: model.kind is 'rules card', but there is no [[card.criteria]]")
    if card.edits:
        problems.append("card.edits: they change a fitted card; change [[card.criteria]] instead")
    return problems


def _named_tier_problems(settings: Settings) -> list[str]:
    """Return where a setting names a tier that there is not."""
    there = [tier.name for tier in settings.tiers]
    named = [("readiness.fresh_days", name) for name in settings.readiness.fresh_days]
    named += [("push.salesforce.values", name) for name in settings.push.salesforce.values]
    named += [("push.hubspot.values", name) for name in settings.push.hubspot.values]
    if settings.engagement.tier is not None:
        named.append(("engagement.tier", settings.engagement.tier))
    return [
        f"{key}: there is no tier {name!r}; there are {', '.join(there)}"
        for key, name in named
        if name not in there
    ]
