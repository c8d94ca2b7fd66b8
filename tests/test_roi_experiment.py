"""A randomised band: drawn before, kept unchanged, read out after."""

import math

import numpy as np
import pandas as pd
import pytest

from tierkit.errors import DataError, SettingsError
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.boundaries import study_boundaries
from tierkit.roi.boundary_rows import Boundaries
from tierkit.roi.experiment import Band, draw_band, randomised
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world
from tierkit.settings import parse_settings

TIERS = ("Tier 1", "Tier 2")
ASSIGNED = pd.DataFrame(
    {
        "tier": ["Tier 1"] * 15 + ["Tier 2"] * 25,
        "rank": range(1, 41),
        "overridden": [False] * 16 + [True] + [False] * 23,
        "predicted_revenue": np.linspace(400.0, 10.0, 40),
    },
    index=pd.Index([f"A{n:02d}" for n in range(1, 41)], name="account_id"),
)


def drawn(seed=3, ranks=(12, 18)):
    return draw_band(ASSIGNED, tiers=TIERS, ranks=ranks, quarter="2026Q4", seed=seed)


def test_a_draw_keeps_the_size_of_the_tier_and_leaves_overrides_alone():
    rows = drawn().rows
    assert rows["rank"].tolist() == [12, 13, 14, 15, 16, 18]  # rank 17 is overridden
    assert (rows["drawn_tier"] == "Tier 1").sum() == 4


def test_its_cost_is_the_predicted_revenue_that_goes_below():
    band = drawn()
    money = ASSIGNED["predicted_revenue"]
    up = band.rows.loc[band.rows["drawn_tier"] == "Tier 1", "account_id"]
    by_rank = money[["A12", "A13", "A14", "A15"]].sum()
    assert band.cost == pytest.approx(by_rank - money[up].sum())
    assert f"USD {band.cost:,.0f}" in band.sentence(currency="USD")


def test_the_seed_decides_and_the_order_of_rows_does_not():
    shuffled = ASSIGNED.sample(frac=1.0, random_state=5)
    again = draw_band(shuffled, tiers=TIERS, ranks=(12, 18), quarter="2026Q4", seed=3)
    assert again.hash == drawn().hash
    assert len({drawn(seed).hash for seed in range(20)}) > 5


def test_everyone_is_as_likely_to_be_drawn():
    counts = sum((drawn(seed).rows["drawn_tier"] == "Tier 1").to_numpy() * 1 for seed in range(200))
    assert counts / 200 == pytest.approx(4 / 6, abs=0.13)


def test_a_band_needs_both_tiers():
    with pytest.raises(SettingsError, match="hold 3 accounts of Tier 1 and 0 of Tier 2"):
        drawn(ranks=(1, 3))


def test_an_assignment_is_read_back_and_a_changed_one_is_refused(tmp_path):
    file = tmp_path / "band.csv"
    drawn().write(file)
    assert Band.read(file).hash == drawn().hash
    text = file.read_text()
    file.write_text(text.replace("Tier 1,Tier 2,Tier 1", "Tier 1,Tier 2,Tier 2", 1))
    with pytest.raises(DataError, match="changed it after the draw"):
        Band.read(file)
    file.write_text("account_id\n")
    with pytest.raises(DataError, match="no assignment file"):
        Band.read(file)


def test_a_draw_becomes_overrides_that_name_it():
    overrides = drawn().overrides()
    assert overrides["reason"].unique().tolist() == [
        f"Drawn by lot, randomised band {drawn().hash}"
    ]


def band_of(world, standings):
    """The draws of a simulated world as assignment rows."""
    rows = [
        (
            standings.account_ids[account],
            standings.quarters[step],
            *TIERS,
            TIERS[0 if lot else 1],
            1,
            1,
        )
        for step, (accounts, lots) in world.draws.items()
        for account, lot in zip(accounts, lots, strict=True)
    ]
    return Band(pd.DataFrame(rows, columns=list(Band.columns)), 0.0)


def test_a_randomised_band_recovers_the_truth():
    world = World(band=(60, 260), tier_effects=(1.0, 0.0, 0.0), informed=3.0)
    misses, wide = [], []
    for seed in range(4):
        lived = simulate_world(world, seed=seed)
        rows = Boundaries(lived.standings).rows(0, outcome_quarters=1)
        estimate = randomised(lived.standings, rows, [band_of(lived, lived.standings)]).estimate
        misses.append(abs(estimate.log_effect - math.log(2.0)) / estimate.se)
        wide.append(estimate.se)
    assert max(misses) < 3.2
    assert max(wide) < 0.15


def test_a_lot_outranks_the_other_designs():
    world = World(accounts=2000, capacities=(150, 400), band=(60, 260), informed=3.0,
                  tier_effects=(2.0, 0.0, 0.0))  # fmt: skip
    lived = simulate_world(world, seed=1)
    settings = parse_settings({"tiers": [
        {"name": "Tier 1", "capacity": 150}, {"name": "Tier 2", "capacity": 400},
        {"name": "Tier 3"},
    ]})  # fmt: skip
    first, second = study_boundaries(
        TierOutcomes(()), lived.standings, break_even=pd.DataFrame(), settings=settings,
        bands=[band_of(lived, lived.standings)],
    ).boundaries  # fmt: skip
    assert (first.facts["verdict"], first.facts["direction"]) == ("shown", "more")
    assert "a random draw put into the upper tier" in first.facts["because"]
    assert first.facts["designs"][-1]["design"] == "randomised"
    assert second.facts["designs"][-1]["why"] == "no band was drawn by lot at this line"


def test_without_a_draw_nothing_is_told():
    standings = simulate_world(
        World(accounts=400, capacities=(15, 60), quarters=3), seed=1
    ).standings
    rows = Boundaries(standings).rows(0, outcome_quarters=1)
    assert randomised(standings, rows, []).why == "no band was drawn by lot at this line"
