"""`run.json`: inputs, times and memory of a run, and the hooks that are given its path."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tierkit.errors import TierkitError
from tierkit.files import make_folder, read_json, write_whole
from tierkit.processes import EndedBySignal, exit_code_of_signal
from tierkit.publishing.leaks import Json, Replacements, scrubbed
from tierkit.settings import Settings, parse_settings, settings_template

_PACKAGES = (
    "tierkit",
    "duckdb",
    "interpret-core",
    "matplotlib",
    "narwhals",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "statsmodels",
)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Stage:
    """One step of a run: its seconds, and the most bytes that it held (None where not known)."""

    name: str
    seconds: float
    peak_memory: int | None = None


def peak_memory(pid: int) -> int | None:
    """Return the most memory that a process has held at a time, in bytes; None where unknown."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) * 1024 for line in lines if line[:1] == ["VmHWM:"]), None)


def most_memory_of_children() -> int | None:
    """Return the most bytes that any ended child of this process held; None where unknown."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def now() -> str:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_run_id() -> str:
    """Return a name for a run: when it began, in UTC, and six digits that no other run shares."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    installed = {name: _version(name) for name in _PACKAGES}
    found = {name: version for name, version in installed.items() if version}
    return {"python": platform.python_version(), **found}


def input_files(source: Path) -> list[dict[str, str | int]]:
    """Return the files that a run reads: name, bytes and SHA-256, one entry per file by name.

    Parameters
    ----------
    source
        The folder of tables or the database file; where it is missing the list is empty.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*"))
    base = source.parent if source.is_file() else source
    return [
        {
            "file": path.relative_to(base).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": file_hash(path),
        }
        for path in files
        if path.is_file() and not path.name.startswith(".")
    ]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def row_counts(run_folder: Path) -> dict[str, int]:
    """Return the rows of each table that the notebooks read, as they noted them in `rows.json`."""
    noted = run_folder / "rows.json"
    return read_json(noted) if noted.is_file() else {}


def settings_rows(
    settings: Settings, replacements: Replacements = ()
) -> list[tuple[str, str, bool]]:
    """Return every effective setting: dotted key, value as JSON, and whether it is the default.

    What `tierkit init` writes into a new project counts as a default too.

    Examples
    --------
    >>> rows = settings_rows(Settings())
    >>> [row for row in rows if row[0] == "stability.keep_band"]
    [('stability.keep_band', '1.25', True)]
    """
    usual = parse_settings(tomllib.loads(settings_template()))
    defaults, written = (
        dict(flat_settings(one.model_dump(mode="json"))) for one in (Settings(), usual)
    )
    values = flat_settings(scrubbed(settings.model_dump(mode="json"), replacements))
    return [
        (key, _text(value), value in (defaults.get(key, _ABSENT), written.get(key, _ABSENT)))
        for key, value in values
    ]


def write_manifest(
    path: Path,
    *,
    run: Mapping[str, Json],
    settings: Settings,
    stages: Sequence[Stage],
    replacements: Replacements = (),
) -> None:
    """Write `run.json`.

    Parameters
    ----------
    run
        What the runner knows: run id, quarter, times, inputs, arguments.
    settings, stages
        The effective settings, and what each step took.
    replacements
        Local paths, and what stands in their place.
    """
    content = {
        **run,
        "settings": settings.model_dump(mode="json"),
        "versions": package_versions(),
        "platform": platform.platform(),
        "stages": [asdict(stage) for stage in stages],
    }
    text = json.dumps(scrubbed(content, replacements), indent=1, ensure_ascii=False)
    write_whole(path, f"{text}\n")


def read_column(path: Path, column: str) -> set[str]:
    """Return the texts of one column of a CSV file, empty ones left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row[column] for row in csv.DictReader(file) if row.get(column)}


_ABSENT = object()


