"""Every command where the system refuses: words, a documented exit code, and files as they were.

Run with `python -m benches.refusals [PLACE …]` as the superuser, who may mount a small disk and
give powers up. Places are a full and a read-only disk, a project that somebody else may read only
or not at all, and so little memory that a command cannot end. In each of them every command is
given in a process of its own, which has loaded everything already. In a POSIX locale with a path
that is not ASCII, and with a standard output that takes nothing, commands begin from nothing.

A command must end with a documented code, say why in words, leave no trace and never call it a
fault of tierkit; what it ends with 0 is done. The project's own files and its last report keep
their bytes, unless it ended with 0 or says that what it had done stays done.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benches.faults import held
from benches.kill import LOADED
from benches.scenarios import CRM, a_crm, nothing
from tierkit.cli import main as main_of_tierkit
from tierkit.simulate import simulate_crm, write_crm

HOME = Path(__file__).parent.parent
CODES = frozenset({0, 2, 3, 4, 5, 6, 7, 8})
NOBODY = 65_534
DISK_MB, MEGABYTE = 24, 1_000_000
TOO_LITTLE = (2, 20, 60, 150)
"""Megabytes that a command may ask for beyond what is loaded."""
SIGNS_OF_A_FAULT = ("Traceback", "tierkit failed", "report without any of your data")
Done = subprocess.CompletedProcess
SETTINGS = '\n[push.hubspot]\nfield = "account_tier"\n'
SMALL = (
    "model.bags=1", "model.most_bags=1", "model.max_bins=4", "model.shuffled_refits=1",
    "model.backtest_quarter_ends=1", "roi.certificate_worlds=1", "run.formats=[]",
)  # fmt: skip
"""Settings that make a run as short as it can be."""
CHEAPLY = tuple(word for one in SMALL for word in ("--set", one))
COMMANDS = {
    "init": ("init", "{project}/new"),
    "check": ("check",),
    "run": ("run", *CHEAPLY),
    "run --each": ("run", "--each", "country", *CHEAPLY),
    "run --dry-run": ("run", "--dry-run"),
    "accept": ("accept", "{label}"),
    "push": ("push", "{label}", "--to", "hubspot"),
    "push --yes": ("push", "{label}", "--to", "hubspot", "--yes", "{phrase}"),
    "explain": ("explain", "{account}"),
    "score": (
        "score",
        "--model",
        "{project}/reports/{label}/model.json",
        "-o",
        "{project}/scores.csv",
    ),
    "diff": ("diff", "{label}", "{label}", "--page", "{project}/changes.html"),
    "draw": ("draw", "{label}", "--ranks", "1-4"),
    "undo": ("undo", "tier_history.csv"),
    "clean": ("clean", "--yes"),
    "simulate": ("simulate", "{project}/world", "--accounts", "60", "--quarters", "6"),
    "doctor": ("doctor",),
    "help": ("help", "tiers"),
}
WITHOUT_PROJECT = frozenset({"init", "simulate", "doctor", "help"})


@dataclass(frozen=True)
class Place:
    """A place where the system refuses something.

    Attributes
    ----------
    around
        Makes it around a copy of the project, and gives the project's folder there.
    begin
        What the process of a command does before it begins.
    environment, output
        What its environment holds besides, and where its standard output goes, for a command that
        begins from nothing.
    """

    around: Callable[[Path], AbstractContextManager[Path]]
    begin: Callable[[], None] = nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    output: str = ""


@contextmanager
def a_disk(project: Path, *, fill: bool, read_only: bool) -> Iterator[Path]:
    """Mount a small disk with a copy of the project, which is full or read-only."""
    with tempfile.TemporaryDirectory() as place:
        size = f"size={DISK_MB}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=True)
        try:
            copy = Path(shutil.copytree(project, Path(place) / "acme"))
            if fill:
                _fill(Path(place))
            if read_only:
                subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            yield copy
        finally:
            subprocess.run(["umount", place], check=True)


def _fill(disk: Path) -> None:
    known = os.statvfs(disk)
    (disk / "fill").write_bytes(b"x" * (known.f_bavail * known.f_frsize))


@contextmanager
def a_copy(project: Path, *, name: str = "acme", mode: int = 0o755) -> Iterator[Path]:
    """Copy the project into a folder that others may see, with a mode of its files."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        copy = Path(shutil.copytree(project, Path(place) / name))
        for path in copy.rglob("*"):
            path.chmod(mode if path.is_dir() else mode & 0o666)
            os.chown(path, NOBODY, NOBODY)
        os.chown(copy, NOBODY, NOBODY)
        yield copy


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


