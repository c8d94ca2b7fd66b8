"""The entry of the command line, and its sentences for whatever goes wrong."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import tierkit
from tierkit.cli.app import app, say
from tierkit.processes import EndedBySignal, end_on_signals, exit_code_of_signal

if TYPE_CHECKING:
    from tierkit.errors import TierkitError


MOST_ERROR_LINES = 15
LEAST_MEMORY = 400_000_000
"""Bytes of address space below which no command but `help` is begun."""
_NOT_WRITTEN, _NO_MEMORY, _FAULT, _INTERRUPTED, _PIPE_CLOSED = 2, 7, 70, 130, 141
_COMMANDS = "abcdefghijklmnopqrstuvwxyz-"
_EARLY_ENDS = (1, _INTERRUPTED)
"""The exit codes that the library of the command line gives to Ctrl-C and to a closed pipe."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    if arguments is None:
        _begin_again_in_utf8()
    given = sys.argv[1:] if arguments is None else list(arguments)
    end_on_signals()
    _open_closed_streams()
    _write_any_name()
    if _has_too_little_memory() and given[:1] != ["help"]:
        sys.exit(_say_out_of_memory())
    try:
        app(given, prog_name="tierkit")
    except SystemExit as ended:
        early = _code_of_early_end(ended)
        sys.exit(_code_once_written(ended.code if early is None else early))
    except BaseException as error:
        if "--debug" in given:
            raise
        sys.exit(_code_with_or_without_memory(error, given))


def _code_once_written(code: str | int | None) -> str | int | None:
    """Return an exit code once standard output has taken everything, else the code of why not."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except OSError as error:
        return code or _report_output(error)
    return code


def _report_output(error: OSError) -> int:
    """Say that standard output takes nothing, and return the exit code."""
    _leave_pipe()
    say(f"Standard output could not be written: {error.strerror}. What the command had done by "
        "then stays done.", err=True)  # fmt: skip
    return _NOT_WRITTEN


def _is_of_output(error: OSError) -> bool:
    """Return whether an error came from writing what a command says."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].name == "echo"


def _code_of_early_end(ended: SystemExit) -> int | None:
    """Return the exit code of a command that a signal or a closed pipe ended; None for others."""
    if ended.code not in _EARLY_ENDS:
        return None
    causes = list(_causes(ended))
    if any(isinstance(cause, BrokenPipeError) for cause in causes):
        return _leave_pipe()
    if ended.code != _INTERRUPTED:
        return None
    return _report_interruption(ended.__context__)


def _code_with_or_without_memory(error: BaseException, given: Sequence[str]) -> int:
    """Say what went wrong; where there is no memory left even to say it, say that."""
    try:
        return _code_of(error, given)
    except (MemoryError, SystemError, ImportError):
        return _say_out_of_memory()


def _say_out_of_memory() -> int:
    """Say that memory ran out, with nothing more to import, and return the exit code."""
    with suppress(OSError):
        os.write(2, b"Memory ran out: tierkit needs more than it may have. Raise the limit (ulimit "
                    b"-v), or close other programs.\n")  # fmt: skip
    return _NO_MEMORY


def _has_too_little_memory() -> bool:
    """Return whether a limit lies below what the libraries alone take: loading them may hang."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limits
        return False
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return most != resource.RLIM_INFINITY and most < LEAST_MEMORY


def _open_closed_streams() -> None:
    """Let what is said into a stream that the shell has closed (`>&-`) go nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _code_of(error: BaseException, given: Sequence[str]) -> int:
    """Say what went wrong and return the exit code."""
    from tierkit.errors import TierkitError
    from tierkit.files import words_of_fault
    from tierkit.publishing import is_interruption

    if isinstance(error, BrokenPipeError):
        return _leave_pipe()
    if is_interruption(error):
        return _report_interruption(error)
    if isinstance(error, OSError) and _is_of_output(error):
        return _report_output(error)
    said = error if isinstance(error, TierkitError) else words_of_fault(error)
    if said is not None:
        for note in getattr(error, "__notes__", []) if said is not error else []:
            said.add_note(note)
        _report(said)
        return said.exit_code
    _report_fault(error, given)
    return _FAULT


def _report(error: TierkitError) -> None:
    """Print the list of problems to standard output and the cause to standard error."""
    for problem in error.problems:
        say(f"- {problem}")
    lines = str(error.args[0]).splitlines()
    if error.problems:
        lines.append(f"{len(error.problems)} listed on standard output. Nothing was published.")
    lines += getattr(error, "__notes__", [])
    for line in [*lines[: MOST_ERROR_LINES - 1], f"More: {_more(error)}"]:
        say(line, err=True)


def _more(error: TierkitError) -> str:
    """Return the command that says more about an error."""
    from tierkit.reference import topic_of

    return f"tierkit help {topic_of(error)}".strip()


def _report_interruption(error: BaseException | None) -> int:
    """Say what ended the command, and where the remains of a run lie; return the exit code."""
    causes = list(_causes(error))
    code = exit_code_of_signal() or _INTERRUPTED
    by_signal = next((str(one) for one in causes if isinstance(one, EndedBySignal)), "interrupted")
    with suppress(OSError):  # the terminal may be gone
        say(f"{by_signal[:1].upper()}{by_signal[1:]}. Nothing was published.", err=True)
        for cause in causes:
            for note in getattr(cause, "__notes__", []):
                say(note, err=True)
    return code


def _report_fault(error: BaseException, given: Sequence[str]) -> None:
    """Say in words that tierkit itself failed, and where a report for its makers lies."""
    say(f"tierkit failed ({type(error).__name__}). Nothing was published.", err=True)
    report = write_fault_report(error, command=given[0] if given else "")
    if report is not None:
        say(f"A report without any of your data: {report}. Please send it.", err=True)
    say("The same command with --debug shows the whole trace.", err=True)
    for note in getattr(error, "__notes__", []):
        say(note, err=True)


def _leave_pipe() -> int:
    """Write nothing more to a pipe that nobody reads, and return the exit code."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _PIPE_CLOSED


def _begin_again_in_utf8() -> None:
    """Take names of files for UTF-8 where the locale says ASCII or another encoding."""
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1":
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _write_any_name() -> None:
    """Let names that the terminal cannot show be written in their escaped form."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def fault_text(error: BaseException, *, command: str) -> str:
    """Return what can be sent of a fault: releases, the command's name, the places in the code.

    Messages, values, arguments and paths of the person are left out.

    Examples
    --------
    >>> try:
    ...     raise KeyError("A-17 of Acme")
    ... except KeyError as caught:
    ...     "Acme" in fault_text(caught, command="check")
    False
    """
    from tierkit.publishing import package_versions

    name = command if command and set(command) <= set(_COMMANDS) else "(none)"
    lines = [f"tierkit {tierkit.__version__}: {name} failed", platform.platform()]
    lines += [f"{package} {release}" for package, release in package_versions().items()]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        lines += [_place(frame) for frame in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def write_fault_report(error: BaseException, *, command: str) -> Path | None:
    """Write the report into the system's folder for such files; None where that cannot be."""
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="tierkit-fault-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(fault_text(error, command=command))
        return Path(name)
    return None


def _place(frame: traceback.FrameSummary) -> str:
    """Return a place in code: the path below the folder of packages, the line, the function."""
    parts = Path(frame.filename).parts
    known = [at for at, part in enumerate(parts) if part in ("site-packages", "tierkit", "lib")]
    shown = "/".join(parts[known[-1] :]) if known else parts[-1]
    return f"  {shown}:{frame.lineno} {frame.name}"
