"""How often the verdicts on tier ROI are wrong, and right, over worlds whose truth is known.

`python -m benches.roi [--seeds N] [--companies N] [--processes N]` prints its tables line by line
and writes them into docs/roi.md between its markers. A company of `tierkit simulate` is read from
its tables, as a run reads it.
"""

from __future__ import annotations

import argparse
import math
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import binom
from threadpoolctl import threadpool_limits

from tierkit.calendar import newest
from tierkit.crm.tables import tables_from_frames
from tierkit.roi._certificate import at_lines
from tierkit.roi.adjusted import adjusted
from tierkit.roi.boundary_rows import Boundaries, Reading
from tierkit.roi.cutoff import Cutoff
from tierkit.roi.from_tables import tier_standings
from tierkit.roi.line_study import verdicts_at
from tierkit.roi.primary import POOLED, primary_reading
from tierkit.roi.standings import Standings
from tierkit.roi.verdict import Verdict
from tierkit.roi.world_shape import World, with_effect
from tierkit.roi.worlds import simulate_world
from tierkit.settings import parse_settings
from tierkit.simulate.crm import simulate_crm
from tierkit.simulate.dynamics import quarters_held
from tierkit.simulate.scenario import TierEffectOn

PAGE = Path(__file__).parent.parent / "docs" / "roi.md"
START, END = "<!-- results of `make bench-roi` -->", "<!-- end of results -->"
REVENUE_TYPES = {"New Business": "new", "Expansion": "expansion", "Renewal": "renewal"}
FIRST_SEED = 20_000

SMALL = {"capacities": (15, 300)}
SLOW = World(
    accounts=2000,
    capacities=(75, 300),
    quarters=16,
    cycle_days=90.0,
    informed=2.0,
    min_stay=2,
)
NO_EFFECT: Mapping[str, World] = {
    "plain": World(),
    "drifting rates": World(drift=0.5),
    "informed overrides": World(informed=2.0),
    "drifting rates, churn": World(drift=0.5, churn=0.02),
    "informed overrides, churn": World(informed=2.0, churn=0.02),
    "gaming at the line": World(gaming=0.4, keep_band=1.0),
    "15 and 300 accounts": World(**SMALL),
    "deals of 90 days": SLOW,
    "deals of 90 days, no line recorded": replace(SLOW, recorded="none"),
}
EFFECT: Mapping[str, World] = {
    "+10 %": with_effect(World(), 0.1),
    "+20 %": with_effect(World(), 0.2),
    "+60 %": with_effect(World(), 0.6),
    "+60 %, drifting rates": with_effect(World(drift=0.5), 0.6),
    "+100 % at 15 and 300": with_effect(World(**SMALL), 1.0),
    "the same money for all": with_effect(World(effect_on="money"), 0.6),
    "small accounts only": with_effect(World(effect_on="small accounts"), 0.6),
    "deals of 90 days: +20 %": with_effect(SLOW, 0.2),
    "deals of 90 days: +60 %": with_effect(SLOW, 0.6),
    "deals of 90 days: +60 %, on deal size alone": with_effect(
        replace(SLOW, effect_on="deal size"), 0.6
    ),
    "deals of 90 days: +60 %, whole after three quarters": with_effect(replace(SLOW, ramp=3), 0.6),
}


@dataclass(frozen=True)
class Company:
    """A company of `tierkit simulate`, with what its upper tiers add over the last."""

    tier_1: float
    tier_2: float
    effect_on: TierEffectOn = "number of deals"
    ramp: int = 1

    @property
    def tier_effects(self) -> tuple[float, float, float]:
        """By how much each tier raises revenue over the last one."""
        return (self.tier_1, self.tier_2, 0.0)

    def relative(self, boundary: int) -> float:
        """Return the true relative effect of a tier over the next."""
        return (1 + self.tier_effects[boundary]) / (1 + self.tier_effects[boundary + 1]) - 1


_MOVED: Mapping[str, Sequence[str]] = {
    "number of deals": ("won revenue", "wins", "adjusted"),
    "everyone": ("won revenue", "wins", "adjusted"),
    "deal size": ("won revenue", "deal size", "adjusted"),
}
"""The readings that an effect moves, by what it works on; unknown for effects of other kinds."""


