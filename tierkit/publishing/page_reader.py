"""A page as gates read it: its words, headings and figures, and what it must not hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

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
