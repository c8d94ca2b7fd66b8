"""The model at earlier quarter-ends: nothing of the future, and four verdicts."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tierkit._backtest import backtest, choose_model
from tierkit._backtest.trial import FEWEST_TESTED_ACCOUNTS
from tierkit.errors import DataError
from tierkit.features.panel import Panel
from tierkit.figure import Figure
from tierkit.models.backtest_result import judge
from tierkit.models.card import Card
from tierkit.settings import parse_settings
from tierkit.statistics.intervals import Comparison

QUARTER_ENDS = [date(2023, 1, 1), date(2023, 4, 1), date(2023, 7, 1), date(2023, 10, 1),
                date(2024, 1, 1)]  # fmt: skip
AS_OF = date(2024, 4, 1)
SETTINGS = parse_settings(
    {
        "target": {"horizon_quarters": 1},
        "model": {"bags": 1, "max_bins": 8, "shuffled_refits": 0, "most_bags": 2},
        "tiers": [
            {"name": "Tier 1", "capacity": 10},
            {"name": "Tier 2", "capacity": 30},
            {"name": "Tier 3"},
        ],
    }
)
RULES = ["card", "short_card", "past_revenue", "last_quarter_revenue", "best_column", "random"]


def company(*, signal="inbound", accounts=200, days=(*QUARTER_ENDS, AS_OF), seed=1):
    """A panel whose revenue follows inbound activities, past revenue, or nothing at all."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"A{n:04d}" for n in range(accounts)], pd.to_datetime([*days])],
        names=["account_id", "as_of"],
    )
    rows = len(index)
    size = np.repeat(rng.normal(0, 1.2, size=accounts), len(days))
    inbound = rng.poisson(2, size=rows).astype(float)
    past = np.exp(7 + size + rng.normal(0, 0.5, size=rows)).round(2)
    driver = {"inbound": 0.7 * inbound + 0.5 * size, "past": size, "nothing": 0 * size}[signal]
    won = np.exp(6 + driver + rng.normal(0, 0.7, size=rows)) * (rng.random(rows) < 0.7)
    if signal == "nothing":
        past = rng.permutation(past)
    values = pd.DataFrame(
        {
            "won_revenue_1q": (past / 4).round(2), "won_revenue_4q": past,
            "inbound_count_4q": inbound, "noise": rng.normal(size=rows),
        },
        index=index,
    )  # fmt: skip
    criteria = ("won_revenue_1q", "won_revenue_4q", "inbound_count_4q", "noise")
    panel = Panel(values, criteria, (), frozenset(), {}, look_back=4)
    return panel, pd.Series(won, index=index, name="won_revenue")


def values_of(panel):
    return panel.values  # noqa: PD011 (a panel is no series)


def tried(panel, won, *, settings=SETTINGS, dates=QUARTER_ENDS, **more):
    return backtest(panel, won, settings=settings, dates=dates, as_of=AS_OF, **more)


@pytest.fixture(scope="module")
def better():
    return tried(*company())


def assert_can_be_published(facts):
    text = json.dumps(facts, allow_nan=False)
    parts = [json.loads(text)]
    while parts:
        part = parts.pop()
        for key, value in part.items():
            assert value is not None or part.get(f"{key}_why"), key
            parts += [value] if isinstance(value, dict) else []


def test_criteria_that_past_revenue_misses_make_the_card_better(better):
    assert better.verdict == "better than past revenue"
    assert better.method == "earlier quarter-ends"
    assert better.as_of == tuple(QUARTER_ENDS[1:])
    assert better.because.startswith("At 4 earlier quarter-ends the card ranked accounts with 0.")
    assert better.scores.index.tolist() == RULES
    assert better.scores.loc["card", "gini"] > better.scores.loc["past_revenue", "gini"] + 0.1
    assert better.scores.loc["best_column", "gini"] > better.scores.loc["past_revenue", "gini"]
    assert abs(better.scores.loc["random", "gini"]) < 0.2


