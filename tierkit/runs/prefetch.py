"""What needs no model: `python -m tierkit.runs.prefetch RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.runs.leakage import leave_future_rows
from tierkit.runs.run import open_run
from tierkit.runs.serving import leave_serving_without_tiers
from tierkit.runs.tier_roi import leave_certificate, leave_past


def main(run_folder: str) -> None:
    """Leave what is found where notebooks look for it; the certificate last, batch by batch."""
    work = open_run(run_folder=run_folder)
    leave_future_rows(work)
    leave_past(work)
    leave_serving_without_tiers(work)
    leave_certificate(work)


if __name__ == "__main__":
    main(sys.argv[1])
