"""Gates of a finished report: what it must hold, and what it must never hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

from tierkit.errors import GateError, Problem
from tierkit.files import local_spellings, parse_json
from tierkit.publishing.contract import facts_problems, texts
from tierkit.publishing.leaks import path_pattern, readable, spellings
from tierkit.rendering import printable

_REFERENCES = frozenset({"src", "href", "xlink:href", "srcset", "poster", "action", "data"})
_OUTSIDE = re.compile(r"^\s*(?:https?:|ftp:|wss?:)?//", re.IGNORECASE)
_STYLE_REQUEST = re.compile(r"@import|url\(\s*['\"]?(?!data:|#)", re.IGNORECASE)
_FORBIDDEN = frozenset({"script", "iframe", "object", "embed", "link", "base"})
_NOT_WORDS = frozenset({"class", "style", "d", "points", "transform", "viewbox", "xmlns"})


@dataclass
class Page:
    """The parts of a page that gates look at.

    Attributes
    ----------
    language, title, policy
        Of the `html` element, the `title` and the Content-Security-Policy.
    figures, tables
        The names in `data-figure` and `data-table`.
    headings
        Their levels, in order.
    faults
        What no page may hold, in words.
    words
        All text that a person or a screen reader gets, with attributes such as labels.
    """

    language: str = ""
    title: str = ""
    policy: str = ""
    figures: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    headings: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    words: str = ""


def read_page(html: str) -> Page:
    """Return what a page holds.

    Examples
    --------
    >>> page = read_page('<html lang="en"><h1>Tiers</h1><img src="http://a.b/c.png"></html>')
    >>> page.language, page.headings, page.faults
    ('en', [1], ['asks for http://a.b/c.png', 'an image without alternative text'])
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.words = "\n".join(reader.texts)
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.texts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.open.append(tag)
        self._note_element(tag, values)
        self._note_faults(tag, values)
        self.texts += [text for name, text in values.items() if name not in _NOT_WORDS]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.open:  # elements such as <meta> are never closed
            if self.open.pop() == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            if _STYLE_REQUEST.search(data):
                self.page.faults.append("a style that asks for another file")
            return
        if self.open[-1:] == ["title"] and "svg" not in self.open:
            self.page.title += data
        self.texts.append(data)

    def _note_element(self, tag: str, values: dict[str, str]) -> None:
        if tag == "html":
            self.page.language = values.get("lang", "")
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.page.policy = values.get("content", "")
        if re.fullmatch("h[1-6]", tag):
            self.page.headings.append(int(tag[1]))
        if "data-figure" in values:
            self.page.figures.add(values["data-figure"])
        if "data-table" in values:
            self.page.tables.add(values["data-table"])

    def _note_faults(self, tag: str, values: dict[str, str]) -> None:
        faults = [f"a <{tag}> element"] if tag in _FORBIDDEN else []
        for name, value in values.items():
            if name in _REFERENCES and _OUTSIDE.match(value):
                faults.append(f"asks for {value.strip()[:80]}")
            if name in _REFERENCES and value.strip().lower().startswith("javascript:"):
                faults.append("a link that runs a script")
            if name.startswith("on"):
                faults.append(f"the script attribute {name}")
            if name == "style" and _STYLE_REQUEST.search(value):
                faults.append("a style that asks for another file")
        if tag == "img" and not values.get("alt", "").strip():
            faults.append("an image without alternative text")
        self.page.faults += faults


_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")
_SHORTEST_NAME = 5
_FEW_NAMES = 100
_SHORTEST_ID = 4


