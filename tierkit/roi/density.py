"""Crowding at the line: whether more scores lie just above it than the rest lets expect."""

from __future__ import annotations

import numpy as np

from tierkit.roi.ladder import FloatArray, IntArray

BINS_EACH_SIDE = 20
FEWEST = 60
REACH_QUANTILE = 0.5
"""The window holds this share of the scores above the line."""

_STEPS = 50


def bunching(points: FloatArray, cluster: IntArray, *, reach: float | None = None) -> float | None:
    """Return the jump in the density of scores at the line, in standard errors.

    The logarithm of the density is a line on each side. Positive: more scores just above the line.

    Parameters
    ----------
    points
        Score less the line that the account faced.
    cluster
        Scores inside a cluster may depend on each other.
    reach
        How far the window reaches; by default so far that it holds half of the scores above.

    Returns
    -------
    float or None
        None where fewer than 60 scores lie in the window.

    Examples
    --------
    >>> even = (np.arange(-500, 500) + 0.5) / 500
    >>> abs(bunching(even, np.arange(1000))) < 0.5
    True
    >>> crowded = np.concatenate([even, np.linspace(0, 0.1, 80)])
    >>> bunching(crowded, np.arange(1080)) > 3
    True
    """
    above = points[points >= 0]
    if len(above) == 0:
        return None
    width = float(np.quantile(above, REACH_QUANTILE)) if reach is None else reach
    inside = np.abs(points) < width
    if width <= 0 or inside.sum() < FEWEST or min((points[inside] < 0).sum(), len(above)) == 0:
        return None
    place, cluster = points[inside] / width, cluster[inside]
    middles = (np.arange(-BINS_EACH_SIDE, BINS_EACH_SIDE) + 0.5) / BINS_EACH_SIDE
    number = np.clip(np.floor(place * BINS_EACH_SIDE).astype(int) + BINS_EACH_SIDE, 0,
                     2 * BINS_EACH_SIDE - 1)  # fmt: skip
    counts = np.bincount(number, minlength=2 * BINS_EACH_SIDE).astype(float)
    columns = _columns(middles)
    fitted = _log_linear(counts, columns)
    if fitted is None:
        return None
    slopes, information = fitted
    left = counts - np.exp(columns @ slopes)
    reach_of_bin = columns @ np.linalg.inv(information)[0]
    # each score moves the jump by the reach of its bin; what is expected of all is taken off evenly
    expected = float(reach_of_bin @ (counts - left)) / len(place)
    sums = np.bincount(cluster, reach_of_bin[number])
    size = np.bincount(cluster)
    influence = sums - expected * size
    se = float(np.sqrt((influence**2).sum()))
    return float(slopes[0]) / se if se > 0 else None


def _columns(place: FloatArray) -> FloatArray:
    above = (place > 0) * 1.0
    return np.column_stack([above, np.ones(len(place)), place, place * above])


def _log_linear(counts: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return the slopes of a Poisson regression of counts, and their information."""
    slopes = np.zeros(columns.shape[1])
    slopes[1] = np.log(max(counts.mean(), 1e-9))
    for _ in range(_STEPS):
        mean = np.exp(np.clip(columns @ slopes, -30, 30))
        information = (columns * mean[:, None]).T @ columns + 1e-9 * np.eye(len(slopes))
        step = np.linalg.solve(information, columns.T @ (counts - mean))
        slopes = slopes + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            return slopes, information
    return None
