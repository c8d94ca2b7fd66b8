"""The n-th call fails, for every n: the project's files and the last report stay whole.

Run with `python -m benches.faults [SCENARIO …]`. A run, an acceptance, a draw, an undo and both
writes of the explorer are done in a process of their own, once without harm and counted, then once
for every call that opens, writes, renames, syncs, removes or makes something in the project, with
that call refused (no space, a broken disk, no permission, an interruption) or the process killed.

Notebooks of the run are stood in for by what they wrote before, so that all calls are of tierkit's
own process. Afterwards each file must hold what it held before or what the whole command writes,
the exit code must be a documented one, and the same command must then go through.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from projects import write_project
from report_samples import LABEL, write_published
from tiny_runs import QUARTER, make_project, one

from tierkit.cli.entry import _code_of
from tierkit.commands.accept import accept_tiers
from tierkit.commands.housekeeping import undo_last_change
from tierkit.explorer import scenarios, writing
from tierkit.files import lock
from tierkit.publishing import execute, publish
from tierkit.publishing.run import run_recalibration
from tierkit.runs import draw_quarter_band
from tierkit.settings import read_settings
from tierkit.tiers import read_overrides

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES, "EINTR": errno.EINTR}
KILLED = "kill"
CODES = frozenset({0, 2, 3, 4, 5, 6, 7, -signal.SIGKILL})
FILES = ("tier_history.csv", "overrides.csv", "tierkit.toml", "experiments")
_EVENTS = {"open": 1, "os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1,
           "os.truncate": 1, "os.chmod": 1, "os.utime": 1, "subprocess.Popen": 0}  # fmt: skip


# ---- calls are counted, and one of them fails ----------------------------------------------------


@dataclass
class Calls:
    """The calls of this process that touch a folder; the one with a number fails."""

    folder: str = ""
    fails: int = -1
    how: str = ""
    count: int = 0
    last: str = ""

    def note(self, name: str, *paths: object) -> None:
        """Count a call on a path below the folder, and fail where it is the one."""
        if not self.folder or not any(self._is_ours(path) for path in paths):
            return
        here, self.count = self.count, self.count + 1
        if here != self.fails:
            return
        self.last = f"{name} {paths[0]!s}"
        if self.how == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(ERRORS[self.how], os.strerror(ERRORS[self.how]), str(paths[0]))

    def _is_ours(self, path: object) -> bool:
        if isinstance(path, int):
            with suppress(OSError):
                path = str(Path(f"/proc/self/fd/{path}").readlink())
        with suppress(TypeError, ValueError):
            return os.fsdecode(path).startswith(self.folder)  # type: ignore[arg-type]
        return False


CALLS = Calls()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if CALLS.folder and event in _EVENTS:
        paths = arguments[: _EVENTS[event]] or (CALLS.folder,)
        if event == "open" and isinstance(arguments[0], int):
            return  # the file was opened, and counted, before it got its Python object
        CALLS.note(event, *paths)


class Written:
    """A file whose writes are counted."""

    def __init__(self, file: io.IOBase, path: object) -> None:
        self._file, self._path = file, path

    def write(self, content: object) -> object:
        CALLS.note("write", self._path)
        return self._file.write(content)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[object]:
        return iter(self._file)


def count_calls() -> None:
    """Count from now on what this process does to the folder of `CALLS`."""
    sys.addaudithook(_audit)
    usual_open, usual_sync, usual_exchange = io.open, os.fsync, publish.exchange

    def counted_open(path: object, mode: str = "r", *rest: object, **named: object) -> object:
        file = usual_open(path, mode, *rest, **named)  # type: ignore[call-overload]
        writes = any(sign in mode for sign in "wax+") and CALLS._is_ours(path)
        return Written(file, path) if writes else file

    def counted_sync(descriptor: int) -> None:
        CALLS.note("fsync", descriptor)
        usual_sync(descriptor)

    def counted_exchange(one_folder: Path, other: Path) -> bool:
        CALLS.note("exchange", one_folder)
        return usual_exchange(one_folder, other)

    io.open = builtins.open = counted_open  # type: ignore[assignment]
    os.fsync = counted_sync
    publish.exchange = counted_exchange


# ---- what is done --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A command on a project: what it starts from, and what it does."""

    make: Callable[[Path], object]
    act: Callable[[Path], object]


