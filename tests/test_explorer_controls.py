"""The explorer's controls: what is typed stays, a drag is one step, nothing is written unasked."""

from __future__ import annotations

from itertools import groupby

import pytest

from tierkit.errors import SettingsError
from tierkit.explorer.controls.account import AccountControls, CompareControls
from tierkit.explorer.controls.bins import BinEditor
from tierkit.explorer.controls.criteria import CriteriaControls
from tierkit.explorer.controls.labelled import Acting
from tierkit.explorer.controls.panel import AccountList
from tierkit.explorer.pages.accounts import MOVES

pytestmark = pytest.mark.slow


@pytest.fixture
def acting(explorer):
    return Acting(explorer)


def employees_by_hand(explorer, acting):
    """Return the bins of employees, 100 and 1,000, on a card set by hand, and their editor."""
    explorer.start_rules_card()
    explorer.set_points("employees", [0, 4, 9], edges=[100, 1000])
    editor = BinEditor(explorer, acting)
    editor.show("log_employees")
    return editor


def test_a_drag_is_one_step_and_the_change_is_that_of_the_whole_drag(explorer):
    first = explorer.view.sizes["Tier 1"]
    for capacity in (first + 1, first + 2, first + 3):
        with explorer.stage.one_step("drag"):
            explorer.set_capacity("Tier 1", capacity)
    assert explorer.change.before.sizes["Tier 1"] == first
    assert explorer.change.after.sizes["Tier 1"] == first + 3
    with explorer.stage.one_step("another drag"):
        explorer.set_keep_band(1.5)
    explorer.undo()
    assert explorer.view.sizes["Tier 1"] == first + 3
    explorer.undo()
    assert explorer.view.sizes["Tier 1"] == first
    explorer.redo()
    explorer.redo()
    assert explorer.settings.stability.keep_band == 1.5
    assert not explorer.can_redo


def test_a_new_change_leaves_nothing_to_redo(explorer):
    explorer.set_keep_band(1.5)
    explorer.undo()
    explorer.set_keep_band(1.6)
    assert not explorer.can_redo


def test_an_override_that_is_undone_and_redone_is_in_the_file_again(explorer, project):
    before = (project / "overrides.csv").read_text()
    account = explorer.tiers().index[40]
    explorer.set_override(account, "Tier 1", reason="a plan", review_on="2030-01-01")
    written = (project / "overrides.csv").read_text()
    explorer.undo()
    assert (project / "overrides.csv").read_text() == before
    explorer.redo()
    assert (project / "overrides.csv").read_text() == written


def test_bins_stand_in_the_units_of_what_is_measured(explorer, acting, project):
    editor = employees_by_hand(explorer, acting)
    begins = [one.begins.control.value for one in editor._bins if one.begins]
    assert begins == ["100", "1000"]
    explorer.write_settings()
    text = (project / "tierkit.toml").read_text()
    assert 'criterion = "employees"\nedges = [100.0, 1000.0]' in text


@pytest.mark.parametrize(
    ("place", "typed", "why"),
    [(1, "ten", "is no number"), (2, "50", "above 100"), (1, "-5", "above 0")],
)
def test_an_edge_without_sense_is_refused_in_its_row_and_stays_as_typed(
    explorer, acting, place, typed, why
):
    editor = employees_by_hand(explorer, acting)
    before = explorer.settings
    editor._bins[place].begins.control.value = typed
    editor._apply()
    assert why in editor._bins[place].wrong.value
    assert editor._bins[place].begins.control.value == typed
    assert explorer.settings == before
    explorer.set_keep_band(1.7)  # another change does not take what is being typed away
    editor.show("log_employees")
    assert editor._bins[place].begins.control.value == typed


def test_a_bin_is_added_and_one_is_taken_out(explorer, acting):
    editor = employees_by_hand(explorer, acting)
    editor._add()
    editor._bins[3].begins.control.value = "5000"
    editor._bins[3].gives.control.value = "11"
    editor._bins[1].begins.control.value = editor._bins[1].gives.control.value = ""
    editor._apply()
    rule = next(one for one in explorer.settings.card.criteria if one.criterion == "employees")
    assert rule.edges == (1000.0, 5000.0)
    assert rule.points == (0.0, 9.0, 11.0)


def test_factors_that_were_not_touched_make_no_edit(explorer, acting):
    editor = BinEditor(explorer, acting)
    name = str(explorer.card().importance().idxmax())
    editor.show(name)
    editor._apply()
    assert explorer.settings.card.edits == ()
    editor._bins[0].gives.control.value = "0.25"
    editor._apply()
    assert [edit.factor for edit in explorer.settings.card.edits] == [0.25]


