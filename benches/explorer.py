"""How long a change takes in the explorer, from click to drawn tab, and whether memory grows.

    python -m benches.explorer                       # 10,000, 100,000 and 200,000 accounts
    python -m benches.explorer 10000

A simulated company of 2,000 accounts is read, fitted and tested once; its accounts are then
repeated under other ids, as what a change costs depends on their number. Prints the median and the
slowest of twelve changes of each kind in milliseconds of the processor, which other work hardly
disturbs, and the median by the clock; nothing is asserted.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from tierkit.explorer import Explorer
from tierkit.explorer.basis import Basis
from tierkit.explorer.codes import BinCodes
from tierkit.explorer.learned import Learned, learn
from tierkit.runs.opening import open_run
from tierkit.simulate import simulate_crm, write_crm

READ, SIZES = 2_000, (10_000, 100_000, 200_000)
REPEATS, UPDATES = 12, 200
WANTED = "wanted: under 150 ms at 10,000 accounts, 300 ms at 100,000; no growth of memory"
CHEAP = "\n[model]\nbags = 2\nbacktest_quarter_ends = 3\n"


def main(sizes: tuple[int, ...]) -> None:
    with TemporaryDirectory() as folder:
        small = read(Path(folder))
        print(
            f"{'accounts':>9}  {'tab':<9} {'change':<16} {'cpu ms':>9} {'slowest':>8} {'clock':>8}"
        )
        for size in sizes:
            explorer = Explorer(repeated(small, times=size // READ))
            for tab, name, change in changes(explorer):
                explorer.panel.look_at(tab)
                measure(size, tab, name, change)
            print_growth(explorer, size)
    print(WANTED)


def read(folder: Path) -> Basis:
    """Return what an explorer of a simulated company starts from."""
    write_crm(simulate_crm(accounts=READ, quarters=16, seed=5), folder)
    settings = folder / "tierkit.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + CHEAP, encoding="utf-8")
    run = open_run(str(folder))
    return Basis.of(run, learn(run, progress=lambda _: None))


def repeated(basis: Basis, *, times: int) -> Basis:
    """Return the basis of a company of so many times the accounts, each with an id of its own."""
    accounts = stacked(basis.accounts.drop(columns="account_id").reset_index(), times)
    values = stacked(basis.now.values.reset_index(), times).set_index("account_id").sort_index()
    previous = basis.previous
    held = stacked(previous.tiers.rename("tier").reset_index(), times)
    quarters = previous.quarters_held
    held_for = (
        None
        if quarters is None
        else stacked(quarters.rename("held").reset_index(), times).set_index("account_id")["held"]
    )
    return replace(
        basis,
        learned=learned_repeated(basis.learned, times),
        accounts=accounts.set_index("account_id", drop=False).sort_index(),
        now=BinCodes(values),
        previous=replace(
            previous, tiers=held.set_index("account_id")["tier"], quarters_held=held_for
        ),
    )


def learned_repeated(learned: Learned, times: int) -> Learned:
    panel = learned.panel
    keys = ["account_id", "as_of"]
    values = stacked(panel.values.reset_index(), times).set_index(keys).sort_index()
    won = stacked(learned.won.reset_index(), times).set_index(keys)["won_revenue"]
    return replace(
        learned,
        panel=replace(panel, values=values),
        tested=stacked(learned.tested, times),
        won=won,
    )


def stacked(rows: pd.DataFrame, times: int) -> pd.DataFrame:
    """Return the rows so many times; from the second time on their accounts are others."""
    first = rows.columns.get_loc("account_id")
    parts = [rows]
    for place in range(1, times):
        again = rows.copy()
        again.isetitem(first, rows["account_id"].astype(str) + f"-{place}")
        parts.append(again)
    return pd.concat(parts, ignore_index=True)


def changes(explorer: Explorer) -> list[tuple[str, str, Callable[[int], Any]]]:
    """Return what is changed, on which tab; each call changes something anew."""
    card = explorer.card()
    strongest = str(card.importance().idxmax())
    ids = explorer.tiers().index
    first = explorer.settings.tiers[0].capacity or 15
    return [
        ("Tiers", "capacity", lambda step: explorer.set_capacity("Tier 1", first + step + 1)),
        ("Tiers", "keep band", lambda step: explorer.set_keep_band(1.3 + step / 50)),
        ("Tiers", "ICP", lambda step: explorer.set_icp([f"employees >= {20 + step}"])),
        ("Criteria", "weight", lambda step: explorer.set_weight(strongest, 1.1 + step / 50)),
        ("Criteria", "capacity", lambda step: explorer.set_capacity("Tier 1", first + 30 + step)),
        ("Account", "look one up", lambda step: explorer.show_account(ids[10 + 7 * step])),
        ("Account", "type-ahead", lambda step: explorer.find_accounts(f"a{step}")),
        ("Compare", "capacity", lambda step: explorer.set_capacity("Tier 1", first + 60 + step)),
    ]


def measure(size: int, tab: str, name: str, change: Callable[[int], Any]) -> None:
    took, clock = [], []
    for step in range(REPEATS + 1):
        started, cpu = time.perf_counter(), time.process_time()
        change(step)
        took.append(1000 * (time.process_time() - cpu))
        clock.append(1000 * (time.perf_counter() - started))
    warm, by_clock = took[1:], np.median(clock[1:])
    figures = f"{np.median(warm):>9.0f} {max(warm):>8.0f} {by_clock:>8.0f}"
    print(f"{size:>9,}  {tab:<9} {name:<16} {figures}", flush=True)


def print_growth(explorer: Explorer, size: int) -> None:
    """Print the memory of the process after 20 updates, and after 200."""
    explorer.panel.look_at("Tiers")
    sizes = {}
    for step in range(UPDATES):
        explorer.set_capacity("Tier 1", 10 + step % 40)
        if step + 1 in (UPDATES // 2, UPDATES):
            gc.collect()
            sizes[step + 1] = resident()
    said = ", ".join(f"{memory:,.0f} MB after {step}" for step, memory in sizes.items())
    print(f"{size:>9,}  memory: {said} updates", flush=True)


def resident() -> float:
    """Return the memory that the process holds now, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
