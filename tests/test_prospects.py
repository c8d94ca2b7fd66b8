"""Beside predicted revenue: the probability to win anything, wins, pipeline."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tierkit.models.prospects import COLUMNS, Prospects, fit_prospects
from tierkit.settings import ModelSettings
from tierkit.statistics.measures import gini

DATES = pd.to_datetime(["2024-01-01", "2024-04-01"])
QUICK = ModelSettings(max_bins=8)


def company(*, accounts=800, seed=1):
    """Wins follow visits and size (Poisson), pipeline is three times what wins are worth."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"A{n:04d}" for n in range(accounts)], DATES], names=["account_id", "as_of"]
    )
    rows = len(index)
    visits = rng.poisson(3, rows).astype(float)
    size = rng.normal(size=rows)
    rate = np.exp(-2.0 + 0.3 * visits + 0.5 * size)
    wins = rng.poisson(rate)
    values = pd.DataFrame(
        {
            "visits": np.where(rng.random(rows) < 0.1, np.nan, visits),
            "size": size,
            "noise": rng.normal(size=rows),
            "industry": rng.choice(["Energy", "Retail"], rows),
        },
        index=index,
    )
    happened = pd.DataFrame(
        {"wins_count": wins, "pipeline_created_amount": 3e5 * rate * rng.gamma(2, 0.5, rows)},
        index=index,
    )
    return values, happened, rate


def fitted(values, happened, **more):
    return fit_prospects(values, happened, criteria=[*values], settings=QUICK, **more)


@pytest.fixture(scope="module")
def world():
    return company()


@pytest.fixture(scope="module")
def prospects(world):
    values, happened, _ = world
    return fitted(values, happened)


def test_totals_are_those_of_what_happened(world, prospects):
    values, happened, _ = world
    found = prospects.predict(values)
    assert [*found.columns] == [*COLUMNS]
    won = (happened["wins_count"] > 0).sum()
    assert found["won_probability"].sum() == pytest.approx(won, rel=0.01)
    assert found["predicted_wins"].sum() == pytest.approx(happened["wins_count"].sum(), rel=0.02)
    total = happened["pipeline_created_amount"].sum()
    assert found["predicted_pipeline"].sum() == pytest.approx(total, rel=1e-6)


def test_they_hold_on_accounts_that_were_not_seen(prospects):
    values, happened, rate = company(seed=2)
    found = prospects.predict(values)
    chance = pd.Series(-np.expm1(-rate), index=values.index)
    fifth = pd.qcut(found["won_probability"], 5, labels=False)
    told, true = (one.groupby(fifth).mean() for one in (found["won_probability"], chance))
    np.testing.assert_allclose(told, true, atol=0.06)
    assert gini(happened["wins_count"], found["predicted_wins"]) > 0.95 * gini(
        happened["wins_count"], pd.Series(rate, index=values.index)
    )


def test_probabilities_are_such_and_wins_are_no_fewer(world, prospects):
    found = prospects.predict(world[0])
    assert found["won_probability"].between(0, 1).all()
    assert (found["predicted_wins"] >= found["won_probability"]).all()
    assert (found["predicted_pipeline"] >= 0).all()


def test_they_survive_json_exactly(world, prospects):
    again = Prospects.from_plain(json.loads(json.dumps(prospects.to_plain(), allow_nan=False)))
    assert again == prospects
    assert again.predict(world[0]).equals(prospects.predict(world[0]))


def test_the_order_of_rows_does_not_matter(world, prospects):
    values, happened, _ = world
    order = np.random.default_rng(0).permutation(len(values))
    assert fitted(values.iloc[order], happened.iloc[order]) == prospects


def test_without_created_dates_there_is_no_pipeline(world):
    values, happened, _ = world
    found = fitted(values, happened, has_pipeline=False)
    assert found.pipeline is None
    assert found.predict(values)["predicted_pipeline"].isna().all()
    assert Prospects.from_plain(found.to_plain()) == found


@pytest.mark.parametrize("happen", [0, 1])
def test_too_little_to_learn_from_gives_nothing(happen):
    values, happened, _ = company(accounts=30 if happen else 100)
    assert fitted(values, happened * happen) is None


def test_constant_criteria_leave_the_mean(world):
    _, happened, _ = world
    values = pd.DataFrame({"one": 1.0}, index=happened.index)
    found = fitted(values, happened).predict(values)
    assert found["won_probability"].mean() == pytest.approx(
        (happened["wins_count"] > 0).mean(), rel=1e-4
    )
