"""Topics of `tierkit help`: chapters, and everything in them by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from tierkit.errors import SettingsError, TierkitError
from tierkit.reference.chapters import Chapter, glossary_chapter, words
from tierkit.reference.from_program import (
    commands_chapter,
    exit_codes_chapter,
    functions_chapter,
    public_entry,
    public_names,
)
from tierkit.reference.from_run import facts_chapter, files_chapter, sheets_chapter
from tierkit.reference.from_settings import settings_chapter
from tierkit.reference.from_tables import checks_chapter, criteria_chapter, tables_chapter
from tierkit.reference.pages import find_page, list_pages, page_names
from tierkit.reference.rendered import as_text, chapter_as_text

if TYPE_CHECKING:
    import click

CHAPTERS: Mapping[str, Callable[[], Chapter]] = {
    "settings": settings_chapter,
    "tables": tables_chapter,
    "files": files_chapter,
    "sheets": sheets_chapter,
    "facts": facts_chapter,
    "checks": checks_chapter,
    "exit-codes": exit_codes_chapter,
    "glossary": glossary_chapter,
    "criteria": criteria_chapter,
    "functions": functions_chapter,
}
"""Chapters that need nothing but the package; `commands` needs the application besides."""

SUBJECTS: Mapping[str, str] = {
    "commands": "every command with its options, such as run",
    "settings": "every key of tierkit.toml, such as stability.keep_band",
    "tables": "every table and column that is read, such as opportunities.close_date",
    "files": "every file of a run and its columns, such as tiers.csv",
    "sheets": "every sheet of accounts.xlsx and its columns, such as At risk",
    "facts": "every key of facts.json, such as roi.together.claim",
    "checks": "every remark on the data, such as stale table",
    "exit-codes": "how a command ended, such as 3",
    "glossary": "words of tierkit, such as keep band",
    "criteria": "what the card may look at, such as won_revenue_4q",
    "functions": "public names of import tierkit, such as fit_card",
    "pages": "tutorial, how-tos, explanation and evidence, such as how-to/capacity.md",
}
_SLOW = ("criteria", "functions")  # these import what computes


@cache
def chapter(name: str) -> Chapter:
    """Return a chapter by its name."""
    return CHAPTERS[name]()


class UnknownTopicError(SettingsError):
    """A word that the reference does not have."""


def list_topics() -> str:
    """Return the chapters, each with what it holds."""
    lines = ["tierkit help TOPIC, where TOPIC is a chapter or a name in it:", ""]
    lines += [f"  {name:<12} {subject}" for name, subject in SUBJECTS.items()]
    return "\n".join(lines)


def find_topic(topic: str, application: click.Group) -> str:
    """Return the text of a topic: a chapter, an entry, or every entry below a name.

    Raises
    ------
    SettingsError
        If there is no such topic; the nearest ones are named.
    """
    asked = topic.strip().strip("[]").removeprefix("tk.").removeprefix("tierkit.")
    whole = _chapter_or_page(asked)
    if whole:
        return whole
    commands = commands_chapter(application)
    if asked == commands.name:
        return chapter_as_text(commands)
    quick = [commands, *(chapter(name) for name in CHAPTERS if name not in _SLOW)]
    found = _texts(quick, asked, _in_chapter)
    found += [as_text(public_entry(asked))] if asked in public_names() else []
    found = found or _texts([chapter("criteria")], asked, _in_chapter)
    found = found or _texts(quick, asked, _by_last_name) or [find_page(asked) or ""]
    if any(found):
        return "\n\n".join(found)
    names = [*CHAPTERS, *public_names(), *page_names()]
    names += [entry.name for one in [*quick, chapter("criteria")] for entry in one.entries]
    near = get_close_matches(asked, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`tierkit help` lists the topics."
    raise UnknownTopicError(f"There is no topic {topic}. {hint}")


def _chapter_or_page(asked: str) -> str | None:
    """Return a whole chapter, the list of pages, or the page of a file; None otherwise."""
    if asked in CHAPTERS:
        return chapter_as_text(chapter(asked))
    if asked == "pages":
        return list_pages()
    return find_page(asked) if "/" in asked or asked.endswith(".md") else None


def _texts(
    chapters: list[Chapter], asked: str, search: Callable[[Chapter, str], list[str]]
) -> list[str]:
    return [text for one in chapters for text in search(one, asked)]


def _in_chapter(one: Chapter, asked: str) -> list[str]:
    """Return what a chapter says of a name: a group, the entry, or the entries below it."""
    for heading, (about, entries) in one.groups.items():
        if heading and heading.strip("[]").removesuffix(".NAME") == asked:
            group = Chapter(one.name, f"{one.title}: {heading}", about, {"": ("", entries)})
            return [chapter_as_text(group)]
    below = (f"{asked}.", f"{asked}[")
    found = [entry for entry in one.entries if _same(entry.name, asked)]
    found += [entry for entry in one.entries if entry.name.startswith(below)]
    if not found:
        return []
    return ["\n".join([f"{one.title}:", *(as_text(entry) for entry in found)])]


def _by_last_name(one: Chapter, asked: str) -> list[str]:
    """Return entries such as `stability.keep_band` where somebody asks for `keep_band`."""
    last = [entry for entry in one.entries if entry.name.rpartition(".")[2] == asked]
    return ["\n".join([f"{one.title}:", *(as_text(entry) for entry in last)])] if last else []


def _same(name: str, asked: str) -> bool:
    return name.lower() == asked.lower()


def topic_of(error: TierkitError) -> str:
    """Return the topic that says more about an error: a setting, a table, or its exit code.

    Of a word that is no topic nothing more can be said; then it is empty.

    Examples
    --------
    >>> from tierkit.errors import DataError, Problem
    >>> topic_of(SettingsError("stability.keep_band: must be at least 1."))
    'stability.keep_band'
    >>> topic_of(SettingsError('data.profile = "crm": no address.'))
    'data.profile'
    >>> topic_of(DataError("Blocked", [Problem("is empty", "", "accounts", "account_id")]))
    'accounts.account_id'
    >>> topic_of(DataError("Something else."))
    'exit-codes'
    """
    if isinstance(error, UnknownTopicError):
        return ""
    tables = words("columns")  # the meanings alone: an error must not wait for what is slow
    columns = {f"{table}.{column}" for table, known in tables.items() for column in known}
    settings = {entry.name for entry in chapter("settings").entries}
    for one in error.problems:
        column = f"{one.table}.{one.column}"
        if one.table in tables:
            return column if column in columns else one.table
    for text in (*(one.message for one in error.problems), str(error.args[0])):
        key = re.split(r"[:= ]", text, maxsplit=1)[0]
        if key in settings:
            return key
    return "exit-codes"
