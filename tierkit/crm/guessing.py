"""A first `tierkit.toml` for a folder of exports, with what each guess rests on as a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import narwhals as nw

from tierkit.crm.contract import TABLES
from tierkit.crm.engine import EngineError, Rows, connect
from tierkit.crm.files import SUFFIXES
from tierkit.crm.guard import gathered
from tierkit.crm.presets import PRESETS
from tierkit.crm.presets.preset import header_of, plain
from tierkit.crm.scanning import scan_file
from tierkit.errors import DataError, TierkitError

_MORE_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "accounts": {
        "account_id": ("customer id", "customer key", "client id", "company id", "customer no"),
        "name": ("customer name", "company", "company name", "customer"),
        "employees": ("headcount", "employee count"),
        "country": ("country code", "billing country"),
    },
    "opportunities": {
        "opportunity_id": (
            "order id",
            "order no",
            "invoice no",
            "invoice",
            "deal id",
            "invoice id",
        ),
        "account_id": ("customer id", "customer key", "client id", "company id", "customer no"),
        "close_date": ("order date", "invoice date", "closed date", "closed", "date"),
        "created_date": ("create date", "opened", "open date"),
        "amount": ("value", "revenue", "total", "net amount", "deal value", "order total"),
        "is_won": ("won",),
        "stage": ("status", "deal stage"),
        "type": ("deal type", "order type"),
    },
    "opportunity_lines": {
        "opportunity_id": ("order id", "order no", "invoice no", "deal id"),
        "product": ("product id", "product key", "product name", "sku", "stock code", "item"),
        "amount": ("line total", "line amount", "sales amount", "net amount", "total"),
        "quantity": ("qty", "order quantity"),
    },
    "activities": {
        "account_id": ("customer id", "company id"),
        "date": ("activity date", "created date", "day"),
        "type": ("activity type", "kind"),
    },
}
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
_NAME_WEIGHT = 3.0


@dataclass(frozen=True)
class _File:
    """A file of the folder with its rows."""

    path: Path
    rows: Rows

    @property
    def headers(self) -> list[str]:
        return list(self.rows.columns)


@dataclass(frozen=True)
class _Guess:
    """A table, the file that seems to hold it, and its columns."""

    table: str
    file: _File
    columns: Mapping[str, str]


def guess_settings(folder: str | Path) -> str:
    """Return the text of a `tierkit.toml` that fits a folder of exports as well as can be guessed.

    Files become tables by their names and headers, stages become won and lost by their words, types
    of deals become new, expansion or renewal; each guess stands beside what it rests on. Nothing is
    written.

    Raises
    ------
    DataError
        If the folder holds no file that can be read.
    """
    place = Path(folder)
    files = _files(place)
    if not files:
        raise DataError(f"{folder}: there is no CSV, Excel or Parquet file that can be read.")
    lines = ["# Guessed from the files; read each line, then run `tierkit check`.", "", "[data]"]
    lines.append(f"source = {_text(str(place))}")
    preset = _preset(files)
    if preset is not None:
        name, because = preset
        return "\n".join([*lines, f'preset = "{name}" # {because}', *_types(_deals_of(files)), ""])
    guesses = _guesses(files)
    renamed = [guess for guess in guesses if guess.file.path.stem != guess.table]
    if renamed:
        lines += ["", "[data.tables]"]
        lines += [f"{guess.table} = {_text(guess.file.path.name)}" for guess in renamed]
    for guess in guesses:
        lines += _column_lines(guess)
    deals = next((guess for guess in guesses if guess.table == "opportunities"), None)
    if deals is not None:
        lines += _outcome_lines(deals)
    missing = {"accounts", "opportunities"} - {guess.table for guess in guesses}
    lines += [
        f"# No file looks like {table}; name one in [data.tables]." for table in sorted(missing)
    ]
    if deals is not None:
        lines += _currency(deals) + _types(deals)
    return "\n".join([*lines, ""])


def _files(folder: Path) -> list[_File]:
    connection = connect()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix.lower() in SUFFIXES:
            try:
                rows = scan_file(path, connection, folder / ".tierkit")
                found.append(_File(path, rows))
            except (TierkitError, EngineError, OSError, ValueError):
                continue
    return found


def _preset(files: Sequence[_File]) -> tuple[str, str] | None:
    """Return the preset whose own marks the files bear, and which marks these are."""
    stems = {file.path.stem.casefold() for file in files}
    headers = {plain(header) for file in files for header in file.headers}
    if {"deal", "deal_pipeline_stage"} <= stems:
        return "hubspot_fivetran", "files deal and deal_pipeline_stage"
    if {"opportunity", "account"} <= stems and "fivetransynced" in headers:
        return "salesforce_fivetran", "files opportunity and account with _fivetran_synced"
    found_by_name = all(
        any(stem in {name.casefold() for name in preset.files} for stem in stems)
        for preset in (PRESETS["salesforce"][table] for table in ("accounts", "opportunities"))
    )
    if found_by_name and {"stagename", "closedate", "iswon"} <= headers:
        return "salesforce", "columns StageName, CloseDate and IsWon"
    if {"deals", "companies"} <= stems and {"recordid", "dealstage"} <= headers:
        return "hubspot", "files deals and companies with Record ID and Deal Stage"
    return None


def _deals_of(files: Sequence[_File]) -> _Guess | None:
    found = [guess for guess in _guesses(files) if guess.table == "opportunities"]
    return found[0] if found else None


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


def _guesses(files: Sequence[_File]) -> list[_Guess]:
    """Give each table the file that fits it best; a file is given once."""
    scored = []
    for table in TABLES:
        for file in files:
            columns = {
                column: header
                for column, names in _names(table).items()
                if (header := header_of(names, file.headers)) is not None
            }
            needed = TABLES[table].required - {"is_won"}
            likeness = SequenceMatcher(None, file.path.stem.casefold(), table).ratio()
            if needed <= set(columns):
                scored.append((len(columns) + _NAME_WEIGHT * likeness, table, file, columns))
    scored.sort(key=lambda found: (-found[0], found[1], found[2].path.name))
    guesses: dict[str, _Guess] = {}
    for _, table, file, columns in scored:
        if table not in guesses and all(guess.file is not file for guess in guesses.values()):
            guesses[table] = _Guess(table, file, columns)
    return [guesses[table] for table in TABLES if table in guesses]


def _column_lines(guess: _Guess) -> list[str]:
    known = f"{len(guess.columns)} of its {len(guess.file.headers)} columns are known"
    lines = ["", f"# {guess.table}: {_one_line(guess.file.path.name)}, since {known}"]
    columns = dict(guess.columns)
    if guess.table == "opportunities" and "is_won" not in columns and "stage" in columns:
        columns["is_won"] = columns["stage"]
    other = {column: header for column, header in columns.items() if column != header}
    if other:
        lines.append(f"[data.columns.{guess.table}]")
        lines += [f"{column} = {_text(header)}" for column, header in other.items()]
    return lines


def _counts(deals: _Guess, header: str) -> list[tuple[str, int]]:
    """Return the values of a column with their rows, the most frequent first."""
    value = nw.col(header).cast(nw.String).fill_null("").alias("value")
    counted = gathered(deals.file.rows.select(value), "value", rows=nw.len())
    ordered = counted.sort("rows", "value", descending=[True, False]).head(_MOST_VALUES)
    return [(str(value), int(rows)) for value, rows in ordered.collect().rows()]


def _outcome_lines(deals: _Guess) -> list[str]:
    if "is_won" in deals.columns:
        return []
    if "stage" not in deals.columns:
        return [
            "# No column says what was won: every row is taken as a won order or invoice.",
            "[data.constants.opportunities]",
            "is_won = true",
        ]
    header = deals.columns["stage"]
    counts = [(value, rows) for value, rows in _counts(deals, header) if value]
    won = [value for value, _ in counts if _WON.search(value) and not _LOST.search(value)]
    lost = [value for value, _ in counts if _LOST.search(value)]
    evidence = ", ".join(f"{value} ({rows:,})" for value, rows in counts)
    return [
        "",
        f"# Stages by rows: {_one_line(evidence)}; all others are open.",
        "[data.values.opportunities.is_won]",
        f"won = {json.dumps(won, ensure_ascii=False)}",
        f"lost = {json.dumps(lost, ensure_ascii=False)}",
    ]


def _currency(deals: _Guess) -> list[str]:
    if "currency" not in deals.columns:
        return []
    counts = [(code, rows) for code, rows in _counts(deals, deals.columns["currency"]) if code]
    code = next((code.upper() for code, _ in counts if re.fullmatch("[A-Za-z]{3}", code)), None)
    shown = ", ".join(f"{value} ({rows:,})" for value, rows in counts[:6])
    if code is None:
        return []
    return ["", "[calendar]", f'currency = "{code}" # {_one_line(shown)}']


def _types(deals: _Guess | None) -> list[str]:
    if deals is None or "type" not in deals.columns:
        return []
    lines = ["", "[target.revenue_types] # by the words of each type"]
    for value, rows in _counts(deals, deals.columns["type"]):
        meaning = next((name for name, words in _MEANINGS if words.search(value)), None)
        line = f'{_text(value)} = "{meaning or "new"}" # {rows:,} rows'
        lines.append(line if meaning else f"# decide: {line}")
    return lines


def _text(value: str) -> str:
    """Return a TOML string."""
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]
