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

import tierkit
from tierkit._backtest.seeds import steadied_card
from tierkit.errors import DataError, KernelDiedError, Problem
from tierkit.models.examples import Examples
from tierkit.parallel import BESIDE_OTHERS, free_processors, in_processes, side_by_side
from tierkit.rendering.html import NOBODY_WAITS, progress_bar
from tierkit.settings import Settings


def process_id(_: int) -> int:
    return os.getpid()


def late(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0.0)
    return number


def fails() -> None:
    raise DataError("accounts: wrong", [Problem("2 rows", "Fix them.", "accounts")])


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
    assert caught.value.problems[0].fix == "Fix them."


@pytest.mark.usefixtures("two_processors")
def test_a_process_that_was_killed_is_said_in_words():
    with pytest.raises(KernelDiedError, match=r"was killed.* lower model\.max_training_rows"):
        in_processes([killed, killed], worth=True)
    assert in_processes([partial(late, 1)] * 2, worth=True) == [1, 1]  # the next ones work


@pytest.mark.usefixtures("two_processors")
def test_cards_fitted_in_processes_are_those_fitted_here(monkeypatch):
    rng = np.random.default_rng(5)
    names = [f"A{number:03d}" for number in range(300)]
    keys = ["account_id", "as_of"]
    ids = pd.MultiIndex.from_product([names, [pd.Timestamp(2026, 1, 1)]], names=keys)
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


# ---- nothing is left behind ----------------------------------------------------------------------

STARTS_PROCESSES = """
import os, signal, sys, time
from functools import partial
from pathlib import Path
import tierkit.parallel as parallel
parallel.free_processors = lambda: 2
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind a shell ignores it

def works(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(300)

parallel.in_processes([partial(works, sys.argv[1])] * 2, worth=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_by_one_that_was_ended(tmp_path, sent):
    run = subprocess.Popen([sys.executable, "-c", STARTS_PROCESSES, str(tmp_path)])
    try:
        wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
        run.send_signal(sent)
        run.wait()
        wait_until(lambda: all(has_ended(int(one.name)) for one in tmp_path.iterdir()))
    finally:
        run.kill()


def has_ended(process_id: int) -> bool:
    """Return whether a process is gone, or waits only for someone to ask how it ended."""
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(holds, *, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_nothing_is_written_where_the_system_keeps_its_processes():
    package = Path(tierkit.__file__).parent
    texts = {file.name: file.read_text(encoding="utf-8") for file in package.rglob("*.py")}
    assert [
        name for name, text in texts.items() if "autogroup" in text or "setpriority" in text
    ] == []
    # one module reads there what memory a kernel took
    assert [name for name, text in texts.items() if '"/proc' in text] == ["manifest.py"]


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


def test_a_run_does_not_compile_grammars_of_addresses():
    pytest.importorskip("rfc3987_syntax")
    code = (
        "import sys\n"
        "from tierkit.publishing.run import load_what_runs_notebooks\n"
        "load_what_runs_notebooks()\n"
        "import papermill, nbformat\n"
        "assert 'lark' not in sys.modules\n"
        "import rfc3987_syntax\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
