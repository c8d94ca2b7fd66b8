"""The whole beside its tiers: swaps, seats, targets, hours, scenarios, on tables typed by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from tierkit.calendar import FiscalCalendar
from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.runs.overview import seat_facts, swap_facts, target_facts, territory_rows
from tierkit.runs.scenarios import (
    MOST_REFITTED,
    beyond_the_most,
    differences,
    project_scenarios,
)
from tierkit.serving import logged_hours
from tierkit.settings import Entitlement, Role, Settings, Tier, parse_settings, read_settings

TIERS = ("Tier 1", "Tier 2")
SETTINGS = Settings(tiers=(Tier(name="Tier 1", capacity=2), Tier(name="Tier 2")))


def tiering(*rows, overrides=()):
    """Accounts as typed: id, tier before, tier now, rank, money, kept by, overridden."""
    names = ["account_id", "previous_tier", "tier", "rank", "predicted_revenue", "kept_by",
             "overridden"]  # fmt: skip
    assigned = pd.DataFrame(rows, columns=names).set_index("account_id").assign(group="")
    for name in ("previous_tier", "tier"):
        assigned[name] = pd.Categorical(assigned[name], TIERS, ordered=True)
    expired = pd.DataFrame(overrides, columns=["account_id", "expired"])
    tiered = assigned[assigned["tier"].notna()]
    return SimpleNamespace(assigned=assigned, tiered=tiered, overrides=expired)


def test_a_swap_is_who_comes_and_who_goes_in_accounts_and_money():
    found = tiering(
        ("A", "Tier 1", "Tier 1", 1, 900.0, "", False),
        ("B", "Tier 2", "Tier 1", 2, 500.0, "", False),
        ("C", None, "Tier 1", 3, 300.0, "", False),
        ("D", "Tier 1", "Tier 2", 4, 40.0, "", False),
        ("E", "Tier 1", None, 5, 10.0, "", False),
    )
    (first, second) = swap_facts(found, 5)
    assert first == {
        "tier": "Tier 1",
        "in_accounts": 2, "in_predicted_revenue": 800.0,
        "out_accounts": 2, "out_predicted_revenue": 50.0,
    }  # fmt: skip
    assert (second["in_accounts"], second["in_predicted_revenue"]) == (1, None)
    assert second["in_predicted_revenue_why"] == "it is one account"
    assert swap_facts(found, 1)[1]["in_predicted_revenue"] == 40.0


def test_on_a_first_run_nobody_is_swapped():
    assert swap_facts(tiering(("A", None, "Tier 1", 1, 9.0, "", False)), 5) == []


def test_a_seat_is_held_by_a_rule_where_the_rank_is_beyond_the_places():
    found = tiering(
        ("A", "Tier 1", "Tier 1", 1, 900.0, "", False),
        ("B", "Tier 2", "Tier 2", 2, 500.0, "", False),
        ("C", "Tier 1", "Tier 1", 7, 20.0, "minimum stay", False),
        overrides=[],
    )
    (seats,) = seat_facts(SimpleNamespace(settings=SETTINGS), found)
    assert (seats["places"], seats["held_by_rules"]) == (2, 1)
    assert seats["held"] == [{"rank": 7, "by": "minimum stay"}]
    assert seats["waiting"] == [{"rank": 2, "predicted_revenue": 500.0}]


@pytest.mark.parametrize(("expired", "by"), [(True, "expired override"), (False, "override")])
def test_a_seat_of_an_override_says_whether_it_is_expired(expired, by):
    found = tiering(("C", None, "Tier 1", 9, 20.0, "", True), overrides=[("C", expired)])
    (seats,) = seat_facts(SimpleNamespace(settings=SETTINGS), found)
    assert seats["held"] == [{"rank": 9, "by": by}]


def test_the_company_s_target_counts_before_those_of_territories():
    forecast = {"quarters": [{"predicted": 80.0}]}
    rows = [
        {"quarter": "2026Q4", "territory": "", "target": 100.0, "pipeline": 150.0},
        {"quarter": "2026Q4", "territory": "DACH", "target": 70.0, "pipeline": 60.0},
    ]
    whole = target_facts(forecast, rows)
    assert (whole["target"], whole["predicted_over_target"], whole["pipeline_over_target"]) == (
        100.0, 0.8, 1.5,
    )  # fmt: skip
    assert target_facts(forecast, rows[1:])["target"] == 70.0
    assert target_facts(forecast, [])["target"] is None


VISIT = Entitlement(activity="visit", role="AE", per_quarter=2.0, hours=3.0)
ROLES = {"AE": Role(people=1.0, hours_per_person=40.0)}


def test_logged_hours_are_our_minutes_at_accounts_that_held_the_tier_on_the_first_day():
    tiers = (Tier(name="T1", capacity=2, entitlements=(VISIT,)), Tier(name="T2"))
    tables = tables_of(
        tier_history="account_id tier start_date end_date; A T1 2025-01-01 -; "
        "B T2 2025-01-01 2025-05-01; B T1 2025-05-01 -",
        activities="account_id date type direction minutes; A 2025-04-01 visit outbound 90; "
        "A 2025-07-01 visit outbound 500; A 2025-04-02 visit inbound 60; "
        "B 2025-06-30 visit outbound 30",
    )
    settings = Settings(tiers=tiers, roles=ROLES)
    found, why = logged_hours(tables, FiscalCalendar().parse("2025Q2"), settings=settings)
    assert why == ""
    assert found.to_numpy().tolist() == [["T1", 1, 6.0, 1.5], ["T2", 1, 0, 0.5]]


def test_without_minutes_logged_hours_are_not_known():
    settings = Settings(tiers=(Tier(name="T1", entitlements=(VISIT,)),), roles=ROLES)
    tables = tables_of(
        tier_history="account_id tier start_date; A T1 2025-01-01",
        activities="account_id date type; A 2025-04-01 visit",
    )
    found, why = logged_hours(tables, FiscalCalendar().parse("2025Q2"), settings=settings)
    assert (len(found), why) == (0, "needs activities with minutes")


SCENARIO = {"name": "20 places", "set": ["tiers.0.capacity=20"]}


def test_a_run_fits_so_many_scenarios_with_another_model_and_no_more():
    sets = [f"model.bags={bags}" for bags in range(1, MOST_REFITTED + 3)]
    plain = {"name": "places", "set": ["tiers.0.capacity=20"]}
    asked = [plain, *({"name": one, "set": [one]} for one in sets)]
    settings = parse_settings({"scenarios": asked})
    late = beyond_the_most(settings, project_scenarios(settings))
    assert late == sets[MOST_REFITTED:]


def test_what_is_wrong_with_a_scenario_stands_under_its_name(tmp_path):
    (tmp_path / "tierkit.toml").write_text(
        '[[scenarios]]\nname = "typo"\nset = ["tiers.0.capcity=7"]\n'
        '[[scenarios]]\nname = "as proposed"\nset = []\n'
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path)
    said = [problem.message for problem in caught.value.problems]
    assert said[0].startswith("'as proposed' is what a run proposes")
    assert said[1].startswith("scenario 'typo': tiers.0.capcity: is no setting")


def test_a_scenario_is_the_settings_with_its_own_put_over_them():
    settings = parse_settings({"scenarios": [SCENARIO]})
    (found,) = project_scenarios(settings).values()
    assert found.tiers[0].capacity == 20
    assert differences(settings, found) == ["tiers.0.capacity"]
    assert found.scenarios == ()


@pytest.mark.parametrize(
    ("scenarios", "said"),
    [
        ("name = 'x'\nset = ['tiers.9.capacity=20']", "names nothing inside"),
        ("name = 'x'\nset = ['tiers.0.capacity=-1']", "greater than"),
        ("name = 'x'\nset = ['capacity']", "write KEY=VALUE"),
        ("name = 'x'\nset = []\n[[scenarios]]\nname = 'x'\nset = []", "name of two scenarios"),
    ],
)
def test_a_scenario_that_cannot_be_set_is_said_before_a_run(tmp_path, scenarios, said):
    tiers = "[[tiers]]\nname = 'Tier 1'\ncapacity = 15\n[[tiers]]\nname = 'Tier 2'\n"
    (tmp_path / "tierkit.toml").write_text(f"{tiers}[[scenarios]]\n{scenarios}\n")
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path)
    words = f"{caught.value} {[str(one) for one in caught.value.problems]}"
    assert said in words


@pytest.mark.parametrize(("people", "available"), [(0, 0.0), (2, 120.0)])
def test_an_owner_is_held_against_hours_only_where_the_role_has_people(
    monkeypatch, people, available
):
    visit = Entitlement(activity="visit", role="AE", per_quarter=1.0, hours=63.0)
    role = Role(people=people, hours_per_person=120)
    settings = Settings(tiers=(Tier(name="Top", entitlements=(visit,)),), roles={"AE": role})
    accounts = pd.DataFrame({"account_id": ["A", "B"], "owner": ["Kim", "Kim"]})
    top = pd.Categorical(["Top", "Top"], ["Top"], ordered=True)
    tiers = {"tier": top, "previous_tier": top, "predicted_revenue": [9.0, 5.0]}
    assigned = pd.DataFrame(tiers, index=pd.Index(["A", "B"], name="account_id"))
    nothing = pd.Series(0.0, index=assigned.index)
    monkeypatch.setattr("tierkit.runs.overview.won_last_horizon", lambda _: nothing)
    run = SimpleNamespace(settings=settings, accounts=lambda: accounts)
    rows = territory_rows(run, SimpleNamespace(assigned=assigned), "owner")
    assert rows[["hours", "available"]].to_numpy().tolist() == [[126.0, available]]
