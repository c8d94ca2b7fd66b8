"""Files are written whole, through no link, one writer at a time; earlier versions come back."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from projects import write_project
from report_samples import LABEL, write_report

import tierkit
from tierkit.cli import main
from tierkit.errors import MemoryLimitError, SettingsError
from tierkit.files import (
    change_file,
    files_lock,
    project_lock,
    undo_change,
    versions_of,
    words_of_fault,
    work_lock,
    write_whole,
)
from tierkit.files.lock import FILES_LOCK
from tierkit.publishing import choose_draft
from tierkit.publishing.publish import JOURNAL, MARK, claim_reports, finish_interrupted, publish
from tierkit.settings import read_settings

# ---- no link is followed -------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path):
    """A folder of somebody else, with a file that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    return folder


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (".tierkit", "outside"),
        (".tierkit/lock", "outside/precious.txt"),
        (".tierkit/files.lock", "outside/nowhere"),
        (".tierkit/runs", "outside"),
        (".tierkit/check/check.html", "outside/precious.txt"),
        (".tierkit/versions/overrides.csv", "outside"),
        ("reports", "outside"),
        ("reports/archive", "outside"),
        ("reports/drafts", "outside"),
        ("reports/each", "outside"),
        ("reports/failed", "outside"),
    ],
)
def test_a_project_with_a_link_where_tierkit_writes_is_refused(tmp_path, outside, place, target):
    project = write_project(tmp_path / "project")
    link = project / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / target)
    with pytest.raises(SettingsError, match="is a link to somewhere else") as raised:
        read_settings(project)
    assert raised.value.exit_code == 2
    assert [one.name for one in outside.iterdir()] == ["precious.txt"]
    assert (outside / "precious.txt").read_text() == "precious"


def test_reports_below_a_link_of_the_project_are_refused(tmp_path, outside):
    project = write_project(tmp_path / "project", settings='[run]\nreports = "out/reports"\n')
    (project / "out").symlink_to(outside)
    with pytest.raises(SettingsError, match="out: is a link to somewhere else"):
        read_settings(project)


def test_a_draft_that_is_a_link_is_refused(tmp_path, outside):
    (outside / "precious.txt").unlink()
    project = write_project(tmp_path / "project")
    (project / "reports" / "drafts").mkdir(parents=True)
    (project / "reports" / "drafts" / "plan").symlink_to(outside)
    with pytest.raises(SettingsError, match="plan: is a link to somewhere else"):
        choose_draft(read_settings(project), name="plan")


@pytest.mark.parametrize(
    ("command", "link"),
    [
        (("init", "{}"), "overrides.csv"),
        (("init", "{}"), "notebooks"),
        (("simulate", "{}", "--accounts", "20", "--quarters", "6"), "data/accounts.csv"),
        (("simulate", "{}", "--accounts", "20", "--quarters", "6"), "truth.json"),
    ],
)
def test_what_makes_a_folder_writes_through_no_link_in_it(tmp_path, outside, command, link):
    place = tmp_path / "new" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside if link == "notebooks" else outside / "precious.txt")
    with pytest.raises(SystemExit) as ended:
        main([part.format(tmp_path / "new") for part in command])
    assert ended.value.code == 2
    assert {one.name: one.read_text() for one in outside.iterdir()} == {"precious.txt": "precious"}


WRITES = re.compile(
    r"\.write_text\(|\.write_bytes\(|\.touch\(|\.symlink_to\(|\bcopy2?\(\w+, "
    r"|\bcopyfile\((?!\w+, draft)"
    r"|nbformat\.write\(|\.to_(csv|parquet|json|html)\((?!index|draft|\))|\.savefig\((?!written)"
    r"|(?<!draft)\.open\(\"[wax]|\.write_(csv|parquet)\(str\((?!draft)|write_table\(\w+, (?!draft)"
)
IN_FOLDERS_OF_THEIR_OWN = {
    "crm/example.py", "dossiers/example.py", "explorer/example.py", "features/example.py",
    "library/example.py",
    "commands/review.py", "library/_tables.py",  # a folder that the system made for this alone
    "crm/sql_engine.py",  # into a draft that `crm.engine` gives it
    "cli/entry.py",  # what the shell has closed goes nowhere
    "publishing/execute.py",  # the log of a kernel, in the folder of its run
}  # fmt: skip


def test_only_the_room_of_files_opens_a_file_to_write_it():
    """Everything else is written by `write_whole` or `draft_of`, which follow no link."""
    package = Path(tierkit.__file__).parent
    found = {
        f"{file.relative_to(package).as_posix()}: {line.strip()}"
        for file in package.rglob("*.py")
        if file.parent.name != "files"
        for line in file.read_text(encoding="utf-8").splitlines()
        if WRITES.search(line) and ">>>" not in line
    }
    assert {one for one in found if one.partition(":")[0] not in IN_FOLDERS_OF_THEIR_OWN} == set()


