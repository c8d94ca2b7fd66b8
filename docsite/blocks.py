"""The fenced blocks of a page, and what their first line asks for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

_OPEN = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`]*)$")


RUN_LANGUAGES = ("console", "python", "cron", "dag", "yaml")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes
    ----------
    language
        First word after the fence: `console`, `python`, `toml`, …
    options
        `title` (the file that the block is), `lines` (how much of an output is shown), `exit` (the
        code that the last command ends with), `show` (a command whose output alone is shown).
    first, last
        Numbers of its lines in the page, fences included; the first line of a page is 0.
    """

    language: str
    text: str
    first: int
    last: int
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        """Whether it does something when the site is built."""
        return self.language in RUN_LANGUAGES or "title" in self.options


def find_blocks(page: str) -> Iterator[Block]:
    r"""Return the fenced blocks of a page, in their order.

    Raises
    ------
    ValueError
        If a block is never closed.

    Examples
    --------
    >>> (block,) = find_blocks('Text\n```toml title="a.toml"\nx = 1\n```\n')
    >>> block.language, block.options, block.text, block.first, block.last
    ('toml', {'title': 'a.toml'}, 'x = 1', 1, 3)
    """
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        if opened is None:
            number += 1
            continue
        closing = opened["indent"] + opened["fence"]
        last = next(
            (n for n in range(number + 1, len(lines)) if lines[n].rstrip() == closing), None
        )
        if last is None:
            raise ValueError(f"line {number + 1}: the block is never closed")
        words = shlex.split(re.sub(r"[{}]", " ", opened["info"]))
        options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        text = "\n".join(lines[number + 1 : last])
        yield Block(words[0] if words else "", text, number, last, options)
        number = last + 1


def commands(block: Block) -> list[str]:
    r"""Return the commands of a console block; a line that ends in a backslash goes on.

    Examples
    --------
    >>> commands(Block("console", "$ a \\\n    --b\n$ c", 0, 0))
    ['a \\\n    --b', 'c']
    """
    found: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and found[-1].endswith("\\"):
            found[-1] += f"\n{line}"
    return found
