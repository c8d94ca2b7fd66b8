"""A project's own models in a run: the card's dates and accounts, and the card still explains."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.small_company import write_small_company
from tierkit.errors import SettingsError
from tierkit.pages import challengers_table
from tierkit.runs.run import open_run

pytestmark = pytest.mark.slow
CODE = '''
import numpy as np
import tierkit
from sklearn.base import BaseEstimator, RegressorMixin


class Blind(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.zeros(len(X))


@tierkit.challenger
def blind():
    """A model that knows nothing."""
    return Blind()


@tierkit.challenger
def boosted():
    """Boosted trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=20, random_state=1)
'''


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = write_small_company(tmp_path_factory.mktemp("challenged"), accounts=120)
    (folder / "criteria.py").write_text(CODE)
    file = folder / "tierkit.toml"
    file.write_text(file.read_text() + '\n[features]\nmodule = "criteria.py"\n')
    run = open_run(str(folder))
    panel = run.build_panel()
    return run, panel, run.fit(panel)


def test_challengers_are_measured_beside_what_ranks(fitted):
    run, panel, model = fitted
    found = run.test_challengers(panel, model)
    assert set(found["model"]) == {"blind", "boosted", model.kind}
    gini = found[found["measure"] == "gini"].set_index("model")
    assert gini.loc["blind", "estimate"] == pytest.approx(0.0, abs=1e-9)
    assert gini.loc[model.kind, "gain"] == 0
    assert gini.loc["blind", "gain"] < 0
    tested = model.tested_predictions()
    assert gini["accounts"].eq(tested["account_id"].nunique()).all()
    assert gini["dates"].eq(tested["as_of"].nunique()).all()
    facts = run.read_facts("challengers")["challengers"]
    assert json.loads(json.dumps(facts))[0]["model"] == "blind"
    assert "blind" not in challengers_table(found).html.split("</table>")[1]


def test_a_model_that_wins_is_said_to_win_and_the_card_still_explains(fitted):
    found = fitted[0].test_challengers(*fitted[1:])
    won = found.assign(gain_low=found["gain_low"].where(found["model"] != "boosted", 0.01))
    words = challengers_table(won).html.split("</table>")[1]
    assert "boosted would have ranked accounts better. The card ranks and explains" in words


def test_a_model_that_raises_is_named(fitted):
    run, panel, model = fitted
    file = run.settings.folder / "criteria.py"
    try:
        file.write_text(CODE.replace("return np.zeros(len(X))", "raise ValueError('no')"))
        with pytest.raises(SettingsError, match="challenger blind: ValueError: no"):
            replace(run).test_challengers(panel, model)
    finally:
        file.write_text(CODE)


def test_without_models_nothing_is_tested():
    import pandas as pd

    assert "names no model of its own" in challengers_table(pd.DataFrame()).html
