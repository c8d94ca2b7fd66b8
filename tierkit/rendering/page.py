"""Self-contained pages: templates, style sheets, and the frame of a page made of one fragment."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tierkit.rendering.html import joined, printable, tag

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """Return where the pages' templates are found; all text put into them is escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def style_sheet(*more: str) -> Markup:
    """Return the style sheet of all pages, and what others add to it, for a `<style>` element."""
    return style_sheets("style.css", *more)


def style_sheets(*names: str) -> Markup:
    """Return style sheets one after the other, for a `<style>` element."""
    files = [TEMPLATES / name for name in names]
    return Markup("\n").join(Markup(file.read_text(encoding="utf-8")) for file in files)


POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Forbids scripts and every request."""


def document(body: Markup, *, title: str, class_: str = "analyst") -> str:
    """Return one self-contained page: no script, no request, one language.

    Parameters
    ----------
    body
        What stands in `<main>`; it holds the one `<h1>`.
    title
        What a browser shows in its tab.
    class_
        Of the body, and the style sheet beside that of all pages.

    Examples
    --------
    >>> page = document(tag("h1", "Tiers"), title="Tiers <2026>")
    >>> "<title>Tiers &lt;2026&gt;</title>" in page, "default-src 'none'" in page
    (True, True)
    """
    head = joined(
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", Markup(escape(printable(title)))),
        tag("style", style_sheet(f"{class_}.css")),
    )
    page = tag("html", joined(tag("head", head), tag("body", tag("main", body), class_=class_)),
               lang="en")  # fmt: skip
    return f"<!DOCTYPE html>\n{page}\n"
