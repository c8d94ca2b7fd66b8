"""The smooth part of a card: a hurdle of two regressions, as points of bins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tierkit.models.boosting import only_helps
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.statistics import FloatArray, IntArray

_RIDGE = 0.02
_MOST_STEPS = 60
_FAR = 20.0
_FEWEST_WINS = 20
Loss = Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]


def smooth_points(
    criteria: Sequence[Criterion], codes: IntArray, rows: pd.DataFrame, target: FloatArray
) -> list[FloatArray]:
    """Return points per bin (the missing one last) that follow two regressions with a log link.

    One says whether anything is won (Poisson on yes and no, so that chances multiply), the other
    how much is won where anything is (gamma). Their sum is again a sum over criteria. A number
    counts by its logarithm, taken at the mean of its bin; categories and unknown values have points
    of their own, drawn towards 0 by a ridge. More of what can only help never lowers the points.
    All points are 0 where fewer than 20 rows have won anything.

    Parameters
    ----------
    criteria, codes
        The criteria and, a column each, the bin of every row.
    rows
        Their values.
    target
        Amounts, 0 or more.
    """
    won = target > 0
    nothing = [np.zeros(len(one.points_by_bin)) for one in criteria]
    if won.sum() < _FEWEST_WINS or not criteria:
        return nothing
    parts = [_columns(one, codes[:, k], rows[one.name]) for k, one in enumerate(criteria)]
    design = np.column_stack([part[codes[:, k]] for k, part in enumerate(parts)])
    helps = np.concatenate([_helps(one, part) for one, part in zip(criteria, parts, strict=True)])
    amounts = target[won] / target[won].mean()
    found = _fitted(design, won.astype(float), _poisson, helps)
    found = found + _fitted(design[won], amounts, _gamma, helps)
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    return [part @ own for part, own in zip(parts, np.split(found, ends), strict=True)]


def _columns(one: Criterion, codes: IntArray, values: pd.Series[float]) -> FloatArray:
    """Return what each bin of a criterion means to a regression, a column per coefficient."""
    bins = len(one.points_by_bin)
    if not isinstance(one, NumericCriterion) or not one.edges:
        return np.eye(bins)
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    positive = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    typical = float(np.median(positive)) if len(positive) else 1.0
    scaled = np.sign(numbers) * np.log1p(np.abs(numbers) / typical)
    known = np.isfinite(scaled)
    counts = np.bincount(codes[known], minlength=bins)[: bins - 1]
    sums = np.bincount(codes[known], weights=scaled[known], minlength=bins)[: bins - 1]
    filled = np.flatnonzero(counts)
    if not len(filled):  # nothing is known among these rows
        return np.eye(bins)
    means = np.interp(np.arange(bins - 1), filled, sums[filled] / counts[filled])
    centre = float(scaled[known].mean())
    spread = float(scaled[known].std()) or 1.0
    table = np.zeros((bins, 2))
    table[:-1, 0] = (means - centre) / spread
    table[-1, 1] = 1.0
    return table


def _helps(one: Criterion, columns: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which coefficients must not be below 0."""
    found = np.zeros(columns.shape[1], dtype=bool)
    found[0] = only_helps(one)
    return found


def _fitted(
    design: FloatArray,
    target: FloatArray,
    loss: Loss,
    helps: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> FloatArray:
    """Return the coefficients without the intercept."""
    from scipy.optimize import minimize  # takes a moment: only to fit

    def whole(found: FloatArray) -> tuple[float, FloatArray]:
        log_mean = np.clip(found[0] + design @ found[1:], -_FAR, _FAR)
        value, slope = loss(log_mean, target)
        rest = found[1:]
        gradient = np.append(slope.mean(), design.T @ slope / len(target) + 2 * _RIDGE * rest)
        return value / len(target) + _RIDGE * float(rest @ rest), gradient

    start = np.append(np.log(max(float(target.mean()), 1e-9)), np.zeros(design.shape[1]))
    bounds = [(-_FAR, _FAR), *((0.0 if one else -_FAR, _FAR) for one in helps)]
    with threadpool_limits(1):  # threads of small products wait for each other
        found = minimize(whole, start, jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"maxiter": _MOST_STEPS}).x  # fmt: skip
    return np.asarray(found[1:], dtype=np.float64)


def _poisson(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    mean = np.exp(log_mean)
    return float((mean - target * log_mean).sum()), mean - target


def _gamma(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    ratio = target * np.exp(-log_mean)
    return float((ratio + log_mean).sum()), 1.0 - ratio
