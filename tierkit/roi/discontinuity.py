"""A discontinuity in its linear mode: what the comparison at the line rests on, for any outcome.

Local polynomials on both sides of a line with triangular weights, the bias of the local line taken
off by a local parabola, and standard errors from nearest neighbours, after Calonico, Cattaneo and
Titiunik (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tierkit.roi.standings import BoolArray, FloatArray

_NEIGHBOURS = 3


@dataclass(frozen=True)
class Jump:
    """A jump: the local linear `estimate`, and the `corrected` one with its standard error."""

    estimate: float
    corrected: float
    se: float

    @property
    def interval(self) -> tuple[float, float]:
        """The robust 95 % interval."""
        half = 1.959963984540054 * self.se
        return self.corrected - half, self.corrected + half


def linear_jump(
    outcome: FloatArray, place: FloatArray, *, bandwidth: float, bias_bandwidth: float
) -> Jump:
    """Return the jump of the mean outcome at zero.

    Parameters
    ----------
    place
        Score less line.
    bandwidth, bias_bandwidth
        Of the line, and of the parabola that tells its bias.

    Examples
    --------
    >>> place = np.linspace(-1, 1, 200)
    >>> jump = linear_jump(2 * place + 5.0 * (place >= 0), place, bandwidth=0.5, bias_bandwidth=0.8)
    >>> round(jump.estimate, 6), round(jump.corrected, 6)
    (5.0, 5.0)
    """
    above = _end(outcome, place, place >= 0, bandwidth, bias_bandwidth)
    below = _end(outcome, place, place < 0, bandwidth, bias_bandwidth)
    return Jump(above[0] - below[0], above[1] - below[1], float(np.sqrt(above[2] + below[2])))


def _end(
    outcome: FloatArray, place: FloatArray, side: BoolArray, h: float, b: float
) -> tuple[float, float, float]:
    """Return the mean at the line from one side: by the line, corrected, and its variance."""
    order = np.argsort(place[side], kind="stable")
    x, y = place[side][order], outcome[side][order]
    inside = np.abs(x) <= max(h, b)
    residual = _neighbour_residuals(y, x)[inside]
    x, y = x[inside], y[inside]
    near, wide = (np.maximum(1 - np.abs(x / width), 0) / width for width in (h, b))
    line = np.column_stack([np.ones_like(x), x])
    parabola = np.column_stack([line, x**2])
    gamma = np.linalg.inv(line.T @ (line * near[:, None]))
    curve = np.linalg.inv(parabola.T @ (parabola * wide[:, None]))
    reach = (line * near[:, None]) @ gamma[0]
    bias = float(reach @ x**2)
    curvature = (parabola * wide[:, None]) @ curve[2]
    corrected = reach - bias * curvature
    return float(reach @ y), float(corrected @ y), float(((corrected * residual) ** 2).sum())


def _neighbour_residuals(y: FloatArray, x: FloatArray) -> FloatArray:
    """Return each outcome less the mean of its three nearest neighbours, scaled to its variance.

    `x` ascends. Neighbours at equal distance all count.
    """
    n = len(x)
    residual = np.zeros(n)
    for place in range(n):
        low = high = place
        count = 0
        while count < min(_NEIGHBOURS, n - 1):
            down = x[place] - x[low - 1] if low > 0 else np.inf
            up = x[high + 1] - x[place] if high < n - 1 else np.inf
            if down <= up:
                low -= 1
            if up <= down:
                high += 1
            count = high - low
        mean = (y[low : high + 1].sum() - y[place]) / count
        residual[place] = np.sqrt(count / (count + 1)) * (y[place] - mean)
    return residual
