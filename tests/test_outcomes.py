"""What happens in the horizon, found by hand, and that nothing is lost on the way."""

# ruff: noqa: PD011 (the values of a panel are no Series.values)

from datetime import date

import pandas as pd
import pytest

from tierkit._outcomes import join_outcomes, newcomers, outcomes
from tierkit.crm.tables import Tables
from tierkit.features import build_panel
from tierkit.features.example import tables_of
from tierkit.settings import Settings, parse_settings

AS_OF = date(2025, 1, 1)
NEXT = date(2025, 7, 1)
HALF_A_YEAR = parse_settings({"target": {"horizon_quarters": 2}})


@pytest.fixture
def tables() -> Tables:
    return tables_of(
        accounts="account_id created_date; A 2020-01-01; B 2020-01-01; C 2025-03-01",
        opportunities="account_id created_date close_date amount is_won revenue_type;"
        "A 2024-12-31 2024-12-31 1000.00 true new;"
        "A 2024-12-31 2025-01-01 100.10 true new;"
        "A 2025-01-01 2025-06-30 20.20 true expansion;"
        "A 2025-06-30 2025-07-01 4.00 true new;"
        "A 2025-02-01 2025-03-01 -10.00 true expansion;"
        "A 2025-02-01 2025-03-01 70.00 true renewal;"
        "A 2025-02-01 2025-03-01 500.00 true exclude;"
        "A 2025-02-01 2025-03-01 60.00 false new;"
        "C 2025-03-01 2025-04-01 9.00 true new;"
        "C 2025-05-01 2025-09-01 30.00 - new",
    )


def test_outcomes_have_the_answers_found_by_hand(tables):
    found = outcomes(tables, [AS_OF], settings=HALF_A_YEAR)
    day = pd.Timestamp(AS_OF)
    assert found.loc[("A", day)].to_dict() == {
        "won_revenue": pytest.approx(110.30),
        "wins_count": 2.0,
        "pipeline_created_amount": pytest.approx(20.20 + 4 - 10 + 60),
        "renewal_revenue": 70.0,
    }
    assert found.loc[("C", day)].to_dict() == {
        "won_revenue": 9.0,
        "wins_count": 1.0,
        "pipeline_created_amount": 39.0,
        "renewal_revenue": 0.0,
    }
    assert len(found) == 2


def test_outcomes_of_two_dates_are_those_of_each_alone(tables):
    both = outcomes(tables, [NEXT, AS_OF], settings=HALF_A_YEAR)
    alone = pd.concat(outcomes(tables, [day], settings=HALF_A_YEAR) for day in (AS_OF, NEXT))
    pd.testing.assert_frame_equal(both, alone.sort_index())
    assert both.index.is_monotonic_increasing


def test_an_existing_account_without_outcome_has_a_true_zero(tables):
    panel = build_panel(tables, [AS_OF], settings=HALF_A_YEAR, look_back=4)
    joined = join_outcomes(panel.values.index, outcomes(tables, [AS_OF], settings=HALF_A_YEAR))
    assert joined.index.equals(panel.values.index)
    assert joined["won_revenue"].tolist() == pytest.approx([110.30, 0.0])


def test_accounts_that_did_not_exist_are_counted_apart_so_that_nothing_is_lost(tables):
    panel = build_panel(tables, [AS_OF, NEXT], settings=HALF_A_YEAR, look_back=4)
    happened = outcomes(tables, [AS_OF, NEXT], settings=HALF_A_YEAR)
    joined = join_outcomes(panel.values.index, happened)
    missed = newcomers(panel.values.index, happened)
    assert missed.loc[pd.Timestamp(AS_OF), ["won_revenue", "accounts_count"]].tolist() == [9.0, 1]
    pd.testing.assert_series_equal(
        joined.sum() + missed.drop(columns="accounts_count").sum(), happened.sum()
    )


def test_without_deals_there_are_no_outcomes():
    found = outcomes(tables_of(), [AS_OF], settings=Settings())
    assert found.empty
    assert list(found.columns) == [
        "won_revenue",
        "wins_count",
        "pipeline_created_amount",
        "renewal_revenue",
    ]


def test_a_fiscal_horizon_ends_with_a_fiscal_quarter():
    tables = tables_of(
        opportunities="account_id close_date amount is_won;A 2025-07-31 5 true; A 2025-08-01 7 true"
    )
    settings = parse_settings(
        {"calendar": {"fiscal_year_starts": 2}, "target": {"horizon_quarters": 2}}
    )
    found = outcomes(tables, [date(2025, 2, 1)], settings=settings)
    assert found["won_revenue"].tolist() == [5.0]
