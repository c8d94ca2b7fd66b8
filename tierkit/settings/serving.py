"""Settings of how accounts are served: effort, engagement, readiness."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tierkit.settings.parts import Days, Part, Positive, Share

Source = Literal[
    "contacts", "account_history", "signals", "opportunities", "contracts", "activities"
]


class EffortSettings(Part):
    """Comparison of the effort that accounts received with their value."""

    gross_margin: Annotated[float, Field(gt=0, le=1)] | None = None
    quarters: Annotated[int, Field(ge=1, le=12)] = 4
    over_served: Annotated[float, Field(gt=1)] = 2.0
    under_served: Annotated[float, Field(gt=0, lt=1)] = 0.5
    alike_share: Share = 0.2


class EngagementSettings(Part):
    """When an account of the programmatic tier counts as marketing qualified (MQA)."""

    tier: str | None = None
    half_life_days: Positive = 30.0
    points: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    min_contacts: Annotated[int, Field(ge=0)] = 2
    contact_days: Days = 90
    quiet_days: Days = 90
    outcome: Literal["opportunity", "win"] = "opportunity"
    outcome_days: Days = 90
    weeks: Annotated[int, Field(ge=8, le=520)] = 104
    precision: Annotated[float, Field(gt=0, lt=1)] | None = None
    weekly_capacity: Positive | None = None

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> EngagementSettings:
        if self.precision is not None and self.weekly_capacity is not None:
            raise ValueError(
                "precision and weekly_capacity are both set, and each alone decides the threshold"
            )
        return self


class ReadinessSettings(Part):
    """Facts that must be known of an account before people can serve it."""

    fresh_days: dict[str, Days] = Field(default_factory=dict)
    sources: tuple[Source, ...] = (
        "contacts",
        "account_history",
        "signals",
        "opportunities",
        "contracts",
    )
    required_roles: tuple[str, ...] = ()
    engaged_days: Days = 92
    qualified_stages: tuple[str, ...] = ()
