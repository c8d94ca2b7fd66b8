"""`python -m tierkit.cli` is `tierkit`."""

from __future__ import annotations

from tierkit.cli.entry import main

main()
