"""The range around a tier's total: from how far earlier totals were off."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from tierkit.models.ranges import QUANTILES, RANGE_SHARE, past_tiers
from tierkit.statistics import FloatArray

FEWEST_DATES = 3
_DRAWS = 1_000
_MONTHS_A_QUARTER = 3


def tier_total_ranges(
    tested: pd.DataFrame,
    totals: pd.Series[float],
    *,
    capacities: Sequence[int | None],
    horizon: int,
    seed: int,
    quarters: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the range that would hold each tier's revenue in 8 of 10 cases.

    At each tested date the accounts are ranked and cut by the same capacities; what those tiers
    brought over what was predicted for them tells how far a total can be off. From three dates on
    it is a t prediction interval of the log ratio (of its root where a tier won nothing at some
    date); horizons that overlap tell less, which is allowed for. With fewer dates, single quarters
    stand in where three of them are known, as if each had its own luck. Without them a date is
    drawn, then its accounts; that knows little of good and bad years, and is too narrow.

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
    quarters
        As `tested`, with what was won in the one quarter after as_of.

    Returns
    -------
    DataFrame
        By tier: `predicted`, `low`, `high` (missing where nothing can be said), `method` in words.
    """
    rows = _placed(tested, capacities)
    single = None if quarters is None else _placed(quarters, capacities)
    found = [
        _tier_range(
            rows[rows["tier"] == place],
            None if single is None else _sums(single[single["tier"] == place]),
            horizon=horizon,
            seed=seed,
        )
        for place in range(len(totals))
    ]
    table = pd.DataFrame(found, columns=["low", "high", "method"], index=totals.index)
    scaled = table[["low", "high"]].astype(float).mul(totals.astype(float), axis=0)
    return scaled.assign(method=table["method"]).assign(predicted=totals)[
        ["predicted", "low", "high", "method"]
    ]


def ratio_range(ratios: FloatArray, places: FloatArray, *, horizon: int) -> tuple[float, float]:
    """Return the 80 % prediction interval of a new ratio, from ratios at several quarter-ends.

    Parameters
    ----------
    ratios
        Actual over predicted. Their logs are taken, or their roots where one is 0.
    places
        When each was promised, in quarters from any start. Ratios less than a horizon apart share
        outcomes: their correlation is the share of the horizon that they have in common. It makes
        the spread look too small and the degrees of freedom too many (Satterthwaite).
    horizon
        Quarters of an outcome.

    Examples
    --------
    Far apart, it is the usual t prediction interval:

    >>> low, high = ratio_range(np.array([0.8, 1.0, 1.25]), np.array([0, 9, 18]), horizon=4)
    >>> round(low, 3), round(high, 3)
    (0.615, 1.626)
    >>> ratio_range(np.array([0.0, 1.0, 1.0]), np.array([0, 9, 18]), horizon=4)[0]
    0.0
    """
    scale = _Scale.of(ratios)
    values = scale.there(ratios)
    half = _reach(values, places, horizon=horizon)
    return scale.back(values.mean() - half), scale.back(values.mean() + half)


@dataclass(frozen=True)
class _Scale:
    """Where ratios are compared: logs, or roots where one of them is 0."""

    there: Callable[[FloatArray], FloatArray]
    inverse: Callable[[float], float]

    @classmethod
    def of(cls, ratios: FloatArray) -> _Scale:
        if (ratios > 0).all():
            return cls(np.log, np.exp)
        return cls(np.sqrt, lambda root: max(root, 0.0) ** 2)

    def back(self, value: float) -> float:
        return float(self.inverse(value))


def _reach(
    values: FloatArray, places: FloatArray, *, horizon: int, of_mean: float | None = None
) -> float:
    """Return how far a new value may lie from the mean of some, in 8 of 10 cases.

    Parameters
    ----------
    of_mean
        Variance of the mean in units of that of a value; by default as the places say.
    """
    count = len(values)
    shared = np.clip(1 - np.abs(places[:, None] - places[None, :]) / horizon, 0, 1)
    centred = np.eye(count) - 1 / count
    spread = centred @ shared
    trace = float(np.trace(spread))
    variance = float(values @ centred @ values) / trace
    freedom = trace**2 / float(np.trace(spread @ spread))
    known = float(shared.sum()) / count**2 if of_mean is None else of_mean
    reach = float(stdtrit(freedom, 1 - (1 - RANGE_SHARE) / 2))
    return reach * float(np.sqrt(variance * (1 + known)))


def _placed(tested: pd.DataFrame, capacities: Sequence[int | None]) -> pd.DataFrame:
    rows = tested.reset_index(drop=True)
    return rows.assign(tier=past_tiers(rows, capacities))


def _sums(rows: pd.DataFrame) -> pd.DataFrame:
    """Return by date what was won and predicted, where anything was predicted."""
    sums = rows.groupby("as_of")[["actual", "predicted"]].sum()
    return sums[sums["predicted"] > 0]


def _tier_range(
    rows: pd.DataFrame, single: pd.DataFrame | None, *, horizon: int, seed: int
) -> tuple[float, float, str]:
    sums = _sums(rows)
    if not sums["actual"].sum() > 0:
        return np.nan, np.nan, "nothing was won in the tests"
    if len(sums) >= FEWEST_DATES:
        low, high = ratio_range(_ratios(sums), _places(sums), horizon=horizon)
        return low, high, f"from {len(sums)} earlier quarter-ends"
    if single is not None and len(single) >= FEWEST_DATES and single["actual"].sum() > 0:
        ratio = float(sums["actual"].sum() / sums["predicted"].sum())
        low, high = _range_by_quarters(ratio, single, horizon=horizon)
        return low, high, f"from how {len(single)} single quarters differed"
    return (*_resampled_ratio(rows, seed=seed), "from resampled accounts")


def _range_by_quarters(ratio: float, single: pd.DataFrame, *, horizon: int) -> tuple[float, float]:
    """Return the range around a horizon's ratio that single quarters would have.

    Quarters that differ by themselves differ less in the sum: by the root of their number. The
    ratio comes from about one horizon, so that it is as uncertain as what it stands for.
    """
    ratios = _ratios(single)
    ratios = ratios / ratios.mean()
    scale = _Scale.of(ratios)
    half = _reach(scale.there(ratios), _places(single), horizon=1, of_mean=1.0) / math.sqrt(horizon)
    middle = float(scale.there(np.array([1.0]))[0])
    return ratio * scale.back(middle - half), ratio * scale.back(middle + half)


def _ratios(sums: pd.DataFrame) -> FloatArray:
    return np.asarray((sums["actual"] / sums["predicted"]).clip(lower=0.0).to_numpy(dtype=float))


def _places(sums: pd.DataFrame) -> FloatArray:
    days = pd.DatetimeIndex(sums.index)
    return np.asarray((days.year * 12 + days.month) // _MONTHS_A_QUARTER, dtype=float)


def _resampled_ratio(rows: pd.DataFrame, *, seed: int) -> tuple[float, float]:
    """Return the range of the ratio at one date: a date is drawn, then accounts of that date."""
    dates = [
        part.to_numpy(dtype=float) for _, part in rows.groupby("as_of")[["actual", "predicted"]]
    ]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_DRAWS):
        date = dates[int(rng.integers(len(dates)))]
        drawn.append(date[rng.integers(0, len(date), size=len(date))].sum(axis=0))
    sums = np.array(drawn)
    known = sums[sums[:, 1] > 0]
    low, high = np.quantile(known[:, 0] / known[:, 1], QUANTILES)
    return max(float(low), 0.0), float(high)
