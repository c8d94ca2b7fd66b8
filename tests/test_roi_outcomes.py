"""Outcomes by tier are raw, told with ranges and counts, and never more than the data say."""

import json
import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tierkit.crm.tables import tables_from_frames
from tierkit.figure import Figure
from tierkit.roi._outcomes_by_tier import outcomes_by_tier
from tierkit.roi.boundaries import compare_boundaries
from tierkit.serving.cost import break_even
from tierkit.settings import parse_settings
from tierkit.statistics.resampling import resampled_sums

AS_OF = date(2026, 7, 1)
HISTORY = pd.DataFrame(
    [("A", "Tier 1", "2026-01-01", None), ("B", "Tier 1", "2025-12-15", None),
     ("C", "Tier 2", "2026-01-01", None), ("D", "Tier 2", "2026-01-01", None),
     ("E", "Tier 2", "2026-01-01", None)],
    columns=["account_id", "tier", "start_date", "end_date"],
)  # fmt: skip
DEALS = pd.DataFrame(
    [("O1", "A", "2025-12-22", "2026-01-01", "100.00", "true", "new"),
     ("O2", "A", "2026-06-10", "2026-06-30", "300.00", "true", "expansion"),
     ("O3", "B", "2026-01-05", "2026-03-31", "50.00", "false", "new"),
     ("O4", "A", None, "2026-05-05", "-40.00", "true", "expansion"),  # a refund
     ("O5", "C", "2026-02-01", "2026-03-03", "60.00", "true", "new"),
     ("O6", "C", "2026-06-30", "2026-07-01", "999.00", "true", "new"),  # closed after the window
     ("O7", "D", "2026-02-01", "2026-02-02", "500.00", "true", "renewal")],
    columns=["opportunity_id", "account_id", "created_date", "close_date", "amount", "is_won",
             "revenue_type"],
)  # fmt: skip
COSTS = pd.DataFrame({
    "account_id": ["A", "A", "C"], "date": ["2026-01-31", "2026-07-01", "2026-04-01"],
    "amount": ["40.00", "7000.00", "12.00"],
})  # fmt: skip


FROM_DEALS = ("won_revenue", "wins", "win_rate", "deal_size", "sales_cycle_days",
              "pipeline_created")  # fmt: skip
CONTRACTS = pd.DataFrame(
    [("C1", "A", "2025-07-01", None, "100"), ("C2", "B", "2025-01-01", "2026-04-01", "50"),
     ("C3", "C", "2026-01-01", "2027-01-01", "80"), ("C4", "C", "2026-02-15", None, "40")],
    columns=["contract_id", "account_id", "start_date", "end_date", "annual_value"],
)  # fmt: skip
SIGNALS = pd.DataFrame(
    [("A", "2026-01-05", "Usage", "10"), ("A", "2026-05-01", "usage", "30"),
     ("B", "2026-02-01", "usage", "50"), ("B", "2026-07-01", "usage", "999"),
     ("A", "2026-03-31", "satisfaction", "8"), ("C", "2026-03-31", "intent", "70")],
    columns=["account_id", "date", "signal", "value"],
)  # fmt: skip
ACTIVITIES = pd.DataFrame(
    [("A", "2026-01-02", "meeting", "outbound", "120", "5"),
     ("A", "2026-01-03", "demo", "inbound", "600", None),
     ("B", "2026-06-30", "call", "outbound", "60", None),
     ("C", "2026-07-01", "call", "outbound", "30", "9")],
    columns=["account_id", "date", "type", "direction", "minutes", "cost"],
)  # fmt: skip


def project(**changes):
    tiers = [{"name": "Tier 1", "capacity": 2}, {"name": "Tier 2"}]
    return parse_settings({"tiers": tiers, "run": {"min_group": 1}, **changes})


def crm(**frames):
    return tables_from_frames({"tier_history": HISTORY, "opportunities": DEALS, **frames})


