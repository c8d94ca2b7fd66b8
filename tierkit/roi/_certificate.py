"""What the designs do on simulated accounts shaped like one's own, where the truth is known."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tierkit.cache import Cache
from tierkit.parallel import Progress, in_processes
from tierkit.roi.boundary_rows import Boundaries, Reading
from tierkit.roi.cutoff import Cutoff, cutoff
from tierkit.roi.line_study import verdicts_at
from tierkit.roi.measures import unsaid
from tierkit.roi.placed import quarters_above, stays_unasked
from tierkit.roi.primary import DECIDING, primary_reading
from tierkit.roi.standings import FloatArray, Standings
from tierkit.roi.verdict import SHOWN, SUGGESTIVE, Verdict
from tierkit.roi.worlds import World, simulate_world

WORLDS = 100
WORTH_PROCESSES = 20
"""Worlds with and without an effect that take longer than it takes to start processes."""

KNOWN_EFFECT = 0.6
MOST_ACCOUNTS, MOST_QUARTERS = 4000, 16
INFORMED_EVERY = 2
"""Every second world has people who know more than the score when they override it."""

WATCHED_OVER_MEDIAN = 2.7
"""How much longer deals are watched than the median deal takes, in worlds."""

BATCH = 10
"""Worlds that are tried one after the other, and whose outcomes are kept together."""

VERSION = "4"
_KEYS = ("worlds", "false_shown", "coverage", "seen")
_ALWAYS = 2.0


@dataclass(frozen=True)
class Outcome:
    """What one world's report would say: its verdicts, and whether the cutoff covers the truth."""

    verdicts: tuple[Verdict, ...]
    covered: tuple[bool, ...]

    def claims(self, word: str, direction: str | None = None) -> bool:
        """Whether any boundary has this verdict (in this direction)."""
        return any(v.verdict == word and direction in (None, v.direction) for v in self.verdicts)


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
        kept = stays_unasked(standings, boundary)
        longest = max(longest, int(quarters_above(standings.level, boundary)[kept].max(initial=0)))
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

    The share of the score's variance that changes between quarters is kept.
    """
    score = standings.score
    steps = np.diff(score, axis=1)
    spread = float(np.nanvar(score))
    moved = float(np.nanvar(steps)) if (~np.isnan(steps)).any() else 0.0
    share = np.clip(moved / max(spread, 1e-12), 0.05, 1.0)
    return 0.6, float(np.clip(1.4 * np.sqrt(share), 0.1, 1.5))


def _has_band(standings: Standings) -> bool:
    """Whether incumbents faced lower lines than others in most quarters."""
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


def try_designs(world: World, *, seed: int, worth_having: float | None = None) -> Outcome:
    """Return what the designs say of one world: what a run on its tables would say."""
    standings = simulate_world(world, seed=seed).standings
    boundaries = Boundaries(standings)
    found = at_lines(boundaries)
    quarters = standings.quarters_known(1)
    estimates = [{name: at.estimate for name, at in line.items()} for line in found]
    primary = primary_reading(estimates, quarters=quarters)
    covered = [
        bool(told["low"] <= world.relative(number) <= told["high"])
        for number, line in enumerate(found)
        if (estimate := line["won revenue"].estimate) is not None
        for told in (estimate.relative(),)
    ]
    verdicts = verdicts_at(boundaries, found, primary, worth_having=worth_having)
    return Outcome(tuple(verdicts), tuple(covered))


def at_lines(boundaries: Boundaries) -> list[dict[Reading, Cutoff]]:
    """Return the comparison at every line in the readings that decide."""
    found = []
    for number in range(len(boundaries.standings.tiers) - 1):
        rows = boundaries.rows(number, outcome_quarters=1)
        found.append({reading: cutoff(rows.read(reading)) for reading in DECIDING})
    return found


def with_effect(world: World, effect: float) -> World:
    """Return a world whose first tier adds `effect` over the last, those between in even steps."""
    tiers = len(world.capacities)
    effects = tuple(effect * (tiers - number) / tiers for number in range(tiers + 1))
    return replace(world, tier_effects=effects)


def certificate(
    standings: Standings | None,
    *,
    cache: Path | None = None,
    worlds: int = WORLDS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return how often the designs are wrong, and right, on accounts shaped like one's own.

    Parameters
    ----------
    standings
        As `tierkit.roi.from_tables.tier_standings` returns it.
    cache
        A folder that keeps results by the fingerprint of the shape; None keeps nothing.
    worlds
        How many without any effect, and as many with one of 60 %.
    progress
        Called with the batches of worlds done and their number, which `batches_of` tells.

    Returns
    -------
    dict
        `worlds`, `false_shown`, `false_suggestive` (of worlds without effect), `seen` (of worlds
        with one: *shown* or *suggestive* with more), `seen_effect`, `coverage` (share of the
        cutoff's intervals that hold the truth), `sentence`; null with the reason where the accounts
        have no shape to copy.
    """
    shape = None if standings is None or not standings.scored else shape_of(standings)
    if shape is None:
        return unsaid(_KEYS, "too little is recorded of tiers and scores to simulate their like")
    kept = Cache(cache)
    made: dict[str, Any] = kept.value(
        "certificate", [VERSION, worlds, shape], lambda: _certify(shape, worlds, kept, progress)
    )
    return made


