"""The simulated CRM keeps its promises: known truth, plausible tables, the same bytes each time."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tierkit.errors import SettingsError
from tierkit.settings import parse_settings
from tierkit.simulate import SimulatedCrm, simulate_crm, write_crm
from tierkit.simulate.company import draw_company
from tierkit.simulate.dynamics import History, live, quarters_held
from tierkit.simulate.scenario import Scenario, on_weekdays
from tierkit.simulate.tiering import assign

START, END = pd.Timestamp("2021-10-01"), pd.Timestamp("2026-10-01")


@pytest.fixture(scope="module")
def crm() -> SimulatedCrm:
    return simulate_crm()


@pytest.fixture(scope="module")
def small() -> SimulatedCrm:
    return simulate_crm(accounts=120, quarters=10)


@pytest.fixture(scope="module")
def deals(crm) -> pd.DataFrame:
    return crm.tables["opportunities"]


@pytest.fixture(scope="module")
def held(crm) -> pd.DataFrame:
    return crm.tables["tier_history"]


def scenario_of(**changes: object) -> Scenario:
    arguments = {
        "accounts": 2000,
        "quarters": 20,
        "seed": 1,
        "tier_effect": 0.6,
        "effort_bias": 3.0,
        "dirty": False,
        "first_quarter_start": date(2021, 10, 1),
    }
    return Scenario(**{**arguments, **changes})


@pytest.fixture(scope="module")
def history() -> History:
    return live(draw_company(scenario_of()), scenario_of())


def everything_written(crm: SimulatedCrm, folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in write_crm(crm, folder)}


def test_the_same_arguments_write_the_same_bytes(small, tmp_path):
    again = simulate_crm(accounts=120, quarters=10)
    assert everything_written(small, tmp_path / "a") == everything_written(again, tmp_path / "b")


def test_another_seed_gives_another_crm(small):
    other = simulate_crm(accounts=120, quarters=10, seed=2)
    assert not small.tables["opportunities"].equals(other.tables["opportunities"])
    assert not small.tables["accounts"]["name"].equals(other.tables["accounts"]["name"])


def test_truth_states_the_effect_that_was_asked_for(crm):
    upper, lower = crm.truth["boundaries"]
    assert upper["boundary"] == "Tier 1 / Tier 2"
    assert upper["relative"] == pytest.approx(1.6 / 1.3 - 1)
    assert lower["boundary"] == "Tier 2 / Tier 3"
    assert lower["relative"] == pytest.approx(0.3)
    assert upper["money"] > lower["money"] > 0
    assert (upper["account_quarters"], lower["account_quarters"]) == (16 * 15, 16 * 300)


def test_without_effect_the_truth_is_zero_and_no_deal_is_due_to_a_tier():
    scenario = scenario_of(accounts=200, quarters=8, tier_effect=0.0, effort_bias=9.0)
    assert not live(draw_company(scenario), scenario).deals["extra"].any()
    truth = simulate_crm(accounts=200, quarters=8, tier_effect=0.0).truth
    assert [(b["relative"], b["money"]) for b in truth["boundaries"]] == [(0.0, 0.0), (0.0, 0.0)]


def test_a_tier_can_raise_the_size_of_deals_and_leave_their_number():
    def begun(**effect: object) -> tuple[Scenario, History, pd.DataFrame]:
        scenario = scenario_of(accounts=200, quarters=8, **effect)
        lived = live(draw_company(scenario), scenario)
        return scenario, lived, lived.deals[lived.deals["type"] < 2].reset_index(drop=True)

    _, _, without = begun(tier_effect=0.0)
    scenario, lived, deals = begun(tier_effect=1.0, tier_2_effect=0.0, tier_effect_on="deal size")
    same = ["account", "created", "close", "type", "won"]
    pd.testing.assert_frame_equal(deals[same], without[same])
    tier = lived.tier[deals["account"], scenario.quarter_of(deals["created"].to_numpy())]
    times = deals["amount"] / without["amount"]
    assert set(times[tier != 1]) == {1.0}
    assert len(times[tier == 1]) > 10
    assert times[tier == 1].between(1.9, 2.1).all()


def test_an_effect_that_grows_adds_a_part_with_each_quarter_in_the_tier():
    tier = np.array([[3, 2, 1, 1, 1, 1], [1, 1, 1, 2, 1, 1], [0, 0, 0, 0, 0, 3]])
    assert quarters_held(tier, 5).tolist() == [4, 2, 1]
    assert quarters_held(tier, 3).tolist() == [2, 1, 4]
    scenario = scenario_of(tier_effect=0.6, tier_2_effect=0.3, tier_effect_ramp=3)
    added = scenario.effects_after(np.array([1, 2, 3, 9, 1, 5]), np.array([1, 1, 1, 1, 2, 3]))
    assert added.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.6, 0.1, 0.0])


def test_effort_moves_no_deal():
    equal = simulate_crm(accounts=120, quarters=10, effort_bias=1.0).tables
    biased = simulate_crm(accounts=120, quarters=10, effort_bias=9.0).tables
    for name in ("opportunities", "stage_history", "contracts", "tier_history"):
        pd.testing.assert_frame_equal(equal[name], biased[name])
    assert len(biased["activities"]) > len(equal["activities"])


@pytest.mark.parametrize(("tier", "effect", "tolerance"), [(1, 0.6, 0.2), (2, 0.3, 0.05)])
def test_deals_due_to_a_tier_come_in_the_stated_proportion(history, tier, effect, tolerance):
    """Of the deals that begin while a tier is held, `effect` in one would not exist without it."""
    scenario = scenario_of()
    begun = history.deals[(history.deals["type"] < 2) & (history.deals["created"] < scenario.end)]
    step = scenario.quarter_of(begun["created"].to_numpy())
    inside = begun[history.tier[begun["account"].to_numpy(), step] == tier]
    extra = inside["extra"].sum() / (~inside["extra"]).sum()
    assert extra == pytest.approx(effect, abs=tolerance)


def test_no_deal_is_due_to_a_tier_outside_the_time_it_is_held(history):
    scenario = scenario_of()
    extra = history.deals[history.deals["extra"]]
    step = scenario.quarter_of(extra["created"].to_numpy())
    assert set(history.tier[extra["account"].to_numpy(), step]) == {1, 2}


def test_tiers_hold_to_capacity_and_start_in_the_fifth_quarter(held):
    sizes = pd.crosstab(held["start_date"], held["tier"])
    assert sizes.index.min() == START + pd.DateOffset(years=1)
    assert len(sizes) == 16
    assert (sizes["Tier 1"] == 15).all()
    assert (sizes["Tier 2"] == 300).all()


def test_an_account_never_holds_two_tiers_at_once(held):
    ordered = held.sort_values(["account_id", "start_date"])
    before_next = ordered["end_date"] <= ordered["start_date"].shift(-1)
    last = ordered["account_id"] != ordered["account_id"].shift(-1)
    assert (before_next | last).all()
    assert ordered.loc[last, "end_date"].isna().all()


def test_the_line_an_account_faced_decides_its_tier_unless_overridden(held):
    by_rule = held[~held["overridden"]]
    passed = by_rule["score"] >= by_rule["cut_score"]
    assert passed[by_rule["tier"] == "Tier 1"].all()
    assert not passed[by_rule["tier"] == "Tier 3"].any()
    assert (by_rule["tier"] == by_rule["model_tier"]).mean() > 0.98


def test_an_incumbent_stays_inside_the_keep_band_and_faces_a_lower_line():
    score = np.array([90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0])
    rank = np.arange(1, 8)
    previous = np.array([0, 1, 0, 0, 1, 0, 0])  # ranks 2 and 5 hold tier 1
    nobody = np.zeros(7, dtype=np.int64)
    tier, cut = assign(score, rank, previous, nobody, (4, 1))
    # the band of four places reaches rank 5: both incumbents stay, ranks 1 and 3 enter
    assert tier.tolist() == [1, 1, 1, 2, 1, 3, 3]
    assert cut[2] == 65.0  # entry line: between ranks 3 and 4
    assert cut[4] == 50.0  # exit line: the lowest incumbent that stayed
    assert cut[6] == 50.0  # line of the next tier: between ranks 4 and 6


def test_an_override_takes_its_place_first():
    score = np.array([90.0, 80.0, 70.0, 60.0])
    override = np.array([0, 0, 0, 1])
    tier, _ = assign(score, np.arange(1, 5), np.zeros(4, dtype=np.int64), override, (2, 1))
    assert tier.tolist() == [1, 2, 3, 1]


def test_overrides_are_few_and_some_are_overdue(crm, held):
    overrides = crm.tables["overrides"]
    in_force = held[held["end_date"].isna() & held["overridden"]]
    assert sorted(overrides["account_id"]) == sorted(in_force["account_id"])
    assert len(overrides) == 16  # 5 % of 15 and of 300 places
    assert 0 < (overrides["review_on"] < END).sum() < 16
    assert overrides.notna().all(axis=None)


def test_managers_know_something_that_the_score_does_not(history):
    """Overridden accounts of Tier 2 are worth more than those of their rank that nobody moved."""
    rows = history.tiers.assign(
        money=history.money[history.tiers["account"], history.tiers["step"]]
    )
    moved = rows[rows["overridden"] & (rows["tier"] == 2)]
    near = rows[
        (rows["tier"] == 3) & rows["rank"].between(moved["rank"].min(), moved["rank"].max())
    ]
    assert moved["money"].mean() > 1.5 * near["money"].mean()


def test_win_rates_lie_in_the_bands_of_the_trade(deals):
    closed = deals[deals["is_won"].notna()]
    rates = closed.groupby("type")["is_won"].mean()
    assert 0.15 <= rates["New Business"] <= 0.30
    assert 0.30 <= rates["Expansion"] <= 0.45
    assert 0.80 <= rates["Renewal"] <= 0.92


def test_size_and_concentration_are_those_of_a_software_company(crm, deals):
    won = deals[deals["is_won"].fillna(value=False) & (deals["type"] != "Renewal")]
    by_year = won.groupby((won["close_date"] - START).dt.days // 365.25)["amount"].sum()
    assert by_year.between(15e6, 45e6).all()
    assert 12_000 <= won["amount"].median() <= 30_000
    assert 15_000 <= len(deals) <= 25_000
    totals = won.groupby("account_id")["amount"].sum().sort_values(ascending=False)
    assert 0.55 < totals.iloc[:200].sum() / totals.sum() < 0.80
    assert 0.15 < 1 - deals["account_id"].nunique() / len(crm.tables["accounts"]) < 0.40


def test_the_last_fiscal_quarter_is_strong_and_deals_close_at_quarter_ends(deals):
    won = deals[deals["is_won"].fillna(value=False) & (deals["type"] != "Renewal")]
    by_quarter = won.groupby(won["close_date"].dt.quarter)["amount"].sum()
    assert by_quarter[4] > 1.1 * by_quarter[[1, 2, 3]].max()
    assert by_quarter.idxmin() == 1
    quarter_end = won["close_date"].dt.to_period("Q").dt.end_time
    assert ((quarter_end - won["close_date"]).dt.days < 14).mean() > 0.35


def test_past_revenue_foretells_the_next_year_but_far_from_fully(deals):
    won = deals[deals["is_won"].fillna(value=False) & (deals["type"] != "Renewal")]
    cut = END - pd.DateOffset(years=1)
    past = won[won["close_date"].between(cut - pd.DateOffset(years=1), cut, inclusive="left")]
    future = won[won["close_date"] >= cut].groupby("account_id")["amount"].sum()
    ranked = past.groupby("account_id")["amount"].sum().sort_values(ascending=False).index
    captured = future.reindex(ranked[:200]).sum() / future.sum()
    perfect = future.sort_values(ascending=False).iloc[:200].sum() / future.sum()
    assert 0.35 < captured / perfect < 0.80


def test_deals_lie_inside_the_data(crm, deals):
    created = crm.tables["accounts"].set_index("account_id")["created_date"]
    assert (deals["created_date"] >= deals["account_id"].map(created)).all()
    assert (deals["close_date"] > deals["created_date"]).all()
    closed, is_open = deals[deals["is_won"].notna()], deals[deals["is_won"].isna()]
    assert closed["close_date"].between(START, END, inclusive="left").all()
    assert (is_open["close_date"] >= END).all()
    assert (deals["amount"] > 0).all()


def test_stage_history_runs_forward_and_ends_where_the_deal_stands(crm, deals):
    rows = crm.tables["stage_history"]
    stages = [
        "Prospecting",
        "Qualification",
        "Proposal",
        "Negotiation",
        "Closed Won",
        "Closed Lost",
    ]
    rank = rows["stage"].map({stage: place for place, stage in enumerate(stages)})
    same = rows["opportunity_id"].eq(rows["opportunity_id"].shift())
    assert (rows["changed_date"].diff().dt.days[same] >= 0).all()
    assert (rank.diff()[same] >= 0).all()
    assert (rows["changed_date"] < END).all()
    first = rows.drop_duplicates("opportunity_id").set_index("opportunity_id")
    last = rows.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    table = deals.set_index("opportunity_id")
    assert first["changed_date"].eq(table["created_date"]).all()
    for column in ("stage", "amount", "close_date"):
        assert last[column].eq(table[column]).all()
    closed = table[table["is_won"].notna()]
    assert last.loc[closed.index, "changed_date"].eq(closed["close_date"]).all()


def test_lines_add_up_to_their_deals(crm, deals):
    lines = crm.tables["opportunity_lines"].groupby("opportunity_id")["amount"].sum().round(2)
    assert lines.eq(deals.set_index("opportunity_id")["amount"]).all()


def test_outbound_effort_follows_the_tier(crm, held):
    touches = crm.tables["activities"].query("direction == 'outbound'")
    quarter = touches["date"].dt.to_period("Q").dt.start_time
    keys = pd.MultiIndex.from_arrays([touches["account_id"], quarter])
    count = keys.value_counts()
    known = held[["account_id", "start_date"]].apply(tuple, axis=1)
    mean = count.reindex(known, fill_value=0).groupby(held["tier"].to_numpy()).mean()
    assert mean["Tier 1"] / mean["Tier 3"] == pytest.approx(3.0, rel=0.15)
    assert mean["Tier 2"] / mean["Tier 3"] == pytest.approx(3**0.5, rel=0.08)


def test_visits_rise_before_deals(crm, deals):
    visits = crm.tables["activities"].query("direction == 'inbound'")
    begun = deals[(deals["type"] != "Renewal") & (deals["created_date"] >= "2022-04-01")]
    pairs = begun[["account_id", "created_date"]].merge(visits, on="account_id")
    lead = (pairs["created_date"] - pairs["date"]).dt.days
    assert lead.between(1, 45).sum() > 1.3 * lead.between(91, 135).sum()


def test_rows_refer_to_what_exists(crm):
    tables = crm.tables
    accounts = set(tables["accounts"]["account_id"])
    for name, table in tables.items():
        if "account_id" in table:
            assert set(table["account_id"]) <= accounts, name
    assert set(tables["accounts"]["parent_id"].dropna()) <= accounts
    known = tables["contacts"].set_index("contact_id")
    met = tables["activities"].dropna(subset="contact_id")
    assert met["account_id"].eq(met["contact_id"].map(known["account_id"])).all()
    assert (met["date"] >= met["contact_id"].map(known["created_date"])).all()


def test_accounts_look_like_accounts(crm):
    accounts = crm.tables["accounts"]
    assert accounts["account_id"].iloc[[0, -1]].tolist() == ["A000001", "A002000"]
    assert accounts["name"].is_unique
    assert accounts["domain"].dropna().is_unique
    assert accounts["parent_id"].notna().mean() == pytest.approx(0.08)
    bought = accounts["status"].isin(["customer", "former"])
    assert (
        accounts["employees"].isna()[~bought].mean()
        > 2 * accounts["employees"].isna()[bought].mean()
    )
    scope = ~accounts["status"].isin(["partner", "competitor"])
    assert set(crm.tables["tier_history"]["account_id"]) <= set(accounts["account_id"][scope])


def test_subscriptions_last_a_year_and_customers_have_one(crm):
    contracts = crm.tables["contracts"]
    assert (contracts["end_date"] > contracts["start_date"]).all()
    running = contracts[contracts["end_date"] >= END]["account_id"]
    status = crm.tables["accounts"].set_index("account_id")["status"]
    assert set(status[status == "customer"].index) == set(running)


def test_the_settings_are_valid_and_state_the_capacities(crm, small):
    settings = parse_settings(tomllib.loads(crm.settings_text))
    assert [tier.capacity for tier in settings.tiers] == [15, 300, None]
    assert settings.run.title == "Meridian Software (simulated)"
    few = parse_settings(tomllib.loads(small.settings_text))
    assert [tier.capacity for tier in few.tiers] == [3, 18, None]  # 0.75 % and 15 % of 120
    assert small.truth["capacities"] == {"Tier 1": 3, "Tier 2": 18}


def test_the_team_can_nearly_serve_what_the_tiers_promise(crm):
    settings = parse_settings(tomllib.loads(crm.settings_text))
    accounts = crm.tables["tier_history"].query("end_date.isna()")["tier"].value_counts()
    for name, role in settings.roles.items():
        hours = sum(
            item.hours * item.per_quarter * accounts[tier.name]
            for tier in settings.tiers
            for item in tier.entitlements
            if item.role == name
        )
        assert 0.7 < hours / (role.people * role.hours_per_person) <= 1.0


def test_files_are_written_as_a_crm_would_export_them(small, tmp_path):
    files = everything_written(small, tmp_path)
    names = [f"data/{name}.csv" for name in sorted(small.tables) if name != "overrides"]
    assert list(files) == [*names, "overrides.csv", "truth.json", "tierkit.toml"]
    assert not any(b"\r" in content for content in files.values())
    rows = pd.read_csv(tmp_path / "data/opportunities.csv", dtype=str, keep_default_na=False)
    assert rows["amount"].str.fullmatch(r"\d+\.\d\d").all()
    assert rows["close_date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert set(rows["is_won"]) == {"true", "false", ""}
    assert len(rows) == len(small.tables["opportunities"])
    assert json.loads(files["truth.json"]) == small.truth


def test_faults_are_planted_as_counted():
    clean = simulate_crm(accounts=300, quarters=10)
    dirty = simulate_crm(accounts=300, quarters=10, dirty=True)
    deals, whole = dirty.tables["opportunities"], clean.tables["opportunities"]
    rows = {f["fault"]: f["rows"] for f in dirty.truth["faults"] if f["table"] == "opportunities"}
    footer = deals["opportunity_id"].str.startswith(("Grand Totals", "Confidential"))
    real = deals[~footer]
    once = real.drop_duplicates()
    won = once["is_won"].fillna(value=False)
    seen = {
        "missing amount on a won deal": (once["amount"].isna() & won).sum(),
        "no account": once["account_id"].isna().sum(),
        "unknown account": (
            ~once["account_id"].dropna().isin(clean.tables["accounts"]["account_id"])
        ).sum(),
        "missing close date": once["close_date"].isna().sum(),
        "exact copy of another row": len(real) - len(once),
        "amount written as text with a sign": once["amount"].str.startswith("$").sum(),
        "type or stage in other case or with spaces": (
            ~once["type"].isin(whole["type"]) | ~once["stage"].isin(whole["stage"])
        ).sum(),
        "footer of a report": footer.sum(),
    }
    assert seen == rows
    assert all(rows.values())
    assert len(once) == len(whole)
    assert clean.truth["faults"] == []


def test_faults_change_nothing_else(tmp_path):
    clean = simulate_crm(accounts=120, quarters=8).tables
    dirty = simulate_crm(accounts=120, quarters=8, dirty=True)
    for name in ("activities", "stage_history", "tier_history", "costs"):
        pd.testing.assert_frame_equal(clean[name], dirty.tables[name])
    write_crm(dirty, tmp_path)
    assert "Grand Totals" in (tmp_path / "data/opportunities.csv").read_text()


def test_arguments_out_of_range_are_all_named_at_once():
    with pytest.raises(SettingsError) as refused:
        simulate_crm(accounts=3, quarters=2, first_quarter_start=date(2021, 10, 2))
    for word in ("accounts", "quarters", "first_quarter_start"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("start", "labels"),
    [
        (date(2021, 10, 1), ["2021Q4", "2022Q1", "2022Q2"]),
        (date(2021, 11, 1), ["FY2022Q4", "FY2023Q1", "FY2023Q2"]),
    ],
)
def test_quarters_follow_one_another_and_are_named_by_the_fiscal_year(start, labels):
    scenario = scenario_of(accounts=20, quarters=6, first_quarter_start=start)
    assert [scenario.label(step) for step in (6, 7, 8)] == labels
    assert all(88 <= later - earlier <= 92 for earlier, later in pairwise(scenario.bounds))


def test_weekends_move_to_a_weekday_before_but_not_past_the_floor():
    friday = np.datetime64("2026-09-25").astype(int)  # a Friday
    days = np.array([friday, friday + 1, friday + 2, friday + 1])
    floor = np.array([0, 0, 0, friday + 1])
    moved = on_weekdays(days, floor=floor, rng=np.random.default_rng(1))
    assert moved[0] == friday
    assert all(friday - 4 <= day <= friday for day in moved[1:3])
    assert moved[3] == friday + 1