def test_the_facts_hold_every_measure_or_say_why_not(better):
    facts = better.facts()
    assert_can_be_published(facts)
    assert {*facts} == {"backtest", "gain_over_past_revenue", "verdict", "because"}
    assert {*facts["backtest"]} == {"method", "as_of", "accounts", "models"}
    assert facts["backtest"]["as_of"] == [day.isoformat() for day in QUARTER_ENDS[1:]]
    assert facts["backtest"]["accounts"] == 200
    assert {*facts["backtest"]["models"]["card"]} == {
        "gini", "capture_tier_1", "capture_tier_2", "capture_top_5_percent",
        "capture_top_10_percent", "capture_top_20_percent", "actual_over_predicted",
    }  # fmt: skip
    by_rule = facts["backtest"]["models"]["random"]
    assert by_rule["actual_over_predicted"] is None
    assert "predicts no money" in by_rule["actual_over_predicted_why"]
    gain = facts["gain_over_past_revenue"]
    assert 0 < gain["low"] < gain["estimate"] < gain["high"]


def test_captures_are_those_of_the_tiers_capacities(better):
    rows = better.predictions
    shares = []
    for _, one in rows.groupby("as_of"):
        ranked = one.sort_values("card", ascending=False)["actual"]
        shares.append([ranked[:10].sum() / ranked.sum(), ranked[:40].sum() / ranked.sum()])
    found = better.scores.loc["card", ["capture_tier_1", "capture_tier_2"]]
    np.testing.assert_allclose(found.astype(float), np.mean(shares, axis=0), rtol=1e-3)


def test_the_card_of_each_fold_predicts_its_rows(better):
    values = values_of(company()[0])
    for fold, rows in better.predictions.groupby("fold"):
        keys = pd.MultiIndex.from_frame(rows[["account_id", "as_of"]])
        again = better.cards[fold].predict(values.loc[keys])
        np.testing.assert_array_equal(again, rows["card"])


def test_what_came_after_a_tested_date_changes_no_prediction_for_it(better):
    panel, won = company()
    day = won.index.get_level_values("as_of")
    after, later = day >= pd.Timestamp(QUARTER_ENDS[2]), day > pd.Timestamp(QUARTER_ENDS[2])
    values = values_of(panel).copy()
    values.loc[later] = 3.0
    poisoned = Panel(values, panel.criteria, (), frozenset(), {}, look_back=4)
    found = tried(poisoned, won.where(~after, 7.0 * won.to_numpy()[::-1]))
    for tested in QUARTER_ENDS[1:3]:
        rows, expected = (
            one.predictions[one.predictions["as_of"] == pd.Timestamp(tested)].drop(columns="actual")
            for one in (found, better)
        )
        pd.testing.assert_frame_equal(rows, expected)
    assert not found.predictions["card"].equals(better.predictions["card"])


def test_each_date_is_tested_by_what_was_complete_then():
    panel, won = company(accounts=120)
    two_ahead = SETTINGS.model_copy(
        update={"target": SETTINGS.target.model_copy(update={"horizon_quarters": 2})}
    )
    found = tried(panel, won, settings=two_ahead)
    # outcomes of 2023-01-01 are complete on 2023-07-01; those of 2024-01-01 are not on 2024-04-01
    assert found.as_of == (date(2023, 7, 1), date(2023, 10, 1))


def test_the_order_of_rows_does_not_matter(better):
    panel, won = company()
    shuffled = values_of(panel).sample(frac=1, random_state=5)
    again = tried(
        Panel(shuffled, panel.criteria, (), frozenset(), {}, 4), won.sample(frac=1, random_state=6)
    )
    assert again.facts() == better.facts()
    pd.testing.assert_frame_equal(again.predictions, better.predictions)


def test_a_card_that_only_repeats_past_revenue_is_no_better():
    found = tried(*company(signal="past", accounts=150))
    assert found.verdict == "no better than past revenue"
    assert found.facts()["because"].startswith("At 4 earlier quarter-ends the card ranked")


def test_where_nothing_tells_anything_there_is_no_signal():
    found = tried(*company(signal="nothing", accounts=150))
    assert found.verdict == "no signal"
    assert_can_be_published(found.facts())


