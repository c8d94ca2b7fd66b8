"""Where accounts were and where they go."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tierkit.charts.canvas import INK, LINE, MUTED, PAPER, TONES, bare, fitted, place

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