def _certify(shape: World, worlds: int, kept: Cache, progress: Progress | None) -> dict[str, Any]:
    """Return the certificate; batches of worlds that are kept are not tried again."""
    batches = [range(worlds)[first : first + BATCH] for first in range(0, worlds, BATCH)]
    tasks = [
        partial(_kept_batch, kept, with_effect(shape, effect), seeds)
        for effect in (0.0, KNOWN_EFFECT)
        for seeds in batches
    ]
    done = in_processes(tasks, worth=worlds >= WORTH_PROCESSES, progress=progress)
    outcomes = [outcome for batch in done for outcome in batch]
    return _summary(outcomes[:worlds], outcomes[worlds:])


def batches_of(worlds: int) -> int:
    """Return how many batches a certificate on so many worlds takes, with and without an effect.

    Examples
    --------
    >>> batches_of(100), batches_of(2)
    (20, 2)
    """
    return 2 * -(-worlds // BATCH)


def _kept_batch(kept: Cache, world: World, seeds: range) -> list[Outcome]:
    """Return the outcomes of some worlds, kept as plain data."""
    plain = kept.value(
        "worlds", [VERSION, world, seeds], lambda: [astuple(_try(world, seed)) for seed in seeds]
    )
    return [
        Outcome(tuple(Verdict(*verdict) for verdict in verdicts), tuple(covered))
        for verdicts, covered in plain
    ]


def _try(world: World, seed: int) -> Outcome:
    informed = _ALWAYS if seed % INFORMED_EVERY == 0 else 0.0
    return try_designs(replace(world, informed=informed), seed=seed)


def _summary(without: list[Outcome], with_one: list[Outcome]) -> dict[str, Any]:
    count = len(without)
    shown = sum(one.claims(SHOWN) for one in without)
    suggestive = sum(one.claims(SUGGESTIVE) and not one.claims(SHOWN) for one in without)
    seen = sum(one.claims(SHOWN, "more") or one.claims(SUGGESTIVE, "more") for one in with_one)
    covered = [held for one in (*without, *with_one) for held in one.covered]
    told = {"coverage": float(np.mean(covered))} if covered else unsaid(("coverage",), "too few")
    return {
        "worlds": count,
        "false_shown": shown,
        "false_suggestive": suggestive,
        "seen": seen,
        "seen_effect": KNOWN_EFFECT,
        **told,
        "sentence": (
            f"On data like yours a false “shown” came in {shown} of {count}, an effect of "
            f"+{KNOWN_EFFECT:.0%}".replace("%", " %")
            + f" was seen in {seen} of {count}."
        ),
    }
