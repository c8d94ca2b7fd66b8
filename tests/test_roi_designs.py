"""The designs recover what they should, stay silent where they must, and say what they covered."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tierkit.figure import Figure
from tierkit.roi._certificate import certificate, try_designs
from tierkit.roi._outcomes_by_tier import TierOutcomes
from tierkit.roi.adjusted import adjusted, balance, overlap
from tierkit.roi.boundaries import study_boundaries
from tierkit.roi.boundary_rows import READINGS, Boundaries, Covariates
from tierkit.roi.checks import cutoff_checks, line_checks, overlap_checks
from tierkit.roi.cutoff import bandwidth, bunching, cutoff, line_picture
from tierkit.roi.designs import event_study, moved
from tierkit.roi.line_study import study_lines
from tierkit.roi.poisson import Weighted, cross_fitted_shares, effect_of_holding, logistic_slopes
from tierkit.roi.primary import Claim
from tierkit.roi.standings import Standings
from tierkit.roi.verdict import (
    TABLE,
    Evidence,
    band_size,
    decide,
    quarters_until,
    smallest_detectable,
)
from tierkit.roi.world_shape import World, shape_of, with_effect
from tierkit.roi.worlds import simulate_world
from tierkit.settings import parse_settings

SMALL = World(accounts=1200, capacities=(60, 240), quarters=8)


def world_rows(world, *, seed=1, boundary=1):
    return Boundaries(simulate_world(world, seed=seed).standings).rows(boundary, outcome_quarters=1)


def project(**changes):
    tiers = [{"name": "Tier 1", "capacity": 60}, {"name": "Tier 2", "capacity": 240},
             {"name": "Tier 3"}]  # fmt: skip
    return parse_settings({"tiers": tiers, **changes})


def readings(standings, boundary):
    rows = Boundaries(standings).rows(boundary, outcome_quarters=1)
    return {reading: cutoff(rows.read(reading)) for reading in READINGS}


def cutoff_at(standings, boundary):
    return readings(standings, boundary)["won revenue"].estimate


def pays(cost=900.0, share=0.08):
    names = ["Tier 1 / Tier 2", "Tier 2 / Tier 3"]
    return pd.DataFrame(
        {"extra_cost": Figure(cost), "margin": 0.8, "break_even": Figure(share)},
        index=pd.Index(names, name="boundary"),
    )


def studied(world, *, seed=1, **changes):
    standings = simulate_world(world, seed=seed).standings
    found = study_boundaries(
        TierOutcomes(()), standings, break_even=pays(), settings=project(**changes)
    )
    return found.boundaries


# The estimator


def poisson_rows(n, rng, *, effect, held, place):
    mean = np.exp(0.3 + 0.5 * place + effect * held)
    controls = np.column_stack([np.ones(n), place])
    return Weighted(rng.poisson(mean) * 1.0, held * 1.0, controls, np.ones(n), np.arange(n))


def test_with_the_tier_as_its_own_instrument_it_is_a_poisson_regression():
    statsmodels = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    place = rng.standard_normal(4000)
    held = (place + rng.standard_normal(4000) > 0) * 1.0
    rows = poisson_rows(4000, rng, effect=0.4, held=held, place=place)
    ours = effect_of_holding(rows, held)
    columns = np.column_stack([held, rows.controls])
    theirs = statsmodels.GLM(rows.outcome, columns, family=statsmodels.families.Poisson()).fit(
        cov_type="HC0"
    )
    assert ours.log_effect == pytest.approx(theirs.params[0], abs=0.01)
    assert ours.se == pytest.approx(theirs.bse[0], rel=0.06)


def test_an_instrument_takes_out_what_decided_who_held_the_tier():
    # whoever is promising holds the tier more often, and wins more anyway
    rng = np.random.default_rng(2)
    n = 60_000
    place, promise = rng.uniform(-1, 1, n), rng.standard_normal(n)
    drawn = rng.random(n) < 0.5
    held = (drawn * 1.6 + promise > 0.8) * 1.0
    mean = np.exp(0.2 + 0.4 * place + 0.5 * promise - 0.125 + 0.3 * held)
    controls = np.column_stack([np.ones(n), place])
    rows = Weighted(rng.poisson(mean) * 1.0, held, controls, np.ones(n), np.arange(n))
    found, naive = effect_of_holding(rows, drawn), effect_of_holding(rows, held)
    assert abs(found.log_effect - 0.3) < 3 * found.se < 0.15
    assert naive.log_effect > 0.6


def test_scaling_money_changes_the_money_and_nothing_else():
    rows = world_rows(SMALL)
    one, other = cutoff(rows).estimate, cutoff(rows.where(rows.outcome >= 0)).estimate
    assert one == other
    dear = type(rows)(**{**vars(rows), "outcome": rows.outcome * 1000})
    scaled = cutoff(dear).estimate
    assert scaled.log_effect == pytest.approx(one.log_effect, abs=1e-4)
    assert scaled.money().high == pytest.approx(1000 * one.money().high, rel=1e-3)


def test_repeating_every_row_in_its_cluster_adds_no_certainty():
    rng = np.random.default_rng(3)
    place, held = rng.standard_normal(3000), (rng.random(3000) < 0.5) * 1.0
    once = poisson_rows(3000, rng, effect=0.2, held=held, place=place)
    twice = Weighted(*(np.concatenate([getattr(once, f)] * 2) for f in
                       ("outcome", "held", "controls", "weights", "cluster")))  # fmt: skip
    assert effect_of_holding(twice, twice.held).se == pytest.approx(
        effect_of_holding(once, held).se, rel=1e-3
    )


def test_nothing_won_determines_nothing():
    rows = poisson_rows(50, np.random.default_rng(1), effect=0, held=np.arange(50) % 2,
                        place=np.zeros(50))  # fmt: skip
    none = Weighted(rows.outcome * 0, rows.held, rows.controls, rows.weights, rows.cluster)
    assert effect_of_holding(none, none.held) is None


def test_cross_fitting_is_close_to_fitting_without_the_fold():
    rng = np.random.default_rng(5)
    columns = np.column_stack([np.ones(2000), rng.standard_normal((2000, 3))])
    held = (rng.random(2000) < 1 / (1 + np.exp(-columns @ [0.2, 1.0, -0.5, 0.0]))) * 1.0
    folds = np.arange(2000) % 5
    share = cross_fitted_shares(columns, held, folds)
    left = folds != 0
    slopes = logistic_slopes(columns[left], held[left])
    exact = 1 / (1 + np.exp(-columns[~left] @ slopes))
    assert np.abs(share[~left] - exact).max() < 0.005


# At the line


def test_the_cutoff_finds_a_known_effect():
    world = with_effect(World(), 1.2)
    rows = world_rows(world, seed=4)
    estimate = cutoff(rows).estimate
    assert abs(estimate.log_effect - math.log1p(world.relative(1))) < 2.5 * estimate.se
    assert estimate.z > 3


def test_the_window_reaches_as_far_down_as_the_upper_tier_does_up():
    rows = world_rows(SMALL)
    above = rows.distance[rows.ruled & rows.held & ~rows.placed]
    assert (above < bandwidth(rows) / 1.3).mean() == pytest.approx(0.95, abs=0.01)


def test_too_few_at_the_line_is_not_told():
    rows = world_rows(SMALL)
    few = rows.where(~rows.ruled | (np.cumsum(rows.ruled) <= 12))
    found = cutoff(few)
    assert found.estimate is None
    assert found.why == "too few at the line to say (n = 12 on the side of Tier 2)" or (
        found.why.startswith("too few at the line to say")
    )


def test_a_line_that_decides_nothing_is_not_told():
    rows = world_rows(SMALL)
    held = np.random.default_rng(1).random(len(rows)) < 0.5
    found = cutoff(type(rows)(**{**vars(rows), "held": held}))
    assert found.estimate is None
    assert "crossing the line raises the chance of Tier 2 by only" in found.why


def test_checks_stand_beside_the_cutoff_and_none_is_nan():
    rows = world_rows(SMALL)
    checks = cutoff_checks(rows, cutoff(rows))
    assert set(checks) == {
        "half the window", "double the window", "without the closest", "placebo line above",
        "placebo line below", "known before", "density", "first stage", "sides",
    }  # fmt: skip
    json.dumps(checks, allow_nan=False)
    assert checks["first stage"]["jump"] > 0.9
    assert checks["half the window"]["high"] > cutoff(rows).estimate.relative().high


def test_the_size_of_deals_is_told_by_those_who_won_and_no_whale_decides():
    rows = world_rows(SMALL)
    rows = rows.where(np.arange(len(rows)) < 5)
    rows = replace(rows, wins=np.array([2.0, 0, 1, 1, 1]), usual=np.full(5, 100.0),
                   revenue=np.array([300.0, 0, 100, 90_000, -50]))  # fmt: skip
    told = rows.read("deal size")
    assert told.outcome.tolist() == [1.5, 1.0, 6.0]  # 900 counts as four times the median
    assert told.worth.tolist() == [2, 1, 1]
    assert len(rows.where(np.zeros(5, dtype=bool)).read("deal size")) == 0


def test_an_effect_on_the_size_of_deals_shows_in_it_and_not_in_their_number():
    world = with_effect(replace(SMALL, effect_on="deal size"), 3.0)
    found = readings(simulate_world(world, seed=1).standings, 1)
    size, number = found["deal size"].estimate, found["wins"].estimate
    truth = np.log1p(world.relative(1))
    assert abs(size.log_effect - truth) < 2 * size.se
    assert size.z > 5
    assert abs(number.z) < 2
    assert size.se < found["won revenue"].estimate.se


def test_beside_the_cutoff_stand_other_windows_of_time_and_a_placebo_before_the_tier():
    standings = simulate_world(with_effect(SMALL, 3.0), seed=1).standings
    checks = line_checks(Boundaries(standings), 1, readings(standings, 1), window=1)
    json.dumps(checks, allow_nan=False)
    for quarters in (2, 4):
        assert checks[f"outcomes over {quarters} quarters"]["low"] > 0
    placebo = checks["the quarters before"]
    assert placebo["low"] < 0 < placebo["high"]
    assert checks["wins"]["low"] > 0
    assert abs(checks["deal size"]["estimate"]) < 0.2
    assert checks["incumbents alone"]["high"] > checks["incumbents alone"]["low"]
    closed = checks["deals closed in the quarter"]  # deals of this world close at once
    assert closed["estimate"] == pytest.approx(cutoff_at(standings, 1).relative().value)
    sides = checks["sides"]
    assert sides["account_quarters_above"] >= sides["accounts_above"] >= 60
    assert sides["other_tier_share"] < 0.02  # whom a person placed stands in no comparison


def test_nothing_stands_beside_a_cutoff_that_says_nothing():
    standings = simulate_world(World(accounts=60, capacities=(4, 8), quarters=2), seed=1).standings
    assert line_checks(Boundaries(standings), 0, readings(standings, 0), window=1) == {}


def test_the_line_picture_shows_both_sides():
    rows = line_picture(cutoff(world_rows(SMALL)))
    assert {row["ruled"] for row in rows} == {0.0, 1.0}
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert all(row["held_share"] > 0.8 for row in rows if row["ruled"])


def test_scores_pushed_over_the_line_crowd_there_and_untouched_ones_do_not():
    clean = [world_rows(World(keep_band=1.0), seed=s) for s in range(3)]
    pushed = [world_rows(World(keep_band=1.0, gaming=0.5), seed=s) for s in range(3)]
    assert max(bunching(r.points, r.cluster) for r in clean) < 2.5
    assert min(bunching(r.points, r.cluster) for r in pushed) > 1.64


# Accounts that could have been in either tier


def test_below_fifty_off_the_rule_it_is_withheld():
    rows = world_rows(World(**{**vars(SMALL), "override_share": 0.0, "keep_band": 1.0}))
    found = adjusted(rows)
    assert found.estimate is None
    assert found.why == f"withheld, too few off the rule (n = {found.off_rule}, it takes 50)"


def test_weights_balance_what_was_known():
    found = adjusted(world_rows(World()))
    rows = balance(found)
    before, after = (max(abs(row[key]) for row in rows) for key in ("before", "after"))
    assert after < 0.1 < before
    counted = overlap(found)
    assert sum(row["upper"] + row["lower"] for row in counted) == len(found.rows)
    assert sum(row["weight"] for row in counted) == pytest.approx(1.0)


def test_tiers_that_have_nothing_in_common_are_not_compared():
    # whoever holds the upper tier bought every quarter, whoever does not never did
    rows = world_rows(SMALL)
    names = ("bought", *rows.known.names[1:])
    values = vars(rows.known)["values"].copy()
    values[:, 0] = np.where(rows.held, 9.0, -9.0)
    apart = replace(rows, known=Covariates(values, names))
    found = adjusted(apart)
    assert found.estimate is None
    assert found.why.startswith("cannot compare: ")


def test_what_is_left_out_for_want_of_overlap_is_counted():
    rows = world_rows(World())
    found = adjusted(rows)
    assert found.trimmed == len(rows) - len(found.rows) > 0
    assert overlap_checks(found)["overlap"]["left_out"] == found.trimmed


# Moves


def test_accounts_move_up_after_a_big_quarter():
    standings = simulate_world(World(), seed=1).standings
    path = pd.DataFrame(event_study(standings, 1)).set_index(["group", "step"])["mean"]
    assert path["moved up", -1] > path["moved up", 0]
    seen = pd.DataFrame(event_study(standings, 1)).groupby("step")["seen_by_score"].first()
    assert seen[seen > 0].index.tolist() == [-4, -3, -2, -1]
    assert moved(Boundaries(standings).rows(1, outcome_quarters=1)).moves > 50


# Verdicts


MORE = Claim("shown", "more", "wins")
SIGN = Claim("suggestive", "more", "wins")
LESS = Claim("shown", "less", "won revenue")


@pytest.mark.parametrize(
    ("evidence", "verdict", "direction"),
    [
        ({"claim": MORE, "own_z": {"wins": 2.0}, "density_z": 1.6}, "shown", "more"),
        ({"claim": LESS, "own_z": {"wins": -2.0}, "density_z": 0.0}, "shown", "less"),
        ({"claim": MORE, "own_z": {"wins": 2.0}, "density_z": 1.7}, "suggestive", "more"),
        ({"claim": MORE, "own_z": {"wins": 2.0}, "density_z": None}, "suggestive", "more"),
        ({"claim": MORE, "own_z": {"wins": 2.0}, "density_z": 0.0, "jumping_share": 0.5},
         "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": 1.1}, "density_z": 9.0}, "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": 0.9, "won revenue": 1.1}}, "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": 0.9}}, "cannot tell", None),
        ({"claim": SIGN, "own_z": {"wins": 0.9}, "leads": True}, "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": -0.1}, "leads": True}, "cannot tell", None),
        ({"claim": MORE, "own_z": {"wins": 3.0}, "density_z": 0.0, "adjusted_z": -2.5},
         "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": 3.0}, "adjusted_z": -2.5}, "cannot tell", None),
        ({"own_z": {"wins": 1.9}, "adjusted_z": 8.0}, "cannot tell", None),
        ({"randomised_z": 2.0}, "shown", "more"),
        ({"randomised_z": 2.0, "claim": LESS, "own_z": {"wins": -2.5}}, "suggestive", "more"),
        ({"claim": SIGN, "own_z": {"wins": 2.5}, "randomised_z": -1.0}, "suggestive", "more"),
        ({"cutoff_high": 0.05, "worth_having": 0.1}, "no effect worth having", None),
        ({"cutoff_high": 0.15, "worth_having": 0.1}, "cannot tell", None),
        ({"cutoff_high": 0.05, "worth_having": 0.1, "begun": False}, "cannot tell", None),
        ({"claim": LESS, "own_z": {"wins": -4.0}, "density_z": 0.0, "begun": False},
         "cannot tell", None),
        ({"claim": MORE, "own_z": {"wins": 9.0}, "density_z": 0.0, "scores_recorded": False},
         "cannot tell", None),
    ],
)  # fmt: skip
def test_the_table_of_verdicts(evidence, verdict, direction):
    found = decide(Evidence(**evidence))
    assert (found.verdict, found.direction) == (verdict, direction)
    assert len(found.because) > 30


def test_the_words_for_leaders_hold_no_statistics():
    for row in TABLE:
        assert not any(word in row.because for word in ("p-value", "ATE", "significan", "z =", "σ"))


def test_the_table_is_documented_as_it_is_declared():
    from pathlib import Path

    page = (Path(__file__).parent.parent / "docs" / "roi.md").read_text(encoding="utf-8")
    for row in TABLE:
        assert row.verdict in page


# Power


def test_power_by_hand():
    assert smallest_detectable(math.log(2) / 2.8) == pytest.approx(1.0)
    assert smallest_detectable(math.log(2) / 3.0, bound=2.16) == pytest.approx(1.0)
    waits = quarters_until(math.log(1.5) / 2.8, quarters=3)
    assert waits["50"] == 0  # just visible today
    assert waits["20"] is None  # it would take 12 more
    assert waits["10"] is None
    assert waits["10_why"] == "no history of this company will settle it"
    assert band_size(1.0, 1.0) == 2 * math.ceil(2 * (2.8 / math.log(2)) ** 2 / 4)


# The whole


def test_what_is_told_of_a_boundary_is_complete():
    first, second = studied(with_effect(SMALL, 3.0))
    facts = json.loads(json.dumps([first.facts, second.facts], allow_nan=False))
    assert [one["boundary"] for one in facts] == ["Tier 1 / Tier 2", "Tier 2 / Tier 3"]
    assert [d["design"] for d in facts[0]["designs"]] == ["cutoff", "adjusted", "moved"]
    assert not list(unexplained(facts))
    assert facts[1]["verdict"] in ("shown", "suggestive")
    assert facts[1]["direction"] == "more"
    money = facts[1]["designs"][0]["money"]["estimate"]
    assert facts[1]["return_on_cost"]["estimate"] == pytest.approx(0.8 * money / 900.0)


def unexplained(value):
    if isinstance(value, list):
        for one in value:
            yield from unexplained(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if one is None and not value.get(f"{key}_why") and key != "direction":
                yield key
            yield from unexplained(one)


def test_without_scores_nothing_is_told_but_what_to_record():
    standings = simulate_world(SMALL, seed=1).standings
    blind = Standings(**{**vars(standings), "score": np.full(standings.score.shape, np.nan)})
    found = study_boundaries(TierOutcomes(()), blind, break_even=pays(), settings=project())
    first = found.boundaries[0]
    assert first.facts["verdict"] == "cannot tell"
    assert "`tierkit accept`" in first.facts["because"]
    assert not list(unexplained(first.facts))


def test_the_order_of_accounts_changes_nothing():
    standings = simulate_world(SMALL, seed=3).standings
    order = np.random.default_rng(1).permutation(len(standings.account_ids))
    arrays = {
        name: values[order]
        for name, values in vars(standings.history).items()
        if isinstance(values, np.ndarray)
    }
    history = replace(standings.history, **arrays)
    mixed = Standings(
        history, standings.level[order], standings.score[order], standings.cut_score[order],
        standings.overridden[order], standings.tiers, standings.account_ids[order],
        standings.quarters,
    )  # fmt: skip
    for one, other in pairwise(
        study_lines(Boundaries(x), outcome_quarters=1)[0][1] for x in (standings, mixed)
    ):
        assert one.cutoff.estimate.log_effect == pytest.approx(other.cutoff.estimate.log_effect)
        assert one.adjusted.weights.sum() == pytest.approx(other.adjusted.weights.sum())


@pytest.mark.parametrize("refunded", [0.3, 1.0])
def test_companies_that_refund_much_or_all_are_told_in_finite_numbers_or_words(refunded):
    standings = simulate_world(
        World(accounts=300, capacities=(30, 80), quarters=5), seed=1
    ).standings
    won = standings.history.won_revenue
    back = np.random.default_rng(1).random(won.shape) < refunded
    refunds = np.where(back, -won, won)
    history = replace(standings.history, won_revenue=refunds, begun_revenue=refunds)
    studies = study_boundaries(TierOutcomes(()), replace(standings, history=history),
                               break_even=pays(), settings=project())  # fmt: skip
    json.dumps([study.facts for study in studies.boundaries], allow_nan=False)
    json.dumps(studies.together, allow_nan=False)
    json.dumps(certificate(replace(standings, history=history), worlds=1), allow_nan=False)


# Rates, in small: the whole bench is `make bench-roi`


def test_without_an_effect_hardly_anything_is_claimed_and_a_large_one_is_seen():
    quiet = [try_designs(SMALL, seed=seed) for seed in range(12)]
    loud = [try_designs(with_effect(SMALL, 2.0), seed=seed) for seed in range(6)]
    assert sum(one.claims("shown") for one in quiet) <= 3  # 0.2 % of the time if 5 % is right
    assert sum(one.claims("shown", "more") or one.claims("suggestive", "more")
               for one in loud) >= 4  # fmt: skip


# The certificate


def test_a_certificate_is_made_once_per_shape(tmp_path, monkeypatch):
    standings = simulate_world(SMALL, seed=1).standings
    steps = []
    first = certificate(standings, cache=tmp_path, worlds=2, progress=lambda *x: steps.append(x))
    assert steps[-1] == (2, 2)
    assert first["worlds"] == 2
    assert f"came in {first['false_shown']} of 2" in first["sentence"]
    monkeypatch.setattr("tierkit.roi._certificate._certify", lambda *_: pytest.fail("made again"))
    assert certificate(standings, cache=tmp_path, worlds=2) == first


def test_a_certificate_that_was_cut_short_goes_on_where_it_ended(tmp_path, monkeypatch):
    standings = simulate_world(SMALL, seed=1).standings
    whole = certificate(standings, worlds=12)
    trying, tried = try_designs, []

    def until_the_end(world, *, seed):
        if len(tried) == 15:
            raise KeyboardInterrupt
        tried.append(seed)
        return trying(world, seed=seed)

    monkeypatch.setattr("tierkit.roi._certificate.try_designs", until_the_end)
    with pytest.raises(KeyboardInterrupt):
        certificate(standings, cache=tmp_path, worlds=12)
    monkeypatch.setattr(
        "tierkit.roi._certificate.try_designs",
        lambda world, *, seed: tried.append(seed) or trying(world, seed=seed),
    )
    assert certificate(standings, cache=tmp_path, worlds=12) == whole
    # 10 and 2 without an effect were kept; of the first 10 with one, 3 were lost
    assert tried == [*range(12), *range(3), *range(12)]


def test_simulated_accounts_are_shaped_like_the_ladder():
    standings = simulate_world(World(), seed=1).standings
    shape = shape_of(standings)
    assert shape.capacities == (150, 600)
    assert shape.accounts == 4000
    assert shape.wins == pytest.approx(0.35, rel=0.15)
    assert shape.amount_spread == pytest.approx(0.7, rel=0.1)
    assert shape.override_share == pytest.approx(0.05, abs=0.01)
    assert shape.keep_band == 1.25
    copy = simulate_world(shape, seed=2).standings
    zeros = [(x.history.won_revenue[:, 4:] == 0).mean() for x in (standings, copy)]
    assert zeros[0] == pytest.approx(zeros[1], abs=0.05)


def test_without_tiers_there_is_no_certificate():
    found = certificate(None)
    assert found["worlds"] is None
    assert found["worlds_why"].startswith("too little is recorded")
