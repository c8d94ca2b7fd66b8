"""One row a tier, role or promise: its label and value on a line, its mark below."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import (
    GREY,
    INK,
    MUTED,
    WARN,
    axes_width,
    bare,
    fitted,
    place,
    text_width,
    tone,
)

UNSPLIT = "all tiers"
"""The name of the one column of hours that are not known by tier."""
ROW_HEIGHT = 46.0
"""Points that a row needs: a line of text and a mark."""

_TEXT, _MARK, _BAR = 0.36, 0.66, 0.22
_GAP = 10.0


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
    _start(ax, table, widest=table[["estimate", "high"]].max().max(), least=table["low"].min())
    for row, (_, values) in enumerate(table.iterrows()):
        colour = GREY if values["shade"] == "grey" else tone(row, len(table))
        _range(ax, row, (values["estimate"], values["low"], values["high"]), colour)
    return ax


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
    widest = table[["predicted", "high", "delivered"]].max().max()
    _start(ax, table, widest=widest, least=table[["low", "delivered"]].min().min())
    for row, (_, values) in enumerate(table.iterrows()):
        _range(ax, row, (values["predicted"], values["low"], values["high"]), GREY)
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


def _range(ax: Axes, row: int, values: tuple[float, float, float], colour: str) -> None:
    estimate, low, high = values
    ax.vlines(0, row + _MARK - 0.16, row + _MARK + 0.16, color=GREY, linewidth=1, clip_on=False)
    if low == low and high == high:
        ax.hlines(row + _MARK, low, high, color=colour, linewidth=2, clip_on=False)
    if estimate == estimate:
        ax.plot([estimate], [row + _MARK], "o", color=colour, markersize=8, clip_on=False)


def _limit(ax: Axes, row: int, value: float) -> None:
    """Mark what is available by an upright line, taller than the bar."""
    ax.vlines(value, row + _MARK - 0.2, row + _MARK + 0.2, color=INK, linewidth=2, clip_on=False)
    ax.hlines(row + _MARK, 0, value, color=MUTED, linewidth=1, zorder=0, clip_on=False)
