"""Ranges around the predicted revenue of an account, and how they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.statistics import FloatArray

RANGE_SHARE = 0.8
FEWEST_ROWS = 50
QUANTILES = (0.1, 0.9)
_MOST_BINS = 20


def account_ranges(tested: pd.DataFrame, predicted: pd.Series[float]) -> pd.DataFrame:
    """Return the range that would hold the revenue of such an account in 8 of 10 cases.

    Tested predictions are cut into up to 20 groups of similar size, at least 50 rows each; the
    range is predicted revenue times the ratios of actual ÷ predicted that 10 % of the group lie
    below and above (split conformal prediction; the low end is above 0 where fewer than 20 % won
    nothing). It is widened where it would not hold the predicted revenue itself, which is a mean.

    Parameters
    ----------
    tested
        `predicted` and `actual` amounts of accounts in the backtest.
    predicted
        Predicted revenue by account.

    Returns
    -------
    DataFrame
        `predicted_low` and `predicted_high` with the index of `predicted`; missing where fewer than
        50 predictions were tested.

    Examples
    --------
    >>> tested = pd.DataFrame({"predicted": [10.0] * 100, "actual": [5.0] * 50 + [20.0] * 50})
    >>> account_ranges(tested, pd.Series({"A": 100.0})).round(6).to_dict("records")
    [{'predicted_low': 50.0, 'predicted_high': 200.0}]
    """
    known = tested[(tested["predicted"] > 0) & tested["actual"].notna()]
    amounts = predicted.to_numpy(dtype=float)
    if len(known) < FEWEST_ROWS:
        unknown = np.full(len(amounts), np.nan)
        return _ranges(unknown, unknown, predicted.index)
    edges = size_groups(known["predicted"].to_numpy(dtype=float))
    group = np.searchsorted(edges, known["predicted"].to_numpy(dtype=float), side="right")
    ratios = (known["actual"] / known["predicted"]).to_numpy(dtype=float)
    factors = np.array([_ends(ratios[group == place]) for place in range(len(edges) + 1)])
    own = factors[np.searchsorted(edges, amounts, side="right")]
    low, high = np.minimum(own[:, 0], 1.0), np.maximum(own[:, 1], 1.0)
    return _ranges(amounts * low, amounts * high, predicted.index)


def _ends(ratios: FloatArray) -> tuple[float, float]:
    """Return the ends that a new ratio is beyond in at most 1 of 10 cases each (split conformal).

    Nothing lies below 0, so a low end of 0 leaves 9 of 10 inside. Where more than 10 % but less
    than 20 % won nothing, the smallest amount won is the low end: nearer to 8 of 10 than 0 is.
    """
    ordered = np.sort(ratios)
    beyond = int((len(ordered) + 1) * QUANTILES[0])
    low, high = ordered[beyond - 1], ordered[-beyond]
    if low <= 0 and (ratios <= 0).mean() < 2 * QUANTILES[0]:
        low = ratios[ratios > 0].min()
    return float(low), float(high)


def size_groups(predicted: FloatArray) -> FloatArray:
    """Return the edges of up to 20 groups of similar predictions, at least 50 in each."""
    groups = int(np.clip(len(predicted) // FEWEST_ROWS, 1, _MOST_BINS))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, groups + 1)[1:-1]))
    kept: list[float] = []
    for edge in edges:
        below = predicted < edge
        inside = below & (predicted >= kept[-1]) if kept else below
        if inside.sum() >= FEWEST_ROWS <= (~below).sum():
            kept.append(float(edge))
    return np.array(kept)


def _ranges(low: FloatArray, high: FloatArray, index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"predicted_low": low, "predicted_high": high}, index=index)


@dataclass(frozen=True)
class RangeCoverage:
    """Shares of outcomes beyond account ranges that were made without them.

    Attributes
    ----------
    rows
        Predictions that the ranges were tried on.
    above, below
        Shares of them beyond the high and the low end.
    inside_upper
        The share inside among accounts of all tiers but the last; NaN where there are none.
    """

    rows: int
    above: float
    below: float
    inside_upper: float


def range_coverage(tested: pd.DataFrame, capacities: Sequence[int | None]) -> RangeCoverage | None:
    """Return how account ranges do on predictions that they were not made from.

    Each tested date is tried with the ranges of the other dates; with one date, each half of the
    accounts, in the order of their ids, with those of the other half.

    Parameters
    ----------
    tested
        A row per account and as_of: `account_id`, `as_of`, `rank_by`, `predicted`, `actual`.
    capacities
        Of the tiers, best first.

    Returns
    -------
    RangeCoverage or None
        None where too few predictions are left to make ranges from.
    """
    rows = tested.sort_values(["as_of", "account_id"], kind="stable").reset_index(drop=True)
    days = rows["as_of"]
    one_date = len(days.unique()) == 1
    parts = pd.Series(np.arange(len(rows)) % 2) if one_date else days
    ranges = [
        account_ranges(rows[parts != part], rows.loc[parts == part, "predicted"])
        for part in parts.unique()
    ]
    if not ranges:
        return None
    rated = rows.join(pd.concat(ranges), validate="1:1").assign(tier=past_tiers(rows, capacities))
    rated = rated.dropna(subset=["predicted_low", "actual"])
    if rated.empty:
        return None
    above = rated["actual"] > rated["predicted_high"]
    below = rated["actual"] < rated["predicted_low"]
    inside = ~(above | below)
    upper = (rated["tier"] < len(capacities) - 1).to_numpy(dtype=bool)
    return RangeCoverage(
        len(rated), float(above.mean()), float(below.mean()), float(inside[upper].mean())
    )


def past_tiers(tested: pd.DataFrame, capacities: Sequence[int | None]) -> FloatArray:
    """Return the place of the tier that each account would have had; NaN beyond the last."""
    ordered = tested.sort_values(
        ["as_of", "rank_by", "account_id"], ascending=[True, False, True], kind="stable"
    )
    rank = ordered.groupby("as_of").cumcount().reindex(tested.index).to_numpy(dtype=float)
    sizes = [np.inf if one is None else float(one) for one in capacities]
    ends = np.cumsum(sizes)
    tiers = np.searchsorted(ends, rank, side="right").astype(float)
    return np.where(tiers < len(ends), tiers, np.nan)
