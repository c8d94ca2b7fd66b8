"""Text that others wrote: JSON of any depth, and local paths however they are spelled."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import quote


def parse_json(text: str, *, parse_constant: Callable[[str], Any] | None = None) -> Any:  # noqa: ANN401
    """Return what JSON text holds; nesting too deep to be read is an error like any other.

    Raises
    ------
    ValueError
        If the text is no JSON, or nests deeper than Python reads.

    Examples
    --------
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it nests too deeply to be read
    """
    try:
        return json.loads(text, parse_constant=parse_constant)
    except RecursionError:
        raise ValueError("it nests too deeply to be read") from None


def read_json(file: Path) -> Any:  # noqa: ANN401
    """Return what a JSON file in UTF-8 holds.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no JSON, no UTF-8, or nests too deeply.
    """
    return parse_json(file.read_text(encoding="utf-8"))


def local_spellings(path: str) -> list[str]:
    r"""Return every way in which a path may stand in a file, the longest first.

    Letters beyond ASCII may be composed or not, escaped as in JSON, Python or a URL, and signs
    such as `&` as in HTML.

    Examples
    --------
    >>> local_spellings("/srv/a b")
    ['/srv/a%20b', '/srv/a b']
    >>> r"/srv/M\u00fcller" in local_spellings("/srv/Müller")
    True
    """
    forms = {normalize(form, path) for form in ("NFC", "NFD")}
    found = set(forms)
    for form in forms:
        escaped = json.dumps(form)[1:-1]
        found |= {escaped, escaped.replace("\\", "\\\\"), ascii(form)[1:-1], quote(form)}
        found |= {html.escape(form), json.dumps(form, ensure_ascii=False)[1:-1]}
    return sorted(found, key=lambda one: (-len(one), one))
