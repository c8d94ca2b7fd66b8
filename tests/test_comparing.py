"""Two published runs side by side: settings, data, tiers moved, verdicts."""

from __future__ import annotations

import copy
import json

import pytest
from report_samples import facts, write_tiers

from tierkit.cli import main
from tierkit.errors import SettingsError
from tierkit.pages.differences import compare_runs, difference_page, difference_text
from tierkit.publishing.gates import read_page
from tierkit.publishing.published import Published, find_run

BEFORE = "account_id,tier,predicted_revenue,rank,move_reason\nA1,Tier 1,90,1,\nA2,Tier 2,50,2,\n"
AFTER = (
    "account_id,tier,predicted_revenue,rank,move_reason\n"
    "A3,Tier 1,95,1,entered\nA1,Tier 2,70,2,rank fell\n"
)


def write_run(folder, *, tiers=BEFORE, keep_band=1.25, verdict="no signal", used=100.0):
    folder.mkdir(parents=True)
    told = copy.deepcopy(facts())
    told["model"]["verdict"] = verdict
    told["data"] |= {"used_won_revenue": used, "won_revenue": 100.0}
    (folder / "facts.json").write_text(json.dumps(told))
    settings = {"stability": {"keep_band": keep_band}, "run": {"title": "<b>Acme</b>"}}
    (folder / "run.json").write_text(json.dumps({"run_id": folder.name, "settings": settings}))
    write_tiers(folder / "tiers.csv", tiers)
    return folder


@pytest.fixture
def reports(tmp_path):
    write_run(tmp_path / "reports" / "2026Q2")
    write_run(
        tmp_path / "reports" / "2026Q3",
        tiers=AFTER, keep_band=1.5, verdict="better than past revenue", used=99.5,
    )  # fmt: skip
    return tmp_path / "reports"


@pytest.fixture
def found(reports):
    return compare_runs(Published.open(reports / "2026Q2"), Published.open(reports / "2026Q3"))


def test_each_change_is_named_once_with_both_sides(found):
    sides = ["what", "before", "after"]
    assert found.settings[sides].to_numpy().tolist() == [["stability.keep_band", "1.25", "1.5"]]
    assert found.data[sides].to_numpy().tolist() == [["won revenue used", "100.00", "99.50"]]
    assert found.verdicts[sides].to_numpy().tolist() == [
        ["ranking", "no signal", "better than past revenue"]
    ]


def test_accounts_that_came_went_or_changed_have_moved(found):
    moves = {row.account_id: (row[2], row[3]) for row in found.moved.itertuples()}
    assert moves == {
        "A1": ("Tier 1", "Tier 2"),
        "A2": ("Tier 2", "untiered"),
        "A3": ("untiered", "Tier 1"),
    }
    assert found.flows["accounts"].tolist() == [1, 1, 1]
    assert found.accounts == 1


def test_the_text_is_the_golden_one(found):
    assert difference_text(found).splitlines() == [
        "2026Q2 → 2026Q3",
        "Compared are the tiers that each run proposed, not those that were put in force.",
        "Verdicts",
        "  ranking: no signal → better than past revenue",
        "Settings",
        "  stability.keep_band: 1.25 → 1.5",
        "Data",
        "  won revenue used: 100.00 → 99.50",
        "Tiers",
        "  3 accounts have another tier; 1 account had one in both runs.",
        "  Tier 1 → Tier 2: 1 account",
        "  Tier 2 → untiered: 1 account",
        "  untiered → Tier 1: 1 account",
        "Accounts that moved",
        "  A3: untiered → Tier 1, $95 (entered)",
        "  A1: Tier 1 → Tier 2, $70 (rank fell)",
        "  A2: Tier 2 → untiered, $50",
    ]


def test_accounts_have_their_names_beside_their_ids(reports):
    runs = [Published.open(reports / name) for name in ("2026Q2", "2026Q3")]
    found = compare_runs(*runs, names={"A3": "Acme Freight", "A9": "Nobody"})
    assert "  Acme Freight (A3): untiered → Tier 1, $95 (entered)" in difference_text(found)
    assert "  A1: Tier 1 → Tier 2, $70 (rank fell)" in difference_text(found)
    assert "Acme Freight" in difference_page(found)


def test_a_tier_that_was_set_by_hand_in_between_is_no_move_of_the_later_run(reports):
    held = "account_id,tier,previous_tier\nA1,Tier 1,Tier 1\nA2,Tier 1,Tier 1\n"
    later = write_run(reports / "2026Q4", tiers=held)
    found = compare_runs(Published.open(reports / "2026Q2"), Published.open(later))
    assert found.held_already == 1  # A2 was proposed for Tier 2 and accepted for Tier 1
    assert (
        "1 account has another tier; 2 accounts had one in both runs. 1 of them holds its later "
        "tier already: it was put in force before 2026Q4, by hand or by other settings, and is no "
        "move there."
    ) in difference_text(found)


def test_a_run_beside_itself_differs_in_nothing(reports):
    run = Published.open(reports / "2026Q2")
    same = compare_runs(run, run)
    assert same.is_empty
    assert "Nothing differs" in difference_text(same)


def test_the_page_is_one_static_document_with_text_escaped(reports, found):
    hostile = write_run(reports / "archive" / "x", tiers=AFTER.replace("A3", "<script>"))
    html = difference_page(
        compare_runs(Published.open(reports / "2026Q2"), Published.open(hostile))
    )
    page = read_page(html)
    assert page.faults == []
    assert page.headings[0] == 1
    assert page.language == "en"
    assert page.policy.startswith("default-src 'none'")
    assert "&lt;script&gt;" in html
    assert {"settings", "moved", "flows"} <= read_page(difference_page(found)).tables


def test_a_quarter_a_folder_and_an_archived_run_can_be_named(reports):
    write_run(reports / "archive" / "2026Q2-old")
    write_run(reports / "drafts" / "cap25")
    for given in ("2026Q2", str(reports / "2026Q2"), "2026Q2-old", "cap25"):
        assert find_run(given, reports=reports).is_dir()
    with pytest.raises(SettingsError, match=r"2026Q1: no published run .+ Did you mean 2026Q"):
        find_run("2026Q1", reports=reports)


@pytest.mark.parametrize("name", ["facts.json", "run.json", "tiers.csv"])
def test_a_folder_that_is_no_run_is_refused(reports, name):
    (reports / "2026Q2" / name).write_text("[")
    with pytest.raises(SettingsError, match=f"2026Q2/{name}: is not a file of a published report"):
        compare_runs(Published.open(reports / "2026Q2"), Published.open(reports / "2026Q3"))


@pytest.mark.usefixtures("reports")
def test_the_command_prints_the_text_and_writes_the_page(tmp_path, capsys):
    (tmp_path / "tierkit.toml").write_text("")
    page = tmp_path / "changes.html"
    with pytest.raises(SystemExit) as ended:
        main(["diff", "2026Q2", "2026Q3", "-f", str(tmp_path), "--page", str(page)])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("2026Q2 → 2026Q3\nCompared are")
    assert "<h1>What changed from 2026Q2 to 2026Q3</h1>" in page.read_text()