def test_a_short_history_is_tested_on_held_out_accounts():
    panel, won = company(days=(QUARTER_ENDS[-1], AS_OF))
    found = tried(panel, won, dates=[QUARTER_ENDS[-1]])
    assert found.method == "held-out accounts"
    assert found.as_of == (QUARTER_ENDS[-1],)
    assert found.verdict == "better than past revenue"
    assert found.because.startswith("On accounts that the card had not seen")
    assert len(found.predictions) == 200
    assert_can_be_published(found.facts())


def test_held_out_accounts_are_not_learned_from():
    panel, won = company(days=(QUARTER_ENDS[-1], AS_OF), accounts=100)
    once = tried(panel, won, dates=[QUARTER_ENDS[-1]]).predictions.set_index("account_id")
    raised = won.where(won.index.get_level_values(0) != "A0007", 1e6)
    again = tried(panel, raised, dates=[QUARTER_ENDS[-1]]).predictions.set_index("account_id")
    changed = again["card"] != once["card"]
    assert not changed["A0007"]
    assert changed.any()


@pytest.mark.parametrize(
    ("make", "because"),
    [
        (lambda: (company(accounts=60), []), "No earlier quarter-end has a horizon that is over"),
        (lambda: (company(accounts=2), QUARTER_ENDS), "accounts: 2 of at least 50"),
        (lambda: (without_wins(), QUARTER_ENDS), "no account won anything"),
    ],
)
def test_what_cannot_be_tested_says_why(make, because):
    (panel, won), dates = make()
    found = tried(panel, won, dates=dates)
    assert found.verdict == "cannot be tested"
    assert because in found.because
    facts = found.facts()
    assert_can_be_published(facts)
    assert facts["backtest"]["models"] == {}
    assert facts["gain_over_past_revenue"]["estimate"] is None


def without_wins():
    panel, won = company(accounts=60)
    return panel, won * 0.0


def test_a_test_without_wins_decides_nothing():
    panel, won = company(accounts=FEWEST_TESTED_ACCOUNTS * 2)
    first = won.index.get_level_values("as_of") == pd.Timestamp(QUARTER_ENDS[0])
    found = tried(panel, won.where(first, 0.0), dates=QUARTER_ENDS[:2])
    assert found.verdict == "cannot be tested"
    assert "0 of them won anything" in found.because


def test_an_account_without_an_outcome_is_an_error_not_a_zero():
    panel, won = company(accounts=60)
    with pytest.raises(
        DataError, match=r"1 of 300 rows have no outcome, for example account A0003"
    ):
        tried(panel, won.drop(("A0003", pd.Timestamp(QUARTER_ENDS[2]))))


def test_tiers_held_before_are_tested_as_a_rule():
    panel, won = company(signal="past", accounts=120)
    past = values_of(panel)["won_revenue_4q"]
    held = pd.Series(np.where(past > past.median(), "Tier 1", "Tier 3"), index=past.index)
    found = tried(panel, won, previous_tiers=held)
    assert found.scores.index.tolist() == [*RULES[:-1], "last_tiers", "random"]
    assert 0.3 < found.scores.loc["last_tiers", "gini"] < found.scores.loc["past_revenue", "gini"]


def test_a_tier_without_a_capacity_has_no_capture():
    panel, won = company(accounts=120)
    one_tier = parse_settings(
        {
            "target": {"horizon_quarters": 1},
            "model": {"bags": 1, "max_bins": 4},
            "tiers": [{"name": "All"}],
        }
    )
    found = tried(panel, won, settings=one_tier, dates=QUARTER_ENDS[-2:])
    card = found.facts()["backtest"]["models"]["card"]
    assert card["capture_tier_1"] is None
    assert card["capture_tier_1_why"] == "there is no such tier with a capacity"
    assert card["capture_top_5_percent"] > 0


# ---- the choice -----------------------------------------------------------------------------


def chosen(panel, won, *, dates=QUARTER_ENDS, settings=SETTINGS):
    return choose_model(panel, won, settings=settings, dates=dates, as_of=AS_OF)


def now(panel):
    return values_of(panel).xs(pd.Timestamp(AS_OF), level="as_of")


