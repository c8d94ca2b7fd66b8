"""The command line: what it says, where it says it, and the documented exit codes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import write_project

import tierkit
from tierkit.cli import main


def run(capsys, *arguments):
    """Run a command in process; return exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    done = capsys.readouterr()
    return caught.value.code, done.out, done.err


QUARTER_OF_WORK = ["init", "check", "run", "accept", "push", "explain", "score", "export", "diff",
                   "draw", "undo", "clean", "simulate", "doctor", "help"]  # fmt: skip


@pytest.mark.parametrize("command", QUARTER_OF_WORK)
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_fits_a_screen_and_shows_an_example(capsys, command, asked):
    code, out, _ = run(capsys, command, asked)
    assert code == 0
    assert f"Example: tierkit {command}" in " ".join(out.split())
    assert len(out.splitlines()) <= 40


def test_bare_tierkit_is_its_help_with_the_commands_in_the_order_of_work(capsys):
    code, bare, _ = run(capsys)
    assert code == 0
    assert run(capsys, "--help") == run(capsys, "-h") == (0, bare, "")
    listed = bare.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in listed if line.startswith("  ")][
        : len(QUARTER_OF_WORK)
    ] == QUARTER_OF_WORK
    assert not [line for line in listed if line.endswith("...")]  # no summary is cut


def test_every_option_says_what_it_does_and_brackets_are_kept(capsys):
    assert "run the commands of [hooks]" in " ".join(run(capsys, "run", "-h")[1].split())


def test_the_version_is_that_of_the_package(capsys):
    assert run(capsys, "--version") == (0, f"tierkit {tierkit.__version__}\n", "")


@pytest.mark.parametrize("module", ["tierkit", "tierkit.cli"])
def test_the_package_runs_as_a_module(module):
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"tierkit {tierkit.__version__}\n"


def test_a_shell_completes_commands():
    asked = {"_TIERKIT_COMPLETE": "complete_bash", "COMP_WORDS": "tierkit ch", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "tierkit"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **asked}
    )
    assert done.stdout.split() == ["check"]


@pytest.mark.parametrize(
    ("starts", "wrong", "right"),
    [(1, "FY2026Q1", "January. Write 2026Q1."), (2, "2026Q1", "February. Write FY2026Q1.")],
)
def test_the_other_spelling_of_a_quarter_is_refused_with_the_right_one(
    tmp_path, capsys, starts, wrong, right
):
    write_project(tmp_path, settings=f"[calendar]\nfiscal_year_starts = {starts}\n")
    for command in (["run", "--quarter", wrong], ["explain", "A1", "--quarter", wrong],
                    ["accept", wrong], ["draw", wrong]):  # fmt: skip
        code, _, err = run(capsys, *command, "-f", tmp_path)
        assert code == 2
        assert err.startswith(f"{wrong}: the fiscal year of this project starts in {right}")


def test_init_makes_a_project_that_says_what_it_needs(tmp_path, capsys):
    folder = tmp_path / "my project"
    code, out, _ = run(capsys, "init", folder)
    assert code == 0
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert {"tierkit.toml", "data", "overrides.csv", "notebooks/recalibrate.ipynb"} <= names
    code, out, _ = run(capsys, "check", "-f", folder)
    assert code == 3
    assert out.count("required table is missing") == 2


def test_init_never_overwrites_a_project(tmp_path, capsys):
    write_project(tmp_path)
    code, _, err = run(capsys, "init", tmp_path)
    assert code == 2
    assert "holds a tierkit.toml already" in err


def test_simulate_replaces_no_project_that_was_not_simulated(tmp_path, capsys):
    write_project(tmp_path)
    before = (tmp_path / "tierkit.toml").read_bytes()
    code, _, err = run(capsys, "simulate", tmp_path, "--accounts", 60, "--quarters", 8)
    assert code == 2
    assert "holds a project of its own" in err
    assert (tmp_path / "tierkit.toml").read_bytes() == before


def test_simulate_writes_the_same_bytes_twice(tmp_path, capsys):
    for name in ("one", "two"):
        code, _, _ = run(capsys, "simulate", tmp_path / name, "--accounts", 60, "--quarters", 8)
        assert code == 0
    files = sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert {"truth.json", "tierkit.toml", "accounts.csv"} <= {path.name for path in files}
    for path in files:
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes()


def test_check_lists_everything_writes_the_rows_left_out_and_exits_with_3(tmp_path, capsys):
    deals = "opportunity_id,account_id,close_date,amount,is_won\nO1,A1,x,ten,true\nO2,A9,,5,yes\n"
    write_project(tmp_path, deals=deals)
    code, out, err = run(capsys, "check", "-f", tmp_path)
    assert code == 3
    assert err == ""
    assert "opportunities.close_date" in out
    assert "opportunities.amount" in out
    assert "A run cannot start." in out


