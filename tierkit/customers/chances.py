"""Chances of renewing: last year's rate by size, and a regression on what is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.roi import logistic_slopes
from tierkit.statistics import FloatArray

SIZES = 3
PRIOR = 10
"""A size's rate counts as if so many more renewals had gone as all did."""

FEWEST_ROWS, FEWEST_OF_A_KIND = 60, 12
"""A regression is fitted from so many known renewals on, with so many lost and kept among them."""


@dataclass(frozen=True)
class SizeRates:
    """The share of last year's renewals by size of contract: the simple rule.

    Attributes
    ----------
    lines
        The values from which on a contract is middle-sized, and large.
    rates
        By window and size, small first: shares from 0 to 1.
    """

    lines: tuple[float, ...]
    rates: dict[tuple[str, int], float]

    @classmethod
    def learned(cls, known: pd.DataFrame) -> SizeRates:
        """Return the rates of known renewals, those of the last year before their newest end.

        Examples
        --------
        >>> known = pd.DataFrame({"value": [1.0] * 90 + [9.0] * 90, "window": "quarter",
        ...     "renewed": [0.0] * 45 + [1.0] * 135, "last_end": 100.0})
        >>> found = SizeRates.learned(known)
        >>> found.chance(known.iloc[[0, 179]]).round(2).tolist()
        [0.52, 0.98]
        """
        last_year = known[known["last_end"] > known["last_end"].max() - 365]
        lines = tuple(np.quantile(last_year["value"], [n / SIZES for n in range(1, SIZES)]))
        size = _size(last_year, lines)
        won = (last_year["renewed"] > 0).astype(float)
        rates = {}
        for window, rows in last_year.groupby("window", dropna=False):
            everyone = float(won[rows.index].mean())
            for place in range(SIZES):
                of_size = won[rows.index][size[rows.index] == place]
                rate = (of_size.sum() + PRIOR * everyone) / (len(of_size) + PRIOR)
                rates[str(window), place] = float(rate)
        return cls(lines, rates)

    def chance(self, due: pd.DataFrame) -> pd.Series[float]:
        """Return each renewal's chance; that of all where its window was never seen."""
        overall = float(np.mean([*self.rates.values()])) if self.rates else np.nan
        keys = zip(due["window"], _size(due, self.lines), strict=True)
        return pd.Series([self.rates.get(key, overall) for key in keys], due.index, dtype=float)


def _size(rows: pd.DataFrame, lines: tuple[float, ...]) -> pd.Series[int]:
    return pd.Series(np.searchsorted(lines, rows["value"], side="right"), index=rows.index)


@dataclass(frozen=True)
class Regression:
    """A logistic regression of renewing on standardised evidence.

    Attributes
    ----------
    means, scales
        Of each column that was learned from; what is missing counts as the mean.
    weights
        The change of the log odds per standard deviation.
    intercept
        The log odds of a renewal with mean evidence.
    """

    means: pd.Series[float]
    scales: pd.Series[float]
    weights: pd.Series[float]
    intercept: float

    @classmethod
    def learned(cls, evidence: pd.DataFrame, renewed: pd.Series[bool]) -> Regression | None:
        """Return the regression, None where too few renewals are known to fit one."""
        if len(renewed) < FEWEST_ROWS or min(renewed.sum(), (~renewed).sum()) < FEWEST_OF_A_KIND:
            return None
        means, scales = evidence.mean(), evidence.std(ddof=0)
        varies = scales > 1e-9  # neither missing everywhere nor constant
        named = scales.index[varies]
        means, scales = means[named], scales[named]
        design = ((evidence[named] - means) / scales).fillna(0.0).to_numpy(dtype=float)
        columns = np.column_stack([np.ones(len(design)), design])
        slopes = logistic_slopes(columns, np.asarray(renewed, dtype=np.float64))
        return cls(means, scales, pd.Series(slopes[1:], index=named), float(slopes[0]))

    def parts(self, evidence: pd.DataFrame) -> pd.DataFrame:
        """Return what each criterion adds to the log odds of each renewal."""
        known = evidence.reindex(columns=self.weights.index)
        return pd.DataFrame(((known - self.means) / self.scales).fillna(0.0) * self.weights)

    def chance(self, evidence: pd.DataFrame) -> pd.Series[float]:
        """Return each renewal's chance."""
        odds = self.parts(evidence).sum(axis=1) + self.intercept
        return pd.Series(1 / (1 + np.exp(-odds.clip(-30, 30))))


def concordance(chance: FloatArray, renewed: FloatArray) -> Figure:
    """Return how often the renewed of two was given the higher chance; ties count half.

    Examples
    --------
    >>> concordance(np.array([0.9, 0.8, 0.7]), np.array([1.0, 0.0, 1.0])).value
    0.5
    """
    from sklearn.metrics import roc_auc_score

    won = renewed > 0
    if won.all() or not won.any():
        return Figure.unknown("all were renewed, or none", count=len(won))
    return Figure(float(roc_auc_score(won, chance)), count=len(won))


def log_loss(chance: FloatArray, renewed: FloatArray) -> FloatArray:
    """Return minus the logarithm of the chance that was given to what came."""
    kept = np.clip(chance, 0.005, 0.995)
    return np.asarray(-np.where(renewed > 0, np.log(kept), np.log(1 - kept)))
