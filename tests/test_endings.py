"""However a run ends, the last good report keeps every byte, and the next run works."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from report_samples import LABEL
from tiny_runs import (
    QUARTER,
    contents,
    fails,
    make_project,
    one,
    over_once_entered,
    run_as_command,
    run_endless_units,
    run_project,
)

from tierkit.errors import GateError, KernelDiedError, NotebookError, SettingsError, TimeLimitError
from tierkit.files import project_lock
from tierkit.publishing.run import run_recalibration
from tierkit.settings import read_settings

pytestmark = pytest.mark.slow
resource = pytest.importorskip("resource", reason="this system limits no files")
HARMED = {
    "raises": (NotebookError, "ZeroDivisionError", "1 / 0"),
    "leaves early": (NotebookError, "stopped the notebook by `exit`", "import sys; sys.exit(0)"),
    "killed": (KernelDiedError, "memory ran out", "import os; os.kill(os.getpid(), 9)"),
    "warns": (GateError, "wrote to standard error", "import sys; print('old', file=sys.stderr)"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project, in a folder with a space, whose good report was made by a run of its own."""
    folder = make_project(tmp_path_factory.mktemp("a cme"))
    one(folder)
    run_project(folder)
    return folder


def good_report(project: Path) -> Path:
    return project / "reports" / LABEL


def works_again(project: Path) -> None:
    """Run without harm: nothing new, since the report that lies there is the good one."""
    before = contents(good_report(project))
    one(project)
    run_project(project)
    assert contents(good_report(project)) == before


def test_every_ending_of_a_notebook_leaves_the_report_and_the_next_run_works(project):
    """Each kind of end comes after another: a run that an earlier one harmed would say so."""
    for kind, said, cell in HARMED.values():
        remains = fails(project, kind, said, plan=one(project, extra=cell))
        assert (remains / "notebooks" / "recalibrate.ipynb").is_file()
        assert said in (remains / "cause.txt").read_text()
    works_again(project)


def test_an_endless_cell_is_cut_off_and_the_report_stays(project, monkeypatch):
    over_once_entered(monkeypatch, "while True")
    fails(project, TimeLimitError, "cell 4", plan=one(project, extra="while True: pass"))


# ---- the disk is full ----------------------------------------------------------------------------


@contextmanager
def room_for(most: int):
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("most", [0, 200, 5_000])
def test_a_full_disk_is_said_in_words_and_harms_nothing(project, most):
    before, plan = contents(good_report(project)), one(project)
    with room_for(most), pytest.raises(SettingsError, match="Make room"):
        run_recalibration(read_settings(project), quarter=QUARTER, plan=plan)
    assert contents(good_report(project)) == before
    works_again(project)


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 3 MB, where this user may."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, *, but: int) -> Path:
    """Fill a file system up to so many bytes; return the file that does."""
    known = os.statvfs(disk)
    file = disk / "fill"
    file.write_bytes(b"x" * (known.f_bavail * known.f_frsize - but))
    return file


def test_a_disk_that_fills_up_leaves_the_report_and_the_cause_in_a_line(small_disk):
    """Without room for a cause nothing is begun; with little, the run ends where it is used up."""
    project = make_project(small_disk / "a cme")
    one(project)
    run_project(project)
    before = contents(good_report(project))
    one(project, html="<p data-figure='tiers'>Another finding</p>")
    for room, kept in ((0, 0), (8_192, 0), (81_920, 1)):
        filled = fill(small_disk, but=room)
        with pytest.raises(SettingsError, match="Make room") as caught:
            run_project(project)
        filled.unlink()
        assert contents(good_report(project)) == before
        assert len(getattr(caught.value, "__notes__", [])) == kept
        remains = list((project / "reports" / "failed").glob("*/cause.txt"))
        assert [len(one.read_text().splitlines()) for one in remains] == [1] * kept
    run_project(project)
    assert "Another finding" in (good_report(project) / "leadership.html").read_text()


# ---- two at once ---------------------------------------------------------------------------------


def test_a_second_run_says_who_runs_and_starts_nothing(project):
    before = contents(project)
    with (
        project_lock(project / ".tierkit"),
        pytest.raises(SettingsError, match=rf"process {os.getpid()} on .+, for \d+ s, since 2"),
    ):
        run_project(project)
    assert contents(project) == before


