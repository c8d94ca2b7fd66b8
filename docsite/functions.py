"""The page of public functions: docstrings in NumPy's style, read by griffe, as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from tierkit.reference.from_program import (
    FUNCTIONS_LEAD,
    call_of,
    public_members,
    public_names,
    public_thing,
)

HEADINGS = {
    "parameters": "Parameters",
    "other parameters": "Further parameters",
    "attributes": "Attributes",
    "returns": "Returns",
    "yields": "Yields",
    "raises": "Raises",
    "warns": "Warns",
}
_HTML = re.compile(r"<(?=[a-zA-Z/])")


def functions_page() -> str:
    """Return the page with every public name of tierkit."""
    names = public_names()
    lines = ["# Public functions", "", FUNCTIONS_LEAD, "", *_contents(names)]
    for name in names:
        lines += ["", *described(name)]
    return "\n".join(lines)


def _contents(names: list[str]) -> Iterator[str]:
    yield "| name | what it is |"
    yield "| --- | --- |"
    for name in names:
        first = _first_sentence(public_thing(name))
        yield f"| [`{name}`](#{name}) | {first} |"


def _first_sentence(thing: object) -> str:
    text = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def described(name: str) -> Iterator[str]:
    """Return a public name with its call, its docstring and, of a class, its members."""
    thing = public_thing(name)
    yield from (f"## `{name}` {{ #{name} }}", "", *_call(name, thing))
    yield from rendered(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        for inner, member in public_members(thing):
            yield from ("", f"### `{name}.{inner}` {{ #{name}.{inner} }}", "")
            yield from _call(inner, member) if callable(member) else ()
            yield from rendered(inspect.getdoc(member) or "")


def _call(name: str, thing: object) -> tuple[str, ...]:
    return ("```python", call_of(name, thing), "```", "")


def rendered(docstring: str) -> Iterator[str]:
    """Return a docstring in NumPy's style as lines of Markdown."""
    import griffe  # only where the site is built

    for section in griffe.Docstring(docstring, parser="numpy").parse(warnings=False):
        kind = section.kind.value
        if kind == "text":
            yield from (section.value, "")
        elif kind == "examples":
            yield from ("**Examples**", "", *_examples(section.value))
        elif kind in HEADINGS:
            yield from (f"**{HEADINGS[kind]}**", "", *_rows(section.value), "")
        else:
            yield from (f"**{section.title or kind.title()}**", "", _text_of(section.value), "")


def _rows(values: list[Any]) -> Iterator[str]:
    named = any(getattr(one, "name", "") for one in values)
    typed = any(one.annotation for one in values)
    labels = ["name"] * named + ["type"] * typed + ["meaning"]
    yield f"| {' | '.join(labels)} |"
    yield f"| {' | '.join('---' for _ in labels)} |"
    for one in values:
        cells = [_code(getattr(one, "name", ""))] * named + [_code(one.annotation)] * typed
        yield f"| {' | '.join([*cells, _cell(one.description)])} |"


def _examples(parts: list[tuple[Any, str]]) -> Iterator[str]:
    for kind, text in parts:
        yield from ((text, "") if kind.value == "text" else ("```pycon", text, "```", ""))


def _text_of(value: Any) -> str:  # noqa: ANN401 (whatever griffe makes of a section)
    return str(getattr(value, "description", value))


def _code(text: object) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    return _HTML.sub("&lt;", " ".join(text.split())).replace("|", "\\|")
