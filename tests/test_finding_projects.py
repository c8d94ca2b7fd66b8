"""The project that a notebook belongs to: never another one, never the sample unless asked for."""

from __future__ import annotations

import json
import re

import pytest

from tierkit.errors import SettingsError
from tierkit.publishing import differing_notebooks, packaged_notebook
from tierkit.runs import open_run, project
from tierkit.runs._reading import settings_changes
from tierkit.settings import read_settings

TOML = '[[tiers]]\nname = "Tier 1"\ncapacity = 15\n\n[[tiers]]\nname = "Tier 2"\n'


@pytest.fixture
def acme(tmp_path):
    folder = tmp_path / "acme"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "tierkit.toml").write_text(TOML)
    return folder


def test_the_project_around_the_working_folder_is_found(acme, monkeypatch):
    for place in (acme, acme / "notebooks"):
        monkeypatch.chdir(place)
        assert project.find_project().folder == acme


def test_without_a_project_there_is_one_sentence_and_no_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "sample_project", lambda: pytest.fail("the sample was opened"))
    for wrong in (project.find_project, open_run):
        with pytest.raises(SettingsError, match=r"the working folder\): no tierkit.toml there"):
            wrong()


def test_the_sample_is_opened_where_it_is_asked_for(acme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "sample_project", lambda: read_settings(acme))
    assert project.find_project("sample").folder == acme
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "tierkit.toml").write_text(TOML)
    assert project.find_project("sample").folder == tmp_path / "sample"


def test_settings_are_put_over_those_of_the_file_by_dotted_name(acme):
    changes = settings_changes('{"tiers.0.capacity": 20, "target.horizon_quarters": 2}')
    found = project.find_project(str(acme), changes=changes)
    assert (found.tiers[0].capacity, found.target.horizon_quarters) == (20, 2)
    assert found.fingerprint != project.find_project(str(acme)).fingerprint


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ('{"tiers.0.capcity": 20}', r"capcity: is no setting. Did you mean capacity\?"),
        ('{"tiers.7.capacity": 20}', "names nothing inside"),
        ("tiers.0.capacity=20", "is no JSON"),
        ("[20]", "names no setting"),
    ],
)
def test_settings_that_are_none_are_refused(acme, given, sentence):
    with pytest.raises(SettingsError) as raised:
        project.find_project(str(acme), changes=settings_changes(given))
    assert re.search(sentence, str(raised.value))


def test_a_run_under_way_takes_no_other_settings(tmp_path):
    with pytest.raises(SettingsError, match="a run has its own"):
        open_run(run_folder=str(tmp_path), settings={"tiers.0.capacity": 20})


def test_only_other_code_makes_a_notebook_of_the_project_another_one(acme):
    copy = acme / "notebooks" / "recalibrate.ipynb"
    copy.write_bytes(packaged_notebook("recalibrate").read_bytes())
    assert differing_notebooks(acme) == ()
    content = json.loads(copy.read_text())
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = ["My own words"]
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = ['project = "elsewhere"']
    copy.write_text(json.dumps(content))
    assert differing_notebooks(acme) == ()
    content["cells"][-1]["source"] = ["my_figure()"]
    copy.write_text(json.dumps(content))
    assert differing_notebooks(acme) == ("recalibrate",)
