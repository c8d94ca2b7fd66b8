"""`tierkit.toml`, read once into a frozen object; every problem in it is reported at once."""

from __future__ import annotations

from tierkit.settings.card import CardCriterion, CardEdit, CardSettings
from tierkit.settings.parts import (
    DEFAULT_TIERS,
    CalendarSettings,
    CheckSettings,
    DataSettings,
    DecisionSettings,
    EffortSettings,
    EngagementSettings,
    Entitlement,
    FeatureSettings,
    HookSettings,
    IcpSettings,
    Measure,
    ModelSettings,
    ReadinessSettings,
    RevenueType,
    RoiSettings,
    Role,
    RunSettings,
    StabilitySettings,
    TargetSettings,
    Tier,
    TieringSettings,
)
from tierkit.settings.reading import SETTINGS_FILE, parse_settings, read_settings
from tierkit.settings.whole import Settings

__all__ = [
    "DEFAULT_TIERS",
    "SETTINGS_FILE",
    "CalendarSettings",
    "CardCriterion",
    "CardEdit",
    "CardSettings",
    "CheckSettings",
    "DataSettings",
    "DecisionSettings",
    "EffortSettings",
    "EngagementSettings",
    "Entitlement",
    "FeatureSettings",
    "HookSettings",
    "IcpSettings",
    "Measure",
    "ModelSettings",
    "ReadinessSettings",
    "RevenueType",
    "RoiSettings",
    "Role",
    "RunSettings",
    "Settings",
    "StabilitySettings",
    "TargetSettings",
    "Tier",
    "TieringSettings",
    "parse_settings",
    "read_settings",
]
