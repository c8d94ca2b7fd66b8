"""A small Tweedie regression, the same whatever the number of threads."""

from __future__ import annotations

import numpy as np

from tierkit.statistics.measures import FloatArray

VARIANCE_POWER = 1.5
"""Of the Tweedie family: between counts (1) and amounts (2), for revenue that is often 0."""

_MOST_STEPS = 100
_MOST_HALVINGS = 40
_CLOSE = 1e-10
_RIDGE = 1e-9


def tweedie_coefficients(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Return the coefficients of a Tweedie regression with a log link, without the intercept.

    The loss is convex; Newton's steps are halved until they lower it.

    Parameters
    ----------
    columns
        A row per observation; a column that repeats others is given a part of their coefficient.
    target
        0 or more, with a mean above 0.

    Examples
    --------
    >>> doublings = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> tweedie_coefficients(doublings, np.array([1.0, 2.0, 4.0, 8.0])).round(6).tolist()
    [0.693147]
    """
    design = np.column_stack([np.ones(len(target)), columns])
    scaled = target / target.mean()
    found = np.zeros(design.shape[1])
    loss = _loss(design @ found, scaled)
    for _ in range(_MOST_STEPS):
        found, better = _improved(design, scaled, found, loss)
        if loss - better <= _CLOSE * (1 + abs(better)):
            break
        loss = better
    return found[1:]


def _improved(
    design: FloatArray, target: FloatArray, found: FloatArray, loss: float
) -> tuple[FloatArray, float]:
    """Return coefficients after one step of Newton's that lowers the loss, and the loss."""
    step = _newton_step(design, target, found)
    for _ in range(_MOST_HALVINGS):
        better = _loss(design @ (found + step), target)
        if better <= loss:
            return found + step, better
        step = step / 2
    return found, loss


def _newton_step(design: FloatArray, target: FloatArray, found: FloatArray) -> FloatArray:
    log_mean = design @ found
    of_target = target * np.exp((1 - VARIANCE_POWER) * log_mean)
    of_mean = np.exp((2 - VARIANCE_POWER) * log_mean)
    slope = design.T @ (of_mean - of_target)
    bend = (VARIANCE_POWER - 1) * of_target + (2 - VARIANCE_POWER) * of_mean
    curvature = design.T @ (design * bend[:, None])
    ridge = _RIDGE * np.trace(curvature) * np.eye(len(found))
    return np.asarray(-np.linalg.solve(curvature + ridge, slope))


def _loss(log_mean: FloatArray, target: FloatArray) -> float:
    """Return half the mean deviance, but for a constant; infinite beyond what floats hold."""
    with np.errstate(over="ignore"):
        of_target = target * np.exp((1 - VARIANCE_POWER) * log_mean) / (VARIANCE_POWER - 1)
        of_mean = np.exp((2 - VARIANCE_POWER) * log_mean) / (2 - VARIANCE_POWER)
        loss = float(np.mean(of_target + of_mean))
    return loss if np.isfinite(loss) else np.inf
