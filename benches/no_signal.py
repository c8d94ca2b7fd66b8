"""Verdicts where there is nothing to find: orders redrawn uniformly over accounts.

`python -m benches.no_signal 100` takes a simulated company, gives each of its deals to an account
drawn at random, one draw a seed, and asks what a run would say of the model. It writes the counts
into docs/models.md between its markers. A verdict of "better than past revenue" is a mistake.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benches.model_sets import read_set
from benches.models import put_between
from tierkit._backtest import choose_model
from tierkit.models.verdict import BETTER
from tierkit.settings import Settings
from tierkit.simulate import simulate_crm, write_crm

ACCOUNTS, QUARTERS, LOOK_BACK = 150, 13, 4
AS_OF = date(2026, 1, 1)
MARKERS = ("<!-- results of `make bench-no-signal` -->", "<!-- end of no signal -->")
TESTED = 4
_SIZES = (10, 30)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as scratch, threadpool_limits(1):
        folder = Path(scratch)
        write_crm(simulate_crm(accounts=ACCOUNTS, quarters=QUARTERS, seed=1), folder)
        deals = pd.read_csv(folder / "data" / "opportunities.csv", dtype=str)
        accounts = pd.read_csv(folder / "data" / "accounts.csv", dtype=str)["account_id"]
        found = Counter(_verdict(folder, deals, accounts, seed) for seed in range(1, seeds + 1))
    said = sum(count for verdict, count in found.items() if verdict != BETTER)
    counts = ", ".join(f"“{verdict}” {count}" for verdict, count in found.most_common())
    text = (
        f"{ACCOUNTS} accounts, {QUARTERS} quarters, every order given to an account drawn "
        f"uniformly, {TESTED} tested quarter-ends, {seeds} seeds: {counts}. "
        f"The simple rule was kept in {said} of {seeds}."
    )
    print(text)
    put_between(MARKERS, text)


def _verdict(folder: Path, deals: pd.DataFrame, accounts: pd.Series[str], seed: int) -> str:
    drawn = np.random.default_rng(seed).choice(accounts.to_numpy(), len(deals))
    file = folder / "data" / "opportunities.csv"
    deals.assign(account_id=drawn).to_csv(file, index=False)
    one = read_set("no signal", folder, look_back=LOOK_BACK, as_of=AS_OF)
    panel = replace(one.panel, effort=())  # what effort finds alone is told, and decides nothing
    choice = choose_model(
        panel, one.won, settings=_settings(one.settings), dates=one.dates, as_of=AS_OF
    )
    print(f"{seed}: {choice.backtest.verdict}", flush=True)
    return choice.backtest.verdict


def _settings(settings: Settings) -> Settings:
    """Return the settings with tiers that fit so small a company, and cheaper tests."""
    model = settings.model.model_copy(update={"bags": 2, "backtest_quarter_ends": TESTED})
    sizes = (*_SIZES, *[None] * len(settings.tiers))
    tiers = [
        tier.model_copy(update={"capacity": size, "share": None, "revenue_share": None})
        for tier, size in zip(settings.tiers, sizes, strict=False)
    ]
    return settings.model_copy(update={"tiers": (*tiers,), "model": model})


if __name__ == "__main__":
    main()
