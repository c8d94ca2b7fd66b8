"""What a card must pass before it ranks accounts, and how honest its money and ranges are."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_backtest import AS_OF, QUARTER_ENDS, SETTINGS, company, values_of

from tierkit._backtest import Known, choose_model
from tierkit._backtest.ranking import choose_ranking
from tierkit._backtest.seeds import steadied_card
from tierkit._backtest.shuffling import Shuffled, Swaps, _dealt, _first_past, shuffled_outcomes
from tierkit.cache import Cache
from tierkit.figure import Figure
from tierkit.models import examples as fitted
from tierkit.models.backtest_result import KEEP, judge
from tierkit.models.calibration import actual_over_predicted_by, by_history, tenths, totals_moved
from tierkit.models.examples import Examples
from tierkit.models.leaks import gini_alone, probable_leaks
from tierkit.models.ranges import range_coverage
from tierkit.statistics.intervals import Comparison

DATES = QUARTER_ENDS[-3:]
SHUFFLED = SETTINGS.model_copy(
    update={"model": SETTINGS.model.model_copy(update={"shuffled_refits": 2})}
)


def chosen(panel, won, *, settings=SETTINGS, dates=DATES, **known):
    return choose_model(
        panel, won, settings=settings, dates=dates, as_of=AS_OF, known=Known(**known)
    )


# ---- rivals ---------------------------------------------------------------------------------


def test_a_card_that_loses_to_last_quarter_does_not_rank():
    ahead, behind = Figure(0.05, 0.01, 0.09), Figure(-0.02, -0.03, -0.01)
    compared = Comparison(
        Figure(0.85, 0.8, 0.9), Figure(0.8, 0.75, 0.85), ahead, {15: ahead}, 1000,
        {"last_quarter_revenue": behind, "best_column": ahead},
    )  # fmt: skip
    verdict, because = judge(compared, places={"Tier 1": 15}, tested="At 4 earlier quarter-ends")
    assert verdict == "no better than past revenue"
    assert "last quarter's revenue alone ranked them better still" in because
    assert because.endswith(KEEP)


# ---- shuffled outcomes ----------------------------------------------------------------------


def test_shuffled_outcomes_stay_within_a_tenth_and_with_their_dates():
    accounts = [f"A{n:02d}" for n in range(40)]
    index = pd.MultiIndex.from_product([accounts, [1, 2]], names=["account_id", "as_of"])
    index = index.drop([("A00", 1), ("A01", 1)])  # two accounts that began later
    past = pd.Series(np.repeat([0.0, 500.0], 20), index=accounts)
    won = pd.Series(np.arange(78.0), index=index)
    dealt = Swaps.of(won, past).dealt(seed=1)
    taken = dict(zip(dealt, index.get_level_values("account_id"), strict=True))
    given = dict(zip(won, index.get_level_values("account_id"), strict=True))
    assert sorted(dealt) == sorted(won)
    assert all((past[taken[amount]] == past[given[amount]]) for amount in won)
    assert {taken[won["A00", 2]], taken[won["A01", 2]]} == {"A00", "A01"}
    both = [(taken[won[a, 1]], taken[won[a, 2]]) for a in accounts[2:]]
    assert all(first == second for first, second in both)
    assert not dealt.equals(won)


def test_tested_dates_are_dealt_apart_from_what_is_learned_from():
    """An account that buys again and again is not known again by what it bought before."""
    panel, won = company()
    learned, tested = (Examples.of(panel, won, days=days) for days in (DATES[:2], DATES[2:]))
    _, dealt = _dealt([(learned, tested)], 1, SHUFFLED)
    true = pd.concat([learned.won, tested.won]).sort_index()
    assert sorted(dealt) == sorted(true)

    def partners(days):
        """Return from whom each account has its outcomes, where these are told apart."""
        rows = [true[true.index.get_level_values("as_of").isin(pd.to_datetime(days))]] * 2
        rows[1] = dealt.reindex(rows[0].index)
        own, given = (one.groupby(level="account_id").apply(tuple) for one in rows)
        told = own[~own.duplicated(keep=False)]
        owner = pd.Series(told.index, index=told.to_numpy())
        return given.map(owner.to_dict()).dropna()

    before, after = partners(DATES[:2]), partners(DATES[2:])
    both = before.index.intersection(after.index)
    assert len(both) > 20
    assert (before[both] != after[both]).mean() > 0.5


def test_a_date_at_which_nobody_won_anything_is_not_tested_on():
    panel, won = company()
    learned, tested, last = (Examples.of(panel, won, days=[day]) for day in DATES)
    none = replace(last, won=last.won * 0.0)
    found = shuffled_outcomes([(learned, tested), (learned, none)], settings=SHUFFLED)
    assert found == shuffled_outcomes([(learned, tested)], settings=SHUFFLED)
    assert shuffled_outcomes([(learned, none)], settings=SHUFFLED) is None


def test_who_may_swap_is_told_by_what_was_bought_before_all_outcomes():
    index = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["account_id", "as_of"])
    past = pd.Series([0.0, 90.0, 5.0, 0.0], index=index)
    assert _first_past(past, index).to_dict() == {"A": 0.0, "B": 5.0}
    assert _first_past(past, index[[1, 3]]).to_dict() == {"A": 90.0, "B": 0.0}


def test_the_place_of_a_gain_counts_the_shuffled_ones_that_reach_it():
    assert Shuffled(0.1, (0.0, 0.05)).is_above_all
    assert Shuffled(0.1, (0.0, 0.1, 0.2)).rank == 3


def test_a_real_gain_is_above_all_shuffled_ones():
    choice = chosen(*company(), settings=SHUFFLED)
    facts = choice.gate.facts()
    assert choice.kind == "fitted card"
    assert (facts["shuffled_outcomes_rank"], facts["shuffled_outcomes_refits"]) == (1, 2)
    assert choice.backtest.because.endswith(
        "None of 2 cards fitted to shuffled outcomes gained as much."
    )


# ---- the future, leaks ----------------------------------------------------------------------


def test_criteria_that_saw_the_future_keep_the_card_from_ranking():
    choice = chosen(*company(), future_rows=7)
    assert choice.kind == "past revenue"
    assert choice.backtest.because.startswith("Criteria of 7 accounts change")
    assert choice.backtest.because.endswith(KEEP)


def leaking():
    """A company whose accounts hold a lifetime value of today, which knows every outcome."""
    panel, won = company(accounts=120)
    values = values_of(panel).assign(lifetime_value=won * 1.1)
    criteria = (*panel.criteria, "lifetime_value")
    return replace(
        panel, values=values, criteria=criteria, undated=frozenset(["lifetime_value"])
    ), won


def test_a_probable_leak_is_left_out_by_name():
    choice = chosen(*leaking())
    assert "lifetime_value" not in [one.name for one in choice.card.criteria]
    assert "predicts too well alone" in choice.card.dropped["lifetime_value"]
    assert "features.trusted" in choice.gate.facts()["leaks"][0]


def test_a_trusted_criterion_is_no_leak():
    features = SETTINGS.features.model_copy(update={"trusted": ("lifetime_value",)})
    choice = chosen(*leaking(), settings=SETTINGS.model_copy(update={"features": features}))
    assert not choice.gate.leaks


def test_a_criterion_of_noise_ranks_nothing_alone():
    panel, won = company()
    alone = gini_alone(values_of(panel).loc[won.index], won, criteria=panel.criteria, seed=1)
    assert abs(alone["noise"]) < 0.25 < alone["inbound_count_4q"]
    assert not probable_leaks(alone, undated={"noise"}, past_revenue="won_revenue_4q")


# ---- effort, seeds --------------------------------------------------------------------------


def with_effort(copied):
    panel, won = company(accounts=120)
    values = values_of(panel)
    calls = values[copied] if copied else np.random.default_rng(5).poisson(3, len(values))
    panel = replace(panel, values=values.assign(calls=np.asarray(calls, float)), effort=("calls",))
    criteria = ("inbound_count_4q",) if copied else panel.criteria
    return replace(panel, criteria=criteria), won


def test_a_score_that_goes_where_we_went_is_warned_of():
    check = chosen(*with_effort("inbound_count_4q")).gate.effort
    assert check.follows_effort > 0.8
    assert check.warning.startswith("The score mostly re-learns past effort")


def test_effort_that_tells_nothing_is_no_warning():
    check = chosen(*with_effort(None)).gate.effort
    assert [*check.scores.index] == ["criteria alone", "effort alone", "both"]
    assert check.scores.loc["effort alone", "gini"] < 0.25 < check.scores.loc["both", "gini"]
    assert check.warning == ""


def test_bags_are_doubled_up_to_the_cap_while_seeds_disagree():
    panel, won = company(signal="nothing", accounts=120)
    examples = Examples.of(panel, won, days=DATES)
    values = values_of(panel).xs(pd.Timestamp(AS_OF), level="as_of")
    model = SETTINGS.model.model_copy(update={"bags": 2, "most_bags": 4})
    settings = SETTINGS.model_copy(update={"model": model})
    found = steadied_card(examples, settings=settings, now=values, size=10)
    assert 0 <= found.overlap <= 1
    assert found.bags == (2 if found.overlap >= 0.9 else 4)
    total = examples.won.sum()
    assert found.card.predict(examples.values).sum() == pytest.approx(total)


# ---- what was computed before ---------------------------------------------------------------


def test_what_did_not_change_is_not_fitted_again(tmp_path, monkeypatch):
    panel, won = company(accounts=120)
    first = chosen(panel, won, settings=SHUFFLED, cache=Cache(tmp_path))
    monkeypatch.setattr(fitted.Examples, "_prepared", None)
    again = chosen(panel, won, settings=SHUFFLED, cache=Cache(tmp_path))
    assert again.card.to_json() == first.card.to_json()
    assert again.gate.facts() == first.gate.facts()


def test_a_broken_file_is_computed_again(tmp_path):
    kept = Cache(tmp_path)
    assert kept.value("x", [1], lambda: [1, 2]) == [1, 2]
    (file,) = tmp_path.glob("x-*.json")
    file.write_text("{")
    assert kept.value("x", [1], lambda: [3]) == [3]
    assert json.loads(file.read_text()) == {"value": [3]}


def test_what_an_ended_process_was_writing_goes_after_a_day(tmp_path):
    stale, fresh = (tmp_path / f"x-{name}.part" for name in ("stale", "fresh"))
    for part in (stale, fresh):
        part.touch()
    yesterday = time.time() - 25 * 3600
    os.utime(stale, (yesterday, yesterday))
    Cache(tmp_path).value("x", [1], lambda: 1)
    assert (stale.exists(), fresh.exists()) == (False, True)


# ---- money ----------------------------------------------------------------------------------


def test_actual_over_predicted_by_hand():
    rows = pd.DataFrame(
        {
            "account_id": ["A", "B", "A", "C"],
            "predicted": [10.0, 30.0, 10.0, 50.0],
            "actual": [20.0, 10.0, 10.0, 100.0],
        }
    )
    found = actual_over_predicted_by(rows, [1, 1, 1, np.nan], seed=1)
    assert found["ratio"].to_dict() == {1: 0.8}
    assert found.loc[1, "accounts"] == 2
    assert found[["low", "high"]].isna().all(axis=None)


def test_intervals_hold_the_ratio_and_tenths_have_the_same_size():
    rng = np.random.default_rng(1)
    predicted = rng.gamma(2, 50, size=500)
    rows = pd.DataFrame(
        {
            "account_id": np.arange(500), "as_of": 1, "predicted": predicted,
            "actual": predicted * rng.gamma(1, 1, size=500),
        }
    )  # fmt: skip
    found = actual_over_predicted_by(rows, tenths(rows), seed=1)
    assert found["accounts"].tolist() == [50] * 10
    assert (found["low"] < found["ratio"]).all()
    assert (found["ratio"] < found["high"]).all()
    assert (found["predicted"].diff().dropna() > 0).all()


def test_customers_and_new_logos_are_told_apart():
    rows = pd.DataFrame(
        {
            "as_of": 1, "actual": [60.0, 20, 0, 20], "card": [50.0, 10, 5, 15],
            "past_revenue": [9.0, 4, 0, 0], "customer": [True, True, False, False],
        }
    )  # fmt: skip
    found = by_history(rows)
    assert found["won_share"].to_dict() == pytest.approx(
        {"customers": 0.8, "new logos": 0.2, "all": 1.0}
    )
    assert found["actual_over_predicted"].to_dict() == pytest.approx(
        {"customers": 80 / 60, "new logos": 1.0, "all": 1.25}
    )
    assert found.loc["new logos", "past_revenue_gini"] == 0


def test_totals_are_compared_a_horizon_apart():
    index = pd.MultiIndex.from_product([["A", "B"], [1, 2, 3]], names=["account_id", "as_of"])
    won = pd.Series([50.0, 0, 30, 50, 1, 90], index=index)
    assert totals_moved(won, dates_apart=2).tolist() == [1.2]
    assert totals_moved(won, dates_apart=3).tolist() == []


def test_ranges_are_tried_on_what_they_were_not_made_from():
    rng = np.random.default_rng(2)
    predicted = np.tile(rng.gamma(2, 50, size=400), 3)
    rows = pd.DataFrame(
        {
            "account_id": np.tile(np.arange(400), 3), "as_of": np.repeat([1, 2, 3], 400),
            "rank_by": predicted, "predicted": predicted,
            "actual": predicted * rng.lognormal(-0.5, 1, size=1200),
        }
    )  # fmt: skip
    found = range_coverage(rows, [15, 100, None])
    assert found.rows == 1200
    assert found.above == pytest.approx(0.10, abs=0.03)
    assert found.below == pytest.approx(0.10, abs=0.03)
    assert found.inside_upper == pytest.approx(0.80, abs=0.06)
    assert range_coverage(rows.head(20), [15, None]) is None


# ---- what ranks ----------------------------------------------------------------------------------


def rankings(days=2, *, accounts=60, noise=0.0, seed=3):
    """Accounts whose revenue the card knows, and past revenue knows with some noise."""
    rng = np.random.default_rng(seed)
    parts = []
    for day in range(days):
        actual = rng.gamma(0.5, 100, accounts)
        parts.append(
            pd.DataFrame(
                {
                    "account_id": [f"A{n}" for n in range(accounts)],
                    "as_of": pd.Timestamp("2024-01-01") + pd.DateOffset(months=3 * day),
                    "actual": actual,
                    "card": actual,
                    "past_revenue": actual * np.exp(rng.normal(0, noise, accounts)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def ranked(rows, **how):
    return choose_ranking(rows, candidates=["past_revenue", "card"], capacities=[5], seed=1, **how)


def test_of_two_that_rank_alike_the_simpler_ranks():
    assert ranked(rankings()).name == "past_revenue"


def test_what_is_significantly_worse_never_ranks_even_where_it_is_in_force():
    found = ranked(rankings(noise=2.0), in_force="past_revenue")
    assert found.table.loc["past_revenue", "worse"]
    assert found.name == "card"


def test_what_is_in_force_keeps_its_place_against_a_simpler_one_that_is_no_better():
    found = ranked(rankings(), in_force="card")
    assert found.name == "card"
    assert "ranked the last report" in found.because


def test_facts_name_one_that_ranks_and_how_far_the_others_are_behind():
    facts = ranked(rankings(noise=2.0)).facts()
    assert [one["candidate"] for one in facts if one["ranks"]] == ["card"]
    assert facts[0]["behind_the_best"]["behind"] > 0


def test_beside_one_tested_date_held_out_accounts_count_alike():
    rows = rankings(days=1)
    other = rankings(days=1, noise=1.0, seed=4)
    assert ranked(rows).name == "past_revenue"
    assert ranked(rows, held_out=other).name == "card"
    assert ranked(rows, held_out=other.iloc[:0]).name == "past_revenue"


def test_one_date_of_few_accounts_does_not_put_a_card_before_past_revenue():
    few, many = (rankings(days=1, accounts=size, noise=0.6) for size in (12, 3_000))
    assert ranked(few).table.loc["past_revenue", "behind"] > 0.005
    assert ranked(few).name == "past_revenue"
    assert ranked(many).name == "card"


def test_what_is_in_force_gives_way_on_one_date_to_more_than_chance():
    rows = rankings(days=1, accounts=3_000, noise=0.6)
    assert ranked(rows, in_force="past_revenue").name == "card"
    assert ranked(rankings(days=1, accounts=12, noise=0.6), in_force="card").name == "card"


def test_the_best_of_many_rules_at_one_date_is_taken_for_luck():
    rows = rankings(days=1, accounts=12, noise=0.6)
    rows["last_quarter_revenue"], rows["card"] = rows["card"], rows["past_revenue"]
    names = ["past_revenue", "last_quarter_revenue", "card"]
    found = choose_ranking(rows, candidates=names, capacities=[5], seed=1)
    assert found.table["gini"].idxmax() == "last_quarter_revenue"
    assert found.name == "past_revenue"
