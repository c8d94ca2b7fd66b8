"""`tierkit help TOPIC`: the reference in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from tierkit.cli.app import Debug, app, example, say

if TYPE_CHECKING:
    import click


@app.command(name="help", epilog=example("help stability.keep_band", more="pages"))
def help_(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="A chapter, or anything by its name."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 (read by main)
) -> None:
    """Look up a setting, column, file, key, command or word.

    Without a topic it lists the chapters of the reference.
    """
    from tierkit.reference import find_topic, list_topics

    asked = " ".join(topic or ())
    say(find_topic(asked, application()) if asked else list_topics())


def application() -> click.Group:
    """Return the command line as click knows it, with its commands in their order."""
    return cast("click.Group", typer.main.get_command(app))
