"""What the three panels share: a question, one number, one sentence, one small figure."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from tierkit.charts.rows import ROW_HEIGHT
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment, joined, tag

WIDTH = 288.0
UNKNOWN = "–"


def panel(question: str, big: str, unit: str, words: str, *body: Markup | Fragment) -> Markup:
    """Return a panel.

    Parameters
    ----------
    question
        Its title.
    big, unit
        The one number, and what it counts.
    words
        The one sentence.
    body
        The figure, and what stands below it.
    """
    value = tag("p", tag("span", big, class_="big") + " " + tag("span", unit), class_="number")
    rest = [tag("div", joined(*body[1:]))] if body[1:] else []
    parts = (tag("h3", question), value, tag("p", words), *body[:1], *rest)
    return tag("article", joined(*parts), class_="panel")


def row_figure(
    draw: Callable[..., Axes], table: pd.DataFrame, *, name: str, finding: str
) -> Fragment:
    """Return a figure of one row per row of the table, as wide as a panel."""
    return figure(row_picture(draw, table, width=WIDTH), name=name, finding=finding)


def row_picture(draw: Callable[..., Axes], table: pd.DataFrame, *, width: float) -> Picture:
    """Return a picture of one row per row of the table."""

    def on(ax: Axes) -> Axes:
        return draw(table, ax=ax)

    return Picture(on, width, ROW_HEIGHT * len(table) + 4, (1.0, 5.0, 0.0, 4.0))
