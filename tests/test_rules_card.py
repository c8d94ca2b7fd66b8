"""Rules cards set by hand, and edits of a fitted card: settings, scores, money, tests."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from test_backtest import AS_OF, QUARTER_ENDS, SETTINGS, company, tried

from tierkit._backtest import choose_model
from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.features.panel import build_panel
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.edits import edit_card
from tierkit.models.rules_card import fit_rules_card
from tierkit.settings import CardEdit, CardSettings, parse_settings

REVENUE = {"criterion": "won_revenue_4q", "edges": [1, 100], "points": [0, 10, 30], "missing": -5}
INDUSTRY = {"criterion": "industry", "points": {"Retail": -10, "Energy": 10}, "other": 2}
SIZE = {"criterion": "employees", "edges": [20, 1000], "points": [0, 5, 10]}
VALUES = pd.DataFrame(
    {
        "won_revenue_4q": [0.0, 50.0, 100.0, np.nan],
        "industry": ["Energy", "Retail", "Farming", None],
        "log_employees": [math.log(19), math.log(20), math.log(5000), np.nan],
    },
    index=["A", "B", "C", "D"],
)


def card_settings(*criteria, **more):
    return parse_settings({"card": {"criteria": list(criteria), **more}}).card


def test_points_are_those_of_the_settings_and_the_set_number_doubles_revenue():
    rules = card_settings(REVENUE, INDUSTRY, SIZE, points_to_double=10)
    card = fit_rules_card(VALUES, pd.Series(25.0, index=VALUES.index), settings=rules)
    by_hand = [0 + 10 + 0, 10 - 10 + 5, 30 + 2 + 10, -5 + 0 + 0]
    np.testing.assert_allclose(card.score(VALUES) / math.log(2) * 10, by_hand)
    assert card.predict(VALUES).sum() == pytest.approx(100.0)
    ratio = card.predict(VALUES)["C"] / card.predict(VALUES)["B"]
    assert ratio == pytest.approx(2 ** (37 / 10))
    assert card.notes == ("10 points double predicted revenue, as set.",)
    assert "20–1k" in card.table()["bin"].tolist()


def test_the_worth_of_a_point_is_found_where_it_is_not_set():
    rule = {"criterion": "x", "edges": [1, 2], "points": [0, 1, 2]}
    values = pd.DataFrame({"x": [0.0, 1.0, 2.0] * 10})
    won = pd.Series([10.0, 20.0, 40.0] * 10)
    card = fit_rules_card(values, won, settings=card_settings(rule))
    np.testing.assert_allclose(card.predict(values), won, rtol=1e-4)
    assert card.notes == ("1 points double predicted revenue, as it was found.",)


def test_rules_that_are_upside_down_keep_their_order_and_say_so():
    rule = {"criterion": "x", "edges": [1], "points": [0, 1]}
    values = pd.DataFrame({"x": [0.0, 1.0] * 10})
    card = fit_rules_card(values, pd.Series([9.0, 1.0] * 10), settings=card_settings(rule))
    low, high = card.predict(values)[:2]
    assert low < high < 1.02 * low
    assert "no more revenue" in card.notes[0]


@pytest.mark.parametrize(("won", "why"), [(0.0, "no revenue followed"), (5.0, "the same points")])
def test_rules_without_anything_to_learn_from_are_a_card_all_the_same(won, why):
    values = VALUES if won == 0 else VALUES[["won_revenue_4q"]].assign(won_revenue_4q=7.0)
    card = fit_rules_card(
        values, pd.Series(won, index=VALUES.index), settings=card_settings(REVENUE)
    )
    assert card.predict(values).sum() == pytest.approx(4 * won)
    assert why in card.notes[0]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"criterion": "fleet", "points": [1]}, "fleet is no column of the panel"),
        ({"criterion": "industry", "edges": [1], "points": [0, 1]}, "industry holds text"),
        ({"criterion": "won_revenue_4q", "points": {"a": 1}}, "won_revenue_4q holds numbers"),
        ({"criterion": "employees", "edges": [0], "points": [0, 1]}, "so must its edges be"),
    ],
)
def test_rules_that_do_not_fit_the_columns_are_refused_in_a_sentence(rule, problem):
    with pytest.raises(SettingsError, match=problem):
        fit_rules_card(VALUES, pd.Series(1.0, index=VALUES.index), settings=card_settings(rule))


@pytest.mark.parametrize(
    ("card", "problem"),
    [
        ({"criteria": [{"criterion": "x", "edges": [1], "points": [1]}]}, "1 edges make 2 bins"),
        ({"criteria": [{"criterion": "x", "edges": [2, 1], "points": [1, 2, 3]}]}, "must ascend"),
        ({"criteria": [INDUSTRY | {"edges": [1]}]}, "edges are for numbers"),
        ({"criteria": [REVENUE | {"other": 1}]}, "other is for categories"),
        ({"criteria": [REVENUE, REVENUE]}, "named twice: won_revenue_4q"),
        ({"criteria": [{"criterion": "x", "pionts": [1]}]}, "Did you mean points?"),
        ({"criteria": [{"criterion": "x", "points": {"A": "b"}}]}, "points.A"),
        ({"edits": [{"criterion": "x"}]}, "changes nothing"),
        ({"edits": [{"criterion": "x", "remove": False}]}, "changes nothing"),
        ({"edits": [{"criterion": "x", "remove": True, "missing": 2}]}, "no factor left"),
        ({"edits": [{"criterion": "x", "factor": 2}]}, "factor needs one place"),
        ({"edits": [{"criterion": "x", "below": 0, "value": "A", "factor": 2}]}, "one place"),
        ({"edits": [{"criterion": "x", "at_least": 0}]}, "factor needs one place"),
        ({"edits": [{"criterion": "x", "at_least": 2, "below": 1, "factor": 2}]}, "not below"),
        ({"edits": [{"criterion": "x", "highest_factor": 1, "lowest_factor": 2}]}, "above highest"),
    ],
)
def test_wrong_cards_in_the_settings_are_named(card, problem):
    with pytest.raises(SettingsError) as caught:
        parse_settings({"card": card})
    assert problem in str(caught.value)


def test_a_rules_card_needs_criteria_and_has_no_edits():
    with pytest.raises(SettingsError) as caught:
        parse_settings(
            {
                "model": {"kind": "rules card"},
                "card": {"edits": [{"criterion": "x", "remove": True}]},
            }
        )
    assert len(caught.value.problems) == 2


def test_settings_survive_the_way_to_a_notebook():
    settings = parse_settings(
        {
            "model": {"kind": "rules card"},
            "card": {"criteria": [REVENUE, INDUSTRY], "points_to_double": 5},
        }
    )
    assert parse_settings(settings.model_dump(mode="json")) == settings
    edits = [{"criterion": "a", "remove": True}, {"criterion": "b", "below": 0, "factor": 2}]
    edited = parse_settings({"card": {"edits": edits}})
    assert parse_settings(edited.model_dump(mode="json")) == edited


def test_columns_that_cannot_be_criteria_are_found_before_anything_is_fitted():
    rules = [
        {"criterion": "won_revenue_4", "points": [0]},
        {"criterion": "employes", "points": [0]},
        {"criterion": "outbound_count_4q", "points": [0]},
        {"criterion": "industry", "points": {}},
    ]
    settings = parse_settings({"card": {"criteria": rules}})
    tables = tables_of(opportunities="account_id close_date amount is_won; A 2023-12-01 90 true")
    with pytest.raises(SettingsError) as caught:
        build_panel(tables, [date(2025, 1, 1)], settings=settings)
    assert [str(problem) for problem in caught.value.problems] == [
        "card: won_revenue_4 is no criterion. Did you mean won_revenue_4q?",
        "card: employes is no criterion. Did you mean employees?",
        "card: outbound_count_4q measures our own effort. Our own effort never makes an account "
        "valuable: choose another criterion.",
        "card: industry cannot be built: needs column accounts.industry. Leave it.",
    ]


REVENUE_BINS = NumericCriterion("won_revenue_4q", (100.0, 5000.0), (-0.5, 0.25, 1.5), missing=-0.1)
INDUSTRY_BINS = CategoricalCriterion("industry", ("Energy", "Retail"), (0.5, -0.25), other=0.1)
FITTED = Card(1000.0, (REVENUE_BINS, INDUSTRY_BINS))


def edited(**edit):
    return edit_card(FITTED, [CardEdit(**edit)])


def test_a_range_becomes_one_bin_and_the_bins_around_it_keep_their_points():
    one = edited(criterion="won_revenue_4q", at_least=50.0, below=200.0, factor=math.e).criteria[0]
    assert one.edges == (50.0, 200.0, 5000.0)
    assert one.points == (-0.5, 1.0, 0.25, 1.5)
    top = edited(criterion="won_revenue_4q", at_least=100.0, factor=1.0).criteria[0]
    assert (top.edges, top.points) == ((100.0,), (-0.5, 0.0))
    bottom = edited(criterion="won_revenue_4q", below=0.0, factor=1.0).criteria[0]
    assert bottom.edges == (0.0, 100.0, 5000.0)
    assert bottom.points == (0.0, -0.5, 0.25, 1.5)


def test_a_limit_holds_for_every_bin():
    one = edited(criterion="won_revenue_4q", highest_factor=2.0, lowest_factor=0.95).criteria[0]
    assert one.points == (math.log(0.95), 0.25, math.log(2))
    assert one.missing == math.log(0.95)


def test_categories_others_and_unknown_can_be_set():
    card = edited(criterion="industry", value="Farming", factor=1.0, other=2.0, missing=math.e)
    one = card.criteria[1]
    assert one.categories == ("Energy", "Farming", "Retail")
    assert one.points == (0.5, 0.0, -0.25)
    assert (one.other, one.missing) == (math.log(2), 1.0)


def test_a_removed_criterion_is_named_with_the_reason():
    card = edited(criterion="industry", remove=True)
    assert [one.name for one in card.criteria] == ["won_revenue_4q"]
    assert card.dropped == {"industry": "removed by hand"}


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"criterion": "country", "remove": True}, "no such criterion"),
        ({"criterion": "industry", "below": 1.0, "factor": 1.0}, "it holds text"),
        ({"criterion": "won_revenue_4q", "value": "A", "factor": 1.0}, "it holds numbers"),
    ],
)
def test_an_edit_that_cannot_be_made_changes_nothing_and_is_named(edit, why):
    card = edited(**edit)
    assert card.criteria == FITTED.criteria
    assert card.notes[0].startswith("Not edited: ")
    assert why in card.notes[0]


INBOUND = {"criterion": "inbound_count_4q", "edges": [1, 2, 4], "points": [0, 1, 2, 4]}
BY_HAND = parse_settings(
    SETTINGS.model_dump(mode="json")
    | {"model": {"kind": "rules card", "bags": 1, "max_bins": 8}, "card": {"criteria": [INBOUND]}}
)


@pytest.fixture(scope="module")
def world():
    return company()


def test_a_rules_card_ranks_because_it_was_asked_for_and_is_tested_like_any_other(world):
    choice = choose_model(*world, settings=BY_HAND, dates=QUARTER_ENDS[:3], as_of=AS_OF)
    assert choice.kind == "rules card"
    assert [one.name for one in choice.card.criteria] == ["inbound_count_4q"]
    assert choice.notes[-1].endswith("(model.kind).")
    scores = choice.backtest.scores
    assert {"card", "fitted_card", "past_revenue"} <= {*scores.index}
    assert scores.loc["fitted_card", "gini"] > scores.loc["card", "gini"] > 0.1
    assert abs(scores.loc["card", "actual_over_predicted"] - 1) < 0.3
    assert choice.tested_predictions()["predicted"].equals(choice.backtest.predictions["card"])


def test_a_rules_card_without_any_past_outcome_predicts_past_revenue_in_its_own_order(world):
    panel, won = world
    choice = choose_model(panel, won, settings=BY_HAND, dates=[], as_of=AS_OF)
    now = panel.values.xs(pd.Timestamp(AS_OF), level="as_of")  # noqa: PD011 (a panel)
    ranked = choice.ranked(now)
    assert choice.kind == "rules card"
    assert ranked["predicted_revenue"].sum() == pytest.approx(now["won_revenue_4q"].sum() / 4)
    assert ranked["score"].groupby(now["inbound_count_4q"] >= 4).mean().is_monotonic_increasing


def test_a_rules_card_beside_a_fitted_one_is_tested_and_does_not_rank(world):
    settings = BY_HAND.model_copy(update={"model": SETTINGS.model})
    tested = tried(*world, settings=settings, dates=QUARTER_ENDS[:3])
    assert "rules_card" in tested.scores.index
    alone = tried(*world, dates=QUARTER_ENDS[:3])
    assert tested.predictions["card"].equals(alone.predictions["card"])


def test_what_an_edit_costs_is_the_edited_card_against_the_same_card_without_edits(world):
    edit = CardEdit(criterion="inbound_count_4q", remove=True)
    settings = SETTINGS.model_copy(update={"card": CardSettings(edits=(edit,))})
    tested = tried(*world, settings=settings, dates=QUARTER_ENDS[:3])
    alone = tried(*world, dates=QUARTER_ENDS[:3])
    assert tested.predictions["unedited_card"].equals(alone.predictions["card"])
    assert tested.scores.loc["card", "gini"] < tested.scores.loc["unedited_card", "gini"] - 0.05
    totals = tested.predictions[["card", "unedited_card"]].sum()
    assert totals["card"] == pytest.approx(totals["unedited_card"], rel=0.1)


def test_the_fitted_card_is_left_as_it_is():
    before = replace(FITTED)
    edited(criterion="won_revenue_4q", highest_factor=1.1)
    assert before == FITTED
