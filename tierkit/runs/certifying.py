"""The certificate of tier ROI, made in a process of its own while the model is fitted.

It rests on the tables alone, and fitting leaves a processor idle for half of its time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tierkit.crm import Tables
from tierkit.parallel import free_processors
from tierkit.processes import end_on_signals, end_program, ending_with_this, watch_parent
from tierkit.roi import WORTH_PROCESSES, tier_standings
from tierkit.runs.opening import open_run
from tierkit.runs.tier_roi import certify
from tierkit.settings import Settings

MOST_ACCOUNTS = 20_000
"""Of more, a second process that holds their tables would cost more memory than it saves time."""


@contextmanager
def certified_beside(settings: Settings, tables: Tables, run_folder: Path) -> Iterator[None]:
    """Make the certificate beside the block, where that is worth a process.

    The stage of tier ROI waits for it and finds it in the cache; whatever goes wrong beside is done
    again there, where it is told. What is not done at the end of the block is ended.

    Parameters
    ----------
    tables
        Trusted tables.
    run_folder
        Of a run, with its rows.
    """
    if not _is_worth(settings, tables):
        yield
        return
    command = [sys.executable, "-P", "-m", __name__, str(run_folder.resolve())]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        ending_with_this(command), stdin=nothing, stdout=nothing, stderr=nothing, text=True
    ) as program:
        try:
            yield
        finally:
            end_program(program)


def _is_worth(settings: Settings, tables: Tables) -> bool:
    worlds, rows = settings.roi.certificate_worlds, tables.source_rows
    return (
        worlds >= WORTH_PROCESSES
        and free_processors() > 1
        and rows.get("tier_history", 0) > 0
        and rows.get("accounts", 0) <= MOST_ACCOUNTS
    )


def certify_run(run_folder: str) -> None:
    """Leave the certificate of a run in the project's cache."""
    run = open_run(run_folder=run_folder)
    certify(run, tier_standings(run.tables, settings=run.settings, as_of=run.as_of))


if __name__ == "__main__":
    watch_parent(os.getppid())
    end_on_signals(of_a_part=True)
    certify_run(sys.argv[1])
