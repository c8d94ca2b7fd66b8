"""One row a tier, role or promise: its label and value on a line, its mark below."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tierkit.charts.canvas import (
    GREY,
    INK,
    LINE,
    MUTED,
    PAPER,
    TONES,
    WARN,
    axes_width,
    bare,
    fitted,
    percent_tick,
    place,
    scaled,
    text_width,
    tone,
)

UNSPLIT = "all tiers"
"""The name of the one column of hours that are not known by tier."""
ROW_HEIGHT = 46.0
"""Points that a row needs: a line of text and a mark."""

_TEXT, _MARK, _BAR = 0.36, 0.66, 0.22
_GAP = 10.0
_FARTHEST = 3.0


def tier_bars(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw one bar a tier from zero, in the tier's tone.

    Parameters
    ----------
    table
        One row a tier in order; columns `label` (text), `value` (length of the bar; missing: no
        bar), `text` (what stands at the right).
    ax
        Where to draw; `ROW_HEIGHT` points a row.
    """
    _start(ax, table, widest=table["value"].max())
    for row, value in enumerate(table["value"]):
        if value > 0:
            ax.barh(row + _MARK, value, _BAR, color=tone(row, len(table)), clip_on=False)
    return ax


def effort_bars(hours: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the hours of each role by tier, one after the other, against what the role has.

    Parameters
    ----------
    hours
        One row a role; columns `label`, `text`, `available` (hours; missing: unknown) and then
        one column a tier in order, in hours, or one named `UNSPLIT`. Hours beyond what is
        available are marked by a sign and a word in `text`.
    ax
        Where to draw; `ROW_HEIGHT` points a row.
    """
    tiers = [column for column in hours.columns if column not in ("label", "text", "available")]
    needed = hours[tiers].sum(axis="columns")
    widest = max(needed.max(), hours["available"].max() if hours["available"].notna().any() else 0)
    over = needed.gt(hours["available"]).to_numpy()
    _start(ax, hours, widest=widest, colours=[WARN if too_many else INK for too_many in over])
    for row, available in enumerate(hours["available"]):
        left = 0.0
        for position, amount in enumerate(hours[tiers].iloc[row].fillna(0.0)):
            shade = GREY if tiers == [UNSPLIT] else tone(position, len(tiers))
            ax.barh(row + _MARK, amount, _BAR, left=left, color=shade, clip_on=False)
            left += amount
        if not math.isnan(available):
            _limit(ax, row, available)
    return ax


def range_rows(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw a dot with its range a row, on an axis from zero.

    Parameters
    ----------
    table
        Columns `label`, `text`, `estimate`, `low`, `high` (missing: not drawn) and `shade`:
        "tier" (the tone of the row's place) or "grey" (not significant, or not adjusted).
    ax
        Where to draw; `ROW_HEIGHT` points a row.
    """
    end = axis_end(table["estimate"], table["high"])
    _start(ax, table, widest=end, least=table["low"].min())
    for row, (_, values) in enumerate(table.iterrows()):
        colour = GREY if values["shade"] == "grey" else tone(row, len(table))
        _range(ax, row, (values["estimate"], values["low"], values["high"]), colour, end=end)
    return ax


def axis_end(marks: pd.Series, ends: pd.Series) -> float:
    """Return where an axis ends: at the farthest range, but no absurd one rules it.

    Ranges that reach beyond three times the largest mark are cut there, with an arrow.

    Examples
    --------
    >>> axis_end(pd.Series([10.0, 2.0]), pd.Series([14.0, 500.0])), axis_end(
    ...     pd.Series([10.0]), pd.Series([14.0]))
    (30.0, 14.0)
    """
    largest, farthest = float(marks.max()), float(pd.concat([marks, ends]).max())
    return min(farthest, _FARTHEST * largest) if largest > 0 else farthest


def ledger_ranges(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw what was promised (dot and range) and what was delivered (diamond) a row.

    Parameters
    ----------
    table
        Columns `label`, `text`, `predicted`, `low`, `high`, `delivered`; missing values are not
        drawn.
    ax
        Where to draw; `ROW_HEIGHT` points a row.
    """
    marks = table[["predicted", "delivered"]].max(axis="columns")
    end = axis_end(marks, table["high"])
    _start(ax, table, widest=end, least=table[["low", "delivered"]].min().min())
    for row, (_, values) in enumerate(table.iterrows()):
        _range(ax, row, (values["predicted"], values["low"], values["high"]), GREY, end=end)
        delivered = float(values["delivered"])
        if not math.isnan(delivered):
            ax.plot([delivered], [row + _MARK], "D", color=INK, markersize=7, clip_on=False)
    return ax


def _start(
    ax: Axes,
    table: pd.DataFrame,
    *,
    widest: float,
    least: float = 0.0,
    colours: list[str] | None = None,
) -> None:
    """Set the scale, the line at zero, and the text of every row."""
    right = widest if widest > 0 else 1.0
    left = min(0.0, least if least == least else 0.0)
    ax.set_xlim(left, right)
    ax.set_ylim(len(table), 0)
    bare(ax)
    ax.set_xticks([])
    ax.set_yticks([])
    for row, (label, text) in enumerate(zip(table["label"], table["text"], strict=True)):
        room = axes_width(ax) - text_width(text) - _GAP
        place(ax, fitted(label, max(room, 60.0)), left, row + _TEXT)
        colour = colours[row] if colours else INK
        place(ax, text, right, row + _TEXT, ha="right", color=colour)


def _range(
    ax: Axes, row: int, values: tuple[float, float, float], colour: str, *, end: float
) -> None:
    estimate, low, high = values
    if high > end:
        ax.plot([end], [row + _MARK], ">", color=colour, markersize=6, clip_on=False)
        high = end
    ax.vlines(0, row + _MARK - 0.16, row + _MARK + 0.16, color=GREY, linewidth=1, clip_on=False)
    if low == low and high == high:
        ax.hlines(row + _MARK, low, high, color=colour, linewidth=2, clip_on=False)
    if estimate == estimate:
        ax.plot([estimate], [row + _MARK], "o", color=colour, markersize=8, clip_on=False)


def _limit(ax: Axes, row: int, value: float) -> None:
    """Mark what is available by an upright line, taller than the bar."""
    ax.vlines(value, row + _MARK - 0.2, row + _MARK + 0.2, color=INK, linewidth=2, clip_on=False)
    ax.hlines(row + _MARK, 0, value, color=MUTED, linewidth=1, zorder=0, clip_on=False)


def lorenz(table: pd.DataFrame, *, ax: Axes, effort: str) -> Axes:
    """Draw which part of value and of effort the most valuable accounts hold together.

    Parameters
    ----------
    table
        `accounts_share`, `value_share`, `effort_share` from 0 to 1, as
        `tierkit.serving.proportion.lorenz_curve` gives them.
    effort
        What the effort is measured in, in words.
    """
    scaled(ax, x=percent_tick, y=percent_tick)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (2, 2)))
    across = table["accounts_share"]
    ax.plot(across, table["value_share"], color=TONES[0], linewidth=2)
    ax.plot(across, table["effort_share"], color=INK, linewidth=2, linestyle=(0, (5, 2)))
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.set_yticks([0, 0.5, 1])
    for text, colour, dashes, height in (
        ("predicted revenue", TONES[0], "solid", 0.38),
        (effort, INK, (0, (5, 2)), 0.25),
        ("everyone alike", MUTED, (0, (2, 2)), 0.12),
    ):  # below all curves, which end at one point
        ax.plot([0.5, 0.56], [height, height], color=colour, linewidth=2, linestyle=dashes)
        place(ax, text, 0.58, height, color=colour, va="center")
    return ax


def size_frontier(
    table: pd.DataFrame, *, ax: Axes, money: Callable[[float], str], hours: Callable[[float], str]
) -> Axes:
    """Draw the revenue that each size of a tier would hold against the hours that all tiers need.

    Parameters
    ----------
    table
        The rows of one tier, as `tierkit.serving.sizes.size_frontier` gives them; sizes for which
        a role is short are drawn hollow.
    money, hours
        How an amount and a number of hours are written.
    """
    scaled(ax, x=hours, y=money)
    ordered = table.sort_values("size", kind="stable")
    short = ordered["roles_short"].ne("").to_numpy()
    ax.plot(ordered["hours"], ordered["predicted_revenue"], color=GREY, linewidth=1)
    for some, fill in ((ordered[~short], TONES[1]), (ordered[short], "none")):
        ax.plot(some["hours"], some["predicted_revenue"], "o", color=TONES[1], markersize=7,
                markerfacecolor=fill)  # fmt: skip
    labelled = ordered["is_today"] | (ordered["size"] == ordered["size"].max())
    for row in ordered[labelled].to_dict("records"):
        text = f"{row['size']:,} today" if row["is_today"] else f"{row['size']:,} accounts"
        place(ax, text, row["hours"], row["predicted_revenue"] * 0.97, va="top",
              ha="left" if row["is_today"] else "right",
              color=INK if row["is_today"] else MUTED)  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.margins(x=0.08, y=0.12)
    return ax


_LABEL_ROOM = 130.0


def moves_heat(matrix: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw how many accounts go from each tier (row) to each tier (column).

    Parameters
    ----------
    matrix
        Index: the tier before; columns: the tier after; whole numbers, 0 where nobody goes.
        Accounts that stay (same name) are outlined, not filled, so that the moves are seen.
    ax
        Where to draw; row labels need about 130 points at the left, column labels 24 above.
    """
    others = np.array([[row != column for column in matrix.columns] for row in matrix.index])
    most = max(int(matrix.to_numpy(dtype=int)[others].max(initial=0)), 1)
    ax.set(xlim=(0, matrix.shape[1]), ylim=(matrix.shape[0], 0), xticks=[], yticks=[])
    bare(ax)
    counts = matrix.to_numpy(dtype=int)
    for y, before in enumerate(matrix.index):
        place(ax, fitted(str(before), _LABEL_ROOM), -0.06, y + 0.5, ha="right", va="center")
        for x, after in enumerate(matrix.columns):
            _cell(ax, (x, y), int(counts[y, x]), stays=before == after, most=most)
    for x, after in enumerate(matrix.columns):
        place(ax, fitted(str(after), _LABEL_ROOM), x + 0.5, -0.12, ha="center")
    return ax


def _cell(ax: Axes, at: tuple[int, int], value: int, *, stays: bool, most: int) -> None:
    dark = not stays and value / most > 0.5
    fill = "none" if stays or value == 0 else TONES[1 if dark else 4]
    corner = (at[0] + 0.03, at[1] + 0.06)
    box = Rectangle(corner, 0.94, 0.88, facecolor=fill, edgecolor=LINE, linewidth=1, clip_on=False)
    ax.add_patch(box)
    colour = PAPER if dark else MUTED if stays or value == 0 else INK
    place(ax, f"{value:,}", at[0] + 0.5, at[1] + 0.5, ha="center", va="center", color=colour)
