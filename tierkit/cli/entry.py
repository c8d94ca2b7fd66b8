"""The entry of the command line, and its sentences for whatever goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tierkit.cli.app import app, say

if TYPE_CHECKING:
    from tierkit.errors import TierkitError


MOST_ERROR_LINES = 15
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    from tierkit.errors import TierkitError

    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(given, prog_name="tierkit")
    except TierkitError as error:
        if "--debug" in given:
            raise
        _report(error)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _report_interruption(ended.__context__)
        raise
    except Exception as error:
        if "--debug" in given:
            raise
        from tierkit.publishing import is_interruption

        if is_interruption(error):
            _report_interruption(error)
            sys.exit(_INTERRUPTED)
        _report_fault(error)
        sys.exit(1)


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

    return f"tierkit help {topic_of(error)}"


def _report_interruption(error: BaseException | None) -> None:
    """Say that Ctrl-C ended the command, and where the remains of a run lie."""
    say("Interrupted. Nothing was published.", err=True)
    while error is not None:
        for note in getattr(error, "__notes__", []):
            say(note, err=True)
        error = error.__cause__ or error.__context__


def _report_fault(error: Exception) -> None:
    """Say in words that tierkit itself failed, and how to see more."""
    said = str(error).strip().splitlines()
    say(f"tierkit failed: {type(error).__name__}: {said[0] if said else ''}"[:500], err=True)
    say("This is a fault of tierkit. Nothing was published.", err=True)
    say("Run the command again with --debug for the whole trace, and report it.", err=True)
    for note in getattr(error, "__notes__", []):
        say(note, err=True)
