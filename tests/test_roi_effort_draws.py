"""Hold-outs of effort: drawn alike, kept unchanged, read against what the effort costs."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tierkit.errors import DataError, SettingsError
from tierkit.roi.boundary_rows import Boundaries
from tierkit.roi.effort_draw import (
    EffortDraw,
    dispersions,
    draw_effort,
    drawn_needed,
    effort_facts,
)
from tierkit.roi.world_shape import World
from tierkit.roi.worlds import simulate_world

ASSIGNED = pd.DataFrame(
    {
        "tier": ["Tier 1"] * 15 + ["Tier 2"] * 100,
        "overridden": [False] * 114 + [True],
        "predicted_revenue": np.linspace(1000.0, 10.0, 115),
    },
    index=pd.Index([f"A{n:03d}" for n in range(115)], name="account_id"),
)


def drawn(assigned=ASSIGNED, **changes):
    asked = {"tier": "Tier 2", "arm": "less", "drawn_share": 0.2, "quarter": "2026Q4",
             "quarters": 4, "seed": 3, "report": "f00d", **changes}  # fmt: skip
    return draw_effort(assigned, **asked)


def test_a_draw_takes_one_of_each_stratum_of_predicted_revenue_and_leaves_overrides_alone():
    rows = drawn().rows.sort_values("predicted_revenue", ascending=False)
    assert len(rows) == 99
    assert rows["drawn"].sum() == 20
    assert all(part.sum() == 1 for part in np.array_split(rows["drawn"].to_numpy(), 20))
    money = rows.groupby("drawn")["predicted_revenue"].mean()
    assert money[True] == pytest.approx(money[False], rel=0.05)


def test_the_seed_decides_and_the_order_of_rows_does_not():
    assert drawn(ASSIGNED.sample(frac=1.0, random_state=5)).hash == drawn().hash
    assert drawn(seed=4).hash != drawn().hash


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tier": "Tier 1"}, "Tier 1 holds 15 accounts that nobody set, and 20 % of them are 3"),
        ({"drawn_share": 0.6}, "give a share above 0 and up to 0.5"),
        ({"drawn_share": 0.0}, "give a share above 0"),
        ({"tier": "Tier 9"}, "Tier 9 holds 0 accounts"),
    ],
)
def test_what_a_tier_does_not_hold_cannot_be_drawn(changes, says):
    with pytest.raises(SettingsError, match=says):
        drawn(**changes)


def test_what_it_costs_and_what_it_could_show_is_said_in_words():
    said = drawn().sentence(currency="USD", effect=0.1, dispersion=3.0)
    money = drawn().rows.loc[drawn().rows["drawn"], "predicted_revenue"].sum()
    assert said.startswith("20 accounts of Tier 2 get less effort for 4 quarters, 79 the usual.")
    assert f"USD {money:,.0f} of predicted revenue, 10 % of which is USD {money / 10:,.0f}" in said
    smallest = math.expm1(2.8 * math.sqrt(3.0 / 4 * (1 / 20 + 1 / 79)))
    assert f"−{100 * smallest:.0f} %" in said
    assert "one of −10 % could not, however many of the 99 accounts are drawn" in said
    needed = drawn_needed(99, 0.7, quarters=4, dispersion=3.0)
    assert f"for one of −70 % draw {needed} accounts" in (
        drawn().sentence(currency="USD", effect=0.7, dispersion=3.0)
    )
    assert "is not known" in drawn().sentence(currency="USD", effect=0.1, dispersion=None)


def test_an_assignment_is_read_back_and_a_changed_one_is_refused(tmp_path):
    file = tmp_path / "draw.csv"
    drawn().write(file)
    assert EffortDraw.read(file).hash == drawn().hash
    file.write_text(file.read_text().replace("False", "True", 1))
    with pytest.raises(DataError, match="changed it after the draw"):
        EffortDraw.read(file)


# The reading


def lived(*, arm, factor, quarters=8):
    """A world in which a lot among the accounts of Tier 2 multiplied what drawn ones won."""
    standings = simulate_world(World(accounts=3000, capacities=(100, 600)), seed=4).standings
    first = len(standings.quarters) - quarters
    members = np.flatnonzero(standings.level[:, first] == 1)
    lot = np.random.default_rng(1).random(len(members)) < 0.5
    rows = pd.DataFrame({
        "account_id": standings.account_ids[members], "tier": "Tier 2", "arm": arm, "drawn": lot,
        "quarter": standings.quarters[first], "quarters": quarters, "predicted_revenue": 1.0,
        "seed": 1, "report": "f00d",
    })  # fmt: skip
    begun = standings.history.begun_revenue.copy()
    begun[np.ix_(members[lot], range(first, begun.shape[1]))] *= factor
    history = replace(standings.history, begun_revenue=begun)
    return Boundaries(replace(standings, history=history)), EffortDraw(rows)


def test_less_effort_that_loses_nothing_is_as_good_within_what_it_saves():
    boundaries, draw = lived(arm="less", factor=1.0)
    found = effort_facts(boundaries, draw, pays_from=0.3)
    json.dumps(found, allow_nan=False)
    assert found["relative"]["low"] < 0 < found["relative"]["high"]
    assert found["holds"] is True
    assert found["sentence"].endswith(
        "a loss of more than 30 %, what the effort costs, is ruled out."
    )
    tight = effort_facts(boundaries, draw, pays_from=0.01)
    assert tight["holds"] is None
    assert tight["holds_why"].endswith("is not ruled out yet")


@pytest.mark.parametrize(
    ("arm", "factor", "holds"), [("less", 0.4, False), ("more", 2.0, True), ("more", 1.0, False)]
)
def test_an_effect_is_recovered_and_held_against_the_cost(arm, factor, holds):
    boundaries, draw = lived(arm=arm, factor=factor)
    found = effort_facts(boundaries, draw, pays_from=0.3)
    assert found["relative"]["low"] < factor - 1 < found["relative"]["high"]
    assert found["holds"] is holds


def test_groups_that_are_not_those_of_the_lot_are_not_compared():
    boundaries, draw = lived(arm="less", factor=1.0)
    gone = draw.rows["drawn"] & (np.arange(len(draw.rows)) % 2 == 0)
    lost = draw.rows.assign(account_id=draw.rows["account_id"].mask(gone, "gone"))
    found = effort_facts(boundaries, EffortDraw(lost), pays_from=0.3)
    assert found["relative"]["estimate"] is None
    assert "accounts are missing from one group" in found["sentence"]


def test_a_draw_that_is_not_in_force_yet_says_so():
    boundaries, draw = lived(arm="less", factor=1.0)
    later = EffortDraw(draw.rows.assign(quarter="2099Q1"))
    assert effort_facts(boundaries, later, pays_from=None)["relative"]["low_why"] == (
        "2099Q1 is not over"
    )


def test_how_much_wins_vary_is_told_by_tier():
    boundaries, _ = lived(arm="less", factor=1.0)
    found = dispersions(boundaries)
    assert [one["tier"] for one in found] == ["Tier 1", "Tier 2", "Tier 3"]
    assert found[0]["dispersion"] < found[2]["dispersion"]  # who buys often varies less
