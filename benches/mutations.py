"""Corrupt valid inputs in many random ways: each ends in tables that conserve money, or in words.

Run with `python -m benches.mutations [COUNT]`; the tests run a smaller number.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tierkit.crm.trusted import conserve, read_tables
from tierkit.errors import TierkitError
from tierkit.settings import read_settings

ACCOUNTS = """account_id,name,parent_id,country,employees,annual_revenue,created_date
A1,Acme,,US,50,1000.50,2024-01-01
A2,Bolt,A1,DE,20,2000.00,2024-02-01
A3,Corn,,US,7,,2024-03-01
A4,Dune,A3,FR,900,99.99,2024-03-09
"""
DEALS = """opportunity_id,account_id,created_date,close_date,amount,is_won,stage,type,currency
O1,A1,2025-11-01,2026-01-15,100.10,true,Won,New,USD
O2,A1,2025-12-01,2026-04-02,50.00,false,Lost,New,USD
O3,A2,2026-02-01,2026-06-30,200.20,true,Won,Renewal,EUR
O4,A3,2026-03-01,2026-09-30,,,Open,New,USD
O5,A3,2026-03-05,2026-05-20,-20.00,true,Won,New,USD
O6,A4,2026-03-05,2026-05-21,1000.00,true,Won,New,
"""
OTHERS = {
    "stage_history": "opportunity_id,changed_date,stage,amount,close_date\n"
    "O1,2026-01-15,Won,100.10,2026-01-15\nO2,2026-01-20,Won,50,2026-01-20\n",
    "opportunity_lines": "opportunity_id,product,amount,quantity\nO1,P,100.00,1\nO1,Q,0.10,2\n",
    "activities": "account_id,date,type,direction\nA1,2026-01-01,call,inbound\n"
    "A2,2026-02-01,mail,\n",
    "merges": "account_id,merged_into\nOLD,A1\n",
    "exchange_rates": "currency,date,rate\nEUR,2026-01-01,1.1\n",
    "contracts": "contract_id,account_id,start_date,end_date,annual_value\nC1,A1,2025-01-01,,100\n",
    "tier_history": "account_id,tier,start_date,end_date\nA1,Tier 1,2026-01-01,\n",
}
SETTINGS = '[target]\nrevenue_types = { New = "new", Renewal = "renewal" }\n'
JUNK = (
    "", " ", "NULL", "NaN", "-", "999999999999999999999", "-1e300", "1e308", "1,5", "1.234,56",
    "2215-01-01", "0000-00-00", "31/12/2025", "12/31/2025", "2026-02-30", "=1+1", "'; DROP TABLE",
    "\u202e", "😀", "a\tb", '"', "true", "perhaps", "A1", "O1", "\x00", "Ünïcode", "0x10", "١٢٣",
    "2026-01-01T23:59:59Z", "infinity", "1e5", "Grand Totals", "a" * 5000,
)  # fmt: skip
Bytes = dict[str, bytes]
Mutation = Callable[[Bytes, np.random.Generator], None]


def valid_files(others: Iterable[str] = tuple(OTHERS)) -> Bytes:
    """Give a small project whose every table is valid, with some of the optional ones."""
    texts = {"accounts": ACCOUNTS, "opportunities": DEALS}
    texts |= {name: OTHERS[name] for name in others}
    return {f"{name}.csv": text.encode() for name, text in texts.items()}


def _pick(rng: np.random.Generator, things):
    return things[int(rng.integers(len(things)))]


def _any_file(files: Bytes, rng: np.random.Generator) -> str:
    main = ("accounts.csv", "opportunities.csv")
    names = [name for name in main if name in files] if rng.random() < 0.6 else sorted(files)
    return _pick(rng, names or sorted(files))


def _table(files: Bytes, name: str) -> list[list[str]]:
    text = files[name].decode("utf-8", errors="replace")
    return [line.split(",") for line in text.splitlines()] or [[""]]


def _put(files: Bytes, name: str, rows: list[list[str]]) -> None:
    files[name] = ("\n".join(",".join(row) for row in rows) + "\n").encode()


def on_rows(change: Callable[[list[list[str]], np.random.Generator], None]) -> Mutation:
    def mutation(files: Bytes, rng: np.random.Generator) -> None:
        name = _any_file(files, rng)
        rows = _table(files, name)
        change(rows, rng)
        _put(files, name, rows)

    mutation.__name__ = change.__name__
    return mutation


def drop_column(rows: list[list[str]], rng: np.random.Generator) -> None:
    place = int(rng.integers(len(rows[0])))
    for row in rows:
        del row[place : place + 1]


def rename_column(rows: list[list[str]], rng: np.random.Generator) -> None:
    new = _pick(rng, ("x", "", "Amount", "is_won", rows[0][0], rows[0][0].upper(), "a b", "_text"))
    rows[0][int(rng.integers(len(rows[0])))] = new


def swap_columns(rows: list[list[str]], rng: np.random.Generator) -> None:
    one, two = rng.integers(len(rows[0]), size=2)
    rows[0][one], rows[0][two] = rows[0][two], rows[0][one]


def fill_column(rows: list[list[str]], rng: np.random.Generator) -> None:
    place, junk = int(rng.integers(len(rows[0]))), _pick(rng, JUNK)
    for row in rows[1:]:
        if place < len(row):
            row[place] = junk


def spoil_values(rows: list[list[str]], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 5))):
        row = _pick(rng, rows[1:] or rows)
        if row:
            row[int(rng.integers(len(row)))] = _pick(rng, JUNK)


def shuffle_rows(rows: list[list[str]], rng: np.random.Generator) -> None:
    rows[1:] = [rows[1:][place] for place in rng.permutation(len(rows) - 1)]


def repeat_rows(rows: list[list[str]], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 4))):
        rows.append(list(_pick(rng, rows)))


def longer_rows(rows: list[list[str]], rng: np.random.Generator) -> None:
    _pick(rng, rows).insert(int(rng.integers(3)), _pick(rng, JUNK))


def no_rows(rows: list[list[str]], rng: np.random.Generator) -> None:
    del rows[int(rng.integers(2)) :]


def truncate(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    files[name] = files[name][: int(rng.integers(len(files[name]) + 1))]


def spoil_bytes(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    spoilt = bytearray(files[name])
    for _ in range(int(rng.integers(1, 6))):
        if spoilt:
            spoilt[int(rng.integers(len(spoilt)))] = int(rng.integers(256))
    files[name] = bytes(spoilt)


def other_encoding(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    text = files[name].decode("utf-8", errors="replace")
    encoding = _pick(rng, ("utf-16", "utf-8-sig", "cp1252", "utf-32", "utf-16-le"))
    files[name] = text.encode(encoding, errors="replace")


def other_delimiter(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    files[name] = files[name].replace(b",", _pick(rng, (b";", b"\t", b"|", b"::", b"")))


def other_line_ends(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    files[name] = files[name].replace(b"\n", _pick(rng, (b"\r\n", b"\r", b"\n\n", b"")))


def stray_quote(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    place = int(rng.integers(len(files[name]) + 1))
    files[name] = files[name][:place] + b'"' + files[name][place:]


def lose_file(files: Bytes, rng: np.random.Generator) -> None:
    files.pop(_any_file(files, rng), None)


def wrong_ending(files: Bytes, rng: np.random.Generator) -> None:
    name = _any_file(files, rng)
    files[name.replace(".csv", _pick(rng, (".parquet", ".xlsx", ".txt", ".CSV")))] = files.pop(name)


_OF_ROWS = (
    drop_column, rename_column, swap_columns, fill_column, spoil_values, spoil_values, shuffle_rows,
    repeat_rows, longer_rows, no_rows,
)  # fmt: skip
MUTATIONS: tuple[Mutation, ...] = (
    *(on_rows(change) for change in _OF_ROWS),
    truncate, spoil_bytes, other_encoding, other_delimiter, other_line_ends, stray_quote, lose_file,
    wrong_ending,
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one corrupted input: `trusted`, the code of an error in words, or `bare`."""

    seed: int
    mutations: tuple[str, ...]
    end: str
    message: str = ""


