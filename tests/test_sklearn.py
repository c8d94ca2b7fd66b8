"""The points card as a regressor of scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from tierkit.sklearn import CardRegressor


@parametrize_with_checks([CardRegressor(bags=1)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_accepts_the_regressor(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({
        "employees": rng.lognormal(4, 1, 600), "industry": rng.choice(["Energy", "Health"], 600),
    })  # fmt: skip
    frame.loc[::7, "employees"] = np.nan
    amount = frame["employees"].fillna(20) * np.where(frame["industry"] == "Energy", 3.0, 1.0)
    return frame, amount.to_numpy()


def test_text_columns_are_categories_and_missing_numbers_have_a_bin_of_their_own(rows):
    frame, amount = rows
    model = CardRegressor(bags=2).fit(frame, amount)
    assert {one.name for one in model.card_.criteria} == {"employees", "industry"}
    assert model.predict(frame).sum() == pytest.approx(amount.sum())
    assert list(model.feature_names_in_) == ["employees", "industry"]
    assert model.score(frame, amount) > 0.5


def test_it_clones_pipes_and_cross_validates(rows):
    frame, amount = rows
    piped = make_pipeline(FunctionTransformer(), clone(CardRegressor(bags=1)))
    scores = cross_validate(piped, frame, amount, cv=3)["test_score"]
    assert (scores > 0.3).all()
    assert clone(CardRegressor(bags=3)).get_params() == {"bags": 3, "max_bins": 8, "seed": 1}


def test_frames_of_polars_are_read_as_those_of_pandas(rows):
    polars = pytest.importorskip("polars")
    frame, amount = rows
    model = CardRegressor(bags=1).fit(frame, amount)
    other = CardRegressor(bags=1).fit(polars.from_pandas(frame), amount)
    np.testing.assert_array_equal(model.predict(frame), other.predict(frame))
