"""From a source to raw tables: which file is which table, and which column is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import narwhals as nw
import pandas as pd

from tierkit.crm.accepted_tiers import read_accepted_tiers
from tierkit.crm.contract import (
    ACCEPTED,
    ACCEPTED_TIERS,
    CONTRACT,
    LEFT_OUT,
    LINES_AS_DEALS,
    REQUIRED_TABLES,
)
from tierkit.crm.engine import Connection, Rows, register_frame
from tierkit.crm.presets import preset_of
from tierkit.crm.presets.preset import TablePreset, header_of, plain, with_meaning
from tierkit.crm.scanning import DERIVED, found_instead, listed, scan_source
from tierkit.crm.shaping import shaped
from tierkit.errors import Problem, SettingsError
from tierkit.settings import DataSettings, Settings

_TIERS = "tier_history"


@dataclass(frozen=True)
class RawTable:
    """A table as the source gives it, its columns renamed to the contract's.

    Attributes
    ----------
    given
        The contract columns that the source has, be it under another name or as a constant.
    extra
        Other columns, kept under their own names.
    headers
        The source's name of each contract column that it has.
    """

    name: str
    rows: Rows
    given: frozenset[str]
    extra: tuple[str, ...]
    headers: Mapping[str, str]


def read_raw_tables(
    settings: Settings, connection: Connection
) -> tuple[dict[str, RawTable], list[Problem]]:
    """Return the raw tables of the settings' source, and everything that is wrong with them.

    Raises
    ------
    DataError
        If the source itself cannot be opened.
    SettingsError
        If the settings name tables or columns that the contract does not have.
    """
    unknown = _name_problems(settings.data)
    if unknown:
        raise SettingsError("[data] names what the table contract does not have", unknown)
    found, problems = scan_source(settings, connection)
    unread = any(problem.blocks for problem in problems)
    found, more = shaped(found, settings.data)
    problems += more
    raw = {name: _mapped(name, rows, settings.data) for name, rows in found.items()}
    for name, table in raw.items():
        problems += _column_problems(name, found[name].columns, table, settings.data)
    if not unread:
        problems += _missing_table_problems(raw, settings)
    raw, more = _with_accepted_tiers(raw, settings, connection)
    return raw, problems + more


def _with_accepted_tiers(
    raw: dict[str, RawTable], settings: Settings, connection: Connection
) -> tuple[dict[str, RawTable], list[Problem]]:
    """Return the raw tables with the accepted tiers added, and what is wrong with these."""
    file = settings.folder / ACCEPTED_TIERS
    if file.parent.resolve() == settings.source.resolve():
        return raw, []
    found = read_accepted_tiers(settings)
    remarks = [] if found.remark is None else [found.remark]
    if found.table.problems or not found.table.rows:
        return raw, [*found.table.problems, *remarks]
    frame = pd.DataFrame(
        [{name: text or None for name, text in row.items()} for row in found.rows],
        columns=list(found.table.columns),
        dtype="string[pyarrow]",
    )
    rows = register_frame(connection, frame)
    accepted, source = _mapped(_TIERS, rows, DataSettings()), raw.get(_TIERS)
    given = (source.given if source else frozenset()) | accepted.given | {ACCEPTED}
    parts = [_as_text(accepted, sorted(given), accepted="true")]
    if source is not None:
        parts = [_as_text(source, sorted(given), accepted="false"), *parts]
    headers = source.headers if source else accepted.headers
    return {**raw, _TIERS: RawTable(_TIERS, nw.concat(parts), given, (), headers)}, remarks


def _as_text(table: RawTable, columns: Sequence[str], *, accepted: str) -> Rows:
    known = dict.fromkeys(columns, nw.lit(None)) | {name: nw.col(name) for name in table.given}
    values = [nw.lit(accepted) if name == ACCEPTED else known[name] for name in columns]
    return table.rows.select(
        *(value.cast(nw.String()).alias(name) for name, value in zip(columns, values, strict=True))
    )


def deals_come_from_lines(tables: Iterable[str]) -> bool:
    """Return whether the deals of a source have to be summed from their lines."""
    return "opportunity_lines" in tables and "opportunities" not in tables


def _mapped(name: str, rows: Rows, data: DataSettings) -> RawTable:
    """Rename a raw table's columns to the contract's and add its constants."""
    wanted = _wanted_columns(name, data)
    mapping, constants = data.columns.get(name, {}), data.constants.get(name, {})
    preset = preset_of(name, data)
    if preset is not None:
        rows = with_meaning(rows, preset, decided={*mapping, *constants})
        mapping = {**_preset_mapping(preset, rows.columns, constants), **mapping}
    found = _chosen_columns(wanted, rows.columns, mapping)
    named = data.columns.get(name, {})
    chosen = {one: source for one, source in found.items() if one in named or one not in constants}
    columns = [nw.col(source).alias(column) for column, source in chosen.items()]
    columns += [
        nw.lit(str(value).lower() if isinstance(value, bool) else str(value)).alias(column)
        for column, value in constants.items()
        if column not in chosen
    ]
    taken = set(chosen.values()) | set(chosen) | set(constants)
    extra = {
        column: _extra_name(column, wanted)
        for column in rows.columns
        if column not in taken and not column.startswith("__")
    }
    given = frozenset(chosen) | frozenset(constants)
    marks = [LEFT_OUT] if LEFT_OUT in rows.columns else []
    others = [nw.col(column).alias(own) for column, own in extra.items()]
    names = tuple(extra.values())
    return RawTable(name, rows.select(*columns, *others, *marks), given, names, chosen)


def _extra_name(column: str, wanted: Sequence[str]) -> str:
    """Return the name under which a column that the contract lacks is kept beside its columns."""
    taken = {name.casefold() for name in wanted}
    return f"{column} (source)" if column.casefold() in taken else column


def _preset_mapping(
    preset: TablePreset, present: Sequence[str], constants: Mapping[str, object]
) -> dict[str, str]:
    """Return the columns that the preset knows and the source has, but for the constants."""
    headers = {
        column: header_of(names, present)
        for column, names in preset.columns.items()
        if column not in constants
    }
    return {column: header for column, header in headers.items() if header is not None}


def _wanted_columns(name: str, data: DataSettings) -> list[str]:
    """Return the contract's columns; for lines that make deals, those of deals too."""
    columns = list(CONTRACT[name].columns)
    if name == "opportunity_lines" and _maps_deals(data):
        columns += [column for column in CONTRACT["opportunities"].columns if column not in columns]
    return columns


