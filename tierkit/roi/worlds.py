"""Quick worlds of accounts whose tiers have a known effect, to try the designs on.

A world is no CRM: it has what the designs look at, accounts × quarters of wins, revenue, scores,
lines and tiers, and it takes a tenth of a second to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tierkit.roi.standings import (
    NO_TIER,
    BoolArray,
    FloatArray,
    History,
    IntArray,
    Standings,
    days_to_watch,
)
from tierkit.roi.world_shape import LOOK_BACK, World

SEASON = np.array([0.8, 1.05, 1.0, 1.15])
_HUNCH_ERROR = 0.6
_GAMING_REACH, _GAMING_MARGIN = 0.35, 0.06
_QUARTER_DAYS = 91
_LATER_STEPS = 12
_CYCLE_SPREAD = 0.6
_LOST_PER_WIN = 2.3


@dataclass
class _Life:
    """The state of a world while it is lived through."""

    rate: FloatArray
    money: FloatArray
    size: FloatArray
    bias: FloatArray
    drift: FloatArray
    alive: BoolArray
    wins: FloatArray
    won: FloatArray
    level: IntArray
    score: FloatArray
    cut: FloatArray
    overridden: BoolArray
    forced: IntArray
    until: IntArray
    stay: IntArray
    open_deals: FloatArray
    deals: list[FloatArray] = field(default_factory=list)
    draws: dict[int, tuple[IntArray, BoolArray]] = field(default_factory=dict)


@dataclass(frozen=True)
class SimulatedWorld:
    """A world's standings, and per quarter who took part in a draw and who was drawn up."""

    standings: Standings
    draws: dict[int, tuple[IntArray, BoolArray]]


def simulate_world(world: World, *, seed: int) -> SimulatedWorld:
    """Live through a world; the same seed gives the same world.

    Examples
    --------
    >>> small = World(accounts=60, capacities=(5, 15), quarters=3)
    >>> simulate_world(small, seed=1).standings.level.shape
    (60, 7)
    """
    rng = np.random.default_rng([seed, 6])
    life = _begin(world, rng)
    for step in range(world.steps):
        _quarter(world, life, step, rng)
    standings = Standings(
        history=_history(world, life),
        level=life.level,
        score=life.score,
        cut_score=life.cut,
        overridden=life.overridden,
        tiers=tuple(f"Tier {number + 1}" for number in range(len(world.capacities) + 1)),
        account_ids=np.array([f"A{n:05d}" for n in range(world.accounts)], dtype=object),
        quarters=tuple(f"Q{number:02d}" for number in range(world.steps)),
    )
    return SimulatedWorld(standings, life.draws)


def _history(world: World, life: _Life) -> History:
    """Return what the accounts did; deals are watched as long as they take, as in real tables."""
    account, begun, created, close, amount, one = np.concatenate(life.deals, axis=1)
    won = close < world.steps * _QUARTER_DAYS
    watched = days_to_watch((close - created)[won])
    in_time = won & (close - created <= watched)
    place = (account[in_time].astype(int), begun[in_time].astype(int))
    wins, revenue = np.zeros_like(life.wins), np.zeros_like(life.won)
    np.add.at(wins, place, one[in_time])
    np.add.at(revenue, place, amount[in_time])
    mature = (np.arange(world.steps) + 1) * _QUARTER_DAYS + watched <= world.steps * _QUARTER_DAYS
    return History(
        won_revenue=life.won[:, : world.steps],
        wins_count=life.wins[:, : world.steps],
        cluster=np.arange(world.accounts),
        size=life.size,
        open_deals=life.open_deals if world.cycle_days else None,
        begun_revenue=np.where(mature | (watched == 0), revenue[:, : world.steps], np.nan),
        begun_wins=np.where(mature | (watched == 0), wins[:, : world.steps], np.nan),
        watched_days=watched,
    )


def _begin(world: World, rng: np.random.Generator) -> _Life:
    n, shape = world.accounts, (world.accounts, world.steps)
    later = (n, world.steps + _LATER_STEPS)
    size, other = rng.standard_normal(n), rng.standard_normal(n)
    return _Life(
        rate=np.log(world.wins) - world.spread**2 / 2 + world.spread * rng.standard_normal(n),
        money=np.log(world.amount) + world.size_spread * (0.7 * size + 0.714 * other),
        size=size,
        bias=world.score_bias * rng.standard_normal(n),
        drift=world.drift * rng.standard_normal(n),
        alive=np.ones(n, dtype=bool),
        wins=np.zeros(later),
        won=np.zeros(later),
        level=np.full(shape, NO_TIER, dtype=np.int64),
        score=np.full(shape, np.nan),
        cut=np.full(shape, np.nan),
        overridden=np.zeros(shape, dtype=bool),
        forced=np.full(n, NO_TIER, dtype=np.int64),
        until=np.zeros(n, dtype=np.int64),
        stay=np.zeros(n, dtype=np.int64),
        open_deals=np.zeros(shape),
    )


