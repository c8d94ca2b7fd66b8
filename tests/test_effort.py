"""Effort against value, entitlements delivered, sizes of tiers, the worth of one more slot."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.calendar import FiscalCalendar
from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.figure import Figure
from tierkit.serving.cost import break_even, gross_margin, spent_by_tier, tier_effort, tiers_pay
from tierkit.serving.delivered import delivered_entitlements
from tierkit.serving.proportion import (
    EffortReceived,
    concentration,
    effort_index,
    effort_received,
    lorenz_curve,
    tier_index,
    treated_alike,
)
from tierkit.serving.sizes import largest_size, size_frontier, slot_values
from tierkit.settings import Entitlement, Role, Settings, Tier, parse_settings

AS_OF = date(2026, 1, 1)
SPENT = EffortReceived(pd.Series(dtype=float), "money spent", 4)
MEETING = Entitlement(activity="meeting", role="AE", per_quarter=2.0, hours=3.0)
SPONSOR = Entitlement(
    activity="executive sponsor", counts=("executive meeting",), role="AE", per_quarter=1.0,
    hours=1.0,
)  # fmt: skip
PLAN = Entitlement(activity="account plan", role="AE", per_quarter=1.0, hours=8.0)
AE = Role(people=1.0, hours_per_person=100.0, cost_per_hour=50.0)


def accounts(values):
    return pd.Series(values, dtype=float, index=[f"A{n}" for n in range(len(values))])


def test_effort_index_is_one_for_everybody_in_proportion():
    value = accounts([60, 30, 10])
    found = effort_index(value, value * 7)
    assert found["effort_index"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert found["excess_effort"].abs().max() < 1e-9


def test_an_account_without_effort_has_index_zero_and_one_without_value_has_none():
    found = effort_index(accounts([90, 10, 0]), pd.Series({"A1": 50.0, "A2": 50.0}))
    assert found["effort_index"].tolist()[:2] == [0.0, 5.0]
    assert np.isnan(found["effort_index"].iloc[2])
    assert found["excess_effort"].tolist() == [-90.0, 40.0, 50.0]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_excess_effort_adds_up_to_nothing(pairs):
    value, effort = (accounts(list(column)) for column in zip(*pairs, strict=True))
    found = effort_index(value, effort)
    if value.sum() > 0:
        assert found["excess_effort"].sum() == pytest.approx(0, abs=1e-6)


def test_the_index_of_a_tier_compares_its_shares_whatever_the_order():
    found = effort_index(accounts([80, 10, 10]), accounts([40, 30, 30]))
    tier = pd.Series(["Tier 1", "Tier 2", "Tier 2"], index=found.index)
    by_tier = tier_index(found, tier, seed=1)
    assert by_tier["effort_index"].tolist() == pytest.approx([0.5, 3.0])
    assert by_tier["accounts"].tolist() == [1, 2]
    again = tier_index(found.iloc[::-1], tier.iloc[::-1], seed=1)
    assert again["effort_index"].tolist() == pytest.approx(by_tier["effort_index"].tolist())


def test_concentration_of_equal_effort_is_zero_and_of_proportional_effort_that_of_value():
    value = accounts(range(1, 101))
    equal, of_value = concentration(effort_index(value, value * 0 + 5), seed=1)
    assert equal.value == pytest.approx(0, abs=1e-9)
    assert of_value.high < 0.2
    _, relative = concentration(effort_index(value, value * 3), seed=1)
    assert (relative.value, relative.low, relative.high) == pytest.approx((1, 1, 1))


def test_where_nothing_is_predicted_there_is_no_curve():
    assert lorenz_curve(effort_index(accounts([0, 0]), accounts([50, 50]))).empty


def test_the_lorenz_curve_runs_from_corner_to_corner_with_the_most_valuable_first():
    curve = lorenz_curve(effort_index(accounts([10, 90]), accounts([50, 50])))
    assert curve["value_share"].tolist() == [0.0, 0.9, 1.0]
    assert curve["effort_share"].tolist() == [0.0, 0.5, 1.0]


def alike(value, effort, received=SPENT):
    proportion = effort_index(accounts(value), accounts(effort))
    _, relative = concentration(proportion, seed=1)
    return treated_alike(proportion, relative, received, below=0.2, fewest=5)


def test_everyone_treated_alike_although_value_differs_is_flagged():
    found = alike(range(1, 201), [100] * 200)
    assert found.alike is True
    assert "everyone alike although value differs" in found.because


def test_effort_in_proportion_is_not_flagged():
    assert alike(range(1, 201), range(2, 402, 2)).alike is False


def test_equal_value_few_accounts_and_no_effort_cannot_be_judged():
    assert alike([100] * 50, [5] * 50).alike is None
    assert "too few" in alike([1, 50, 100], [5, 5, 5]).because
    nothing = EffortReceived(pd.Series(dtype=float), "", 4, "needs costs")
    assert alike([1, 2, 3, 4, 5, 6], [1] * 6, nothing).because == "needs costs"


def test_effort_is_money_else_minutes_else_touches_and_ends_before_as_of():
    touches = (
        "account_id date type direction minutes; A 2025-12-31 call outbound 20;"
        "A 2026-01-01 call outbound 99; A 2024-12-31 call outbound 50; A 2025-06-01 visit inbound 5"
    )
    costs = "account_id date amount; A 2025-12-31 12.5; A 2026-01-01 900"
    found = effort_received(tables_of(activities=touches, costs=costs), as_of=AS_OF, quarters=4)
    assert (found.measure, found.by_account.to_dict()) == ("money spent", {"A": 12.5})
    found = effort_received(tables_of(activities=touches), as_of=AS_OF, quarters=4)
    assert (found.measure, found.by_account.to_dict()) == ("minutes", {"A": 20.0})
    without = "account_id date type direction; A 2025-12-31 call outbound"
    found = effort_received(tables_of(activities=without), as_of=AS_OF, quarters=4)
    assert (found.measure, found.by_account.to_dict()) == ("activities", {"A": 1.0})
    none = effort_received(
        tables_of(contacts="contact_id account_id; C A"), as_of=AS_OF, quarters=4
    )
    assert "costs" in none.why


HELD = (
    "account_id tier start_date end_date; A Tier1 2025-07-01 -; B Tier1 2025-07-01 2025-10-01;"
    "B Tier2 2025-10-01 -"
)
DONE = (
    "account_id date type direction; A 2025-10-01 Meeting outbound; A 2025-12-31 meeting outbound;"
    "A 2025-09-30 meeting outbound; B 2025-11-01 meeting outbound; A 2025-11-01 meeting inbound;"
    "A 2025-11-02 call outbound"
)


def delivered(**texts):
    tiers = (
        Tier(name="Tier1", capacity=2, entitlements=(MEETING, SPONSOR)), Tier(name="Tier2"),
    )  # fmt: skip
    chosen = Settings(tiers=tiers, roles={"AE": AE})
    quarters = FiscalCalendar().between(date(2025, 7, 1), AS_OF)
    return delivered_entitlements(tables_of(**texts), quarters, settings=chosen)


def test_delivered_counts_outbound_activities_of_who_held_the_tier_when_the_quarter_began():
    rows = delivered(activities=DONE, tier_history=HELD).to_frame()
    meetings = rows[rows["activity"] == "meeting"].set_index("quarter")
    # July: A and B hold Tier 1, one meeting of four; October: A alone, two of two
    assert meetings["accounts"].to_dict() == {"2025Q3": 2, "2025Q4": 1}
    assert meetings["delivered"].to_dict() == {"2025Q3": 1.0, "2025Q4": 2.0}
    assert meetings["delivered_share"].to_dict() == {"2025Q3": 0.25, "2025Q4": 1.0}
    assert meetings["accounts_in_full"].to_dict() == {"2025Q3": 0.0, "2025Q4": 1.0}


def test_what_is_never_written_down_is_unknown_not_undelivered():
    rows = delivered(activities=DONE, tier_history=HELD).to_frame()
    sponsor = rows[rows["activity"] == "executive sponsor"]
    assert sponsor["delivered"].isna().all()
    assert sponsor["why"].str.contains("executive meeting").all()


def test_without_history_or_activities_the_reason_names_the_table():
    assert "tier_history" in delivered(activities=DONE).why
    assert "activities" in delivered(tier_history=HELD).why


def test_a_tier_pays_at_its_cost_over_predicted_revenue_times_margin():
    tiers = (Tier(name="Tier 1", capacity=10, entitlements=(MEETING,)), Tier(name="Tier 2"))
    counts = {"Tier 1": 10, "Tier 2": 90}
    effort = tier_effort(counts, tiers=tiers, roles={"AE": AE})
    # 2 × 3 h × 50 = 300 an account and quarter; 10 accounts, 4 quarters: 12,000
    revenue = {"Tier 1": 125_000.0}
    line = break_even(counts, revenue, horizon_quarters=4, tiers=tiers, roles={"AE": AE},
                      margin=0.8)  # fmt: skip
    assert line.loc["Tier 1 / Tier 2", "break_even"].value == pytest.approx(0.12)
    assert line.loc["Tier 1 / Tier 2", "basis"] == "planned cost of the entitlements"
    found = tiers_pay(line, effort, revenue, horizon_quarters=4)
    assert found.loc["Tier 1", "cost"] == Figure(12_000)
    assert found.loc["Tier 1", "break_even"].value == pytest.approx(0.12)
    assert found.loc["Tier 2", "break_even"] == Figure.unknown("no tier lies below it")


def test_what_accounts_really_cost_goes_before_what_was_planned():
    tiers = (Tier(name="Tier 1", capacity=10, entitlements=(MEETING,)), Tier(name="Tier 2"))
    spent = {"Tier 1": 1_000.0, "Tier 2": 100.0}
    line = break_even({"Tier 1": 10}, {"Tier 1": 125_000.0}, horizon_quarters=4, tiers=tiers,
                      roles={"AE": AE}, margin=0.8, spent=spent)  # fmt: skip
    # 900 a quarter more, of 3,125 a quarter predicted, of which 2,500 are left
    assert line.loc["Tier 1 / Tier 2", "break_even"].value == pytest.approx(0.36)
    assert line.loc["Tier 1 / Tier 2", "basis"] == "actual cost of the last four quarters"
    assert spent_by_tier(tables_of(tier_history=HELD), settings=Settings(), as_of=AS_OF) == {}


def test_the_margin_is_the_settings_else_that_of_won_deals_else_whole():
    deals = "account_id close_date amount cost is_won; A 2025-03-01 100 40 true"
    with_cost, without = tables_of(opportunities=deals), tables_of(costs="account_id date amount")
    given_ = parse_settings({"effort": {"gross_margin": 0.9}})
    assert gross_margin(with_cost, settings=given_, as_of=AS_OF).share == 0.9
    assert gross_margin(with_cost, settings=Settings(), as_of=AS_OF).share == 0.6
    whole = gross_margin(without, settings=Settings(), as_of=AS_OF)
    assert whole.share == 1.0
    assert "not known" in whole.source


TIERS = (
    Tier(name="Tier 1", capacity=2, entitlements=(MEETING, PLAN)),
    Tier(name="Tier 2", entitlements=(MEETING,)),
)
RANKED = pd.Series([100.0, 50.0, 20.0, 10.0, 5.0])


def test_the_frontier_says_what_each_size_holds_and_asks():
    rows = size_frontier(RANKED, tiers=TIERS, roles={"AE": AE}).set_index("size")
    # Tier 1 is 6 + 8 = 14 h an account, Tier 2 is 6 h
    assert rows.loc[2, ["predicted_revenue", "hours", "cost"]].tolist() == [150, 46, 2300]
    assert rows.loc[2, "is_today"]
    assert rows.loc[5, "hours"] == 70
    assert rows["predicted_revenue"].is_monotonic_increasing


def test_the_largest_size_is_the_last_that_the_hours_serve():
    tight = AE.model_copy(update={"hours_per_person": 55.0})  # 30 + 8 × 3 = 54, 30 + 8 × 4 = 62
    assert largest_size(RANKED, 0, tiers=TIERS, roles={"AE": tight}) == 3
    assert largest_size(RANKED, 0, tiers=TIERS, roles={"AE": AE}) == 5
    never = AE.model_copy(update={"hours_per_person": 1.0})
    assert largest_size(RANKED, 0, tiers=TIERS, roles={"AE": never}) is None
    unknown = AE.model_copy(update={"people": 0.0})
    assert largest_size(RANKED, 0, tiers=TIERS, roles={"AE": unknown}) is None


def slots(verdict, **designs):
    listed = [{"design": name, "money": money} for name, money in designs.items()]
    boundary = {"boundary": "Tier 1 / Tier 2", "verdict": verdict, "designs": listed}
    found = slot_values([boundary], tiers=TIERS, roles={"AE": AE}, outcome_quarters=2, margin=0.5)
    return found["Tier 1"]


MONEY = {"estimate": 4000.0, "low": 2000.0, "high": 6000.0}


@pytest.mark.parametrize("verdict", ["cannot tell", "suggestive", "no effect worth having"])
def test_one_more_slot_has_no_value_until_an_effect_is_shown(verdict):
    found = slots(verdict, cutoff=MONEY)
    assert found["value_of_one_more_slot"] is None
    assert found["value_of_one_more_slot_why"] == "no effect of the tier has been shown"


def test_one_more_slot_is_worth_the_effect_at_the_line_less_what_it_costs_more():
    # 4000 × 0.5 over 2 quarters = 1000 a quarter; 8 h × 50 = 400 more than Tier 2
    found = slots("shown", raw={"estimate": 9e9, "low": 0.0, "high": 9e9}, cutoff=MONEY)
    assert found["value_of_one_more_slot"] == 600
    assert found["value_of_one_more_slot_low"] == 100
    assert found["value_of_one_more_slot_high"] == 1100
    assert "cutoff" in found["value_of_one_more_slot_note"]


def test_the_lot_speaks_before_the_line():
    lot = {"estimate": 8000.0, "low": 7000.0, "high": 9000.0}
    assert (
        "randomised" in slots("shown", cutoff=MONEY, randomised=lot)["value_of_one_more_slot_note"]
    )


def test_a_role_of_which_nobody_has_said_what_it_has_is_no_contradiction():
    tiers = [{"name": "Tier 1", "entitlements": [PLAN.model_dump()]}]
    role = {"people": 0, "hours_per_person": 100}
    assert parse_settings({"tiers": tiers, "roles": {"AE": role}}).roles["AE"].people == 0
    with pytest.raises(SettingsError, match=r"entitled to 8 hours of AE a quarter.*has 5"):
        parse_settings({"tiers": tiers, "roles": {"AE": role | {"people": 0.05}}})
