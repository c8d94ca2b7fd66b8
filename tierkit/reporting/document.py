"""A whole page around a body: the head that every page of tierkit shares."""

from __future__ import annotations

from markupsafe import Markup, escape

from tierkit.reporting.fragment import joined, printable, tag
from tierkit.reporting.render import style_sheet

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
