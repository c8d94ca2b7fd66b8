"""Other packages and known data say the same, where they are there: `pip install .[oracles]`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tierkit.roi.discontinuity import linear_jump
from tierkit.roi.doubly_robust import effect_on_the_treated


@pytest.fixture(scope="module")
def senate():
    rdrobust = pytest.importorskip("rdrobust")
    file = Path(rdrobust.__file__).parent / "data" / "rdrobust_RDsenate.csv"
    if not file.is_file():
        pytest.skip("this release of rdrobust brings no data")
    return rdrobust, pd.read_csv(file).dropna(subset=["vote", "margin"])


@pytest.mark.filterwarnings("ignore")
def test_the_linear_mode_agrees_with_rdrobust_on_the_senate_data(senate):
    rdrobust, data = senate
    theirs = rdrobust.rdrobust(y=data["vote"], x=data["margin"])
    h, b = (float(theirs.bws.loc[row].iloc[0]) for row in ("h", "b"))
    jump = linear_jump(
        data["vote"].to_numpy(float), data["margin"].to_numpy(float), bandwidth=h, bias_bandwidth=b
    )
    low, high = theirs.ci.loc["Robust"]
    assert jump.estimate == pytest.approx(7.414, abs=0.05)
    assert jump.interval == pytest.approx((4.094, 10.919), abs=0.05)
    assert jump.estimate == pytest.approx(float(theirs.coef.loc["Conventional"].iloc[0]), abs=1e-3)
    assert jump.interval == pytest.approx((low, high), abs=0.05)


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
def test_on_job_training_data_it_finds_what_the_experiment_found(seed):
    data = job_training()
    treated = data["treat"].to_numpy(dtype=float)
    earned = data["re78"].to_numpy(dtype=float)
    raw = earned[treated == 1].mean() - earned[treated == 0].mean()
    assert raw == pytest.approx(-8498, abs=5)
    folds = np.random.default_rng(seed).permutation(len(data)) % 5
    found = effect_on_the_treated(earned, treated, known(data), folds)
    assert found.low < 1794 < found.high
    assert found.high - found.low < 5000


@pytest.mark.filterwarnings("ignore")
def test_the_doubly_robust_effect_agrees_with_doubleml():
    doubleml = pytest.importorskip("doubleml")
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    n = 2000
    columns = rng.standard_normal((n, 4))
    chance = 1 / (1 + np.exp(-columns @ [0.7, -0.5, 0.3, 0.0]))
    treated = (rng.random(n) < chance) * 1.0
    outcome = columns @ [1.0, 1.0, 0.0, -1.0] + 0.5 * treated + rng.standard_normal(n)
    folds = np.arange(n) % 5
    ours = effect_on_the_treated(outcome, treated, columns, folds)
    frame = doubleml.DoubleMLData.from_arrays(columns, outcome, treated)
    model = doubleml.DoubleMLIRM(
        frame, linear_model.LinearRegression(),
        linear_model.LogisticRegression(C=1.0, max_iter=1000), n_folds=5, score="ATTE",
        draw_sample_splitting=False,
    )  # fmt: skip
    splits = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(5)]
    model.set_sample_splitting([splits])
    model.fit()
    assert ours.estimate == pytest.approx(float(model.coef[0]), abs=0.1 * float(model.se[0]))
    assert ours.se == pytest.approx(float(model.se[0]), rel=0.1)