def _maps_deals(data: DataSettings) -> bool:
    mapped = {
        *data.columns.get("opportunity_lines", {}),
        *data.constants.get("opportunity_lines", {}),
    }
    return bool(mapped & set(LINES_AS_DEALS))


def _chosen_columns(
    wanted: Sequence[str], present: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, str]:
    """Return for each contract column the source column that gives it."""
    by_plain_name = {plain(column): column for column in reversed(present)}
    chosen = {}
    for column in wanted:
        source = mapping.get(column)
        if source is None:
            source = column if column in present else by_plain_name.get(plain(column))
            if source in mapping.values():
                source = None
        if source is not None and source in present:
            chosen[column] = source
    return chosen


def _name_problems(data: DataSettings) -> list[Problem]:
    """Return the table and column names of the settings that the contract does not have."""
    problems = []
    sections: Mapping[str, Mapping[str, object]] = {
        "columns": data.columns,
        "constants": data.constants,
        "values": data.values,
    }
    for section, by_table in {"tables": data.tables, **sections}.items():
        problems += [
            _unknown(f"data.{section}", table, list(CONTRACT))
            for table in by_table
            if table not in CONTRACT
        ]
    for section, tables in sections.items():
        for table, columns in tables.items():
            if table in CONTRACT and isinstance(columns, Mapping):
                known = _wanted_columns(table, data)
                problems += [
                    _unknown(f"data.{section}.{table}", column, known)
                    for column in columns
                    if column not in known
                ]
    return problems


def _unknown(where: str, name: str, known: Sequence[str]) -> Problem:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(
        f"[{where}] {name}: the table contract has no such name", fix, rule="unknown name"
    )


def _column_problems(
    name: str, present: Sequence[str], table: RawTable, data: DataSettings
) -> list[Problem]:
    problems = []
    mapping = data.columns.get(name, {})
    for column, source in mapping.items():
        if source not in present:
            near = get_close_matches(source, list(present), n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are {listed(present)}."
            message = f"is mapped to {source!r}, which the source lacks"
            problems.append(Problem(message, hint, name, column, "missing column"))
    missing = CONTRACT[name].required - table.given - set(mapping)
    problems += [
        Problem(
            f"the required column is missing; found {listed(present)}",
            f"Name the source's column in [data.columns.{name}], "
            f"or a value in [data.constants.{name}].",
            name,
            column,
            "missing column",
        )
        for column in CONTRACT[name].columns
        if column in missing
    ]
    return problems


def _missing_table_problems(raw: Mapping[str, RawTable], settings: Settings) -> list[Problem]:
    missing = [name for name in REQUIRED_TABLES if name not in raw]
    lines = raw.get("opportunity_lines")
    if lines is not None and set(LINES_AS_DEALS) <= lines.given:
        missing = [name for name in missing if name != "opportunities"]
    instead = found_instead(settings) if missing else ""
    found = f"; {instead}" if instead else ""
    return [
        Problem(
            f"the required table is missing in {settings.data.source}{found}",
            f"Put {name}.csv there, or name its file in [data.tables]"
            + (f', or write {name} = "{DERIVED}".' if name == "accounts" else "."),
            name,
            rule="missing table",
        )
        for name in missing
    ]


FOOTER_REASON = "report footer, totals line or repeated header"
_FOOTER = (
    r"(?i)^\s*(grand totals?|sub ?totals?|totals?|confidential information|copyright)\b"
    r"[^\n]*$"
)


def is_footer(rows: Rows, *, key: str, header: str) -> nw.Expr | None:
    """Return which rows are footers or repeated headers; None where the key is not text.

    A footer begins with its words in the key and holds at most one other value (the total). A
    repeated header holds the column's own name in the key.

    Parameters
    ----------
    key
        The column that names a row.
    header
        That column's name in the source.
    """
    schema = rows.collect_schema()
    if key not in schema or schema[key] != nw.String():
        return None
    text = nw.col(key).fill_null("")
    begins, repeated = text.str.contains(_FOOTER), text == header
    if rows.filter(begins).head(1).collect().is_empty():
        return repeated  # counting values of every column costs time
    others = [column for column in schema if column != key]
    filled = _total([nw.lit(0), *((~nw.col(name).is_null()).cast(nw.Int64) for name in others)])
    return (begins & (filled <= 1)) | repeated


def _total(parts: Sequence[nw.Expr]) -> nw.Expr:
    """Return the sum of expressions, nested no deeper than the logarithm of their number.

    `sum_horizontal` nests one step per column, and exports have hundreds of columns.
    """
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return _total(parts[:half]) + _total(parts[half:])
