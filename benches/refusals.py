"""Every command where the system refuses: words, a documented exit code, and files as they were.

Run with `python -m benches.refusals [PLACE …]` as the superuser, who may mount a small disk and
become somebody else. Places are a full and a read-only disk, a project that somebody else may read
only or not at all, so little memory that a command cannot end (`ulimit -v`), a POSIX locale with a
path that is not ASCII, and a standard output that takes nothing. In each of them every command is
given in a process of its own, as the command line gives it.

A command must end with a documented code, say why in words, leave no trace and never call it a
fault of tierkit; what it ends with 0 is done. The project's own files and its last report keep
their bytes, unless it ended with 0.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benches.faults import held
from benches.scenarios import CRM, a_crm
from tierkit.simulate import simulate_crm, write_crm

HOME = Path(__file__).parent.parent
CODES = frozenset({0, 2, 3, 4, 5, 6, 7, 8})
NOBODY = 65_534
DISK_MB, MEGABYTE = 24, 1_000_000
TOO_LITTLE = (160, 300, 500, 800)
"""Megabytes of memory that a command is given, by `ulimit -v`."""
SIGNS_OF_A_FAULT = ("Traceback", "tierkit failed", "report without any of your data")
Done = subprocess.CompletedProcess
SETTINGS = """
[push.hubspot]
field = "account_tier"
[model]
bags = 1
most_bags = 1
max_bins = 4
shuffled_refits = 1
backtest_quarter_ends = 1
[roi]
certificate_worlds = 1
[run]
formats = []
"""
COMMANDS = {
    "init": ("init", "{project}/new"),
    "check": ("check",),
    "run": ("run",),
    "run --each": ("run", "--each", "country"),
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
    memory
        The bytes that a command may ask for; None where there is no limit.
    user
        The number of the user who gives the command; None for the superuser.
    environment
        What its environment holds besides.
    output
        Where its standard output goes; it is read where none is named.
    """

    around: Callable[[Path], AbstractContextManager[Path]]
    memory: int | None = None
    user: int | None = None
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
        copy.chmod(0o755)
        yield copy


POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PLACES = {
    "full disk": Place(lambda project: a_disk(project, fill=True, read_only=False)),
    "read-only disk": Place(lambda project: a_disk(project, fill=False, read_only=True)),
    "may not write": Place(a_copy, user=NOBODY),
    "may not read": Place(lambda project: a_copy(project, mode=0o700), user=NOBODY),
    "POSIX locale": Place(
        lambda project: a_copy(project, name="Müller & Söhne"), environment=POSIX
    ),
    "no output": Place(a_copy, output="/dev/full"),
    **{f"{most} MB of memory": Place(a_copy, most * MEGABYTE) for most in TOO_LITTLE},
}


# ---- commands, as a shell gives them -------------------------------------------------------------


def a_project(folder: Path) -> dict[str, str]:
    """Make a project with a report whose tiers are accepted; return what its commands name."""
    write_crm(simulate_crm(accounts=60, quarters=10, seed=3), folder)
    settings = folder / "tierkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    done = command("run", folder=folder)
    (report,) = folder.glob("reports/20*")
    if done.returncode:
        raise SystemExit(f"the first run failed: {done.stderr}")
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
    prefix = () if place.user is None else (
        "setpriv", f"--reuid={place.user}", f"--regid={place.user}", "--clear-groups"
    )  # fmt: skip
    path = {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1"}

    def limit() -> None:
        if place.memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (place.memory, place.memory))

    with tempfile.TemporaryDirectory() as home, ExitStack() as opened:
        Path(home).chmod(0o777)
        output = opened.enter_context(Path(place.output).open("w")) if place.output else None
        return subprocess.run(
            [*prefix, sys.executable, "-P", "-m", "tierkit.cli", *arguments, *named],
            cwd="/", env={**os.environ, **path, "HOME": home, **place.environment},
            stdout=output or subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            preexec_fn=limit, check=False,
        )  # fmt: skip


def wrong_with(done: Done, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with the end of a command."""
    said = done.stderr or ""
    wrong = [] if done.returncode in CODES else [f"exit {done.returncode}"]
    wrong += [f"says {sign!r}" for sign in SIGNS_OF_A_FAULT if sign in said]
    if done.returncode and not said.strip():
        wrong.append("says nothing")
    if done.returncode and before != after:
        wrong.append(f"changed {sorted({*before.items()} ^ {*after.items()})[0][0]}")
    return wrong


def main(names: list[str]) -> None:
    """Print how the commands ended in each place, and every end that was wrong."""
    exceptions = []
    with a_crm(), tempfile.TemporaryDirectory() as base:
        project = Path(base) / "acme"
        given = a_project(project)
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