def test_the_card_is_used_once_it_has_proved_better(better):
    panel, won = company()
    choice = chosen(panel, won)
    assert choice.kind == "fitted card"
    assert choice.trained_on == tuple(QUARTER_ENDS)
    assert choice.backtest.facts() == better.facts()
    ranked = choice.ranked(now(panel))
    assert ranked["predicted_revenue"].equals(choice.card.predict(now(panel)))
    assert Card.from_json(choice.card.to_json()) == choice.card
    assert choice.tested_predictions()["predicted"].equals(better.predictions["card"])


def test_outcomes_that_are_not_complete_are_never_used():
    panel, won = company(accounts=100)
    today = won.index.get_level_values("as_of") == pd.Timestamp(AS_OF)
    dates = [*QUARTER_ENDS[-2:], AS_OF]
    without = chosen(panel, won[~today], dates=dates)
    assert chosen(panel, won, dates=dates).card == without.card


def test_past_revenue_is_used_where_the_card_is_no_better():
    panel, won = company(signal="past", accounts=150)
    choice = chosen(panel, won)
    assert choice.kind == "past revenue"
    assert [one.name for one in choice.card.criteria] == ["won_revenue_4q"]
    ranked = choice.ranked(now(panel))
    assert ranked["score"].rename(None).equals(now(panel)["won_revenue_4q"].rename(None))
    by_score = ranked.sort_values("score")["predicted_revenue"]
    assert by_score.is_monotonic_increasing
    past = choice.backtest.predictions["past_revenue"]
    assert choice.tested_predictions()["rank_by"].equals(past)


def test_without_a_complete_date_past_revenue_is_scaled_to_the_horizon():
    panel, won = company(accounts=60)
    choice = chosen(panel, won[:0], dates=[])
    assert (choice.kind, choice.trained_on) == ("past revenue", ())
    assert choice.backtest.verdict == "cannot be tested"
    assert "No past quarter-end has a complete outcome yet" in choice.notes[0]
    expected = now(panel)["won_revenue_4q"].sum() / 4
    assert choice.card.predict(now(panel)).sum() == pytest.approx(expected)


def test_a_company_of_two_accounts_gets_an_answer():
    panel, won = company(accounts=2)
    choice = chosen(panel, won)
    assert choice.kind == "past revenue"
    assert len(choice.ranked(now(panel))) == 2


# ---- the verdict ----------------------------------------------------------------------------

UP, DOWN, ZERO = Figure(0.02, 0.01, 0.03), Figure(-0.02, -0.03, -0.01), Figure(0.0, -0.1, 0.1)
GOOD = Figure(0.8, 0.7, 0.9)


@pytest.mark.parametrize(
    ("card", "past", "gain", "at_10", "at_40", "verdict"),
    [
        (GOOD, GOOD, UP, UP, UP, "better than past revenue"),
        (GOOD, GOOD, UP, ZERO, ZERO, "better than past revenue"),
        (GOOD, GOOD, UP, DOWN, UP, "no better than past revenue"),
        (GOOD, GOOD, UP, UP, DOWN, "no better than past revenue"),
        (GOOD, GOOD, ZERO, UP, UP, "no better than past revenue"),
        (GOOD, GOOD, DOWN, UP, UP, "no better than past revenue"),
        (ZERO, ZERO, ZERO, ZERO, ZERO, "no signal"),
        (ZERO, GOOD, DOWN, ZERO, ZERO, "no better than past revenue"),
        (GOOD, ZERO, UP, ZERO, ZERO, "better than past revenue"),
    ],
)
def test_the_verdict_follows_the_ranges(card, past, gain, at_10, at_40, verdict):
    comparison = Comparison(card, past, gain, {10: at_10, 40: at_40}, draws=1_000)
    found, because = judge(
        comparison, places={"Tier 1": 10, "Tier 1 + Tier 2": 40}, tested="At 2 earlier quarter-ends"
    )
    assert found == verdict
    assert because.startswith("At 2 earlier quarter-ends")
    assert because.endswith(".")
    assert "nan" not in because
