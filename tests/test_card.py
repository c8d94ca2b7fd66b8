"""The points card: base amount × one factor per criterion, for a fitted model and for set rules."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tierkit.errors import DataError, SettingsError
from tierkit.models.card import Card, card_in_short
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.explaining import MOST_CHARACTERS, factors, reasons

GOLDEN = """
{"schema": 1, "base": 1000.0,
 "criteria": [
   {"kind": "numeric", "name": "won_revenue_4q", "edges": [100.0, 5000.0],
    "points": [-0.5, 0.25, 1.5], "missing": -0.125, "counts": false, "accounts": [5, 3, 2, 0]},
   {"kind": "categorical", "name": "industry", "categories": ["Energy", "Retail"],
    "points": [0.5, -0.25], "other": 0.0625, "missing": 0.0, "accounts": [4, 4, 1, 1]}],
 "dropped": {"country": "every account has the same value"},
 "notes": ["Fitted on 10 rows."]}
"""
VALUES = pd.DataFrame(
    {
        "won_revenue_4q": [99.99, 100.0, 5000.0, np.nan, -20.0],
        "industry": ["Energy", "Retail", "Farming", None, "Energy"],
    },
    index=pd.Index(["A", "B", "C", "D", "E"], name="account_id"),
)
GOLDEN_POINTS = [-0.5 + 0.5, 0.25 - 0.25, 1.5 + 0.0625, -0.125 + 0.0, -0.5 + 0.5]


@pytest.fixture
def card():
    return Card.from_json(GOLDEN)


def test_a_written_card_scores_as_ever(card):
    assert card.score(VALUES).tolist() == GOLDEN_POINTS
    by_hand = [1000.0 * math.exp(one) for one in GOLDEN_POINTS]
    np.testing.assert_allclose(card.predict(VALUES), by_hand, rtol=1e-12)
    assert card.dropped == {"country": "every account has the same value"}


def test_a_card_survives_json_exactly(card):
    third = NumericCriterion("tenure_days", (1 / 3,), (0.1 + 0.2, -1e-300), missing=2 / 3)
    written = Card(math.pi, (*card.criteria, third), card.dropped, card.notes)
    assert Card.from_json(written.to_json()) == written
    assert json.loads(written.to_json())["schema"] == 1


def test_a_bin_holds_its_lower_edge_and_not_its_upper_one():
    criterion = NumericCriterion("x", (1.0, 2.0), (10.0, 20.0, 30.0), missing=40.0)
    below = np.nextafter(1.0, 0.0)
    assert criterion.points_of(pd.Series([below, 1.0, 1.5, 2.0, np.inf, -np.inf])).tolist() == [
        10.0, 20.0, 20.0, 30.0, 30.0, 10.0,
    ]  # fmt: skip


def test_missing_is_a_bin_of_its_own_whatever_it_is_written_as():
    number = NumericCriterion("x", (1.0,), (0.0, 1.0), missing=7.0)
    for column in (pd.Series([None, np.nan]), pd.Series([pd.NA, 3], dtype="Int64")[:1]):
        assert set(number.points_of(column)) == {7.0}
    text = CategoricalCriterion("c", ("a",), (1.0,), other=2.0, missing=7.0)
    for column in (pd.Series([None], dtype=object), pd.Series([None], dtype="str")):
        assert text.points_of(column).tolist() == [7.0]


def test_categories_that_were_never_seen_are_the_others():
    criterion = CategoricalCriterion("c", ("3", "True"), (1.0, 2.0), other=9.0)
    assert criterion.points_of(pd.Series([3, True, "3.0"], dtype=object)).tolist() == [
        1.0,
        2.0,
        9.0,
    ]


def test_factors_multiply_to_predicted_revenue(card):
    product = card.base * factors(card, VALUES).prod(axis=1)
    np.testing.assert_allclose(product, card.predict(VALUES), rtol=1e-9)


def test_neither_the_order_of_rows_nor_other_accounts_matter(card):
    shuffled = VALUES.iloc[[3, 0, 4, 2, 1]]
    assert card.predict(shuffled).sort_index().equals(card.predict(VALUES))
    assert card.predict(VALUES.iloc[[2]]).iloc[0] == card.predict(VALUES).iloc[2]


def test_a_card_without_criteria_predicts_its_base():
    assert Card(5.0).predict(VALUES).tolist() == [5.0] * 5
    assert Card(5.0).table().empty
    assert reasons(Card(5.0), VALUES).tolist() == [""] * 5


def test_a_column_that_is_lacking_is_named(card):
    with pytest.raises(DataError, match=r"lack the column.* industry; found won_revenue_4q"):
        card.predict(VALUES[["won_revenue_4q"]])


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: NumericCriterion("x", (2.0, 1.0), (0, 0, 0)), "x: edges must be finite and asc"),
        (lambda: NumericCriterion("x", (1.0,), (0.0,)), "one more points than edges"),
        (lambda: NumericCriterion("x", (), (math.nan,)), "points must be finite"),
        (lambda: NumericCriterion("x", (), (0.0,), accounts=(1,)), "accounts for every bin"),
        (lambda: CategoricalCriterion("x", ("b", "a"), (0.0, 0.0)), "sorted and unique"),
        (lambda: CategoricalCriterion("x", ("a",), (0.0,), other=math.inf), "must be finite"),
        (lambda: Card(-1.0), "base must be an amount"),
        (lambda: Card(1.0, (NumericCriterion("x", (), (0.0,)),) * 2), "named twice: x"),
        (lambda: Card.from_json("{"), "not JSON"),
        (lambda: Card.from_json("[]"), "a JSON object is needed"),
        (lambda: Card.from_json('{"schema": 2}'), "schema must be 1, found 2"),
        (lambda: Card.from_json('{"schema": 1}'), "not a card"),
    ],
)
def test_a_wrong_card_is_refused_in_a_sentence(make, problem):
    with pytest.raises(SettingsError, match=problem):
        make()


def test_the_table_reads_in_words_with_the_weightiest_criterion_first(card):
    table = card.table()
    assert table["criterion"].unique().tolist() == ["won revenue (4 quarters)", "industry"]
    assert table["bin"].tolist() == [
        "under 100", "100–5k", "5k or more", "unknown", "Energy", "Retail", "other", "unknown",
    ]  # fmt: skip
    assert table["accounts"].tolist() == [5, 3, 2, 0, 4, 4, 1, 1]
    np.testing.assert_allclose(np.log(table["factor"]), table["points"])
    revenue, industry = (0.5 * 5 + 0.25 * 3 + 1.5 * 2) / 10, (0.5 * 4 + 0.25 * 4 + 0.0625) / 10
    share = table["share_of_importance"].unique()
    np.testing.assert_allclose(share, np.array([revenue, industry]) / (revenue + industry))


def test_accounts_of_rules_set_by_hand_are_not_known():
    by_hand = Card(1.0, (NumericCriterion("employees", (20.0,), (0.0, 1.0), counts=True),))
    assert by_hand.table()["accounts"].isna().all()
    counted = by_hand.with_accounts(pd.DataFrame({"employees": [5, 20, 30, None]}))
    assert counted.table()["accounts"].tolist() == [1, 2, 1]


def test_recalibration_changes_the_base_alone(card):
    scaled = card.recalibrated(VALUES, total=77.0)
    assert scaled.predict(VALUES).sum() == pytest.approx(77.0)
    assert scaled.criteria == card.criteria


def test_reasons_name_the_bin_and_its_factor(card):
    assert reasons(card, VALUES).to_dict() == {
        "A": "industry Energy: ×1.6 · won revenue (4 quarters) under 100: ×0.61",
        "B": "won revenue (4 quarters) 100–5k: ×1.3 · industry Retail: ×0.78",
        "C": "won revenue (4 quarters) 5k or more: ×4.5 · industry other: ×1.1",
        "D": "won revenue (4 quarters) unknown: ×0.88",
        "E": "industry Energy: ×1.6 · won revenue (4 quarters) under 100: ×0.61",
    }


def test_there_are_at_most_three_reasons_each_way_and_the_strongest_stay():
    points = [0.1, 0.9, 0.8, 0.7, 0.6, -0.5, -0.9, -0.8, -0.7]
    criteria = tuple(NumericCriterion(f"c{n}", (), (one,)) for n, one in enumerate(points))
    values = pd.DataFrame({one.name: [0.0] for one in criteria})
    assert [part.split()[0] for part in reasons(Card(1.0, criteria), values)[0].split(" · ")] == [
        "c1", "c2", "c3", "c6", "c7", "c8",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.text(min_size=1, max_size=300), st.floats(-3, 3)), max_size=9))
def test_reasons_never_grow_longer_than_a_line(parts):
    criteria = tuple(
        CategoricalCriterion(f"c{n}", (name,), (points,)) for n, (name, points) in enumerate(parts)
    )
    values = pd.DataFrame({f"c{n}": [name] for n, (name, _) in enumerate(parts)}, index=[0])
    assert len(reasons(Card(1.0, criteria), values)[0]) <= MOST_CHARACTERS


def test_scoring_leaves_the_values_as_they_were(card):
    before = VALUES.copy(deep=True)
    card.predict(VALUES)
    reasons(card, VALUES)
    pd.testing.assert_frame_equal(VALUES, before)


def test_the_card_in_short_joins_bins_of_the_same_rounded_factor():
    revenue = NumericCriterion(
        "won_revenue_1q", (10.0, 20.0), (-0.7, 0.01, 0.02), accounts=(1, 1, 1, 0)
    )
    industry = CategoricalCriterion(
        "industry", ("Energy", "Retail"), (0.01, 0.7), other=0.0, missing=0.0, accounts=(1, 1, 0, 1)
    )
    short = card_in_short(Card(1.0, (industry, revenue))).set_index("criterion")
    assert short["factors"].str.replace("\xa0", " ").to_dict() == {
        "won revenue (1 quarter)": "under 10 ×0.50 · 10 or more ×1.0",
        "industry": "Energy, other, unknown ×1.0 · Retail ×2.0",
    }
    assert short.index[0] == "won revenue (1 quarter)"
    assert short["importance"].sum() == pytest.approx(1.0)
