"""A project's own models in a run: the card's dates and accounts, and the card still explains."""

from __future__ import annotations

import json
from dataclasses import replace

import leadership_facts as companies
import pytest

from tests.small_company import write_small_company
from tierkit._backtest import shuffled_ranking
from tierkit._outcomes import join_outcomes
from tierkit.errors import SettingsError
from tierkit.models import Examples
from tierkit.pages import challengers_table
from tierkit.pages.chances import certainty_lines
from tierkit.runs.run import open_run
from tierkit.runs.side_models import _rows_of

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
    assert "None of them is found to rank accounts better." in challengers_table(found).html
    blind = found[found["model"] == "blind"]
    assert not blind["passes"].any()
    assert blind["because"].unique() == ["its Gini is not above that of what ranks with the "
                                         "whole range"]  # fmt: skip


def test_a_model_that_wins_is_said_to_win_and_the_card_still_explains(fitted):
    found = fitted[0].test_challengers(*fitted[1:])
    won = found.assign(passes=found["model"] == "boosted")
    words = challengers_table(won).html.split("</table>")[1]
    assert "boosted would have ranked accounts better. The card ranks and explains" in words


def test_a_model_that_has_learned_the_outcomes_by_heart_gains_on_shuffled_ones_too(fitted):
    """What is measured on the rows that it learned from gains as much where nothing is there."""
    run, panel, model = fitted
    days = model.trained_on
    won = join_outcomes(_rows_of(panel, days), run.outcomes(days))["won_revenue"]
    rows = Examples.of(panel, won, days=days[-1:])

    def by_heart(train, test):
        return train.won.reindex(test.won.index)

    found = shuffled_ranking([(rows, rows)], by_heart, settings=run.settings)
    assert not found.is_above_all
    assert len(found.gains) == run.settings.model.shuffled_refits


def test_the_page_for_leadership_names_a_model_that_passes():
    row = {"model": "catboost", "measure": "gini", "passes": True,
           "gain": 0.021, "gain_low": 0.004, "gain_high": 0.04}  # fmt: skip
    facts = companies.sample()
    facts["model"]["challengers"] = [row, {**row, "model": "hurdle", "passes": False}]
    words = dict(certainty_lines(facts))["The ranking"]
    assert words.endswith("catboost (+0.021, range +0.004 to +0.04) would have ranked "
                          "accounts better.")  # fmt: skip


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
