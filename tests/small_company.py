"""A simulated company small enough to be fitted in a second or two."""

from __future__ import annotations

from pathlib import Path

from tierkit.simulate import simulate_crm, write_crm

CHEAP = """
[model]
bags = 1
most_bags = 1
shuffled_refits = 2
backtest_quarter_ends = 2
max_bins = 6
"""


def write_small_company(folder: Path, *, accounts: int = 200, quarters: int = 12) -> Path:
    """Write a project whose card is fitted quickly; return its folder."""
    write_crm(simulate_crm(accounts=accounts, quarters=quarters, seed=3), folder)
    settings = folder / "tierkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + CHEAP, encoding="utf-8")
    return folder