def flat_settings(value: Json, key: str = "") -> list[tuple[str, Any]]:
    """Return nested settings as pairs of a dotted key and its value.

    Examples
    --------
    >>> flat_settings({"run": {"min_group": 5}, "tiers": [{"name": "Tier 1"}]})
    [('run.min_group', 5), ('tiers.0.name', 'Tier 1')]
    """
    if isinstance(value, dict) and value:
        return [
            row
            for name, inner in value.items()
            for row in flat_settings(inner, f"{key}.{name}" if key else str(name))
        ]
    if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        return [
            row for at, inner in enumerate(value) for row in flat_settings(inner, f"{key}.{at}")
        ]
    return [(key, value)]


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


REMAINS_NOTE = "What is left of the run: "
FAILURE_FILE = "failure.json"
FAULT = 70
"""The exit code of a fault of tierkit itself."""
INTERRUPTED = 130
"""The exit code that a shell expects of a command that Ctrl-C ended."""
_SECONDS = 60


@dataclass(frozen=True)
class Ending:
    """The end of a run.

    Attributes
    ----------
    exit_code
        Of the command.
    run_file
        The `run.json` of the report, or of what is left of the run.
    """

    exit_code: int
    run_file: Path


def run_hooks(settings: Settings, ending: Ending) -> str:
    """Run the hook for an ending: no shell, the path of `run.json` as its last argument.

    The command also finds `TIERKIT_RUN_JSON` and `TIERKIT_EXIT_CODE` in its environment, works in
    the project's folder, and has 60 seconds.

    Returns
    -------
    str
        Empty where there is no hook or it ended well; otherwise what happened, in a sentence. A
        hook never changes how the run ended.
    """
    hooks = settings.hooks
    command = hooks.on_failure if ending.exit_code else hooks.on_success
    name = "hooks.on_failure" if ending.exit_code else "hooks.on_success"
    return _run(name, command, settings.folder, ending) if command else ""


def failure_file(settings: Settings, error: BaseException, *, exit_code: int) -> Path:
    """Return the `run.json` of a failed run; one is written where the run had not begun yet."""
    left = remains(error)
    if left is not None and (left / "run.json").is_file():
        return left / "run.json"
    path = settings.scratch / FAILURE_FILE
    content = {"finished": now(), "cause": one_line(error), "exit_code": exit_code}
    with suppress(OSError):
        make_folder(settings.scratch, below=settings.scratch)
        write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path


def remains(error: BaseException) -> Path | None:
    """Return where the remains of a failed run lie, as its error notes it."""
    notes = [str(note) for note in getattr(error, "__notes__", [])]
    found = [note.removeprefix(REMAINS_NOTE) for note in notes if note.startswith(REMAINS_NOTE)]
    return Path(found[-1]) if found else None


def one_line(error: BaseException) -> str:
    """Return the cause of a failure on one line: the kind of error and what it says."""
    said = str(error) or ("interrupted" if isinstance(error, KeyboardInterrupt) else "")
    return " ".join(f"{type(error).__name__}: {said}".split())


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that the command line ends with after an error."""
    if isinstance(error, TierkitError):
        return error.exit_code
    if isinstance(error, EndedBySignal):
        return error.exit_code
    return (exit_code_of_signal() or INTERRUPTED) if is_interruption(error) else FAULT


def is_interruption(error: BaseException) -> bool:
    """Return whether an error is Ctrl-C, also where a query of the database met it.

    Examples
    --------
    >>> is_interruption(KeyboardInterrupt()), is_interruption(RuntimeError("Query interrupted"))
    (True, True)
    """
    met = isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    return isinstance(error, KeyboardInterrupt) or met


def _run(name: str, command: Sequence[str], folder: Path, ending: Ending) -> str:
    given = {"TIERKIT_RUN_JSON": str(ending.run_file), "TIERKIT_EXIT_CODE": str(ending.exit_code)}
    try:
        done = subprocess.run(
            [*command, str(ending.run_file)],
            cwd=folder.resolve(),
            env={**os.environ, **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"{name}: {command[0]} could not be run to its end ({type(error).__name__})."
    return f"{name}: {command[0]} ended with {done.returncode}." if done.returncode else ""
