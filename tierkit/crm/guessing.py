"""A first `tierkit.toml` for a folder of exports, with what each guess rests on as a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import CONTRACT, LINES_AS_DEALS
from tierkit.crm.engine import EngineError, Rows, connect
from tierkit.crm.guard import grouped, only_with
from tierkit.crm.presets import PRESETS
from tierkit.crm.presets.preset import header_of, plain
from tierkit.crm.scanning import SUFFIXES, scan_file
from tierkit.errors import DataError, TierkitError

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
    for table in CONTRACT:
        for file in files:
            columns = _columns_of(table, file)
            needed = CONTRACT[table].required - {"is_won"}
            if needed <= set(columns) and not (table == "opportunities" and _holds_lines(file)):
                likeness = SequenceMatcher(None, file.path.stem.casefold(), table).ratio()
                scored.append((len(columns) + _NAME_WEIGHT * likeness, table, file, columns))
    scored.sort(key=lambda found: (-found[0], found[1], found[2].path.name))
    given: dict[str, RecognisedTable] = {}
    for _, table, file, columns in scored:
        if table not in given and all(one.file is not file for one in given.values()):
            given[table] = RecognisedTable(table, file, columns)
    tables = [given[table] for table in CONTRACT if table in given]
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
    for column in CONTRACT[table].columns:
        known = [column, *_MORE_NAMES.get(table, {}).get(column, ())]
        for preset in PRESETS.values():
            if table in preset:
                known += preset[table].columns.get(column, ())
        if table == "opportunities" or column != "opportunity_id":
            known = [name for name in known if plain(name) != "id" or column == CONTRACT[table].key]
        names[column] = tuple(dict.fromkeys(known))
    return names


_WON = re.compile(r"\b(won|signed|booked|invoiced|paid)\b", re.IGNORECASE)
_LOST = re.compile(r"\b(lost|dead|cancel+ed|abandoned|disqualified|no decision)\b", re.IGNORECASE)
_MEANINGS = (
    ("renewal", re.compile(r"renew|extension|prolong", re.IGNORECASE)),
    (
        "expansion",
        re.compile(r"up.?sell|expan|cross|add.?on|existing|upgrade", re.IGNORECASE),
    ),
    ("new", re.compile(r"new|first|initial|land", re.IGNORECASE)),
    ("exclude", re.compile(r"test|internal|dummy", re.IGNORECASE)),
)
_MOST_VALUES = 40
_EXAMPLES = 2


def guess_settings(folder: str | Path, *, source: str = "") -> str:
    """Return the text of a `tierkit.toml` that fits a folder of exports as well as can be guessed.

    Files become tables by their names and headers, stages become won and lost by their words, types
    of deals become new, expansion or renewal; each guess stands beside what it rests on. Nothing is
    written.

    Parameters
    ----------
    folder
        The exports: CSV, Excel or Parquet files.
    source
        How the settings name the folder; by default as it is given here.

    Raises
    ------
    DataError
        If the folder holds no file that can be read.
    """
    files = files_of(Path(folder))
    if not files:
        raise DataError(f"{folder}: there is no CSV, Excel or Parquet file that can be read.")
    lines = ["# Guessed from the files; read each line, then run `tierkit check`.", "", "[data]"]
    lines.append(f"source = {_text(source or str(folder))}")
    tables = recognised_tables(files)
    preset = preset_of_files(files)
    lines += _by_preset(*preset, files) if preset is not None else _by_columns(tables, files)
    deals = next((table for table in tables if table.holds_deals), None)
    lines += _calendar(deals)
    if deals is not None:
        lines += _types(deals)
    return "\n".join([*lines, ""])


def _by_preset(name: str, because: str, files: Sequence[SourceFile]) -> list[str]:
    """Return the preset, and what stages mean where it cannot know."""
    lines = [f'preset = "{name}" # {because}']
    preset = PRESETS[name]["opportunities"]
    stems = {wanted.casefold() for wanted in preset.files}
    deals = next((file for file in files if file.path.stem.casefold() in stems), None)
    outcome = preset.outcome
    if deals is None or outcome is None or header_of(outcome.won, deals.headers) is not None:
        return lines
    stage = header_of(outcome.stage, deals.headers)
    if stage is None:
        return lines
    counts = _counts(deals, stage)
    known = (outcome.won_words, outcome.lost_words)
    if any(re.search(words, value) for value, _ in counts for words in known):
        return lines
    columns = ["", "[data.columns.opportunities]", f"is_won = {_text(stage)} # the stage decides"]
    return [*lines, *columns, *_stage_lines("opportunities", counts)]


def _by_columns(tables: Sequence[RecognisedTable], files: Sequence[SourceFile]) -> list[str]:
    """Return which file is which table, and which column is which."""
    lines: list[str] = []
    renamed = [table for table in tables if table.file.path.stem != table.table]
    if renamed:
        lines += ["", "[data.tables]"]
        lines += [f"{one.table} = {_text(one.file.path.name)}" for one in renamed]
    accounts = next((table for table in tables if table.table == "accounts"), None)
    for table in tables:
        lines += _column_lines(table, accounts)
    lines += [line for table in tables if table.holds_deals for line in _outcome_lines(table)]
    missing = {"accounts"} - {table.table for table in tables}
    missing |= set() if any(table.holds_deals for table in tables) else {"opportunities"}
    lines += [
        f"# No file looks like {table}; name one in [data.tables]." for table in sorted(missing)
    ]
    used = {table.file.path.name for table in tables}
    unused = [_one_line(file.path.name) for file in files if file.path.name not in used]
    return [*lines, *([f"# Not used: {', '.join(unused)}."] if unused else [])]


def _column_lines(table: RecognisedTable, accounts: RecognisedTable | None) -> list[str]:
    """Return the columns of a table that have another name, with some of their values."""
    name = _one_line(table.file.path.name)
    known = f"{len(set(table.columns.values()))} of its {len(table.file.headers)} columns are known"
    lines = ["", f"# {table.table}: {name}, since {known}"]
    if table.holds_deals and table.table == "opportunity_lines":
        lines.append("# The same deal stands in several rows: deals are the sums of their lines.")
    columns = dict(table.columns)
    if table.holds_deals and "is_won" not in columns and "stage" in columns:
        columns["is_won"] = columns["stage"]
    other = {column: header for column, header in columns.items() if column != header}
    if other:
        lines.append(f"[data.columns.{table.table}]")
    for column, header in other.items():
        because = _examples(table.file, header)
        if column == "account_id" and accounts is not None and table is not accounts:
            share = found_share(table, accounts)
            of = _one_line(accounts.file.path.name)
            because += "" if share is None else f"; {share:.1%} of rows are in {of}"
        lines.append(f"{column} = {_text(header)} # {because}")
    return lines


def _examples(file: SourceFile, header: str) -> str:
    """Return some values of a column, as evidence."""
    counts = [value for value, _ in _counts(file, header) if value][:_EXAMPLES]
    return f"such as {_one_line(', '.join(counts))}" if counts else "empty"


def _counts(file: SourceFile, header: str) -> list[tuple[str, int]]:
    """Return the values of a column with their rows, the most frequent first."""
    value = nw.col(header).cast(nw.String).fill_null("").alias("value")
    counted = grouped(file.rows.select(value), "value", rows=nw.len())
    ordered = counted.sort("rows", "value", descending=[True, False]).head(_MOST_VALUES)
    return [(str(value), int(rows)) for value, rows in ordered.collect().rows()]


def _outcome_lines(deals: RecognisedTable) -> list[str]:
    if "is_won" in deals.columns:
        return []
    if "stage" not in deals.columns:
        return [
            "",
            "# No column says what was won: every row is taken as a won order or invoice.",
            f"[data.constants.{deals.table}]",
            "is_won = true",
        ]
    return _stage_lines(deals.table, _counts(deals.file, deals.columns["stage"]))


def _stage_lines(table: str, counted: Sequence[tuple[str, int]]) -> list[str]:
    """Return which stages mean won and lost, by their words."""
    counts = [(value, rows) for value, rows in counted if value]
    won = [value for value, _ in counts if _WON.search(value) and not _LOST.search(value)]
    lost = [value for value, _ in counts if _LOST.search(value)]
    evidence = ", ".join(f"{value} ({rows:,})" for value, rows in counts)
    return [
        "",
        f"# Stages by rows: {_one_line(evidence)}; all others are open.",
        f"[data.values.{table}.is_won]",
        f"won = {json.dumps(won, ensure_ascii=False)}",
        f"lost = {json.dumps(lost, ensure_ascii=False)}",
    ]


def _calendar(deals: RecognisedTable | None) -> list[str]:
    """Return the calendar, which no export tells, and the currency of most deals."""
    months = "# the month; exports do not tell"
    return ["", "[calendar]", f"fiscal_year_starts = 1 {months}", *_currency(deals)]


def _currency(deals: RecognisedTable | None) -> list[str]:
    header = deals.columns.get("currency") if deals is not None else None
    if deals is None or header is None:
        return ['currency = "USD" # no column tells it']
    counts = [(code, rows) for code, rows in _counts(deals.file, header) if code]
    code = next((code.upper() for code, _ in counts if re.fullmatch("[A-Za-z]{3}", code)), None)
    shown = ", ".join(f"{value} ({rows:,})" for value, rows in counts[:6])
    return [f'currency = "{code or "USD"}" # {_one_line(shown) or "no deal tells it"}']


def _types(deals: RecognisedTable) -> list[str]:
    if "type" not in deals.columns:
        return []
    lines = ["", "[target.revenue_types] # by the words of each type"]
    for value, rows in _counts(deals.file, deals.columns["type"]):
        meaning = next((name for name, words in _MEANINGS if words.search(value)), None)
        line = f'{_text(value)} = "{meaning or "new"}" # {rows:,} rows'
        lines.append(line if meaning else f"# decide: {line}")
    return lines


def _text(value: str) -> str:
    """Return a TOML string."""
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
