"""Hooks: told how a run ended, only where asked for, and never able to change it."""

from __future__ import annotations

import json
import sys

import pytest
from projects import write_project

from tierkit.commands import run as run_command
from tierkit.commands.run import Request, recalibrate_and_tell, recalibrate_each_and_tell
from tierkit.commands.units import EachResult
from tierkit.errors import DataError
from tierkit.settings import read_settings

WRITE = "import os, shutil, sys; shutil.copy(sys.argv[-1], sys.argv[1]);" \
        "open(sys.argv[1] + '.code', 'w').write(os.environ['TIERKIT_EXIT_CODE'])"  # fmt: skip


@pytest.fixture
def project(tmp_path):
    hook = {
        name: json.dumps([sys.executable, "-c", WRITE, f"{name} $(rm).json"])
        for name in ("success", "failure")
    }
    settings = f"[hooks]\non_success = {hook['success']}\non_failure = {hook['failure']}\n"
    return write_project(tmp_path / "acme", settings=settings)


def run(project, monkeypatch, ends):
    monkeypatch.setattr(run_command, "recalibrate", lambda _request, **_: ends())
    said = []
    try:
        recalibrate_and_tell(Request(read_settings(project)), on_step=said.append)
    finally:
        told = sorted(path.name for path in project.glob("* $(rm).json"))
    return told, said


def publish(project):
    report = project / "reports" / "2026Q3"
    report.mkdir(parents=True)
    (report / "leadership.html").write_text("page")
    (report / "run.json").write_text('{"run_id": "1"}')
    return f"Published.\n{report / 'leadership.html'}"


def test_success_tells_the_success_hook_alone(project, monkeypatch):
    told, said = run(project, monkeypatch, lambda: publish(project))
    assert (told, said) == (["success $(rm).json"], [])
    assert json.loads((project / told[0]).read_text()) == {"run_id": "1"}
    assert (project / f"{told[0]}.code").read_text() == "0"


def test_failure_tells_the_failure_hook_alone_and_stays_the_failure_it_was(project, monkeypatch):
    def fails():
        raise DataError("accounts: 2 rows\nhold no id")

    with pytest.raises(DataError):
        run(project, monkeypatch, fails)
    (told,) = project.glob("* $(rm).json")
    assert told.name.startswith("failure")
    content = json.loads(told.read_text())
    assert (content["exit_code"], content["cause"]) == (3, "DataError: accounts: 2 rows hold no id")


def test_a_hook_that_fails_is_a_line_and_nothing_else(project, monkeypatch):
    toml = project / "tierkit.toml"
    toml.write_text('[hooks]\non_success = ["no-such-program"]\n')
    told, said = run(project, monkeypatch, lambda: publish(project))
    assert told == []
    assert said == ["hooks.on_success: no-such-program could not be run to its end"
                    " (FileNotFoundError)."]  # fmt: skip


@pytest.mark.parametrize(("code", "told"), [(0, "success"), (7, "failure")])
def test_a_run_of_units_tells_one_hook_with_what_came_of_all(project, monkeypatch, code, told):
    index = project / "reports" / "each" / "region" / "index.html"
    index.parent.mkdir(parents=True)
    index.with_name("units.json").write_text('{"units": []}')
    done = EachResult(index, (), code)
    monkeypatch.setattr(run_command, "recalibrate_each", lambda *_given, **_named: done)
    said = []
    request = Request(read_settings(project))
    assert recalibrate_each_and_tell(request, "region", on_step=said.append) is done
    (file,) = project.glob("* $(rm).json")
    assert (file.name, said) == (f"{told} $(rm).json", [])
    assert file.read_text() == '{"units": []}'
    assert (project / f"{file.name}.code").read_text() == str(code)


def test_hooks_never_change_the_fingerprint(project, tmp_path):
    plain = write_project(tmp_path / "plain")
    assert read_settings(project).fingerprint == read_settings(plain).fingerprint
