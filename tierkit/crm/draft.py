"""Draft of settings: sections of TOML with what each line rests on as a comment."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tierkit.crm.deal_columns import Amount
from tierkit.crm.header_words import unit_of
from tierkit.crm.outcome_words import meaning_of
from tierkit.crm.recognising import RecognisedTable
from tierkit.crm.scanning import DERIVED
from tierkit.crm.signs import code_of
from tierkit.crm.systems import system_of
from tierkit.words import plural


@dataclass
class Draft:
    """Sections of settings with their lines, in the order in which they were first named."""

    sections: dict[str, list[str]] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, section: str, key: str, value: object, because: str = "") -> None:
        """Put a setting into a section, with what it rests on."""
        comment = f" # {one_line(because)}" if because else ""
        line = f"{_key(key)} = {toml_text(value)}{comment}"
        self.sections.setdefault(section, []).append(line)

    def say(self, section: str, line: str) -> None:
        """Put a remark above a section."""
        self.above.setdefault(section, []).append(f"# {one_line(line)}")

    def lines(self) -> list[str]:
        """Return the settings as lines of TOML."""
        found: list[str] = []
        for section in dict.fromkeys([*self.above, *self.sections]):
            found += ["", *self.above.get(section, [])]
            if section in self.sections:
                found += [f"[{section}]", *self.sections[section]]
        return [
            *found,
            *(["", *(f"# {one_line(note)}" for note in self.notes)] if self.notes else []),
        ]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_text(key)


def toml_text(value: object) -> str:
    """Return a value as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def one_line(text: str) -> str:
    """Return a text without line breaks, cut where it is very long."""
    return " ".join(text.split())[:400]


_MOST_VALUES, _MOST_TIERS = 40, 8
_TIER = re.compile(
    r"\b(tier|abc|kundenklasse|klasse|segment ?class|classification)\b", re.IGNORECASE
)


def say_tiers(draft: Draft, accounts: RecognisedTable) -> None:
    """Say how a column of today's tiers becomes the tiers held until now."""
    for header in accounts.file.headers:
        values = accounts.file.values(header) if _TIER.search(header) else []
        if values and len(values) <= _MOST_TIERS:
            key, file = accounts.columns["account_id"], accounts.file.names[0]
            draft.notes += [
                f"{header!r} ({', '.join(values)}) looks like the tiers held until now. Moves are "
                "shown against it with these lines, and the day from which it was held:",
                f"[data.tables] tier_history = {toml_text(file)}",
                f"[data.columns.tier_history] account_id = {toml_text(key)}, "
                f"tier = {toml_text(header)}",
                '[data.constants.tier_history] start_date = "2026-01-01"',
            ]


def table_lines(tables: Sequence[RecognisedTable], deals: RecognisedTable | None) -> list[str]:
    """Return which file is which table."""
    lines = []
    for one in tables:
        names = one.file.names
        if len(names) > 1:
            lines.append(f"{one.table} = {toml_text(_pattern(names))} # {len(names)} files")
        elif Path(names[0]).stem != one.table or "/" in names[0]:
            lines.append(f"{one.table} = {toml_text(names[0])}")
    there = {table.table for table in tables}
    if "accounts" not in there and deals is not None:
        lines.insert(0, f'accounts = "{DERIVED}" # no file looks like a list of accounts')
    elif "accounts" not in there:
        lines.append("# No file looks like accounts; name one in [data.tables].")
    if deals is None:
        lines.append(
            "# No file looks like opportunities. If one is, call it opportunities.csv and run "
            "`tierkit init --from` again; or name it in [data.tables]."
        )
    lines = ["", "[data.tables]", *lines] if lines else []
    sheets = [
        f"{toml_text(name)} = {toml_text(sheets[0] if len(sheets) == 1 else sheets)}"
        for one in tables
        if (sheets := one.file.sheets)
        for name in one.file.names
    ]
    return [*lines, *(["", "[data.sheets]", *sheets] if sheets else [])]


def _pattern(names: Sequence[str]) -> str | list[str]:
    """Return a pattern for files of a folder, a list for files that lie side by side."""
    if all("/" in name for name in names) and len({name.split("/")[1] for name in names}) == 1:
        return f"*/{names[0].split('/')[1]}"
    return list(names)


def calendar_lines(currency: str) -> list[str]:
    """Return the calendar, which no export tells, and the currency of most deals."""
    months = "# the month; exports do not tell"
    return ["", "[calendar]", f"fiscal_year_starts = 1 {months}", currency]


def currency_line(
    deals: RecognisedTable | None,
    amount: Amount | None,
    tables: Sequence[RecognisedTable] = (),
) -> str:
    """Return the reporting currency: that of the amounts, of most deals, or of another header."""
    if amount is not None and amount.currency:
        return f'currency = "{amount.currency}" # as the amounts say'
    header = deals.columns.get("currency") if deals is not None else None
    if deals is None or header is None:
        return _currency_of_headers(tables)
    counts = Counter({v: n for v, n in deals.file.counts(header).items() if v})
    codes: Counter[str] = Counter()
    for value, rows in counts.items():
        codes[code_of(value) or value.upper()] += rows
    code = next((c for c, _ in codes.most_common() if re.fullmatch("[A-Z]{3}", c)), None)
    shown = ", ".join(f"{value} ({rows:,})" for value, rows in counts.most_common(6))
    return f'currency = "{code or "USD"}" # {one_line(shown) or "no deal tells it"}'


def _currency_of_headers(tables: Sequence[RecognisedTable]) -> str:
    """Return the one currency that headers such as `Annual revenue (EUR)` name, else a guess."""
    headers = [header for table in tables for header in table.file.headers]
    named = {code: header for header in headers if (code := unit_of(header)[1]) is not None}
    if len(named) != 1:
        return 'currency = "USD" # no column tells it'
    code, header = next(iter(named.items()))
    return f'currency = "{code}" # by the header {one_line(header)!r}'


def type_lines(deals: RecognisedTable) -> list[str]:
    """Return the revenue types, by the words of the types of deals."""
    if "type" not in deals.columns:
        return []
    system = system_of(deals.file.headers)
    known = system.types if system is not None else {}
    lines = ["", "[target.revenue_types] # by the words of each type"]
    for value, rows in list(deals.file.counts(deals.columns["type"]).items())[:_MOST_VALUES]:
        meaning = known.get(value) or meaning_of(value)
        line = f'{toml_text(value)} = "{meaning or "new"}" # {plural(rows, "row")}'
        ask = "decide" if value else "only if `tierkit check` asks for it"
        lines.append(line if meaning else f"# {ask}: {line}")
    return lines
