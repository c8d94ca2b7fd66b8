"""What commands import slowly, and need not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ADDRESSES = "rfc3987_syntax"


@contextmanager
def without_grammars_of_addresses() -> Iterator[None]:
    """Let the block import what reads notebooks, which takes 0.3 s instead of 2.7 s then.

    `nbformat` imports `jsonschema`, and that compiles 38 grammars of web addresses where it finds
    them; the schema of notebooks asks for no such check.
    """
    if _ADDRESSES in sys.modules:
        yield
        return
    sys.modules[_ADDRESSES] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_ADDRESSES]
