"""The forest: every design that was computed for a boundary, on one axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import (
    FONT_SIZE,
    GREY,
    INK,
    LINE,
    MUTED,
    PAPER,
    TONES,
    axes_width,
    bare,
    fitted,
    percent_tick,
    place,
    scaled,
    text_width,
)

BESIDE_HEIGHT, ABOVE_HEIGHT = 28.0, 62.0
LEFT, RIGHT = 310.0, 236.0
"""Points kept at the sides for text, where labels stand beside the marks."""

_WIDEST = 3.0
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0)


def forest_rows(table: pd.DataFrame) -> int:
    """Return how many rows a forest has: one a design, one a boundary's heading."""
    return len(table) + table["boundary"].nunique()


def effect_forest(table: pd.DataFrame, *, ax: Axes, beside: bool = True) -> Axes:
    """Draw the relative effect that each design gives, by boundary, on one axis.

    Parameters
    ----------
    table
        One row a design, a boundary's rows together; columns `boundary`, `heading` and `note`
        (texts of the boundary), `label`, `text` (the numbers, or why there are none), `estimate`,
        `low`, `high` (shares; missing: not drawn), `raw` (true: before adjusting, drawn in grey),
        `break_even` (share; missing: not drawn).
    ax
        Where to draw. With labels beside the marks it keeps `LEFT` and `RIGHT` points free at its
        sides.
    beside
        Labels beside the marks (wide), or above them (narrow).

    Notes
    -----
    A range that goes beyond the axis is cut there with an arrow; its numbers stand in `text`.
    """
    limits = effect_limits(table)
    rows = forest_rows(table)
    ax.set_xlim(*limits)
    ax.set_ylim(rows, 0)
    bare(ax)
    ax.set_yticks([])
    _axis(ax, limits, rows)
    row = 0
    for _, designs in table.groupby("boundary", sort=False):
        _heading(ax, designs.iloc[0], row, beside=beside)
        for below in range(row + 1, row + 1 + len(designs)):
            _lines(ax, designs["break_even"].iloc[0], below + (0.0 if beside else 0.72), below + 1)
        for offset, (_, design) in enumerate(designs.iterrows(), start=1):
            _design(ax, design, row + offset, beside=beside)
        row += 1 + len(designs)
    return ax


