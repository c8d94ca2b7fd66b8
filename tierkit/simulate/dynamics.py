"""The life of the company by quarter: rates drift, deals begin, tiers are given, people call."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tierkit.simulate.company import Company, exposure
from tierkit.simulate.deals import (
    RENEWAL,
    Subscriptions,
    begin_deals,
    begin_renewals,
    money_rate,
    round_amount,
)
from tierkit.simulate.scenario import (
    BURN_IN_QUARTERS,
    QUARTERS_AFTER_END,
    QUARTERS_WITHOUT_TIERS,
    FloatArray,
    IntArray,
    Scenario,
    on_weekdays,
)
from tierkit.simulate.tiering import Desk, Known, retier

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


DRIFT_MEMORY = 0.94
DRIFT_SPREAD = 0.65
HUNCH_ERROR = 0.6
LONGEST_CYCLE_QUARTERS = 9
"""No deal is open for longer; each quarter leaves three tables of deals."""

RENEWAL_WEIGHT = 0.35
"""The weight of a dollar renewed in the score against a dollar won anew."""


@dataclass
class History:
    """Everything that happened, burn-in included; columns of matrices are quarters.

    Attributes
    ----------
    deals
        One row per deal, as `tierkit.simulate.deals.begin_deals` gives them.
    inbound, outbound
        Touches of each direction.
    tiers
        One row per account in scope and tiered quarter, with its step.
    tier, drift, money
        Matrices: tier held, standardised drift, mean revenue to be won in Tier 3.
    customer
        Matrix: whether the account had a subscription on the quarter's first day.
    desk
        The tiers and overrides in force at the end.
    subscriptions
        The subscriptions at the end, with all contracts, also those whose deal is still open.
    """

    deals: pd.DataFrame
    inbound: Touches
    outbound: Touches
    tiers: pd.DataFrame
    tier: IntArray
    drift: FloatArray
    money: FloatArray
    customer: FloatArray
    desk: Desk
    subscriptions: Subscriptions


@dataclass
class _World:
    """The state that a quarter leaves to the next."""

    company: Company
    scenario: Scenario
    subscriptions: Subscriptions
    desk: Desk
    drift: FloatArray
    habit: FloatArray
    charm: FloatArray
    won: FloatArray
    visits: FloatArray
    pipeline: FloatArray
    tier: IntArray
    money: FloatArray
    drifts: FloatArray
    customer: FloatArray
    deals: list[pd.DataFrame] = field(default_factory=list)
    inbound: list[Touches] = field(default_factory=list)
    outbound: list[Touches] = field(default_factory=list)
    tiers: list[pd.DataFrame] = field(default_factory=list)


def live(company: Company, scenario: Scenario) -> History:
    """Run the company through the burn-in and all quarters of the data."""
    world = _opening(company, scenario)
    for step in range(scenario.steps):
        _quarter(world, step)
    _take_in_wins(world, scenario.steps)
    return History(
        deals=pd.concat(world.deals, ignore_index=True),
        inbound=Touches.joined(world.inbound),
        outbound=Touches.joined(world.outbound),
        tiers=pd.concat(world.tiers, ignore_index=True),
        tier=world.tier,
        drift=world.drifts,
        money=world.money,
        customer=world.customer,
        desk=world.desk,
        subscriptions=world.subscriptions,
    )


def _opening(company: Company, scenario: Scenario) -> _World:
    n, steps = scenario.accounts, scenario.steps
    rng = scenario.rng("drift", steps)

    def blank() -> FloatArray:
        return np.zeros((n, steps + QUARTERS_AFTER_END))

    return _World(
        company=company,
        scenario=scenario,
        subscriptions=Subscriptions.none(n),
        desk=Desk.opening(scenario),
        drift=rng.standard_normal(n),
        habit=np.exp(0.35 * rng.standard_normal(n) - 0.35**2 / 2),
        charm=0.90 * rng.standard_normal(n),
        won=blank(),
        visits=blank(),
        pipeline=blank(),
        tier=np.zeros((n, steps), dtype=np.int64),
        money=blank()[:, :steps],
        drifts=blank()[:, :steps],
        customer=blank()[:, :steps],
    )


def _quarter(world: _World, step: int) -> None:
    """Live one quarter: what would happen anyway, then tiers, then what tiers add."""
    scenario, company = world.scenario, world.company
    _take_in_wins(world, step)
    _drift(world, step)
    drift = DRIFT_SPREAD * world.drift
    season = scenario.season_of(step)
    money = money_rate(company, drift, season=season) * exposure(company, scenario, step=step)
    customer = world.subscriptions.active(scenario.first_day(step)).astype(np.float64)
    world.money[:, step], world.customer[:, step] = money, customer
    base = len(world.deals)
    _begin(world, money, customer, step, "base deals")
    _renew(world, step)
    if step >= BURN_IN_QUARTERS + QUARTERS_WITHOUT_TIERS:
        _give_tiers(world, step)
    added = scenario.effects_after(quarters_held(world.tier, step), world.tier[:, step])
    if scenario.tier_effect_on == "number of deals":
        _begin(world, money * added, customer, step, "extra deals")
    else:
        _enlarge(world, base, added)
    _touch(world, step)


def quarters_held(tier: IntArray, step: int) -> IntArray:
    """Return for how many quarters in a row each account has held its tier of a quarter."""
    differs = tier[:, step::-1] != tier[:, [step]]
    return np.where(differs.any(axis=1), differs.argmax(axis=1), step + 1)


def _drift(world: _World, step: int) -> None:
    """Let every account's rate drift a little, towards its own mean."""
    fresh = world.scenario.rng("drift", step).standard_normal(len(world.drift))
    world.drift = DRIFT_MEMORY * world.drift + np.sqrt(1 - DRIFT_MEMORY**2) * fresh
    world.drifts[:, step] = world.drift


