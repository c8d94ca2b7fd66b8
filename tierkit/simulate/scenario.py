"""The arguments of a simulated CRM, its quarters and its streams of random numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tierkit.errors import SettingsError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BURN_IN_QUARTERS = 6
"""Quarters lived through before the data begin, so that there are customers on day one."""

QUARTERS_WITHOUT_TIERS = 4
"""Quarters at the start of the data in which nobody holds a tier."""

TierEffectOn = Literal["number of deals", "deal size"]
"""What a tier raises."""

QUARTERS_AFTER_END = 12
"""Quarters known to the calendar after the data end: where open deals will close."""

STREAMS = (
    "company", "drift", "base deals", "extra deals", "renewals", "inbound", "outbound",
    "score", "overrides", "contracts", "stages", "contacts", "lines", "signals", "costs", "dirt",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """The arguments of `tierkit.simulate.simulate_crm`, checked."""

    accounts: int
    quarters: int
    seed: int
    tier_effect: float
    effort_bias: float
    dirty: bool
    first_quarter_start: date
    tier_2_effect: float | None = None
    tier_effect_on: TierEffectOn = "number of deals"
    tier_effect_ramp: int = 1

    def __post_init__(self) -> None:
        """Refuse arguments that no company could have, all at once."""
        bounds = {
            f"accounts must be at least 20; found {self.accounts}": self.accounts >= 20,
            f"quarters must be at least 6; found {self.quarters}": self.quarters >= 6,
            f"seed must not be negative; found {self.seed}": self.seed >= 0,
            f"tier_effect must be from 0 to 5; found {self.tier_effect}": 0
            <= self.tier_effect
            <= 5,
            f"effort_bias must be from 1 to 20; found {self.effort_bias}": (
                1 <= self.effort_bias <= 20
            ),
            f"tier_effect_on must be one of {get_args(TierEffectOn)}; found "
            f"{self.tier_effect_on!r}": self.tier_effect_on in get_args(TierEffectOn),
            f"tier_effect_ramp must be at least 1; found {self.tier_effect_ramp}": (
                self.tier_effect_ramp >= 1
            ),
            f"first_quarter_start must be the first day of a month; found "
            f"{self.first_quarter_start}": self.first_quarter_start.day == 1,
        }
        problems = [sentence for sentence, holds in bounds.items() if not holds]
        if problems:
            raise SettingsError("simulate: " + "; ".join(problems))

    @cached_property
    def bounds(self) -> IntArray:
        """First days of the quarters (days since 1970), burn-in first, some after the end."""
        first_month = np.datetime64(self.first_quarter_start, "M")
        number = np.arange(self.steps + QUARTERS_AFTER_END) - BURN_IN_QUARTERS
        return (first_month + 3 * number).astype("datetime64[D]").astype(np.int64)

    @property
    def steps(self) -> int:
        """Quarters lived through, burn-in and data together."""
        return BURN_IN_QUARTERS + self.quarters

    @property
    def start(self) -> int:
        """First day of the data, in days since 1970."""
        return int(self.bounds[BURN_IN_QUARTERS])

    @property
    def end(self) -> int:
        """First day after the data, in days since 1970."""
        return int(self.bounds[self.steps])

    @property
    def capacities(self) -> tuple[int, int]:
        """Places in Tier 1 and Tier 2; small companies have fewer."""
        if self.accounts >= 1000:
            return 15, 300
        return max(3, round(0.0075 * self.accounts)), max(10, round(0.15 * self.accounts))

    @property
    def effect_factors(self) -> FloatArray:
        """The factor of each tier on new and expansion revenue, once whole: none, 1, 2, 3."""
        middle = self.tier_effect / 2 if self.tier_2_effect is None else self.tier_2_effect
        return np.array([1.0, 1.0 + self.tier_effect, 1.0 + middle, 1.0])

    def effects_after(self, quarters_held: IntArray, tier: IntArray) -> FloatArray:
        """Return what a tier adds to accounts that held it for so many quarters, this one too."""
        whole = self.effect_factors[tier] - 1.0
        return whole * np.minimum(1.0, quarters_held / self.tier_effect_ramp)

    @property
    def effort_factors(self) -> FloatArray:
        """The factor of each tier on the outbound effort of an account: none, 1, 2, 3."""
        return np.array([1.0, self.effort_bias, np.sqrt(self.effort_bias), 1.0])

    @property
    def fiscal_year_starts(self) -> int:
        """Month in which the fiscal year starts: the earliest that fits the quarters."""
        return (self.first_quarter_start.month - 1) % 3 + 1

    def first_day(self, step: int) -> int:
        """First day of a quarter, in days since 1970."""
        return int(self.bounds[step])

    def quarter_of(self, days: IntArray) -> IntArray:
        """Return the step of the quarter in which each day lies."""
        return np.searchsorted(self.bounds, days, side="right").astype(np.int64) - 1

    def season_of(self, step: int) -> int:
        """Return 0 for the fiscal year's first quarter … 3 for its last."""
        month = int(np.datetime64(self.first_day(step), "D").astype("datetime64[M]").astype(int))
        return ((month - self.fiscal_year_starts + 1) % 12) // 3

    def label(self, step: int) -> str:
        """Name a quarter as `2026Q3`, with FY where the fiscal year is not the calendar year."""
        day = np.datetime64(self.first_day(step), "D").astype(object)
        if self.fiscal_year_starts == 1:
            return f"{day.year}Q{self.season_of(step) + 1}"
        year = day.year + int(day.month >= self.fiscal_year_starts)
        return f"FY{year}Q{self.season_of(step) + 1}"

    def rng(self, stream: str, step: int = 0) -> np.random.Generator:
        """Return the random numbers of one part of the simulation in one quarter."""
        return np.random.default_rng([self.seed, STREAMS.index(stream), step])

    def arguments(self) -> dict[str, Any]:
        """Return the arguments as JSON can hold them."""
        asked = asdict(self) | {"first_quarter_start": self.first_quarter_start.isoformat()}
        return {name: value for name, value in asked.items() if value is not None}


def on_weekdays(days: IntArray, *, floor: IntArray, rng: np.random.Generator) -> IntArray:
    """Move Saturdays and Sundays to a day of the week before, unless that lies before `floor`."""
    weekday = (days + 3) % 7
    moved = days - (weekday - 4) - rng.integers(0, 5, size=len(days))
    return np.where((weekday >= 5) & (moved >= floor), moved, days)


def to_dates(days: IntArray) -> NDArray[np.datetime64]:
    """Turn days since 1970 into timestamps at midnight; negative days are missing."""
    stamps = days.astype("datetime64[D]").astype("datetime64[us]")
    stamps[days < 0] = np.datetime64("NaT")
    return stamps
