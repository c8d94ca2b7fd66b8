"""Quarters of one account side by side: what it bought by product, what went both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import GREY, INK, LINE, MUTED, TONES, bare, fitted, place

_WIDTH = 0.62
_SMALL = 11.0
_LETTER = 6.2
"""Points that a letter of a legend takes, about."""


def stacked_quarters(table: pd.DataFrame, *, ax: Axes, spell: Callable[[float], str]) -> Axes:
    """Draw one bar a quarter, in parts one on top of the other, refunds below the line.

    Parameters
    ----------
    table
        A row per quarter in order, its label as index; a column per part, at most five.
    ax
        Where to draw, with room above for the names of the parts.
    spell
        Says an amount; each quarter's sum stands above its bar.
    """
    _start(ax, table.index)
    up = table.clip(lower=0.0)
    down = table.clip(upper=0.0)
    at = range(len(table))
    shades = [TONES[place_ % len(TONES)] for place_ in range(len(table.columns))]
    for part, below in ((up, 0.0), (down, 0.0)):
        level = pd.Series(below, index=table.index)
        for column, shade in zip(table.columns, shades, strict=True):
            ax.bar(at, part[column], _WIDTH, bottom=level, color=shade)
            level = level + part[column]
    top, low = float(up.sum(axis=1).max()), float(down.sum(axis=1).min())
    _limits(ax, low=low, top=top)
    for place_, (height, total) in enumerate(zip(up.sum(axis=1), table.sum(axis=1), strict=True)):
        if total:
            _above(ax, spell(float(total)), place_, float(height))
    _legend(ax, [*map(str, table.columns)], shades)
    return ax


def two_way_quarters(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw what came in above the line and what went out below it, a pair of bars a quarter.

    Parameters
    ----------
    table
        A row per quarter in order, its label as index; columns `inbound` and `outbound` (counts).
    ax
        Where to draw, with room above for the legend.
    """
    _start(ax, table.index)
    at = range(len(table))
    ax.bar(at, table["inbound"], _WIDTH, color=TONES[1])
    ax.bar(at, -table["outbound"], _WIDTH, color=GREY)
    top, low = float(table["inbound"].max()), -float(table["outbound"].max())
    _limits(ax, low=low, top=top)
    step = (ax.get_ylim()[1] - ax.get_ylim()[0]) * 0.02
    for place_, (inward, outward) in enumerate(
        zip(table["inbound"], table["outbound"], strict=True)
    ):
        if inward:
            _above(ax, f"{inward:,.0f}", place_, float(inward))
        if outward:
            place(ax, f"{outward:,.0f}", place_, -float(outward) - step, ha="center", va="top",
                  fontsize=_SMALL, color=MUTED)  # fmt: skip
    _legend(ax, ["theirs", "ours"], [TONES[1], GREY])
    return ax


def _start(ax: Axes, labels: pd.Index) -> None:
    bare(ax)
    ax.set_xlim(-0.5, len(labels) - 0.5)
    ax.set_yticks([])
    ax.set_xticks(range(len(labels)))
    ax.set_xticklabels(_quarter_names([*map(str, labels)]), fontsize=_SMALL)
    ax.axhline(0, color=LINE, linewidth=1, zorder=3)


def _quarter_names(labels: Sequence[str]) -> list[str]:
    """Return `Q4` for each label, with the year below the first one and each first quarter."""
    return [
        f"{label[-2:]}\n{label[:-2]}" if not place_ or label.endswith("Q1") else label[-2:]
        for place_, label in enumerate(labels)
    ]


def _limits(ax: Axes, *, low: float, top: float) -> None:
    span = max(top - low, 1e-9)
    ax.set_ylim(low - (0.12 * span if low < 0 else 0.0), top + 0.14 * span)


def _above(ax: Axes, text: str, at: float, height: float) -> None:
    step = (ax.get_ylim()[1] - ax.get_ylim()[0]) * 0.02
    place(ax, text, at, height + step, ha="center", va="bottom", fontsize=_SMALL, color=INK)


def _legend(ax: Axes, names: Sequence[str], shades: Sequence[str]) -> None:
    """Write the names of the parts above the bars, each after a square in its colour."""
    width = float(ax.get_position().width * ax.get_figure(root=True).get_figwidth() * 72)  # type: ignore[union-attr]
    room = width / len(names)
    left, names = 0.0, [fitted(name, room - 22) for name in names]
    for name, shade in zip(names, shades, strict=True):
        ax.text(left / width, 1.06, "■", color=shade, fontsize=_SMALL, transform=ax.transAxes,
                va="bottom")  # fmt: skip
        ax.text((left + 13) / width, 1.06, name, color=MUTED, fontsize=_SMALL, va="bottom",
                transform=ax.transAxes, parse_math=False)  # fmt: skip
        left += min(room, 13 + _LETTER * len(name) + 14)


_ROOM = 0.42
"""Quarters of room at both ends, for the labels of the first and the last point."""


def quarter_line(table: pd.DataFrame, *, ax: Axes, spell: Callable[[float], str] = str) -> Axes:
    """Draw one measure by quarter: a dot a quarter, its range as a thin line, zero as the floor.

    Parameters
    ----------
    table
        A row per quarter in order; columns `quarter` (text), `value` (missing: no dot), `low` and
        `high` (missing: no range).
    ax
        Where to draw.
    spell
        Says a value; the first and the last one are written beside their dots.
    """
    known = table["value"].notna().to_numpy()
    at = pd.Series(range(len(table)), dtype=float)
    ax.set_xlim(-_ROOM, len(table) - 1 + _ROOM)
    least = min(0.0, float(table[["value", "low"]].min().min()))
    most = max(float(table[["value", "high"]].max().max()), 1e-9)
    ax.set_ylim(least, most + (most - least) * 0.28)
    bare(ax)
    ax.axhline(0, color=LINE, linewidth=1)
    ax.vlines(at, table["low"], table["high"], color=GREY, linewidth=2)
    ax.plot(at[known], table["value"][known], color=TONES[1], linewidth=1.5, zorder=1)
    ax.plot(at[known], table["value"][known], "o", color=TONES[1], markersize=6, clip_on=False)
    ax.set_yticks([])
    _ends(ax, table)
    _values(ax, table, spell)
    return ax


def _ends(ax: Axes, table: pd.DataFrame) -> None:
    """Name the first and the last quarter below the axis."""
    last = len(table) - 1
    names = table["quarter"].astype(str)
    ax.set_xticks([])
    below = ax.get_ylim()[0]
    place(ax, names.iloc[0], -_ROOM, below, va="top", color=MUTED, fontsize=12.0)
    if last:
        place(ax, names.iloc[last], last + _ROOM, below, va="top", ha="right", color=MUTED,
              fontsize=12.0)  # fmt: skip


def _values(ax: Axes, table: pd.DataFrame, spell: Callable[[float], str]) -> None:
    lift = (ax.get_ylim()[1] - ax.get_ylim()[0]) * 0.05
    places = [place_ for place_, value in enumerate(table["value"]) if value == value]
    for row in dict.fromkeys([places[0], places[-1]]):
        top = float(table[["value", "high"]].iloc[row].max())
        at, middle = float(row), (len(table) - 1) / 2
        ha = "center" if abs(at - middle) < middle / 2 else "left" if at < middle else "right"
        edge = {"left": at - _ROOM, "right": at + _ROOM}.get(ha, at)
        place(
            ax,
            spell(float(table["value"].iloc[row])),
            edge,
            top + lift,
            ha=ha,
            color=INK,
            va="bottom",
        )
