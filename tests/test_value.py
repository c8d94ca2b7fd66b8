"""What tiers are cut on: parts of what an account brings, which add up, weighted by settings."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from tierkit.crm import tables_from_frames
from tierkit.customers import account_value, value_parts
from tierkit.errors import SettingsError
from tierkit.explorer.pages.customers import at_risk_table, values_table
from tierkit.runs.tiering import by_value
from tierkit.settings import parse_settings

DAY = date(2026, 1, 1)
PREDICTED = pd.Series({"A": 100.0, "B": 50.0, "C": 80.0}).rename_axis("account_id")


def tables(**columns):
    deals = {
        "opportunity_id": ["1", "2"],
        "account_id": ["A", "B"],
        "close_date": ["2025-06-01", "2026-02-01"],  # B buys only after the date
        "is_won": ["true", "true"],
        "amount": ["40", "60"],
        **columns,
    }
    return tables_from_frames({"opportunities": pd.DataFrame(deals)})


def outlook(*, adds_up=True):
    expected = pd.DataFrame({"expected": [30.0]}, index=pd.Index(["A"], name="account_id"))
    return SimpleNamespace(adds_up=adds_up, expected_by_account=lambda: expected)


def value_by(setting, *, found=None, source=None, **more):
    settings = parse_settings({"target": {"value": setting}, **more})
    found = outlook() if found is None else found
    given = account_value(PREDICTED, source or tables(), found, settings=settings, as_of=DAY)
    return given.to_dict()


def test_parts_are_new_business_expansion_and_renewals():
    found = value_parts(PREDICTED, tables(), outlook(), settings=parse_settings({}), as_of=DAY)
    assert found.loc["A"].to_dict() == {"new": 0.0, "expansion": 100.0, "renewals": 30.0}
    assert found.loc["B"].to_dict() == {"new": 50.0, "expansion": 0.0, "renewals": 0.0}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("new and expansion", {"A": 100.0, "B": 50.0, "C": 80.0}),
        ("all revenue", {"A": 130.0, "B": 50.0, "C": 80.0}),
        ({"renewals": 1.0}, {"A": 30.0, "B": 0.0, "C": 0.0}),
        ({"new": 2.0, "expansion": 1.0, "renewals": 0.5}, {"A": 115.0, "B": 100.0, "C": 160.0}),
    ],
)
def test_tiers_are_cut_on_the_parts_that_the_settings_weigh(setting, value):
    assert value_by(setting) == value


def test_renewals_that_predicted_revenue_may_hold_already_are_not_added_twice():
    assert value_by("all revenue", found=outlook(adds_up=False))["A"] == 100.0


def test_margin_is_that_of_the_account_drawn_to_the_companys():
    """A's deal of 40 cost 30; the company's margin is 25 % too, so that nothing is drawn."""
    found = value_by("margin", source=tables(cost=["30", "0"]))
    assert found == pytest.approx({"A": 130 * 0.25, "B": 50 * 0.25, "C": 80 * 0.25})


def test_margin_without_costs_is_refused_with_what_it_needs():
    with pytest.raises(SettingsError, match=r"opportunities\.cost or effort\.gross_margin"):
        value_by("margin")
    assert value_by("margin", effort={"gross_margin": 0.5})["A"] == 65.0


def test_a_value_without_any_weight_is_refused():
    with pytest.raises(SettingsError, match="no part has a weight"):
        parse_settings({"target": {"value": {"new": 0.0}}})


def test_the_explorer_cuts_tiers_on_another_value_and_shows_who_would_move(explorer):
    before = explorer.tiers()["tier"]
    explorer.set_value("all revenue")
    after = explorer.tiers()
    run = explorer.basis.run
    expected = run.outlook.expected_by_account()["expected"].reindex(after.index).fillna(0.0)
    together = after["predicted_revenue"] + expected
    pd.testing.assert_series_equal(after["score"], together, check_names=False)
    page = str(values_table(explorer))
    assert "all revenue" in page
    assert "Accounts in another tier than on screen" in page
    listed = str(at_risk_table(explorer))
    assert "Customers at risk" in listed
    explorer.undo()
    assert explorer.tiers()["tier"].equals(before)


def run_with(setting):
    settings = parse_settings({"target": {"value": setting}})
    return SimpleNamespace(settings=settings, tables=tables(), outlook=outlook(), as_of=DAY)


def test_a_run_ranks_by_the_value_and_leaves_predictions_of_the_default_as_they_are():
    predictions = pd.DataFrame({"predicted_revenue": PREDICTED, "score": [0.3, 0.1, 0.2]})
    assert by_value(run_with("new and expansion"), predictions) is predictions
    found = by_value(run_with({"renewals": 1.0, "new": 1.0}), predictions)
    assert found["score"].to_dict() == {"A": 30.0, "B": 50.0, "C": 80.0}
    assert found["predicted_revenue"].equals(found["score"])
    assert predictions["score"].tolist() == [0.3, 0.1, 0.2]
