"""Dossiers of a run, beside its last notebook: `python -m tierkit.dossiers.ahead RUN_FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tierkit.dossiers.stages import make_ahead

if __name__ == "__main__":
    make_ahead(Path(sys.argv[1]))
