"""Chapters and entries as text for a terminal, and as Markdown for the site."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from tierkit.reference.chapters import Chapter, Entry

WIDTH = 96


def as_text(entry: Entry) -> str:
    """Return an entry for a terminal.

    Examples
    --------
    >>> print(as_text(Entry("run.title", "The `company`.", {"type": "text", "default": "not set"})))
    run.title
        The company.
        (text; default: not set)
    """
    if entry.body:
        return f"{entry.name}\n\n{entry.body}"
    facts = "; ".join(_fact(label, value) for label, value in entry.details.items() if value)
    lines = [*_wrapped(_plain(entry.meaning)), *(_wrapped(f"({_plain(facts)})") if facts else [])]
    return "\n".join([entry.name, *lines])


def chapter_as_text(chapter: Chapter, *, whole: bool = True) -> str:
    """Return a chapter for a terminal; only the names of its entries where it is not `whole`."""
    lines = [chapter.title, "", *textwrap.wrap(_plain(chapter.lead), WIDTH)]
    for heading, (about, entries) in chapter.groups.items():
        lines += ["", heading] if heading else [""]
        lines += _wrapped(_plain(about), indent="") if about else []
        if whole and not any(entry.body for entry in entries):
            lines += [as_text(entry) for entry in entries]
        else:
            lines += [f"{entry.name:<24} {_plain(entry.meaning)}"[:WIDTH] for entry in entries]
    return "\n".join(lines)


def as_markdown(chapter: Chapter) -> str:
    r"""Return a chapter as a page: tables, or a section for each entry with a body.

    Examples
    --------
    >>> entries = (Entry("a.b", "One | two.", {"type": "text"}),)
    >>> print(as_markdown(Chapter("x", "X", "All.", {"": ("", entries)})))
    # X
    <BLANKLINE>
    All.
    <BLANKLINE>
    | name | meaning | type |
    | --- | --- | --- |
    | <a id="a.b"></a>`a.b` | One \| two. | text |
    """
    return "\n".join([f"# {chapter.title}", "", chapter.lead, *_groups(chapter)])


def _groups(chapter: Chapter) -> Iterator[str]:
    for heading, (about, entries) in chapter.groups.items():
        if heading:
            yield from ("", f"## `{heading}`", "", about)
        yield ""
        with_body = [entry for entry in entries if entry.body]
        yield from (line for entry in with_body for line in _section(entry))
        yield from _table([entry for entry in entries if not entry.body])


def _section(entry: Entry) -> list[str]:
    return [f"## `{entry.name}`", "", "```text", entry.body.replace("```", "'''"), "```", ""]


def _table(entries: list[Entry]) -> Iterator[str]:
    if not entries:
        return
    labels = list(entries[0].details)
    yield _row(["name", "meaning", *labels])
    yield _row(["---"] * (len(labels) + 2))
    for entry in entries:
        name = f'<a id="{entry.name}"></a>`{entry.name}`'
        yield _row([name, _cell(entry.meaning), *(_cell(entry.details[one]) for one in labels)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _fact(label: str, value: str) -> str:
    return value if label in ("type", "holds", "kind") else f"{label}: {value}"


def _plain(text: str) -> str:
    """Return Markdown without the marks of code and links."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text).replace("`", "")


def _wrapped(text: str, indent: str = "    ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
