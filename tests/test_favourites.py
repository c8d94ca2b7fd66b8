"""What carries weight: factors with intervals, stability over quarter-ends, small segments."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tierkit.models.card import Card
from tierkit.models.criteria import NumericCriterion
from tierkit.models.favourites import favourite_criteria, weigh_favourites

DATES = pd.to_datetime(["2024-01-01", "2024-04-01", "2024-07-01"])
CRITERIA = ("won_revenue_4q", "noise", "industry")


def company(*, accounts=600, seed=1):
    """Revenue doubles from the lower to the upper quartile of past revenue; Energy brings × 1.5."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"A{n:04d}" for n in range(accounts)], DATES], names=["account_id", "as_of"]
    )
    past = np.repeat(np.exp(rng.normal(8, 1, size=accounts)), len(DATES))
    shares = [0.46, 0.46, 0.05, 0.03]
    industry = np.repeat(rng.choice(["Energy", "Retail", "Rare", "Tiny"], accounts, p=shares), 3)
    lasting = np.repeat(rng.normal(0, 0.5, size=accounts), len(DATES))
    low, high = np.log1p(np.quantile(past, [0.25, 0.75]))
    mean = 2 ** ((np.log1p(past) - low) / (high - low)) * np.where(industry == "Energy", 1.5, 1.0)
    buys = rng.random(len(index)) < 0.5
    won = 1000 * mean * np.exp(lasting) * buys * rng.gamma(2, 0.5, size=len(index))
    noise = np.where(rng.random(len(index)) < 0.1, np.nan, rng.normal(size=len(index)))
    values = pd.DataFrame(
        {"won_revenue_4q": past, "noise": noise, "industry": industry}, index=index
    )
    return values, pd.Series(won, index=index)


@pytest.fixture(scope="module")
def world():
    return company()


@pytest.fixture(scope="module")
def found(world):
    return weigh_favourites(*world, criteria=CRITERIA)


def test_the_factor_that_made_the_revenue_is_found_inside_its_interval(found):
    past = found.factors.set_index("criterion").loc["won revenue (4 quarters)"]
    assert past["low"] < 2 < past["high"]
    assert past["high"] / past["low"] < 1.6
    assert (past["same_direction"], past["dates"]) == (3, 3)
    assert past["lowest"] <= past["factor"] <= past["highest"]
    assert past["accounts"] == 600


def test_what_is_noise_has_an_interval_around_one(found):
    noise = found.factors.set_index("criterion").loc["noise"]
    assert noise["low"] < 1 < noise["high"]


def test_rows_of_one_account_are_not_news_each_time(world, found):
    """As if every account were seen nine times instead of three: the interval stays."""
    values, won = world
    index = values.index.to_frame()
    copies = [
        values.set_index(
            pd.MultiIndex.from_arrays(
                [index["account_id"], index["as_of"] + pd.Timedelta(days=7 * n)],
                names=values.index.names,
            )
        )
        for n in range(3)
    ]
    again = weigh_favourites(
        pd.concat(copies),
        pd.Series(np.tile(won.to_numpy(), 3), index=pd.concat(copies).index),
        criteria=CRITERIA,
    )
    once, thrice = (one.factors.set_index("criterion").loc["noise"] for one in (found, again))
    assert thrice["high"] / thrice["low"] == pytest.approx(once["high"] / once["low"], rel=0.02)


def test_small_segments_are_pooled_towards_the_average_more_than_large_ones(found):
    rows = found.segments.set_index("segment")
    kept = np.log(rows["factor"]) / np.log(rows["alone"])
    assert ((kept >= 0) & (kept < 1)).all()
    assert kept["Tiny"] < kept["Rare"] < min(kept["Energy"], kept["Retail"])
    ratio = rows.loc["Energy", "factor"] / rows.loc["Retail", "factor"]
    assert ratio == pytest.approx(1.5, rel=0.3)
    assert rows["accounts"].sum() == 600
    assert np.log(rows["alone"]).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("accounts", "won", "why"),
    [(20, 1.0, "20 accounts"), (60, 0.0, "0 rows with won revenue")],
)
def test_too_little_to_say_anything_is_said_in_words(accounts, won, why):
    values, amounts = company(accounts=accounts)
    found = weigh_favourites(values, amounts * won, criteria=CRITERIA)
    assert found.factors.empty
    assert why in found.why


def test_constant_and_absent_columns_are_left_out(world):
    values, won = world
    values = values.assign(constant=1.0, one="same")
    found = weigh_favourites(values, won, criteria=(*CRITERIA, "constant", "one", "absent"))
    assert found.factors["criterion"].tolist() == ["won revenue (4 quarters)", "noise"]
    assert set(found.segments["criterion"]) == {"industry"}
    assert weigh_favourites(values, won, criteria=["constant"]).why != ""


def test_the_same_rows_in_another_order_give_the_same_factors(world, found):
    values, won = world
    order = np.random.default_rng(0).permutation(len(values))
    other = weigh_favourites(values.iloc[order], won.iloc[order], criteria=CRITERIA)
    np.testing.assert_allclose(other.factors["factor"], found.factors["factor"], rtol=1e-6)


def test_the_weightiest_criteria_are_asked_about_and_twins_once(world):
    values, _ = world
    values = values.assign(twin=values["won_revenue_4q"] * 2)
    criteria = [
        NumericCriterion(name, (1.0,), (0.0, points))
        for name, points in (("noise", 0.1), ("twin", 0.5), ("won_revenue_4q", 0.9))
    ]
    card = Card(1.0, tuple(criteria))
    assert favourite_criteria(card, values) == ("won_revenue_4q", "noise")
    assert favourite_criteria(card, values, asked=["noise", "absent"]) == ("noise",)
    assert not math.isnan(card.base)


def test_segments_that_look_alike_are_not_said_to_be_the_same(world):
    values, won = world
    draws = np.random.default_rng(5).choice(["N", "S"], size=600)
    names = pd.Series(draws, index=sorted(set(values.index.get_level_values(0))))
    region = names.reindex(values.index.get_level_values(0)).to_numpy()
    found = weigh_favourites(values.assign(region=region), won, criteria=["region"])
    rows = found.segments
    assert (rows["low"] < 1).all()
    assert (rows["high"] > 1).all()


def test_a_column_that_most_accounts_share_is_compared_further_out(world):
    values, won = world
    capped = values["won_revenue_4q"].clip(lower=values["won_revenue_4q"].quantile(0.8))
    found = weigh_favourites(values.assign(capped=capped), won, criteria=["capped"])
    assert found.factors["factor"].iloc[0] > 1.2  # both quartiles hold the same value: factor 1
