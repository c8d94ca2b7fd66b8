"""The chapters of a published run: files, columns, sheets of the workbook, keys of `facts.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tierkit.reference.chapters import Chapter, Entry, words

FILES_LEAD = (
    "A run publishes one folder, `reports/<quarter>/`. It works in `.tierkit/` beside "
    "`tierkit.toml` and exchanges the folders when every gate has passed."
)
SHEETS_LEAD = (
    "`accounts.xlsx` holds these sheets, as far as there is anything to show; a column without any "
    "value is left out. `OWNER` stands for the name of an owner, `TIER` for that of each tier."
)
FACTS_LEAD = (
    "`facts.json` holds every number that the reports show, and no id or name of an account. "
    "Lists and tables are always there, if empty. A number that cannot be said is `null`, and"
    " `<key>_why` beside it says why. Effects, gains and shares are parts of 1: 0.23 is 23 %."
    " `[]` stands for each entry of a list, `*` for any name."
)
ANY_NAME = (
    r"data\.untiered",
    r"model\.backtest\.models",
    r"decide\.owners",
    r"overrides\.expired_set_by",
    r"territories\.rows\[\]\.tiers",
    r"moves\.(matrix(\.\*)?|reasons(_between_tiers)?|stability\.kept_by)",
    r"effort\.roles\[\]\.hours_by_tier",
    r"tiers\[\]\.entitlement_hours_by_role",
    r"forecast\.weights",
    r"model\.edits\.cost",
    r"roi\.boundaries\[\]\.(quarters_until|randomised_band)",
    r"roi\.(boundaries\[\]\.)?designs\[\]\.checks",
)
"""Tables of `facts.json` whose keys are names, such as those of tiers or reasons."""


def files_chapter() -> Chapter:
    """Return every file of a run, and the columns of those that hold rows."""
    found = words("files")
    of_run, of_project = (
        tuple(Entry(name, meaning) for name, meaning in found[part].items())
        for part in ("files", "project")
    )
    groups: dict[str, tuple[str, tuple[Entry, ...]]] = {
        "": ("", of_run),
        "tierkit.toml": ("Files of the project, beside `tierkit.toml`.", of_project),
    }
    for name, columns in found["columns"].items():
        about = found["rows"][name]
        entries = (Entry(f"{name}.{column}", meaning) for column, meaning in columns.items())
        groups[name] = (about, tuple(entries))
    return Chapter("files", "Files of a run", FILES_LEAD, groups)


def sheets_chapter() -> Chapter:
    """Return every sheet of `accounts.xlsx` with its columns."""
    found = words("sheets")
    groups: dict[str, tuple[str, tuple[Entry, ...]]] = {}
    for sheet, about in found["sheets"].items():
        paths = [f"{sheet}.{column}" for column in found["columns"][sheet]]
        entries = tuple(Entry(path, meaning_of_key(path, found)) for path in paths)
        groups[sheet] = (str(about), entries)
    return Chapter("sheets", "Sheets of accounts.xlsx", SHEETS_LEAD, groups)


def facts_chapter() -> Chapter:
    """Return every key of `facts.json`."""
    found = words("facts")
    groups: dict[str, tuple[str, tuple[Entry, ...]]] = {}
    for section, keys in found["keys"].items():
        paths = [section] if section in found["meanings"] and not keys else []
        paths += [f"{section}{key}" if key.startswith("[") else f"{section}.{key}" for key in keys]
        entries = tuple(Entry(path, meaning_of_key(path, found)) for path in paths)
        groups[section] = (str(found["sections"].get(section, "")), entries)
    return Chapter("facts", "Keys of facts.json", FACTS_LEAD, groups)


def meaning_of_key(path: str, found: Mapping[str, Any]) -> str:
    """Return the meaning of a key: its own, else that of its last name anywhere.

    Examples
    --------
    >>> found = {"meanings": {"a.low": "Own."}, "names": {"low": "Lower end."}}
    >>> meaning_of_key("a.low", found), meaning_of_key("b[].low", found), meaning_of_key("c", found)
    ('Own.', 'Lower end.', '')
    """
    last = path.rpartition(".")[2].removesuffix("[]")
    return str(found["meanings"].get(path) or found["names"].get(last) or "")


def keys_of(facts: Mapping[str, Any]) -> set[str]:
    """Return the keys that a `facts.json` holds, as this chapter writes them.

    Examples
    --------
    >>> sorted(keys_of({"moves": {"up": 1, "reasons": {"rank": 2}, "left_why": "none"}}))
    ['moves.reasons.*', 'moves.up']
    """
    return {path for path in _paths(facts, "") if not path.endswith("_why")}


def _paths(value: object, path: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        names = any(re.fullmatch(pattern, path) for pattern in ANY_NAME)
        for key, inside in value.items():
            name = "*" if names else str(key)
            below = f"{path}.{name}" if path else name
            yield from [below] if path.endswith(".checks") else _paths(inside, below)
    elif isinstance(value, list) and value:
        for inside in value:
            yield from _paths(inside, f"{path}[]")
    elif not isinstance(value, (Mapping, list)):
        yield path