def true_effect(
    world: World | Company, standings: Standings, at_line: Cutoff, boundary: int, reading: str
) -> float | None:
    """Return the true relative effect on a reading, None where it is not the same for all.

    An effect that builds up over quarters is what accounts at the line have got of it so far.
    """
    if world.effect_on not in _MOVED:
        return None
    if reading not in _MOVED[world.effect_on]:
        return 0.0
    if world.ramp <= 1:
        return world.relative(boundary)
    near = at_line.rows
    weights = 1 - (near.distance / at_line.bandwidth) ** 2
    held = np.stack([quarters_held(standings.level, q) for q in range(standings.level.shape[1])], 1)
    share = np.minimum(held[near.account, near.quarter] / world.ramp, 1.0)
    upper, lower = (
        np.average(np.log1p(world.tier_effects[tier] * share[chosen]), weights=weights[chosen])
        for tier, chosen in ((boundary, near.held), (boundary + 1, ~near.held))
    )
    return float(np.expm1(upper - lower))


COMPANIES: Mapping[str, Company] = {
    "no effect": Company(0.0, 0.0),
    "+23 and +30 %": Company(0.6, 0.3),
    "+60 and +30 %": Company(1.08, 0.3),
    "+60 and +30 %, on deal size alone": Company(1.08, 0.3, effect_on="deal size"),
    "+60 and +30 %, whole after three quarters": Company(1.08, 0.3, ramp=3),
}


SEEN: Mapping[str, str] = {
    "+23 and +30 %": "50 %",
    "+60 and +30 %": "95 %",
    "+60 and +30 %, on deal size alone": "80 %",
    "+10 %": "33 %",
    "+20 %": "70 %",
    "deals of 90 days: +20 %": "45 %",
}
"""The aims, as shares of worlds in which an effect is at least suggestive."""


def _aim(name: str) -> str:
    if name in NO_EFFECT or name == "no effect":
        return "shown ≤ 2 %, suggestive ≤ 5 %"
    return f"seen in {SEEN[name]}" if name in SEEN else "none stated"


@dataclass(frozen=True)
class Count:
    """How many of so many worlds, with the 95 % limits of Clopper and Pearson."""

    hits: int
    of: int

    def __str__(self) -> str:
        return f"{self.hits} of {self.of} ({100 * self.hits / max(self.of, 1):.1f} %)"

    def above(self, allowed: float) -> bool:
        """Whether so many would be seen in fewer than 1 of 40 samples if `allowed` were true."""
        return bool(binom.sf(self.hits - 1, self.of, allowed) < 0.025)


@dataclass(frozen=True)
class Found:
    """The verdicts on one world, and by line and reading: error (log), standard error, whether the
    interval holds the truth."""

    verdicts: Sequence[Verdict]
    errors: Mapping[tuple[int, str], tuple[float, float, bool]] = field(default_factory=dict)

    def claims(self, *words: str, direction: str | None = None) -> bool:
        """Whether any boundary has one of the verdicts (in this direction)."""
        return any(v.verdict in words and direction in (None, v.direction) for v in self.verdicts)


def company_standings(company: Company, seed: int) -> Standings:
    """Return a simulated company's standings, from its tables."""
    crm = simulate_crm(
        seed=seed,
        tier_effect=company.tier_1,
        tier_2_effect=company.tier_2,
        tier_effect_on=company.effect_on,
        tier_effect_ramp=company.ramp,
    )
    frames = {name: crm.tables[name] for name in ("accounts", "opportunities", "tier_history")}
    types = frames["opportunities"]["type"].astype("object").map(REVENUE_TYPES)
    frames["opportunities"] = frames["opportunities"].assign(revenue_type=types)
    settings = parse_settings(tomllib.loads(crm.settings_text))
    calendar = settings.fiscal_calendar
    last = newest(crm.tables["tier_history"]["start_date"].dt.date.tolist())
    as_of = calendar.containing(last).as_of
    return tier_standings(tables_from_frames(frames), settings=settings, as_of=as_of)