class Names:
    """Names to look for.

    Parameters
    ----------
    names
        Case matters; runs of white space are the same as one space.
    spoken
        Text in which a name may occur by chance, such as the words of the page itself: a name
        that stands there is not looked for.

    Examples
    --------
    >>> names = Names(["Acme Freight Ltd.", "Growth"], spoken="Tier 2 Growth")
    >>> sorted(names.found_in("Growth came from Acme  Freight Ltd, not from Acme Freight."))
    ['Acme Freight Ltd.']
    """

    def __init__(self, names: Iterable[str], *, spoken: str = "") -> None:
        self._names: dict[str, str] = {}
        self._lengths: dict[str, set[int]] = {}
        for name in names:
            core = _SPACE.sub(" ", printable(name))
            words = list(_WORD.finditer(core))
            if words:
                self._names[core[words[0].start() : words[-1].end()]] = name
                self._lengths.setdefault(words[0][0], set()).add(len(words))
        spoken_names = set(self.found_in(spoken)) if self._may_stand_in(spoken) else set()
        self._names = {core: name for core, name in self._names.items() if name not in spoken_names}

    def _may_stand_in(self, text: str) -> bool:
        """Return False only where no name stands in a text; of few names that is quickly known."""
        if len(self._names) > _FEW_NAMES:
            return True
        text = _SPACE.sub(" ", printable(text))
        return any(core in text for core in self._names)

    def found_in(self, text: str) -> Iterator[str]:
        """Yield the names that stand in a text, each as often as it does."""
        text = _SPACE.sub(" ", printable(text))
        words = list(_WORD.finditer(text))
        for at, word in enumerate(words):
            for length in self._lengths.get(word[0], ()):
                if at + length <= len(words):
                    name = self._names.get(text[word.start() : words[at + length - 1].end()])
                    if name is not None:
                        yield name


def account_names(names: Iterable[str], *, spoken: str = "") -> Names:
    """Return the names of accounts that can be told from ordinary text: five characters and more.

    Names without a letter, and those that stand in `spoken`, are left out.
    """
    return Names(
        (name for name in names if len(name.strip()) >= _SHORTEST_NAME and _has_letter(name)),
        spoken=spoken,
    )


def account_ids(ids: Iterable[str]) -> Names:
    """Return the ids that cannot be numbers of a page: four characters and more, with a letter."""
    return Names(name for name in ids if len(name.strip()) >= _SHORTEST_ID and _has_letter(name))


def _has_letter(name: str) -> bool:
    return any(character.isalpha() for character in name)


MEGABYTE = 1_000_000
SUMMARY_FILE = "summary.txt"
MOST_SUMMARY_CHARACTERS = 1_500
RUN_FILES = (
    "leadership.html",
    "analyst.html",
    "tiers.csv",
    "accounts.xlsx",
    "model.json",
    "facts.json",
    SUMMARY_FILE,
    "run.json",
)
PAGE_LIMITS: Mapping[str, int] = MappingProxyType(
    {"leadership.html": MEGABYTE, "analyst.html": 5 * MEGABYTE}
)
_PLACEHOLDER = "No description has been provided for this image"
_POLICY = "default-src 'none'"
_EXAMPLES = 3


@dataclass(frozen=True)
class Requirements:
    """The rules of one report, on top of those that hold for every report.

    Attributes
    ----------
    figures, tables
        Page → names that must stand there as `data-figure` or `data-table`.
    account_ids, account_names
        Of all accounts: none may stand on the page for leadership or in the facts.
    spoken
        Text that the page may hold anyway, such as the labels of tiers.
    paths
        Local paths that no file may hold.
    secrets
        Values that no file may hold, by the name of their variable.
    label
        The quarter that the facts must be of; empty where that does not matter.
    """

    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    account_ids: frozenset[str] = frozenset()
    account_names: frozenset[str] = frozenset()
    spoken: str = ""
    paths: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    label: str = ""


def check_report(folder: Path, requirements: Requirements = Requirements()) -> None:
    """Check a finished folder before it is published.

    Raises
    ------
    GateError
        With everything that is wrong, none of it with the value of a secret.
    """
    problems = [
        *file_problems(folder),
        *facts_problems(folder / "facts.json", label=requirements.label),
        *page_problems(folder, requirements),
        *summary_problems(folder / SUMMARY_FILE),
        *identity_problems(folder, requirements),
        *leak_problems(folder, requirements),
    ]
    if problems:
        count = f"{len(problems)} gate{'s' if len(problems) > 1 else ''}"
        raise GateError(f"The report did not pass {count}; nothing was published", problems)


def file_problems(folder: Path) -> Iterator[Problem]:
    """Yield the required files that are missing or empty."""
    for name in RUN_FILES:
        path = folder / name
        if not path.is_file() or path.stat().st_size == 0:
            state = "is empty" if path.is_file() else "is missing"
            yield Problem(f"{name} {state}", "See what the notebook that writes it says.")


