"""Time and memory of `tierkit score` between recalibrations, on generated accounts.

    python -m benches.score_speed 1000000     # accounts; 5 deals each

The first call reads and checks the source, the second finds trusted tables in the cache.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main(accounts: int) -> None:
    """Print a line a call: seconds by the clock, processor time, peak memory."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_project(folder, accounts)
        command = [sys.executable, "-m", "tierkit.cli", "score", "-f", folder / "tierkit.toml",
                   "--model", folder / "model.json", "-o", folder / "scores.parquet"]  # fmt: skip
        for call in ("first call", "second call"):
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            used, seconds = (
                resource.getrusage(resource.RUSAGE_CHILDREN),
                time.perf_counter() - began,
            )
            cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{accounts:,} accounts, {accounts * DEALS_PER_ACCOUNT:,} deals, {call}: "
                f"{seconds:.1f} s, {cpu:.1f} s of processor time, {used.ru_maxrss / 1e6:.2f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
