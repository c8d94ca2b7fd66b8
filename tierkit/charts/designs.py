"""Pictures of the designs: revenue by distance to the line, and revenue around a move."""

from __future__ import annotations

from collections.abc import Callable

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
    percent_tick,
    place,
    scaled,
)

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
