"""Optional tables absent, empty, of one row, bare or blank: a run goes the whole way with each.

Run with `python -m benches.optional_tables [COUNT]`; the tests run a smaller number.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import StringIO
from itertools import combinations, product
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from tierkit.crm.contract import CONTRACT, REQUIRED_TABLES
from tierkit.crm.period import default_quarter
from tierkit.crm.trusted import read_tables
from tierkit.dossiers.make import make_dossiers, published_tiers
from tierkit.errors import TierkitError
from tierkit.publishing.notebooks import RUN_NOTEBOOKS, packaged_notebook
from tierkit.publishing.plan import Handover, write_handover
from tierkit.runs.opening import leave_rows, open_run
from tierkit.settings import read_settings
from tierkit.simulate import simulate_crm, write_crm

CHEAP = """
[model]
bags = 1
backtest_quarter_ends = 2
max_bins = 6
"""
REPLACED = {
    "[roi]\n": "[roi]\ncertificate_worlds = 2\n",
    "revenue_types = {": 'revenue_types = { "" = "new",',
}
BY_HAND = {
    "account_history": "account_id,changed_date,column,value\nA000001,2022-02-01,industry,Retail\n"
    "A000002,2022-05-01,employees,20\nA000003,2022-08-01,owner,Ann\n",
    "merges": "account_id,merged_into\nOLD1,A000001\nOLD2,A000002\n",
    "exchange_rates": "currency,date,rate\nEUR,2021-01-01,1.1\nEUR,2022-01-01,1.2\n",
}
ABSENT, EMPTY, ONE_ROW, NORMAL, BARE, BLANK = (
    "absent", "empty", "one row", "normal", "bare", "blank",
)  # fmt: skip
OF_OPTIONAL = (ABSENT, EMPTY, ONE_ROW, NORMAL, BARE, BLANK)
OF_REQUIRED = (NORMAL, BARE, BLANK)
States = Mapping[str, str]


def states_of(table: str) -> tuple[str, ...]:
    """Return the states that a table may be in.

    A bare table has its required columns alone; of a blank one all other columns are empty.
    """
    if table in REQUIRED_TABLES:
        return OF_REQUIRED
    optional = set(CONTRACT[table].columns) - CONTRACT[table].required
    return OF_OPTIONAL if optional else tuple(s for s in OF_OPTIONAL if s not in (BARE, BLANK))


def covering(seed: int = 1, *, tried: int = 40) -> Iterator[States]:
    """Give states of all tables until every pair of states of two tables was there together.

    Of some random assignments that hold an open pair, the one that closes most pairs comes next.
    """
    rng = np.random.default_rng(seed)
    names = [*CONTRACT]
    left = {
        ((one, first), (other, second))
        for one, other in combinations(names, 2)
        for first, second in product(states_of(one), states_of(other))
    }
    while left:
        wanted = dict(min(left))
        drawn = [
            {name: str(rng.choice(states_of(name))) for name in names} | wanted
            for _ in range(tried)
        ]
        best = max(drawn, key=lambda states: len(left & _pairs(states)))
        left -= _pairs(best)
        yield best


def _pairs(states: States) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return set(combinations(states.items(), 2))


@cache
def _company() -> tuple[str, dict[str, str]]:
    """Return the settings of a small simulated company, and its tables as CSV."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_crm(simulate_crm(accounts=30, quarters=7, seed=3), folder)
        tables = {file.stem: file.read_text() for file in sorted((folder / "data").glob("*.csv"))}
        settings = (folder / "tierkit.toml").read_text()
    for old, new in REPLACED.items():
        settings = settings.replace(old, new)
    return settings + CHEAP, {**tables, **BY_HAND}


def in_state(table: str, text: str, state: str) -> str:
    """Return a table's CSV in a state."""
    lines = text.splitlines(keepends=True)
    if state in (EMPTY, ONE_ROW):
        return "".join(lines[: 1 + (state == ONE_ROW)])
    if state == NORMAL:
        return text
    rows = pd.read_csv(StringIO(text), dtype="str", keep_default_na=False)
    spare = [column for column in rows.columns if column not in CONTRACT[table].required]
    changed = rows.drop(columns=spare) if state == BARE else rows.assign(**dict.fromkeys(spare, ""))
    return changed.to_csv(index=False, lineterminator="\n")


def write_states(folder: Path, states: States) -> Path:
    """Write a project whose tables are in some states, normal where none is given."""
    settings, tables = _company()
    (folder / "data").mkdir(parents=True)
    for name, text in tables.items():
        state = states.get(name, NORMAL)
        if state != ABSENT:
            (folder / "data" / f"{name}.csv").write_text(in_state(name, text, state))
    (folder / "tierkit.toml").write_text(settings)
    return folder


def go_the_whole_way(project: Path, *, label: str = "", overrides: Sequence[str] = ()) -> Path:
    """Do in this process what a run does in kernels: every cell of its notebooks, the dossiers.

    Parameters
    ----------
    label
        The quarter's; by default the last one that the data cover.
    overrides
        Settings put over those of the project, as after `--set`.

    Returns
    -------
    Path
        The folder of the run.
    """
    settings = read_settings(project, overrides=overrides)
    tables, calendar = read_tables(settings), settings.fiscal_calendar
    quarter = calendar.parse(label) if label else default_quarter(tables, calendar)
    folder = settings.scratch / "run"
    folder.mkdir(parents=True)
    handover = Handover(settings, quarter)
    write_handover(folder, handover)
    leave_rows(handover, tables, folder)
    for name in RUN_NOTEBOOKS:
        run_cells(packaged_notebook(name), run_folder=str(folder))
    run = open_run(run_folder=str(folder))
    made = make_dossiers(run, published_tiers(run, folder / "tiers.csv"), folder / "dossiers")
    if made.failed:
        raise RuntimeError(made.in_words)
    return folder


def run_cells(notebook: Path, **parameters: str) -> None:
    """Run the cells of a notebook in this process, its parameters cell first."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    first, *others = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    exec(first, names)
    names.update(parameters)
    for source in others:
        exec(source, names)


def outcome(folder: Path, states: States) -> str:
    """Return what came of a run: `went`, or the class and the sentence of its error.

    An error that is no sentence is told with the place where it was raised.
    """
    try:
        go_the_whole_way(write_states(folder, states))
    except TierkitError as error:
        return f"said: {type(error).__name__}: {error}"
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "tierkit" in f.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        return f"crashed: {type(error).__name__} at {where}: {error}"
    return "went"


def main(count: int | None) -> int:
    """Run the combinations, print what came of them; 1 if any crashed."""
    mpl.use("svg")
    found: Counter[str] = Counter()
    crashed = 0
    started = time.perf_counter()
    for number, states in enumerate(covering(), 1):
        if count is not None and number > count:
            break
        with tempfile.TemporaryDirectory() as name:
            what = outcome(Path(name) / "project", states)
        what = what.replace(name, "")
        found[what] += 1
        if what != "went":
            crashed += what.startswith("crashed")
            print(json.dumps(states), what, sep="\n", flush=True)
    seconds = time.perf_counter() - started
    for what, times in found.most_common():
        print(f"{times:4} {what[:200]}")
    print(f"{found.total()} combinations in {seconds:.0f} s, {crashed} crashed")
    return int(crashed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