# ---- killed --------------------------------------------------------------------------------------

MOMENTS = ("settings.json", "kernel.pid", "facts.json", "report/notebooks", "report/run.json")
"""What a run has just written into its folder when it is killed, in the order of a run."""
LOADED = ("tierkit.publishing.execute", "tierkit.publishing.assemble", "tierkit.publishing.gates")


@pytest.fixture(scope="module")
def processes():
    """Give a way to start processes that have loaded everything already: none imports it anew."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiny_runs", *LOADED])
    return context


def killed_at(moment: str, project: Path, processes) -> int:
    """Start a run, kill it with signal 9 once it has written a file, return how it ended."""
    runs = project / ".tierkit" / "runs"
    earlier = set(runs.glob("*"))
    process = processes.Process(target=run_project, args=(project,))
    process.start()
    while process.is_alive():
        if any((run / moment).exists() for run in set(runs.glob("*")) - earlier):
            process.kill()
        time.sleep(0.001)
    return process.exitcode


PATIENCE = 600.0
"""Seconds that a busy machine may take until a process is gone."""


def is_gone(pid: int, *, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_kill_9_at_five_moments_leaves_the_report_whole_and_the_next_run_works(
    project, processes, tmp_path
):
    """Every run sets out to publish something new; each starts where a killed one left off."""
    before = contents(good_report(project))
    failed = project / "reports" / "failed"
    known = set(failed.glob("*"))
    write_pid = (
        "import os\n_ = (folder / 'kernel.pid').write_text(str(os.getpid()))\n"
        f"with open({str(tmp_path / 'pids')!r}, 'a') as file: print(os.getpid(), file=file)"
    )
    one(project, html="<p data-figure='tiers'>Another finding</p>", extra=write_pid)
    ends = [killed_at(moment, project, processes) for moment in MOMENTS]
    assert ends == [-signal.SIGKILL] * len(MOMENTS)
    assert contents(good_report(project)) == before
    run_project(project)
    assert "Another finding" in (good_report(project) / "leadership.html").read_text()
    remains = set(failed.glob("*")) - known
    assert len(remains) == len(MOMENTS)
    causes = {(folder / "cause.txt").read_text() for folder in remains}
    assert causes == {"The command ended before the run did.\n"}
    pids = (tmp_path / "pids").read_text().split()
    assert all(is_gone(int(pid), within=PATIENCE) for pid in pids)


# ---- ended by a signal ---------------------------------------------------------------------------


SIGNALS = {
    sent: code
    for sent, code in {
        signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGKILL: -9,
    }.items()
    if signal.getsignal(sent) is not signal.SIG_IGN  # as under nohup: what starts here ignores it
}  # fmt: skip


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_signal_to_the_command_alone_ends_every_unit(processes, tmp_path, sent):
    process = processes.Process(target=run_endless_units, args=(tmp_path,))
    process.start()
    files = [tmp_path / name for name in ("one", "two")]
    while process.is_alive() and not all(one.exists() and one.read_text() for one in files):
        time.sleep(0.01)
    os.kill(process.pid, sent)
    process.join()
    assert process.exitcode == SIGNALS[sent]
    assert all(is_gone(int(one.read_text()), within=PATIENCE) for one in files)


@pytest.mark.parametrize("sent", SIGNALS, ids=lambda one: signal.Signals(one).name)
def test_a_signal_to_the_command_alone_ends_its_kernel_and_names_the_remains(
    project, processes, sent
):
    """The kernel is in an endless cell: it ends although nobody sends it anything."""
    before, pid = contents(good_report(project)), project / "kernel.txt"
    pid.unlink(missing_ok=True)
    write_pid = f"import os\n_ = open({str(pid)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    one(project, extra=write_pid)
    process = processes.Process(target=run_as_command, args=(project,))
    process.start()
    while process.is_alive() and not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    os.kill(process.pid, sent)
    process.join()
    assert process.exitcode == SIGNALS[sent]
    assert is_gone(int(pid.read_text()), within=PATIENCE)
    assert contents(good_report(project)) == before
    if sent != signal.SIGKILL:
        remains = Path((project / "said.txt").read_text().removeprefix("What is left of the run: "))
        assert (remains / "cause.txt").is_file()
    one(project)
    run_project(project)
