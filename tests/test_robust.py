"""Odd companies get a model all the same: no crash, no NaN, and a sentence of what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_backtest import AS_OF, QUARTER_ENDS, SETTINGS, company, values_of

from tierkit._backtest import choose_model
from tierkit.models.examples import Examples
from tierkit.runs.model_facts import check_facts

DATES = QUARTER_ENDS[-3:]


def with_columns(panel, **columns):
    old = values_of(panel)
    values = pd.concat([old, pd.DataFrame(columns, index=old.index)], axis=1)
    return replace(panel, values=values, criteria=(*panel.criteria, *columns))


def two_accounts():
    return company(accounts=2)


def no_wins():
    panel, won = company(accounts=60)
    never = dict.fromkeys(["won_revenue_1q", "won_revenue_4q"], 0.0)
    return replace(panel, values=values_of(panel).assign(**never)), won * 0


def one_industry():
    panel, won = company(accounts=60)
    return with_columns(panel, industry="Retail"), won


def all_amounts_equal():
    panel, won = company(accounts=60)
    past = values_of(panel)["won_revenue_4q"].gt(0) * 100.0
    same = {"won_revenue_1q": past / 4, "won_revenue_4q": past}
    return replace(panel, values=values_of(panel).assign(**same)), won.gt(0) * 50.0


def one_whale():
    panel, won = company(accounts=60)
    whale = won.index.get_level_values("account_id") == "A0007"
    others = won[~whale].groupby("as_of").sum()
    share = others.reindex(won.index.get_level_values("as_of")).to_numpy() * 1.5
    return panel, won.where(~whale, share)


def more_criteria_than_accounts():
    panel, won = company(accounts=60)
    drawn = np.random.default_rng(3).normal(size=(len(values_of(panel)), 200))
    return with_columns(panel, **{f"drawn_{n:03d}": drawn[:, n] for n in range(200)}), won


def constant_and_duplicate():
    panel, won = company(accounts=80)
    visits = values_of(panel)["inbound_count_4q"]
    return with_columns(panel, constant=1.0, unknown=np.nan, twin=visits), won


SENTENCES = {
    two_accounts: "accounts: 2 of at least 50",
    no_wins: "no account won anything",
    one_industry: "industry: every account has the same value",
    all_amounts_equal: "better than chance",
    one_whale: "One account brought 60 % of the revenue that is learned from",
    more_criteria_than_accounts: "accounts: 60, fewer than the 204 criteria",
    constant_and_duplicate: "twin: identical to inbound_count_4q",
}


@pytest.mark.parametrize("world", SENTENCES, ids=lambda world: world.__name__)
def test_odd_companies_get_a_model_and_a_sentence(world):
    panel, won = world()
    choice = choose_model(panel, won, settings=SETTINGS, dates=DATES, as_of=AS_OF)
    now = values_of(panel).xs(pd.Timestamp(AS_OF), level="as_of")
    ranked = choice.ranked(now)
    assert len(ranked) == len(now)
    assert np.isfinite(ranked.to_numpy(dtype=float)).all()
    parts = [choice.backtest.facts(), choice.gate.facts(), check_facts(choice, SETTINGS)]
    json.dumps(parts, allow_nan=False)
    assert np.isfinite(choice.card.base)
    assert all(np.isfinite(one.points_by_bin).all() for one in choice.card.criteria)
    fitted = Examples.of(panel, won, days=DATES).fit(SETTINGS)
    dropped = [f"{name}: {why}" for name, why in fitted.dropped.items()]
    said = " ".join([choice.backtest.because, *choice.notes, *dropped])
    assert SENTENCES[world] in said
