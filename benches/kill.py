"""Commands ended by a signal at random moments: nothing survives, and everything stays whole.

Run with `python -m benches.kill [COUNT] [SEED]`. A signal (SIGKILL, SIGTERM, SIGHUP or SIGINT) goes
to the command alone while it runs, runs two units at once, accepts tiers, draws, pushes or writes
from the explorer. A run starts where the one before left off, every other command on a project of
its own; afterwards it must go through. Notebooks are tiny, so that the moments fall into every part
of a run; what is ended is a process that has loaded everything already.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np

from benches.faults import held, mixed
from benches.scenarios import LABEL, SCENARIOS, Scenario, make_project, one, run_project
from tierkit.commands.units import _pool
from tierkit.processes import end_on_signals, run_program
from tierkit.publishing import exit_code_of

LOADED = (
    "benches.scenarios", "tierkit.publishing.execute", "tierkit.publishing.assemble",
    "tierkit.publishing.gates", "tierkit.crm.trusted",
)  # fmt: skip
MARK = "TIERKIT_BENCH"
CAUGHT = "TIERKIT_BENCH_CAUGHT"
"""Names the file that a command makes once it catches signals; before, the system ends it."""
SIGNALS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
SECONDS_TO_END = 5.0
TITLED = ("leadership.html", "analyst.html", "run.json")
FILES_OF_A_REPORT = {*TITLED, "accounts.xlsx", "facts.json", "model.json", "notebooks",
                     "summary.txt", "tiers.csv"}  # fmt: skip
_TITLE, _TITLE_SAID = re.compile('title = "Acme[ 0-9]*"'), re.compile("Acme[ 0-9]*")
TURNS = {"run": 5, "run --each": 3}
"""How many signals of a round go to what takes seconds; everything else gets five."""
CHANGES = ("accept", "draw", "push", "explorer override", "explorer settings")


def run_units(folder: Path) -> None:
    """Run two units as `tierkit run --each` does, each in a process of its own."""
    place = str(Path(__file__).parent.parent / "tests")
    code = (
        f"import sys; sys.path.insert(0, {place!r}); from pathlib import Path; "
        "from tiny_runs import run_as_command; run_as_command(Path(sys.argv[1]))"
    )
    with _pool(2) as (pool, programs):
        asked = [
            pool.submit(run_program, [sys.executable, "-c", code, str(unit)], running=programs)
            for unit in (folder / "one", folder / "two")
        ]
        for done in as_completed(asked):
            done.result()


# ---- what is ended -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runs:
    """Runs of projects, each from where the one before ended; their reports must stay whole.

    Every run has a title of its own, so that it has something new to publish.
    """

    act: Callable[[Path], object]
    folder: Path
    projects: tuple[Path, ...]
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Publish a first report of each project."""
        for project in self.projects:
            one(make_project(project))
            run_project(project)

    def anew(self) -> None:
        """Leave everything where the last one left off, but for the title."""
        number = next(self.numbers)
        for project in self.projects:
            file = project / "tierkit.toml"
            file.write_text(_TITLE.sub(f'title = "Acme {number}"', file.read_text()))

    def harm(self) -> list[str]:
        """Return the reports that are not those of one run."""
        reports = [project / "reports" / LABEL for project in self.projects]
        return [f"{report} is not whole" for report in reports if not _is_of_one_run(report)]

    def harm_after_another(self, code: int, _found: dict[str, bytes]) -> list[str]:
        """Return why the next run did not go through."""
        return [f"the next one ended with {code}"] if code else self.harm()


