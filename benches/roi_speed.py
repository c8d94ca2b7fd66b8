"""Time and peak memory of every design and check, on 4,000 accounts and 16 quarters.

    python -m benches.roi_speed

Prints a table; nothing is asserted.
"""

from __future__ import annotations

import resource
import time

import pandas as pd

from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.boundaries import study_boundaries
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world
from tierkit.settings import parse_settings

SECONDS, GIGABYTES = 20, 2


def main() -> None:
    world = World()
    places = [{"name": f"Tier {n + 1}", "capacity": c} for n, c in enumerate(world.capacities)]
    settings = parse_settings({"tiers": [*places, {"name": f"Tier {len(places) + 1}"}]})
    standings = simulate_world(world, seed=1).standings
    clock, processor = time.perf_counter(), time.process_time()
    study_boundaries(TierOutcomes(()), standings, break_even=pd.DataFrame(), settings=settings)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{world.accounts:,} accounts, {world.steps} quarters, both boundaries, all checks:")
    print(f"{clock:.1f} s ({processor:.1f} s of processor), peak {peak:.2f} GB")
    print(f"wanted: under {SECONDS} s and {GIGABYTES} GB")


if __name__ == "__main__":
    main()
