"""A first `tierkit.toml` for a folder of exports, with what each guess rests on as a comment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tierkit.crm.contract import CONTRACT
from tierkit.crm.deal_columns import (
    Amount,
    Outcomes,
    amount_of,
    code_header,
    outcomes_of,
)
from tierkit.crm.draft import (
    Draft,
    calendar_lines,
    currency_line,
    one_line,
    say_tiers,
    table_lines,
    toml_text,
    type_lines,
)
from tierkit.crm.files import unread_files
from tierkit.crm.header_words import columns_of, found_header, money_headers
from tierkit.crm.presets import PRESETS
from tierkit.crm.presets.preset import header_of, plain
from tierkit.crm.recognising import (
    FEWEST_MONTHS,
    Folder,
    RecognisedTable,
    SourceFile,
    account_link,
    folder_of,
    group_headers,
    known_share,
    recognised_tables,
)
from tierkit.crm.scanning import EACH_ROW
from tierkit.crm.shaping import COLUMN_NAMES, COLUMN_VALUES, months_of
from tierkit.crm.systems import System, system_of
from tierkit.errors import DataError

_MOST_VALUES = 40
_EXAMPLES = 2


def preset_of_files(files: Sequence[SourceFile]) -> tuple[str, str] | None:
    """Return the preset whose own marks the files bear, and which marks these are."""
    stems = {file.stem.casefold() for file in files}
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
        converted = "amountincompanycurrency" in headers
        return None if converted else ("hubspot", "lists with Record ID and Deal Stage")
    return None


def _named_by(preset: str, stems: set[str]) -> bool:
    """Return whether accounts and deals lie in files of the names that a preset knows."""
    wanted = (PRESETS[preset][table].files for table in ("accounts", "opportunities"))
    return all(any(name.casefold() in stems for name in names) for names in wanted)


def guess_settings(folder: str | Path, *, source: str = "") -> str:
    """Return the text of a `tierkit.toml` that fits a folder of exports as well as can be guessed.

    Files become tables by their names and headers, stages become won and lost by their words, types
    of deals become new, expansion or renewal; each guess stands beside what it rests on. A guess of
    the amount survives what other columns of money say. Nothing is written.

    Parameters
    ----------
    folder
        The exports: text, workbooks or Parquet files.
    source
        How the settings name the folder; by default as it is given here.

    Raises
    ------
    DataError
        If the folder holds no file that can be read.
    """
    place = Path(folder)
    with TemporaryDirectory() as scratch:
        found = folder_of(place, Path(scratch)) if place.is_dir() else Folder(())
        if not found.files:
            unread = "; ".join([*found.unread, *(unread_files(place) if place.is_dir() else [])])
            more = f" Not read: {unread}." if unread else ""
            raise DataError(
                f"{folder}: there is no CSV, Excel or Parquet file that can be read.{more}"
            )
        lines = [
            "# Guessed from the files; read each line, then run `tierkit check`.",
            "# `tierkit help settings` says what each means.",
            "",
            "[data]",
        ]
        lines.append(f"source = {toml_text(source or str(folder))}")
        if found.encoding:
            lines.append(f"encoding = {toml_text(found.encoding)} # files that are not UTF-8")
        lines += [f"# Not read: {one_line(one)}" for one in (*found.unread, *unread_files(place))]
        lines += [f"# {one_line(r)}" for file in found.files for r in file.remarks]
        return "\n".join([*lines, *_guessed(found), ""])


def _guessed(found: Folder) -> list[str]:
    files = found.files
    tables = recognised_tables(files)
    preset = preset_of_files(files)
    deals = next((table for table in tables if table.holds_deals), None)
    if preset is not None:
        lines = _by_preset(*preset, files)
        currency = currency_line(deals, None)
        return [
            *lines,
            *calendar_lines(currency),
            *(type_lines(deals) if deals is not None else []),
        ]
    draft = Draft()
    amount = _deal_sections(draft, deals, tables) if deals is not None else None
    for table in tables:
        if table is not deals and not (table.table == "accounts" and deals is not None):
            _put_columns(draft, table, dict(table.columns), None)
    _unused(draft, tables, files, deals)
    types = type_lines(deals) if deals is not None else []
    return [
        *table_lines(tables, deals),
        *draft.lines(),
        *calendar_lines(currency_line(deals, amount, tables)),
        *types,
    ]


def _by_preset(name: str, because: str, files: Sequence[SourceFile]) -> list[str]:
    """Return the preset, and what stages mean where it cannot know."""
    lines = [f'preset = "{name}" # {because}']
    preset = PRESETS[name]["opportunities"]
    stems = {wanted.casefold() for wanted in preset.files}
    deals = next((file for file in files if file.stem.casefold() in stems), None)
    outcome = preset.outcome
    if deals is None or outcome is None or header_of(outcome.won, deals.headers) is not None:
        return lines
    stage = header_of(outcome.stage, deals.headers)
    known = (outcome.won_words, outcome.lost_words)
    if stage is None or any(re.search(w, value) for value in deals.values(stage) for w in known):
        return lines
    draft = Draft()
    draft.put("data.columns.opportunities", "is_won", stage, "the stage decides")
    _put_outcomes(draft, "opportunities", Outcomes(stage, deals.counts(stage)))
    return [*lines, *draft.lines()]


def _deal_sections(
    draft: Draft, deals: RecognisedTable, tables: Sequence[RecognisedTable]
) -> Amount:
    """Put what deals are into the draft: their columns, amounts and outcomes."""
    name, file, columns = deals.table, deals.file, dict(deals.columns)
    accounts = next((table for table in tables if table.table == "accounts"), None)
    system = system_of(file.headers)
    if len(months_of(file.headers)) >= FEWEST_MONTHS:
        columns |= {"close_date": COLUMN_NAMES, "amount": COLUMN_VALUES}
        columns.pop("created_date", None)
    if name == "opportunities" and "opportunity_id" not in columns:
        code = None if COLUMN_NAMES in columns.values() else code_header(file, columns.values())
        columns["opportunity_id"] = code or EACH_ROW
    amount = amount_of(deals) if COLUMN_NAMES not in columns.values() else Amount(COLUMN_VALUES)
    columns["amount"] = amount.source
    if system is not None:
        columns |= system.sources
        amount = replace(amount, source=columns["amount"], notes=(*amount.notes, *system.notes))
    linked = _account_sections(draft, deals, accounts, columns, tables)
    outcomes = _outcomes(file, columns, system)
    if outcomes.source is not None:
        columns["is_won"] = outcomes.source
    if outcomes.stage is not None:
        columns["stage"] = outcomes.stage
    _put_columns(draft, replace(deals, columns=columns), columns, linked)
    _say_amount(draft, name, amount, file, columns)
    _put_system(draft, name, system)
    _put_outcomes(draft, name, outcomes)
    _put_groups(draft, file, columns["account_id"])
    return amount


def _put_system(draft: Draft, name: str, system: System | None) -> None:
    """Put what is known of the system that a file of deals comes from."""
    if system is not None and system.smallest_unit:
        draft.put(f"data.scale.{name}", "amount", "smallest unit", "cents, but for yen and such")
    if system is not None and system.only_with:
        draft.put("data.only_with", name, system.only_with, "other rows are lines of an order")
    if system is not None and system.only_without:
        draft.put("data.only_without", name, system.only_without, "what fills it is cancelled")


def _put_groups(draft: Draft, file: SourceFile, account: str) -> None:
    """Put the columns that a report in groups fills in the first row of a group alone."""
    groups = group_headers(file, account)
    if groups:
        draft.say("data.fill_down", "Only the first row of each group names its account.")
        for name in file.names:
            draft.put("data.fill_down", name, groups)


def _outcomes(file: SourceFile, columns: Mapping[str, str], system: System | None) -> Outcomes:
    if system is not None and system.everything_won:
        return Outcomes(None, everything_won=True)
    if system is None or not system.won:
        return outcomes_of(file)
    counts = file.counts(columns["stage"])
    return Outcomes(columns["stage"], counts, won=system.won, lost=system.lost)


def _say_amount(
    draft: Draft, name: str, amount: Amount, file: SourceFile, columns: Mapping[str, str]
) -> None:
    """Say what the amounts rest on, and put their unit and currency."""
    section = f"data.columns.{name}"
    for note in amount.notes:
        draft.say(section, note)
    other = [h for h in money_headers(file.headers) if h not in columns.values()]
    if other:
        draft.say(section, f"Columns that look like money and are not used: {', '.join(other)}.")
    if amount.unit != 1:
        draft.put(f"data.scale.{name}", "amount", amount.unit, "by the header")
    if amount.converted and amount.currency:
        draft.put(f"data.constants.{name}", "currency", amount.currency, "of the amounts above")


def _account_sections(
    draft: Draft,
    deals: RecognisedTable,
    accounts: RecognisedTable | None,
    columns: dict[str, str],
    tables: Sequence[RecognisedTable],
) -> str:
    """Put the accounts into the draft, and the account of each deal into `columns`."""
    if accounts is None:
        found = columns_of("accounts", deals.file.headers)
        described = {
            c: h for c, h in found.items() if c in _OF_DERIVED and h != columns["account_id"]
        }
        described.pop("name", None) if described.get("name") == columns["account_id"] else None
        _put_columns(
            draft,
            RecognisedTable("accounts", deals.file, {}),
            {"account_id": columns["account_id"], **described},
            None,
        )
        return ""
    link = account_link(deals, accounts)
    mapping = dict(accounts.columns)
    contacts = next((table for table in tables if table.table == "contacts"), None)
    through = _through_contacts(deals, contacts)
    if link is None and through is not None:
        columns["account_id"] = f"contacts[{through}]"
        because = (
            f"orders name contacts, and {contacts.file.title if contacts else ''} their accounts"
        )
    elif link is not None:
        columns["account_id"], mapping["account_id"] = link[0], link[1]
        because = f"{link[2]:.1%} of rows are in {accounts.file.title}"
    else:
        known = set(accounts.file.values(mapping["account_id"]))
        share = known_share(deals.file, columns["account_id"], known)
        because = f"{share:.1%} of rows are in {accounts.file.title}"
    _put_columns(draft, accounts, mapping, None)
    say_tiers(draft, accounts)
    return because


_OF_DERIVED = ("name", "industry", "country", "region", "territory", "segment", "owner")
"""Columns of accounts that a list of their orders may tell."""


def _through_contacts(deals: RecognisedTable, contacts: RecognisedTable | None) -> str | None:
    """Return the column of deals that names contacts of the list, if any."""
    if contacts is None:
        return None
    header = found_header(("contact id", "contact", "person id", "email"), deals.file.headers)
    if header is None:
        return None
    known = set(contacts.file.values(contacts.columns["contact_id"]))
    return header if known_share(deals.file, header, known) > 0 else None


def _put_columns(
    draft: Draft,
    table: RecognisedTable,
    columns: Mapping[str, str],
    linked: str | None,
) -> None:
    """Put the columns of a table that have another name, with some of their values."""
    section = f"data.columns.{table.table}"
    known = len({header for header in columns.values() if header in table.file.headers})
    draft.say(
        section,
        f"{table.table}: {table.file.title}, since {known} of its {len(table.file.headers)} "
        "columns are known",
    )
    taken = " ".join(columns.values())  # a column may stand in an expression such as a * b
    unused = [header for header in table.file.headers if header not in taken]
    if unused:
        draft.say(
            section,
            f"Without a meaning yet: {', '.join(unused[:_MOST_VALUES])}. "
            f"`tierkit help {table.table}` lists what they could be.",
        )
    if table.holds_deals and table.table == "opportunity_lines":
        draft.say(
            section, "The same deal stands in several rows: deals are the sums of their lines."
        )
    for column, header in columns.items():
        if column != header and column in _known_columns(table):
            because = _examples(table.file, header) if header in table.file.headers else ""
            if column == "account_id" and linked:
                because = f"{because}; {linked}" if because else linked
            draft.put(section, column, header, because)


def _known_columns(table: RecognisedTable) -> set[str]:
    columns = set(CONTRACT[table.table].columns)
    return columns | (set(CONTRACT["opportunities"].columns) if table.holds_deals else set())


def _examples(file: SourceFile, header: str) -> str:
    """Return some values of a column, as evidence."""
    values = file.values(header)[:_EXAMPLES]
    return f"such as {one_line(', '.join(values))}" if values else "empty"


def _put_outcomes(draft: Draft, table: str, outcomes: Outcomes) -> None:
    """Put which stages mean won and lost, by their words."""
    if outcomes.everything_won:
        section = f"data.constants.{table}"
        draft.say(
            section, "No column says what was won: every row is taken as a won order or invoice."
        )
        draft.put(section, "is_won", value=True)
    elif outcomes.won is not None:
        section = f"data.values.{table}.is_won"
        listed = list(outcomes.counts.items())[:_MOST_VALUES]
        evidence = ", ".join(f"{value} ({rows:,})" for value, rows in listed if value)
        draft.say(section, f"Stages by rows: {evidence}.")
        if not outcomes.won:
            draft.say(section, "No value means won by its words: name those that do.")
        draft.put(section, "won", list(outcomes.won))
        draft.put(section, "lost", list(outcomes.lost or ()))
        ends = {*outcomes.won, *(outcomes.lost or ())}
        opened = [value for value, _ in listed if value and value not in ends]
        if opened:
            draft.put(section, "open", opened, "what is in no list is open too, with a remark")


def _unused(
    draft: Draft,
    tables: Sequence[RecognisedTable],
    files: Sequence[SourceFile],
    deals: RecognisedTable | None,
) -> None:
    used = [table.file for table in tables]
    unused = [file.title for file in files if not any(file is one for one in used)]
    if unused:
        draft.notes.append(f"Not used: {', '.join(unused)}.")
    grouped = [
        file.title
        for file in files
        if any(
            v.casefold().startswith(("total for", "total ")) for v in file.values(file.headers[0])
        )
    ]
    if grouped and deals is None:
        draft.notes.append(
            f"{', '.join(grouped)} is a report in groups, with rows such as 'Total for …'. Export "
            "a list instead: one row per invoice, with the customer in every row."
        )
