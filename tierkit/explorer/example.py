"""A worked example: an explorer of four companies, for the examples of its methods."""

from __future__ import annotations

import weakref
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tierkit.settings import read_settings

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.explorer.opening import Explorer

_FILES = {
    "tierkit.toml": """\
[[tiers]]
name = "Tier 1"
capacity = 1  # as agreed

[[tiers]]
name = "Tier 2"
""",
    "data/accounts.csv": """\
account_id,name,industry,employees,created_date
A1,Acme Freight,Freight,500,2020-01-01
B2,Borealis Clinics,Health,90,2020-01-01
C3,Cedar Mills,Wood,40,2020-01-01
D4,Delta Mines,Mines,8,2020-01-01
""",
    "data/opportunities.csv": """\
opportunity_id,account_id,close_date,amount,is_won
O1,A1,2025-07-10,900,true
O2,B2,2025-08-10,400,true
O3,C3,2025-09-30,100,true
""",
}


def example_explorer() -> Explorer:
    """Return an explorer of four companies, in a project of its own that goes with it.

    They have too little history for a card to be fitted, so that past revenue ranks them.

    Examples
    --------
    >>> example_explorer().tiers()["tier"].to_dict()
    {'A1': 'Tier 1', 'B2': 'Tier 2', 'C3': 'Tier 2', 'D4': 'Tier 2'}
    """
    from tierkit.explorer.opening import Explorer

    folder = TemporaryDirectory()
    _write(Path(folder.name))
    basis = _basis()
    run = replace(basis.run, settings=read_settings(Path(folder.name)))
    explorer = Explorer(replace(basis, run=run))
    weakref.finalize(explorer, folder.cleanup)
    return explorer


@cache
def _basis() -> Basis:
    """Return what the example starts from, read once."""
    from tierkit.explorer.basis import Basis
    from tierkit.explorer.learned import learn
    from tierkit.runs import open_run

    folder = TemporaryDirectory()
    _write(Path(folder.name))
    run = open_run(folder.name)
    basis = Basis.of(run, learn(run, progress=lambda _: None))
    weakref.finalize(basis, folder.cleanup)
    return basis


def _write(folder: Path) -> None:
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
