"""How accounts of a run are served: `python -m tierkit.runs.prefetch_serving RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.runs.run import open_run
from tierkit.runs.serving import leave_serving
from tierkit.runs.steps import tier_run_accounts


def main(run_folder: str) -> None:
    """Leave what is found where the notebook of the next stage looks for it."""
    work = open_run(run_folder=run_folder)
    leave_serving(work, tier_run_accounts(work))


if __name__ == "__main__":
    main(sys.argv[1])
