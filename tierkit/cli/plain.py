"""What commands say, as a terminal or a log may hold it: no control signs, no endless lines."""

from __future__ import annotations

import unicodedata

import typer

MOST_LINE = 1_000
_STEERING = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SIGN = "\N{REPLACEMENT CHARACTER}"


def plain(line: str) -> str:
    r"""Return a line without signs that steer a terminal or turn text around, cut where endless.

    Account names and ids stand in messages: they must neither colour a log nor forge a line of it.

    Examples
    --------
    >>> plain("accounts: id \x1b[31mA1\n is there twice")
    'accounts: id �[31mA1� is there twice'
    >>> len(plain("x" * 20_000))
    1000
    """
    shown = "".join(_SIGN if _is_hidden(sign) else sign for sign in line[: MOST_LINE + 1])
    return shown if len(shown) <= MOST_LINE else f"{shown[: MOST_LINE - 1]}…"


def say(text: str, *, err: bool = False) -> None:
    """Print a text line by line, each as `plain` gives it."""
    for line in text.splitlines() or [""]:
        typer.echo(plain(line.expandtabs(4)), err=err)


def _is_hidden(sign: str) -> bool:
    return sign in _TURNING or unicodedata.category(sign) in _STEERING
