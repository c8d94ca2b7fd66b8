"""What the accounts of each tier brought for each unit that was predicted for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tierkit.statistics import FloatArray, IntArray


def ratios_by_tier(
    ranked_by: FloatArray,
    predicted: FloatArray,
    outcome: FloatArray,
    *,
    dates: Sequence[IntArray],
    sizes: Sequence[int | None],
) -> FloatArray:
    """Return by tier the outcome over the prediction of the accounts that would have been in it.

    Parameters
    ----------
    ranked_by, predicted, outcome
        A number per tested row; the highest `ranked_by` comes first.
    dates
        Places of the rows of each tested date, in the order of account_id, which decides ties.
    sizes
        Accounts of each tier, best first; None takes the rest.

    Returns
    -------
    array
        A ratio for each size; NaN where nothing was predicted.

    Examples
    --------
    >>> predicted = np.array([9.0, 5.0, 1.0])
    >>> ratios_by_tier(predicted, predicted, np.array([18.0, 3.0, 0.0]),
    ...                dates=[np.arange(3)], sizes=[1, None]).tolist()
    [2.0, 0.5]
    """
    ends = np.cumsum([len(ranked_by) if size is None else size for size in sizes])
    brought, expected = np.zeros(len(ends)), np.zeros(len(ends))
    for rows in dates:
        order = rows[np.argsort(-ranked_by[rows], kind="stable")]
        tier = np.searchsorted(ends, np.arange(len(order)), side="right")
        kept, own = order[tier < len(ends)], tier[tier < len(ends)]
        brought += np.bincount(own, outcome[kept], minlength=len(ends))
        expected += np.bincount(own, predicted[kept], minlength=len(ends))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, brought / expected, np.nan)
