"""How well a ranking finds revenue, and whether predicted amounts came true.

All rankings put higher predictions first. Equal predictions are taken in every order at once: the
measures are their expected values over random orders, so that the order of rows never matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierkit.models.criteria import FloatArray, IntArray


@dataclass(frozen=True)
class Curve:
    """Accounts and amounts so far at the end of each group of equal predictions, from 0 on.

    Attributes
    ----------
    accounts, amounts
        A row per draw of weights, a column per group.
    """

    accounts: FloatArray
    amounts: FloatArray


@dataclass(frozen=True)
class Ranking:
    """Accounts in the order of a prediction, ready to be measured with many sets of weights.

    Attributes
    ----------
    order
        Positions of the accounts, best first.
    ends
        Where each group of equal predictions ends in that order: the count of accounts up to it.
    actual
        The accounts' amounts in that order.
    """

    order: IntArray
    ends: IntArray
    actual: FloatArray

    @classmethod
    def of(cls, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Ranking:
        """Return the ranking by `predicted`; accounts without a prediction come last."""
        amounts = np.asarray(actual, dtype=float)
        keys = -np.nan_to_num(np.asarray(predicted, dtype=float), nan=-np.inf)
        order = np.argsort(keys, kind="stable")
        ends = np.append(np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1, len(order))
        return cls(order, ends, amounts[order])

    def curve(self, weights: FloatArray) -> Curve:
        """Return accounts and amounts so far, under each row of weights.

        Parameters
        ----------
        weights
            A row per draw, a column per account: how often the account counts.
        """
        ordered = weights[:, self.order]
        accounts = np.cumsum(ordered, axis=1)[:, self.ends - 1]
        amounts = np.cumsum(ordered * self.actual, axis=1)[:, self.ends - 1]
        return Curve(_from_zero(accounts), _from_zero(amounts))


def gini(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the normalised Gini coefficient: 1 for perfect foresight, 0 for a random order.

    Parameters
    ----------
    actual
        What each account brought; amounts below 0 (refunds) count as they are.
    predicted
        What it is ranked by, higher first; missing comes last.

    Returns
    -------
    float
        NaN where nothing was won or every account brought the same.

    Examples
    --------
    >>> gini([9, 3, 0, 0], [4, 3, 2, 1]), gini([9, 3, 0, 0], [1, 1, 1, 1])
    (1.0, 0.0)
    """
    return float(gini_of(_curve(actual, predicted), _curve(actual, actual))[0])


def gini_of(curve: Curve, perfect: Curve) -> FloatArray:
    """Return the normalised Gini coefficient of each row of weights.

    Parameters
    ----------
    curve, perfect
        Of the accounts by prediction and by what they brought.
    """
    found, best = _area(curve), _area(perfect)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(best > 1e-12, found / best, np.nan)


def capture(actual: npt.ArrayLike, predicted: npt.ArrayLike, *, accounts: float) -> float:
    """Return the share of all revenue that the best-ranked accounts brought.

    Parameters
    ----------
    actual, predicted
        As for `gini`.
    accounts
        How many accounts; part of an account counts in part, more than there are counts as all.

    Returns
    -------
    float
        NaN where nothing was won.

    Examples
    --------
    >>> capture([60, 30, 10], [3, 2, 1], accounts=1), capture([60, 30, 10], [1, 1, 1], accounts=1.5)
    (0.6, 0.5)
    """
    return float(capture_of(_curve(actual, predicted), accounts=accounts)[0])


def capture_share(actual: npt.ArrayLike, predicted: npt.ArrayLike, *, share: float) -> float:
    """Return the share of all revenue that the best-ranked share (0–1) of accounts brought.

    Examples
    --------
    >>> capture_share([60, 30, 10, 0], [4, 3, 2, 1], share=0.5)
    0.9
    """
    return capture(actual, predicted, accounts=share * np.size(actual))


def capture_of(curve: Curve, *, accounts: float) -> FloatArray:
    """Return the capture of the best-ranked accounts for each row of weights."""
    counts, amounts = curve.accounts, curve.amounts
    place = np.clip((counts < accounts).sum(axis=1), 1, counts.shape[1] - 1)
    rows = np.arange(len(counts))
    low, high = counts[rows, place - 1], counts[rows, place]
    step = np.maximum(high - low, np.finfo(float).tiny)
    part = np.clip((accounts - low) / step, 0, 1)
    below, above = amounts[rows, place - 1], amounts[rows, place]
    total = amounts[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (below + part * (above - below)) / total, np.nan)


def actual_over_predicted(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the sum of what came over the sum of what was predicted; NaN where that is 0.

    Examples
    --------
    >>> actual_over_predicted([60, 30], [50, 50])
    0.9
    """
    total = float(np.nansum(np.asarray(predicted, dtype=float)))
    return float(np.sum(np.asarray(actual, dtype=float))) / total if total > 0 else float("nan")


def _from_zero(sums: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)


def _curve(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Curve:
    return Ranking.of(actual, predicted).curve(np.ones((1, np.size(actual))))


def _area(curve: Curve) -> FloatArray:
    """Return the area between the curve of shares and the diagonal; NaN where nothing was won."""
    steps = np.diff(curve.accounts, axis=1)
    heights = (curve.amounts[:, 1:] + curve.amounts[:, :-1]) / 2
    total = curve.amounts[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (steps * heights).sum(axis=1) / (curve.accounts[:, -1] * total) - 0.5
    return np.where(total > 0, area, np.nan)
