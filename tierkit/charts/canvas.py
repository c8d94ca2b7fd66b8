"""The canvas of all charts: colours, the size of text, text that fits its place."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter

INK = "#1b2631"
MUTED = "#56636f"
LINE = "#d3dae0"
GREY = "#8a949e"
WARN = "#a34a00"
PAPER = "#fefefe"
TONES = ("#0f3a5f", "#1f5c8c", "#3574a6", "#5089b6", "#7096b6")
"""From the first tier (dark) to the last (light)."""

FONT = "DejaVu Sans"
FONT_SIZE = 13.0
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_STEPS = {1: (0,), 2: (0, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4)}


def tone(position: int, tiers: int) -> str:
    """Return the colour of the tier at `position` (from 0) of so many tiers.

    Examples
    --------
    >>> [TONES.index(tone(position, 3)) for position in range(3)]
    [0, 2, 4]
    >>> tone(6, 7) == TONES[-1]
    True
    """
    steps = _STEPS.get(tiers, (0, 1, 2, 3, 4))
    return TONES[steps[min(position, len(steps) - 1)]]


@contextmanager
def any_script() -> Iterator[None]:
    """Accept text in scripts that the measuring font lacks; the reader's own fonts show it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*[Gg]lyph.*missing")
        yield


def text_width(text: str, *, size: float = FONT_SIZE, weight: str = "normal") -> float:
    """Return the width of text in points, in a font as wide as any that readers have."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    with any_script():
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def fitted(text: str, width: float, *, weight: str = "normal") -> str:
    """Return text, cut with an ellipsis where it is wider than `width` points.

    Examples
    --------
    >>> fitted("Tier 1", 100), fitted("Strategic accounts of the North", 100)
    ('Tier 1', 'Strategic acc…')
    """
    most = int(width) + 1  # no sign is narrower than a point
    if len(text) <= most and text_width(text, weight=weight) <= width:
        return text
    length = bisect_left(
        range(min(len(text), most)),
        x=True,
        key=lambda end: text_width(text[: end + 1].rstrip() + "…", weight=weight) > width,
    )
    return text[: max(length, 1)].rstrip() + "…"


def percent_tick(value: float, *, signed: bool = False) -> str:
    """Return the label of a tick on an axis of shares.

    Examples
    --------
    >>> percent_tick(0.5), percent_tick(0.5, signed=True), percent_tick(-0.05)
    ('50 %', '+50 %', '−5 %')
    """
    percent = round(value * 100, 1)
    sign = "−" if percent < 0 else "+" if signed and percent > 0 else ""
    return f"{sign}{abs(percent):g} %"


def axes_width(ax: Axes) -> float:
    """Return the width of the drawing area in points."""
    return float(ax.get_position().width * ax.get_figure(root=True).get_figwidth() * 72)  # type: ignore[union-attr]


def place(ax: Axes, text: str, x: float, y: float, **style: Any) -> Text:  # noqa: ANN401
    """Write text at data coordinates, with no sign in it taken for mathematics."""
    settings: dict[str, Any] = {"fontsize": FONT_SIZE, "color": INK, "va": "baseline"} | style
    return ax.text(x, y, _CONTROL.sub("", text), parse_math=False, clip_on=False, **settings)


def bare(ax: Axes) -> None:
    """Take away frame, ticks and grid."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0, labelsize=FONT_SIZE, labelcolor=MUTED, pad=6)
    ax.grid(visible=False)


def _ticks(spell: Callable[[float], str]) -> FuncFormatter:
    return FuncFormatter(lambda value, _: spell(value))


def scaled(
    ax: Axes, *, x: Callable[[float], str] | None = None, y: Callable[[float], str] | None = None
) -> None:
    """Keep a thin axis line below and tick labels in the words of `x` and `y`."""
    bare(ax)
    ax.spines["bottom"].set_visible(True)
    ax.spines["bottom"].set_color(LINE)
    for axis, spell in ((ax.xaxis, x), (ax.yaxis, y)):
        if spell is not None:
            axis.set_major_formatter(_ticks(spell))
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_parse_math(False)
