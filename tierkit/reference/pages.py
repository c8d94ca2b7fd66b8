"""Pages of the documentation as text: tutorial, how-tos, explanation and evidence."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
FOLDERS = (PACKAGE / "docs", PACKAGE.parent / "docs")  # of a wheel, of a checkout
KINDS = {
    "tutorial": "Tutorial",
    "how-to": "How-tos",
    "explanation": "Explanation",
    "evidence": "Evidence",
    "": "In depth",
}
"""Folders of pages with the heading that they are listed under."""

END = "END"  # of the file
_CITED = re.compile(r"^<!-- results: (\S+) from \"([^\"]+)\" to \"([^\"]+)\" -->$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n?")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]*)(?:#[^)]*)?\)")
_MEASURED = re.compile(r"^.*\{\{.*\}\}.*\n", re.MULTILINE)  # known only where the site is built
_TITLED = re.compile(r"^(```\w+) .*title=\"([^\"]+)\".*$", re.MULTILINE)
_OPTIONS = re.compile(r"^(```\w+) .*$", re.MULTILINE)


@cache
def pages_folder() -> Path | None:
    """Return the folder of the pages, None where tierkit was installed without them."""
    return next((folder for folder in FOLDERS if (folder / "index.md").is_file()), None)


@cache
def page_names() -> tuple[str, ...]:
    """Return the names of the pages, such as `how-to/capacity.md`, kind by kind."""
    folder = pages_folder()
    found = [file.relative_to(folder).as_posix() for file in folder.rglob("*.md")] if folder else []
    return tuple(
        name
        for kind in KINDS
        for name in sorted(found, key=lambda name: (not name.endswith("index.md"), name))
        if posixpath.dirname(name) == kind
    )


def find_page(asked: str) -> str | None:
    """Return a page as text, None where no page has that name.

    A page is asked for by its file, with or without folder and `.md`; a kind by its folder, which
    lists its pages, or is the page where it has one.

    Examples
    --------
    >>> find_page("how-to/capacity").splitlines()[0]
    '# Change a capacity or the horizon'
    >>> find_page("no such page") is None
    True
    """
    folder = pages_folder()
    wanted = asked.removeprefix("docs/").removesuffix(".md").removesuffix("/index").rstrip("/")
    for name in page_names():
        plain = name.removesuffix(".md").removesuffix("/index")
        if folder is not None and wanted in (plain, posixpath.basename(plain)):
            return page_as_text(folder, name)
    if not wanted or wanted not in KINDS:
        return None
    inside = [name for name in page_names() if posixpath.dirname(name) == wanted]
    return find_page(inside[0]) if len(inside) == 1 else list_pages(wanted)


def list_pages(*kinds: str) -> str:
    """Return the title of every page under its kind, or of those of some kinds alone."""
    folder, lines = pages_folder(), ["Pages", "", "tierkit help PAGE shows one of them."]
    if folder is None:
        return "The pages of the documentation were not installed with tierkit."
    for kind in kinds or KINDS:
        lines += ["", KINDS[kind]]
        names = [name for name in page_names() if posixpath.dirname(name) == kind]
        lines += [f"  {name:<28} {_title(folder / name)}" for name in names]
    return "\n".join(lines)


def _title(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return next((line[2:] for line in text.splitlines() if line.startswith("# ")), file.stem)


def page_as_text(folder: Path, name: str) -> str:
    """Return a page for a terminal: what it cites in place, without pictures and addresses."""
    text = (folder / name).read_text(encoding="utf-8")
    text = with_citations(_FRONT.sub("", text), folder)
    text = _MEASURED.sub("", _PICTURE.sub("", _COMMENT.sub("", text)))
    links = dict.fromkeys(_pages_named(text, posixpath.dirname(name)))
    text = _TITLED.sub(r"In `\2`:\n\n\1", _LINK.sub(r"\1", text))
    text = _OPTIONS.sub(r"\1", text).strip()
    more = [f"  tierkit help {link}" for link in links if link != name]
    return "\n".join([text, "", "See also:", *more]) if more else text


def _pages_named(text: str, folder: str) -> Iterator[str]:
    """Return the pages and chapters that a page links to."""
    for _, link in _LINK.findall(text):
        target = posixpath.normpath(posixpath.join(folder, link))
        if target.startswith("reference/"):
            yield target.removeprefix("reference/").removesuffix(".md")
        elif target in page_names():
            yield target


def with_citations(
    page: str, folder: Path, note: Callable[[Path, int, int], str] | None = None
) -> str:
    """Return a page in which each comment `results: FILE from "A" to "B"` is what stands there.

    The lines of the file between the first that holds A and the next that holds B are put in its
    place, and below them what `note` says of the file and the numbers of these lines.

    Raises
    ------
    ValueError
        If the file holds no such lines.
    """

    def cited(asked: re.Match[str]) -> str:
        file = folder / asked[1]
        lines = file.read_text(encoding="utf-8").splitlines()
        first = _line_with(lines, asked[2], 0, file)
        last = _line_with(lines, asked[3], first + 1, file)
        rows = "\n".join(lines[first + 1 : last]).strip()
        return f"{rows}\n\n*{note(file, first + 2, last)}*" if note else rows

    return _CITED.sub(cited, page)


def _line_with(lines: list[str], text: str, start: int, file: Path) -> int:
    if text == END:
        return len(lines)
    for number in range(start, len(lines)):
        if text in lines[number]:
            return number
    raise ValueError(f"{file.name} holds no line with {text!r} after line {start}")
