"""Plant marks of real exports in valid inputs: each is read to the cent, named, or refused.

A mark is another spelling of a value (`1'234.-`, `5 Mar 2026`, `="A1"`, `ja`) or damage (`#REF!`,
`1.23457E+11`, a month where a day is wanted), in one cell or in a whole column. An input ends as
`same` where every account keeps its won revenue and every deal its close date, as `named` where a
problem or a reason names the column, as `refused` in words, and as `silent` where money or a day
changed without a word. Run with `python -m benches.marks [COUNT]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from benches.mutations import ACCOUNTS, DEALS, OTHERS, SETTINGS
from tierkit.crm.tables import Tables
from tierkit.crm.trusted import conserve, examine_source
from tierkit.errors import TierkitError
from tierkit.settings import read_settings

Mark = Callable[[str], str]
COLUMNS = {
    "accounts.csv": {"account_id": "id", "employees": "number", "created_date": "date"},
    "opportunities.csv": {
        "opportunity_id": "id", "account_id": "id", "created_date": "date", "close_date": "date",
        "amount": "money", "is_won": "flag", "stage": "text", "type": "text", "currency": "text",
    },
    "exchange_rates.csv": {"currency": "text", "date": "date", "rate": "number"},
}  # fmt: skip


def _money(spell: Callable[[Decimal], str]) -> Mark:
    def mark(value: str) -> str:
        try:
            return spell(Decimal(value))
        except InvalidOperation:
            return value

    return mark


def _day(spell: Callable[[date], str]) -> Mark:
    def mark(value: str) -> str:
        try:
            return spell(date.fromisoformat(value))
        except ValueError:
            return value

    return mark


def _comma(number: Decimal) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def _digits(first: int) -> Mark:
    return lambda value: "".join(
        chr(first + int(sign)) if sign.isascii() and sign.isdigit() else sign for sign in value
    )


def _brackets(number: Decimal) -> str:
    return f"({-number})" if number < 0 else str(number)


def _always(text: str) -> Mark:
    return lambda _: text


_FLAGS = {"true": ("ja", "WAHR", "oui", "x", "✓", "T", "Sí", "1", "-1"),
          "false": ("nein", "FALSCH", "non", "✗", "F", "no", "0")}  # fmt: skip


def _flag(place: int) -> Mark:
    return lambda value: _FLAGS[value][place % len(_FLAGS[value])] if value in _FLAGS else value


NUMBERS: dict[str, Mark] = {
    "Swiss groups": _money(lambda n: f"{n:,.2f}".replace(",", "'")),
    "dash for cents": _money(
        lambda n: f"{n:,.0f}".replace(",", "'") + ".-" if n == n.to_integral_value() else str(n)
    ),
    "decimal comma": _money(_comma),
    "crowns": _money(lambda n: f"kr {_comma(n).replace('.', ' ')}"),
    "blanks": _money(lambda n: f"{n:,.2f}".replace(",", "\u202f")),
    "dollars": _money(lambda n: f"$ {n:,.2f}"),
    "euros": _money(lambda n: f"{n} €"),
    "code": _money(lambda n: f"USD {n}"),
    "brackets": _money(_brackets),
    "minus behind": _money(lambda n: f"{-n}-" if n < 0 else str(n)),
    "thousands": _money(lambda n: f"{n / 1000}k"),
    "full width": _digits(0xFF10),
    "Arabic digits": _digits(0x660),
    "ambiguous group": _always("1,234"),
    "credit": _money(lambda n: f"{n} Cr"),
    "power": _money(lambda n: f"{n:E}"),
}
DATES: dict[str, Mark] = {
    "German": _day(lambda d: f"{d:%d.%m.%Y}"),
    "American": _day(lambda d: f"{d:%m/%d/%Y}"),
    "two-digit year": _day(lambda d: f"{d:%d/%m/%y}"),
    "year first, two digits": _day(lambda d: f"{d:%y-%m-%d}"),
    "by name": _day(lambda d: f"{d.day} {d:%b %Y}"),
    "Oracle": _day(lambda d: f"{d:%d-%b-%y}".upper()),
    "packed": _day(lambda d: f"{d:%Y%m%d}"),
    "serial": _day(lambda d: str((d - date(1899, 12, 30)).days)),
    "milliseconds": _day(lambda d: str((d - date(1970, 1, 1)).days * 86_400_000)),
    "midnight UTC": _day(lambda d: f"{d}T00:00:00Z"),
    "evening UTC": _day(lambda d: f"{d - timedelta(days=1)}T22:00:00Z"),
    "East Asia": _day(lambda d: f"{d.year}年{d.month}月{d.day}日"),
    "weekday": _day(lambda d: f"{d:%a, %d %b %Y}"),
    "day and month exchanged": _day(lambda d: f"{d.year}-{d.day:02d}-{d.month:02d}"),
    "month": _day(lambda d: f"{d:%b %Y}"),
    "quarter": _day(lambda d: f"Q{(d.month + 2) // 3} {d.year}"),
    "week": _day(lambda d: "{}-W{:02d}".format(*d.isocalendar())),
    "impossible day": _always("2026-02-30"),
    "Buddhist year": _day(lambda d: f"{d.year + 543}-{d:%m-%d}"),
}
IDS: dict[str, Mark] = {
    "no width": lambda value: f"{value}\u200b",
    "hard blank": lambda value: f"\u00a0{value} ",
    "formula": lambda value: f'"=""{value}"""',
    "decomposed": lambda value: unicodedata.normalize("NFD", f"{value}"),
    "other case": str.lower,
    "decimal": lambda value: f"{value}.0" if value.isdigit() else value,
    "shortened": _always("1.23457E+11"),
    "leading zero": lambda value: f"0{value}" if value.isdigit() else value,
}
ANY: dict[str, Mark] = {
    "error": _always("#REF!"),
    "not available": _always("#N/A"),
    "null": _always("NULL"),
    "empty": _always(""),
    "question": _always("?"),
}
MARKS: dict[str, dict[str, Mark]] = {
    "id": {**IDS, **ANY},
    "text": {**{name: IDS[name] for name in ("no width", "hard blank", "other case")}, **ANY},
    "number": {**NUMBERS, **ANY},
    "money": {**NUMBERS, **ANY},
    "date": {**DATES, **ANY},
    "flag": {**{f"flag {place}": _flag(place) for place in range(9)}, **ANY},
}