def effect_limits(table: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: zero and every range inside, none beyond +300 % or below −100 %.

    Where there are adjusted designs the axis is theirs, and raw differences may go beyond it.

    Examples
    --------
    >>> effect_limits(pd.DataFrame({"raw": [True, False], "low": [0.9, -0.2], "high": [2.9, 0.43],
    ...                             "estimate": [1.6, 0.1], "break_even": [0.12, 0.12]}))
    (-0.2, 0.5)
    """
    values = ["low", "high", "estimate", "break_even"]
    adjusted = table.loc[~table["raw"].astype(bool) & table["estimate"].notna()]
    shown = (adjusted if len(adjusted) else table)[values].to_numpy(dtype=float).ravel()
    known = shown[np.isfinite(shown)]
    low, high = min([0.0, *known]), max([0.1, *known])
    step = next((step for step in _STEPS if (high - low) / step <= 6), _STEPS[-1])
    step /= 2
    low, high = (math.floor(round(low / step, 6)) * step, math.ceil(round(high / step, 6)) * step)
    return round(max(low, -1.0), 6), round(min(high, _WIDEST), 6)


def _axis(ax: Axes, limits: tuple[float, float], rows: int) -> None:
    low, high = limits
    fits = 4 if axes_width(ax) < 400 else 6
    step = next((step for step in _STEPS if (high - low) / step <= fits), _STEPS[-1])
    ticks = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    ax.set_xticks(ticks, [percent_tick(tick, signed=True) for tick in ticks], parse_math=False)
    ax.tick_params(axis="x", pad=6)
    ax.hlines(rows, low, high, color=LINE, linewidth=1, clip_on=False)


def _text(
    ax: Axes, text: str, row: float, *, line: int, at: str, room: float, **style: str
) -> None:
    """Write one of the texts of a row, cut to its room.

    Beside the marks, labels start at the figure's left and numbers end at its right; above them
    each has a line of its own.
    """
    width = axes_width(ax)
    beside = at in ("left", "right")
    x = {"left": -LEFT / width, "right": 1 + RIGHT / width}.get(at, 0.0)
    y = row + (0.64 if beside else (0.3, 0.58)[line])
    side = {"transform": ax.get_yaxis_transform(), "ha": "right" if at == "right" else "left"}
    place(ax, fitted(text, room, weight=style.get("weight", "normal")), x, y, **side, **style)


def _heading(ax: Axes, boundary: pd.Series, row: int, *, beside: bool) -> None:
    note = str(boundary["note"])
    width = axes_width(ax) + (LEFT + RIGHT if beside else 0.0)
    room = width - text_width(note) - 24 if beside else width
    _text(
        ax,
        str(boundary["heading"]),
        row,
        line=0,
        at="left" if beside else "",
        room=room,
        weight="bold",
    )
    _text(ax, note, row, line=1, at="right" if beside else "", room=width, color=MUTED)


def _lines(ax: Axes, break_even: float, top: float, bottom: float) -> None:
    """Draw the line of no effect, and dashed the one from which the tier pays."""
    low, high = ax.get_xlim()
    ax.vlines(0, top, bottom, color=MUTED, linewidth=1, clip_on=False)
    if low <= break_even <= high:
        dashes = (0, (2, 2))
        ax.vlines(
            break_even, top, bottom, color=INK, linewidth=1.2, linestyles=dashes, clip_on=False
        )


def _design(ax: Axes, design: pd.Series, row: float, *, beside: bool) -> None:
    known = design["estimate"] == design["estimate"]
    colour = MUTED if design["raw"] or not known else INK
    width = axes_width(ax)
    label, numbers = (
        (LEFT - 16, RIGHT - 12 if known else width + RIGHT - 12) if beside else (width, width)
    )
    left, right = ("left", "right") if beside else ("", "")
    _text(ax, str(design["label"]), row, line=0, at=left, room=label, color=colour)
    _text(ax, str(design["text"]), row, line=1, at=right, room=numbers, color=colour)
    if known:
        _mark(ax, design, row + (0.5 if beside else 0.86))


def _mark(ax: Axes, design: pd.Series, y: float) -> None:
    left, right = ax.get_xlim()
    low, high, estimate = design["low"], design["high"], design["estimate"]
    colour = GREY if design["raw"] else TONES[1]
    style: dict[str, Any] = {"color": colour, "clip_on": False, "zorder": 3}
    if low <= right and high >= left:
        ax.hlines(y, max(low, left), min(high, right), linewidth=2, color=colour, clip_on=False)
    if high > right or estimate > right:
        ax.plot([right], [y], ">", markersize=7, **style)
    if left <= estimate <= right:
        fill = PAPER if design["raw"] else colour
        ax.plot([estimate], [y], "o", markerfacecolor=fill, markersize=8, **style)


_NO_TEXT_SIZE = FONT_SIZE - 1
_UP, _DOWN = "moved up", "moved down"


def line_picture(
    table: pd.DataFrame, *, ax: Axes, tiers: tuple[str, str], money: Callable[[float], str]
) -> Axes:
    """Draw won revenue per account by distance to the line, with the line in the middle.

    Parameters
    ----------
    table
        One row per bin: `distance`, `mean`, `low`, `high`, `ruled` (1 above the line); as
        `tierkit.roi.cutoff.line_picture` gives them.
    tiers
        The tier above the line and the one below.
    money
        How an amount is written.
    """
    scaled(ax, y=money)
    above = table["ruled"].to_numpy(dtype=float) > 0
    for side, colour in ((above, TONES[1]), (~above, GREY)):
        bins = table[side]
        ax.vlines(bins["distance"], bins["low"], bins["high"], color=colour, linewidth=2)
        ax.plot(bins["distance"], bins["mean"], "o", color=colour, markersize=7)
    ax.axvline(0, color=INK, linewidth=1.2, linestyle=(0, (2, 2)))
    reach = float(table["distance"].abs().max()) * 1.15
    ax.set_xlim(-reach, reach)
    ax.set_ylim(bottom=min(0.0, float(table["low"].min())))
    ax.set_xticks([])
    top = ax.get_ylim()[1]
    place(ax, f"{tiers[0]} →", 0.03 * reach, top, va="bottom", color=TONES[1])
    place(ax, f"← {tiers[1]}", -0.03 * reach, top, va="bottom", ha="right", color=MUTED)
    return ax


def event_study(table: pd.DataFrame, *, ax: Axes, money: Callable[[float], str]) -> Axes:
    """Draw won revenue per account around a move, with the score's own look-back shaded.

    Parameters
    ----------
    table
        One row per `group` and `step`: `mean`, `low`, `high`, `seen_by_score`; as
        `tierkit.roi.moved.event_study` gives them. Step 0 is the first quarter in the new tier.
    money
        How an amount is written.
    """
    scaled(ax, y=money)
    seen = table.loc[table["seen_by_score"] > 0, "step"]
    if len(seen):
        ax.axvspan(seen.min() - 0.5, seen.max() + 0.5, color=LINE, alpha=0.5, linewidth=0)
    ax.axvline(-0.5, color=INK, linewidth=1.2, linestyle=(0, (2, 2)))
    for group, colour, shift in ((_UP, TONES[1], -0.08), (_DOWN, GREY, 0.08)):
        path = table[table["group"] == group].sort_values("step")
        if path.empty:
            continue
        ax.vlines(path["step"] + shift, path["low"], path["high"], color=colour, linewidth=1.5)
        ax.plot(path["step"] + shift, path["mean"], "-o", color=colour, markersize=6,
                markerfacecolor=colour if group == _UP else PAPER)  # fmt: skip
        peak = path.iloc[int(path["mean"].to_numpy().argmax())]
        place(ax, group, peak["step"] + 0.25, peak["high"], va="center", color=colour,
              fontsize=_NO_TEXT_SIZE)  # fmt: skip
    steps = sorted(table["step"].unique())
    ax.set_xticks(steps, [_spell(int(step)) for step in steps])
    ax.set_xlim(min(steps) - 0.6, max(steps) + 0.6)
    return ax


def overlap_picture(
    table: pd.DataFrame, *, ax: Axes, tiers: tuple[str, str], count: Callable[[float], str]
) -> Axes:
    """Draw how many account-quarters of each tier had which chance of the upper one.

    Parameters
    ----------
    table
        One row per bin: `low`, `high` (chances), `upper`, `lower` (account-quarters); as
        `tierkit.roi.adjusted.overlap` gives them. The upper tier is drawn upward, the lower one
        downward, on a scale of roots, so that few among many are still seen.
    tiers
        The upper and the lower tier.
    count
        How a number of account-quarters is written.
    """
    up, down = (np.sqrt(table[side].to_numpy(dtype=float)) for side in ("upper", "lower"))
    tallest = max(float(np.concatenate([up, down]).max(initial=0.0)), 1.0)
    scaled(ax, y=lambda value: count(value**2))
    middle = (table["low"] + table["high"]) / 2
    width = 0.9 * (table["high"] - table["low"])
    ax.bar(middle, up, width, color=TONES[1])
    ax.bar(middle, -down, width, color=GREY)
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_xlim(0, 1)
    ax.set_ylim(-1.2 * tallest, 1.2 * tallest)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], [percent_tick(x) for x in (0, 0.25, 0.5, 0.75, 1)])
    place(ax, tiers[0], 0.98, 1.1 * tallest, ha="right", va="top", color=TONES[1])
    place(ax, tiers[1], 0.98, -1.1 * tallest, ha="right", va="bottom", color=MUTED)
    return ax


def _spell(step: int) -> str:
    """Return a quarter counted from the move.

    Examples
    --------
    >>> _spell(-4), _spell(0), _spell(1)
    ('−4', '0', '+1')
    """
    if step == 0:
        return "0"
    return f"−{-step}" if step < 0 else f"+{step}"
