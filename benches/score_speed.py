"""Time and memory of `tierkit score` between recalibrations, on generated accounts.

    python -m benches.score_speed 1000000             # accounts; 5 deals each
    python -m benches.score_speed --panel 10000000    # rows of a panel, from Parquet to Parquet

The first call reads and checks the source, the others find trusted tables in the cache.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

DEALS_PER_ACCOUNT = 5
SETTINGS = """
[[tiers]]
name = "Tier 1"
capacity = 15

[[tiers]]
name = "Tier 2"
capacity = 300

[[tiers]]
name = "Tier 3"
"""


def write_project(folder: Path, accounts: int) -> None:
    """Write a project with generated accounts and deals, and the model of a card set by hand."""
    import duckdb

    from tierkit.models.card import Card
    from tierkit.models.criteria import NumericCriterion
    from tierkit.models.saved import SavedModel

    (folder / "data").mkdir(parents=True)
    (folder / "tierkit.toml").write_text(SETTINGS, encoding="utf-8")
    connection = duckdb.connect()
    connection.execute(
        f"COPY (SELECT 'A' || range AS account_id, 'Company ' || range AS name, "
        f"DATE '2019-01-01' AS created_date FROM range({accounts})) "
        f"TO '{folder}/data/accounts.parquet'"
    )
    connection.execute(f"""
        COPY (SELECT 'O' || i AS opportunity_id, 'A' || (hash(i) % {accounts}) AS account_id,
          close_date - 60 AS created_date, close_date,
          (1 + hash(i + 1) % 10000000 / 100)::DECIMAL(18, 2) AS amount,
          hash(i + 2) % 3 = 0 AS is_won
        FROM (SELECT range AS i, DATE '2022-01-01' + (hash(range + 3) % 1461)::INTEGER AS close_date
              FROM range({accounts * DEALS_PER_ACCOUNT})))
        TO '{folder}/data/opportunities.parquet'
    """)
    card = Card(
        1000.0,
        (
            NumericCriterion("won_revenue_4q", (100.0, 10_000.0), (-0.5, 0.2, 0.7), missing=0.0),
            NumericCriterion("wins_count_8q", (0.5, 2.5), (-0.3, 0.1, 0.4), missing=0.0),
            NumericCriterion("days_since_last_won", (90.0, 365.0), (0.3, 0.0, -0.4), missing=-0.5),
        ),
    )
    model = SavedModel(card, "fitted card", "won_revenue_4q", 4)
    (folder / "model.json").write_text(json.dumps(model.to_plain()), encoding="utf-8")


CALLS = {
    "first call": "scores.parquet",
    "second call": "scores.parquet",
    "in the engine": "scores by tier",
}
"""The second finds trusted tables in the cache, as does the third, which writes a folder a tier."""


def write_panel(folder: Path, accounts: int) -> None:
    """Write a generated panel of the card's criteria, as a warehouse would."""
    import duckdb

    duckdb.connect().execute(f"""
        COPY (SELECT 'A' || range AS account_id, DATE '2026-01-01' AS as_of,
          CASE WHEN hash(range) % 3 = 0 THEN (hash(range + 1) % 2000000 / 100)::DOUBLE
            ELSE 0.0 END AS won_revenue_4q,
          (hash(range + 2) % 5)::DOUBLE AS wins_count_8q,
          CASE WHEN hash(range + 3) % 4 > 0 THEN (hash(range + 4) % 900)::DOUBLE
            END AS days_since_last_won
        FROM range({accounts})) TO '{folder}/panel.parquet'
    """)


def measured(command: Sequence[str | Path]) -> str:
    """Run a command; return its seconds by the clock, its processor time and its peak memory."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process, most = psutil.Popen([*map(str, command)], stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        with suppress(psutil.Error):
            most = max(most, process.memory_info().rss)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return f"{seconds:.1f} s, {cpu:.1f} s of processor time, {most / 1e9:.2f} GB"


def score(folder: Path, output: str, *more: str | Path) -> str:
    """Score the project with its model; return what it took."""
    return measured(
        [sys.executable, "-m", "tierkit.cli", "score", "-f", folder / "tierkit.toml",
         "--model", folder / "model.json", "-o", folder / output, *more]
    )  # fmt: skip


def main(accounts: int) -> None:
    """Print a line a call."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_project(folder, accounts)
        for call, output in CALLS.items():
            said = score(folder, output)
            deals = accounts * DEALS_PER_ACCOUNT
            print(f"{accounts:,} accounts, {deals:,} deals, {call}: {said}", flush=True)


def from_a_panel(accounts: int) -> None:
    """Print a line: Parquet to Parquet, tiers by their sizes, with all reasons."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_project(folder, 1_000)
        write_panel(folder, accounts)
        said = score(folder, "by tier", "--panel", folder / "panel.parquet", "--lines", "size")
        print(f"{accounts:,} rows of a panel, three criteria, in the engine: {said}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--panel"]:
        from_a_panel(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
