"""The sample project that the how-tos share: a small company, run once."""

from __future__ import annotations

import shutil
from pathlib import Path

from docsite.blocks import Block
from docsite.execute import FailedBlockError, Workplace, write_file

QUICK = """\
[model]
bags = 2
most_bags = 2
shuffled_refits = 5
backtest_quarter_ends = 2
[roi]
certificate_worlds = 4
[run]
formats = []
"""
"""Settings that make runs of the sample quick; the how-tos say so."""

MADE = "tierkit simulate acme --accounts 200 --quarters 12 --seed 3"
NOTEBOOKS = "tierkit init own --from acme/data && mv own/notebooks acme && rm -r own"
RUN = "cd acme && tierkit run"


def make_sample(workplace: Workplace) -> Path:
    """Make the sample and run its last complete quarter; return its folder."""
    workplace.folder.mkdir(parents=True)
    _run(workplace, MADE)
    _run(workplace, NOTEBOOKS)
    write_file(workplace.folder / "acme" / "tierkit.toml", Block("toml", QUICK, 0, 0))
    _run(workplace, RUN)
    return workplace.folder / "acme"


def copy_sample(sample: Path, place: Path) -> None:
    """Give a page its own copy of the sample."""
    shutil.copytree(sample, place / "acme", dirs_exist_ok=True)


def _run(workplace: Workplace, command: str) -> None:
    code, output = workplace.run(command)
    if code:
        raise FailedBlockError(f"the sample: `{command}` ended with {code}:\n{output}")
