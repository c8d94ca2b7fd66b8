"""Time and memory of the panel on generated data, beside hand-written SQL for the same columns.

    python -m benches.scale 100000            # accounts; 20 deals each, 12 dates
    python -m benches.scale 100000 500000     # several sizes, and the slope of time on log rows
    python -m benches.scale --written 50000 10000000    # Parquet to Parquet, the newest two dates

Each measurement is a process of its own, so that its peak memory is its own. What is written stays
in the engine: what does not fit into its memory lies in a file meanwhile.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

DATES = [date(year, month, 1) for year in (2023, 2024, 2025) for month in (1, 4, 7, 10)]
DEALS_PER_ACCOUNT = 20
WAYS = ("criteria", "with checksums", "sql")
WRITTEN = ("panel written", "sql written")
NEWEST, LIMIT_MB = DATES[-2:], 5_000
"""Of what is written: the dates, and the memory that rows may take."""
REVENUE = (
    *(f"won_revenue_{window}" for window in ("1q", "2q", "4q", "8q", "ever")),
    *(f"wins_count_{window}" for window in ("1q", "2q", "4q", "8q", "ever")),
    "won_revenue_same_quarter_last_year", "won_amount_max_ever", "days_since_last_won",
    "closed_deals_count_8q", "open_deals_count",
)  # fmt: skip
WINDOWS = {"1q": 3, "2q": 6, "4q": 12, "8q": 24}


def write_company(folder: Path, accounts: int) -> None:
    """Write accounts and deals as Parquet: closed evenly over six years, one in three won."""
    import duckdb

    deals = accounts * DEALS_PER_ACCOUNT
    connection = duckdb.connect()
    connection.execute(
        f"COPY (SELECT 'A' || range AS account_id, DATE '2019-01-01' AS created_date "
        f"FROM range({accounts})) TO '{folder}/accounts.parquet'"
    )
    connection.execute(f"""
        COPY (SELECT 'O' || i AS opportunity_id, 'A' || (hash(i) % {accounts}) AS account_id,
          close_date - 60 AS created_date, close_date,
          (hash(i + 1) % 10000000 / 100)::DECIMAL(38, 4) AS amount,
          hash(i + 2) % 3 = 0 AS is_won, 'new' AS revenue_type, NULL::VARCHAR AS product
        FROM (SELECT range AS i, DATE '2020-01-01' + (hash(range + 3) % 2190)::INTEGER AS close_date
              FROM range({deals}))) TO '{folder}/opportunities.parquet'
    """)


def tables_of(folder: Path, memory_mb: int | None = None):
    from tierkit.crm.contract import CONTRACT
    from tierkit.crm.engine import connect, scan_parquet
    from tierkit.crm.tables import Tables, _typed

    connection = connect(scratch=folder / "spill", memory_mb=memory_mb)
    names = ("accounts", "opportunities")
    frames = {
        name: _typed(scan_parquet(connection, folder / f"{name}.parquet"), name) for name in names
    }
    given = {name: frozenset(CONTRACT[name].columns) for name in names}
    return Tables(frames, given, connection)


def hand_written(folder: Path, dates: Sequence[date] = DATES) -> str:
    days = ", ".join(f"(DATE '{day}')" for day in dates)
    won = "is_won AND close_date < as_of"
    sums = ", ".join(
        f"sum(amount) FILTER ({won} AND close_date >= as_of - INTERVAL {months} MONTH) AS r{name},"
        f"count(*) FILTER ({won} AND amount > 0 AND close_date >= as_of - INTERVAL {months} MONTH)"
        f" AS w{name}"
        for name, months in WINDOWS.items()
    )
    year = "close_date >= as_of - INTERVAL 12 MONTH AND close_date < as_of - INTERVAL 9 MONTH"
    return f"""
        SELECT account_id, as_of, {sums},
          sum(amount) FILTER ({won}) AS rever, count(*) FILTER ({won} AND amount > 0) AS wever,
          sum(amount) FILTER (is_won AND {year}) AS lastyear,
          max(amount) FILTER ({won}) AS most, min(as_of - close_date) FILTER ({won}) AS since,
          count(*) FILTER (close_date < as_of
            AND close_date >= as_of - INTERVAL 24 MONTH) AS closed,
          count(*) FILTER (created_date < as_of AND close_date >= as_of) AS open
        FROM read_parquet('{folder}/opportunities.parquet')
        CROSS JOIN (VALUES {days}) AS dates(as_of)
        WHERE created_date < as_of GROUP BY ALL
    """


def in_process(folder: Path, way: str) -> int:
    """Compute the columns one way, into this process; return how many rows there are."""
    if way == "sql":
        from tierkit.crm.engine import connect

        return len(connect(scratch=folder / "spill").sql(hand_written(folder)).df())
    from tierkit.features import panel
    from tierkit.features.registry import all_features
    from tierkit.settings import Settings

    if way == "criteria":
        panel.check_sums = lambda *_: None
    panel.all_features = lambda *given: [one for one in all_features(*given) if one.name in REVENUE]
    return len(panel.build_panel(tables_of(folder), DATES, settings=Settings()).values)


def to_files(folder: Path, way: str) -> int:
    """Compute the columns one way, into files; return how many rows there are."""
    import duckdb

    if way == "sql written":
        from tierkit.crm.engine import connect

        connect(scratch=folder / "spill", memory_mb=LIMIT_MB).execute(
            f"COPY ({hand_written(folder, NEWEST)}) TO '{folder}/by hand.parquet'"
        )
        return duckdb.read_parquet(f"{folder}/by hand.parquet").shape[0]
    from tierkit.features import write_panel
    from tierkit.settings import Settings

    tables = tables_of(folder, LIMIT_MB)
    write_panel(tables, NEWEST, folder / "panel", settings=Settings(), names=REVENUE)
    return duckdb.read_parquet(f"{folder}/panel/*/*.parquet").shape[0]


def measure(folder: Path, way: str) -> dict[str, float]:
    """Compute the columns one way and return what it took."""
    began = time.perf_counter()
    rows = in_process(folder, way) if way in WAYS else to_files(folder, way)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "gigabytes": used.ru_maxrss / 1e6,
        "rows": rows,
    }


def main(sizes: list[int], ways: Sequence[str] = WAYS) -> None:
    """Print a line a size and way, and the slope of processor time on log rows."""
    cpu: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for accounts in sizes:
        with tempfile.TemporaryDirectory() as place:
            write_company(Path(place), accounts)
            for way in ways:
                done = subprocess.run(
                    [sys.executable, "-m", "benches.scale", "--one", place, way],
                    check=False, capture_output=True, text=True,
                )  # fmt: skip
                if done.returncode:
                    causes = [line for line in done.stderr.splitlines() if "Error: " in line]
                    print(f"{accounts:,} accounts, {way}: ended by {''.join(causes[-1:])}")
                    continue
                found = json.loads(done.stdout.splitlines()[-1])
                cpu[way].append((math.log(accounts), math.log(found["cpu"])))
                dates = DATES if ways == WAYS else NEWEST
                print(
                    f"{accounts:,} accounts, {accounts * DEALS_PER_ACCOUNT:,} deals, "
                    f"{len(dates)} dates, {way}: {found['seconds']:.1f} s, {found['cpu']:.1f} s of "
                    f"CPU, {found['gigabytes']:.2f} GB, {found['rows']:,} rows",
                    flush=True,
                )
    for way, points in cpu.items():
        if len(points) > 1:
            (x, y), (to, high) = points[0], points[-1]
            slope = (high - y) / (to - x)
            print(f"{way}: slope of log processor time on log rows {slope:.2f}")


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["--one"]:
        print(json.dumps(measure(Path(given[1]), given[2])))
    elif given[:1] == ["--written"]:
        main([int(size) for size in given[1:]], WRITTEN)
    else:
        main([int(size) for size in given] or [100_000])
