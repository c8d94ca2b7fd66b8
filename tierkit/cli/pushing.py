"""The command that writes back to the CRM: `push`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierkit.cli.app import (
    DEFAULT_FILE,
    Debug,
    SettingsFile,
    app,
    example,
    say,
)

if TYPE_CHECKING:
    from tierkit.commands import OpenPush
    from tierkit.settings import Settings


class Crm(StrEnum):
    """The systems that tiers can be written back to."""

    salesforce = "salesforce"
    hubspot = "hubspot"


@app.command(epilog=example("push 2026Q3 --to hubspot", more="push.md"))
def push(
    quarter: Annotated[str, typer.Argument(metavar="QUARTER", help="An accepted quarter.")] = "",
    to: Annotated[Crm | None, typer.Option("--to", help="The CRM.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Ask for the words that confirm, then write.")
    ] = False,
    yes: Annotated[
        str | None, typer.Option(metavar="TEXT", help="For scripts: the words that were shown.")
    ] = None,
    undo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Restore what a push changed.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="All of it as CSV.")
    ] = None,
    file: SettingsFile = DEFAULT_FILE,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Write accepted tiers into one field of the CRM, undoable.

    Shows the difference and writes nothing until its words are typed. The field is a setting, the
    access token comes from TIERKIT_SALESFORCE_TOKEN or TIERKIT_HUBSPOT_TOKEN or the keyring.
    """
    from tierkit.settings import read_settings

    settings = read_settings(file)
    from tierkit.commands import write_difference

    with _opened(settings, quarter, to, undo) as found:
        for line in found.lines():
            say(line)
        if output is not None:
            write_difference(found, output)
        _go_on(found, write=write, yes=yes)


def _opened(
    settings: Settings, quarter: str, to: Crm | None, undo: Path | None
) -> AbstractContextManager[OpenPush]:
    """Open a push, or the undoing of one."""
    from tierkit.commands import open_push, open_undo
    from tierkit.errors import SettingsError

    if undo is not None:
        if quarter or to:
            raise SettingsError("--undo: its file says what and where; leave QUARTER and --to out.")
        return open_undo(settings, undo)
    if not quarter or to is None:
        raise SettingsError("tierkit push needs a quarter and --to, or --undo FILE.")
    return open_push(settings, quarter, to.value)


def _go_on(found: OpenPush, *, write: bool, yes: str | None) -> None:
    """Say how to write, or write; end with the code for data where a record was not written."""
    if not found.rest and not found.unfinished:
        say("Nothing to write.")
        _end_with(found.plan.failures if write or yes is not None else {})
    elif not write and yes is None:
        found.remember()
        say("Nothing was written. --write asks for these words and writes; for scripts:")
        say(f'  --yes "{found.plan.phrase}"')
    else:
        found.confirm(_typed(found.plan.phrase) if yes is None else yes)
        outcome, journal = found.write(on_batch=_step)
        say(f"{outcome.written:,} written, {outcome.held:,} held it by then, "
            f"{len(outcome.failed):,} failed.")  # fmt: skip
        say(f'To undo: tierkit push --undo "{journal}"')
        _end_with({**found.plan.failures, **outcome.failed})


def _typed(phrase: str) -> str:
    asked = f"Type these words to write: {phrase}\n"
    return str(typer.prompt(asked, default="", prompt_suffix="> ", show_default=False))


def _step(done: int, count: int) -> None:
    say(f"{done:,} of {count:,} records", err=True)


def _end_with(failures: Mapping[str, str]) -> None:
    if not failures:
        return
    from tierkit.commands import problem_lines
    from tierkit.errors import DataError

    for line in problem_lines(failures):
        say(line)
    raise DataError(f"Accounts that were not written: {len(failures):,}; standard output says why.")
