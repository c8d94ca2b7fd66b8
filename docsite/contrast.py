"""Contrasts of a page's colours, as WCAG 2 measures them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tierkit.rendering import notebooks

SHEET = Path(notebooks.__file__).parent / "templates" / "style.css"
TEXT = ("ink", "muted", "warn", "accent")
MARKS = ("grey", *(f"tone-{number}" for number in range(1, 6)))
LEAST_OF_TEXT, LEAST_OF_MARKS = 4.5, 3.0


def schemes() -> Mapping[str, Mapping[str, str]]:
    """Return the colours of reports by day and by night, by name."""
    blocks = re.findall(r":root \{(.*?)\}", SHEET.read_text(encoding="utf-8"), re.DOTALL)
    names = ("light", "dark")
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for name, block in zip(names, blocks, strict=True)
    }


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours: 1 for the same colour, 21 for black on white.

    Examples
    --------
    >>> contrast("#000000", "#ffffff"), round(contrast("#767676", "#ffffff"), 2)
    (21.0, 4.54)
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lowest_contrasts(colours: Mapping[str, str]) -> dict[str, float]:
    """Return the lowest contrast of each colour with what it lies on."""
    text = {name: min(contrast(colours[name], colours[on]) for on in ("paper", "panel"))
            for name in TEXT}  # fmt: skip
    return {**text, **{name: contrast(colours[name], colours["paper"]) for name in MARKS}}


def palette() -> str:
    """Return the colours of reports as a style sheet of the site, by day and by night."""
    of_site = {"light": ":root", "dark": '[data-md-color-scheme="slate"]'}
    rules = {
        name: " ".join(f"--{colour}: {value};" for colour, value in colours.items())
        for name, colours in schemes().items()
    }
    return "".join(f"{of_site[name]} {{ {rule} }}\n" for name, rule in rules.items())
