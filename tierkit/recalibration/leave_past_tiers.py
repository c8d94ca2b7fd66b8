"""What came of past tiers: `python -m tierkit.recalibration.leave_past_tiers RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.recalibration.tier_roi import leave_past
from tierkit.recalibration.work import open_run


def main(run_folder: str) -> None:
    """Leave the outcomes of past tiers and the certificate where their notebook looks for them."""
    leave_past(open_run(run_folder=run_folder))


if __name__ == "__main__":
    main(sys.argv[1])