def told(tables=None, *, settings=None, as_of=AS_OF):
    found = outcomes_by_tier(tables or crm(), settings=settings or project(), as_of=as_of)
    return {(row["tier"], row["measure"]): row for row in found.facts()}, found


def small_world(amounts):
    """One account of Tier 1 per amount, each with one win of the first quarter of 2026."""
    ids = [f"A{number:03d}" for number in range(len(amounts))]
    history = pd.DataFrame({"account_id": ids, "tier": "Tier 1", "start_date": "2026-01-01"})
    deals = pd.DataFrame({
        "opportunity_id": ids, "account_id": ids, "created_date": "2026-01-01", "is_won": "true",
        "close_date": "2026-02-01", "amount": list(map(str, amounts)), "revenue_type": "new",
    })  # fmt: skip
    return tables_from_frames({"tier_history": history, "opportunities": deals})


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for one in value for number in numbers_in(one)]
    return [value] if isinstance(value, float) else []


def unexplained(value):
    """Keys whose value is missing without a sentence beside it; a verdict may have no direction."""
    if isinstance(value, list):
        return [key for one in value for key in unexplained(one)]
    if not isinstance(value, dict):
        return []
    here = [key for key, one in value.items() if one is None and not value.get(f"{key}_why")]
    return [*here, *(key for one in value.values() for key in unexplained(one))]


def test_measures_by_hand():
    rows, _ = told()
    means = {key: row["mean"] for key, row in rows.items() if key[1] in FROM_DEALS}
    assert means == pytest.approx({
        ("Tier 1", "won_revenue"): 360 / 4,  # 100 + 300 − 40 over two accounts and two quarters
        ("Tier 1", "wins"): 2 / 4,
        ("Tier 1", "win_rate"): 2 / 3,
        ("Tier 1", "deal_size"): 400 / 2,
        ("Tier 1", "sales_cycle_days"): (10 + 20) / 2,
        ("Tier 1", "pipeline_created"): (300 + 50) / 4,
        ("Tier 2", "won_revenue"): 60 / 6,
        ("Tier 2", "wins"): 1 / 6,
        ("Tier 2", "win_rate"): 1.0,
        ("Tier 2", "deal_size"): 60.0,
        ("Tier 2", "sales_cycle_days"): 30.0,
        ("Tier 2", "pipeline_created"): (60 + 999) / 6,
    })  # fmt: skip


def test_measures_of_other_tables_by_hand():
    rows, _ = told(crm(
        opportunities=DEALS.assign(cost=["60", "100", "0", "0", "45", "0", "0"]),
        contracts=CONTRACTS, signals=SIGNALS, activities=ACTIVITIES, costs=COSTS,
    ))  # fmt: skip
    means = {key: row["mean"] for key, row in rows.items() if key[1] not in FROM_DEALS}
    assert means == pytest.approx({
        ("Tier 1", "expansion"): (300 - 40) / 4,
        ("Tier 1", "gross_retention"): (100 + 0 + 100) / (100 + 50 + 100),
        ("Tier 1", "net_retention"): 200 / 250,
        ("Tier 1", "logo_churn"): 1 / 3,  # B, of A twice and B once
        ("Tier 1", "margin"): (40 + 200 - 40) / 4,
        ("Tier 1", "satisfaction"): 8,
        ("Tier 1", "usage"): (10 + 30 + 50) / 3,
        ("Tier 1", "effort_hours"): 3 / 4,
        ("Tier 1", "effort_cost"): (40 + 5) / 4,
        ("Tier 1", "revenue_per_cost_raw"): 360 / 45,
        ("Tier 2", "expansion"): 0,
        ("Tier 2", "gross_retention"): 1,
        ("Tier 2", "net_retention"): (120 + 120) / (80 + 120),
        ("Tier 2", "logo_churn"): 0,
        ("Tier 2", "margin"): 15 / 6,
        ("Tier 2", "satisfaction"): None,
        ("Tier 2", "usage"): None,
        ("Tier 2", "effort_hours"): 0,
        ("Tier 2", "effort_cost"): 12 / 6,
        ("Tier 2", "revenue_per_cost_raw"): 60 / 12,
    })  # fmt: skip
    assert rows["Tier 2", "usage"]["mean_why"] == "too few to say (n = 0)"
    assert not unexplained(list(rows.values()))


