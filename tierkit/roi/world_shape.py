"""The shape of a simulated world: how its accounts behave and are tiered, or one's own do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tierkit.roi.lines import quarters_above, stays_unasked
from tierkit.roi.standings import FloatArray, Standings

EffectOn = Literal["everyone", "small accounts", "money", "deal size"]

LOOK_BACK = 4
MOST_ACCOUNTS, MOST_QUARTERS = 4000, 16
WATCHED_OVER_MEDIAN = 2.7
"""Days that deals are watched over the median days that they take, in worlds."""


@dataclass(frozen=True)
class World:
    """The behaviour of simulated accounts, and the rules of their tiers.

    Attributes
    ----------
    accounts, capacities, quarters
        How many; places in the tiers but the last; quarters with tiers, after four without.
    wins, spread, drift
        Mean wins per account and quarter, the spread of accounts' log rates, and of their slow
        drift.
    amount, size_spread, amount_spread
        Median money per win, spread of its log between accounts and between an account's wins.
    score_bias, score_noise
        What the score gets wrong about an account for good, and each quarter.
    keep_band, override_share
        An incumbent keeps its place up to rank keep_band × capacity; share of places that people
        fill against the score.
    informed
        How much people know beyond the score when they do (0: they pick anybody).
    cycle_days, min_stay
        Median days that a deal takes (0: it closes at once); quarters that an account keeps a tier
        that it came up to, whatever its score.
    ramp
        Quarters in a tier after which its effect is whole (0: at once).
    recorded
        The lines that are recorded with the tiers: each account's `own`, or `none`.
    churn
        Share of accounts that fall silent each quarter; as many come in time.
    gaming
        Share of promising accounts just below a line whose score is pushed over it.
    tier_effects
        Per tier, by how much it raises revenue over the last one.
    effect_on
        Whose revenue the effect multiplies; `money`: the same money for everyone; `deal size`: what
        a win brings, not how many there are.
    band
        Ranks around the first line whose tier is drawn at random each quarter; None for no draw.
    """

    accounts: int = 4000
    capacities: tuple[int, ...] = (150, 600)
    quarters: int = 12
    wins: float = 0.35
    spread: float = 1.0
    drift: float = 0.0
    amount: float = 12_000.0
    size_spread: float = 0.5
    amount_spread: float = 0.7
    score_bias: float = 0.6
    score_noise: float = 0.5
    keep_band: float = 1.25
    override_share: float = 0.05
    informed: float = 0.0
    cycle_days: float = 0.0
    min_stay: int = 0
    ramp: int = 0
    recorded: Literal["own", "none"] = "own"
    churn: float = 0.0
    gaming: float = 0.0
    tier_effects: tuple[float, ...] = (0.0, 0.0, 0.0)
    effect_on: EffectOn = "everyone"
    band: tuple[int, int] | None = None

    @property
    def steps(self) -> int:
        """Quarters lived through."""
        return LOOK_BACK + self.quarters

    def relative(self, boundary: int) -> float:
        """Return the true relative effect of a tier over the next, where it is one number."""
        upper, lower = self.tier_effects[boundary : boundary + 2]
        return (1 + upper) / (1 + lower) - 1


def with_effect(world: World, effect: float) -> World:
    """Return a world whose first tier adds `effect` over the last, those between in even steps."""
    tiers = len(world.capacities)
    effects = tuple(effect * (tiers - number) / tiers for number in range(tiers + 1))
    return replace(world, tier_effects=effects)


def shape_of(standings: Standings) -> World | None:
    """Return a world shaped like the accounts of a standings; None where too little is known.

    Counts of accounts and places, quarters, mean and spread of wins (from the variance of accounts'
    yearly counts beyond chance), money per win and its tail, the share of overrides, the score's
    noise (from how much it moves between quarters), keep band and minimum stay, how long deals
    take, and whether lines were recorded.
    """
    history, level = standings.history, standings.level
    tiered = (level >= 0).any(axis=0)
    known = (level >= 0) & ~np.isnan(standings.score)
    paid = (history.wins_count > 0) & (history.won_revenue > 0)
    if tiered.sum() < 2 or not known.any() or not paid.any():
        return None
    quarters = int(min(tiered.sum(), MOST_QUARTERS))
    accounts = int(np.median(known.sum(axis=0)[known.any(axis=0)]))
    sizes = [
        int(np.median((level == tier).sum(axis=0)[tiered]))
        for tier in range(len(standings.tiers) - 1)
    ]
    mean, spread = _rates(history.wins_count)
    amount, between, within = _amounts(history.won_revenue, history.wins_count)
    bias, noise = _score_errors(standings)
    return World(
        accounts=min(max(accounts, sum(sizes) * 2, 40), MOST_ACCOUNTS),
        capacities=tuple(max(size, 1) for size in sizes),
        quarters=quarters,
        wins=mean,
        spread=spread,
        amount=amount,
        size_spread=between,
        amount_spread=within,
        score_bias=bias,
        score_noise=noise,
        keep_band=1.25 if _has_band(standings) else 1.0,
        override_share=_override_share(standings, sizes),
        cycle_days=(history.watched_days or 0) / WATCHED_OVER_MEDIAN,
        min_stay=_shortest_stay(standings),
        recorded="none" if np.isnan(standings.cut_score).all() else "own",
        tier_effects=(0.0,) * len(standings.tiers),
    )


def _shortest_stay(standings: Standings) -> int:
    """Return for how many quarters an account keeps a tier that it came up to."""
    longest = 0
    for boundary in range(len(standings.tiers) - 1):
        stays = stays_unasked(standings, boundary)
        longest = max(longest, int(quarters_above(standings.level, boundary)[stays].max(initial=0)))
    return longest


def _rates(wins: FloatArray) -> tuple[float, float]:
    """Return mean wins per quarter, and the spread of log rates that a lognormal mixture needs."""
    mean = float(wins.mean())
    totals = wins.sum(axis=1)
    extra = float(totals.var() - totals.mean()) / max(float(totals.mean()) ** 2, 1e-9)
    return max(mean, 1e-3), float(np.clip(np.sqrt(np.log1p(max(extra, 0.0))), 0.1, 2.0))


def _amounts(won: FloatArray, wins: FloatArray) -> tuple[float, float, float]:
    """Return the median money per win, and the spreads of its log between and within accounts."""
    single = (wins == 1) & (won > 0)
    logs = np.where(single, np.log(np.where(single, won, 1.0)), np.nan)
    counts = single.sum(axis=1)
    if not counts.any():
        return float(won[won > 0].mean()), 0.5, 0.7
    several = counts >= 2
    within = np.sqrt(np.nanmean(np.nanvar(logs[several], axis=1, ddof=1))) if several.any() else 0.7
    total = float(np.nanvar(logs))
    between = float(np.sqrt(max(total - float(within) ** 2, 0.01)))
    return float(np.exp(np.nanmedian(logs))), between, float(max(within, 0.05))


def _score_errors(standings: Standings) -> tuple[float, float]:
    """Return how wrong the score is for good and each quarter, in units of a world's score.

    The share of the score's variance that changes between quarters is the same.
    """
    score = standings.score
    steps = np.diff(score, axis=1)
    spread = float(np.nanvar(score))
    moved = float(np.nanvar(steps)) if (~np.isnan(steps)).any() else 0.0
    share = np.clip(moved / max(spread, 1e-12), 0.05, 1.0)
    return 0.6, float(np.clip(1.4 * np.sqrt(share), 0.1, 1.5))


def _has_band(standings: Standings) -> bool:
    """Return whether incumbents faced lower lines than others in most quarters."""
    before = standings.held_before()
    for tier in range(len(standings.tiers) - 1):
        inside = (before == tier) & (standings.level == tier) & ~standings.overridden
        new = (before > tier) & (standings.level == tier) & ~standings.overridden
        if inside.any() and new.any():
            lowest = [
                np.nanmin(standings.score[:, q][group[:, q]], initial=np.inf)
                for group in (inside, new)
                for q in range(group.shape[1])
            ]
            half = len(lowest) // 2
            pairs = np.array([lowest[:half], lowest[half:]])
            both = np.isfinite(pairs).all(axis=0)
            if both.any() and float((pairs[0] < pairs[1])[both].mean()) > 0.7:
                return True
    return False


def _override_share(standings: Standings, sizes: list[int]) -> float:
    upper = (standings.level >= 0) & (standings.level < len(standings.tiers) - 1)
    places = max(sum(sizes) * int((standings.level >= 0).any(axis=0).sum()), 1)
    return float(min((standings.overridden & upper).sum() / places, 0.5))
