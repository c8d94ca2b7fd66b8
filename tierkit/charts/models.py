"""Quality of a ranking: capture, calibration, the card's factors, Gini by quarter-end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import (
    GREY,
    INK,
    LINE,
    TONES,
    axes_width,
    bare,
    fitted,
    percent_tick,
    place,
    scaled,
)

_FIRST = 2.4
_GAP = 18.0
_LABEL_ROOM = 150.0
_BIN_ROOM = 230.0
_TEXT_GAP = 8.0


def capture_curve(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw which share of revenue the best-ranked accounts brought, a line a ranking.

    Parameters
    ----------
    table
        Columns `model`, `share_of_accounts`, `share_of_revenue` (0–1), sorted within each model;
        the first model is the one that counts, `random` is drawn dotted.
    ax
        Where to draw; names stand at the right, in about 150 points beside the axes.
    """
    lines = {str(name): rows for name, rows in table.groupby("model", sort=False)}
    for position, (name, rows) in enumerate(lines.items()):
        ax.plot(rows["share_of_accounts"], rows["share_of_revenue"], **_line(name, position))
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    scaled(ax, x=percent_tick, y=percent_tick)
    ax.set_xlabel("share of accounts, best first", fontsize=13, color=INK, parse_math=False)
    _names(ax, {name: _height_at(rows, 0.25) for name, rows in lines.items()}, at=0.25)
    return ax


def calibration(table: pd.DataFrame, *, ax: Axes, spell: Callable[[float], str] = str) -> Axes:
    """Draw predicted (hollow) and actual (filled) revenue of each tenth of the accounts.

    Parameters
    ----------
    table
        One row a tenth, lowest first; columns `decile` (1–10), `predicted`, `actual` (money an
        account).
    spell
        Says an amount of money on the axis.
    """
    at = table["decile"].to_numpy(dtype=float)
    ax.vlines(at, table["predicted"], table["actual"], color=GREY, linewidth=1.5)
    ax.plot(
        at, table["predicted"], "o", color=GREY, markerfacecolor="none", markersize=8, clip_on=False
    )
    ax.plot(at, table["actual"], "o", color=TONES[1], markersize=8, clip_on=False)
    top = max(float(table[["predicted", "actual"]].max().max()), 1e-9)
    ax.set(ylim=(0, top * 1.1), xticks=at)
    scaled(ax, x=lambda value: f"{value:g}", y=spell)
    ax.set_xlabel("tenth of accounts, lowest prediction first", fontsize=13, color=INK)
    last = table.iloc[-1]
    order = (
        ("predicted", "actual") if last["predicted"] > last["actual"] else ("actual", "predicted")
    )
    for name, lift in zip(order, (5.0, -14.0), strict=True):
        colour = TONES[1] if name == "actual" else INK
        _beside(ax, name, (float(at[-1]), float(last[name])), (-12.0, lift), colour=colour)
    return ax


