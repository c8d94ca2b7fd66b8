"""Criteria that predict too well alone: what a column of today may have learned from tomorrow."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from tierkit.models.binning import bin_criteria
from tierkit.models.rows import account_draws, account_ids
from tierkit.statistics import FloatArray, IntArray, gini

SUSPICIOUS_GINI = 0.8
"""No undated column that rests on the account's looks alone was ever seen to rank so well."""

NEAR_FORESIGHT = 0.97
AHEAD = 0.05
_MAX_BINS = 16
_PRIOR_ROWS = 5.0


def gini_alone(
    values: pd.DataFrame, won: pd.Series[float], *, criteria: Sequence[str], seed: int
) -> pd.Series[float]:
    """Return how well each criterion ranks accounts on its own, whatever the shape of its effect.

    Each half of the accounts is ranked by the mean won revenue of the same bin in the other half,
    the unknown being a bin; so that chance gives no criterion an advantage.

    Parameters
    ----------
    values, won
        A row per account and as_of, and what it won in the horizon.
    criteria
        The columns to be tried; those that cannot be used are absent from the result.

    Returns
    -------
    Series
        Gini by criterion: 1 is perfect foresight, 0 is chance; NaN where nothing was won.

    Examples
    --------
    >>> ids = pd.Index([f"A{n}" for n in range(400)], name="account_id")
    >>> values = pd.DataFrame({"tells": np.tile([0.0, 1.0], 200), "x": np.arange(400.0)}, index=ids)
    >>> alone = gini_alone(values, values["tells"] * 10, criteria=["tells", "x"], seed=1)
    >>> round(float(alone["tells"]), 6), bool(alone["x"] < 0.3)
    (1.0, True)
    """
    binned = bin_criteria(values, criteria, max_bins=_MAX_BINS)
    half = account_draws(account_ids(values), purpose="halves", seed=seed) < 1 / 2
    actual = np.asarray(won, dtype=np.float64)
    found = {
        one.name: gini(actual, _of_other_half(binned.codes[:, place], actual, half))
        for place, one in enumerate(binned.criteria)
    }
    return pd.Series(found, dtype=float, name="gini_alone")


def probable_leaks(
    alone: pd.Series[float],
    *,
    undated: Collection[str],
    past_revenue: str,
    trusted: Collection[str] = (),
) -> dict[str, str]:
    """Return the criteria that have probably seen the outcome, each with the reason in words.

    A column without dates is suspected where it ranks accounts better than 0.8 of perfect foresight
    and by 0.05 better than every dated criterion; a dated one above 0.97 and by 0.05 better than
    past revenue.

    Parameters
    ----------
    alone
        From `gini_alone`.
    undated
        Criteria that hold today's values.
    past_revenue
        The column of past revenue.
    trusted
        Criteria that somebody vouches for.

    Examples
    --------
    >>> alone = pd.Series({"won_revenue_4q": 0.7, "lifetime_value": 0.93, "industry": 0.2})
    >>> [*probable_leaks(alone, undated={"lifetime_value", "industry"},
    ...                  past_revenue="won_revenue_4q")]
    ['lifetime_value']
    """
    dated = alone.drop([name for name in alone.index if name in undated])
    best = float(dated.max()) if len(dated.dropna()) else 0.0
    past = float(alone.get(past_revenue, 0.0))
    found = {}
    for name, score in alone.dropna().items():
        of_today = name in undated
        least = (
            max(SUSPICIOUS_GINI, best + AHEAD) if of_today else max(NEAR_FORESIGHT, past + AHEAD)
        )
        if score >= least and name not in trusted:
            found[str(name)] = _reason(
                float(score), of_today=of_today, best=best if of_today else past
            )
    return found


def _reason(score: float, *, of_today: bool, best: float) -> str:
    beside = "any dated criterion" if of_today else "past revenue"
    kind = (
        "it holds today's values, which may know what was won since"
        if of_today
        else ("it may know what was won after the date")
    )
    return (
        f"predicts too well alone ({score:.2f} against {best:.2f} by {beside}): {kind}. If it is "
        "known before the outcome, name it in features.trusted"
    )


def _of_other_half(codes: IntArray, actual: FloatArray, half: np.ndarray) -> FloatArray:
    """Return for each row the mean of its bin among the accounts of the other half."""
    bins = int(codes.max()) + 1
    found = np.zeros(len(codes))
    for side in (half, ~half):
        rows = np.bincount(codes[~side], minlength=bins).astype(float)
        sums = np.bincount(codes[~side], weights=actual[~side], minlength=bins)
        mean = float(actual[~side].mean()) if (~side).any() else 0.0
        means = (sums + _PRIOR_ROWS * mean) / (rows + _PRIOR_ROWS)
        found[side] = means[codes[side]]
    return found
