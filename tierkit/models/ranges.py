"""Ranges around predicted revenue: of an account, and of a tier's total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from tierkit.models.criteria import FloatArray

RANGE_SHARE = 0.8
FEWEST_ROWS = 50
FEWEST_DATES = 3
_QUANTILES = (0.1, 0.9)
_MOST_BINS = 20
_DRAWS = 1_000
_MONTHS_A_QUARTER = 3


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


def tier_total_ranges(
    tested: pd.DataFrame,
    totals: pd.Series[float],
    *,
    capacities: Sequence[int | None],
    horizon: int,
    seed: int,
) -> pd.DataFrame:
    """Return the range that would hold each tier's revenue in 8 of 10 cases.

    At each tested date the accounts are ranked and cut by the same capacities; what those tiers
    brought over what was predicted for them tells how far a total can be off. From three dates on
    it is a t prediction interval of the log ratio; horizons that overlap tell less, which is
    allowed for. With fewer dates, accounts of the tier are resampled instead: that knows nothing of
    good and bad years.

    Parameters
    ----------
    tested
        A row per account and as_of: `account_id`, `as_of`, `rank_by`, `predicted`, `actual`.
    totals
        Predicted revenue by tier, best first.
    capacities
        Of the tiers in the same order; None takes the rest.
    horizon
        Quarters that revenue is predicted for.

    Returns
    -------
    DataFrame
        By tier: `predicted`, `low`, `high` (missing where nothing can be said), `method` in words.
    """
    rows = tested.reset_index(drop=True)
    placed = rows.assign(tier=past_tiers(rows, capacities))
    found = [
        _tier_range(placed[placed["tier"] == place], horizon=horizon, seed=seed)
        for place in range(len(totals))
    ]
    table = pd.DataFrame(found, columns=["low", "high", "method"], index=totals.index)
    scaled = table[["low", "high"]].astype(float).mul(totals.astype(float), axis=0)
    return scaled.assign(method=table["method"]).assign(predicted=totals)[
        ["predicted", "low", "high", "method"]
    ]


def log_ratio_range(ratios: FloatArray, places: FloatArray, *, horizon: int) -> tuple[float, float]:
    """Return the 80 % prediction interval of a new ratio, from ratios at several quarter-ends.

    Parameters
    ----------
    ratios
        Actual over predicted, above 0.
    places
        When each was promised, in quarters from any start. Ratios less than a horizon apart share
        outcomes: their correlation is the share of the horizon that they have in common. It makes
        the spread look too small and the degrees of freedom too many (Satterthwaite).
    horizon
        Quarters of an outcome.

    Examples
    --------
    Far apart, it is the usual t prediction interval:

    >>> low, high = log_ratio_range(np.array([0.8, 1.0, 1.25]), np.array([0, 9, 18]), horizon=4)
    >>> round(low, 3), round(high, 3)
    (0.615, 1.626)
    """
    logs = np.log(ratios)
    count = len(logs)
    shared = np.clip(1 - np.abs(places[:, None] - places[None, :]) / horizon, 0, 1)
    centred = np.eye(count) - 1 / count
    spread = centred @ shared
    trace = float(np.trace(spread))
    variance = float(logs @ centred @ logs) / trace
    freedom = trace**2 / float(np.trace(spread @ spread))
    of_mean = float(shared.sum()) / count**2
    reach = float(stdtrit(freedom, 1 - (1 - RANGE_SHARE) / 2))
    half = reach * np.sqrt(variance * (1 + of_mean))
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))


def _ends(ratios: FloatArray) -> tuple[float, float]:
    """Return the ends that a new ratio is beyond in at most 1 of 10 cases each (split conformal).

    Nothing lies below 0, so a low end of 0 leaves 9 of 10 inside. Where more than 10 % but less
    than 20 % won nothing, the smallest amount won is the low end: nearer to 8 of 10 than 0 is.
    """
    ordered = np.sort(ratios)
    beyond = int((len(ordered) + 1) * _QUANTILES[0])
    low, high = ordered[beyond - 1], ordered[-beyond]
    if low <= 0 and (ratios <= 0).mean() < 2 * _QUANTILES[0]:
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
class RangesTested:
    """How often outcomes lay beyond account ranges that were made without them.

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


def ranges_tested(tested: pd.DataFrame, capacities: Sequence[int | None]) -> RangesTested | None:
    """Return how account ranges do on predictions that they were not made from.

    Each tested date is tried with the ranges of the other dates; with one date, each half of the
    accounts, in the order of their ids, with those of the other half.

    Parameters
    ----------
    tested
        As for `tier_total_ranges`.
    capacities
        Of the tiers, best first.

    Returns
    -------
    RangesTested or None
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
    tried = rows.join(pd.concat(ranges), validate="1:1").assign(tier=past_tiers(rows, capacities))
    tried = tried.dropna(subset=["predicted_low", "actual"])
    if tried.empty:
        return None
    above = tried["actual"] > tried["predicted_high"]
    below = tried["actual"] < tried["predicted_low"]
    inside = ~(above | below)
    upper = (tried["tier"] < len(capacities) - 1).to_numpy(dtype=bool)
    return RangesTested(
        len(tried), float(above.mean()), float(below.mean()), float(inside[upper].mean())
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


def _tier_range(rows: pd.DataFrame, *, horizon: int, seed: int) -> tuple[float, float, str]:
    sums = rows.groupby("as_of")[["actual", "predicted"]].sum()
    usable = sums[(sums["actual"] > 0) & (sums["predicted"] > 0)]
    if len(usable) >= FEWEST_DATES and len(usable) == len(sums):
        days = pd.DatetimeIndex(usable.index)
        places = ((days.year * 12 + days.month) // _MONTHS_A_QUARTER).to_numpy(dtype=float)
        ratios = (usable["actual"] / usable["predicted"]).to_numpy(dtype=float)
        low, high = log_ratio_range(ratios, places, horizon=horizon)
        return low, high, f"from {len(usable)} earlier quarter-ends"
    if sums["predicted"].sum() <= 0 or sums["actual"].sum() <= 0:
        return np.nan, np.nan, "nothing was won in the tests"
    return (*_resampled_ratio(rows, seed=seed), "from resampled accounts")


def _resampled_ratio(rows: pd.DataFrame, *, seed: int) -> tuple[float, float]:
    by_account = rows.groupby("account_id")[["actual", "predicted"]].sum()
    amounts = by_account.to_numpy(dtype=float)
    rng = np.random.default_rng(seed)
    drawn = [
        amounts[rng.integers(0, len(amounts), size=len(amounts))].sum(axis=0) for _ in range(_DRAWS)
    ]
    sums = np.array(drawn)
    ratios = sums[sums[:, 1] > 0]
    low, high = np.quantile(ratios[:, 0] / ratios[:, 1], _QUANTILES)
    return max(float(low), 0.0), float(high)
