"""How accounts of a run are served: `python -m tierkit.recalibration.leave_serving RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.recalibration.serving import leave_serving
from tierkit.recalibration.stages import tier_run_accounts
from tierkit.recalibration.work import open_run


def main(run_folder: str) -> None:
    """Leave what is found where the notebook of the next stage looks for it."""
    work = open_run(run_folder=run_folder)
    leave_serving(work, tier_run_accounts(work))


if __name__ == "__main__":
    main(sys.argv[1])