def _quarter(world: World, life: _Life, step: int, rng: np.random.Generator) -> None:
    n, memory = world.accounts, 0.9
    life.drift = memory * life.drift
    life.drift += np.sqrt(1 - memory**2) * world.drift * rng.standard_normal(n)
    if world.churn:
        gone = rng.random(n) < world.churn
        back = ~life.alive & (rng.random(n) < 4 * world.churn)
        life.alive = (life.alive & ~gone) | back
    log_rate = life.rate + life.drift
    if step >= LOOK_BACK:
        hunch = log_rate + life.money + _HUNCH_ERROR * rng.standard_normal(n)
        _tier(world, life, step, hunch, rng)
    _win(world, life, step, np.exp(log_rate) * SEASON[step % 4] * life.alive, rng)


def _win(world: World, life: _Life, step: int, rate: FloatArray, rng: np.random.Generator) -> None:
    """Draw the deals that begin in a quarter and will be won, their close and amount."""
    effect = _effects(world, life, step)
    on_rate = world.effect_on in ("everyone", "small accounts")
    count = rng.poisson(rate * (1 + (effect if on_rate else 0.0)))
    who = np.repeat(np.arange(len(rate)), count)
    amounts = np.exp(life.money[who] + world.amount_spread * rng.standard_normal(len(who)))
    if world.effect_on == "deal size":
        amounts = amounts * (1 + effect[who])
    created = np.full(len(who), float(step * _QUARTER_DAYS))
    close = created
    if world.cycle_days:
        created = created + np.floor(_QUARTER_DAYS * rng.random(len(who)))
        cycle = world.cycle_days * np.exp(_CYCLE_SPREAD * rng.standard_normal(len(who)))
        close = created + np.minimum(np.floor(cycle), _QUARTER_DAYS * (_LATER_STEPS - 1))
        _stay_open(life, step, rate, close, who, rng)
    closes = (close // _QUARTER_DAYS).astype(int)
    np.add.at(life.wins, (who, closes), 1.0)
    np.add.at(life.won, (who, closes), amounts)
    begun, one = np.full(len(who), step), np.ones(len(who))
    life.deals.append(np.stack([who, begun, created, close, amounts, one]))
    if world.effect_on == "money":
        gift = effect * world.amount * (rng.random(len(rate)) < 0.25) * 4
        life.won[:, step] += gift
        life.deals.append(_gifts(gift, step))


def _gifts(gift: FloatArray, step: int) -> FloatArray:
    """Return money that counts as no win, as deals of a quarter that close at once."""
    who = np.flatnonzero(gift)
    day = np.full(len(who), float(step * _QUARTER_DAYS))
    return np.stack([who, np.full(len(who), step), day, day, gift[who], np.zeros(len(who))])


def _effects(world: World, life: _Life, step: int) -> FloatArray:
    """Return what the tier held adds to each account, once it has been held long enough."""
    effects = np.array([*world.tier_effects, 0.0])  # the last entry is of those without a tier
    effect = effects[life.level[:, step]]
    if world.ramp:
        effect = effect * np.minimum(life.stay / world.ramp, 1.0)
    if world.effect_on == "small accounts":
        value = life.rate + life.money
        effect = np.where(value < np.median(value), effect, 0.0)
    return np.asarray(effect)


def _stay_open(
    life: _Life,
    step: int,
    rate: FloatArray,
    close: FloatArray,
    who: IntArray,
    rng: np.random.Generator,
) -> None:
    """Count the deals begun in a quarter, won in the end or lost, while they are open."""
    lost = rng.poisson(rate * _LOST_PER_WIN)
    for later in range(step + 1, life.open_deals.shape[1]):
        still = close >= later * _QUARTER_DAYS
        lost = rng.binomial(lost, 0.45)
        if not still.any() and not lost.any():
            return
        life.open_deals[:, later] += np.bincount(who[still], minlength=len(rate)) + lost


def _tier(
    world: World, life: _Life, step: int, hunch: FloatArray, rng: np.random.Generator
) -> None:
    """Score all accounts from what they did, and give each a tier."""
    past = slice(step - LOOK_BACK, step)
    score = np.log1p(life.won[:, past].sum(axis=1) / 5_000)
    score += 0.3 * np.log1p(life.wins[:, past].sum(axis=1)) + 0.5 * life.size + life.bias
    score += world.score_noise * rng.standard_normal(len(score))
    score = _gamed(world, score, hunch, rng)
    _override(world, life, step, score, hunch, rng)
    forced = life.forced.copy()
    if world.band:
        drawn, upward = _draw(world, score, forced, rng)
        forced[drawn] = np.where(upward, 0, 1)
        life.draws[step] = (drawn, upward)
    before = life.level[:, step - 1] if step > LOOK_BACK else np.full(len(score), NO_TIER)
    fixed = life.stay < world.min_stay
    level, cut = _assign(
        score, before, forced, capacities=world.capacities, keep_band=world.keep_band, fixed=fixed
    )
    life.stay = np.where(level == before, life.stay + 1, 1)
    life.score[:, step], life.level[:, step] = score, level
    life.cut[:, step] = cut if world.recorded == "own" else np.nan
    life.overridden[:, step] = forced >= 0


def _gamed(
    world: World, score: FloatArray, hunch: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Push promising accounts that lie just below a line over it."""
    if not world.gaming:
        return score
    ranked = np.sort(score)[::-1]
    pushed = score.copy()
    for places in np.cumsum(world.capacities):
        line = ranked[places]
        near = (score < line) & (score > line - _GAMING_REACH)
        if not near.any():
            continue
        promising = near & (hunch > np.median(hunch[near]))
        chosen = promising & (rng.random(len(score)) < world.gaming)
        new_line = ranked[max(places - int(chosen.sum()), 0)]
        landing = new_line + _GAMING_MARGIN * rng.random(len(score))
        pushed = np.where(chosen, landing, pushed)
    return pushed


def _override(
    world: World,
    life: _Life,
    step: int,
    score: FloatArray,
    hunch: FloatArray,
    rng: np.random.Generator,
) -> None:
    """End overrides that are over and set new ones, for three to six quarters."""
    life.forced[life.until <= step] = NO_TIER
    rank = np.empty(len(score), dtype=np.int64)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    for tier, places in enumerate(np.cumsum(world.capacities)):
        held = int((life.forced == tier).sum())
        wanted = round(world.override_share * world.capacities[tier]) - held
        below = np.flatnonzero((life.forced == NO_TIER) & (rank > places) & (rank <= 4 * places))
        if wanted <= 0 or len(below) == 0:
            continue
        known = hunch[below]
        spread = known.std() if known.std() > 0 else 1.0
        liking = world.informed * (known - known.mean()) / spread + rng.gumbel(size=len(below))
        chosen = below[np.argsort(-liking, kind="stable")[:wanted]]
        life.forced[chosen] = tier
        life.until[chosen] = step + rng.integers(3, 7, len(chosen))


def _draw(
    world: World, score: FloatArray, forced: IntArray, rng: np.random.Generator
) -> tuple[IntArray, BoolArray]:
    """Draw at random who of the accounts around the first line gets the first tier."""
    first, last = world.band or (1, 1)
    order = np.argsort(-score, kind="stable")
    inside = order[first - 1 : last]
    inside = inside[forced[inside] == NO_TIER]
    places = min(max(world.capacities[0] - first + 1, 1), len(inside))
    return inside, rng.permutation(len(inside)) < places


def _assign(
    score: FloatArray,
    before: IntArray,
    forced: IntArray,
    *,
    capacities: tuple[int, ...],
    keep_band: float,
    fixed: BoolArray | None = None,
) -> tuple[IntArray, FloatArray]:
    """Return tiers by capacity, and the line that each account faced.

    Overrides take their places first, incumbents inside the band keep theirs, the rest is filled by
    rank. The line is the tier's own for those who reach it, the one above for those who do not.
    `fixed` accounts came up too short a while ago to leave the tier that they hold.
    """
    last = len(capacities)
    level = np.full(len(score), last, dtype=np.int64)
    open_ = np.ones(len(score), dtype=bool)
    order = np.argsort(-score, kind="stable")
    lines = []
    for tier, capacity in enumerate(capacities):
        forced_in = open_ & (forced == tier)
        by_rule = open_ & (forced == NO_TIER)
        incumbent = (before >= 0) & (before <= tier)
        stays = np.zeros(len(score), dtype=bool) if fixed is None else fixed & (before == tier)
        places = max(capacity - int(forced_in.sum()), 0)
        ranked = order[by_rule[order]]
        inside = incumbent[ranked] & (np.arange(len(ranked)) < keep_band * capacity)
        inside |= stays[ranked]
        stay = ranked[inside][np.argsort(~stays[ranked[inside]], kind="stable")][:places]
        enter = ranked[~inside][: places - len(stay)]
        chosen = forced_in.copy()
        chosen[stay] = chosen[enter] = True
        level[chosen] = tier
        open_ &= ~chosen
        by_score = by_rule & ~stays
        ends = [_line_between(score, by_score & group, chosen) for group in (incumbent, ~incumbent)]
        lines.append(np.where(incumbent, *ends))
    return level, _line_faced(score, level, lines)


def _line_faced(score: FloatArray, level: IntArray, lines: list[FloatArray]) -> FloatArray:
    """Return each account's nearer line: its tier's own if reached, else the one above."""
    padded = np.column_stack([*lines, np.full(len(score), -np.inf)])
    place = np.arange(len(score))
    own = padded[place, level]
    above = padded[place, np.maximum(level - 1, 0)]
    nearer_above = (level > 0) & (above - score < score - own)
    return np.where(nearer_above, above, own)


def _line_between(score: FloatArray, group: BoolArray, chosen: BoolArray) -> float:
    inside, outside = score[group & chosen], score[group & ~chosen]
    if len(inside) and len(outside):
        return float(inside.min() + outside.max()) / 2
    if len(inside):
        return float(inside.min()) - 0.01
    return float(outside.max()) + 0.01 if len(outside) else float(score.max())
