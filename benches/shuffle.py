"""Rows that a cluster would shuffle for the criteria, counted at several sizes beside the model.

    python -m benches.shuffle 5000 10000 20000      # accounts; 20 deals each, 12 dates, 8 tasks

Deals lie in no order, as a warehouse's files do. A task adds up what it reads, an account and date
at a time, and sends these rows on; where deals lie by account, none is sent.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benches.scale import DATES, DEALS_PER_ACCOUNT, write_company

TASKS = 8


def expected(accounts: int) -> float:
    """Return the rows that leave the tasks: a row a task that holds any deal known at a date."""
    import duckdb

    first, days = "DATE '2020-01-01' - 60", 2190
    found = 0.0
    for day in DATES:
        query = f"SELECT least(1.0, greatest(0, DATE '{day}' - ({first})::DATE) / {days})"
        ((share,),) = duckdb.sql(query).fetchall()
        known = DEALS_PER_ACCOUNT * float(share)
        found += accounts * TASKS * (1 - (1 - 1 / TASKS) ** known)
    return found


def counted(folder: Path) -> tuple[int, int]:
    """Return pairs of a deal and a date that knew it, and the rows that leave the tasks."""
    import duckdb

    days = ", ".join(f"(DATE '{day}')" for day in DATES)
    ((pairs, rows),) = duckdb.sql(f"""
        SELECT sum(pairs), count(*) FROM (
          SELECT count(*) AS pairs FROM read_parquet('{folder}/opportunities.parquet')
          CROSS JOIN (VALUES {days}) AS dates(as_of) WHERE created_date < as_of
          GROUP BY hash(opportunity_id) % {TASKS}, account_id, as_of)
    """).fetchall()
    return int(pairs), int(rows)


def main(sizes: list[int]) -> None:
    """Print a line a size."""
    for accounts in sizes:
        with tempfile.TemporaryDirectory() as place:
            write_company(Path(place), accounts)
            pairs, rows = counted(Path(place))
        model = expected(accounts)
        print(
            f"{accounts:,} accounts: {pairs:,} pairs, {rows:,} rows leave {TASKS} tasks, "
            f"{model:,.0f} by the model ({rows / model - 1:+.1%})",
            flush=True,
        )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [5_000, 10_000, 20_000])
