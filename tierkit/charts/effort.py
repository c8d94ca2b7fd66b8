"""Effort against value: the Lorenz curve, and what other sizes of tiers would hold and cost."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from tierkit.charts.canvas import GREY, INK, MUTED, TONES, percent_tick, place, scaled


def lorenz(table: pd.DataFrame, *, ax: Axes, effort: str) -> Axes:
    """Draw which part of value and of effort the most valuable accounts hold together.

    Parameters
    ----------
    table
        `accounts_share`, `value_share`, `effort_share` from 0 to 1, as
        `tierkit.effort.proportion.lorenz_curve` gives them.
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
    for column, text, colour, at in (
        ("value_share", "predicted revenue", TONES[0], 0.08),
        ("effort_share", effort, INK, 0.30),
    ):
        row = int((across - at).abs().to_numpy().argmin())
        height = float(table[column].iloc[row])
        place(ax, text, at + 0.02, height - 0.09, color=colour, va="center")
    place(ax, "everyone alike", 0.62, 0.5, color=MUTED, va="center")
    return ax


def size_frontier(
    table: pd.DataFrame, *, ax: Axes, money: Callable[[float], str], hours: Callable[[float], str]
) -> Axes:
    """Draw the revenue that each size of a tier would hold against the hours that all tiers need.

    Parameters
    ----------
    table
        The rows of one tier, as `tierkit.effort.frontier.size_frontier` gives them; sizes for which
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
    told = ordered["is_today"] | (ordered["size"] == ordered["size"].max())
    for row in ordered[told].to_dict("records"):
        text = f"{row['size']:,} today" if row["is_today"] else f"{row['size']:,} accounts"
        place(ax, text, row["hours"], row["predicted_revenue"] * 0.97, va="top",
              ha="left" if row["is_today"] else "right",
              color=INK if row["is_today"] else MUTED)  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.margins(x=0.08, y=0.12)
    return ax
