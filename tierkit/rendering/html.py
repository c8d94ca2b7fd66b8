"""A piece of a page: HTML that a notebook stores and a page puts in its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from tierkit.table import NO_MATHEMATICS

_STYLE = Path(__file__).parent / "templates" / "notebook.css"
_UNREAD = re.compile(r"<(style|svg|script)\b.*?</\1>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>")
_LONGEST = 300
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_UNIT = r" (?:k|M|bn|tn|%)(?!\w)"
_DIGITS = r"\d[\d,.]*"
_NUMBER = re.compile(rf"[$€£¥+−]*(?:{_DIGITS}–{_DIGITS}(?:{_UNIT})?|{_DIGITS}{_UNIT})")


@dataclass(frozen=True)
class Fragment:
    """HTML that is safe as it stands: every text in it was escaped.

    Examples
    --------
    >>> Fragment("<p>14 accounts change tier</p>")
    14 accounts change tier
    """

    html: str

    def __repr__(self) -> str:
        """Return the first words, for whatever shows no HTML."""
        text = on_one_line(Markup(_MARKUP.sub(" ", _UNREAD.sub(" ", self.html))).unescape())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} …"

    def _repr_html_(self) -> str:
        """Return the HTML: in a notebook in its theme, in a run as it goes into the page."""
        return in_notebook(self.html) if self.html and _is_watched() else self.html

    def __html__(self) -> str:
        """Let markupsafe and Jinja take the HTML as it is."""
        return self.html


def in_notebook(html: str) -> str:
    """Return HTML for a notebook: in the colours of its theme, and no dollar sign is mathematics.

    Examples
    --------
    >>> "mathjax_ignore" in in_notebook("<p>$100 k ($87–120 k)</p>")
    True
    """
    style = " ".join(_STYLE.read_text(encoding="utf-8").split())
    return f'<style>{style}</style><div class="tierkit {NO_MATHEMATICS}">{html}</div>'


def printable(text: object) -> str:
    r"""Return text without control characters, nor those that turn the text after them around.

    Examples
    --------
    >>> printable("Acme\x1b[31m \u202egnp.exe")
    'Acme[31m gnp.exe'
    """
    return _CONTROL.sub("", str(text))


def on_one_line(text: object) -> str:
    r"""Return printable text with every run of white space as one space.

    Examples
    --------
    >>> on_one_line("Acme\n Tier 1:\tall")
    'Acme Tier 1: all'
    """
    return " ".join(printable(text).split())


def words(text: object) -> Markup:
    """Escape text for HTML, with a number and its unit or range kept on one line.

    Examples
    --------
    >>> words("<b> holds 31 %")
    Markup('&lt;b&gt; holds <span class="nb">31 %</span>')
    """
    safe = str(escape(printable(text)))
    return Markup(_NUMBER.sub(r'<span class="nb">\g<0></span>', safe))  # escaped above


def tag(name: str, content: object, **attributes: str) -> Markup:
    """Return one element; text is escaped, markup stays, `class_` is written `class`.

    Examples
    --------
    >>> tag("p", "a < b", class_="note")
    Markup('<p class="note">a &lt; b</p>')
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), printable(value))
        for key, value in attributes.items()
        if value
    )
    inside = content if hasattr(content, "__html__") else words(content)
    return Markup("<{name}{attributes}>{inside}</{name}>").format(
        name=Markup(name), attributes=written, inside=inside
    )


def joined(*parts: object) -> Markup:
    """Return parts of a page one after the other; text among them is escaped."""
    return Markup("\n").join(part if hasattr(part, "__html__") else words(part) for part in parts)


def section(name: str, *parts: object) -> Fragment:
    """Return a section of a page that the style sheet can name."""
    return Fragment(str(tag("section", joined(*parts), class_=name)))


Step = Callable[[str], None]
NOBODY_WAITS = "TIERKIT_NOBODY_WAITS"
"""The variable that a run sets for its kernels: their outputs are the report."""


@contextmanager
def progress_bar(steps: int) -> Iterator[Step]:
    """Show a bar in a notebook, and take it away at the end; elsewhere show nothing.

    Parameters
    ----------
    steps
        How many there are; each call of what is given, with the step's name, begins one.

    Examples
    --------
    >>> with progress_bar(2) as step:
    ...     step("reading")
    ...     step("writing")
    """
    if not _is_watched():
        yield lambda _: None
        return
    from IPython.display import display

    handle = display(_bar(0, steps, "starting"), display_id=True)  # type: ignore[no-untyped-call]
    begun = 0

    def step(words: str) -> None:
        nonlocal begun
        begun += 1
        handle.update(_bar(begun, steps, words))

    try:
        yield step
    finally:
        handle.update(Fragment(""))


def _is_watched() -> bool:
    """Return whether a person sees what a cell shows before it is done."""
    from IPython import get_ipython

    shell = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
    return hasattr(shell, "kernel") and not os.environ.get(NOBODY_WAITS)


def _bar(begun: int, steps: int, words: str) -> Fragment:
    done = max(begun - 1, 0)
    bar = tag("progress", "", value=str(done), max=str(steps), aria_label=words)
    return Fragment(str(tag("p", joined(bar, f" {words} …"))))