def _begin(world: _World, money: FloatArray, customer: FloatArray, step: int, stream: str) -> None:
    """Begin the new and expansion deals of the quarter, with the visits around them."""
    deals = begin_deals(
        money,
        company=world.company,
        scenario=world.scenario,
        customer=customer,
        step=step,
        stream=stream,
    )
    _remember(world, deals)
    _remember_visits(
        world, deal_touches(deals, company=world.company, scenario=world.scenario, step=step)
    )


def _renew(world: _World, step: int) -> None:
    scenario, subscriptions = world.scenario, world.subscriptions
    due = subscriptions.due(scenario.first_day(step), scenario.first_day(step + 1))
    renewals = begin_renewals(
        due,
        ends=subscriptions.ends[due],
        values=subscriptions.value[due],
        mood=world.drift[due],
        scenario=scenario,
        step=step,
    )
    subscriptions.renew(renewals)
    _remember(world, renewals)


def _enlarge(world: _World, begun: int, added: FloatArray) -> None:
    """Make the deals that began as one table larger by what a tier adds; they take no longer."""
    deals = world.deals[begun]
    amount = round_amount(deals["amount"].to_numpy() * (1.0 + added[deals["account"].to_numpy()]))
    world.deals[begun] = deals.assign(amount=amount)
    _count(world, deals.assign(amount=amount - deals["amount"].to_numpy()))


def _remember(world: _World, deals: pd.DataFrame) -> None:
    """Keep the deals, and count them."""
    world.deals.append(deals)
    _count(world, deals)


def _count(world: _World, deals: pd.DataFrame) -> None:
    """Count deals in the quarters in which they are open and won."""
    account = deals["account"].to_numpy()
    opened = world.scenario.quarter_of(deals["created"].to_numpy())
    closed = world.scenario.quarter_of(deals["close"].to_numpy())
    amount = deals["amount"].to_numpy()
    weight = np.where(deals["type"] == RENEWAL, RENEWAL_WEIGHT, 1.0)
    np.add.at(world.won, (account, closed), amount * deals["won"].to_numpy() * weight)
    np.add.at(world.pipeline, (account, opened), np.where(weight == 1, amount, 0))
    np.subtract.at(world.pipeline, (account, closed), np.where(weight == 1, amount, 0))


def _remember_visits(world: _World, touches: Touches) -> None:
    world.inbound.append(touches)
    step = np.maximum(world.scenario.quarter_of(touches.day), 0)
    np.add.at(world.visits, (touches.account, step), 1.0)


def _take_in_wins(world: _World, step: int) -> None:
    """Turn the new and expansion deals won in the quarter before into subscriptions."""
    if step == 0:
        return
    start, stop = world.scenario.first_day(step - 1), world.scenario.first_day(step)
    wins = [
        deals[deals["won"] & (deals["type"] < RENEWAL) & deals["close"].between(start, stop - 1)]
        for deals in world.deals[-3 * LONGEST_CYCLE_QUARTERS :]
    ]
    world.subscriptions.add_wins(pd.concat(wins, ignore_index=True))


def _give_tiers(world: _World, step: int) -> None:
    """Re-tier on the quarter's first day from what is known by then."""
    scenario, company = world.scenario, world.company
    rng = scenario.rng("overrides", 10_000 + step)
    truth = company.log_rate + DRIFT_SPREAD * world.drift + company.log_amount
    known = Known(
        won=world.won[:, step - 4 : step].sum(axis=1),
        inbound=world.visits[:, step - 2 : step].sum(axis=1),
        pipeline=np.maximum(world.pipeline[:, :step].sum(axis=1), 0.0),
        size=company.size,
        hunch=truth + HUNCH_ERROR * rng.standard_normal(len(truth)),
        in_scope=company.tierable & (company.created < scenario.first_day(step)),
    )
    world.desk, rows = retier(world.desk, known, scenario=scenario, step=step)
    world.tier[:, step] = world.desk.tier
    world.tiers.append(rows.assign(step=step))


def _touch(world: _World, step: int) -> None:
    """Let accounts visit and the team work; the team's work moves nothing else."""
    company, scenario = world.company, world.scenario
    interest = 0.55 * np.exp(
        0.30 * (company.log_rate - company.log_rate.mean()) + 0.30 * world.drift + world.charm
    )
    _remember_visits(
        world, everyday_touches(interest, company=company, scenario=scenario, step=step)
    )
    world.outbound.append(
        outbound_touches(
            scenario.effort_factors[world.tier[:, step]],
            habit=world.habit,
            company=company,
            scenario=scenario,
            step=step,
        )
    )
