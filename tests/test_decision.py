"""Hold, recalibrate or refit: drift beside its chance, the present model on the newest quarters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tierkit.figure import Figure
from tierkit.models.calibration import (
    MOST_BINS,
    at_most_ten,
    card_drift,
    chance_index,
    stability_index,
)
from tierkit.models.card import Card
from tierkit.models.criteria import NumericCriterion
from tierkit.runs.challenge import Challenge
from tierkit.runs.decision import HOLD, RECALIBRATE, REFIT, judge
from tierkit.settings import DecisionSettings

# ---- drift: an index beside the value that chance alone gives -----------------------------------


def test_three_hundred_accounts_pass_a_tenth_by_chance_alone():
    """The customary limit of 0.10 alarms without any change; the limit used here does not."""
    rng = np.random.default_rng(7)
    counts = rng.multinomial(300, [0.1] * 10, size=(200, 2))
    found = [stability_index(before, now) for before, now in counts]
    limit = chance_index(np.full(10, 30), np.full(10, 30), seed=1)
    assert np.mean(np.array(found) > 0.10) > 0.05
    assert 0.01 <= np.mean(np.array(found) > limit) <= 0.09


def test_more_accounts_drift_less_by_chance():
    small, large = (chance_index(np.full(5, n), np.full(5, n), seed=1) for n in (20, 2_000))
    assert large < small / 50


def test_bins_are_joined_and_no_account_is_lost():
    before, now = at_most_ten(np.arange(30), np.arange(30)[::-1].copy())
    assert len(before) == MOST_BINS
    assert (before.sum(), now.sum()) == (435, 435)
    assert before[-1] == 29  # the bin of missing values stays by itself


def test_a_criterion_whose_accounts_moved_has_drifted_and_one_whose_did_not_has_not():
    same = NumericCriterion("won_revenue_4q", (10.0,), (0.0, 1.0), accounts=(100, 100, 0))
    moved = NumericCriterion("wins_count_4q", (10.0,), (0.0, 1.0), accounts=(100, 100, 0))
    values = pd.DataFrame(
        {"won_revenue_4q": [5.0, 15.0] * 100, "wins_count_4q": [15.0] * 180 + [5.0] * 20}
    )
    table = card_drift(Card(base=1.0, criteria=(same, moved)), values, seed=1)
    assert table["drifted"].tolist() == [True, False]
    assert table["psi"].iloc[1] == 0.0


# ---- the decision --------------------------------------------------------------------------------

RULES = DecisionSettings()
QUARTER = (0.25, 0.8, 1.2)  # a quarter of predicted revenue comes in one quarter, give or take 20 %


def newest(actual, *, gain=None, predicted=400.0):
    """One quarter in which the present model's accounts should bring 100."""
    rows = pd.DataFrame(
        {
            "account_id": ["A1", "A2"],
            "as_of": pd.Timestamp("2026-01-01"),
            "actual": [actual, 0.0],
            "champion": [2.0, 1.0],
            "challenger": [2.0, 1.0],
            "predicted": [predicted, 0.0],
        }
    )
    return Challenge(rows, gain)


def decided(found, *, age=1):
    return judge(found, label="2026Q1", age=age, rules=RULES, quarter=QUARTER)


def test_a_model_that_keeps_its_word_is_held():
    action, because, factor = decided(newest(104.0))
    assert (action, factor) == (HOLD, 1.0)
    assert because == "On the newest quarter accounts brought 104 % of what it predicted."


def test_amounts_that_are_off_by_more_than_chance_are_corrected():
    found = newest(150.0)
    action, because, factor = judge(
        found, label="2026Q1", age=1, rules=RULES, quarter=QUARTER, changed=1.12
    )
    assert (action, factor) == (RECALIBRATE, 1.12)  # one quarter moves the whole by a part
    assert "predicted revenue, forecast anew, is +12 % on the last report" in because


def test_amounts_that_are_off_by_no_more_than_chance_are_left_alone():
    found = judge(newest(150.0), label="2026Q1", age=1, rules=RULES, quarter=(0.25, 0.5, 2.0))
    assert found[0] == HOLD


def test_a_new_fit_that_ranks_better_wins():
    action, because, _ = decided(newest(150.0, gain=Figure(0.05, 0.01, 0.09)))
    assert action == REFIT
    assert because == "A new fit ranks better on the newest quarter (+0.05 Gini)."


def test_a_new_fit_that_might_rank_better_by_chance_does_not():
    action, because, _ = decided(newest(100.0, gain=Figure(0.05, -0.01, 0.09)))
    assert action == HOLD
    assert because.endswith("and a new fit ranks no better.")


def test_an_old_model_is_refitted_whatever_else_holds():
    action, because, _ = decided(newest(100.0), age=4)
    assert action == REFIT
    assert "last learned 4 quarters ago" in because


def test_facts_of_a_challenge_explain_what_they_cannot_say():
    facts = newest(105.0).facts(share_of_horizon=0.25)
    assert facts["champion_actual_over_predicted"] == pytest.approx(1.05)
    assert facts["gain"]["estimate"] is None
    assert facts["gain"]["estimate_why"]
