"""How often the designs for tier ROI are wrong, and right, over worlds whose truth is known.

`python -m benches.roi [--seeds N] [--coverage-seeds N]` prints its tables line by line and writes
them into docs/roi.md between its markers.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom
from threadpoolctl import threadpool_limits

from tierkit.roi.adjusted import adjusted
from tierkit.roi.boundary_rows import Boundaries
from tierkit.roi.certificate import try_designs, with_effect
from tierkit.roi.cutoff import cutoff
from tierkit.roi.worlds import World, simulate_world

PAGE = Path(__file__).parent.parent / "docs" / "roi.md"
START, END = "<!-- results of `make bench-roi` -->", "<!-- end of results -->"
SMALL = {"capacities": (15, 300)}

NO_EFFECT: Mapping[str, World] = {
    "plain": World(),
    "drifting rates": World(drift=0.5),
    "informed overrides": World(informed=2.0),
    "drifting rates, churn": World(drift=0.5, churn=0.02),
    "informed overrides, churn": World(informed=2.0, churn=0.02),
    "gaming at the line": World(gaming=0.4, keep_band=1.0),
    "15 and 300 accounts": World(**SMALL),
}
EFFECT: Mapping[str, World] = {
    "+60 %": with_effect(World(), 0.6),
    "+60 %, drifting rates": with_effect(World(drift=0.5), 0.6),
    "+20 %": with_effect(World(), 0.2),
    "+100 % at 15 and 300": with_effect(World(**SMALL), 1.0),
    "the same money for all": with_effect(World(effect_on="money"), 0.6),
    "small accounts only": with_effect(World(effect_on="small accounts"), 0.6),
}


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

    def below(self, wanted: float) -> bool:
        return bool(binom.cdf(self.hits, self.of, wanted) < 0.025)


def verdicts(task: tuple[World, int]) -> tuple[bool, bool, bool, bool]:
    world, seed = task
    found = try_designs(world, seed=10_000 + seed)
    shown = found.claims("shown")
    return (
        shown,
        found.claims("suggestive") and not shown,
        found.claims("shown", "more"),
        found.claims("suggestive", "more") and not found.claims("shown", "more"),
    )


def intervals(task: tuple[World, int]) -> list[tuple[int, str, float, float]]:
    """Return effects and their errors against the truth at the line (rate effects: everywhere)."""
    world, seed = task
    boundaries = Boundaries(simulate_world(world, seed=50_000 + seed).standings)
    found = []
    for boundary in range(len(world.capacities)):
        rows = boundaries.rows(boundary, outcome_quarters=1)
        truth = math.log1p(world.relative(boundary))
        for name, estimate in (
            ("cutoff", cutoff(rows).estimate),
            ("adjusted", adjusted(rows).estimate),
        ):
            if estimate is not None:
                found.append((boundary, name, estimate.log_effect - truth, estimate.se))
    return found


def verdict_table(
    cases: Mapping[str, World], *, seeds: int, pool: ProcessPoolExecutor
) -> list[str]:
    lines = [
        "| world | shown | suggestive | of them “more”: shown | suggestive |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, world in cases.items():
        done = np.array(list(pool.map(verdicts, [(world, seed) for seed in range(seeds)])))
        counts = [str(Count(int(column.sum()), seeds)) for column in done.T]
        lines.append(f"| {name} | {' | '.join(counts)} |")
        print(lines[-1], flush=True)
    return lines


def coverage_table(*, seeds: int, pool: ProcessPoolExecutor) -> list[str]:
    lines = [
        "| world | boundary | design | intervals that hold the truth | mean error (log) | "
        "spread of estimates | mean standard error |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, world in {"no effect": World(), "+60 %": with_effect(World(), 0.6)}.items():
        tasks = [(world, seed) for seed in range(seeds)]
        found = [one for part in pool.map(intervals, tasks) for one in part]
        for boundary, design in ((b, d) for d in ("cutoff", "adjusted") for b in (0, 1)):
            lines.append(_coverage_line(name, boundary, design, found))
            print(lines[-1], flush=True)
    return lines


def _coverage_line(
    name: str, boundary: int, design: str, found: list[tuple[int, str, float, float]]
) -> str:
    values = np.array([x[2:] for x in found if x[:2] == (boundary, design)])
    held = Count(int((np.abs(values[:, 0]) < 1.96 * values[:, 1]).sum()), len(values))
    numbers = (values[:, 0].mean(), values[:, 0].std(), values[:, 1].mean())
    told = " | ".join(f"{number:.3f}" for number in numbers)
    return f"| {name} | Tier {boundary + 1} / Tier {boundary + 2} | {design} | {held} | {told} |"


def report(seeds: int, coverage_seeds: int) -> Iterator[str]:
    started = time.perf_counter()
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield f"**No effect at all**, three times the effort; {seeds} worlds each, both boundaries:"
        yield ""
        yield from verdict_table(NO_EFFECT, seeds=seeds, pool=pool)
        yield from ("", f"**With an effect**, {seeds} worlds each:", "")
        yield from verdict_table(EFFECT, seeds=seeds, pool=pool)
        yield from ("", f"**Coverage** of 95 % intervals, {coverage_seeds} worlds each:", "")
        yield from coverage_table(seeds=coverage_seeds, pool=pool)
    minutes = (time.perf_counter() - started) / 60
    print(f"{minutes:.1f} minutes on {workers} processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--coverage-seeds", type=int, default=400)
    asked = parser.parse_args()
    lines = "\n".join(report(asked.seeds, asked.coverage_seeds))
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else f"{START}\n{END}\n"
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{START}\n\n{lines}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