@dataclass(frozen=True)
class Planted:
    """An input with one mark, and how reading it ended: same, named, refused, silent or crash."""

    place: str
    end: str
    message: str = ""


def _spelt(value: str) -> str:
    """Return a value as CSV writes it."""
    return f'"{value}"' if "," in value and not value.startswith('"') else value


def planted(seed: int) -> tuple[dict[str, str], str, str]:
    """Return the files of a project with one mark, where it is, and which column bears it."""
    rng = np.random.default_rng(seed)
    files = {
        "accounts.csv": ACCOUNTS,
        "opportunities.csv": DEALS,
        "exchange_rates.csv": OTHERS["exchange_rates"],
    }
    name = sorted(COLUMNS)[int(rng.choice([0, 1, 2, 2]))]
    column = list(COLUMNS[name])[int(rng.integers(len(COLUMNS[name])))]
    marks = MARKS[COLUMNS[name][column]]
    mark = list(marks)[int(rng.integers(len(marks)))]
    rows = [line.split(",") for line in files[name].splitlines()]
    place = rows[0].index(column)
    chosen = range(1, len(rows)) if rng.random() < 0.5 else [int(rng.integers(1, len(rows)))]
    for row in chosen:
        if rows[row][place] or mark in ANY:
            rows[row][place] = _spelt(marks[mark](rows[row][place]))
    files[name] = "\n".join(",".join(row) for row in rows) + "\n"
    return files, f"{name} {column} {mark} in {len(chosen)} rows", column


def _money_and_days(tables: Tables) -> tuple[dict[str, Decimal], dict[str, str]]:
    deals = tables["opportunities"].collect()
    won: Counter[str] = Counter()
    for account, amount, is_won in zip(
        deals["account_id"], deals["amount"], deals["is_won"], strict=True
    ):
        won[str(account)] += Decimal(amount or 0) if is_won else Decimal(0)
    days = {
        str(deal): str(day)
        for deal, day, is_won in zip(
            deals["opportunity_id"], deals["close_date"], deals["is_won"], strict=True
        )
        if is_won is not None
    }
    return {account: total for account, total in won.items() if total}, days


def read_planted(
    seed: int, folder: Path, truth: tuple[dict[str, Decimal], dict[str, str]]
) -> Planted:
    """Read a project with one mark and hold what came of it against the truth."""
    files, place, column = planted(seed)
    try:
        reading = _read(files, folder)
    except TierkitError as error:
        return Planted(place, "refused", str(error))
    except Exception as error:
        return Planted(place, "crash", f"{type(error).__name__}: {error}")
    if reading.tables is None:
        words = "; ".join(map(str, reading.blocking))
        return Planted(place, "crash" if "Please report" in words else "refused", words)
    conserve(reading.tables)
    if _money_and_days(reading.tables) == truth:
        return Planted(place, "same")
    reasons = [part.reason for part in reading.tables.exclusions]
    words = "; ".join([*map(str, reading.problems), *reasons])
    return Planted(place, "named" if column in words else "silent", words)


def _read(files: dict[str, str], folder: Path):
    (folder / "data").mkdir(parents=True)
    for name, text in files.items():
        (folder / "data" / name).write_text(text, encoding="utf-8")
    (folder / "tierkit.toml").write_text(SETTINGS, encoding="utf-8")
    return examine_source(read_settings(folder))


def true_tables(folder: Path) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Return the won revenue by account and the close dates of the input without a mark."""
    files = {"accounts.csv": ACCOUNTS, "opportunities.csv": DEALS}
    reading = _read({**files, "exchange_rates.csv": OTHERS["exchange_rates"]}, folder)
    if reading.tables is None:
        raise ValueError("the input without a mark cannot be read")
    return _money_and_days(reading.tables)


def outcomes(seeds: range) -> Iterator[Planted]:
    """Read inputs with one mark each."""
    with tempfile.TemporaryDirectory() as scratch:
        truth = true_tables(Path(scratch) / "truth")
        for seed in seeds:
            yield read_planted(seed, Path(scratch) / str(seed), truth)


def main(count: int) -> None:
    """Print how the inputs ended, and each that ended silently or in a crash."""
    started, ends = time.monotonic(), Counter[str]()
    for seed, found in enumerate(outcomes(range(count))):
        ends[found.end] += 1
        if found.end in ("silent", "crash"):
            print(f"seed {seed} {found.place}: {found.end} {found.message[:400]}", flush=True)
    seconds = time.monotonic() - started
    print(f"{count} inputs with a mark in {seconds:.0f} s: {dict(sorted(ends.items()))}")
    if ends["silent"] or ends["crash"]:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
