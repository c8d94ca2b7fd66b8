"""Other packages and known data say the same, where they are there: `pip install .[oracles]`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tierkit.roi.boundary_rows import standardised
from tierkit.roi.checks import linear_jumps
from tierkit.roi.poisson import Weighted, cross_fitted_shares, effect_of_holding


@pytest.fixture(scope="module")
def senate():
    rdrobust = pytest.importorskip("rdrobust")
    file = Path(rdrobust.__file__).parent / "data" / "rdrobust_RDsenate.csv"
    if not file.is_file():
        pytest.skip("this release of rdrobust brings no data")
    return rdrobust, pd.read_csv(file).dropna(subset=["vote", "margin"])


@pytest.mark.filterwarnings("ignore")
def test_a_jump_at_the_line_agrees_with_rdrobust_on_the_senate_data(senate):
    rdrobust, data = senate
    vote, margin = (data[column].to_numpy(float) for column in ("vote", "margin"))
    width = 17.754  # its own choice
    theirs = rdrobust.rdrobust(y=vote, x=margin, h=width, vce="hc3")
    near = np.abs(margin) < width
    place, above = margin[near], (margin[near] >= 0) * 1.0
    columns = np.column_stack([above, np.ones(near.sum()), place, place * above])
    (jump,), (error,) = linear_jumps(
        vote[near, None], columns, weights=1 - np.abs(place) / width, cluster=np.arange(near.sum())
    )
    assert jump == pytest.approx(7.414, abs=0.001)
    assert jump == pytest.approx(float(theirs.coef.loc["Conventional"].iloc[0]), rel=1e-6)
    assert error == pytest.approx(float(theirs.se.loc["Conventional"].iloc[0]), rel=1e-3)


def job_training():
    causaldata = pytest.importorskip("causaldata")
    trained = causaldata.nsw_mixtape.load_pandas().data
    controls = causaldata.cps_mixtape.load_pandas().data
    return pd.concat([trained[trained["treat"] == 1], controls[controls["treat"] == 0]])


COLUMNS = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def known(data):
    values = data[COLUMNS].to_numpy(dtype=float)
    money = values[:, -2:]
    squares = np.column_stack([values[:, :2] ** 2, money**2 / 1e4, money == 0])
    return np.column_stack([values, squares])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [1, 4])  # with the folds of 4 whole Newton steps went astray
def test_on_job_training_data_like_accounts_say_what_the_experiment_said(seed):
    data = job_training()
    treated = data["treat"].to_numpy(dtype=float)
    earned = data["re78"].to_numpy(dtype=float)
    raw = earned[treated == 1].mean() - earned[treated == 0].mean()
    assert raw == pytest.approx(-8498, abs=5)
    folds = np.random.default_rng(seed).permutation(len(data)) % 5
    controls = np.column_stack([np.ones(len(data)), standardised(known(data))])
    chance = cross_fitted_shares(controls, treated, folds)
    weights = np.where(treated > 0, 1 - chance, chance)
    rows = Weighted(earned, treated, controls, weights, np.arange(len(data)))
    money = effect_of_holding(rows, treated).money()
    assert money.low < 1794 < money.high
    assert money.high - money.low < 5000
