"""Commands of the project that are told how a run ended; run only where a person asks for it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tierkit.errors import TierkitError
from tierkit.publishing import manifest
from tierkit.settings import Settings

REMAINS_NOTE = "What is left of the run: "
FAILURE_FILE = "failure.json"
INTERRUPTED = 130
"""What a shell expects of a command that Ctrl-C ended."""
_SECONDS = 60


@dataclass(frozen=True)
class Ending:
    """How a run ended.

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
    content = {"finished": manifest.now(), "cause": one_line(error), "exit_code": exit_code}
    with suppress(OSError):
        settings.scratch.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
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
    return INTERRUPTED if is_interruption(error) else 1


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
    told = {"TIERKIT_RUN_JSON": str(ending.run_file), "TIERKIT_EXIT_CODE": str(ending.exit_code)}
    try:
        done = subprocess.run(
            [*command, str(ending.run_file)],
            cwd=folder.resolve(),
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"{name}: {command[0]} could not be run to its end ({type(error).__name__})."
    return f"{name}: {command[0]} ended with {done.returncode}." if done.returncode else ""
