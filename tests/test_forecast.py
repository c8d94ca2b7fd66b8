"""How much: known accounts alone, season, ranges that hold, and parts that add up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.features.example import tables_of
from tierkit.forecast import KnownTotals, earlier_forecasts, forecast, known_totals
from tierkit.forecast.rules import RULES, by_rule
from tierkit.forecast.tiers import tier_ranges
from tierkit.forecast.total import NOTHING_WON, SEASON_UNKNOWN, WIDEST
from tierkit.settings import Settings

CALENDAR = FiscalCalendar()


def totals_of(amounts, *, known_share=1.0):
    """Every quarter brings so much; accounts known before it bring a part of that."""
    count = len(amounts)
    quarters = CALENDAR.between(date(2020, 1, 1), date(2040, 1, 1))[:count]
    whole = np.array(amounts, dtype=float)
    later = np.arange(count)[None, :] < np.arange(count + 1)[:, None]
    return KnownTotals(
        tuple(quarters), whole, np.where(later, np.nan, whole[None, :] * known_share)
    )


def test_what_accounts_that_were_not_known_yet_bring_is_no_part_of_the_forecast():
    tables = tables_of(
        accounts="account_id created_date; A 2023-01-01; B 2024-05-01",
        opportunities="account_id close_date amount is_won; A 2024-01-09 100 true;"
        "A 2024-05-09 30 true; B 2024-06-09 50 true",
    )
    found = known_totals(tables, settings=Settings(), as_of=date(2024, 7, 1))
    assert found.totals.tolist() == [100.0, 80.0]
    assert found.came(1, 1) == 30.0
    assert np.isnan(found.came(2, 1))


def test_deals_on_the_first_unknown_day_and_refunds():
    tables = tables_of(
        opportunities="account_id close_date amount is_won; A 2024-01-09 100 true;"
        "A 2024-02-09 -40 true; A 2024-04-01 900 true",
    )
    found = known_totals(tables, settings=Settings(), as_of=date(2024, 4, 1))
    assert found.totals.tolist() == [60.0]


def test_a_season_that_repeats_is_found():
    found = forecast(totals_of([60, 80, 90, 170] * 4), quarters=4)
    assert [round(span.predicted) for span in found.quarters] == pytest.approx(
        [60, 80, 90, 170], rel=0.12
    )
    assert found.last_year == (60.0, 80.0, 90.0, 170.0)


def test_quarters_add_up_to_the_horizon_and_the_point_lies_inside():
    rng = np.random.default_rng(1)
    found = forecast(totals_of(rng.uniform(80, 120, 14)), quarters=4)
    assert sum(span.predicted for span in found.quarters) == pytest.approx(found.horizon.predicted)
    for span in (*found.quarters, found.horizon):
        assert span.low < span.predicted < span.high <= WIDEST * span.low


def test_known_accounts_that_bring_half_of_all_are_forecast_half():
    found = forecast(totals_of([100.0] * 16, known_share=0.5), quarters=2)
    assert found.horizon.predicted == pytest.approx(100.0, rel=0.1)
    assert found.newcomers == 100.0


def test_a_rule_sees_nothing_of_what_followed():
    calm, wild = totals_of([100.0] * 12), totals_of([100.0] * 8 + [900.0] * 4)
    assert by_rule(calm, 8, 4).tolist() == by_rule(wild, 8, 4).tolist()
    days = [calm.quarters[7].as_of]
    assert earlier_forecasts(calm, days, quarters=4) == earlier_forecasts(wild, days, quarters=4)


def test_with_less_than_a_year_the_range_is_as_wide_as_totals_moved():
    calm, moved = (
        forecast(totals_of([100, 101]), quarters=1),
        forecast(totals_of([100, 180]), quarters=1),
    )
    assert not calm.knows_season
    assert calm.horizon.high >= 1.4 * calm.horizon.predicted
    assert moved.horizon.high >= 1.79 * moved.horizon.predicted or moved.horizon.why
    assert forecast(totals_of([10, 180]), quarters=1).horizon.why == SEASON_UNKNOWN


@pytest.mark.parametrize("amounts", [[], [0.0] * 6, [100.0] + [0.0] * 5])
def test_where_nothing_can_be_said_there_is_a_reason_and_no_nan_in_the_facts(amounts):
    facts = forecast(totals_of(amounts), quarters=2).facts()
    horizon = facts["horizon"]
    assert horizon["low"] is None
    assert horizon["low_why"]
    assert not pd.isna(horizon["predicted"]) or horizon["predicted"] is None
    if len(amounts):
        assert horizon["low_why"] == NOTHING_WON


def test_one_quarter_of_history_gives_a_number_and_says_that_the_season_is_unknown():
    found = forecast(totals_of([250.0]), quarters=4)
    assert found.horizon.predicted == pytest.approx(1_000.0)
    assert found.horizon.why == SEASON_UNKNOWN or found.horizon.high >= 1_400.0


def test_ranges_hold_8_of_10_totals_of_companies_that_do_not_change():
    inside, seen = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        season = np.tile(np.exp(rng.normal(0, 0.3, 4)), 5)
        amounts = 100 * season * np.exp(rng.normal(0, 0.15, 20))
        for count in range(9, 20):
            span = forecast(totals_of(amounts[:count]), quarters=1).next_quarter
            inside += span.low <= amounts[count] <= span.high
            seen += 1
    assert 0.72 <= inside / seen <= 0.9


def test_weights_are_of_rules_that_have_something_to_go_by():
    found = forecast(totals_of([60, 80, 90, 170] * 3), quarters=1)
    assert set(found.weights) <= set(RULES)
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert max(found.weights, key=found.weights.__getitem__).startswith(
        ("the same quarter", "the mean of four quarters × last")
    )


# ---- tiers ---------------------------------------------------------------------------------------


def outcomes_at(shares):
    """Ten equal accounts at each date, of which the five best were said to bring half."""
    rows = []
    for place, share in enumerate(shares):
        day = pd.Timestamp("2024-01-01") + pd.DateOffset(months=3 * place)
        for n in range(10):
            came = 20.0 * share if n < 5 else 20.0 * (1 - share)
            rows.append((f"A{n}", day, -n, 10.0, came))
    return pd.DataFrame(rows, columns=["account_id", "as_of", "rank_by", "predicted", "actual"])


def ranges_of(shares, *, amounts=(100.0, 100.0), largest=None):
    whole = forecast(totals_of([100, 104] * 8), quarters=2).horizon
    totals = pd.Series(list(amounts), index=["Tier 1", "Tier 2"])
    return tier_ranges(
        outcomes_at(shares), totals, capacities=[5, None], whole=whole, seed=1,
        largest=None if largest is None else pd.Series(largest, index=totals.index),
    )  # fmt: skip


def test_a_tier_is_less_sure_than_the_whole_and_less_still_where_its_share_moved():
    steady, moved = ranges_of([0.5, 0.5, 0.5]), ranges_of([0.6, 0.4, 0.6])
    for found in (steady, moved):
        assert (found["low"] < found["predicted_revenue"]).all()
        assert (found["high"] > found["predicted_revenue"]).all()
    assert moved.loc["Tier 1", "high"] > steady.loc["Tier 1", "high"]


def test_a_tier_whose_share_leapt_has_no_range_and_names_the_account_that_holds_it():
    found = ranges_of([0.1, 0.9, 0.1], largest=[0.46, 0.2])
    assert found["low"].isna().all()
    assert "one account holds 46 %" in found.loc["Tier 1", "why"]


def test_a_tier_of_which_nothing_is_predicted_has_no_range():
    assert ranges_of([0.5, 0.5], amounts=(100.0, 0.0)).loc["Tier 2", "why"]
