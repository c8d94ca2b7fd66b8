"""How often what tiers brought lay within the range that was promised, on simulated companies.

Run with `python -m benches.promises [SEEDS]`. Each company is tiered at four quarter-ends, with
more and more history behind it, as a run would do it, and held to its promises for the next quarter
and for the horizon. Its counts are written into docs/report.md between its markers.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from benches.markers import put_between
from tierkit._outcomes import outcomes
from tierkit.crm.trusted import read_tables
from tierkit.runs.modelling import QUARTERS_FILE, tier_totals
from tierkit.runs.next_quarter import next_quarter_totals
from tierkit.runs.run import Run
from tierkit.settings import read_settings
from tierkit.simulate import simulate_crm, write_crm

ACCOUNTS, QUARTERS = 400, 20
CHEAP = ["model.bags=2", "model.most_bags=2", "model.shuffled_refits=0"]
AT = ("2023Q3", "2024Q2", "2025Q1", "2025Q3")
MARKERS = ("<!-- results of `make bench-promises` -->", "<!-- end of promises -->")
DOCS = Path(__file__).parent.parent / "docs" / "report.md"


def main(seeds: int) -> None:
    """Print and keep how many promises came in, by span and by what the range came from."""
    started = time.monotonic()
    with threadpool_limits(1):
        rows = pd.DataFrame([row for seed in range(1, seeds + 1) for row in promises(seed)])
    shares = [_line(name, part) for name, part in _cuts(rows)]
    text = "\n".join(
        [
            f"{seeds} companies of {ACCOUNTS} accounts, promises made after {', '.join(AT)}:\n",
            "| promises | due | came in within the range | delivered above it | below it |",
            "| --- | ---: | ---: | ---: | ---: |",
            *shares,
        ]
    )
    print(f"{text}\n{time.monotonic() - started:.0f} s")
    put_between(MARKERS, text, DOCS)


def promises(seed: int) -> Iterator[dict[str, object]]:
    """Yield what one company promised by span and tier, and what came of it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_crm(simulate_crm(accounts=ACCOUNTS, quarters=QUARTERS, seed=seed), folder)
        settings = read_settings(folder, overrides=CHEAP)
        tables = read_tables(settings)
        for label in AT:
            run = folder / label
            run.mkdir()
            run = Run(settings, settings.fiscal_calendar.parse(label), tables, run)
            for row in _held_to(run):
                yield {"seed": seed, "promised_on": label, **row}


def _held_to(run: Run) -> Iterator[dict[str, object]]:
    tiered = run.assign().tiered
    totals = tier_totals(run, tiered)
    coming = next_quarter_totals(run, totals, pd.read_parquet(run.folder / QUARTERS_FILE))
    horizon = run.settings.target.horizon_quarters
    for span, quarters, told in (("next quarter", 1, coming), ("horizon", horizon, totals)):
        target = run.settings.target.model_copy(update={"horizon_quarters": quarters})
        settings = run.settings.model_copy(update={"target": target})
        won = outcomes(run.tables, [run.as_of], settings=settings)["won_revenue"]
        brought = won.droplevel("as_of").reindex(tiered.index).fillna(0.0)
        delivered = brought.groupby(tiered["tier"], observed=False).sum()
        for tier, row in told.dropna(subset=["low", "high"]).iterrows():
            yield {
                "span": span,
                "tier": tier,
                "from": row["why"],
                "predicted": row["predicted_revenue"],
                "low": row["low"],
                "high": row["high"],
                "delivered": float(delivered[tier]),
            }


def _cuts(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for span, part in rows.groupby("span", sort=False):
        yield f"{span}, all", part
        for tier, own in part.groupby("tier", sort=True):
            yield f"{span}, {tier}", own
        for origin, own in part.groupby("from", sort=True):
            yield f"{span}, range {origin}", own


def _line(name: str, part: pd.DataFrame) -> str:
    above = int((part["delivered"] > part["high"]).sum())
    below = int((part["delivered"] < part["low"]).sum())
    share = 1 - (above + below) / len(part)
    return f"| {name} | {len(part)} | {share:.0%} | {above} | {below} |"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
