"""The n-th call fails, for every n: the project's files and the last report stay whole.

Run with `python -m benches.faults [SCENARIO …] [FROM-BEFORE]`, of the calls with these numbers
only; a folder in memory (`TMPDIR=/dev/shm`) makes it quicker. Each of `benches.scenarios` is done
in a process of its own, once without harm and counted, then once for every call that opens, writes,
renames, syncs, removes or makes something in the project or starts a program, with that call
refused (no space, a broken disk, no permission, an interruption) or the process killed.

Notebooks of the run are stood in for by what they wrote before, so that all calls are of tierkit's
own process; of a run with its kernel the start of the kernel fails. Afterwards each file must hold
what it held before or what the whole command writes, the exit code must be a documented one, and
the same command must then go through.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from benches.scenarios import FILES, LABEL, SCENARIOS, Scenario
from tierkit.cli.entry import _code_of
from tierkit.files import DRAFT, lock
from tierkit.files.lock import FILES_LOCK, RUN_LOCK
from tierkit.publishing import publish

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES, "EINTR": errno.EINTR}
KILLED = "kill"
LOCKS = (RUN_LOCK, FILES_LOCK)
CODES = frozenset({0, 2, 3, 4, 5, 6, 7, -signal.SIGKILL})
_EVENTS = {"open": 1, "os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1,
           "os.truncate": 1, "os.chmod": 1, "os.utime": 1, "subprocess.Popen": 0}  # fmt: skip
_BELOW = frozenset({"os.remove", "os.rmdir"})


# ---- calls are counted, and one of them fails ----------------------------------------------------


@dataclass
class Calls:
    """The calls of this process that touch a folder; the one with a number fails."""

    folder: str = ""
    fails: int = -1
    how: str = ""
    only: frozenset[str] = frozenset()
    count: int = 0
    last: str = ""

    def note(self, name: str, *paths: object) -> None:
        """Count a call on a path below the folder, and fail where it is the one."""
        if self.only and name not in self.only:
            return
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
            path = _opened(path)
        with suppress(TypeError, ValueError):
            return os.fsdecode(path).startswith(self.folder)  # type: ignore[arg-type]
        return False


def _opened(descriptor: object) -> str:
    """Return the path that a descriptor was opened by; empty where there is none."""
    with suppress(OSError):
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    return ""


CALLS = Calls()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if CALLS.folder and event in _EVENTS:
        paths = arguments[: _EVENTS[event]] or (CALLS.folder,)
        if event in _BELOW and arguments[1] != -1:  # a name in a folder that is open
            paths = (f"{_opened(arguments[1])}/{arguments[0]!s}",)
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
        CALLS.fails, CALLS.how, CALLS.only = calls.fails, calls.how, calls.only
        CALLS.folder = str(folder)
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
    """Return the names of files that are neither as before nor as after; a report is one thing.

    Hidden drafts that a killed process left are no files of the project; the next change takes
    them away.
    """
    files = {name for name in (*found, *before, *after) if not name.endswith(DRAFT)}
    wrong = [name for name in files if found.get(name) not in (before.get(name), after.get(name))]
    whole = [{name: content for name, content in held_.items() if name.startswith("reports/")}
             for held_ in (found, before, after)]  # fmt: skip
    return wrong + ([] if whole[0] in whole[1:] else ["reports"])


_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}[^/\"]*|\.[0-9a-f]{12}(?=\.draft)")
_BYTES_STAMP = re.compile(rb"[0-9]{8}T[0-9]{6}[^/\"]*|20[0-9-]{8}T[0-9:.]{8,}[^\"]*")


def _tree(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by name, locks aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in LOCKS)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Trial:
    """A scenario in a folder: its start, what it holds before and after, and its failures."""

    def __init__(self, scenario: Scenario, base: Path) -> None:
        self.scenario, self.start, self.work = scenario, base / "start", base / "work"
        self.went_through: set[str] = set()
        scenario.make(self.start)
        self._anew()
        self.before = held(self.work)
        self.code, self.count, _ = in_a_process(scenario.act, self.work, Calls(only=scenario.only))
        self.after = held(self.work)
        self.does_something = self.after != self.before or not scenario.faults()

    def fail(self, number: int, how: str) -> tuple[int, str]:
        """Let a call fail in one way; return the exit code, and in words what is wrong."""
        self._anew()
        calls = Calls(fails=number, how=how, only=self.scenario.only)
        code, _, last = in_a_process(self.scenario.act, self.work, calls)
        found = held(self.work)
        harmed = mixed(found, self.before, self.after)
        if not harmed and code in CODES and self._is_untouched():
            return code, ""  # from here it went through
        state = self._state()
        if not harmed and code in CODES and state in self.went_through:
            return code, ""
        again, _, _ = in_a_process(self.scenario.act, self.work, Calls())
        rerun, outside = held(self.work), self.scenario.faults()
        is_right = rerun == self.after or (self.scenario.toggles and rerun == self.before)
        expected = self.scenario.already if found == self.after != self.before else 0
        if not harmed and code in CODES and again == expected and is_right and not outside:
            self.went_through.add(state)
            return code, ""
        return code, (f"call {number} ({last.replace(str(self.work), '')}), {how}: exit {code}, "
                      f"then {again}; harmed {harmed[:3]}, outside {outside[:3]}")  # fmt: skip

    def _state(self) -> str:
        """Return what tells states apart from which the command must go through again.

        Ids of runs, and what the remains of a failed one say, make no difference to the next run.
        """
        if self.scenario.beside is not nullcontext:
            return secrets.token_hex()
        plain = {
            _STAMP.sub("*", name): b"" if "/failed/" in name else _BYTES_STAMP.sub(b"*", content)
            for name, content in _tree(self.work).items()
        }
        return hashlib.sha256(repr(sorted(plain.items())).encode()).hexdigest()

    def _is_untouched(self) -> bool:
        """Return whether the folder holds what it began with, and nothing went out of it."""
        return self.scenario.beside is nullcontext and _tree(self.work) == _tree(self.start)

    def _anew(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.start, self.work)
        self.scenario.reset()


def try_all(
    name: str, scenario: Scenario, base: Path, numbers: range
) -> tuple[Counter[str], list[str]]:
    """Let each call of a scenario fail in each way; return what came of it, and every exception."""
    trial = Trial(scenario, base)
    if trial.code or not trial.does_something:
        raise SystemExit(f"{name}: does nothing by itself (exit code {trial.code})")
    tried = range(trial.count)[numbers.start : numbers.stop]
    ends, wrong = Counter(calls=len(tried)), []
    for number in tried:
        for how in (*ERRORS, KILLED):
            code, said = trial.fail(number, how)
            ends[f"exit {code}"] += 1
            wrong += [f"{name}, {said}"] if said else []
    return ends, wrong


def main(given: list[str]) -> None:
    """Print how many calls were counted, how each failure ended, and everything that was harmed."""
    lock.PATIENCE = 5.0
    count_calls()
    exceptions = []
    numbers = [range(*map(int, one.split("-"))) for one in given if one[0].isdigit()]
    names = [one for one in given if not one[0].isdigit()]
    for name in names or SCENARIOS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as base, SCENARIOS[name].beside():
            ends, wrong = try_all(name, SCENARIOS[name], Path(base), *(numbers or [range(10**6)]))
        calls = ends.pop("calls")
        tried = calls * (len(ERRORS) + 1)
        seconds = time.monotonic() - begun
        print(f"{name}: {calls} calls, {tried} failures, {dict(sorted(ends.items()))}, "
              f"{len(wrong)} exceptions ({seconds:.0f} s)", flush=True)  # fmt: skip
        print("".join(f"  {one}\n" for one in wrong), end="", flush=True)
        exceptions += wrong
    print("exceptions" if exceptions else "every file was as before or completely new")
    if exceptions:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
