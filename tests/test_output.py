"""A standard output that takes nothing is said, with what became of the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "arguments", [["help", "tiers"], ["simulate", "world", "--accounts", "20"]]
)
def test_an_output_that_takes_nothing_is_told_from_a_full_disk(arguments, tmp_path):
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tierkit", *arguments], cwd=tmp_path, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("Standard output could not be written: No space left on device.")
    assert "stays done" in done.stderr
    assert (tmp_path / "world" / "tierkit.toml").exists() is (arguments[0] == "simulate")
