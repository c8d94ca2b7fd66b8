"""A doubly robust effect on those that were treated: what adjusting rests on, for any outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from tierkit.roi.known_before import standardised
from tierkit.roi.poisson import logistic_slopes
from tierkit.roi.standings import BoolArray, FloatArray, IntArray

_SMALLEST_CHANCE = 0.01


@dataclass(frozen=True)
class TreatedEffect:
    """The mean effect on those that were treated, with its standard error."""

    estimate: float
    se: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.estimate - 1.96 * self.se

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.estimate + 1.96 * self.se


def effect_on_the_treated(
    outcome: FloatArray, treated: FloatArray, columns: FloatArray, folds: IntArray
) -> TreatedEffect:
    """Return the effect on the treated, right if either of two models is.

    Per fold, a linear model of the untreated outcome and a logistic model of the chance of
    treatment are fitted on the other folds.

    Parameters
    ----------
    columns
        What was known before; without a constant.
    folds
        The fold of each row.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.standard_normal((4000, 1))
    >>> treated = (x[:, 0] + rng.standard_normal(4000) > 0) * 1.0
    >>> found = effect_on_the_treated(3 * x[:, 0] + treated, treated, x, np.arange(4000) % 5)
    >>> round(found.estimate, 6)
    1.0
    """
    values = np.column_stack([np.ones(len(outcome)), standardised(columns)])
    expected, chance = np.empty(len(outcome)), np.empty(len(outcome))
    for fold in np.unique(folds):
        inside = folds == fold
        chance[inside] = _chance(values, treated, inside)
        untreated = ~inside & (treated == 0)
        slopes, *_ = np.linalg.lstsq(values[untreated], outcome[untreated], rcond=None)
        expected[inside] = values[inside] @ slopes
    chance = np.minimum(chance, 1 - _SMALLEST_CHANCE)
    share = float(treated.mean())
    left = outcome - expected
    score = (treated - (1 - treated) * chance / (1 - chance)) * left / share
    estimate = float(score.mean())
    influence = score - treated / share * estimate
    return TreatedEffect(estimate, float(np.sqrt((influence**2).mean() / len(outcome))))


def _chance(values: FloatArray, treated: FloatArray, inside: BoolArray) -> FloatArray:
    slopes = logistic_slopes(values[~inside], treated[~inside])
    return np.asarray(expit(values[inside] @ slopes))