def without_powers() -> None:
    """Give up what lets the superuser read and write the files of others."""
    header = _Header(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(ctypes.byref(header), data):
        raise OSError(ctypes.get_errno(), "capget")
    for place in range(2):  # what holds now, and what may hold; over files, 1 to 3
        data[place] &= ~0b1110
    if libc.capset(ctypes.byref(header), data):
        raise OSError(ctypes.get_errno(), "capset")


def with_memory(more: int) -> Callable[[], None]:
    """Return what lets a process ask for so many bytes beyond what it holds."""

    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit


POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PLACES = {
    "full disk": Place(lambda project: a_disk(project, fill=True, read_only=False)),
    "read-only disk": Place(lambda project: a_disk(project, fill=False, read_only=True)),
    "may not write": Place(a_copy, without_powers),
    "may not read": Place(lambda project: a_copy(project, mode=0o700), without_powers),
    **{f"{more} MB of memory": Place(a_copy, with_memory(more * MEGABYTE)) for more in TOO_LITTLE},
    "POSIX locale": Place(
        lambda project: a_copy(project, name="Müller & Söhne"), environment=POSIX
    ),
    "no output": Place(a_copy, output="/dev/full"),
}


# ---- commands, as a shell gives them -------------------------------------------------------------


def a_project(folder: Path) -> dict[str, str]:
    """Make a project with a report whose tiers are accepted; return what its commands name."""
    write_crm(simulate_crm(accounts=60, quarters=10, seed=3), folder)
    for file in (*folder.glob("data/*.csv"), folder / "overrides.csv"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"\bA(?=[0-9]{6}\b)", "1", text), encoding="utf-8")  # ids of HubSpot
    settings = folder / "tierkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    done = command("run", *CHEAPLY, folder=folder)
    if done.returncode:
        raise SystemExit(f"the first run failed: {done.stderr}")
    (report,) = folder.glob("reports/20*")
    command("accept", report.name, folder=folder)
    accounts = (folder / "data" / "accounts.csv").read_text(encoding="utf-8").splitlines()[1:]
    CRM.records = {line.partition(",")[0]: None for line in accounts}
    shown = command("push", report.name, "--to", "hubspot", folder=folder).stdout
    (phrase,) = [line.split('"')[1] for line in shown.splitlines() if "--yes" in line]
    return {"label": report.name, "phrase": phrase, "account": next(iter(CRM.records))}


def command(*arguments: str, folder: Path, place: Place | None = None) -> Done:
    """Give a command in a process of its own; return how it ended."""
    place = place or Place(a_copy)
    named = () if arguments[0] in WITHOUT_PROJECT else ("-f", str(folder))
    asked = [*arguments, *named]
    begins_from_nothing = place.environment or place.output or place.begin is nothing
    return _from_nothing(asked, place) if begins_from_nothing else _loaded(asked, place)


def _from_nothing(asked: Sequence[str], place: Place) -> Done:
    path = {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"}
    with ExitStack() as opened:
        output = opened.enter_context(Path(place.output).open("w")) if place.output else None
        return subprocess.run(
            [sys.executable, "-P", "-m", "tierkit.cli", *asked],
            cwd="/", env={**os.environ, **path, **place.environment},
            stdout=output or subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            check=False,
        )  # fmt: skip


def _loaded(asked: Sequence[str], place: Place) -> Done:
    """Give a command in a copy of this process, which has loaded everything."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as warned:
        process = os.fork()
        if not process:
            os.dup2(said.fileno(), 1)
            os.dup2(warned.fileno(), 2)
            code: object = 70
            try:
                place.begin()
                main_of_tierkit(asked)
            except SystemExit as ended:
                code = ended.code or 0
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)
        _, status = os.waitpid(process, 0)
        said.seek(0)
        warned.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(asked, code, said.read(), warned.read())


def wrong_with(done: Done, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with the end of a command."""
    said = done.stderr or ""
    wrong = [] if done.returncode in CODES else [f"exit {done.returncode}"]
    wrong += [f"says {sign!r}" for sign in SIGNS_OF_A_FAULT if sign in said]
    if done.returncode and not said.strip():
        wrong.append("says nothing")
    if done.returncode and before != after and "stays done" not in said:
        wrong.append(f"changed {sorted({*before.items()} ^ {*after.items()})[0][0]}")
    return wrong


def main(names: list[str]) -> None:
    """Print how the commands ended in each place, and every end that was wrong."""
    exceptions = []
    with a_crm(), tempfile.TemporaryDirectory() as base:
        project = Path(base) / "acme"
        given = a_project(project)
        for module in LOADED:
            importlib.import_module(module)
        for name in names or PLACES:
            begun, ends = time.monotonic(), Counter()
            for what, arguments in COMMANDS.items():
                CRM.records, CRM.updates = dict.fromkeys(CRM.records), []
                with PLACES[name].around(project) as copy:
                    model = copy / "reports" / given["label"] / "model.json"
                    asked = [one.format(project=copy, model=model, **given) for one in arguments]
                    before = held(copy)
                    done = command(*asked, folder=copy, place=PLACES[name])
                    wrong = wrong_with(done, before, held(copy))
                ends[f"exit {done.returncode}"] += 1
                last = (done.stderr or "").strip().splitlines()[-3:]
                exceptions += [f"{name}, {what}: {', '.join(wrong)}: {last}"] if wrong else []
            print(f"{name}: {len(COMMANDS)} commands, {dict(sorted(ends.items()))} "
                  f"({time.monotonic() - begun:.0f} s)", flush=True)  # fmt: skip
    print("\n".join(exceptions) or "every command ended with its code and a sentence")
    if exceptions:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
