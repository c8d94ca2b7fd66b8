"""The certificate of a run under way: `python -m tierkit.recalibration.certify RUN_FOLDER`."""

from __future__ import annotations

import sys

from tierkit.recalibration.tier_roi import certified
from tierkit.recalibration.work import open_run
from tierkit.roi.from_tables import tier_ladder


def main(run_folder: str) -> None:
    """Leave the certificate of a run's accounts where its notebook looks for it."""
    work = open_run(run_folder=run_folder)
    certified(work, tier_ladder(work.tables, settings=work.settings, as_of=work.as_of))


if __name__ == "__main__":
    main(sys.argv[1])
