"""Time and peak memory of `tierkit run`, by stage, on simulated companies.

    python -m benches.run_speed                      # 2,000 accounts, and 50,000
    python -m benches.run_speed 2000                 # one size

Prints a table; nothing is asserted. Each size is a fresh process with a fresh project. The memory
of a stage is that of its own process; that of the whole run is the most that all its processes held
at a time, sampled twice a second (what they share counts in each).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

SIZES = (2_000, 50_000)
WANTED = {2_000: (120, 2), 50_000: (300, 5)}


def main(sizes: list[int]) -> None:
    print(f"{'accounts':>9}  {'stage':<20} {'seconds':>8} {'peak GB':>8}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            measure(size, Path(scratch))


def measure(size: int, scratch: Path) -> None:
    """Simulate a company, run its recalibration, print what each stage took."""
    project = scratch / "project"
    started = time.monotonic()
    command("simulate", str(project), "--accounts", str(size))
    line(size, "simulate", time.monotonic() - started, None)
    started = time.monotonic()
    peak = most_memory("run", "-f", str(project))
    whole = time.monotonic() - started
    (manifest,) = (project / "reports").glob("20*/run.json")
    stages = json.loads(manifest.read_text())["stages"]
    for stage in stages:
        line(size, stage["name"], stage["seconds"], stage["peak_memory"])
    line(size, "whole run", whole, peak)
    if size in WANTED:
        seconds, memory = WANTED[size]
        print(f"{'':>9}  wanted: under {seconds} s and {memory} GB")


def most_memory(*arguments: str) -> int:
    """Run a command to its end and return the most bytes that its processes held at a time."""
    process = psutil.Popen(
        [sys.executable, "-m", "tierkit.cli", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = 0
    while process.poll() is None:
        most = max(most, held_by(process))
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"tierkit {' '.join(arguments)} ended with {process.returncode}")
    return most


def held_by(process: psutil.Process) -> int:
    """Return the bytes that a process and those it started hold now."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            held += one.memory_info().rss
    return held


def command(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tierkit.cli", *arguments], check=True, capture_output=True
    )


def line(size: int, stage: str, seconds: float, memory: int | None) -> None:
    peak = f"{memory / 1e9:8.2f}" if memory else f"{'':>8}"
    print(f"{size:>9,}  {stage:<20} {seconds:8.1f} {peak}", flush=True)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or list(SIZES))