def test_a_measure_whose_table_is_missing_says_what_it_needs():
    rows, _ = told()
    why = {measure: row["mean_why"] for (tier, measure), row in rows.items()
           if tier == "Tier 1" and row["mean"] is None}  # fmt: skip
    assert why == {
        "gross_retention": "needs the table contracts",
        "net_retention": "needs the table contracts",
        "logo_churn": "needs the table contracts",
        "margin": "needs opportunities.cost",
        "satisfaction": "needs the table signals",
        "usage": "needs the table signals",
        "effort_hours": "needs activities.direction and activities.minutes",
        "effort_cost": "needs the table costs, or activities.cost",
        "revenue_per_cost_raw": "needs the table costs, or activities.cost",
    }


def test_margins_of_a_few_deals_are_not_told():
    rows, _ = told(crm(opportunities=DEALS.assign(cost=["60", None, None, None, "45", None, None])))
    why = "a cost is known for 38 % of won revenue, and it takes 80 %"  # 160 of 420
    assert rows["Tier 1", "margin"]["mean_why"] == why


def test_measures_where_nothing_of_the_kind_is_recorded():
    new = DEALS.assign(revenue_type="new")
    rows, _ = told(crm(opportunities=new, signals=SIGNALS.iloc[-1:]))
    assert rows["Tier 1", "expansion"]["mean_why"].startswith("no deal is an expansion")
    assert rows["Tier 1", "usage"]["mean_why"] == "signals has no measurement named usage"


def test_beside_each_mean_stand_median_largest_deal_and_counts():
    rows, found = told()
    row = rows["Tier 1", "won_revenue"]
    assert row["median"] == 50.0  # of 0, 0, 100, 260
    assert row["largest_deal_share"] == 300 / 400
    assert (row["accounts"], row["account_quarters"]) == (2, 4)
    assert rows["Tier 1", "pipeline_created"]["largest_deal_share"] == 300 / 350
    assert (
        rows["Tier 1", "wins"]["largest_deal_share_why"] == "only a sum of money has a largest deal"
    )
    assert found.quarters == ("2026Q1", "2026Q2")


def test_cost_is_the_money_spent_per_account_and_quarter():
    rows, _ = told(crm(costs=COSTS))
    assert rows["Tier 1", "wins"]["cost"] == 40 / 4
    assert rows["Tier 2", "wins"]["cost"] == 12 / 6
    assert told()[0]["Tier 1", "wins"]["cost_why"] == "needs the table costs, or activities.cost"


def test_the_tier_that_counts_is_the_one_in_force_on_the_first_day():
    history = pd.concat([
        HISTORY.assign(end_date=[None, None, "2026-04-01", None, None]),
        pd.DataFrame({"account_id": ["C", "F"], "tier": ["Tier 1", "Tier 1"],
                      "start_date": ["2026-04-01", "2026-01-02"]}),
    ])  # fmt: skip
    _, found = told(crm(tier_history=history))
    rows = found.source.rows.set_index(["account_id", "as_of"])["tier"].sort_index()
    assert rows["C"].tolist() == ["Tier 2", "Tier 1"]
    assert len(rows["F"]) == 1


def test_a_window_that_is_not_over_is_withheld():
    two_quarters = project(roi={"outcome_quarters": 2})
    rows, found = told(settings=two_quarters)
    assert (found.quarters, found.withheld) == (("2026Q1",), ("2026Q2",))
    assert found.why == "2026Q2 is left out: the window of outcomes is not over yet."
    assert rows["Tier 1", "won_revenue"]["mean"] == 360 / 2
    _, in_june = told(as_of=date(2026, 6, 30))
    assert in_june.quarters == ("2026Q1",)


