"""Whatever goes wrong with a command has a sentence and its documented exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from projects import write_project
from report_samples import write_report

from tierkit import commands
from tierkit.calendar import FiscalCalendar
from tierkit.cli import entry, main
from tierkit.commands.apart import REPORT_PLAN
from tierkit.commands.housekeeping import clean_project, leftovers
from tierkit.errors import NotebookError
from tierkit.pages import write_index
from tierkit.processes import EndedBySignal
from tierkit.publishing import EarlierReports, Published, run_recalibration
from tierkit.publishing.contract import FACTS_SCHEMA
from tierkit.publishing.publish import claim_reports
from tierkit.push import Journal
from tierkit.roi import Band, EffortDraw
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


@pytest.mark.parametrize("second", [MemoryError(), SystemError("error return"), ImportError("x")])
def test_without_memory_even_to_say_so_a_command_ends_with_7(project, capfd, monkeypatch, second):
    """Under `ulimit -v` the modules that put errors in words may not load either."""

    def fails(*_given):
        raise second

    monkeypatch.setattr(commands, "check_project", fails)
    monkeypatch.setattr(entry, "_code_of", fails)
    with pytest.raises(SystemExit) as ended:
        main(["check", "-f", str(project)])
    assert ended.value.code == 7
    assert "Memory ran out" in capfd.readouterr().err


def test_a_limit_below_what_the_libraries_take_is_refused_at_once(project, capfd, monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (entry.LEAST_MEMORY - 1, -1))
    for asked, code in ((["check", "-f", str(project)], 7), (["help", "tiers"], 0)):
        with pytest.raises(SystemExit) as ended:
            main(asked)
        assert (ended.value.code or 0) == code
    assert "ulimit" in capfd.readouterr().err


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_is_no_fault(project, monkeypatch, stream):
    monkeypatch.setattr(sys, stream, None)
    with pytest.raises(SystemExit) as ended:
        main(["undo", "-f", str(project)])
    getattr(sys, stream).close()
    assert (ended.value.code or 0) == 0


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
    old += [aged(scratch / name, days=2) for name in ("spill/7", ".known-x.draft")]
    kept += [aged(scratch / "spill" / "8", days=0)]
    (project / "tier_history.new").write_text("half")
    settings = read_settings(project)
    assert {one.path for one in leftovers(settings)} == {*old, project / "tier_history.new"}
    code, out, _ = run(capsys, "clean", "-f", project)
    assert (code, "7 files and folders with 0.0 MB can go" in out) == (0, True)
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


# ---- what earlier releases wrote is read for good ------------------------------------------------

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = [1]
"""The schemas of facts that were ever published, the newest last."""


def golden_report(reports, schema):
    folder = reports / "2024Q1"
    folder.mkdir(parents=True)
    for name in ("facts.json", "tiers.csv", "run.json", "model.json"):
        stem, _, ending = name.partition(".")
        shutil.copy(GOLDEN / f"{stem}-{schema}.{ending}", folder / name)
    return folder


def test_every_schema_has_its_golden_files():
    assert SCHEMAS[-1] == FACTS_SCHEMA
    kinds = {one.name.split("-")[0] for one in GOLDEN.iterdir()}
    assert kinds == {"facts", "tiers", "run", "model", "band", "effort", "push"}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_report_of_every_schema_is_read_and_used(project, capsys, schema):
    report = Published.open(golden_report(project / "reports", schema))
    assert report.quarter.dates == "1 Jan – 31 Mar 2024"
    assert report.tiers["tier"].value_counts().to_dict() == {"Tier 1": 3, "Tier 2": 5}
    assert report.tiers.loc["1000012", "score"] == 365_500
    assert report.manifest["fingerprint"] == report.facts["fingerprint"] == "ae91e30ef4aec497"
    assert report.model.kind == "fitted card"
    calendar = FiscalCalendar()
    earlier = EarlierReports.read(project / "reports", calendar, before=calendar.parse("2024Q3"))
    assert [one.name for one in earlier.reports] == ["2024Q1"]
    assert not earlier.left_out
    assert "2024Q1" in write_index(project / "reports", title="Acme").read_text()
    code, out, _ = run(capsys, "diff", "2024Q1", "2024Q1", "-f", project)
    assert (code, "Nothing differs" in out) == (0, True)
    code, out, _ = run(capsys, "accept", "2024Q1", "-f", project)
    assert (code, "8 accounts hold these tiers from 2024-04-01 on" in out) == (0, True)


def test_draws_and_journals_of_every_release_are_read():
    band, effort = Band.read(GOLDEN / "band-1.csv"), EffortDraw.read(GOLDEN / "effort-1.csv")
    assert (band.hash, band.quarter, band.seed) == ("30c3c29c11ce5399", "2026Q4", 1)
    assert band.rows.set_index("account_id")["drawn_tier"].to_dict() == {
        "A1": "Tier 2", "A2": "Tier 2", "A3": "Tier 1", "A4": "Tier 1"
    }  # fmt: skip
    assert (effort.hash, effort.quarter, effort.arm) == ("f527e099e52f64ce", "2024Q2", "less")
    assert int(effort.rows["drawn"].sum()) == round(0.4 * len(effort.rows))
    journal = Journal.open(GOLDEN / "push-1.jsonl")
    assert (journal.plan.title, journal.ended, len(journal.written)) == ("2026Q3", "finished", 5)
    assert {(one.record, one.before, one.after) for one in journal.plan.changes} == {
        (f"100{number}", "", "Tier 1") for number in range(5)
    }


def test_facts_of_a_newer_schema_are_refused_in_words_by_every_command(project, capsys):
    for label in ("2026Q2", "2026Q3"):
        folder = write_report(project / "reports" / label)
        facts = json.loads((folder / "facts.json").read_text())
        (folder / "facts.json").write_text(json.dumps(facts | {"schema": 99}))
    for command in (("diff", "2026Q2", "2026Q3"), ("accept", "2026Q3"), ("explain", "A1")):
        code, out, warned = run(capsys, *command, "-f", project)
        assert (code, out) == (2, "")
        assert "schema 99 is newer than what this release of tierkit reads" in warned
