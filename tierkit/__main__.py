"""`python -m tierkit` is `tierkit`."""

from __future__ import annotations

from tierkit.cli import main

main()