def test_when_no_window_is_over_there_are_no_outcomes():
    _, found = told(settings=project(roi={"outcome_quarters": 8}))
    assert found.facts() == []
    assert found.why.startswith("2026Q1, 2026Q2 are left out")


def test_without_tier_history_it_says_what_to_record():
    tables = tables_from_frames({"opportunities": DEALS})
    found = outcomes_by_tier(tables, settings=project(), as_of=AS_OF)
    assert found.facts() == []
    assert "tierkit accept" in found.why
    (boundary,) = compare_boundaries(found, break_even=pd.DataFrame(), settings=project())
    assert (boundary["verdict"], boundary["designs"]) == ("cannot tell", [])
    assert boundary["because"] == found.why


def test_an_empty_tier_history_is_as_good_as_none():
    _, found = told(crm(tier_history=HISTORY.iloc[:0]))
    assert found.facts() == []
    assert "tierkit accept" in found.why


def test_a_group_below_the_smallest_is_too_few_to_say():
    rows, _ = told(settings=project(run={"min_group": 3}))
    row = rows["Tier 1", "won_revenue"]
    assert row["mean"] is row["low"] is row["median"] is row["cost"] is None
    assert row["mean_why"] == row["low_why"] == "too few to say (n = 2)"
    assert row["accounts"] == 2
    assert rows["Tier 2", "won_revenue"]["mean"] == 10.0
    assert rows["Tier 2", "deal_size"]["mean_why"] == "too few to say (n = 1)"


@pytest.mark.parametrize("accounts", [1, 2, 5])
@pytest.mark.parametrize("amount", [0, 100])
def test_small_and_constant_groups_give_numbers_or_words(accounts, amount):
    rows, _ = told(small_world([amount] * accounts))
    row = rows["Tier 1", "won_revenue"]
    assert row["mean"] == amount / 2  # two quarters
    if amount:
        assert row["low"] == row["high"] == amount / 2
    else:
        assert row["low_why"] == "all are zero, and zeros tell no range"
    json.dumps(list(rows.values()), allow_nan=False)


def test_a_rate_of_all_still_has_a_range():
    deals = DEALS.assign(is_won=["true", "true", "true", "true", "true", "true", "true"])
    lost = DEALS.iloc[[2]].assign(account_id="C", opportunity_id="O9")
    rows, _ = told(crm(opportunities=pd.concat([deals, lost])))
    row = rows["Tier 1", "win_rate"]
    assert (row["mean"], row["high"]) == (1.0, 1.0)
    assert 0.5 < row["low"] < 1.0


def test_where_no_deal_is_ever_lost_there_is_no_win_rate():
    rows, _ = told(small_world([5, 6, 7]))
    assert rows["Tier 1", "win_rate"]["mean_why"] == "no lost deals are recorded"


def test_without_created_dates_cycles_and_pipeline_are_not_told():
    rows, _ = told(crm(opportunities=DEALS.drop(columns="created_date")))
    for measure in ("sales_cycle_days", "pipeline_created"):
        assert rows["Tier 1", measure]["mean_why"] == "needs opportunities.created_date"
    assert rows["Tier 1", "won_revenue"]["mean"] == 90.0


def test_one_whale_shows_in_the_median_and_in_the_largest_deal():
    rows, _ = told(small_world([10, 10, 10, 10, 200]))
    row = rows["Tier 1", "won_revenue"]
    assert row["largest_deal_share"] == 200 / 240
    assert row["median"] == 5.0
    assert row["low"] < row["mean"] < row["high"]
    assert row["low_without_largest"] < 4.0 == 4 * 10 / 5 / 2 < row["high_without_largest"] < 5.1
    size = rows["Tier 1", "deal_size"]
    assert (size["mean"], size["low_without_largest"], size["high_without_largest"]) == (48, 10, 10)


def test_the_only_deal_leaves_nothing_without_it():
    rows, _ = told(small_world([0, 0, 300]))
    assert rows["Tier 1", "won_revenue"]["largest_deal_share"] == 1.0
    why = "the largest deal is the only one"
    assert rows["Tier 1", "won_revenue"]["low_without_largest_why"] == why


