"""Commands ended by a signal at random moments: nothing survives, and everything stays whole.

Run with `python -m benches.kill [COUNT]`. A signal (SIGKILL, SIGTERM, SIGHUP or SIGINT) goes to the
command alone while it runs, runs two units at once, accepts tiers or writes an override. Each
starts where the one before left off. Notebooks are tiny, so that the moments fall into every part
of a run; what is ended is a process that has loaded everything already.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from report_samples import LABEL
from tiny_runs import make_project, one, run_project

from benches.faults import a_project, accept, explorer_override
from tierkit.commands.units import _pool
from tierkit.processes import end_on_signals, run_program
from tierkit.publishing import exit_code_of

LOADED = ("tierkit.publishing.execute", "tierkit.publishing.assemble", "tierkit.publishing.gates")
MARK = "TIERKIT_BENCH"
SIGNALS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
SECONDS_TO_END = 5.0


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


def as_command(act: Callable[[Path], object], folder: Path, mark: str) -> None:
    """Act as the command line does, in a process that its children can be known by."""
    os.environ[MARK] = mark
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_on_signals()
    try:
        act(folder)
    except BaseException as error:
        sys.exit(exit_code_of(error))


@dataclass(frozen=True)
class Command:
    """A command, the folder it works on, and the files that must stay whole."""

    act: Callable[[Path], object]
    folder: Path
    files: tuple[Path, ...]


def commands(base: Path) -> dict[str, Command]:
    """Make the projects and return what is ended on them."""
    whole, units = make_project(base / "a cme"), [base / "units" / n for n in ("one", "two")]
    for project in (whole, *(make_project(unit) for unit in units)):
        one(project)
        run_project(project)
    accepted = base / "accepted"
    a_project(accepted)
    reports = tuple(unit / "reports" / LABEL / "facts.json" for unit in units)
    return {
        "run": Command(run_project, whole, (whole / "reports" / LABEL / "facts.json",)),
        "run --each": Command(run_units, base / "units", reports),
        "accept": Command(accept, accepted, (accepted / "tier_history.csv",)),
        "explorer": Command(explorer_override, accepted, (accepted / "overrides.csv",)),
    }


def main(count: int) -> None:
    """Print where the signals fell, how commands ended, and everything that was harmed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiny_runs", "benches.faults", *LOADED])
    rng, ends, harmed = np.random.default_rng(1), Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        made = commands(Path(scratch))
        lasts = {name: _ended(context, made[name], "whole", None, 0)[1] for name in made}
        for number in range(count):
            name = [*made][number % len(made)]
            sent = [*SIGNALS][int(rng.integers(len(SIGNALS)))]
            moment = float(rng.uniform(0.0, lasts[name]))
            code, _, left = _ended(context, made[name], f"{number}-{os.getpid()}", sent, moment)
            ends[name, "ended first" if code == 0 else code] += 1
            if left:
                harmed.append(f"{number}: {name}, {sent.name}: {left} survived {SECONDS_TO_END} s")
            if code not in (0, SIGNALS[sent]):
                harmed.append(f"{number}: {name}, {sent.name}: exit {code}")
            torn = [file.name for file in made[name].files if not _is_whole(file)]
            harmed += [f"{number}: {name}, {sent.name}: {torn} not whole"] if torn else []
        for name, command in made.items():
            code, _, _ = _ended(context, command, "last", None, 0)
            harmed += [f"{name} after the last signal: exit {code}"] if code else []
    print(f"{count} signals: {dict(sorted((f'{n} {c}', k) for (n, c), k in ends.items()))}")
    print("\n".join(harmed) or "nothing survived, nothing was harmed, every command works again")
    if harmed:
        sys.exit(1)


def _ended(
    context: multiprocessing.context.BaseContext,
    command: Command,
    mark: str,
    sent: signal.Signals | None,
    moment: float,
) -> tuple[int, float, int]:
    """Do a command, end it after a time; return its exit code, its seconds, what survived it."""
    process = context.Process(target=as_command, args=(command.act, command.folder, mark))
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


def _is_whole(file: Path) -> bool:
    return file.is_file() and file.read_bytes().endswith((b"\n", b"}"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
