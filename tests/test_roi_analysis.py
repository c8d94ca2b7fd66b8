"""The analyst page of tier ROI shows what was computed, beside each design and without a say."""

from __future__ import annotations

import pandas as pd
import pytest

from tierkit import pages
from tierkit.figure import Figure
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.boundaries import study_boundaries
from tierkit.roi.world_shape import World, with_effect
from tierkit.roi.worlds import simulate_world
from tierkit.runs.tier_roi import TierRoi
from tierkit.settings import parse_settings

BOUNDARIES = ["Tier 1 / Tier 2", "Tier 2 / Tier 3"]
NOTHING = TierRoi(TierOutcomes(()), [], {}, [], {})


@pytest.fixture(scope="module")
def roi():
    world = with_effect(World(accounts=1200, capacities=(60, 240), quarters=8), 3.0)
    settings = parse_settings({"tiers": [
        {"name": "Tier 1", "capacity": 60}, {"name": "Tier 2", "capacity": 240}, {"name": "Tier 3"},
    ]})  # fmt: skip
    pays = pd.DataFrame(
        {"extra_cost": Figure(900.0), "break_even": Figure(0.08)},
        index=pd.Index(BOUNDARIES, name="boundary"),
    )
    standings = simulate_world(world, seed=1).standings
    studies = study_boundaries(TierOutcomes(()), standings, break_even=pays, settings=settings)
    certificate = {"sentence": "Seen in 81 of 100."}
    return TierRoi(TierOutcomes(()), studies.boundaries, studies.together, [], certificate)


def test_every_check_of_every_design_is_a_row(roi):
    html = pages.checks_table(roi).html
    for boundary in roi.boundaries:
        for design in boundary["designs"]:
            assert all(name in html for name in design["checks"])
    assert "other tier share" in html
    assert "incumbents alone" in html


def test_each_boundary_has_a_forest_and_an_overlap_of_its_own(roi):
    forests, overlaps = pages.effects_figure(roi).html, pages.overlap_figures(roi).html
    assert forests.count("<figure") == overlaps.count("<figure") == 2
    study = roi.studies[1]
    both = study.overlap[(study.overlap["upper"] > 0) & (study.overlap["lower"] > 0)]
    assert f"{(both['upper'] + both['lower']).sum():,} account-quarters stand where" in overlaps


def test_balance_is_told_before_and_after_the_weights(roi):
    html = pages.balance_table(roi).html
    assert html.count("<tr>") == 1 + sum(len(study.balance) for study in roi.studies)
    assert "standard deviations" in html


def test_a_return_is_told_where_an_effect_is(roi):
    html = pages.return_table(roi).html
    assert roi.boundaries[1]["verdict"] in ("shown", "suggestive")
    told = roi.boundaries[1]["return_on_cost"]["estimate"]
    assert f">{told:,.3g}<" in html


def test_where_nothing_was_compared_each_part_says_so():
    for part in (pages.checks_table, pages.balance_table, pages.overlap_figures):
        assert "<table" not in part(NOTHING).html
        assert "could be" in part(NOTHING).html or "were compared" in part(NOTHING).html
