"""Tables in the files of a folder, and their columns among the headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import chain
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import CONTRACT
from tierkit.crm.date_words import month_of
from tierkit.crm.dates import read_dates
from tierkit.crm.engine import EngineError, Rows, connect
from tierkit.crm.files import FileReader, table_files
from tierkit.crm.guard import grouped
from tierkit.crm.header_words import (
    ACCOUNT_IDS,
    ACCOUNT_NAMES,
    CLOSE_DATES,
    QUANTITIES,
    UNIT_PRICES,
    columns_of,
    found_header,
)
from tierkit.crm.outcome_words import meaning_of
from tierkit.crm.parsing import bare_list
from tierkit.crm.presets.preset import plain
from tierkit.crm.shaping import months_of
from tierkit.crm.systems import system_of
from tierkit.crm.text_layout import guessed_encoding
from tierkit.crm.workbooks import SUFFIXES as WORKBOOKS, sheet_names
from tierkit.errors import DataError, TierkitError

FEWEST_MONTHS = 6
_MOST_DISTINCT = 20_000
_FEWEST_KNOWN = 0.5
_MOST_TYPES, _EXAMPLES = 20, 30
_NUMERAL = re.compile(r"^[^\w-]*-?[\d.,' ]*\d[\d.,' ]*[^\w]*$")
_FEWEST_GROUPS, _FEWEST_BELOW = 3, 0.3
_NAME_WEIGHT = 3.0
_STEMS: Mapping[str, tuple[str, ...]] = {
    "accounts": (
        "accounts", "customers", "clients", "companies", "organizations", "debitoren", "kunden",
    ),
    "opportunities": (
        "opportunities", "deals", "orders", "invoices", "transactions", "sales", "factures",
        "fakturaliste", "rechnungen", "facturas",
    ),
}  # fmt: skip
_CHART = {"accounttype", "detailtype"}
_NO_DEALS = re.compile(r"quote|angebot|devis|estimate|budget|forecast|quota|target|price.?list")


@dataclass(frozen=True)
class SourceFile:
    """Rows of a folder: a file, a sheet of one, or several files with the same headers."""

    names: tuple[str, ...]
    rows: Rows
    sheets: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    _values: dict[str, Counter[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def headers(self) -> list[str]:
        """Its columns, as it spells them."""
        return list(self.rows.columns)

    @property
    def stem(self) -> str:
        """The name of the first file without its ending."""
        return Path(self.names[0]).stem

    @property
    def title(self) -> str:
        """Name for a person: the first file, with the sheet or the number of others."""
        more = f" and {len(self.names) - 1} more" if len(self.names) > 1 else ""
        sheets = f", sheet {' and '.join(self.sheets)}" if self.sheets else ""
        return f"{self.names[0]}{more}{sheets}"

    def counts(self, header: str, most: int = _MOST_DISTINCT) -> Counter[str]:
        """Return the values of a column with their rows, the most frequent first."""
        if header not in self._values:
            text = nw.col(header).cast(nw.String).fill_null("").str.strip_chars(" \t")
            value = bare_list(text).alias("v")
            counted = grouped(self.rows.select(value), "v", rows=nw.len())
            ordered = counted.sort("rows", "v", descending=[True, False]).head(most)
            self._values[header] = Counter({str(v): int(n) for v, n in ordered.collect().rows()})
        return self._values[header]

    def values(self, header: str) -> list[str]:
        """Return the different values of a column that are there."""
        return [value for value in self.counts(header) if value]


@dataclass(frozen=True)
class Folder:
    """The files of a folder, what cannot be read of it, and the encoding of the rest."""

    files: tuple[SourceFile, ...]
    unread: tuple[str, ...] = ()
    encoding: str | None = None


@dataclass(frozen=True)
class RecognisedTable:
    """A table, the file that seems to hold it, and its columns."""

    table: str
    file: SourceFile
    columns: Mapping[str, str]

    @property
    def holds_deals(self) -> bool:
        """Return whether its rows are deals, or lines from which deals are made."""
        of_lines = self.table == "opportunity_lines" and "account_id" in self.columns
        return self.table == "opportunities" or of_lines


def folder_of(folder: Path, scratch: Path) -> Folder:
    """Read the files of a folder that can be read as tables; those in folders of it too."""
    connection, encoding = connect(), None
    found: list[SourceFile] = []
    unread: list[str] = []
    places = [(path, path.name) for path in table_files(folder, scratch)]
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."]
    places += [(f, f"{p.name}/{f.name}") for p in inside for f in table_files(p, scratch)]
    for path, name in places:
        try:
            sheets = _sheets(path)
            for sheet in sheets:
                reader = FileReader(connection, scratch, encoding)
                try:
                    rows = reader.rows(path, sheet)
                except DataError as error:
                    if "[data] encoding" not in str(error):
                        raise
                    encoding = guessed_encoding(path.read_bytes())
                    reader = FileReader(connection, scratch, encoding)
                    rows = reader.rows(path, sheet)
                shown = (sheet,) if sheet is not None and len(sheets) > 1 else ()
                found.append(SourceFile((name,), rows, shown, tuple(reader.remarks)))
        except (TierkitError, EngineError, OSError, ValueError) as error:
            unread.append(f"{name}: {str(error).splitlines()[0]}")
    return Folder(tuple(_grouped_files(found)), tuple(unread), encoding)


def _sheets(path: Path) -> list[str | None]:
    return [*sheet_names(path)] or [None] if path.suffix.lower() in WORKBOOKS else [None]


def _grouped_files(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Put files behind one another that have the same headers and, but for dates, the same name."""
    groups: dict[tuple[str, tuple[str, ...], str], list[SourceFile]] = {}
    for file in files:
        headers = tuple(sorted(map(plain, file.headers)))
        sheet = "".join("" if month_of(one) else _undated(one) for one in file.sheets)
        groups.setdefault((_undated(file.stem), headers, sheet), []).append(file)
    return [_one_of(group) for group in groups.values()]


