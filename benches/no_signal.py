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

from benches.markers import put_between
from tierkit._backtest import choose_model
from tierkit._outcomes import join_outcomes, outcomes
from tierkit.crm import read_tables
from tierkit.features import build_panel
from tierkit.models.backtest_result import BETTER
from tierkit.runs import training_dates
from tierkit.settings import Settings, read_settings
from tierkit.simulate import simulate_crm, write_crm

ACCOUNTS, QUARTERS = 150, 13
AS_OF = date(2025, 1, 1)
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
    settings = read_settings(folder)
    tables = read_tables(settings)
    dates = training_dates(tables, settings=settings, as_of=AS_OF)
    panel = build_panel(tables, [*dates, AS_OF], settings=settings)
    happened = outcomes(tables, dates, settings=settings)
    past = panel.values.index[panel.values.index.get_level_values("as_of") < pd.Timestamp(AS_OF)]
    won = join_outcomes(past, happened)["won_revenue"]
    panel = replace(panel, effort=())  # what effort finds alone is told, and decides nothing
    choice = choose_model(panel, won, settings=_settings(settings), dates=dates, as_of=AS_OF)
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
