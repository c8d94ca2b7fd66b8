"""Rankings drawn: the share of revenue that the best-ranked accounts bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit import charts
from tierkit.errors import DataError
from tierkit.statistics import capture_share, gini

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS = 101


def capture_table(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> pd.DataFrame:
    """Return the share of revenue by the share of accounts, best-ranked first, in 100 steps.

    Raises
    ------
    DataError
        If the two are no numbers by account, of one length, or nothing was won.

    Examples
    --------
    >>> capture_table([60, 30, 10, 0], [4, 3, 2, 1]).iloc[50].tolist()
    [0.5, 0.9]
    """
    shares = np.linspace(0, 1, _STEPS)
    found = [0.0, *(capture_share(actual, predicted, share=share) for share in shares[1:])]
    if np.isnan(found).any():
        raise DataError("Nothing was won, so there is no revenue to find.")
    return pd.DataFrame({"share_of_accounts": shares, "share_of_revenue": found})


def plot_capture(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    name: str = "ranking",
    ax: Axes | None = None,
) -> Axes:
    """Draw which share of revenue the best-ranked accounts brought; random order is dotted.

    Parameters
    ----------
    actual
        What each account brought.
    predicted
        What it is ranked by, higher first, in the same order.
    name
        What the ranking is called.
    ax
        Where to draw; new axes by default.

    Examples
    --------
    >>> axes = plot_capture([60, 30, 10, 0], [4, 3, 2, 1])
    >>> axes.get_title()
    'ranking: Gini 1.00'
    """
    import matplotlib.pyplot as plt

    table = capture_table(actual, predicted)
    axes = plt.subplots(figsize=(6, 4))[1] if ax is None else ax
    axes.plot(table["share_of_accounts"], table["share_of_revenue"], color=charts.TONES[0])
    axes.plot([0, 1], [0, 1], color=charts.GREY, linestyle=":")
    axes.set(
        xlabel="share of accounts, best first",
        ylabel="share of revenue",
        title=f"{name}: Gini {gini(actual, predicted):.2f}",
    )
    return axes
