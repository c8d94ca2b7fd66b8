"""A draft has whole pages and is nothing else: not published, no promise, no predecessor."""

from __future__ import annotations

import json

import pytest
from report_samples import LABEL, facts, write_published
from tiny_runs import QUARTER, contents, make_project, one

from tierkit.calendar import FiscalCalendar
from tierkit.commands.accept import accept_tiers
from tierkit.commands.run import refuse_to_replace_accepted
from tierkit.errors import SettingsError
from tierkit.pages import title_block
from tierkit.publishing import EarlierReports, choose_draft
from tierkit.publishing.run import run_recalibration
from tierkit.settings import read_settings

TIERS = "account_id,tier,rank,score,cut_score,move_reason\nA-001,Tier 1,1,3.5,3,\n"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory):
    """A published quarter, then a draft of it."""
    project = make_project(tmp_path_factory.mktemp("acme"))
    settings = read_settings(project)
    run_recalibration(settings, quarter=QUARTER, plan=one(project))
    before = contents(project / "reports")
    draft = choose_draft(settings, name="20 places")
    result = run_recalibration(settings, quarter=QUARTER, plan=one(project), draft=draft)
    return project, before, result


def test_a_draft_lies_apart_and_nothing_that_is_published_changes(drafted):
    project, before, result = drafted
    assert result.folder == project / "reports" / "drafts" / "20 places"
    assert not result.published
    assert (
        result.remark == "Draft 20 places lies in reports/drafts/20 places; nothing was published."
    )
    after = contents(project / "reports")
    assert {path: after[path] for path in before} == before
    added = set(after) - set(before)
    assert added
    assert all(path.startswith("drafts/20 places/") for path in added)


def test_a_draft_links_to_no_index_and_a_report_does(drafted):
    project, _, result = drafted
    assert "../index.html" not in (result.folder / "leadership.html").read_text()
    published = (project / "reports" / LABEL / "leadership.html").read_text()
    assert 'href="../index.html"' in published
    assert 'href="analyst.html"' in published


def test_a_draft_takes_the_place_of_a_draft_and_of_nothing_else(tmp_path):
    settings = read_settings(make_project(tmp_path))
    assert choose_draft(settings) is None
    free = choose_draft(settings, folder=tmp_path / "elsewhere")
    assert (free.name, free.folder) == ("elsewhere", tmp_path / "elsewhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "facts.json").write_text(json.dumps(facts()))
    with pytest.raises(SettingsError, match="holds something that is no draft"):
        choose_draft(settings, folder=tmp_path / "full")
    (tmp_path / "full" / "facts.json").write_text(json.dumps(facts() | {"draft": "full"}))
    assert choose_draft(settings, folder=tmp_path / "full").name == "full"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", " x", "x.", "-" * 70])
def test_a_draft_has_a_name_that_stays_in_its_folder(tmp_path, name):
    settings = read_settings(make_project(tmp_path))
    with pytest.raises(SettingsError, match="is no name for a folder"):
        choose_draft(settings, name=name)


def test_a_draft_never_lies_among_the_reports(tmp_path):
    settings = read_settings(make_project(tmp_path))
    for folder in (settings.reports, settings.reports / "2026Q4", settings.reports / "drafts"):
        with pytest.raises(SettingsError, match="lies where reports are published"):
            choose_draft(settings, folder=folder)
    with pytest.raises(SettingsError, match="exclude each other"):
        choose_draft(settings, name="x", folder=tmp_path / "y")


def test_a_draft_says_so_on_its_page():
    words = title_block(facts() | {"draft": "20 places"}).html
    assert "Draft “20 places”: not published, no promise, nothing takes force." in words
    assert "Draft" not in title_block(facts()).html


def test_a_draft_that_was_copied_among_the_reports_is_no_predecessor(tmp_path):
    write_published(tmp_path, "2026Q1", TIERS)
    write_published(tmp_path, "2026Q2", TIERS, told={"draft": "20 places"})
    earlier = EarlierReports.read(tmp_path, FiscalCalendar())
    assert [report.quarter.label for report in earlier.reports] == ["2026Q1"]
    assert "it is a draft, which promises nothing" in earlier.left_out[0]


def test_a_report_whose_tiers_are_in_force_is_replaced_only_when_that_is_asked_for(tmp_path):
    settings = read_settings(make_project(tmp_path))
    quarter = settings.fiscal_calendar.parse("2026Q3")
    refuse_to_replace_accepted(settings, quarter, asked=False)  # nothing is published
    write_published(settings.reports, "2026Q3", TIERS)
    refuse_to_replace_accepted(settings, quarter, asked=False)  # nothing is accepted
    accept_tiers(settings, "2026Q3")
    refuse_to_replace_accepted(settings, quarter, asked=True)
    with pytest.raises(SettingsError, match=r"in force from 2026-10-01 on.*--replace-accepted"):
        refuse_to_replace_accepted(settings, quarter, asked=False)
