"""Ranges of tiers: how far the total can be off, and how far a tier's share of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tierkit.forecast.total import WIDEST, Span, interval
from tierkit.models import past_tiers
from tierkit.statistics import FloatArray
from tierkit.words import share

UNTESTED = "no earlier prediction could be tested"
_DRAWS = 200
_FADING = 0.85
_BY_CHANCE = 2.0
"""Quarter-ends that the error of resampled accounts counts for."""

_LARGE = 0.3


def tier_ranges(
    tested: pd.DataFrame,
    totals: pd.Series[float],
    *,
    capacities: Sequence[int | None],
    whole: Span,
    seed: int,
    largest: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return the range that would hold each tier's revenue in 8 of 10 cases.

    The error of a tier is that of the total and that of its share of the total. At each tested date
    the accounts are ranked and cut by the same capacities; what part of all revenue those tiers
    brought over the part that was predicted for them tells how far shares were off. Few dates are
    filled up with what accounts drawn with replacement differ by.

    Parameters
    ----------
    tested
        A row per account and as_of: `account_id`, `as_of`, `rank_by`, `predicted`, `actual`.
    totals
        Predicted revenue by tier, best first.
    capacities
        Of the tiers in the same order; None takes the rest.
    whole
        The total with the spread of its errors.
    seed
        Of the drawn accounts.
    largest
        By tier, the share of its predicted revenue that one account holds: named where nothing can
        be said.

    Returns
    -------
    DataFrame
        By tier: `predicted_revenue`, `low`, `high` (missing where nothing can be said), `why`.
    """
    rows = tested.reset_index(drop=True)
    place = past_tiers(rows, capacities) if len(rows) else np.zeros(0)
    spreads = share_spreads(rows, place, tiers=len(totals), seed=seed)
    found = []
    for tier, (amount, (spread, freedom)) in enumerate(zip(totals, spreads, strict=True)):
        share = math.nan if largest is None else float(largest.iloc[tier])
        found.append(_range(float(amount), whole, spread, freedom, share))
    table = pd.DataFrame(found, columns=["low", "high", "why"], index=totals.index)
    return table.assign(predicted_revenue=totals.astype(float))[
        ["predicted_revenue", "low", "high", "why"]
    ]


def with_total(table: pd.DataFrame, whole: Span) -> pd.DataFrame:
    """Return ranges of tiers with that of all of them together in `attrs["total"]`.

    Parameters
    ----------
    table
        As `tier_ranges` gives it.
    whole
        The total of all known accounts, those without a tier included.
    """
    amount = float(table["predicted_revenue"].sum())
    scale = amount / whole.predicted if whole.predicted > 0 else math.nan
    found = table.copy()
    found.attrs["total"] = {
        "predicted": amount,
        "low": whole.low * scale,
        "high": whole.high * scale,
        "why": whole.why,
    }
    return found


def share_spreads(
    rows: pd.DataFrame, place: FloatArray, *, tiers: int, seed: int
) -> list[tuple[float, float]]:
    """Return by tier the spread of the log error of its share, and the degrees of freedom.

    NaN where no tested account was in the tier, or those in it brought nothing.
    """
    if rows.empty:
        return [(math.nan, 0.0)] * tiers
    days = sorted(rows["as_of"].unique())
    errors, chances = [], []
    for day in days:
        here = (rows["as_of"] == day).to_numpy()
        actual = rows["actual"].to_numpy(dtype=float)[here]
        predicted = rows["predicted"].to_numpy(dtype=float)[here]
        member = place[here][:, None] == np.arange(tiers)[None, :]
        errors.append(np.log(_shares(actual, member)) - np.log(_shares(predicted, member)))
        chances.append(_by_chance(actual, member, seed=seed))
    fade = _FADING ** np.arange(len(days))[::-1]
    found = []
    for tier in range(tiers):
        own = np.array([one[tier] for one in errors])
        seen = np.isfinite(own)
        chance = np.array([one[tier] for one in chances])
        chance = chance[np.isfinite(chance)]
        if not seen.any() or not len(chance):
            found.append((math.nan, 0.0))
            continue
        counts = float(fade[seen].sum())
        squares = float((own[seen] ** 2 * fade[seen]).sum()) + _BY_CHANCE * float(chance.mean())
        found.append((math.sqrt(squares / (counts + _BY_CHANCE)), counts + _BY_CHANCE))
    return found


def _shares(
    amounts: FloatArray, member: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
) -> FloatArray:
    """Return the part of all amounts that each tier holds; NaN where it holds nothing."""
    sums = np.array([amounts[own].sum() for own in member.T])
    total = float(amounts.sum())
    shares = sums / total if total > 0 else np.full(len(sums), np.nan)
    return np.where(shares > 0, shares, np.nan)


def _by_chance(
    actual: FloatArray, member: np.ndarray[tuple[int, int], np.dtype[np.bool_]], *, seed: int
) -> FloatArray:
    """Return the variance of log shares with accounts drawn again and again."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(actual), np.full(len(actual), 1 / len(actual)), size=_DRAWS)
    drawn = counts.astype(float) @ (actual[:, None] * member)
    totals = counts @ actual
    shares = drawn / np.where(totals > 0, totals, np.nan)[:, None]
    logs = np.log(np.where(shares > 0, shares, np.nan))
    known = np.isfinite(logs)
    centre = np.where(known, logs, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    squares = np.where(known, (logs - centre) ** 2, 0.0).sum(axis=0)
    return np.asarray(
        np.where(known.sum(axis=0) > _DRAWS / 2, squares / np.maximum(known.sum(axis=0), 1), np.nan)
    )


def _range(
    amount: float, whole: Span, spread: float, freedom: float, largest: float
) -> tuple[float, float, str]:
    if whole.why and not math.isfinite(whole.spread):
        return math.nan, math.nan, whole.why
    if not math.isfinite(spread):
        return math.nan, math.nan, UNTESTED
    if not amount > 0:
        return math.nan, math.nan, "no revenue is predicted"
    both = spread**2 + whole.spread**2
    free = both**2 / (spread**4 / max(freedom, 1.0) + whole.spread**4 / max(whole.freedom, 1.0))
    low, high = interval(amount, math.sqrt(both), max(free, 1.0))
    if math.isfinite(whole.low):  # never surer of a part than of the whole
        low = min(low, amount * whole.low / whole.predicted)
        high = max(high, amount * whole.high / whole.predicted)
    if not math.isfinite(whole.low) and whole.why:
        return math.nan, math.nan, whole.why
    if high > WIDEST * low:
        return math.nan, math.nan, _too_wide(largest)
    return low, high, ""


def _too_wide(largest: float) -> str:
    if largest >= _LARGE:
        return f"it cannot be predicted: one account holds {share(largest)} of predicted revenue"
    return "it cannot be predicted: earlier predictions were off by too much to say a range"
