"""Each move has parts that add up to it, and what stability saves and costs is counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.assign import assign_within_budget
from tierkit.tiers.decomposition import PARTS, TOGETHER, EarlierRun, decompose
from tierkit.tiers.moves import moved_accounts, stability_facts
from tierkit.tiers.overrides import no_overrides

FREE = StabilitySettings(keep_band=1.0, min_quarters=0, max_moves_share=1.0)
BAND = StabilitySettings(keep_band=2.0, min_quarters=0, max_moves_share=1.0)
NOBODY = pd.Series([], index=pd.Index([], dtype="str"), dtype="str")
TWO = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2"))


def tiered(scores, *, tiers=TWO, held=None, forced=None, stability=FREE):
    index = pd.Index(list(scores), name="account_id", dtype="str")
    values = pd.Series(list(scores.values()), index=index, dtype=float)
    chosen = no_overrides()
    if forced:
        chosen = pd.DataFrame({"account_id": list(forced), "tier": list(forced.values())})
    frame = pd.DataFrame({"score": values, "predicted_revenue": values})
    before = NOBODY if held is None else pd.Series(held, dtype="str")
    assignment = assign_within_budget(
        frame, tiers=tiers, stability=stability, overrides=chosen, previous=before
    )
    return assignment.accounts.join(frame["predicted_revenue"], how="left"), assignment.budget


def run(scores, **known):
    return tiered(scores, **known)[0]


def earlier(frame, rescored=None):
    columns = ["tier", "model_tier", "rule_tier", "score", "predicted_revenue", "group"]
    texts = frame[columns].astype(dict.fromkeys(columns[:3], "object"))
    if rescored is not None:
        values = pd.Series(rescored, dtype=float)
        rescored = pd.DataFrame({"score": values, "predicted_revenue": values})
    return EarlierRun(texts, rescored, same_unit=False)


def parts(now, before, *, tiers=TWO):
    found = decompose(now, moved=moved_accounts(now).index, tiers=tiers, earlier=before).accounts
    return {
        account: ({part: row[part] for part in PARTS if row[part]}, row["main_part"])
        for account, row in found.to_dict("index").items()
    }


THEN = {"A": 4.0, "B": 3.0, "C": 2.0, "D": 1.0}
HELD = {"A": "Tier 1", "B": "Tier 1", "C": "Tier 2", "D": "Tier 2"}


def test_an_account_that_earned_more_rises_by_its_data_and_pushes_out_another_by_the_line():
    now = {"A": 4.0, "B": 3.0, "C": 5.0, "D": 1.0}
    assert parts(run(now, held=HELD), earlier(run(THEN), rescored=now)) == {
        "C": ({"data": 1.0}, "data"),
        "B": ({"line": -1.0}, "line"),
    }


def test_the_same_data_seen_by_another_model_move_by_the_model():
    now = {"A": 4.0, "B": 1.5, "C": 3.5, "D": 1.0}
    found = parts(run(now, held=HELD), earlier(run(THEN), rescored=THEN))
    assert found == {"C": ({"model": 1.0}, "model"), "B": ({"model": -1.0}, "model")}


def test_another_place_is_capacity():
    tiers = (Tier(name="Tier 1", capacity=3), Tier(name="Tier 2"))
    found = parts(run(THEN, tiers=tiers, held=HELD), earlier(run(THEN), rescored=THEN))
    assert found == {"C": ({"capacity": 1.0}, "capacity")}


def test_an_override_and_whom_it_displaces():
    now = run(THEN, held=HELD, forced={"D": "Tier 1"})
    found = parts(now, earlier(run(THEN), rescored=THEN))
    assert found == {"D": ({"override": 1.0}, "override"), "B": ({"override": -1.0}, "override")}


def test_an_override_that_is_taken_back_counts_as_override():
    before = run(THEN, forced={"D": "Tier 1"})
    held = before["tier"].astype("object").to_dict()
    found = parts(run(THEN, held=held), earlier(before, rescored=THEN))
    assert found == {"B": ({"override": 1.0}, "override"), "D": ({"override": -1.0}, "override")}


def test_a_band_that_ends_is_a_part_of_the_move():
    # C fell to rank 3 a quarter ago and was kept; the band ends at rank 4, and now it is at 5
    before = {"A": "Tier 1", "C": "Tier 1", "B": "Tier 2", "D": "Tier 2", "E": "Tier 2"}
    kept = run({**THEN, "E": 0.5}, stability=BAND, held=before)
    now = {"A": 4.0, "B": 3.0, "C": 0.1, "D": 1.0, "E": 0.5}
    held = kept["tier"].astype("object").to_dict()
    found = parts(run(now, held=held, stability=BAND), earlier(kept, rescored=now))
    assert found == {"C": ({"band": -1.0}, "band"), "B": ({"band": 1.0}, "band")}


def test_without_an_earlier_run_what_cannot_be_told_is_missing_with_the_reason():
    now = run({"A": 4.0, "B": 1.0, "C": 3.0}, held={"A": "Tier 1", "B": "Tier 1", "C": "Tier 2"})
    found = decompose(now, moved=moved_accounts(now).index, tiers=TWO, earlier=None)
    assert found.why == TOGETHER
    assert found.accounts["data"].to_dict() == {"C": 1.0, "B": -1.0}
    assert found.accounts[["model", "line", "capacity"]].isna().all(axis=None)
    line = {part["part"]: part for part in found.facts()["parts"]}["line"]
    assert line == {"part": "line", "accounts": 0, "steps": None, "steps_why": TOGETHER}


values = st.lists(st.integers(0, 5), min_size=8, max_size=8)
tier_name = st.sampled_from(["Tier 1", "Tier 2", "Tier 3"])


@settings(max_examples=60, deadline=None)
@given(
    values,
    values,
    values,
    st.integers(0, 3),
    st.dictionaries(st.integers(0, 7), tier_name, max_size=2),
)
def test_the_parts_always_sum_to_the_change(then, old_model, new, capacity, overridden):
    ids = "ABCDEFGH"
    three = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2", capacity=3), Tier(name="Tier 3"))
    other = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2", capacity=capacity), three[2])
    before = run(dict(zip(ids, then, strict=True)), tiers=three)
    held = before["tier"].astype("object").to_dict()
    forced = {ids[place]: tier for place, tier in overridden.items()}
    if list(forced.values()).count("Tier 2") > capacity:
        forced = {}
    now = run(dict(zip(ids[1:], new[1:], strict=True)), tiers=other, held=held, forced=forced,
              stability=BAND)  # fmt: skip
    rescored = dict(zip(ids, old_model, strict=True))
    found = decompose(now, moved=now.index, tiers=three, earlier=earlier(before, rescored)).accounts
    assert np.allclose(found[[*PARTS]].sum(axis=1), found["change"])


def test_saved_moves_and_what_they_cost():
    # by rank alone B (3) would replace C (2): two moves and 1 of predicted revenue are saved
    held = {"A": "Tier 1", "C": "Tier 1", "B": "Tier 2", "D": "Tier 2"}
    frame, budget = tiered(THEN, held=held, stability=BAND)
    facts = stability_facts(frame, tiers=TWO, budget=budget)
    assert (facts["by_rank"], facts["saved"]) == (2, 2)
    assert facts["kept_by"] == {"keep band": 1, "minimum stay": 0, "move budget": 0}
    assert facts["cost"] == [{"tier": "Tier 1", "predicted_revenue": 1.0}]
    assert facts["budget"]["most"] is None
    assert facts["budget"]["most_why"]


def test_noise_of_one_percent_stays_within_the_budget():
    rng = np.random.default_rng(1)
    scores = {f"A{n:04d}": value for n, value in enumerate(rng.lognormal(9, 0.2, 600))}
    tiers = (
        Tier(name="Tier 1", capacity=15),
        Tier(name="Tier 2", capacity=150),
        TWO[1].model_copy(update={"name": "Tier 3"}),
    )
    held = run(scores, tiers=tiers)["tier"].astype("object").to_dict()
    noisy = {account: value * np.exp(0.01 * rng.normal()) for account, value in scores.items()}
    tight = StabilitySettings(keep_band=1.0, min_quarters=0, max_moves_share=0.01)
    frame, budget = tiered(noisy, tiers=tiers, held=held, stability=tight)
    assert budget.asked > budget.most == 6
    assert len(moved_accounts(frame)) <= 6


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_unchanged_data_move_nobody_whatever_the_budget(share):
    steady = StabilitySettings(max_moves_share=share)
    assert moved_accounts(run(THEN, held=HELD, stability=steady)).empty
