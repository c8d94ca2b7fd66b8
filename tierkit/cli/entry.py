"""The entry of the command line, and its sentences for whatever goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from tierkit.cli.app import app, say
from tierkit.processes import EndedBySignal, end_on_signals, exit_code_of_signal

if TYPE_CHECKING:
    from tierkit.errors import TierkitError


MOST_ERROR_LINES = 15
_NOT_WRITTEN, _FAULT, _INTERRUPTED, _PIPE_CLOSED = 2, 70, 130, 141
_EARLY_ENDS = (1, _INTERRUPTED)
"""The exit codes that the library of the command line gives to Ctrl-C and to a closed pipe."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    if arguments is None:
        _begin_again_in_utf8()
    given = sys.argv[1:] if arguments is None else list(arguments)
    end_on_signals()
    _write_any_name()
    try:
        app(given, prog_name="tierkit")
    except SystemExit as ended:
        early = _code_of_early_end(ended)
        sys.exit(_code_once_written(ended.code if early is None else early))
    except BaseException as error:
        if "--debug" in given:
            raise
        sys.exit(_code_of(error, given))


def _code_once_written(code: str | int | None) -> str | int | None:
    """Return an exit code once standard output has taken everything, else the code of why not."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_pipe()
    except OSError as error:
        _leave_pipe()
        say(f"Standard output could not be written: {error.strerror}.", err=True)
        return code or _NOT_WRITTEN
    return code


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


def _code_of(error: BaseException, given: Sequence[str]) -> int:
    """Say what went wrong and return the exit code."""
    from tierkit.errors import TierkitError
    from tierkit.files import words_of_fault
    from tierkit.publishing import is_interruption

    if isinstance(error, BrokenPipeError):
        return _leave_pipe()
    if is_interruption(error):
        return _report_interruption(error)
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
    from tierkit.cli.fault import write_fault_report

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
