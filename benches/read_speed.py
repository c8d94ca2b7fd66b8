"""Read and check millions of opportunities from Parquet: seconds and the most memory held.

Run with `python -m benches.read_speed [DEALS]`. The aim: 5 million in 60 s and 4 GB on two cores.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ACCOUNTS_PER_DEAL = 1 / 50
SETTINGS = (
    '[target]\nrevenue_types = { New = "new", Expansion = "expansion", Renewal = "renewal" }\n'
)
_READ = """
import json, resource, sys, time
from tierkit.crm.trusted import examine
from tierkit.settings import read_settings
started = time.monotonic()
reading = examine(read_settings(sys.argv[1]))
print(json.dumps({
    "seconds": round(time.monotonic() - started, 1),
    "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "won_revenue": reading.tables.source_won_revenue,
    "rules": [problem.rule for problem in reading.problems],
}))
"""


def write_project(folder: Path, deals: int) -> Path:
    """Write a project of so many deals over eight years, as typed Parquet files."""
    data = folder / "data"
    data.mkdir(parents=True)
    accounts = max(int(deals * ACCOUNTS_PER_DEAL), 1)
    connection = duckdb.connect()
    connection.execute(
        f"COPY (SELECT 'A' || lpad(i::text, 8, '0') AS account_id, 'Company ' || i AS name, "
        "['US', 'DE', 'FR'][1 + i % 3] AS country, 10 + (i * 37) % 5000 AS employees, "
        f"DATE '2015-01-01' + (i % 700)::integer AS created_date FROM range({accounts}) t(i)) "
        f"TO '{data / 'accounts.parquet'}' (FORMAT parquet)"
    )
    connection.execute(
        "COPY (SELECT 'O' || lpad(i::text, 9, '0') AS opportunity_id, "
        f"'A' || lpad(((i * 7919) % {accounts})::text, 8, '0') AS account_id, "
        "DATE '2017-12-01' + ((i * 31) % 2900)::integer AS created_date, "
        "DATE '2018-01-01' + ((i * 31) % 2900)::integer AS close_date, "
        "((i * 13) % 100000)::decimal(12, 2) AS amount, (i % 3 = 0) AS is_won, "
        "CASE WHEN i % 3 = 0 THEN 'Closed Won' ELSE 'Closed Lost' END AS stage, "
        "['New', 'Expansion', 'Renewal'][1 + i % 3] AS type, 'USD' AS currency, "
        f"'Rep ' || (i % 90) AS owner FROM range({deals}) t(i)) "
        f"TO '{data / 'opportunities.parquet'}' (FORMAT parquet)"
    )
    (folder / "tierkit.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def main(deals: int) -> None:
    """Print what reading and checking took, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_project(Path(scratch) / "project", deals)
        done = subprocess.run(
            [sys.executable, "-c", _READ, str(folder)], capture_output=True, text=True, check=True
        )
    found = json.loads(done.stdout)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{deals:,} deals read and checked in {found['seconds']} s ", end="")
    print(f"({cpu.ru_utime + cpu.ru_stime:.0f} s of processor time), ", end="")
    print(f"{found['peak_memory'] / 1e9:.2f} GB at most")
    print(f"won revenue {found['won_revenue']}; remarks: {', '.join(found['rules']) or 'none'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
