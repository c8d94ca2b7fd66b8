"""What a run leaves beside its predictions: wins and pipeline, favourite criteria, edits."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
from test_backtest import AS_OF, QUARTER_ENDS, SETTINGS, company, tried

from tierkit.models.favourites import Favourites
from tierkit.models.prospects import COLUMNS
from tierkit.pages import edits_note, favourites_table, segments_table
from tierkit.pages.moves import what_changed
from tierkit.runs.side_models import edit_facts, favourite_facts, prospects_at
from tierkit.settings import CardEdit, CardSettings

EDIT = CardEdit(criterion="inbound_count_4q", highest_factor=1.01)
ROW = {
    "criterion": "inbound (4 quarters)", "from": "2", "to": "12",
    "from_value": 2.0, "to_value": 12.0, "factor": 1.95, "low": 1.63,
    "high": 2.32, "same_direction": 9, "dates": 9, "lowest": 1.5, "highest": float("nan"),
    "accounts": 1847,
}  # fmt: skip
FOUND = Favourites(
    pd.DataFrame([ROW]),
    pd.DataFrame(
        [{"criterion": "industry", "segment": "<Energy>", "accounts": 80, "factor": 1.1,
          "low": 0.9, "high": 1.3, "alone": 1.2}]
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def edited():
    settings = SETTINGS.model_copy(update={"card": CardSettings(edits=(EDIT,))})
    tested = tried(*company(), settings=settings, dates=QUARTER_ENDS[:3])
    return SimpleNamespace(settings=settings), SimpleNamespace(backtest=tested)


def test_what_an_edit_costs_stands_in_the_facts_with_its_interval(edited):
    facts = edit_facts(*edited)
    assert facts["made"] == ["inbound (4 quarters): no factor above 1.01"]
    assert {*facts["cost"]} == {"gini", "capture_tier_1", "capture_tier_2"}
    gini = facts["cost"]["gini"]
    assert gini["low"] <= gini["estimate"] <= gini["high"] < 0
    page = edits_note(*edited).html
    assert "no factor above 1.01" in page
    assert "The edits change, in the tests: gini" in page


def test_a_card_without_edits_says_so():
    run = SimpleNamespace(settings=SETTINGS)
    assert edit_facts(run, None) == {"made": [], "cost": {}}
    assert "without edits" in edits_note(run, None).html


def test_unknown_prospects_are_missing_and_not_zero():
    panel, _ = company(accounts=5)
    found = prospects_at(panel, AS_OF, None)
    assert [*found.columns] == [*COLUMNS]
    assert found.isna().all(axis=None)
    assert prospects_at(panel, date(1999, 1, 1), None).empty


def test_favourites_are_facts_with_reasons_for_what_is_not_known():
    row = favourite_facts(FOUND)["favourite_criteria"][0]
    assert row["factor"] == 1.95
    assert row["highest"] is None
    assert row["highest_why"]
    nothing = Favourites(FOUND.factors[:0], FOUND.segments[:0], "too few accounts")
    assert favourite_facts(nothing)["favourite_criteria_why"] == "too few accounts"
    assert favourite_facts(nothing)["favourite_criteria"] == []


def test_the_pages_show_factors_with_their_intervals():
    assert "9 of 9" in favourites_table(FOUND).html
    assert "&lt;Energy&gt;" in segments_table(FOUND).html
    weights = [{"criterion": "inbound", "share": 0.5, "sentence": "Inbound: ×2."}]
    facts = {"model": {"kind": "fitted card", "weights": weights, **favourite_facts(FOUND)}}
    page = what_changed(facts).html
    assert "nbound (4 quarters) of 12 brings 1.9 times" in page
    assert "as much as one with 2, all else equal" in page
    assert "1.6–2.3" in page
