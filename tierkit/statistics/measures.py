"""Measures of a ranking (Gini, capture) and of predicted amounts.

All rankings put higher predictions first. Equal predictions are taken in every order at once: the
measures are their expected values over random orders, so that the order of rows never matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tierkit.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Curve:
    """Accounts and amounts so far, from 0 on, wherever the curve through them bends.

    Attributes
    ----------
    accounts, amounts
        A row per draw of weights, a column per step of a ranking.
    """

    accounts: FloatArray
    amounts: FloatArray


@dataclass(frozen=True)
class Ranking:
    """Accounts in the order of a prediction, ready to be measured with many sets of weights.

    Attributes
    ----------
    order
        Positions of the accounts, or the columns of their weights, best first.
    starts
        Where in that order each step begins, and its end: a step is a group of equal predictions,
        or as many groups in a row as brought nothing, since the curve is straight along them.
    paid, amounts
        Places in that order of accounts that brought anything (or gave back), and what.
    """

    order: IntArray
    starts: IntArray
    paid: IntArray
    amounts: FloatArray

    @classmethod
    def of(
        cls,
        actual: npt.ArrayLike,
        predicted: npt.ArrayLike,
        *,
        weighted_by: IntArray | None = None,
    ) -> Ranking:
        """Return the ranking by `predicted`; accounts without a prediction come last.

        Parameters
        ----------
        weighted_by
            The column of each account's weight; its own position by default.
        """
        keys = -np.nan_to_num(np.asarray(predicted, dtype=float), nan=-np.inf)
        order = np.argsort(keys, kind="stable")
        amounts = np.asarray(actual, dtype=float)[order]
        paid = np.flatnonzero(amounts)
        columns = order if weighted_by is None else weighted_by[order]
        return cls(columns, _steps(keys[order], amounts), paid, amounts[paid])

    def curve(self, weights: FloatArray) -> Curve:
        """Return accounts and amounts so far, under each column of weights.

        Parameters
        ----------
        weights
            A row per account, a column per draw: how often the account counts.
        """
        from scipy.sparse import csr_array  # takes a moment: only to measure

        shape = (len(self.starts) - 1, len(weights))
        everyone = (np.ones(len(self.order)), self.order, self.starts)
        begin = np.searchsorted(self.paid, self.starts)
        paying = (self.amounts, self.order[self.paid], begin)
        sums = (csr_array(rows, shape=shape) @ weights for rows in (everyone, paying))
        return Curve(*map(_summed_up, sums))


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

    Raises
    ------
    DataError
        If the two are no numbers by account, of one length, or an amount is missing.

    Examples
    --------
    >>> gini([9, 3, 0, 0], [4, 3, 2, 1]), gini([9, 3, 0, 0], [1, 1, 1, 1])
    (1.0, 0.0)
    """
    return float(gini_of(_curve(actual, predicted), _curve(actual, actual))[0])


def gini_of(curve: Curve, perfect: Curve) -> FloatArray:
    """Return the normalised Gini coefficient of each draw of weights.

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
    """Return the capture of the best-ranked accounts for each draw of weights."""
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


def _steps(keys: FloatArray, amounts: FloatArray) -> IntArray:
    """Return where steps begin, for keys in order, and after them the number of keys."""
    groups = np.append(0, np.flatnonzero(keys[1:] != keys[:-1]) + 1)
    brings = np.logical_or.reduceat(amounts != 0, groups)
    begins = groups[np.append(True, brings[1:] | brings[:-1])]
    return np.asarray(np.append(begins, len(keys)), dtype=np.int64)


def _summed_up(steps: FloatArray) -> FloatArray:
    """Return sums so far, from 0 on: a row per draw, for a column per draw."""
    by_draw = np.ascontiguousarray(steps.T)
    return np.concatenate([np.zeros((len(by_draw), 1)), np.cumsum(by_draw, axis=1)], axis=1)


def _curve(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Curve:
    won, ranked = _numbers("actual", actual), _numbers("predicted", predicted)
    if won.shape != ranked.shape:
        raise DataError(
            f"{len(won):,} amounts and {len(ranked):,} predictions: they must be pairs."
        )
    lost = int(np.isnan(won).sum())
    if lost:
        raise DataError(
            f"actual: {lost:,} of {len(won):,} amounts are missing. An account that brought "
            "nothing has 0; leave out those that were not watched."
        )
    return Ranking.of(won, ranked).curve(np.ones((len(won), 1)))


def _numbers(name: str, given: npt.ArrayLike) -> FloatArray:
    try:
        found = np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: numbers are needed: {error}.") from error
    if found.ndim != 1 or not len(found):
        raise DataError(f"{name}: a list of numbers is needed, one per account.")
    return found


def _area(curve: Curve) -> FloatArray:
    """Return the area between the curve of shares and the diagonal; NaN where nothing was won."""
    steps = np.diff(curve.accounts, axis=1)
    heights = (curve.amounts[:, 1:] + curve.amounts[:, :-1]) / 2
    total = curve.amounts[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (steps * heights).sum(axis=1) / (curve.accounts[:, -1] * total) - 0.5
    return np.where(total > 0, area, np.nan)