def card_bins(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the factor of every bin of the criteria, above 1 to the right, below 1 to the left.

    Parameters
    ----------
    table
        One row a bin, a criterion's rows together; columns `criterion`, `bin` (in words),
        `factor` (above 0), `accounts` (how many are in it).
    ax
        Where to draw, about 24 points a row (bins, and one heading a criterion); labels need 240
        points left.
    """
    factors = table["factor"].astype(float)
    ax.set_xscale("log")
    ax.set_xlim(min(0.8, factors.min() * 0.9), max(1.25, factors.max() * 1.1))
    row = 0
    for criterion, bins in table.groupby("criterion", sort=False):
        heading = fitted(str(criterion), _BIN_ROOM, weight="bold")
        _left(ax, heading, row + 0.5, weight="bold")
        ax.vlines(1, row + 1, row + 1 + len(bins), color=GREY, linewidth=1)
        for offset, (_, values) in enumerate(bins.iterrows(), start=1):
            _factor(ax, values, row + offset + 0.5)
        row += 1 + len(bins)
    ax.set_ylim(row, 0)
    bare(ax)
    ax.set(xticks=[], yticks=[])
    ax.minorticks_off()
    return ax


def gini_by_quarter_end(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how well each ranking did at each earlier quarter-end (1 is foresight, 0 is chance).

    Parameters
    ----------
    table
        Columns `as_of` (text or date, in order), `model`, `gini`; the first model is the one that
        counts.
    ax
        Where to draw; names stand at the right, in about 150 points beside the axes.
    """
    dates = list(dict.fromkeys(table["as_of"].astype(str)))
    lines = {str(name): rows for name, rows in table.groupby("model", sort=False)}
    ends: dict[str, float] = {}
    for position, (name, rows) in enumerate(lines.items()):
        at = [dates.index(str(day)) for day in rows["as_of"]]
        ax.plot(at, rows["gini"], marker="o", markersize=5, **_line(name, position))
        ends[name] = float(rows["gini"].iloc[-1])
    low = min(0.0, float(table["gini"].min()))
    ax.set(xlim=(-0.2, max(len(dates) - 1, 1)), ylim=(low, 1))
    ax.set_xticks(range(len(dates)), dates)
    scaled(ax)
    _names(ax, ends, at=float(len(dates) - 1))
    return ax


def _line(name: str, position: int) -> dict[str, Any]:
    line: dict[str, Any] = {"clip_on": False}
    if name == "random":
        return line | {"color": GREY, "linewidth": 1.2, "linestyle": (0, (2, 2))}
    if position == 0:
        return line | {"color": TONES[0], "linewidth": _FIRST, "zorder": 3}
    return line | {"color": TONES[3] if position == 1 else GREY, "linewidth": 1.6}


def _height_at(rows: pd.DataFrame, share: float) -> float:
    reached = rows.loc[rows["share_of_accounts"] <= share, "share_of_revenue"]
    return float(reached.iloc[-1]) if len(reached) else 0.0


def _names(ax: Axes, heights: dict[str, float], *, at: float) -> None:
    """Write each line's name right of the axes, in the order of the lines, none over another."""
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    height = ax.get_position().height * (figure.get_figheight() * 72 if figure else 300)
    step = _GAP * (high - low) / height
    order = sorted(heights, key=lambda name: (-heights[name], name))
    places = _apart([heights[name] for name in order], step)
    right = ax.get_xlim()[1]
    for name, y in zip(order, places, strict=True):
        place(
            ax, fitted(name.replace("_", " "), _LABEL_ROOM), right, y, ha="left", va="center"
        ).set_x(right + 0.02 * (right - ax.get_xlim()[0]))
        if at < right:
            ax.plot(
                [at, right], [heights[name], y], color=LINE, linewidth=1, zorder=0, clip_on=False
            )


def _apart(heights: Sequence[float], step: float) -> list[float]:
    """Return falling heights moved down until each is a step below the one before.

    Examples
    --------
    >>> _apart([0.9, 0.88, 0.2], 0.1)
    [0.9, 0.8, 0.2]
    """
    places: list[float] = []
    for height in heights:
        places.append(round(min(height, places[-1] - step) if places else height, 6))
    return places


def _left(ax: Axes, text: str, y: float, *, weight: str = "normal") -> None:
    x = -_TEXT_GAP / axes_width(ax)
    side = ax.get_yaxis_transform()
    place(ax, text, x, y, transform=side, va="center", ha="right", weight=weight)


def _factor(ax: Axes, values: pd.Series, y: float) -> None:
    factor = float(values["factor"])
    ax.hlines(y, 1, factor, color=TONES[1] if factor >= 1 else GREY, linewidth=8)
    _left(ax, fitted(str(values["bin"]), _BIN_ROOM), y)
    text = f"× {factor:.2f} ({round(values['accounts']):,} accounts)"
    place(ax, text, ax.get_xlim()[1], y, va="center", ha="left")


def _beside(
    ax: Axes, text: str, at: tuple[float, float], by: tuple[float, float], *, colour: str
) -> None:
    ax.annotate(
        text, at, xytext=by, textcoords="offset points", ha="right", fontsize=13, color=colour,
        parse_math=False, annotation_clip=False,
    )  # fmt: skip