@pytest.mark.parametrize("name", ["tier_history.csv", "overrides.csv", "experiments/draw.csv"])
def test_a_project_file_that_is_a_link_is_not_written(tmp_path, outside, name):
    link = tmp_path / "project" / (name.partition("/")[0])
    link.parent.mkdir()
    link.symlink_to(outside if "/" in name else outside / "precious.txt")
    project = tmp_path / "project"
    with pytest.raises(SettingsError, match="is a link to somewhere else"):
        change_file(
            project / name, "new", before=None, project=project, scratch=project / ".tierkit"
        )
    assert {one.name: one.read_text() for one in outside.iterdir()} == {"precious.txt": "precious"}


def test_a_lock_that_has_a_second_name_elsewhere_is_not_emptied(tmp_path, outside):
    scratch = tmp_path / ".tierkit"
    scratch.mkdir()
    os.link(outside / "precious.txt", scratch / "lock")
    with pytest.raises(SettingsError, match="no file of its own"), project_lock(scratch):
        pass
    assert (outside / "precious.txt").read_text() == "precious"


def test_a_file_is_replaced_whole_and_leaves_no_draft(tmp_path):
    write_whole(tmp_path / "a.txt", "old")
    (tmp_path / "a.txt").chmod(0o600)
    write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


# ---- reports: a folder of tierkit's own ----------------------------------------------------------

CRAFTED = [
    {"incoming": "../outside"},
    {"incoming": "/etc"},
    {"incoming": "2026Q3"},
    {"target": ".."},
    {"target": "../outside"},
    {"archive": "../../outside"},
    {"archive": "archive/../../outside"},
]


