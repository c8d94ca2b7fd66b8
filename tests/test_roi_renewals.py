"""Whether tiers keep customers: found where they do, claimed seldom where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tierkit.roi import renewal_effect
from tierkit.roi.standings import NO_TIER
from tierkit.roi.verdict import CANNOT_TELL
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world


@pytest.fixture(scope="module")
def standings():
    world = World(accounts=900, capacities=(60, 250), quarters=12)
    return simulate_world(world, seed=4).standings


def kept(standings, seed, *, effect, due=0.5):
    """Renewals that better scores keep more often anyway, and tiers by `effect` more."""
    rng = np.random.default_rng(seed)
    account, quarter = np.nonzero(
        (standings.level != NO_TIER) & (rng.random(standings.level.shape) < due)
    )
    score = standings.score[account, quarter]
    better = pd.Series(score).rank(pct=True).to_numpy() - 0.5
    level = standings.level[account, quarter]
    chance = np.clip((0.62 + 0.1 * better) * (1 + effect) ** (2 - level), 0, 1)
    return pd.DataFrame(
        {
            "account_id": standings.account_ids[account],
            "quarter": np.asarray(standings.quarters, dtype=object)[quarter],
            "share": (rng.random(len(account)) < chance).astype(float),
        }
    )


def test_tiers_that_keep_customers_are_found(standings):
    found = renewal_effect(standings, kept(standings, 1, effect=0.25))
    assert (found.verdict, found.direction) != (CANNOT_TELL, None)
    assert found.direction == "more"
    assert found.relative.low < 0.25 < found.relative.high


def test_tiers_that_do_not_are_seldom_said_to(standings):
    """Better accounts renew more often whatever their tier: that alone must claim nothing."""
    verdicts = [
        renewal_effect(standings, kept(standings, seed, effect=0.0)).verdict
        for seed in range(10, 18)
    ]
    assert verdicts.count(CANNOT_TELL) >= 7


def test_too_few_renewals_say_so(standings):
    found = renewal_effect(standings, kept(standings, 1, effect=0.0, due=0.002))
    assert found.verdict == CANNOT_TELL
    assert not found.relative.is_known
