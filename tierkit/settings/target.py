"""The target of the prediction: what is predicted, and what an account's tier is cut on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from tierkit.settings.parts import Part

RevenueType = Literal["new", "expansion", "renewal", "refund", "exclude"]
Measure = Literal["revenue", "margin", "annual"]
ValuePart = Literal["new", "expansion", "renewals"]
VALUE_PARTS: tuple[ValuePart, ...] = ("new", "expansion", "renewals")
"""Parts of an account's value: predicted revenue of prospects, of customers, expected renewals."""
NEW_AND_EXPANSION: Literal["new and expansion"] = "new and expansion"
Value = (
    Literal["new and expansion", "all revenue", "margin"]
    | dict[ValuePart, Annotated[float, Field(ge=0)]]
)


class TargetSettings(Part):
    """Target of the prediction: its horizon, and the revenue types of deals."""

    horizon_quarters: Annotated[int, Field(ge=1, le=12)] = 4
    revenue_types: dict[str, RevenueType] = Field(default_factory=dict)
    measure: Measure = "revenue"
    value: Value = NEW_AND_EXPANSION
    unit: Literal["account", "ultimate_parent"] = "account"

    @field_validator("value")
    @classmethod
    def _some_part_counts(cls, value: Value) -> Value:
        if isinstance(value, dict) and not any(weight > 0 for weight in value.values()):
            raise ValueError("no part has a weight above 0: every account would be worth nothing")
        return value

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each part of an account's value."""
        if isinstance(self.value, dict):
            return {part: self.value.get(part, 0.0) for part in VALUE_PARTS}
        renewals = 0.0 if self.value == NEW_AND_EXPANSION else 1.0
        return {**dict.fromkeys(VALUE_PARTS, 1.0), "renewals": renewals}


class CustomerSettings(Part):
    """The list of customers at risk: its length."""

    at_risk_list: Annotated[int, Field(ge=1, le=1_000)] = 20
