"""What was computed is found again under all that it was made of, and never under anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from projects import write_project

import tierkit
from tierkit import cache as cache_module
from tierkit.cache import Cache
from tierkit.publishing import Handover, write_handover
from tierkit.runs import leave_rows
from tierkit.runs._reading import source_key, trusted_tables
from tierkit.runs.opening import keep_stages, open_run
from tierkit.runs.run import PANEL_FILE
from tierkit.settings import read_settings


def never():
    pytest.fail("computed again")


def table() -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(
        [("A", pd.Timestamp("2025-01-01")), ("B", pd.Timestamp("2025-01-01"))],
        names=["account_id", "as_of"],
    )
    tier = pd.Categorical(["Tier 1", None], categories=["Tier 1", "Tier 2"], ordered=True)
    return pd.DataFrame({"won": [0.1 + 0.2, float("nan")], "tier": tier}, index=index)


def test_plain_data_and_frames_come_back_as_they_were(tmp_path):
    cache = Cache(tmp_path)
    assert cache.value("n", [1, "a"], lambda: {"x": [1, None]}) == {"x": [1, None]}
    assert cache.value("n", [1, "a"], never) == {"x": [1, None]}
    cache.frame("f", [table()], table)
    pd.testing.assert_frame_equal(cache.frame("f", [table()], never), table(), check_exact=True)


@pytest.mark.parametrize("other", [[2, "a"], [1, "b"], [1], ["a", 1], [1, "a", None]])
def test_another_key_is_computed_anew(tmp_path, other):
    cache = Cache(tmp_path)
    cache.value("n", [1, "a"], lambda: "first")
    assert cache.value("n", other, lambda: "second") == "second"


def test_a_frame_that_differs_in_a_value_a_name_or_an_order_is_another_key(tmp_path):
    cache, one = Cache(tmp_path), pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    cache.value("n", [one], lambda: "first")
    others = [one.assign(a=[1.0, 2.5]), one.rename(columns={"a": "c"}), one.iloc[::-1],
              one[["b", "a"]]]  # fmt: skip
    assert [cache.value("n", [other], lambda: "second") for other in others] == ["second"] * 4
    assert cache.value("n", [one.copy()], never) == "first"


def test_other_code_finds_nothing(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    cache.value("n", [1], lambda: "before")
    monkeypatch.setattr(cache_module, "code_hash", lambda: "another release")
    assert cache.value("n", [1], lambda: "after") == "after"


@pytest.mark.parametrize("kind", ["value", "frame"])
def test_a_file_that_was_cut_off_is_made_again(tmp_path, kind):
    cache, make = Cache(tmp_path), (lambda: "x") if kind == "value" else table
    getattr(cache, kind)("n", [1], make)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:5])
    again = getattr(cache, kind)("n", [1], make)
    assert again.equals(make()) if kind == "frame" else again == make()


def test_a_folder_is_made_once_and_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "MOST_FOLDERS", 2)
    cache = Cache(tmp_path)
    made = []
    for number in (1, 2, 2, 3):
        made.append(cache.files("n", [number], lambda folder: (folder / "x").touch()))
        os.utime(made[-1], (number, number))
    assert made[1] == made[2]
    assert set(tmp_path.iterdir()) == {made[1], made[3]}
    assert [one.name for one in made[3].iterdir()] == ["x"]


def test_a_folder_that_could_not_be_filled_is_not_found(tmp_path):
    cache = Cache(tmp_path)

    def fails(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.files("n", [1], fails)
    assert [*tmp_path.iterdir()] == []
    made = cache.files("n", [1], lambda folder: (folder / "x").touch())
    assert [one.name for one in made.iterdir()] == ["x"]


def test_nothing_in_the_package_is_kept_in_a_form_that_runs_as_code():
    package = Path(tierkit.__file__).parent
    words = ("pickle", "joblib.dump", "joblib.load", "marshal", "shelve", "dill")
    found = [
        (file.name, word)
        for file in package.rglob("*.py")
        for word in words
        if word in file.read_text(encoding="utf-8")
    ]
    assert found == []


# ---- one store for runs, work by hand, and questions ---------------------------------------------


@pytest.fixture
def project(tmp_path) -> Path:
    return write_project(tmp_path)


def folder_of(project: Path) -> Path:
    return open_run(str(project), quarter="2026Q2").folder


def test_work_by_hand_finds_what_was_left_of_the_same(project):
    (folder_of(project) / PANEL_FILE).touch()
    assert (folder_of(project) / PANEL_FILE).exists()


def change_deals(project: Path) -> None:
    file = project / "data" / "opportunities.csv"
    file.write_text(file.read_text().replace("200.20", "0.20"))


def change_horizon(project: Path) -> None:
    (project / "tierkit.toml").write_text("[target]\nhorizon_quarters = 2\n")


def add_override(project: Path) -> None:
    (project / "overrides.csv").write_text(
        "account_id,tier,reason,set_by,set_on,review_on\nA1,Tier 1,x,Kim,2026-01-01,2027-01-01\n"
    )


def publish_an_earlier_report(project: Path) -> None:
    folder = project / "reports" / "2026Q1"
    folder.mkdir(parents=True)
    (folder / "tiers.csv").write_text("account_id,tier\nA1,Tier 1\n")


@pytest.mark.parametrize(
    "change", [change_deals, change_horizon, add_override, publish_an_earlier_report]
)
def test_after_a_change_nothing_is_found_that_was_computed_before(project, change):
    before = folder_of(project)
    (before / PANEL_FILE).touch()
    change(project)
    after = folder_of(project)
    assert after != before
    assert not (after / PANEL_FILE).exists()


def test_a_notebook_that_is_open_keeps_the_rows_that_it_began_with(project):
    run = open_run(str(project), quarter="2026Q2")
    change_deals(project)
    open_run(str(project), quarter="2026Q2")
    assert float(run.outcomes([run.quarter.start], horizon_quarters=1)["won_revenue"].sum()) > 100


def test_what_a_run_has_computed_is_found_by_hand(project, tmp_path):
    under_way = tmp_path / "under way"
    under_way.mkdir()
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse("2026Q2")
    handover = Handover(settings, quarter)
    write_handover(under_way, handover)
    leave_rows(handover, trusted_tables(settings), under_way)
    (under_way / PANEL_FILE).write_text("panel")
    keep_stages(under_way)
    assert (folder_of(project) / PANEL_FILE).read_text() == "panel"


def test_trusted_tables_are_read_once_and_again_after_a_change(project, monkeypatch):
    settings = read_settings(project)
    first = trusted_tables(settings)
    monkeypatch.setattr("tierkit.runs._reading.read_tables", lambda *_, **__: never())
    again = trusted_tables(settings)
    assert (again.source_rows, again.exclusions, again.remarks) == (
        first.source_rows, first.exclusions, first.remarks
    )  # fmt: skip
    change_deals(project)
    with pytest.raises(pytest.fail.Exception, match="computed again"):
        trusted_tables(settings)


def test_a_source_that_holds_tierkit_s_own_files_is_always_read(tmp_path):
    project = write_project(tmp_path, settings='[data]\nsource = "."\n')
    assert source_key(read_settings(project)) is None


def test_where_nothing_can_be_written_everything_is_computed(tmp_path):
    file = tmp_path / "no folder"
    file.touch()
    cache = Cache(file)
    assert cache.value("n", [1], lambda: 3) == 3
    pd.testing.assert_frame_equal(cache.frame("n", [1], table), table())


def test_a_project_that_may_only_be_read_is_read(project):
    (project / ".tierkit").touch()
    assert trusted_tables(read_settings(project)).source_rows["accounts"] == 3
