"""The application that commands join, and the options that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="tierkit",
    help="Account tiering that can be explained, signed and checked.",
    epilog="Try it: tierkit init demo --sample && cd demo && tierkit run",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

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

DEFAULT_FILE = Path("tierkit.toml")