def look_at(world: World | Company, seed: int) -> Found:
    """Return what a report would say of one world or company."""
    standings = (
        company_standings(world, seed)
        if isinstance(world, Company)
        else simulate_world(world, seed=FIRST_SEED + seed).standings
    )
    boundaries, found = Boundaries(standings), at_lines(Boundaries(standings))
    estimates = [{name: at.estimate for name, at in line.items()} for line in found]
    primary = primary_reading(estimates, quarters=standings.quarters_known(1))
    errors = {}
    for number, line in enumerate(estimates):
        beside = {"adjusted": adjusted(boundaries.rows(number, outcome_quarters=1)).estimate}
        for name, one in {**line, **beside}.items():
            truth = true_effect(world, standings, found[number]["wins"], number, name)
            if one is not None and truth is not None:
                share = one.relative()
                holds = not (share.is_above(truth) or share.is_below(truth))
                errors[number, name] = (one.log_effect - math.log1p(truth), one.se, holds)
    return Found(verdicts_at(boundaries, found, primary), errors)


Looks = Callable[[World | Company], list[Found]]


def verdict_lines(cases: Mapping[str, World | Company], looks: Looks) -> Iterator[str]:
    """Yield a table of verdicts, then of errors, for some worlds."""
    yield "| world | shown | suggestive or more | of them “more” | aim |"
    yield "| --- | --- | --- | --- | --- |"
    done = {}
    for name, world in cases.items():
        done[name] = found = looks(world)
        counts = (
            sum(one.claims("shown") for one in found),
            sum(one.claims("shown", "suggestive") for one in found),
            sum(one.claims("shown", "suggestive", direction="more") for one in found),
        )
        told = " | ".join(str(Count(one, len(found))) for one in counts)
        yield f"| {name} | {told} | {_aim(name)} |"
    yield ""
    yield (
        "| world | line | reading | intervals that hold the truth (aim 92 to 97.5 %) | mean error "
        "(log; aim within 0.05) | spread of estimates | mean standard error |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, found in done.items():
        yield from _error_lines(name, found)


def _error_lines(name: str, found: list[Found]) -> Iterator[str]:
    readings: tuple[Reading | str, ...] = (*POOLED, "adjusted")
    for number in (0, 1):
        for reading in readings:
            values = np.array([x.errors[number, reading] for x in found
                               if (number, reading) in x.errors])  # fmt: skip
            line = f"| {name} | Tier {number + 1} / Tier {number + 2} | {reading} |"
            if len(values) < len(found) / 20:
                yield f"{line} told in {Count(len(values), len(found))} | | | |"
                continue
            held = Count(int(values[:, 2].sum()), len(values))
            told = (values[:, 0].mean(), values[:, 0].std(), values[:, 1].mean())
            yield f"{line} {held} | {' | '.join(f'{number:.3f}' for number in told)} |"


def report(seeds: int, companies: int, pool: Executor) -> Iterator[str]:
    """Yield every table."""

    def looks(count: int, world: World | Company) -> list[Found]:
        return list(pool.map(partial(look_at, world), range(1, count + 1), chunksize=5))

    yield f"**Companies of `tierkit simulate`**, read from their tables; {companies} each:"
    yield ""
    yield from verdict_lines(COMPANIES, partial(looks, companies))
    yield ""
    yield f"**No effect at all**, three times the effort; {seeds} worlds each, both boundaries:"
    yield ""
    yield from verdict_lines(NO_EFFECT, partial(looks, seeds))
    yield from ("", f"**With an effect**, {seeds} worlds each:", "")
    yield from verdict_lines(EFFECT, partial(looks, seeds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--companies", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    started, lines = time.perf_counter(), []
    with ProcessPoolExecutor(asked.processes, initializer=threadpool_limits, initargs=(1,)) as pool:
        for line in report(asked.seeds, asked.companies, pool):
            print(line, flush=True)
            lines.append(line)
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes on {asked.processes} processes")
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else f"{START}\n{END}\n"
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    told = "\n".join(lines)
    PAGE.write_text(f"{head}{START}\n\n{told}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
