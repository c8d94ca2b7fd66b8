"""A column that was written after the outcome is found before it is trusted."""

from __future__ import annotations

import pandas as pd
import pytest

from tierkit.crm.tables import tables_from_frames
from tierkit.runs.leakage import LEAK_RULE, leak_problems
from tierkit.settings import parse_settings
from tierkit.simulate import simulate_crm

FEATURES = {"account_columns": ["lifetime_value", "next_year_segment", "lucky_number"]}
SETTINGS = {"target": {"horizon_quarters": 2}, "features": FEATURES}


@pytest.fixture(scope="module")
def tables():
    """Accounts with two columns that know the newest two quarters, and one that knows nothing."""
    crm = simulate_crm(accounts=300, quarters=12, seed=5)
    frames = {name: crm.tables[name] for name in ("accounts", "opportunities")}
    deals = frames["opportunities"]
    later = deals[(deals["is_won"].astype(str).str.lower() == "true")]
    newest = pd.to_datetime(later["close_date"]) >= pd.to_datetime(later["close_date"]).max() - (
        pd.Timedelta(days=181)
    )
    kinds = later["type"] != "Renewal"
    sums = later[newest & kinds].groupby("account_id")["amount"].sum()
    won = frames["accounts"]["account_id"].map(sums).astype(float)
    frames["accounts"] = frames["accounts"].assign(
        lifetime_value=won.fillna(0.0) + 7.0,
        next_year_segment=won.notna().map({True: "key", False: "other"}),
        lucky_number=[number * 37 % 101 for number in range(len(won))],
    )
    frames["opportunities"] = deals.assign(
        revenue_type=deals["type"].map(
            {"New Business": "new", "Expansion": "expansion", "Renewal": "renewal"}
        )
    )
    return tables_from_frames(frames)


def as_of(tables):
    from tierkit.calendar import FiscalCalendar
    from tierkit.crm.period import default_quarter

    return default_quarter(tables, FiscalCalendar()).as_of


def test_columns_that_know_the_outcome_are_named_and_honest_ones_are_not(tables):
    raised = {**SETTINGS, "checks": {"block": [LEAK_RULE]}}
    (found,) = leak_problems(tables, parse_settings(raised), as_of=as_of(tables))
    assert "lifetime_value" in found.examples
    assert "lucky_number" not in found.examples
    assert (found.rule, found.blocks) == (LEAK_RULE, True)


def test_without_such_columns_nothing_is_said(tables):
    honest = {"target": {"horizon_quarters": 2}}
    assert leak_problems(tables, parse_settings(honest), as_of=as_of(tables)) == []