TOML = """
[[tiers]]
name = "Tier 1"
capacity = 2
[[tiers]]
name = "Tier 2"
"""
HEAD = "account_id,tier,reason,set_by,set_on,review_on\n"
ROW = {"account_id": "A2", "tier": "Tier 1", "reason": "plan", "set_by": "Kim",
       "set_on": "2026-10-05", "review_on": "2027-01-05"}  # fmt: skip


def a_project(folder: Path) -> None:
    accounts = "account_id,name\n" + "".join(f"A{n},Name {n}\n" for n in range(1, 7))
    write_project(folder, accounts=accounts, settings=TOML)
    (folder / "overrides.csv").write_text(f"{HEAD}A6,Tier 2,new,Lee,2026-07-01,2027-01-05\n")
    tiers = "account_id,tier,rank,score,predicted_revenue,overridden\n" + "".join(
        f"A{n},Tier {1 if n < 3 else 2},{n},{9 - n},{900 - n},False\n" for n in range(1, 7)
    )
    for label in ("2026Q2", "2026Q3"):
        write_published(folder / "reports", label, tiers)
    accept_tiers(read_settings(folder), "2026Q2")
    (folder / "review.csv").write_text(HEAD + ",".join(ROW.values()) + "\n")


def accept(folder: Path) -> None:
    accept_tiers(read_settings(folder), "2026Q3", review=folder / "review.csv")


def draw(folder: Path) -> None:
    draw_quarter_band(read_settings(folder), "2026Q3", upper="Tier 1", ranks=(1, 4), seed=1)


def undo(folder: Path) -> None:
    undo_last_change(folder, "tier_history.csv")


def explorer_override(folder: Path) -> None:
    settings = read_settings(folder)
    accounts = frozenset(f"A{n}" for n in range(1, 7))
    writing.overrides_of = lambda _basis, given, folder=None: read_overrides(
        folder or given.folder, accounts=accounts, tiers=given.tiers, as_of=QUARTER.as_of
    )
    writing.write_override(None, settings, dict(ROW))  # type: ignore[arg-type]


def explorer_settings(folder: Path) -> None:
    settings = read_settings(folder)
    file = folder / "tierkit.toml"
    held = SimpleNamespace(_stage=SimpleNamespace(settings=settings), _file_text=TOML,
                           _read_file=lambda: file.read_text())  # fmt: skip
    scenarios.Scenarios._write(held, file, TOML.replace("capacity = 2", "capacity = 3"))


def a_reported_project(folder: Path) -> None:
    """Make a project with a report, and keep what its notebook left for the stand-in."""
    make_project(folder)
    plan = one(folder)
    usual = execute.execute_notebook

    def kept(path: Path, **options: object) -> execute.Execution:
        done = usual(path, **options)  # type: ignore[arg-type]
        shutil.copytree(options["copy"].parent.parent, folder / "left")  # type: ignore[attr-defined]
        return done

    execute.execute_notebook = kept
    try:
        run_recalibration(read_settings(folder), quarter=QUARTER, plan=plan)
    finally:
        execute.execute_notebook = usual
    for page in (folder / "reports" / LABEL).glob("leadership.html"):
        page.write_text(page.read_text().replace("Three", "Four"))
    for name in FILES[:2]:
        (folder / name).write_text("account_id,tier,start_date\n" if "tier" in name else HEAD)


def run(folder: Path) -> None:
    def stand_in(path: Path, *, copy: Path, **_: object) -> execute.Execution:
        shutil.copytree(folder / "left", copy.parent.parent, dirs_exist_ok=True)
        made = execute.nbformat.read(copy, as_version=4)
        return execute.Execution(path.stem, made, None)

    execute.execute_notebook = stand_in
    plan = replace(one(folder), notebooks=(folder / "nb" / "recalibrate.ipynb",))
    run_recalibration(read_settings(folder), quarter=QUARTER, plan=plan)


