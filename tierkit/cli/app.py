"""The application that commands join, and the options that they share."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import tierkit

ORDER = (
    "init", "check", "run", "accept", "push", "explain", "score", "export", "diff", "draw", "undo",
    "clean", "simulate", "doctor", "help",
)  # fmt: skip
"""Commands as a quarter's work takes them; one that is not named here stands at the end."""


app = typer.Typer(
    name="tierkit",
    help="Account tiering that can be explained, signed and checked.",
    epilog="Try it: tierkit init demo --sample && cd demo && tierkit run\n\n"
    "Read it: tierkit help tutorial",
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # or `[hooks]` in a help text would be read as a style and be lost
)


def example(command: str, *, more: str) -> str:
    """Return what stands below a command's help: an example, and the topic that says more."""
    return f"Example: tierkit {command}\n\nMore: tierkit help {more}"


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tierkit {tierkit.__version__}")
        raise typer.Exit


def put_in_order() -> None:
    """Put the commands in `ORDER`, whichever module they were added by."""
    places = {name: place for place, name in enumerate(ORDER)}
    app.registered_commands.sort(
        key=lambda command: places.get(
            getattr(command.callback, "__name__", "").rstrip("_"), len(ORDER)
        )
    )


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 (its callback has shown it)
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Account tiering that can be explained, signed and checked."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


SettingsFile = Annotated[
    Path, typer.Option("-f", "--file", metavar="FILE", help="The settings, or their folder.")
]

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Put a TOML value over a setting; may be repeated."
    ),
]

Debug = Annotated[bool, typer.Option("--debug", help="Show the full trace of an error.")]

AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        help="First day not yet known; by default the day after the last one in the data.",
    ),
]
DEFAULT_FILE = Path("tierkit.toml")

MOST_LINE = 1_000
_STEERING = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SIGN = "\N{REPLACEMENT CHARACTER}"


def plain(line: str) -> str:
    r"""Return a line without signs that steer a terminal or turn text around, cut where endless.

    Account names and ids stand in messages: they must neither colour a log nor forge a line of it.

    Examples
    --------
    >>> plain("accounts: id \x1b[31mA1\n is there twice")
    'accounts: id �[31mA1� is there twice'
    >>> len(plain("x" * 20_000))
    1000
    """
    shown = "".join(_SIGN if _is_hidden(sign) else sign for sign in line[: MOST_LINE + 1])
    return shown if len(shown) <= MOST_LINE else f"{shown[: MOST_LINE - 1]}…"


def say(text: str, *, err: bool = False) -> None:
    """Print a text line by line, each as `plain` gives it."""
    for line in text.splitlines() or [""]:
        typer.echo(plain(line.expandtabs(4)), err=err)


def _is_hidden(sign: str) -> bool:
    return sign in _TURNING or unicodedata.category(sign) in _STEERING