def corrupted(seed: int) -> tuple[Bytes, tuple[str, ...]]:
    """Give the files of a project after one to three random corruptions."""
    rng = np.random.default_rng(seed)
    others = {_pick(rng, sorted(OTHERS)) for _ in range(2)} | {"exchange_rates"}
    files, names = valid_files(sorted(others)), []
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        if files:
            mutation = _pick(rng, MUTATIONS)
            mutation(files, rng)
            names.append(mutation.__name__)
    return files, tuple(names)


def write_corrupted(seed: int, folder: Path) -> tuple[str, ...]:
    """Write a corrupted project and give the names of its corruptions."""
    files, names = corrupted(seed)
    (folder / "data").mkdir(parents=True)
    for name, content in files.items():
        (folder / "data" / name).write_bytes(content)
    (folder / "tierkit.toml").write_text(SETTINGS, encoding="utf-8")
    return names


def outcome(seed: int, folder: Path) -> Outcome:
    """Read one corrupted project."""
    names = write_corrupted(seed, folder)
    try:
        tables = read_tables(read_settings(folder))
        conserve(tables)
    except TierkitError as error:
        words = str(error)
        clear = error.exit_code in (2, 3) and len(words) > 20 and "Please report this" not in words
        return Outcome(seed, names, str(error.exit_code) if clear else "bare", words)
    except Exception as error:
        return Outcome(seed, names, "bare", f"{type(error).__name__}: {error}")
    return Outcome(seed, names, "trusted")


def outcomes(seeds: range) -> Iterator[Outcome]:
    """Read corrupted projects one by one."""
    with tempfile.TemporaryDirectory() as scratch:
        for seed in seeds:
            yield outcome(seed, Path(scratch) / str(seed))


def main(count: int) -> None:
    """Print how the inputs ended, and each that ended badly."""
    started, ends = time.monotonic(), Counter()
    for found in outcomes(range(count)):
        ends[found.end] += 1
        if found.end == "bare":
            print(f"seed {found.seed} {found.mutations}: {found.message[:300]}", flush=True)
    seconds = time.monotonic() - started
    print(f"{count} corrupted inputs in {seconds:.0f} s: {dict(sorted(ends.items()))}")
    if ends["bare"]:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
