"""Whatever goes wrong with a command has a sentence and its documented exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from projects import write_project
from report_samples import write_report

from tierkit import commands
from tierkit.calendar import FiscalCalendar
from tierkit.cli import main
from tierkit.commands.housekeeping import clean_project, leftovers
from tierkit.commands.units import REPORT_PLAN
from tierkit.errors import NotebookError
from tierkit.processes import EndedBySignal
from tierkit.publishing import run_recalibration
from tierkit.publishing.publish import claim_reports
from tierkit.settings import read_settings

HOME = Path(__file__).parent.parent


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path / "acme")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    done = capsys.readouterr()
    return caught.value.code, done.out, done.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(28, "No space left on device", "x.csv"), 2, "x.csv could not be read or written"),
        (OSError(30, "Read-only file system", "x.csv"), 2, "Read-only file system"),
        (MemoryError(), 7, "Memory ran out"),
        (EndedBySignal(15), 130, "Ended by SIGTERM"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_what_ends_a_command_has_its_code(project, capsys, monkeypatch, error, code, said):
    def refused(_settings):
        raise error

    monkeypatch.setattr(commands, "check_project", refused)
    found, _, warned = run(capsys, "check", "-f", project)
    assert (found, said in warned, "fault" in warned) == (code, True, False)


def test_a_fault_ends_with_70_and_a_report_without_data(project, capsys, monkeypatch, tmp_path):
    def fails(_settings):
        raise KeyError("Blue Heron Freight")

    monkeypatch.setattr(commands, "check_project", fails)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, warned = run(capsys, "check", "-f", project)
    (report,) = tmp_path.glob("tierkit-fault-*.txt")
    text = report.read_text()
    assert (code, out) == (70, "")
    assert str(report) in warned
    assert "tests" not in warned
    for ours in ("Blue Heron", str(tmp_path), "acme"):
        assert ours not in text
        assert ours not in warned.replace(str(report), "")
    assert "check failed" in text
    assert "builtins.KeyError" in text
    assert "cli/running.py" in text


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_json_that_nests_too_deeply_is_a_sentence(project, capsys, text):
    folder = write_report(project / "reports" / "2026Q3")
    (folder / "facts.json").write_text(text)
    (folder / "model.json").write_text(text)
    for command in (("diff", "2026Q3", "2026Q3"), ("explain", "A1"), ("accept", "2026Q3")):
        code, _, warned = run(capsys, *command, "-f", project)
        assert (code, "nests too deeply" in warned) == (2, True)
    model = folder / "model.json"
    code, _, warned = run(capsys, "score", "--model", model, "-o", folder / "s.csv", "-f", project)
    assert (code, "nests too deeply" in warned) == (2, True)


def shell(*arguments, cwd, **environment):
    given = {**os.environ, "PYTHONPATH": str(HOME), **environment}
    return subprocess.run(
        [sys.executable, "-m", "tierkit.cli", *arguments], cwd=cwd, env=given,
        capture_output=True, check=False,
    )  # fmt: skip


def test_a_folder_whose_name_is_not_ascii_works_in_the_posix_locale(tmp_path):
    project = write_project(tmp_path / "Müller & Söhne")
    posix = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell("check", "-f", str(project), cwd=tmp_path, **posix)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"A run can start." in done.stdout
    assert "Müller" in (project / ".tierkit" / "check" / "check.html").read_text(encoding="utf-8")


# ---- what can go ---------------------------------------------------------------------------------


def aged(path: Path, *, days: float) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "cause.txt").write_text("x" * 1_000)
    then = path.stat().st_mtime - days * 86_400
    os.utime(path, (then, then))
    return path


def test_clean_lists_first_and_then_takes_away_what_is_beyond_the_limits(project, capsys):
    (project / "tierkit.toml").write_text("[keep]\nfailed_most = 2\nfailed_days = 30\n")
    reports, scratch = project / "reports", project / ".tierkit"
    old = [aged(reports / "failed" / f"run-{day}", days=day) for day in (31, 3)]
    claim_reports(reports)
    kept = [aged(reports / "failed" / f"run-{day}", days=day) for day in (1, 2)]
    kept += [aged(reports / "2026Q3", days=4_000), aged(reports / "archive" / "a", days=1)]
    kept += [aged(scratch / "versions" / "overrides.csv", days=900)]
    old += [aged(scratch / "cache" / "tables-1", days=91), aged(scratch / "runs" / "1", days=0)]
    (project / "tier_history.new").write_text("half")
    settings = read_settings(project)
    assert {one.path for one in leftovers(settings)} == {*old, project / "tier_history.new"}
    code, out, _ = run(capsys, "clean", "-f", project)
    assert (code, "5 files and folders with 0.0 MB can go" in out) == (0, True)
    assert all(one.exists() for one in old)
    code, out, _ = run(capsys, "clean", "--yes", "-f", project)
    assert (code, "are gone" in out) == (0, True)
    assert not any(one.exists() for one in old)
    assert all(one.exists() for one in kept)
    assert clean_project(settings) == []


@pytest.mark.parametrize("keeps", [False, True])
def test_rows_of_a_failed_run_go_unless_they_are_to_be_kept(project, monkeypatch, keeps):
    def fails(_path, *, copy, **_options):
        copy.parent.mkdir()
        (copy.parent.parent / "accounts.parquet").write_bytes(b"rows")
        raise NotebookError("cell 3 raised")

    settings = read_settings(project)
    monkeypatch.setattr("tierkit.publishing.execute.execute_notebook", fails)
    plan = replace(REPORT_PLAN, keeps_rows=keeps)
    with pytest.raises(NotebookError):
        run_recalibration(settings, quarter=FiscalCalendar().parse("2026Q3"), plan=plan)
    (remains,) = (settings.reports / "failed").iterdir()
    assert [file.name for file in remains.rglob("*.parquet")] == ["accounts.parquet"] * keeps
    assert (remains / "cause.txt").read_text() == "NotebookError: cell 3 raised\n"


def test_clean_takes_nothing_from_a_folder_that_is_not_marked_as_reports(project, tmp_path):
    """The settings of a stranger name somebody's own folder, which has an archive of its own."""
    own = [aged(tmp_path / "mine" / name / "a", days=4_000) for name in ("archive", "failed")]
    own.append(aged(tmp_path / "mine" / ".incoming-1", days=1))
    (project / "tierkit.toml").write_text('[run]\nreports = "../mine"\n')
    assert clean_project(read_settings(project)) == []
    assert all(one.is_dir() for one in own)


