"""A worked example: a run of two accounts, for the examples of dossiers."""

from __future__ import annotations

import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierkit.runs import Run

_FILES = {
    "tierkit.toml": """\
[[tiers]]
name = "Tier 1"
capacity = 1

[[tiers]]
name = "Tier 2"
""",
    "data/accounts.csv": """\
account_id,name,parent_id,industry,created_date
A1,Acme Freight,,Freight,2020-01-01
B2,Borealis Clinics,A1,Health,2020-01-01
""",
    "data/opportunities.csv": """\
opportunity_id,account_id,close_date,amount,is_won,product
O1,A1,2025-05-10,9000,true,Core
O2,B2,2025-09-30,400,true,Plus
""",
    "tiers.csv": """\
account_id,tier,model_tier,previous_tier,rank,score,predicted_revenue,predicted_low,\
predicted_high,overridden,reasons,move_reason
A1,Tier 1,Tier 1,,1,2.5,12000,3000,30000,False,won revenue (4 quarters) 5k or more: ×2.0,
B2,Tier 2,Tier 2,,2,0.5,500,0,900,False,,
""",
}


def example_run() -> Run:
    """Return a run of two accounts that have their tiers, in a folder of its own.

    Examples
    --------
    >>> example_run().quarter.label
    '2025Q3'
    """
    from tierkit.runs import open_run

    folder = TemporaryDirectory()
    for name, text in _FILES.items():
        file = Path(folder.name) / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    run = open_run(folder.name)
    (Path(folder.name) / "tiers.csv").replace(run.folder / "tiers.csv")
    weakref.finalize(run, folder.cleanup)
    return run
