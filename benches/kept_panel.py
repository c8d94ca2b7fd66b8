"""Processor time of a quarter's panel, computed whole and with the panel of the quarter before.

    python -m benches.kept_panel 20000        # accounts; 20 deals each, 12 dates and the next

Each is a process of its own. Both panels are compared.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benches.scale import DATES, tables_of, write_company

NEXT = date(2026, 1, 1)


def measure(folder: Path, store: Path, days: list[date]) -> None:
    """Build a panel with a store, write it, and print what it took."""
    from tierkit.cache import Cache
    from tierkit.features import build_panel
    from tierkit.settings import Settings

    began, used = time.perf_counter(), time.process_time()
    panel = build_panel(tables_of(folder), days, settings=Settings(), cache=Cache(store))
    print(f"{time.perf_counter() - began:.1f} s, {time.process_time() - used:.1f} s of processor "
          f"time, {len(panel.values):,} rows")  # fmt: skip
    panel.values.to_parquet(store / "values.parquet")


def main(accounts: int) -> None:
    """Print a line a way, and whether the two panels of the next quarter are the same."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_company(folder, accounts)
        for store, way in [("kept", "before"), ("kept", "next"), ("anew", "next")]:
            command = [sys.executable, "-m", "benches.kept_panel", "--one", place, store, way]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{accounts:,} accounts, {way}, {store}: {said.strip()}", flush=True)
        both = [(folder / store / "values.parquet").read_bytes() for store in ("kept", "anew")]
        print("the same bytes" if both[0] == both[1] else "DIFFERENT")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        place, store, way = sys.argv[2:]
        folder = Path(place) / store
        folder.mkdir(exist_ok=True)
        measure(Path(place), folder, DATES if way == "before" else [*DATES[1:], NEXT])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