@dataclass(frozen=True)
class Changes:
    """A command that changes files of a project, from the same start each time."""

    scenario: Scenario
    base: Path
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the start, and note what the files hold before and after the command."""
        self.scenario.make(self.base / "start")
        self.anew()
        self.before.update(held(self.folder))
        self.act(self.folder)
        self.after.update(held(self.folder))

    @property
    def act(self) -> Callable[[Path], object]:
        """What the command does to a project's folder."""
        return self.scenario.act

    @property
    def folder(self) -> Path:
        """The project that is worked on."""
        return self.base / "work"

    def anew(self) -> None:
        """Put the project, and what lies beside it, back to the start."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.base / "start", self.folder)
        self.scenario.reset()

    def harm(self) -> list[str]:
        """Return the files that are neither old nor new."""
        return [f"{name} is mixed" for name in mixed(held(self.folder), self.before, self.after)]

    def harm_after_another(self, code: int, found: dict[str, bytes]) -> list[str]:
        """Return what is wrong once the same command was given again, from what was found."""
        is_done = found == self.after != self.before
        wrong = [] if code == (self.scenario.already if is_done else 0) else [
            f"the same command then ended with {code}"
        ]  # fmt: skip
        if held(self.folder) != self.after:
            wrong.append("the same command then gave something else")
        return wrong + self.scenario.faults()


Command = Runs | Changes


def commands(base: Path) -> dict[str, Command]:
    """Make the projects and return what is ended on them."""
    whole, units = base / "a cme", base / "units"
    return {
        "run": Runs(run_project, whole, (whole,)),
        "run --each": Runs(run_units, units, (units / "one", units / "two")),
        **{name: Changes(SCENARIOS[name], base / name) for name in CHANGES},
    }


# ---- ended, and looked at ------------------------------------------------------------------------


def main(signals: int, seed: int) -> None:
    """Print where the signals fell, how commands ended, and everything that was harmed."""
    rng, begun = np.random.default_rng(seed), time.monotonic()
    ends: Counter[tuple[str, str]] = Counter()
    harmed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as beside:
        os.environ[CAUGHT] = str(caught := Path(scratch) / "signals are caught")
        for name in CHANGES:
            beside.enter_context(SCENARIOS[name].beside())
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*LOADED])
        made = commands(Path(scratch))
        lasts = {}
        for name, command in made.items():
            command.anew()
            lasts[name] = _ended(context, command, "whole", None, 0)[1]
        turns = [name for place in range(5) for name in made if place < TURNS.get(name, 5)]
        for number in range(signals):
            name = turns[number % len(turns)]
            sent = [*SIGNALS][int(rng.integers(len(SIGNALS)))]
            made[name].anew()
            caught.unlink(missing_ok=True)
            moment = float(rng.uniform(0.0, lasts[name]))
            code, took, left = _ended(context, made[name], f"{number}-{os.getpid()}", sent, moment)
            ends[name, "ended first" if code == 0 else f"exit {code}"] += 1
            lasts[name] = took if code == 0 else lasts[name]  # how busy the computer is now
            said = [f"{left} survived {SECONDS_TO_END:g} s"] if left else []
            if caught.exists() and code not in (0, SIGNALS[sent]):
                said.append(f"exit {code}")
            said += made[name].harm()
            if isinstance(made[name], Changes) or number >= signals - len(turns) // 5:
                found = held(made[name].folder)
                again, _, _ = _ended(context, made[name], "again", None, 0)
                said += made[name].harm_after_another(again, found)
            harmed += [f"{number}: {name}, {sent.name} after {moment:.3f} s: {one}" for one in said]
    print(f"{signals} signals: {dict(sorted((f'{n}, {c}', k) for (n, c), k in ends.items()))}")
    print("\n".join(harmed) or "nothing survived, nothing was harmed, every command works again")
    print(f"({time.monotonic() - begun:.0f} s)")
    if harmed:
        sys.exit(1)


def as_command(
    act: Callable[[Path], object], folder: Path, mark: str, given: dict[str, str]
) -> None:
    """Act as the command line does, in a process that its children can be known by."""
    os.environ.update(given | {MARK: mark})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_on_signals()
    Path(given[CAUGHT]).touch()
    try:
        act(folder)
    except BaseException as error:
        sys.exit(exit_code_of(error))


def _ended(
    context: multiprocessing.context.BaseContext,
    command: Command,
    mark: str,
    sent: signal.Signals | None,
    moment: float,
) -> tuple[int, float, int]:
    """Do a command, end it after a time; return its exit code, its seconds, what survived it."""
    given = {name: value for name, value in os.environ.items()
             if name.startswith(("TIERKIT_HUBSPOT", CAUGHT))}  # fmt: skip
    process = context.Process(target=as_command, args=(command.act, command.folder, mark, given))
    begun = time.monotonic()
    process.start()
    if sent is not None:
        process.join(moment)
        if process.is_alive():
            os.kill(process.pid, sent)
    process.join()
    took, left = time.monotonic() - begun, 0
    if sent is not None:
        until = time.monotonic() + SECONDS_TO_END
        while (left := _marked(mark)) and time.monotonic() < until:
            time.sleep(0.1)
    return process.exitcode, took, left


def _marked(mark: str) -> int:
    """Return how many processes of this computer carry a mark in their environment."""
    sought, found = f"{MARK}={mark}".encode(), 0
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            found += sought in place.read_bytes().split(b"\0")
        except OSError:
            continue
    return found


def _is_of_one_run(report: Path) -> bool:
    """Return whether a report has all its files, and those that hold a title hold the same."""
    names = {path.name for path in report.glob("*")}
    if names != FILES_OF_A_REPORT:
        return False
    titled = [(report / name).read_text(encoding="utf-8") for name in TITLED]
    facts = (report / "facts.json").read_bytes()
    return len({_TITLE_SAID.search(text)[0] for text in titled}) == 1 and facts.endswith(b"}")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(200, 1)[len(given) :])
