"""Which file of a folder is which table, and which column is which, judged by names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import LINES_AS_DEALS, TABLES
from tierkit.crm.engine import EngineError, Rows, connect
from tierkit.crm.files import SUFFIXES
from tierkit.crm.guard import only_with
from tierkit.crm.presets import PRESETS
from tierkit.crm.presets.preset import header_of, plain
from tierkit.crm.scanning import scan_file
from tierkit.errors import TierkitError

_KEYS = ("id", "key", "no", "number", "code", "nr")
_COMPANIES = [
    "account",
    "customer",
    "client",
    "company",
    "reseller",
    "buyer",
    "debtor",
    "organisation",
    "organization",
    "dealer",
]
_DEALS = ("order", "sales order", "invoice", "deal", "opportunity", "transaction", "document")
_ACCOUNT_ID = tuple(f"{company} {key}" for company in _COMPANIES for key in _KEYS)
_DEAL_ID = (*(f"{deal} {key}" for deal in _DEALS for key in _KEYS), "invoice")
_AMOUNTS = (
    "value", "revenue", "total", "net amount", "deal value", "order total", "sales amount",
    "line total", "line amount", "net value", "invoice amount", "total amount", "sales",
)  # fmt: skip
_MORE_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "accounts": {
        "account_id": _ACCOUNT_ID,
        "name": (*(f"{company} name" for company in _COMPANIES), "company", "customer"),
        "employees": ("headcount", "employee count", "number employees"),
        "country": ("country code", "billing country", "country region"),
        "region": ("state province name", "state"),
    },
    "opportunities": {
        "opportunity_id": _DEAL_ID,
        "account_id": _ACCOUNT_ID,
        "close_date": ("order date", "invoice date", "closed date", "closed", "date"),
        "created_date": ("create date", "opened", "open date"),
        "amount": _AMOUNTS,
        "is_won": ("won",),
        "stage": ("status", "deal stage"),
        "type": ("deal type", "order type"),
        "product": ("product id", "product key", "product name"),
        "cost": ("total product cost", "total cost", "cost of goods"),
    },
    "opportunity_lines": {
        "opportunity_id": _DEAL_ID,
        "product": ("product id", "product key", "product name", "sku", "stock code", "item"),
        "amount": _AMOUNTS,
        "quantity": ("qty", "order quantity"),
        "cost": ("total product cost", "total cost", "cost of goods"),
    },
    "activities": {
        "account_id": _ACCOUNT_ID,
        "date": ("activity date", "created date", "day"),
        "type": ("activity type", "kind"),
    },
}
_NAME_WEIGHT = 3.0


@dataclass(frozen=True)
class SourceFile:
    """A file of the folder with its rows."""

    path: Path
    rows: Rows

    @property
    def headers(self) -> list[str]:
        """Its columns, as it spells them."""
        return list(self.rows.columns)


@dataclass(frozen=True)
class RecognisedTable:
    """A table, the file that seems to hold it, and its columns."""

    table: str
    file: SourceFile
    columns: Mapping[str, str]

    @property
    def holds_deals(self) -> bool:
        """Whether its rows are deals, or lines from which deals are made."""
        of_lines = self.table == "opportunity_lines" and "account_id" in self.columns
        return self.table == "opportunities" or of_lines


def files_of(folder: Path) -> list[SourceFile]:
    """Return the files of a folder that can be read as tables, by name."""
    connection = connect()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix.lower() in SUFFIXES:
            try:
                rows = scan_file(path, connection, folder / ".tierkit")
                found.append(SourceFile(path, rows))
            except (TierkitError, EngineError, OSError, ValueError):
                continue
    return found


def preset_of_files(files: Sequence[SourceFile]) -> tuple[str, str] | None:
    """Return the preset whose own marks the files bear, and which marks these are."""
    stems = {file.path.stem.casefold() for file in files}
    headers = {plain(header) for file in files for header in file.headers}
    if {"deal", "deal_pipeline_stage"} <= stems:
        return "hubspot_fivetran", "files deal and deal_pipeline_stage"
    if {"opportunity", "account"} <= stems and "fivetransynced" in headers:
        return "salesforce_fivetran", "files opportunity and account with _fivetran_synced"
    if _named_by("salesforce", stems) and {"stagename", "closedate", "iswon"} <= headers:
        return "salesforce", "columns StageName, CloseDate and IsWon"
    if _named_by("salesforce", stems) and {"opportunityid", "accountid", "accountname"} <= headers:
        return "salesforce", "reports with Account ID, Account Name and Opportunity ID"
    if _named_by("hubspot", stems) and {"recordid", "dealstage"} <= headers:
        return "hubspot", "lists of deals and companies with Record ID and Deal Stage"
    return None


def _named_by(preset: str, stems: set[str]) -> bool:
    """Whether accounts and deals lie in files of the names that a preset knows."""
    wanted = (PRESETS[preset][table].files for table in ("accounts", "opportunities"))
    return all(any(name.casefold() in stems for name in names) for names in wanted)


def recognised_tables(files: Sequence[SourceFile]) -> list[RecognisedTable]:
    """Give each table the file that fits it best; a file is given once.

    A file in which the same deal stands in several rows holds lines, not deals.
    """
    scored = []
    for table in TABLES:
        for file in files:
            columns = _columns_of(table, file)
            needed = TABLES[table].required - {"is_won"}
            if needed <= set(columns) and not (table == "opportunities" and _holds_lines(file)):
                likeness = SequenceMatcher(None, file.path.stem.casefold(), table).ratio()
                scored.append((len(columns) + _NAME_WEIGHT * likeness, table, file, columns))
    scored.sort(key=lambda found: (-found[0], found[1], found[2].path.name))
    given: dict[str, RecognisedTable] = {}
    for _, table, file, columns in scored:
        if table not in given and all(one.file is not file for one in given.values()):
            given[table] = RecognisedTable(table, file, columns)
    tables = [given[table] for table in TABLES if table in given]
    return tables if "opportunities" in given else [_as_deals(table) for table in tables]


def found_share(table: RecognisedTable, accounts: RecognisedTable) -> float | None:
    """Return the share of a table's rows whose account is among the accounts; None without rows."""
    header = table.columns["account_id"]
    ids = accounts.file.rows.select(__id=nw.col(accounts.columns["account_id"]).cast(nw.String))
    rows = table.file.rows.select(__id=nw.col(header).cast(nw.String)).drop_nulls()
    count = rows.select(nw.len()).collect().item()
    known = only_with(rows, ids, on="__id").select(nw.len()).collect().item()
    return float(known) / float(count) if count else None


