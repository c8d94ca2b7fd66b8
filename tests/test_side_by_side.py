"""Work done at the same time gives what it gives alone, in order, with errors of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from report_samples import notebook, write_notebook
from tiny_runs import QUARTER, make_project, one

from tierkit._backtest.seeds import steadied_card
from tierkit.commands.units import REPORT_PLAN
from tierkit.errors import DataError, KernelDiedError, Problem
from tierkit.models.examples import Examples
from tierkit.parallel import BESIDE_OTHERS, free_processors, in_processes, side_by_side
from tierkit.publishing.prefetch import working_ahead
from tierkit.publishing.run import ReportPlan, run_recalibration
from tierkit.rendering.html import NOBODY_WAITS, progress_bar
from tierkit.settings import Settings, read_settings


def process_id(_: int) -> int:
    return os.getpid()


def late(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0.0)
    return number


def fails() -> None:
    raise DataError("accounts: wrong", [Problem("2 rows", "Mend them.", "accounts")])


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def two_processors(monkeypatch):
    """Use two processes whatever the machine has."""
    monkeypatch.setattr("tierkit.parallel.free_processors", lambda: 2)


@pytest.mark.usefixtures("two_processors")
def test_results_come_in_the_order_of_the_tasks():
    tasks = [partial(late, number) for number in range(4)]
    assert side_by_side(tasks, threads=2) == [0, 1, 2, 3]
    assert in_processes(tasks, worth=True) == [0, 1, 2, 3]
    assert in_processes(tasks, worth=False) == [0, 1, 2, 3]


@pytest.mark.usefixtures("two_processors")
def test_little_work_stays_in_this_process_and_much_leaves_it():
    tasks = [partial(process_id, number) for number in range(4)]
    assert set(in_processes(tasks, worth=False)) == {os.getpid()}
    assert os.getpid() not in in_processes(tasks, worth=True)


def test_a_process_beside_others_starts_none(monkeypatch):
    monkeypatch.setenv(BESIDE_OTHERS, "1")
    assert free_processors() == 1
    tasks = [partial(process_id, number) for number in range(3)]
    assert set(in_processes(tasks, worth=True)) == {os.getpid()}


@pytest.mark.usefixtures("two_processors")
def test_progress_is_told_after_each_task():
    told = []
    tasks = [partial(late, number) for number in range(3)]
    in_processes(tasks, worth=True, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("worth", [True, False])
@pytest.mark.usefixtures("two_processors")
def test_an_error_of_a_task_keeps_its_kind_and_its_problems(worth):
    with pytest.raises(DataError, match="accounts: wrong") as caught:
        in_processes([fails, fails], worth=worth)
    assert caught.value.problems[0].mend == "Mend them."


@pytest.mark.usefixtures("two_processors")
def test_a_process_that_was_killed_is_said_in_words():
    with pytest.raises(KernelDiedError, match=r"was killed.* lower model\.max_training_rows"):
        in_processes([killed, killed], worth=True)
    assert in_processes([partial(late, 1)] * 2, worth=True) == [1, 1]  # the next ones work


@pytest.mark.usefixtures("two_processors")
def test_cards_fitted_in_processes_are_those_fitted_here(monkeypatch):
    rng = np.random.default_rng(5)
    ids = pd.Index([f"A{number:03d}" for number in range(300)], name="account_id")
    size = rng.lognormal(9, 1, 300)
    values = pd.DataFrame({"won_revenue_4q": size, "employees": rng.normal(size=300)}, index=ids)
    won = pd.Series(np.where(rng.random(300) < 0.6, size * rng.gamma(2, size=300), 0.0), index=ids)
    examples = Examples(values, won, tuple(values), frozenset())
    settings = Settings.model_validate({"model": {"bags": 2, "max_bins": 8}})
    found = []
    for rows in (10, 10_000):
        monkeypatch.setattr("tierkit._backtest.seeds.ROWS_WORTH_PROCESSES", rows)
        found.append(steadied_card(examples, settings=settings, now=values, size=20))
    assert found[0] == found[1]


# ---- work ahead of a notebook --------------------------------------------------------------------

WRITES = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1], 'done').touch()"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return what writes a module that a new process can run, and gives its name."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    def written(code: str, name: str = "works_ahead") -> str:
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return written


def test_work_ahead_is_done_when_it_has_been_waited_for(module, tmp_path):
    with working_ahead(module(WRITES), tmp_path, time_limit=60) as finish:
        assert not (tmp_path / "done").exists()
        finish()
        assert (tmp_path / "done").exists()


def test_work_ahead_ends_with_the_run(module, tmp_path):
    begun = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        working_ahead(module("import time; time.sleep(60)"), tmp_path, time_limit=60),
    ):
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 30


def test_work_ahead_ends_with_a_run_that_is_killed(module, tmp_path):
    hangs = module(
        "import os, pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1], 'pid').write_text(str(os.getpid()))\ntime.sleep(300)"
    )
    runs = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tierkit.publishing.prefetch import working_ahead\n"
        "with working_ahead(sys.argv[1], Path(sys.argv[2]), time_limit=300):\n    time.sleep(300)"
    )
    run = subprocess.Popen([sys.executable, "-c", runs, hangs, str(tmp_path)])
    try:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    finally:
        run.kill()
        run.wait()
    wait_until(lambda: has_ended(int((tmp_path / "pid").read_text())))


def has_ended(process_id: int) -> bool:
    """Return whether a process is gone, or waits only for someone to ask how it ended."""
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(holds, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_work_ahead_that_never_ends_is_not_waited_for_longer_than_allowed(module, tmp_path):
    begun = time.monotonic()
    hangs = module("import time; time.sleep(60)")
    with working_ahead(hangs, tmp_path, time_limit=0.2) as finish:
        finish()
    assert time.monotonic() - begun < 30


def test_work_ahead_that_fails_says_nothing_and_stops_nothing(module, tmp_path, capfd):
    with working_ahead(module("raise SystemExit('no')"), tmp_path, time_limit=60) as finish:
        finish()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such priorities")
def test_work_ahead_takes_only_what_the_notebook_leaves(module, tmp_path):
    hangs = module("import time; time.sleep(120)")
    ahead = working_ahead.__module__
    with working_ahead(hangs, tmp_path, time_limit=0.1) as finish:
        (child,) = [one.pid for one in psutil.Process().children() if ahead in one.cmdline()]
        assert os.getpriority(os.PRIO_PROCESS, child) == 10
        assert os.getsid(child) == child
        if Path("/proc/self/autogroup").exists():
            assert Path(f"/proc/{child}/autogroup").read_text().strip().endswith("nice 19")
        finish()


def test_work_ahead_ends_with_its_notebook_and_only_the_last_is_waited_for(module, tmp_path):
    project = make_project(tmp_path / "acme")
    first = write_notebook(project / "nb" / "fit_tier_model.ipynb", notebook("pass"))
    process, seen = tmp_path / "process", []
    hangs = (
        f"import os, pathlib, time\npathlib.Path({str(process)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(300)"
    )
    plan = ReportPlan(
        pages=REPORT_PLAN.pages,
        notebooks=(first, *one(project).notebooks),
        ahead={
            "fit_tier_model": module(hangs, "hangs"),
            "recalibrate": module(WRITES.replace("0.3", "6")),
        },
        beside=lambda folder, _report, _step: seen.append(
            ((folder / "done").exists(), has_ended(int(process.read_text())))
        ),
    )
    run_recalibration(read_settings(project), quarter=QUARTER, plan=plan)
    assert seen == [(True, True)]


def test_without_work_there_is_nothing_to_wait_for(tmp_path):
    with working_ahead("", tmp_path, time_limit=60) as finish:
        finish()


# ---- how far it is -------------------------------------------------------------------------------


class Shown:
    """Stands for what a notebook shows and changes afterwards."""

    def __init__(self, first) -> None:
        self.pages = [first]

    def update(self, page) -> None:
        self.pages.append(page)


@pytest.fixture
def shown(monkeypatch):
    """Return what is shown in a cell that a person waits for."""
    handles = []

    def display(first, **_: bool):
        handles.append(Shown(first))
        return handles[-1]

    monkeypatch.delenv(NOBODY_WAITS, raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": True})())
    monkeypatch.setattr("IPython.display.display", display)
    return handles


def test_a_bar_shows_each_step_and_goes_at_the_end(shown):
    with progress_bar(2) as step:
        step("reading")
        step("fitting")
    (handle,) = shown
    first, reading, fitting, last = (page.html for page in handle.pages)
    assert "starting" in first
    assert "reading" in reading
    assert 'value="0"' in reading
    assert 'value="1"' in fitting
    assert 'max="2"' in fitting
    assert last == ""


def test_a_bar_goes_when_the_work_fails(shown):
    with pytest.raises(ValueError, match="no"), progress_bar(1):
        raise ValueError("no")
    assert shown[0].pages[-1].html == ""


def test_the_kernel_of_a_run_shows_no_bar(shown, monkeypatch):
    monkeypatch.setenv(NOBODY_WAITS, "1")
    with progress_bar(1) as step:
        step("reading")
    assert shown == []


def test_commands_do_not_compile_grammars_of_addresses():
    pytest.importorskip("rfc3987_syntax")
    code = (
        "import sys\n"
        "from tierkit.cli.app import without_grammars_of_addresses\n"
        "with without_grammars_of_addresses():\n"
        "    import tierkit.commands.run, nbformat\n"
        "assert 'lark' not in sys.modules\n"
        "import rfc3987_syntax\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