def test_undo_works_where_the_settings_cannot_be_read(project, capsys):
    file, version = project / "tierkit.toml", project / ".tierkit" / "versions" / "tierkit.toml"
    version.mkdir(parents=True)
    (version / "20261001T080000.000000Z-12345678").write_text('[run]\ntitle = "Acme"\n')
    file.write_text("broken = ")
    assert "until 2026-10-01 08:00:00" in run(capsys, "undo", "-f", project)[1]
    code, out, _ = run(capsys, "undo", "tierkit.toml", "-f", project)
    assert (code, "tierkit.toml is as it was until 2026-10-01" in out) == (0, True)
    assert read_settings(project).run.title == "Acme"
    code, _, warned = run(capsys, "undo", "nothing.csv", "-f", project)
    assert (code, "no earlier version is kept" in warned) == (2, True)


# ---- facts and draws of every release are read for good ------------------------------------------

GOLDEN = Path(__file__).parent / "golden"


def test_facts_of_a_newer_schema_are_refused_in_words_by_every_command(project, capsys):
    for label in ("2026Q2", "2026Q3"):
        folder = write_report(project / "reports" / label)
        facts = json.loads((folder / "facts.json").read_text())
        (folder / "facts.json").write_text(json.dumps(facts | {"schema": 99}))
    for command in (("diff", "2026Q2", "2026Q3"), ("accept", "2026Q3"), ("explain", "A1")):
        code, out, warned = run(capsys, *command, "-f", project)
        assert (code, out) == (2, "")
        assert "schema 99 is newer than what this release of tierkit reads" in warned