def _as_deals(lines: RecognisedTable) -> RecognisedTable:
    """Return lines with the columns of the deals that are made from them."""
    if lines.table != "opportunity_lines":
        return lines
    deals = _columns_of("opportunities", lines.file)
    if not set(LINES_AS_DEALS) - {"is_won"} <= set(deals):
        return lines
    return RecognisedTable(lines.table, lines.file, {**deals, **lines.columns})


def _holds_lines(file: SourceFile) -> bool:
    """Whether the same deal stands in several rows, as one with several products does."""
    columns = _columns_of("opportunity_lines", file)
    if not {"opportunity_id", "product"} <= set(columns):
        return False
    deal = nw.col(columns["opportunity_id"])
    rows, deals = file.rows.select(deal.count(), deals=deal.n_unique()).collect().rows()[0]
    return bool(rows > deals)


def _columns_of(table: str, file: SourceFile) -> dict[str, str]:
    names = _names(table).items()
    found = {column: header_of(wanted, file.headers) for column, wanted in names}
    return {column: header for column, header in found.items() if header is not None}


def _names(table: str) -> dict[str, tuple[str, ...]]:
    """Return every header that is known for each column of a table, the contract's own first."""
    names = {}
    for column in TABLES[table].columns:
        known = [column, *_MORE_NAMES.get(table, {}).get(column, ())]
        for preset in PRESETS.values():
            if table in preset:
                known += preset[table].columns.get(column, ())
        if table == "opportunities" or column != "opportunity_id":
            known = [name for name in known if plain(name) != "id" or column == TABLES[table].key]
        names[column] = tuple(dict.fromkeys(known))
    return names