def test_a_range_is_as_wide_as_theory_says():
    rng = np.random.default_rng(7)
    amounts = rng.gamma(2.0, 50.0, size=400).round(2)
    rows, _ = told(small_world(amounts))
    row = rows["Tier 1", "won_revenue"]
    half = 1.2816 * amounts.std() / math.sqrt(400) / 2  # per account and quarter, of two
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=0.1)


def test_accounts_are_resampled_with_all_their_rows():
    sums = resampled_sums(np.array([[1.0, 10.0], [0.0, 0.0]]), seed=3)
    assert set(sums[:, 0]) == {0.0, 1.0, 2.0}
    assert (sums[:, 1] == 10 * sums[:, 0]).all()
    assert sums[:, 0].mean() == pytest.approx(1.0, abs=0.1)


def test_the_order_of_rows_changes_nothing():
    shuffled = crm(
        opportunities=DEALS.sample(frac=1.0, random_state=5),
        tier_history=HISTORY.sample(frac=1.0, random_state=6),
    )
    assert told(shuffled)[0] == told()[0]


def pays(because=""):
    share = math.nan if because else 0.08
    return pd.DataFrame(
        {"break_even": [Figure.of(share, because)]},
        index=pd.Index(["Tier 1 / Tier 2"], name="boundary"),
    )


def test_the_raw_difference_by_hand_and_never_more_than_cannot_tell():
    _, found = told()
    (boundary,) = compare_boundaries(found, break_even=pays(), settings=project())
    (raw,) = boundary["designs"]
    assert raw["relative"]["estimate"] == pytest.approx(90 / 10 - 1)
    assert raw["money"]["estimate"] == pytest.approx(80.0)
    assert raw["money"]["low"] < 80.0 < raw["money"]["high"]
    assert raw["account_quarters"] == 10
    assert raw["why"] == "before adjusting for who was picked"
    assert "2 accounts that began it in Tier 1 against 3 in Tier 2" in raw["target"]
    assert (boundary["verdict"], boundary["direction"]) == ("cannot tell", None)
    assert "picked for being better" in boundary["because"]
    assert boundary["break_even"] == boundary["worth_having"] == 0.08


def test_what_is_worth_having_may_be_a_share_of_the_settings():
    _, found = told()
    table = pays("no cost_per_hour is set for AE")
    (boundary,) = compare_boundaries(
        found, break_even=table, settings=project(roi={"worth_having": 0.1})
    )
    assert boundary["worth_having"] == 0.1
    assert boundary["break_even_why"] == "no cost_per_hour is set for AE"


def test_a_lower_tier_that_won_nothing_allows_no_share():
    deals = DEALS[DEALS["account_id"] != "C"]
    _, found = told(crm(opportunities=deals))
    (boundary,) = compare_boundaries(found, break_even=pays(), settings=project())
    (raw,) = boundary["designs"]
    assert raw["relative"]["estimate"] is None
    assert raw["relative"]["estimate_why"].startswith("Tier 2 won nothing")
    assert raw["money"]["estimate"] == 90.0


def test_a_difference_between_too_few_is_not_told():
    settings = project(run={"min_group": 3})
    _, found = told(settings=settings)
    (boundary,) = compare_boundaries(found, break_even=pays(), settings=settings)
    assert boundary["designs"][0]["money"]["low_why"] == "too few to say (n = 2)"


def test_every_missing_number_has_its_reason_and_none_is_nan():
    _, found = told(settings=project(run={"min_group": 3}))
    unknown = break_even({}, {}, horizon_quarters=4, tiers=project().tiers, roles={})
    boundaries = compare_boundaries(found, break_even=unknown, settings=project())
    facts = json.loads(json.dumps([found.facts(), boundaries], allow_nan=False))
    assert all(map(math.isfinite, numbers_in(facts)))
    assert sorted(unexplained(facts)) == ["direction"]
