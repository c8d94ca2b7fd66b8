"""Time of tierkit beside other packages that do part of the same work, on one machine.

    python -m benches.peers                 # five rounds, each task in a process of its own
    python -m benches.peers 5 featuretools_panel lifetimes_cdnow

Every round does the task with tierkit and with the peer, one after the other; the ratio is that of
their processor times. Where both rank rows, the answer is the Gini on rows held out, or of what
customers spent afterwards. `make bench-peers` installs the peers into environments under `build`.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benches.peer_tasks import TASKS
from benches.scale import write_company

HEADS = ("peer", "its processor time, memory", "tierkit's", "peer / tierkit (range)", "runs",
         "answers or Gini")  # fmt: skip
ROUNDS = 5
ACCOUNTS = 10_000
BUILD = Path(__file__).parent.parent / "build"


@dataclass
class Pair:
    """A task of a peer and the same of tierkit, with the figures of all rounds."""

    peer: str
    ours: str
    environment: str = "venv-peers"
    figures: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of the peer's environment; that of this process for the plain ones."""
        return BUILD / self.environment / "bin/python" if self.environment else Path(sys.executable)

    def line(self) -> str:
        """Return a row of the table."""
        theirs, own = self.figures[self.peer], self.figures[self.ours]
        ratios = sorted(one["cpu"] / other["cpu"] for one, other in zip(theirs, own, strict=True))
        middle = statistics.median(ratios)
        cells = [self.peer, *(_figures(part) for part in (theirs, own)),
                 f"{middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
                 str(len(ratios)),
                 f"{theirs[0]['answer']:.6g} / {own[0]['answer']:.6g}"]  # fmt: skip
        return f"| {' | '.join(cells)} |"


PAIRS = (
    Pair("pandas_panel", "tierkit_panel", ""),
    Pair("featuretools_panel", "tierkit_panel"),
    Pair("lifetimes_summary", "tierkit_summary"),
    Pair("lifetimes_cdnow", "tierkit_cdnow"),
    Pair("dbt_one_date", "tierkit_one_date", "venv-dbt"),
    Pair("sklearn_trees", "tierkit_card", ""),
    Pair("optbinning_scorecard", "tierkit_card"),
)


def _figures(rounds: list[dict[str, float]]) -> str:
    def middle(name: str) -> float:
        return statistics.median(one[name] for one in rounds)

    return f"{middle('cpu'):.2f} s, {middle('gigabytes'):.2f} GB"


def run_task(python: Path, task: str, folder: Path) -> dict[str, float]:
    """Do one task in a process of its own.

    Raises
    ------
    RuntimeError
        With the last line that the process said.
    """
    done = subprocess.run(
        [python, "-m", "benches.peer_tasks", task, folder],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise RuntimeError(f"{task}: {said[-1]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def write_data(folder: Path) -> None:
    """Write a generated company, CDNOW's orders where lifetimes is there, and a dbt project."""
    from benches import scale
    from tierkit.commands.dbt_project import write_dbt_project
    from tierkit.commands.export import queries_of
    from tierkit.settings import Settings

    write_company(folder, ACCOUNTS)
    _write_orders(folder)
    tables, project = scale.tables_of(folder), folder / "dbt"
    queries = queries_of(tables, scale.DATES[-1], settings=Settings())
    project.mkdir()
    write_dbt_project(queries, project, dialect="duckdb")
    import duckdb

    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        for name in queries.sources:
            warehouse.from_arrow(tables[name].collect().to_arrow()).create(name)


def _write_orders(folder: Path) -> None:
    import pandas as pd

    for file in BUILD.glob("venv-peers/lib/*/site-packages/lifetimes/datasets/CDNOW_master.txt"):
        names = ["customer", "day", "pieces", "amount"]
        orders = pd.read_csv(file, sep=r"\s+", names=names, skiprows=1,
                             dtype={"customer": "str"})  # fmt: skip
        orders["day"] = pd.to_datetime(orders["day"].astype(str), format="%Y%m%d")
        orders[orders["amount"] > 0].to_parquet(folder / "cdnow.parquet", index=False)


def main(rounds: int, asked: list[str]) -> None:
    """Print a row a peer: processor time and memory of both, and the ratio with its spread."""
    pairs = [pair for pair in PAIRS if not asked or pair.peer in asked]
    print(f"| {' | '.join(HEADS)} |\n{'| --- ' * len(HEADS)}|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_data(folder)
        for pair in pairs:
            if not pair.python.exists():
                print(
                    f"| {pair.peer} | not installed: run `make bench-peers` | | | | |", flush=True
                )
                continue
            try:
                for _ in range(rounds):
                    shutil.rmtree(folder / "dbt/target", ignore_errors=True)
                    for task, python in (
                        (pair.ours, Path(sys.executable)),
                        (pair.peer, pair.python),
                    ):
                        found = run_task(python, task, folder)
                        pair.figures.setdefault(task, []).append(found)
            except RuntimeError as error:
                print(f"| {pair.peer} | {error} | | | | |", flush=True)
            else:
                print(pair.line(), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    count = int(given[0]) if given and given[0].isdigit() else ROUNDS
    main(count, [name for name in given if name in TASKS])
