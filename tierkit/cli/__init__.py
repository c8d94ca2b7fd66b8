"""The command line: thin commands over public functions, and the exit codes."""

from __future__ import annotations

# each adds its commands to the app
from tierkit.cli import asking, exporting, pushing, running  # noqa: F401
from tierkit.cli.app import app, put_in_order
from tierkit.cli.entry import main

put_in_order()

__all__ = ["app", "main"]
