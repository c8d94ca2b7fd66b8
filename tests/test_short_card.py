"""The card that people sign: few criteria, few bins that never mix, whole points."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, NumericCriterion
from tierkit.models.short_card import (
    A_POINT,
    MOST_BINS,
    MOST_CRITERIA,
    POINTS_TO_DOUBLE,
    shortened,
    whole_points,
)
from tierkit.runs.model_facts import weights

MANY = NumericCriterion(
    "won_revenue_4q",
    tuple(float(n) for n in range(1, 20)),
    tuple(n / 10 for n in range(20)),
    missing=-0.3,
    accounts=(*[30] * 20, 7),
)


def test_five_points_double():
    assert math.exp(A_POINT * POINTS_TO_DOUBLE) == pytest.approx(2.0)


def test_bins_are_few_and_points_are_whole_and_unknown_stays_apart():
    (short,) = shortened(Card(10.0, (MANY,))).criteria
    assert len(short.bins) <= MOST_BINS
    assert short.bins[-1] == "unknown"
    assert sum(short.accounts) == sum(MANY.accounts)
    assert short.accounts[-1] == 7
    assert [round(p / A_POINT, 9) % 1 for p in short.points_by_bin] == [0.0] * len(short.bins)


def test_no_bin_holds_fewer_accounts_than_may_be_told():
    accounts = (*[300] * 17, 1, 1, 1, 0)
    few = NumericCriterion("won_revenue_4q", MANY.edges, MANY.points, accounts=accounts)
    (short,) = shortened(Card(10.0, (few,)), fewest=5).criteria
    assert min(short.accounts[:-1]) >= 5


def test_the_most_important_criteria_stay():
    made = tuple(
        NumericCriterion(f"c{n}_count", (1.0,), (0.0, n / 5), accounts=(50, 50, 0))
        for n in range(12)
    )
    kept = [one.name for one in shortened(Card(1.0, made)).criteria]
    assert kept == [f"c{n}_count" for n in range(12 - MOST_CRITERIA, 12)]


def test_categories_that_matter_little_share_a_bin():
    industry = CategoricalCriterion(
        "industry", tuple("ABCDEFGH"), (0.9, -0.8, 0.7, 0.6, 0.0, 0.01, 0.0, 0.0),
        other=0.0, accounts=(*[40] * 8, 10, 5),
    )  # fmt: skip
    (short,) = shortened(Card(1.0, (industry,))).criteria
    assert short.categories == ("A", "B", "C", "D")
    assert sum(short.accounts) == sum(industry.accounts)


def test_printed_points_begin_at_none_and_add_up_to_the_card():
    card = shortened(Card(10.0, (MANY,)))
    (printed,) = whole_points(card)
    points = [row["points"] for row in printed["bins"]]
    assert min(points) == 0
    values = pd.DataFrame({"won_revenue_4q": [0.5, 19.5]})
    low, high = card.predict(values)
    apart = points[-2] - points[0]
    assert high / low == pytest.approx(2 ** (apart / POINTS_TO_DOUBLE))


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=30))
def test_a_short_card_keeps_the_order_of_points_that_rise(points):
    rising = tuple(np.sort(points).tolist())
    edges = tuple(float(n) for n in range(1, len(rising)))
    one = NumericCriterion("wins_count_4q", edges, rising)
    for short in shortened(Card(1.0, (one,))).criteria:
        assert (np.diff(short.points) >= 0).all()


def test_no_sentence_is_told_of_fewer_accounts_than_a_group_needs():
    few = NumericCriterion("visits", (1.0,), (-0.5, 0.5), accounts=(2, 3, 0))
    many = NumericCriterion("wins_count_4q", (1.0,), (-0.1, 0.1), accounts=(20, 30, 4))
    found = weights(Card(10.0, (few, many)), min_group=5)
    assert [one["criterion"] for one in found] == ["wins (4 quarters)"]
    assert "unknown" not in found[0]["sentence"]