def _one_of(group: Sequence[SourceFile]) -> SourceFile:
    if len(group) == 1:
        return group[0]
    first = group[0]
    spelt = {plain(header): header for header in first.headers}
    parts = [
        one.rows.select(
            *(nw.col(h).cast(nw.String).alias(spelt[plain(h)]) for h in one.headers)
        ).select(first.headers)
        for one in group
    ]
    names = tuple(dict.fromkeys(name for one in group for name in one.names))
    sheets = tuple(dict.fromkeys(sheet for one in group for sheet in one.sheets))
    remarks = tuple(dict.fromkeys(remark for one in group for remark in one.remarks))
    return SourceFile(names, nw.concat(parts), sheets, remarks)


def _undated(stem: str) -> str:
    """Return a name without dates, quarters and numbers, by which files of one kind are told."""
    return re.sub(r"[\W_]|\d|(?<=\d)q(?=\d)|q(?=[1-4])", "", stem.casefold())


def recognised_tables(files: Sequence[SourceFile]) -> list[RecognisedTable]:
    """Give each table the file that fits it best; a file is given once.

    A file in which the same deal stands in several rows holds lines, not deals.
    """
    scored = []
    for table in CONTRACT:
        for file in files:
            columns = fitting_columns(table, file)
            if columns is not None and not (
                table == "opportunities" and system_of(file.headers) is None and _holds_lines(file)
            ):
                likeness = max(
                    SequenceMatcher(None, _undated(file.stem), name).ratio()
                    for name in _STEMS.get(table, (table,))
                )
                scored.append((len(columns) + _NAME_WEIGHT * likeness, table, file, columns))
    scored.sort(key=lambda found: (-found[0], found[1], found[2].names))
    given: dict[str, RecognisedTable] = {}
    for _, table, file, columns in scored:
        if table not in given and all(one.file is not file for one in given.values()):
            given[table] = RecognisedTable(table, file, columns)
    tables = [given[table] for table in CONTRACT if table in given]
    return tables if "opportunities" in given else [_as_deals(table) for table in tables]


