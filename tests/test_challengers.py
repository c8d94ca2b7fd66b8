"""A project's own models in a run: the card's dates and accounts, and the card still explains."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import leadership_facts as companies
import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from tests.small_company import write_small_company
from tierkit._backtest import challenge_ranking, choose_model, shuffled_ranking
from tierkit._outcomes import join_outcomes
from tierkit.errors import SettingsError
from tierkit.features import Panel
from tierkit.models import Examples, account_factors
from tierkit.pages import challengers_table
from tierkit.pages.evidence import certainty_lines
from tierkit.runs.opening import open_run
from tierkit.runs.side_models import _rows_of
from tierkit.settings import parse_settings

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parent.parent / "docs" / "criteria.md"
OF_PAGE = [one for one in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
           if "from catboost" not in one or find_spec("catboost")]  # fmt: skip
BLIND = '''
@tierkit.challenger
def blind():
    """The mean of all accounts: it knows nothing."""
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()
'''
CODE = "\n".join([*OF_PAGE, BLIND])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = write_small_company(tmp_path_factory.mktemp("challenged"), accounts=120)
    (folder / "criteria.py").write_text(CODE)
    file = folder / "tierkit.toml"
    file.write_text(file.read_text() + '\n[features]\nmodule = "criteria.py"\n')
    run = open_run(str(folder))
    panel = run.build_panel()
    return run, panel, run.fit(panel)


@pytest.fixture(scope="module")
def challenged(fitted):
    run, panel, model = fitted
    return run.test_challengers(panel, model)


def test_challengers_are_measured_beside_what_ranks(fitted, challenged):
    run, panel, model = fitted
    found = challenged
    assert set(found["model"]) >= {"blind", "boosted", "hurdle", model.kind}
    assert {"usage_4q", "newest_usage"} <= set(panel.criteria)
    gini = found[found["measure"] == "gini"].set_index("model")
    assert gini.loc["blind", "estimate"] == pytest.approx(0.0, abs=1e-9)
    assert gini.loc[model.kind, "gain"] == 0
    assert gini.loc["blind", "gain"] < 0
    tested = model.tested_predictions()
    assert gini["accounts"].eq(tested["account_id"].nunique()).all()
    assert gini["dates"].eq(tested["as_of"].nunique()).all()
    facts = run.read_facts("challengers")["challengers"]
    assert {"blind", "boosted"} <= {one["model"] for one in json.loads(json.dumps(facts))}
    assert "None of them is found to rank accounts better." in challengers_table(found).html
    blind = found[found["model"] == "blind"]
    assert not blind["passes"].any()
    assert blind["because"].unique() == ["its Gini is not above that of what ranks with the "
                                         "whole range"]  # fmt: skip


def test_a_model_that_wins_is_said_to_win_and_the_card_still_explains(challenged):
    won = challenged.assign(passes=challenged["model"] == "boosted")
    words = challengers_table(won).html.split("</table>")[1]
    assert "boosted would have ranked accounts better. The card ranks and explains" in words


def test_a_model_that_sees_what_no_card_can_passes_the_gate_and_the_card_still_ranks():
    """Accounts buy where exactly one of two criteria is high: no sum of points finds that."""
    days = [date(2024, month, 1) for month in (1, 4, 7, 10)] + [date(2025, 1, 1), date(2025, 4, 1)]
    accounts = [f"A{number:03}" for number in range(300)]
    index = pd.MultiIndex.from_product([accounts, pd.DatetimeIndex(days)],
                                       names=["account_id", "as_of"])  # fmt: skip
    rng = np.random.default_rng(3)
    first, second = rng.random((2, len(index)))
    past, brings = rng.lognormal(3, 1, len(index)), rng.lognormal(4, 0.5, len(index))
    won = pd.Series(np.where((first > 0.5) != (second > 0.5), brings, 0.0), index,
                    name="won_revenue")  # fmt: skip
    values = pd.DataFrame({"won_revenue_1q": past, "won_revenue_4q": past, "first": first,
                           "second": second}, index)  # fmt: skip
    criteria = ("won_revenue_4q", "first", "second")
    panel = Panel(values, criteria, (), frozenset(), {}, look_back=8)
    settings = parse_settings(
        {
            "target": {"horizon_quarters": 1},
            "model": {"bags": 1, "most_bags": 1, "shuffled_refits": 2, "backtest_quarter_ends": 2},
            "tiers": [{"name": "Tier 1", "capacity": 30}, {"name": "Tier 2"}],
        }
    )
    model = choose_model(panel, won, settings=settings, dates=days[:-1], as_of=days[-1])
    trees = DecisionTreeRegressor(max_depth=6, random_state=1)
    found = challenge_ranking(panel, won, model, models={"trees": trees},
                              settings=settings, as_of=days[-1])  # fmt: skip
    assert found.set_index("model").loc["trees", "passes"].all()
    assert (
        "trees would have ranked accounts better. The card ranks" in challengers_table(found).html
    )
    facts = companies.sample()
    facts["model"]["challengers"] = found.to_dict("records")
    assert "trees (+" in dict(certainty_lines(facts))["The ranking"]
    assert model.kind != "trees"
    assert len(account_factors(model.card, values.xs(pd.Timestamp(days[-1]), level="as_of")
                               .head(1)))  # fmt: skip


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
        file.write_text(CODE.replace("return self.buys_.predict", "raise ValueError('no')\n#"))
        with pytest.raises(SettingsError, match="challenger hurdle: ValueError: no"):
            replace(run).test_challengers(panel, model)
    finally:
        file.write_text(CODE)


def test_without_models_nothing_is_tested():
    assert "names no model of its own" in challengers_table(pd.DataFrame()).html
