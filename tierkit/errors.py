"""Errors that a person can act on: each is a sentence and carries the exit code of the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input, in words.

    Attributes
    ----------
    message
        What is wrong and what was found.
    fix
        What to do about it.
    table, column
        Where it is, empty where it concerns none.
    rule
        The short name of the check, stable over releases.
    rows
        How many rows it touches; None where rows are not the matter.
    examples
        At most five ids of such rows.
    blocks
        Whether a run must stop; a warning otherwise.

    Examples
    --------
    >>> print(Problem("2 rows hold no date", "Write dates as 2026-09-30.", "opportunities",
    ...               "close_date", rows=2, examples=("O-1", "O-2")))
    opportunities.close_date: 2 rows hold no date, for example O-1, O-2. Write dates as 2026-09-30.
    >>> print(Problem("the file is empty. Export it again.", "", "accounts"))
    accounts: the file is empty. Export it again.
    """

    message: str
    fix: str
    table: str = ""
    column: str = ""
    rule: str = ""
    rows: int | None = None
    examples: tuple[str, ...] = ()
    blocks: bool = True

    def __str__(self) -> str:
        """Return the problem as one line: where, what, for example, what to do."""
        where = ".".join(part for part in (self.table, self.column) if part)
        example = f", for example {', '.join(self.examples[:5])}" if self.examples else ""
        said = f"{self.message.rstrip('.')}{example}. {self.fix}".rstrip()
        return f"{where}: {said}" if where else said


class TierkitError(Exception):
    """Base of every error that tierkit raises on purpose.

    Parameters
    ----------
    message
        One sentence: what went wrong and where.
    problems
        Everything that was found, not only the first.
    """

    exit_code = 1

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """Return the message and below it one line per problem."""
        return "\n".join([super().__str__(), *(f"  - {problem}" for problem in self.problems)])


class SettingsError(TierkitError):
    """A setting, an argument or a rule is wrong; nothing was started."""

    exit_code = 2


class DataError(TierkitError):
    """The rows of an input cannot be trusted; nothing was published."""

    exit_code = 3


class GateError(TierkitError):
    """A finished report did not pass a gate; nothing was published."""

    exit_code = 4


class NotebookError(TierkitError):
    """A notebook raised an error or stopped early; nothing was published."""

    exit_code = 5


class TimeLimitError(TierkitError):
    """A notebook ran longer than it may; nothing was published."""

    exit_code = 6


class KernelDiedError(TierkitError):
    """The kernel of a notebook died; nothing was published."""

    exit_code = 7


class CrmError(TierkitError):
    """A CRM did not answer, or refused; what was written until then stands in a journal."""

    exit_code = 8


class MemoryLimitError(TierkitError):
    """Memory ran out; nothing was published."""

    exit_code = 7