def page_problems(folder: Path, requirements: Requirements) -> Iterator[Problem]:
    """Yield what is wrong with the pages: requests, scripts, headings, sizes, missing figures."""
    for name, limit in PAGE_LIMITS.items():
        path = folder / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        page = read_page(text)
        wanted = _missing(name, page, requirements)
        for fault in [*_page_faults(page, text), *wanted]:
            yield Problem(f"{name}: {fault}", "Fix the cell or the template that makes it.")
        if path.stat().st_size > limit:
            size = path.stat().st_size / MEGABYTE
            yield Problem(
                f"{name} has {size:.1f} MB; it may have {limit / MEGABYTE:g}",
                "Show fewer rows; whole tables go into accounts.xlsx.",
            )


def summary_problems(path: Path) -> Iterator[Problem]:
    """Yield what is wrong with the summary for mail: its length, its characters."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if len(text) > MOST_SUMMARY_CHARACTERS:
        message = (
            f"{path.name} has {len(text):,} characters; it may have {MOST_SUMMARY_CHARACTERS:,}"
        )
        yield Problem(message, "Say less.")
    if any(ord(sign) < ord(" ") for sign in text if sign != "\n"):
        yield Problem(f"{path.name} holds control characters", "Leave them out.")


def identity_problems(folder: Path, requirements: Requirements) -> Iterator[Problem]:
    """Yield ids and names of accounts that stand where leadership reads."""
    names = account_names(requirements.account_names, spoken=requirements.spoken)
    ids = account_ids(requirements.account_ids)
    for file in ("leadership.html", "facts.json", SUMMARY_FILE):
        if (folder / file).is_file():
            text = _words_of(folder / file)
            yield from _told(file, "names", names, text)
            yield from _told(file, "ids", ids, text)


def leak_problems(folder: Path, requirements: Requirements) -> Iterator[Problem]:
    """Yield files that hold a local path or the value of a secret."""
    patterns = {path: path_pattern(path) for path in requirements.paths}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        text = readable(path)
        for place, pattern in patterns.items():
            if any(one in text for one in local_spellings(place)) and pattern.search(text):
                yield Problem(f"{name}: holds the local path {place}", "Write it relative.")
        for variable, value in requirements.secrets.items():
            if any(form in text for form in spellings(value)):
                yield Problem(
                    f"{name}: holds the value of the environment variable {variable}",
                    "Keep it out of settings, names and outputs.",
                )


def _page_faults(page: Page, text: str) -> Iterator[str]:
    yield from dict.fromkeys(page.faults)
    if page.headings.count(1) != 1:
        yield f"must have one <h1>, has {page.headings.count(1)}"
    steps = zip(page.headings, page.headings[1:], strict=False)
    if any(below > above + 1 for above, below in steps):
        yield "its headings skip a level"
    if not page.language:
        yield "does not say its language"
    if not page.title.strip():
        yield "has no title"
    if not page.policy.startswith(_POLICY):
        yield "has no Content-Security-Policy that forbids requests"
    if _PLACEHOLDER in text:
        yield "holds an image without a description"
    if " object at 0x" in page.words:
        yield "shows an object of Python instead of what it holds"


def _missing(name: str, page: Page, requirements: Requirements) -> Iterator[str]:
    for figure in requirements.figures.get(name, ()):
        if figure not in page.figures:
            yield f"the figure {figure} is missing"
    for table in requirements.tables.get(name, ()):
        if table not in page.tables:
            yield f"the table {table} is missing"


def _words_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return read_page(text).words
    if path.suffix != ".json":
        return text
    try:
        return "\n".join(texts(parse_json(text)))
    except ValueError:
        return text


def _told(file: str, what: str, names: Names, text: str) -> Iterator[Problem]:
    found = sorted(set(names.found_in(text)))
    if found:
        yield Problem(
            f"{file}: holds {what} of {len(found)} account{'s' if len(found) > 1 else ''}",
            "It goes beyond the people who may see them: show sums and counts only.",
            examples=tuple(found[:_EXAMPLES]),
        )
