"""The certificate: verdicts on simulated accounts shaped like one's own, whose truth is known."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tierkit.cache import Cache
from tierkit.parallel import Progress, in_processes
from tierkit.roi.boundary_rows import Boundaries, Reading
from tierkit.roi.cutoff import Cutoff
from tierkit.roi.line_study import read_at_line, verdicts_at
from tierkit.roi.measures import unknown
from tierkit.roi.primary import POOLED, primary_reading
from tierkit.roi.standings import Standings
from tierkit.roi.verdict import SHOWN, SIGNIFICANT, SUGGESTIVE, Verdict
from tierkit.roi.world_shape import World, shape_of, with_effect
from tierkit.roi.worlds import simulate_world

WORLDS = 100
WORTH_PROCESSES = 20
"""Worlds with and without an effect that take longer than it takes to start processes."""

KNOWN_EFFECT = 0.6
INFORMED_EVERY = 2
"""Every second world has people who know more than the score when they override it."""

BATCH = 10
"""Worlds that are simulated one after the other, and whose outcomes are cached together."""

VERSION = "8"
_KEYS = ("worlds", "false_shown", "coverage", "seen")
_ALWAYS = 2.0


@dataclass(frozen=True)
class Outcome:
    """The verdicts on one world, and whether the cutoff's intervals cover its truth."""

    verdicts: tuple[Verdict, ...]
    covered: tuple[bool, ...]

    def claims(self, word: str, direction: str | None = None) -> bool:
        """Whether any boundary has this verdict (in this direction)."""
        return any(v.verdict == word and direction in (None, v.direction) for v in self.verdicts)


def try_designs(world: World, *, seed: int, worth_having: float | None = None) -> Outcome:
    """Return what the designs say of one world: what a run on its tables would say."""
    standings = simulate_world(world, seed=seed).standings
    boundaries = Boundaries(standings)
    found = at_lines(boundaries)
    quarters = standings.quarters_known(1)
    estimates = [{name: at.estimate for name, at in line.items()} for line in found]
    primary = primary_reading(estimates, quarters=quarters)
    covered = [
        -SIGNIFICANT
        <= (estimate.log_effect - math.log1p(world.relative(number))) / estimate.se
        <= SIGNIFICANT
        for number, line in enumerate(found)
        if (estimate := line["won revenue"].estimate) is not None
    ]
    verdicts = verdicts_at(boundaries, found, primary, worth_having=worth_having)
    return Outcome(tuple(verdicts), tuple(covered))


def at_lines(boundaries: Boundaries) -> list[dict[Reading, Cutoff]]:
    """Return the comparison at every line, in won revenue and in the readings that decide."""
    found = []
    for number in range(len(boundaries.standings.tiers) - 1):
        rows = boundaries.rows(number, outcome_quarters=1)
        found.append(read_at_line(rows, POOLED))
    return found


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
        A folder that caches results by the fingerprint of the shape; None caches nothing.
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
        return unknown(_KEYS, "too little is recorded of tiers and scores to simulate their like")
    store = Cache(cache)
    made: dict[str, Any] = store.value(
        "certificate", [VERSION, worlds, shape], lambda: _certify(shape, worlds, store, progress)
    )
    return made


def _certify(shape: World, worlds: int, store: Cache, progress: Progress | None) -> dict[str, Any]:
    """Return the certificate; batches of worlds in the cache are not simulated again."""
    batches = [range(worlds)[first : first + BATCH] for first in range(0, worlds, BATCH)]
    tasks = [
        partial(_cached_batch, store, with_effect(shape, effect), seeds)
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


def _cached_batch(store: Cache, world: World, seeds: range) -> list[Outcome]:
    """Return the outcomes of some worlds, cached as plain data."""
    plain = store.value(
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
    coverage = (
        {"coverage": float(np.mean(covered))} if covered else unknown(("coverage",), "too few")
    )
    return {
        "worlds": count,
        "false_shown": shown,
        "false_suggestive": suggestive,
        "seen": seen,
        "seen_effect": KNOWN_EFFECT,
        **coverage,
        "sentence": (
            f"On data like yours a false “shown” came in {shown} of {count}, an effect of "
            f"+{KNOWN_EFFECT:.0%}".replace("%", " %")
            + f" was seen in {seen} of {count}."
        ),
    }
