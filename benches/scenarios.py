"""Commands that change the files of a project, on projects as small as they can be.

`SCENARIOS` is what `benches.faults` lets fail and `benches.kill` ends: each makes a project in a
folder and does one thing to it, as the command of that name does.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import narwhals as nw
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from crm_servers import TOKEN, CrmServer, serving
from projects import write_project
from report_samples import LABEL, write_published
from tiny_runs import QUARTER, make_project, one, run_project

from tierkit.commands import accept as accepting
from tierkit.commands.accept import accept_tiers
from tierkit.commands.housekeeping import undo_last_change
from tierkit.commands.push import open_push
from tierkit.explorer import scenarios, writing
from tierkit.publishing import assemble, execute, manifest
from tierkit.publishing.run import run_recalibration
from tierkit.push import connection
from tierkit.runs import draw_quarter_band
from tierkit.settings import Settings, read_settings
from tierkit.tiers import read_overrides

FILES = ("tier_history.csv", "overrides.csv", "tierkit.toml", "experiments")
"""The files of a project that commands change."""


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Scenario:
    """A command on a project: what it starts from, and what it does.

    Attributes
    ----------
    make, act
        Make the project in a folder, and do what the command does to it.
    beside
        What must be there meanwhile, such as a CRM that answers.
    reset
        Puts what lies outside the project back to how it was at the start.
    faults
        Return what is wrong outside the project once the command went through.
    toggles
        Whether the same command once more takes back what it did.
    already
        The exit code of the same command where it went through before.
    only
        The calls that are let fail; all of them where it is empty.
    """

    make: Callable[[Path], object]
    act: Callable[[Path], object]
    beside: Callable[[], AbstractContextManager[object]] = nullcontext
    reset: Callable[[], None] = nothing
    faults: Callable[[], list[str]] = list
    toggles: bool = False
    already: int = 0
    only: frozenset[str] = frozenset()


TOML = """
[[tiers]]
name = "Tier 1"
capacity = 2
[[tiers]]
name = "Tier 2"
"""
HEAD = "account_id,tier,reason,set_by,set_on,review_on\n"
ROW = {"account_id": "A2", "tier": "Tier 1", "reason": "plan", "set_by": "Kim",
       "set_on": "2026-10-05", "review_on": "2027-01-05"}  # fmt: skip


def a_project(folder: Path) -> None:
    accounts = "account_id,name\n" + "".join(f"A{n},Name {n}\n" for n in range(1, 7))
    write_project(folder, accounts=accounts, settings=TOML)
    (folder / "overrides.csv").write_text(f"{HEAD}A6,Tier 2,new,Lee,2026-07-01,2027-01-05\n")
    tiers = "account_id,tier,rank,score,predicted_revenue,overridden\n" + "".join(
        f"A{n},Tier {1 if n < 3 else 2},{n},{9 - n},{900 - n},False\n" for n in range(1, 7)
    )
    for label in ("2026Q2", "2026Q3"):
        write_published(folder / "reports", label, tiers)
    accept_tiers(read_settings(folder), "2026Q2")
    (folder / "review.csv").write_text(HEAD + ",".join(ROW.values()) + "\n")


def accept(folder: Path) -> None:
    """Accept a reviewed quarter; its tables are opened, and stood in for by their ids."""

    def read_tables(settings: Settings) -> dict[str, nw.LazyFrame[Any]]:
        files = sorted(settings.source.glob("*.csv"))
        accounts, *_ = [pd.read_csv(io.BytesIO(file.read_bytes()), dtype=str) for file in files]
        return {"accounts": nw.from_native(accounts).lazy()}

    accepting.read_tables, accepting.successors = read_tables, lambda _tables: {}
    accept_tiers(read_settings(folder), "2026Q3", review=folder / "review.csv")


def draw(folder: Path) -> None:
    draw_quarter_band(read_settings(folder), "2026Q3", upper="Tier 1", ranks=(1, 4), seed=1)


def undo(folder: Path) -> None:
    undo_last_change(folder, "tier_history.csv")


def explorer_override(folder: Path) -> None:
    settings = read_settings(folder)
    accounts = frozenset(f"A{n}" for n in range(1, 7))
    writing.overrides_of = lambda _basis, given, folder=None: read_overrides(
        folder or given.folder, accounts=accounts, tiers=given.tiers, as_of=QUARTER.as_of
    )
    writing.write_override(None, settings, dict(ROW))  # type: ignore[arg-type]


def explorer_settings(folder: Path) -> None:
    settings = read_settings(folder)
    file = folder / "tierkit.toml"
    text = file.read_text()
    held = SimpleNamespace(_stage=SimpleNamespace(settings=settings), _file_text=text,
                           _read_file=lambda: file.read_text())  # fmt: skip
    scenarios.Scenarios._write(held, file, text.replace("capacity = 2", "capacity = 3"))


# ---- a push, to a CRM that answers from this process ---------------------------------------------

ACCOUNTS = [f"{1_000 + number}" for number in range(5)]
CRM = CrmServer({})


@contextmanager
def a_crm() -> Iterator[None]:
    """Let a CRM answer whose records hold no tier yet."""
    connection.BACK_OFF_SECONDS = 0.0
    with serving("hubspot", CRM):
        os.environ["TIERKIT_HUBSPOT_TOKEN"], os.environ["TIERKIT_HUBSPOT_URL"] = TOKEN, CRM.url
        yield


def empty_crm() -> None:
    CRM.records, CRM.updates = dict.fromkeys(ACCOUNTS), []


def wrong_records() -> list[str]:
    """Return the records that hold another tier than the accepted one, or were written twice."""
    twice = [one for one, times in CRM.times_written.items() if times > 1]
    return twice + [one for one, tier in CRM.records.items() if tier != "Tier 1"]


def an_accepted_project(folder: Path) -> None:
    write_project(folder, settings='[push.hubspot]\nfield = "account_tier"\n')
    rows = [f"{account},Tier 1,,{rank},1,False,\n" for rank, account in enumerate(ACCOUNTS, 1)]
    header = "account_id,tier,previous_tier,rank,score,overridden,move_reason\n"
    write_published(folder / "reports", LABEL, header + "".join(rows))
    accept_tiers(read_settings(folder), LABEL)


def push(folder: Path) -> None:
    with open_push(read_settings(folder), LABEL, "hubspot") as found:
        found.remember()
        found.write(on_batch=lambda *_: None)


# ---- a run ---------------------------------------------------------------------------------------


def as_the_first_time(module: object, *names: str) -> None:
    """Let functions that touch no file of the project return again what they returned first."""
    found: dict[str, object] = {}

    def first(name: str, usual: Callable[..., object], *given: object, **named: object) -> object:
        if name not in found:
            found[name] = usual(*given, **named)
        return found[name]

    for name in names:
        setattr(module, name, partial(first, name, getattr(module, name)))


def a_reported_project(folder: Path) -> None:
    """Make a project with a report, and keep beside it what its notebook left."""
    make_project(folder)
    assemble._own_words = str  # a second of every run
    as_the_first_time(assemble, "render_leadership", "render_analyst")
    as_the_first_time(manifest, "package_versions")
    plan = one(folder)
    usual = execute.execute_notebook

    def kept(path: Path, **options: object) -> execute.Execution:
        done = usual(path, **options)  # type: ignore[arg-type]
        shutil.copytree(options["copy"].parent.parent, folder.parent / "left")  # type: ignore[attr-defined]
        return done

    execute.execute_notebook = kept
    try:
        run_recalibration(read_settings(folder), quarter=QUARTER, plan=plan)
    finally:
        execute.execute_notebook = usual
    page = folder / "reports" / LABEL / "leadership.html"
    page.write_text(page.read_text().replace("Three", "Four"))
    for name in FILES[:2]:
        (folder / name).write_text("account_id,tier,start_date\n" if "tier" in name else HEAD)


def run(folder: Path) -> None:
    """Run with a notebook that is stood in for by what it left before."""

    def stand_in(path: Path, *, copy: Path, **_: object) -> execute.Execution:
        shutil.copytree(folder.parent / "left", copy.parent.parent, dirs_exist_ok=True)
        made = execute.nbformat.read(copy, as_version=4)
        return execute.Execution(path.stem, made, None)

    execute.execute_notebook = stand_in
    run_project(folder)


SCENARIOS = {
    "accept": Scenario(a_project, accept),
    "draw": Scenario(a_project, draw, already=2),
    "undo": Scenario(a_project, undo, toggles=True),
    "explorer override": Scenario(a_project, explorer_override),
    "explorer settings": Scenario(a_project, explorer_settings),
    "push": Scenario(an_accepted_project, push, a_crm, empty_crm, wrong_records),
    "run": Scenario(a_reported_project, run),
    "kernel": Scenario(a_reported_project, run_project, only=frozenset({"subprocess.Popen"})),
}
