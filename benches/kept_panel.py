"""Processor time of a quarter's panel, computed whole and with the panel of the quarter before.

    python -m benches.kept_panel 20000 100000    # accounts; 20 deals each, 12 dates and the next

Of deals alone, and with five activities an account; in each, between the quarters, nothing but the
new quarter's rows comes in, or a won deal of every hundredth account gets another amount. Tables
stand as they were known at each quarter, so that deals which were open then differ since. Each
panel is a process of its own; the last two are compared, byte for byte.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benches.scale import DATES, tables_of, write_company

NEXT = date(2026, 1, 1)
ACTIVITIES_PER_ACCOUNT, ONE_IN = 5, 100


def write_more(folder: Path, accounts: int) -> None:
    """Write activities, and the deals with a won one of every hundredth account restated."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"""
        COPY (SELECT 'A' || (hash(i) % {accounts}) AS account_id,
          DATE '2020-01-01' + (hash(i + 4) % 2190)::INTEGER AS date, 'call' AS type,
          CASE WHEN hash(i + 5) % 2 = 0 THEN 'inbound' ELSE 'outbound' END AS direction,
          'C' || (hash(i + 6) % {2 * accounts}) AS contact_id, (hash(i + 7) % 60)::DOUBLE AS minutes
        FROM (SELECT range AS i FROM range({accounts * ACTIVITIES_PER_ACCOUNT})))
        TO '{folder}/activities.parquet'
    """)
    connection.execute(f"""
        COPY (SELECT * REPLACE (amount + (is_won AND hash(account_id) % {ONE_IN} = 0
          AND row_number() OVER (PARTITION BY account_id, is_won ORDER BY close_date) = 1)::INTEGER
          AS amount) FROM '{folder}/opportunities.parquet')
        TO '{folder}/restated.parquet'
    """)


def known_tables(folder: Path, as_of: date, *, activities: bool, restated: bool):
    """Return the tables of the company as they were known before a day."""
    from dataclasses import replace

    from tierkit.crm import tables_as_known
    from tierkit.crm.engine import scan_parquet
    from tierkit.crm.tables import _typed

    tables = tables_of(folder)
    files = {"opportunities": "restated"} if restated else {}
    files |= {"activities": "activities"} if activities else {}
    there = {
        name: scan_parquet(tables.connection, folder / f"{file}.parquet")
        for name, file in files.items()
    }
    given = {name: frozenset(rows.columns) for name, rows in there.items()} | tables.given
    typed = {name: _typed(rows, name) for name, rows in there.items()}
    tables = replace(tables, frames=tables.frames | typed, given=given)
    return tables_as_known(tables, as_of)


def measure(folder: Path, store: Path, way: str, asked: list[str]) -> dict[str, float]:
    """Build a panel with a store, write it, and return what it took."""
    from tierkit.cache import Cache
    from tierkit.features import build_panel
    from tierkit.settings import Settings

    as_of, days = (DATES[-1], DATES) if way == "before" else (NEXT, [*DATES[1:], NEXT])
    restated = "restated" in asked and way == "next"
    tables = known_tables(folder, as_of, activities="activities" in asked, restated=restated)
    began, used = time.perf_counter(), time.process_time()
    panel = build_panel(tables, days, settings=Settings(), cache=Cache(store))
    found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
    panel.write(folder / f"{store.name}.parquet")
    return found | {"rows": len(panel.values)}


def compare(folder: Path, accounts: int, asked: list[str]) -> None:
    """Print a line: the first panel with a store, the next with it, and the next whole."""
    import shutil

    found = {}
    for store, way in (("kept", "before"), ("kept", "next"), ("anew", "next")):
        (folder / store).mkdir(exist_ok=True)
        command = [sys.executable, "-m", "benches.kept_panel", "--one", folder, store, way, *asked]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[store, way] = json.loads(said.splitlines()[-1])
    both = [(folder / f"{store}.parquet").read_bytes() for store in ("kept", "anew")]
    kept, anew = found["kept", "next"]["cpu"], found["anew", "next"]["cpu"]
    print(
        f"| {accounts:,} | {', '.join(['deals', *asked])} | {found['kept', 'before']['cpu']:.1f} s "
        f"| {kept:.1f} s | {anew:.1f} s | {kept / anew:.2f} "
        f"| {'the same' if both[0] == both[1] else 'DIFFERENT'} |",
        flush=True,
    )
    for store in ("kept", "anew"):
        shutil.rmtree(folder / store)


def main(sizes: list[int]) -> None:
    """Print processor time by size and by what there is, and whether both panels are the same."""
    print("| accounts | tables | first, kept | next, kept | next, whole | kept / whole | bytes |")
    for accounts in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_company(folder, accounts)
            write_more(folder, accounts)
            for asked in ([], ["restated"], ["activities"], ["activities", "restated"]):
                compare(folder, accounts, asked)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        place, store, way, *asked = sys.argv[2:]
        print(json.dumps(measure(Path(place), Path(place) / store, way, asked)))
    else:
        main([int(size) for size in sys.argv[1:]] or [20_000])