def test_criteria_stand_by_group_and_weight_and_are_found_by_typing(explorer, acting):
    controls = CriteriaControls(explorer, acting, lambda: None)
    weights = explorer.card().importance()
    groups = {
        group: [name for name in named if name in weights.index]
        for group, named in groupby(controls._rows, key=controls._group)
    }
    assert [*groups] == [*controls._headings]  # each group stands together
    assert all(weights[names].is_monotonic_decreasing for names in groups.values())
    heaviest = [weights[names].max() for names in groups.values()]
    assert heaviest == sorted(heaviest, reverse=True)
    controls._search.value = "won revenue"
    shown = {name for name, row in controls._rows.items() if row[0].layout.display != "none"}
    assert shown == {name for name in controls._rows if "won_revenue" in name}
    headings = {name for name, one in controls._headings.items() if one.layout.display != "none"}
    assert headings == {controls._group(name) for name in shown}


def test_a_criterion_that_is_off_is_said_not_to_be_refit_and_a_fit_is_offered(explorer, acting):
    controls = CriteriaControls(explorer, acting, lambda: None)
    assert controls._refit.layout.display == "none"
    name = [*controls._rows][1]
    explorer.turn_off(name)
    controls.sync()
    assert "nothing has been fitted anew" in controls._off.value
    assert controls._refit.layout.display == ""


def test_a_refit_leaves_the_criterion_out_and_undo_brings_the_fitted_card_back(explorer):
    before = explorer.card()
    name = before.criteria[0].name
    explorer.turn_off(name)
    without = explorer.card()
    explorer.refit()
    assert explorer.settings.features.leave_out == (name,)
    assert explorer.off == ()
    names = {one.name for one in explorer.card().criteria}
    assert name not in names
    assert explorer.card() != without
    assert f'leave_out = ["{name}"]' in explorer.settings_text()
    explorer.undo()
    explorer.undo()
    assert explorer.card() == before
    with pytest.raises(SettingsError, match="nothing to fit anew"):
        explorer.refit()


def test_writing_asks_first_and_says_at_the_button_what_it_did(explorer, acting, project):
    controls = CompareControls(explorer, acting, lambda: None)
    explorer.on_change(controls.sync)
    file = (project / "tierkit.toml").read_text()
    controls._ask()
    assert "says what is on screen already" in controls._said.value
    explorer.set_capacity("Tier 1", 9)
    controls._ask()
    assert "Change 1 line of tierkit.toml?" in controls._said.value
    assert (project / "tierkit.toml").read_text() == file
    explorer.set_capacity("Tier 1", 8)  # what was asked about is no longer on screen
    assert controls._sure.layout.display == "none"
    controls._ask()
    controls._write()
    assert "Written: 1 line of tierkit.toml changed" in controls._said.value
    assert "capacity = 8" in (project / "tierkit.toml").read_text()


def test_a_file_that_somebody_else_changed_is_said_at_the_button(explorer, acting, project):
    controls = CompareControls(explorer, acting, lambda: None)
    (project / "tierkit.toml").write_text((project / "tierkit.toml").read_text() + "# mine\n")
    explorer.set_capacity("Tier 1", 9)
    with pytest.raises(SettingsError):
        controls._write()
    assert "Nothing was written" in controls._said.value


def test_a_row_of_a_list_opens_its_account(explorer, acting):
    opened = []
    rows = AccountList(explorer, acting, lambda: opened.append(explorer.account), lambda: "")
    rows.fill()
    assert [*rows._which.options] == [MOVES, "Tier 1", "Tier 2", "Tier 3"]
    rows.choose("Tier 2")
    first = rows._openers[0]
    assert f">{first.description}</th>" in rows._table.value  # the row that it lies over
    first.click()
    assert opened == [explorer.account]
    assert explorer.shown_account.tier == "Tier 2"
    assert first.description == explorer.shown_account.name


def test_a_list_has_a_button_for_every_row_and_no_other(explorer, acting):
    rows = AccountList(explorer, acting, lambda: None, lambda: "")
    rows.fill()
    for name in rows._which.options:
        rows.choose(name)
        shown = [one for one in rows._openers if one.layout.display != "none"]
        assert len(shown) == rows._table.value.count('<th scope="row"')


def test_an_override_needs_an_account_first(explorer, acting):
    controls = AccountControls(explorer, acting)
    with pytest.raises(SettingsError, match="Find an account first"):
        controls._set()