SCENARIOS = {
    "accept": Scenario(a_project, accept),
    "draw": Scenario(a_project, draw),
    "undo": Scenario(a_project, undo),
    "explorer override": Scenario(a_project, explorer_override),
    "explorer settings": Scenario(a_project, explorer_settings),
    "run": Scenario(a_reported_project, run),
}


# ---- once for every call -------------------------------------------------------------------------


def in_a_process(act: Callable[[Path], object], folder: Path, calls: Calls) -> tuple[int, int, str]:
    """Act in a process of its own; return its exit code, its calls, and the one that failed."""
    told = folder.parent / "told"
    told.unlink(missing_ok=True)
    process = os.fork()
    if not process:
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
        os.chdir("/")
        code = 0
        CALLS.fails, CALLS.how, CALLS.folder = calls.fails, calls.how, str(folder)
        try:
            act(folder)
        except BaseException as error:
            CALLS.folder = ""
            code = _code_of(error, [])
        CALLS.folder = ""
        told.write_text(f"{CALLS.count}\n{CALLS.last}")
        os._exit(code)
    _, status = os.waitpid(process, 0)
    count, _, last = told.read_text().partition("\n") if told.exists() else ("0", "", KILLED)
    return os.waitstatus_to_exitcode(status), int(count), last


def held(folder: Path) -> dict[str, bytes]:
    """Return the project's files and its published reports by name; times of a run aside."""
    places = [path for name in FILES for path in [folder / name, *(folder / name).glob("*")]]
    places += [
        path for label in (LABEL, "2026Q2") for path in (folder / "reports" / label).rglob("*")
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in places if path.is_file() and path.name != "run.json"}  # fmt: skip


def mixed(found: dict[str, bytes], before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Return the names of files that are neither as before nor as after; a report is one thing."""
    files = {*found, *before, *after}
    wrong = [name for name in files if found.get(name) not in (before.get(name), after.get(name))]
    whole = [{name: content for name, content in held_.items() if name.startswith("reports/")}
             for held_ in (found, before, after)]  # fmt: skip
    return wrong + ([] if whole[0] in whole[1:] else ["reports"])


def try_all(name: str, scenario: Scenario, base: Path) -> tuple[Counter[str], list[str]]:
    """Let each call of a scenario fail in each way; return what came of it, and every exception."""
    start, run = base / "start", base / "work"
    scenario.make(start)
    shutil.copytree(start, run)
    before = held(run)
    code, count, _ = in_a_process(scenario.act, run, Calls())
    after, ends, wrong = held(run), Counter(), []
    if code or before == after:
        raise SystemExit(f"{name}: does nothing by itself (exit code {code})")
    for number in range(count):
        for how in (*ERRORS, KILLED):
            shutil.rmtree(run)
            shutil.copytree(start, run)
            code, _, last = in_a_process(scenario.act, run, Calls(fails=number, how=how))
            harmed = mixed(held(run), before, after)
            again, _, _ = in_a_process(scenario.act, run, Calls())
            rerun = held(run) == after or name == "undo" or (name == "draw" and again == 2)
            ends[f"exit {code}"] += 1
            if harmed or code not in CODES or not rerun:
                wrong.append(f"{name}, call {number} ({last.replace(str(run), '')}), {how}: exit "
                             f"{code}, then {again}; harmed {harmed[:3]}")  # fmt: skip
    return ends + Counter(calls=count), wrong


def main(names: list[str]) -> None:
    """Print how many calls were counted, how each failure ended, and everything that was harmed."""
    lock.PATIENCE = 5.0
    count_calls()
    exceptions = []
    for name in names or SCENARIOS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as base:
            ends, wrong = try_all(name, SCENARIOS[name], Path(base))
        calls = ends.pop("calls")
        tried = calls * (len(ERRORS) + 1)
        seconds = time.monotonic() - begun
        print(f"{name}: {calls} calls, {tried} failures, {dict(sorted(ends.items()))}, "
              f"{len(wrong)} exceptions ({seconds:.0f} s)", flush=True)  # fmt: skip
        exceptions += wrong
    print("\n".join(exceptions) or "every file was as before or completely new")
    if exceptions:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
