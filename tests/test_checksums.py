"""A money criterion whose sum is not that of its rows stops the run with its name."""

from dataclasses import replace
from datetime import date

import narwhals as nw
import pytest

from tests.test_features import company
from tierkit.errors import DataError
from tierkit.features import build_panel
from tierkit.features.checksums import CHECKED, Sums, check_sums
from tierkit.features.panel import _compute, context_of
from tierkit.features.registry import all_features
from tierkit.features.revenue import WON
from tierkit.settings import Settings

DATES = [date(2025, 1, 1), date(2024, 7, 1)]


@pytest.fixture(scope="module")
def computed():
    context, _ = context_of(company(), DATES, settings=Settings(), look_back=None)
    return context, _compute(context, all_features(context.tables, Settings()))


@pytest.mark.parametrize("name", CHECKED)
def test_two_cents_too_much_at_one_account_are_found(computed, name):
    context, values = computed
    check_sums(context, Sums.of(values))
    wrong = values.copy()
    wrong.iloc[-1, wrong.columns.get_loc(name)] += 0.02
    with pytest.raises(DataError, match=f"^{name} before 2025-01-01: accounts add up to"):
        check_sums(context, Sums.of(wrong))


def test_every_money_criterion_is_checked():
    """What is not a sum, a mean and a largest amount, rests on sums that are checked."""
    money = {
        feature.name
        for feature in all_features(company(), Settings())
        if any(word in feature.name for word in ("revenue", "amount", "value", "spend"))
        and "annual_revenue" not in feature.name
    }
    rests_on_checked = {
        "won_revenue_growth",
        "won_revenue_per_quarter",
        "won_amount_mean_ever",
        "open_pipeline_amount",
    }
    assert money - rests_on_checked - {*CHECKED} == {"won_amount_max_ever"}


def test_an_engine_that_drops_a_condition_stops_the_run_with_the_name(monkeypatch):
    dropped = [
        one
        if one.name != "won_revenue_1q"
        else type(one)(one.name, one.block, lambda: nw.col("value").sum(), one.window, grows=True)
        for one in all_features(company(), Settings())
    ]
    monkeypatch.setattr("tierkit.features.panel.all_features", lambda *_: dropped)
    with pytest.raises(DataError, match=r"won_revenue_1q before .* no cent may get lost"):
        build_panel(company(), DATES, settings=Settings())


def test_a_join_that_repeats_rows_stops_the_run(monkeypatch):
    twice = WON.rows

    def repeated(context):
        return nw.concat([twice(context), twice(context)])

    features = [
        one if getattr(one, "block", None) != WON else replace_rows(one, repeated)
        for one in all_features(company(), Settings())
    ]
    monkeypatch.setattr("tierkit.features.panel.all_features", lambda *_: features)
    with pytest.raises(DataError, match="won_revenue_1q before"):
        build_panel(company(), DATES, settings=Settings())


def replace_rows(feature, rows):
    return replace(feature, block=replace(feature.block, rows=rows))
