"""What needs no model: `python -m tierkit.recalibration.leave_without_model RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.recalibration.future_check import leave_future_rows
from tierkit.recalibration.serving import leave_serving_without_tiers
from tierkit.recalibration.tier_roi import leave_certificate, leave_past
from tierkit.recalibration.work import open_run


def main(run_folder: str) -> None:
    """Leave what is found where notebooks look for it; the certificate last, batch by batch."""
    work = open_run(run_folder=run_folder)
    leave_future_rows(work)
    work.leave_outcomes()
    leave_past(work)
    leave_serving_without_tiers(work)
    leave_certificate(work)


if __name__ == "__main__":
    main(sys.argv[1])
