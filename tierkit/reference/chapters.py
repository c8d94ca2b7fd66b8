"""`Chapter` and `Entry`: the parts of the reference, independent of how they are shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = Path(__file__).parent / "words"


@dataclass(frozen=True)
class Entry:
    """One thing that can be looked up.

    Attributes
    ----------
    name
        What a person asks for, such as `stability.keep_band`.
    meaning
        What it is, in Markdown without headings.
    details
        Short facts beside it, such as its type and default.
    body
        Preformatted text, such as the help of a command.
    """

    name: str
    meaning: str
    details: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Chapter:
    """A part of the reference: entries of one kind.

    Attributes
    ----------
    name
        The topic that shows the whole chapter.
    groups
        Entries under their heading; a heading may be empty. Beside it stands what holds for all.
    """

    name: str
    title: str
    lead: str
    groups: Mapping[str, tuple[str, tuple[Entry, ...]]]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, in their order."""
        return tuple(entry for _, entries in self.groups.values() for entry in entries)


def words(name: str) -> dict[str, Any]:
    """Return the meanings that stand in `words/NAME.toml`.

    Examples
    --------
    >>> words("columns")["targets"]["amount"]
    'The quota.'
    """
    return tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))


GLOSSARY_LEAD = "Words of tierkit and of its pages."


def glossary_chapter() -> Chapter:
    """Return every word with its meaning.

    Examples
    --------
    >>> next(one.meaning for one in glossary_chapter().entries if one.name == "pipeline")
    'Amount of the open deals.'
    """
    entries = tuple(
        Entry(term, one["meaning"], {"say it rather than": one.get("not", "")})
        for term, one in words("glossary")["terms"].items()
    )
    return Chapter("glossary", "Glossary", GLOSSARY_LEAD, {"": ("", entries)})
