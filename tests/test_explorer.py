"""The explorer answers like the run, writes what it reads, keeps the last good view."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tierkit
from tests.explored import reopened
from tierkit.errors import DataError, SettingsError
from tierkit.explorer.account import AccountFinder
from tierkit.explorer.controls.labelled import Later
from tierkit.explorer.example import example_explorer
from tierkit.explorer.rankings import RankedRows, capture
from tierkit.explorer.writing import overrides_text
from tierkit.runs.modelling import fit_model, make_panel, predict_accounts
from tierkit.runs.opening import open_run
from tierkit.runs.tiering import tier_accounts
from tierkit.statistics.intervals import compare
from tierkit.statistics.measures import capture as exact_capture

pytestmark = pytest.mark.slow


def tiers_of_the_run(project):
    work = open_run(str(project))
    panel = make_panel(work)
    predictions = predict_accounts(work, panel, fit_model(work, panel))
    return tier_accounts(work, predictions).assigned


def assert_same_tiers(explorer, project):
    run = tiers_of_the_run(project)
    shown = explorer.tiers()
    assert shown["tier"].astype(object).to_dict() == run["tier"].astype(object).to_dict()
    assert shown["rank"].dropna().to_dict() == run["rank"].dropna().to_dict()
    money = shown["predicted_revenue"].dropna()
    np.testing.assert_allclose(money, run.loc[money.index, "predicted_revenue"], rtol=1e-9)


def test_what_is_written_gives_the_run_the_tiers_on_screen(explorer, project):
    explorer.set_capacity("Tier 1", 6)
    explorer.set_capacity("Tier 2", 25)
    explorer.set_keep_band(1.4)
    explorer.set_icp(["employees >= 30"])
    first, second = (one.name for one in explorer.card().criteria[:2])
    explorer.turn_off(first)
    explorer.set_weight(second, 1.5)
    explorer.set_override(
        explorer.tiers().index[40], "Tier 1", reason="a plan, signed", review_on="2030-01-01"
    )
    comments = [line for line in (project / "tierkit.toml").read_text().splitlines() if "#" in line]
    explorer.write_settings()
    written = (project / "tierkit.toml").read_text()
    assert {line.partition("#")[2] for line in comments} <= {
        line.partition("#")[2] for line in written.splitlines()
    }
    assert_same_tiers(explorer, project)


def test_a_card_set_by_hand_is_read_again_as_it_was_written(explorer, basis, project):
    explorer.start_rules_card()
    name = explorer.card().criteria[0].name
    explorer.set_points(name, [0, 4, 9], edges=[10, 1000], missing=1)
    explorer.turn_off(explorer.card().criteria[1].name)
    explorer.write_settings()
    assert 'kind = "rules card"' in (project / "tierkit.toml").read_text()
    again = reopened(basis, project)
    assert again.settings_difference() == ""
    assert again.tiers()["tier"].equals(explorer.tiers()["tier"])


def test_undo_goes_back_change_by_change_and_takes_overrides_out_again(explorer, project):
    start, file = explorer.tiers(), (project / "overrides.csv").read_text()
    explorer.set_capacity("Tier 1", 9)
    explorer.set_override(start.index[30], "Tier 2", reason="asked for", review_on="2030-01-01")
    assert (project / "overrides.csv").read_text() != file
    explorer.undo()
    assert (project / "overrides.csv").read_text() == file
    assert explorer.view.sizes["Tier 1"] == 9
    explorer.undo()
    pd.testing.assert_frame_equal(explorer.tiers(), start)
    assert not explorer.can_undo


def test_an_error_is_on_the_panel_and_the_last_good_view_stays(explorer):
    panel = explorer.panel
    before = explorer.tiers()
    shown = panel.texts[2]
    for act, error in (
        (lambda: explorer.set_capacity("Tier 9", 3), SettingsError),
        (lambda: explorer.set_icp(["employes >= 3"]), SettingsError),
        (lambda: explorer.set_capacity("Tier 1", -1), SettingsError),
        (lambda: explorer.show_account("nobody"), SettingsError),
        (lambda: explorer.set_override(before.index[5], "Tier 1", reason="", review_on=""),
         SettingsError),
    ):  # fmt: skip
        with pytest.raises(error) as caught:
            act()
        assert str(caught.value) in explorer.errors
        assert 'role="alert"' in panel.texts[0]
        pd.testing.assert_frame_equal(explorer.tiers(), before)
        assert panel.texts[2] == shown
    explorer.set_capacity("Tier 1", 5)
    assert explorer.errors == []


def test_a_change_computes_the_backtest_only_where_it_is_in_front(explorer):
    explorer.panel.look_at("Criteria")
    explorer.set_capacity("Tier 1", 7)
    assert explorer.change.after.captures
    explorer.panel.look_at("Tiers")
    explorer.set_capacity("Tier 1", 8)
    explorer.static()  # the picture in the notebook looks at everything
    explorer.set_capacity("Tier 1", 9)
    assert not explorer.change.after.captures
    assert "backtest" not in vars(explorer.view)


def test_a_fault_in_a_control_is_not_swallowed(explorer):
    panel = explorer.panel
    panel._acting.guarded(lambda: 1 / 0)
    assert "ZeroDivisionError" in explorer.errors[0]
    assert "ZeroDivisionError" in panel.texts[0]


def test_more_overrides_than_places_are_refused_and_the_file_stays(explorer, project):
    held = int((explorer.overrides["tier"] == "Tier 1").sum())
    explorer.set_capacity("Tier 1", held + 1)
    first, second = explorer.tiers().index[50:52]
    explorer.set_override(first, "Tier 1", reason="one", review_on="2030-01-01")
    file = (project / "overrides.csv").read_text()
    with pytest.raises(DataError, match="places"):
        explorer.set_override(second, "Tier 1", reason="two", review_on="2030-01-01")
    assert (project / "overrides.csv").read_text() == file


def test_scenarios_are_compared_and_found_again(explorer, basis, project):
    explorer.save_scenario("as it is")
    explorer.set_capacity("Tier 1", 8)
    changed = explorer.differing("as it is")
    assert set(changed["after"]) <= {"Tier 1", "Tier 2", "Tier 3"}
    assert len(changed) == explorer.change.accounts > 0
    again = reopened(basis, project)
    assert [*again.scenarios] == ["as it is"]
    explorer.load_scenario("as it is")
    assert explorer.view.sizes == again.view.sizes


def test_a_file_that_somebody_else_changed_is_not_written_over(explorer, project):
    file = project / "tierkit.toml"
    file.write_text(file.read_text() + "# mine\n")
    explorer.set_capacity("Tier 1", 8)
    with pytest.raises(SettingsError, match="has been changed"):
        explorer.write_settings()
    assert file.read_text().endswith("# mine\n")


def test_the_account_says_what_its_prediction_is_made_of(explorer):
    account = explorer.tiers().index[2]
    found = explorer.show_account(account)
    product = found.explained.base * found.explained.factors["factor"].prod()
    assert product == pytest.approx(found.predicted, rel=1e-9)
    assert found.low <= found.predicted <= found.high
    assert found.rank == 3
    assert account in explorer.static().html


def test_the_still_picture_shows_every_tab_and_no_control(explorer):
    html = explorer.static().html
    for words in ("Criteria", "Tiers", "Account", "Compare", "Capture at Tier 1", "Break-even"):
        assert words in html
    assert "<script" not in html
    assert "<input" not in html


def test_every_control_has_a_label(explorer):
    import ipywidgets

    todo, controls = [explorer.panel.widget], []
    while todo:
        one = todo.pop()
        todo += getattr(one, "children", ())
        if not isinstance(one, ipywidgets.Box | ipywidgets.HTML):
            controls.append(one)
    assert len(controls) > 30
    assert [one for one in controls if not one.description] == []


def test_controls_do_not_pile_up_over_updates(explorer):
    from ipywidgets.widgets.widget import _instances

    explorer.panel.look_at("Tiers")
    made = []
    for step in range(20):
        explorer.set_keep_band(1.1 + step % 2 / 10)
        explorer.set_size("Tier 1", "share" if step % 2 else "capacity", 0.02 if step % 2 else 4)
        made.append(len(_instances))
    assert made[-2:] == made[2:4]


@pytest.mark.parametrize(("at_once", "acts"), [(True, [0, 19]), (False, [19])])
def test_of_many_quick_events_the_first_and_the_latest_count(at_once, acts):
    import asyncio

    done = []

    async def drag():
        later = Later(wait=0.02, longest=1.0, at_once=at_once)
        for capacity in range(20):
            later.soon("capacity", lambda capacity=capacity: done.append(capacity))
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)

    asyncio.run(drag())
    assert done == acts


def test_a_card_by_hand_starts_from_past_revenue_too():
    explorer = example_explorer()  # its factor of a millionth would ask for too many points
    before = explorer.tiers()["tier"].to_dict()
    explorer.start_rules_card()
    assert explorer.tiers()["tier"].to_dict() == before
    assert explorer.points_to_double() < 10


def test_a_project_that_cannot_be_read_says_why_and_what_to_do(tmp_path):
    explorer = tierkit.explore(str(tmp_path))
    assert "no tierkit.toml there" in explorer.static().html
    assert "tierkit init" in explorer.errors[0]
    with pytest.raises(SettingsError):
        explorer.set_capacity("Tier 1", 3)


def test_one_account_without_any_optional_table_is_explored(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "accounts.csv").write_text("account_id,name,created_date\nA1,Acme,2024-01-01\n")
    (data / "opportunities.csv").write_text(
        "opportunity_id,account_id,close_date,amount,is_won\n"
        "O1,A1,2025-02-01,100,true\nO2,A1,2025-09-30,50,true\n"
    )
    (tmp_path / "tierkit.toml").write_text("")
    explorer = tierkit.explore(str(tmp_path))
    assert explorer.view.sizes == {"Tier 1": 1, "Tier 2": 0, "Tier 3": 0}
    gaps = explorer.panel.texts[0]
    assert "There is 1 account" in gaps
    assert "No run is published yet" in gaps
    assert "`tierkit run` publishes" in gaps
    assert "no table activities" in gaps
    explorer.show_account("Acme")
    assert "The source has no activities" in explorer.static().html


@pytest.mark.parametrize("others", ["", '[[card.criteria]]\ncriterion = "employees"\n'
                                        "edges = [50]\npoints = [0.0, 3.0]\n"])  # fmt: skip
def test_a_card_that_names_an_absent_criterion_opens_without_it_and_says_so(basis, project, others):
    file = project / "tierkit.toml"
    file.write_text(
        file.read_text().replace("[model]", '[model]\nkind = "rules card"')
        + f'\n{others}[[card.criteria]]\ncriterion = "won_revenu_4q"\npoints = [1.0]\n'
    )
    explorer = reopened(basis, project)
    assert "won_revenu_4q" in explorer.errors[0]
    assert "Did you mean won_revenue_4q?" in explorer.panel.texts[0]
    assert explorer.card_is_set_by_hand == bool(others)
    assert '-criterion = "won_revenu_4q"' in explorer.settings_difference()


def test_capture_is_the_measure_of_the_backtest_with_nearly_its_interval():
    rng = np.random.default_rng(7)
    accounts = [f"A{place}" for place in range(300)] * 3
    days = np.repeat(pd.to_datetime(["2024-01-01", "2024-04-01", "2024-07-01"]), 300)
    size = np.exp(rng.normal(0, 1, 300))
    actual = rng.poisson(0.5, 900) * np.tile(size, 3) * np.exp(rng.normal(0, 1, 900))
    better, worse = np.tile(size, 3), np.round(rng.normal(0, 1, 900))
    tested = pd.DataFrame({"account_id": accounts, "as_of": days, "actual": actual})
    rows = RankedRows.of(tested)
    for ranked_by in (better, worse):
        found = capture(rows, ranked_by, accounts=40)
        by_date = [exact_capture(actual[places], ranked_by[places], accounts=40)
                   for places in rows.dates]  # fmt: skip
        assert found.figure.value == pytest.approx(np.mean(by_date), abs=1e-12)
    difference = capture(rows, better, accounts=40).minus(capture(rows, worse, accounts=40))
    drawn = compare(
        tested.assign(card=better, past_revenue=worse), capacities=[40], seed=1
    ).captures[40]
    assert difference.value == pytest.approx(drawn.value, abs=1e-9)
    width = (difference.high - difference.low) / (drawn.high - drawn.low)
    assert 0.8 < width < 1.25


def test_an_account_is_found_by_part_of_its_name_its_id_or_its_domain():
    accounts = pd.DataFrame(
        {"name": ["Acme Ltd", "Big Acme", None], "domain": ["acme.com", None, "zeta.io"]},
        index=["A1", "A2", "Z9"],
    )
    finder = AccountFinder(accounts)
    assert finder.find("ACME") == ["A1", "A2"]
    assert finder.find("z") == ["Z9"]
    assert finder.find("zeta.io") == ["Z9"]
    assert finder.find("") == finder.find("nobody") == []


def test_type_ahead_shows_at_most_25_of_50_000_accounts_at_once():
    names = [f"Company {place}" for place in range(50_000)]
    finder = AccountFinder(pd.DataFrame({"name": names}, index=[f"A{n}" for n in range(50_000)]))
    assert len(finder.find("company")) == 25


def test_an_override_replaces_the_accounts_row_and_keeps_the_others():
    text = "account_id;tier;reason;set_by;set_on;review_on\nA1;Tier 1;x;y;2025-01-01;2026-01-01\n"
    row = {"account_id": "A2", "tier": "Tier 2", "reason": "a; b", "set_by": "Kim",
           "set_on": "2025-02-01", "review_on": "2026-02-01"}  # fmt: skip
    both = overrides_text(text, row)
    assert both.splitlines()[1] == text.splitlines()[1]
    assert both.splitlines()[2] == 'A2;Tier 2;"a; b";Kim;2025-02-01;2026-02-01'
    assert overrides_text(both, {"account_id": "A2", "tier": ""}) == text
