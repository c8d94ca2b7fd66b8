"""Touches in both directions: visits that rise before deals, and the effort that tiers decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.simulate.company import Company, exposure
from tierkit.simulate.scenario import FloatArray, IntArray, Scenario, on_weekdays

INBOUND = ("web visit", "content download", "webinar", "demo request")
OUTBOUND = ("email", "call", "meeting", "executive meeting")
ACTIVITY_TYPES = (*INBOUND, *OUTBOUND)

OUTBOUND_PER_QUARTER = 2.4
"""Mean outbound touches of an account in Tier 3, or without a tier, in a full quarter."""

OUTBOUND_MINUTES = np.array([6, 14, 50, 90])
OUTBOUND_COSTS = np.array([22.0, 70.0, 650.0, 3_000.0])

_PLAIN_MIX = np.array([0.60, 0.27, 0.125, 0.005])
_RICH_MIX = np.array([0.34, 0.26, 0.30, 0.10])
_EVERYDAY_MIX = np.array([0.66, 0.21, 0.11, 0.02])
_BUYING_MIX = np.array([0.44, 0.22, 0.14, 0.20])
_DAYS_BEFORE_DEAL = 60


@dataclass(frozen=True)
class Touches:
    """Touches as arrays of one length: account (position), day, type (code in `TYPES`)."""

    account: IntArray
    day: IntArray
    type: IntArray

    @classmethod
    def joined(cls, parts: list[Touches]) -> Touches:
        """Return all parts as one."""
        return cls(
            account=np.concatenate([p.account for p in parts]),
            day=np.concatenate([p.day for p in parts]),
            type=np.concatenate([p.type for p in parts]),
        )


def deal_touches(
    deals: pd.DataFrame, *, company: Company, scenario: Scenario, step: int
) -> Touches:
    """Draw what accounts do around their deals: more the nearer the deal, then until it closes.

    Renewals cause none. Deals that exist because of a tier announce themselves only inside the
    quarter in which the tier is held.
    """
    extra = bool(len(deals)) and bool(deals["extra"].iloc[0])
    rng = scenario.rng("inbound", 2 * step + int(extra))
    own = deals[deals["type"] < 2]
    created, close = own["created"].to_numpy(), own["close"].to_numpy()
    floor = company.created[own["account"].to_numpy()]
    floor = np.maximum(floor, scenario.first_day(step)) if extra else floor
    before = rng.poisson(1.5, len(own))
    during = rng.poisson(1.0, len(own))
    rows = np.repeat(np.arange(len(own)), before)
    lead = (_DAYS_BEFORE_DEAL * rng.random(len(rows)) ** 1.4).astype(np.int64)
    lead_day = np.maximum(created[rows] - lead, floor[rows])
    later = np.repeat(np.arange(len(own)), during)
    span = np.minimum(close - created, 90)[later]
    later_day = created[later] + (rng.random(len(later)) * span).astype(np.int64)
    return Touches(
        account=own["account"].to_numpy()[np.concatenate([rows, later])],
        day=np.concatenate([lead_day, later_day]),
        type=rng.choice(len(INBOUND), size=len(rows) + len(later), p=_BUYING_MIX),
    )


def everyday_touches(
    interest: FloatArray, *, company: Company, scenario: Scenario, step: int
) -> Touches:
    """Draw visits that have no deal behind them: by interest, with a surge here and there."""
    rng = scenario.rng("inbound", 10_000 + step)
    share = exposure(company, scenario, step=step)
    surge = np.where(rng.random(len(interest)) < 0.03, rng.gamma(2.0, 3.0, len(interest)), 0.0)
    count = rng.poisson((interest + surge) * share)
    account, day = _spread(count, company=company, scenario=scenario, step=step, rng=rng)
    return Touches(account, day, rng.choice(len(INBOUND), size=len(day), p=_EVERYDAY_MIX))


def outbound_touches(
    factor: FloatArray, *, habit: FloatArray, company: Company, scenario: Scenario, step: int
) -> Touches:
    """Draw what the team does for each account: its tier's factor times a habit with mean 1."""
    rng = scenario.rng("outbound", step)
    scope = np.where(company.tierable, 1.0, 0.1) * exposure(company, scenario, step=step)
    count = rng.poisson(OUTBOUND_PER_QUARTER * factor * habit * scope)
    account, day = _spread(count, company=company, scenario=scenario, step=step, rng=rng)
    richness = np.clip((factor[account] - 1.0) / 2.0, 0.0, 1.0)[:, None]
    steps_of_mix = np.cumsum(_PLAIN_MIX + richness * (_RICH_MIX - _PLAIN_MIX), axis=1)
    kind = (rng.random(len(account))[:, None] > steps_of_mix[:, :-1]).sum(axis=1)
    return Touches(account, day, len(INBOUND) + kind)


def _spread(
    count: IntArray,
    *,
    company: Company,
    scenario: Scenario,
    step: int,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return account and day of each touch: any weekday of the quarter since the account exists."""
    account = np.repeat(np.arange(len(count)), count)
    floor = np.maximum(company.created[account], scenario.first_day(step))
    span = scenario.first_day(step + 1) - floor
    day = floor + (rng.random(len(account)) * span).astype(np.int64)
    return account, on_weekdays(day, floor=floor, rng=rng)