def fitting_columns(table: str, file: SourceFile) -> dict[str, str] | None:
    """Return the columns of a table in a file, None where the file cannot hold it."""
    columns, system = columns_of(table, file.headers), system_of(file.headers)
    if system is not None:
        if table != system.table:
            return None
        found = columns if "account_id" in system.sources else _deal_columns(file, columns)
        return None if found is None else {**found, **system.sources}
    if table == "opportunities":
        return _deal_columns(file, columns)
    if table == "accounts":
        chart = _CHART & {plain(header) for header in file.headers}
        key = columns.get("account_id") or columns.get("name")
        money = found_header(("amount", "unit price", "order date", "invoice date"), file.headers)
        wide = len(months_of(file.headers)) >= FEWEST_MONTHS
        fits = key is not None and not (chart or wide) and money is None
        return {"account_id": key, **columns} if fits and key is not None else None
    if table == "stage_history" and not _holds_changes(file, columns):
        return None
    if table == "opportunity_lines" and "amount" not in columns and price_of(file):
        columns["amount"] = " * ".join(price_of(file) or ())
    needed = CONTRACT[table].required - {"is_won"}
    return columns if needed <= set(columns) else None


def _holds_changes(file: SourceFile, columns: Mapping[str, str]) -> bool:
    """Return whether a file may hold changes of deals, not one row for each at its creation."""
    history = re.search("history|log", file.stem.casefold())
    if not history and plain(columns.get("changed_date", "")) in ("createddate", "created"):
        return False
    deals = columns.get("opportunity_id")
    counts = list(file.counts(deals).values()) if deals is not None else []
    return len(counts) < _FEWEST_GROUPS or max(counts) > 1


def price_of(file: SourceFile) -> tuple[str, str] | None:
    """Return the headers of quantity and price of one, where a file has both."""
    price, quantity = (found_header(names, file.headers) for names in (UNIT_PRICES, QUANTITIES))
    return None if price is None or quantity is None else (quantity, price)


def _deal_columns(file: SourceFile, columns: dict[str, str]) -> dict[str, str] | None:
    """Return the columns of deals, where a file has amounts, dates and somebody who bought."""
    if _NO_DEALS.search(file.stem.casefold()):
        return None
    names = (*ACCOUNT_IDS, *ACCOUNT_NAMES, "contact id", "email")
    account = columns.get("account_id") or found_header(names, file.headers)
    if account is None:
        return None
    if len(months_of(file.headers)) >= FEWEST_MONTHS:
        return {"account_id": account}
    date = _date_header(file, columns)
    if date is None or not ("amount" in columns or price_of(file)):
        return None
    if columns.get("created_date") == date:
        columns.pop("created_date")
    types = [header for header in file.headers if tells_refunds(file, header)]
    found = {"type": types[0]} if types else {}
    return {**found, **columns, "account_id": account, "close_date": date}


def _date_header(file: SourceFile, columns: Mapping[str, str]) -> str | None:
    """Return the first column that may hold close dates and does hold dates.

    Where one is filled with what cannot be read it is taken, not the day of creation: a check then
    says why.
    """
    found = [found_header((name,), file.headers) for name in ("close_date", *CLOSE_DATES)]
    found.append(columns.get("close_date"))
    named = list(dict.fromkeys(header for header in found if header is not None))
    readable = (header for header in named if _holds_dates(file.values(header)[:200]))
    filled = (
        header for header in named if 2 * file.counts(header)[""] < file.counts(header).total()
    )
    created = columns.get("created_date")
    others = [created] if created and _holds_dates(file.values(created)[:200]) else []
    return next(chain(readable, filled, others, named), None)


