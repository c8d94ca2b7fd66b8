"""One measure over the quarters: a small multiple of the list of reports."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import GREY, INK, LINE, MUTED, TONES, bare, place

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