@pytest.mark.parametrize("changed", CRAFTED, ids=lambda one: "=".join(*one.items()))
@pytest.mark.usefixtures("outside")
def test_a_journal_that_names_other_folders_moves_nothing(tmp_path, changed):
    reports = publish(write_report(tmp_path / "new"), reports=tmp_path / "reports", label=LABEL)
    before = sorted(path for path in tmp_path.rglob("*"))
    intent = {"incoming": ".incoming-2", "target": LABEL, "archive": "", "new": "2", "old": "1"}
    (reports.folder.parent / JOURNAL).write_text(json.dumps(intent | changed))
    with pytest.raises(SettingsError, match="Nothing was moved") as raised:
        finish_interrupted(reports.folder.parent)
    assert raised.value.exit_code == 2
    (reports.folder.parent / JOURNAL).unlink()
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_folder_of_somebody_else_is_no_folder_of_reports(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("my page")
    with pytest.raises(SettingsError, match=r"holds index.html, which tierkit has not written"):
        claim_reports(site)
    assert [one.name for one in site.iterdir()] == ["index.html"]


def test_an_empty_folder_and_one_with_reports_are_marked(tmp_path):
    for reports in (tmp_path / "empty", tmp_path / "earlier"):
        reports.mkdir()
    write_report(tmp_path / "earlier" / LABEL)
    for reports in (tmp_path / "empty", tmp_path / "earlier", tmp_path / "new"):
        claim_reports(reports)
        assert (reports / MARK).is_file()


def test_what_is_no_report_is_not_replaced_by_one(tmp_path):
    (tmp_path / "reports" / LABEL).mkdir(parents=True)
    (tmp_path / "reports" / LABEL / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is no report of tierkit"):
        publish(write_report(tmp_path / "new"), reports=tmp_path / "reports", label=LABEL)
    assert (tmp_path / "reports" / LABEL / "notes.txt").read_text() == "mine"


# ---- one writer at a time ------------------------------------------------------------------------


def add_line(project: Path, line: str) -> None:
    with files_lock(project / ".tierkit"):
        file = project / "overrides.csv"
        before = file.read_bytes() if file.exists() else None
        change_file(file, (before or b"") + line.encode(), before=before,
                    project=project, scratch=project / ".tierkit")  # fmt: skip


def test_nothing_is_lost_when_many_change_one_file_at_once(tmp_path):
    lines = [f"line {number}\n" for number in range(16)]
    threads = [threading.Thread(target=add_line, args=(tmp_path, line)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((tmp_path / "overrides.csv").read_text().splitlines(keepends=True)) == sorted(
        lines
    )


def test_work_that_another_does_is_waited_for(tmp_path):
    done, begun = [], threading.Event()

    def work():
        with work_lock(tmp_path, "work"):
            begun.set()
            time.sleep(0.3)
            done.append("first")

    first = threading.Thread(target=work)
    first.start()
    begun.wait()
    with work_lock(tmp_path, "work"):
        assert done == ["first"]
    first.join()


def test_who_holds_the_files_is_said(tmp_path):
    with (
        files_lock(tmp_path),
        pytest.raises(
            SettingsError, match=rf"Another change of these files.+process {os.getpid()} "
        ),
        files_lock(tmp_path, wait=0),
    ):
        pass


def owner_elsewhere(lock: Path, *, seconds_ago: float) -> None:
    owner = {"pid": 1, "host": "another", "since": "2026-09-30T10:00:00+00:00"}
    lock.write_text(json.dumps(owner))
    os.utime(lock, times=(time.time() - seconds_ago, time.time() - seconds_ago))


def test_a_lock_held_on_another_computer_counts_while_it_gives_signs_of_life(tmp_path):
    owner_elsewhere(tmp_path / FILES_LOCK, seconds_ago=5)
    with pytest.raises(SettingsError, match="process 1 on another"), files_lock(tmp_path, wait=0):
        pass
    owner_elsewhere(tmp_path / FILES_LOCK, seconds_ago=300)
    with files_lock(tmp_path, wait=0):
        assert socket.gethostname() in (tmp_path / FILES_LOCK).read_text()
    assert (tmp_path / FILES_LOCK).read_text() == ""


def test_a_lock_left_by_this_computer_before_it_was_started_again_is_taken(tmp_path):
    owner = {"pid": 999_999, "host": socket.gethostname(), "since": "2026-09-30T10:00:00+00:00"}
    (tmp_path / FILES_LOCK).write_text(json.dumps(owner))
    with files_lock(tmp_path, wait=0):
        pass


def test_a_file_that_somebody_else_changed_in_between_is_left_as_it_is(tmp_path):
    file = tmp_path / "overrides.csv"
    file.write_text("theirs")
    with pytest.raises(SettingsError, match="changed by somebody else"):
        change_file(
            file, "ours", before=b"earlier", project=tmp_path, scratch=tmp_path / ".tierkit"
        )
    assert file.read_text() == "theirs"


# ---- versions ------------------------------------------------------------------------------------


def test_the_last_ten_versions_are_kept_and_come_back(tmp_path):
    for number in range(13):
        add_line(tmp_path, f"{number}\n")
    scratch, file = tmp_path / ".tierkit", tmp_path / "overrides.csv"
    known = versions_of("overrides.csv", scratch=scratch)
    assert [one.content.count(b"\n") for one in known] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    whole = file.read_text()
    undo_change("overrides.csv", project=tmp_path, scratch=scratch, number=2)
    assert file.read_text().splitlines()[-1] == "10"
    undo_change("overrides.csv", project=tmp_path, scratch=scratch)
    assert file.read_text() == whole


def test_undoing_the_first_write_takes_the_file_away_and_again_brings_it_back(tmp_path):
    add_line(tmp_path, "A1\n")
    for there in (False, True):
        undo_change("overrides.csv", project=tmp_path, scratch=tmp_path / ".tierkit")
        assert (tmp_path / "overrides.csv").exists() is there
    with pytest.raises(SettingsError, match="no version 7 can be brought back; there are 1"):
        undo_change("overrides.csv", project=tmp_path, scratch=tmp_path / ".tierkit", number=7)


# ---- refusals of the system ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(28, "No space left on device", "a.csv"), SettingsError, "a.csv could not be"),
        (OSError(30, "Read-only file system", "a.csv"), SettingsError, "Read-only file system"),
        (PermissionError(13, "Permission denied", "a.csv"), SettingsError, "Permission denied"),
        (shutil.Error([("a.csv", "b.csv", "[Errno 5] Input/output error: 'b.csv'")]),
         SettingsError, "b.csv could not be read or written: Input/output error."),
        (RuntimeError("IO Error: No space left on device"), SettingsError, "no space left"),
        (MemoryError(), MemoryLimitError, "Memory ran out"),
        (RuntimeError("can't start new thread"), MemoryLimitError, "Memory ran out"),
        (ImportError("x.so: failed to map segment"), MemoryLimitError, "Memory ran out"),
        (UnicodeEncodeError("utf-8", "?", 0, 1, "surrogates not allowed"), SettingsError, "UTF-8"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_said_with_its_code(error, kind, said):
    found = words_of_fault(error)
    assert type(found) is kind
    assert said in str(found)
    assert words_of_fault(KeyError("a fault")) is None