def _holds_dates(values: Sequence[str]) -> bool:
    reading = read_dates(values, zone="UTC")
    return bool(reading.unclear or sum(day is not None for day in reading.days) > len(values) / 2)


def tells_refunds(file: SourceFile, header: str) -> bool:
    """Return whether a column of few values tells refunds from sales, whatever it is called."""
    counts = file.counts(header)
    if not 1 < len(counts) <= _MOST_TYPES:
        return False
    return {"refund", "new"} <= {meaning_of(value) for value in counts}


def numeric_headers(file: SourceFile) -> list[str]:
    """Return the columns whose first values are all written as numbers."""
    return [
        header
        for header in file.headers
        if (values := file.values(header)[:_EXAMPLES]) and all(map(_NUMERAL.match, values))
    ]


def _as_deals(lines: RecognisedTable) -> RecognisedTable:
    """Return lines with the columns of the deals that are made from them."""
    if lines.table != "opportunity_lines":
        return lines
    if system_of(lines.file.headers) is not None:
        return replace(
            lines, columns={**columns_of("opportunities", lines.file.headers), **lines.columns}
        )
    deals = _deal_columns(lines.file, columns_of("opportunities", lines.file.headers))
    return lines if deals is None else replace(lines, columns={**deals, **lines.columns})


def _holds_lines(file: SourceFile) -> bool:
    """Return whether the same deal stands in several rows, as one with several products does."""
    columns = columns_of("opportunity_lines", file.headers)
    if not {"opportunity_id", "product"} <= set(columns):
        return False
    deal = nw.col(columns["opportunity_id"])
    rows, deals = file.rows.select(deal.count(), deals=deal.n_unique()).collect().rows()[0]
    return bool(rows > deals)


def group_headers(file: SourceFile, account: str) -> list[str]:
    """Return the columns that only the first row of each group fills, the account among them.

    Such is a report in groups: each account stands once, above rows without one.
    """
    if account not in file.headers:
        return []
    counts = file.counts(account)
    blank, named = counts[""], [rows for value, rows in counts.items() if value]
    if len(named) < _FEWEST_GROUPS or max(named) > 1 or blank < _FEWEST_BELOW * counts.total():
        return []
    return [header for header in file.headers if file.counts(header)[""] == blank]


def account_link(
    deals: RecognisedTable, accounts: RecognisedTable
) -> tuple[str, str, float] | None:
    """Return the columns of deals and accounts that name the same accounts, with the share known.

    Ids come before names; a pair in which less than half of the deals' accounts are known is taken
    only where there is no better one. None where no value is shared.
    """
    first = [deals.columns.get("account_id"), *_headers(ACCOUNT_IDS, deals.file)]
    mine = dict.fromkeys([*filter(None, first), *_headers(ACCOUNT_NAMES, deals.file)])
    keys = [accounts.columns["account_id"], *_headers(ACCOUNT_IDS, accounts.file)]
    theirs = dict.fromkeys([*keys, *_headers(ACCOUNT_NAMES, accounts.file)])
    best: tuple[str, str, float] | None = None
    for key in theirs:
        known = set(accounts.file.values(key))
        for header in mine:
            share = known_share(deals.file, header, known)
            if share >= _FEWEST_KNOWN and (best is None or share > best[2] + 0.2):
                best = (header, key, share)
    return best


def known_share(file: SourceFile, header: str, known: set[str]) -> float:
    """Return the share of a file's rows with an account whose account is known."""
    counts = {value: rows for value, rows in file.counts(header).items() if value}
    total = sum(counts.values())
    return sum(rows for value, rows in counts.items() if value in known) / total if total else 0.0


def _headers(names: Sequence[str], file: SourceFile) -> list[str]:
    found = (found_header((name,), file.headers) for name in names)
    return list(dict.fromkeys(header for header in found if header is not None))