def test_check_of_a_clean_project_says_what_it_read(tmp_path, capsys):
    deals = (
        "opportunity_id,account_id,close_date,amount,is_won\n"
        "O1,A1,2026-01-01,98.50,true\nO2,,2026-01-02,1.50,true\n"
    )
    write_project(tmp_path, deals=deals)
    code, out, _ = run(capsys, "check", "-f", tmp_path)
    assert code == 0
    assert "100.00 won = 98.50 used + 1.50 left out" in out
    with (tmp_path / ".tierkit" / "check" / "excluded_rows.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["reason"], row["opportunity_id"]) == ("no account_id", "O2")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--quarter", "2031Q1"], 2, "lies in the future"),
        (["--quarter", "FY2026Q1"], 2, "Write 2026Q1"),
        (["--quarter", "soon"], 2, "not a quarter"),
        (["--set", "stability.keep_bend=1.5"], 2, "Did you mean keep_band?"),
        (["--set", 'stability.keep_band="x"'], 2, "keep_band"),
        (["--only", "recalibrat"], 2, "Did you mean recalibrate?"),
        (["--model", "nowhere.json"], 2, "no such file"),
        (["--set", 'icp.where=["staff > 5"]'], 2, "staff"),
    ],
)
def test_mistakes_end_before_anything_runs(tmp_path, capsys, arguments, code, words):
    write_project(tmp_path)
    got, out, err = run(capsys, "run", "-f", tmp_path, *arguments)
    assert got == code
    assert words in out + err
    assert 0 < len(err.splitlines()) <= 15
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").glob("20*"))


def test_a_wrong_override_is_an_error_of_rows(tmp_path, capsys):
    write_project(tmp_path)
    (tmp_path / "overrides.csv").write_text(
        "account_id,tier,reason,set_by,set_on,review_on\nA9,Tier 9,,me,2026-01-01,2026-12-31\n"
    )
    code, out, _ = run(capsys, "run", "-f", tmp_path)
    assert code == 3
    assert "A9" in out
    assert "Tier 9" in out


def test_a_dry_run_shows_inputs_settings_and_outputs_and_runs_nothing(tmp_path, capsys):
    write_project(tmp_path)
    code, out, _ = run(
        capsys, "run", "-f", tmp_path, "--dry-run", "--set", "stability.keep_band=2.0"
    )
    assert code == 0
    assert "accounts: 3 rows" in out
    assert "stability.keep_band = 2.0" in out
    assert "leadership.html" in out
    assert not (tmp_path / "reports").exists()


def test_debug_shows_the_whole_trace(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tierkit.cli", "run", "-f", str(tmp_path), "--debug"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" in done.stderr


def test_doctor_names_every_part_and_how_to_mend_it(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert "ok       Python" in out
    assert "ok       notebook recalibrate" in out
    assert "MISSING" not in out


def test_settings_errors_come_before_anything_slow_is_loaded(tmp_path):
    (tmp_path / "tierkit.toml").write_text("[modle]\n")
    code = (
        "import sys\nfrom tierkit.cli import main\n"
        f"try:\n    main(['run', '-f', {str(tmp_path)!r}])\n"
        "except SystemExit as stop:\n"
        "    slow = ('pandas', 'duckdb', 'matplotlib')\n"
        "    print(stop.code, [name for name in slow if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "2 []"


def test_the_simulated_truth_states_its_effects(tmp_path, capsys):
    run(capsys, "simulate", tmp_path, "--accounts", 80, "--quarters", 8, "--tier-effect", 0)
    truth = json.loads((Path(tmp_path) / "truth.json").read_text())
    assert [one["relative"] for one in truth["boundaries"]] == [0, 0]


def test_a_fault_of_tierkit_is_a_sentence_too(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken():
        raise RuntimeError("out of luck")

    monkeypatch.setattr("tierkit.commands.examine_installation", broken)
    code, _, err = run(capsys, "doctor")
    assert code == 70
    assert "tierkit failed (RuntimeError)" in err
    assert "--debug" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_ctrl_c_is_said_in_words_with_where_the_remains_lie(tmp_path, monkeypatch, capsys, error):
    """A query of the database that meets Ctrl-C raises an error of its own kind."""
    (tmp_path / "tierkit.toml").write_text("")
    error.add_note("What is left of the run: reports/failed/1")

    def interrupted(*_given, **_named):
        raise error

    monkeypatch.setattr("tierkit.commands.check_project", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["check", "-f", str(tmp_path)])
    assert ended.value.code == 130
    said = capsys.readouterr().err
    assert "Interrupted. Nothing was published." in said
    assert "What is left of the run: reports/failed/1" in said
