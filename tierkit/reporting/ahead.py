"""Work that a later notebook needs, done in a process of its own while the first one runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tierkit.side_by_side import BESIDE_OTHERS


@contextmanager
def working_ahead(module: str, folder: Path) -> Iterator[Callable[[], object]]:
    """Run a module beside what the block does, and give what waits for its end.

    The module leaves its result where the notebook that needs it looks first. Where it fails, the
    notebook does the work itself and says what is wrong.

    Parameters
    ----------
    module
        Run as `python -m MODULE FOLDER`; nothing is run where it is empty.
    folder
        Of the run under way.
    """
    if not module:
        yield _nothing
        return
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, BESIDE_OTHERS: "1"},
    )
    try:
        yield process.wait
    finally:
        process.kill()
        process.wait()


def _nothing() -> None:
    """Wait for nothing."""
