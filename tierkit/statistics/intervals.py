"""Paired differences between rankings, with ranges by resampling accounts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.parallel import MANY_ROWS, side_by_side
from tierkit.statistics.measures import FloatArray, IntArray, Ranking, capture_of, gini_of

DRAWS = 1_000
_FEWEST_DRAWS = 200
_MOST_NUMBERS = 150_000_000
_CHUNK_NUMBERS = 250_000
_FEWEST_AT_ONCE = 16
_TAIL = 0.025
_COMPARED = ("card", "past_revenue")


@dataclass(frozen=True)
class Comparison:
    """The card against past revenue over the tested dates.

    Attributes
    ----------
    card_gini, past_gini, gain
        Gini of each, and the card's minus past revenue's.
    captures
        The card's capture minus past revenue's, for each number of accounts that was asked for.
    draws
        How often accounts were resampled.
    rivals
        The card's Gini minus that of other rules, by their name.
    """

    card_gini: Figure
    past_gini: Figure
    gain: Figure
    captures: Mapping[int, Figure]
    draws: int
    rivals: Mapping[str, Figure] = field(default_factory=dict)


def compare(
    predictions: pd.DataFrame,
    *,
    capacities: Sequence[int],
    seed: int,
    draws: int | None = None,
    rivals: Sequence[str] = (),
    comparisons: int = 1,
) -> Comparison:
    """Compare the card with past revenue on the same accounts at the same dates.

    Measures are means over the dates. In each draw accounts are taken with replacement, with their
    rows at all dates, so that what one account does at several dates is not counted as news. Where
    few accounts bring most of the amounts, resampling alone gives ranges that are too narrow: they
    are widened as a t-interval of so many accounts is (the expanded percentile interval of
    Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician, 2015).

    Parameters
    ----------
    predictions
        A row per account and as_of: `account_id`, `as_of`, `actual`, `card`, `past_revenue`.
    capacities
        Numbers of accounts at which capture is compared.
    draws
        1,000 by default, fewer where rows are so many that draws differ little.
    rivals
        Columns of other rules that the card is compared with as well.
    comparisons
        From how many candidates the compared one was chosen: ranges are as wide as so many
        comparisons at once ask for (Bonferroni).
    """
    times = draws or _draws(len(predictions))
    codes, unique = pd.factorize(predictions["account_id"], sort=True)
    names = (*_COMPARED, *rivals)
    places = _rows_by(predictions, "as_of")
    dates = [_Date.of(predictions.iloc[rows], codes[rows], names) for rows in places]
    whole = _measures(dates, np.ones((len(unique), 1)), capacities)[0]
    weights_of = _resampled(len(unique), len(predictions), draws=times, seed=seed)
    tasks = (partial(_measures, dates, weights, capacities) for weights in weights_of)
    threads = None if len(predictions) >= MANY_ROWS else 1
    drawn = np.concatenate(side_by_side(tasks, threads=threads))
    tail = share_beyond(accounts_that_count(predictions)) / comparisons
    ranges = [resampled(whole[place], drawn[:, place], tail) for place in range(len(whole))]
    others = dict(zip(rivals, ranges[3 : 3 + len(rivals)], strict=True))
    captures = dict(zip(capacities, ranges[3 + len(rivals) :], strict=True))
    return Comparison(ranges[0], ranges[1], ranges[2], captures, times, others)


def measured_draws(
    predictions: pd.DataFrame,
    *,
    names: Sequence[str],
    capacities: Sequence[int],
    seed: int,
    draws: int | None = None,
    by: str = "as_of",
) -> tuple[FloatArray, FloatArray, float]:
    """Return Gini and captures of several rankings, on the whole and with accounts resampled.

    Accounts are drawn as for `compare`, the same for every ranking, so that differences are paired.
    Measures are means over the tests, each a value of the column `by`.

    Returns
    -------
    tuple
        A row per ranking, its measures in columns (Gini, then a capture per capacity), means over
        the dates; the same for every draw; and the share of draws beyond each end of a 95 % range.
    """
    times = draws or _draws(len(predictions))
    codes, unique = pd.factorize(predictions["account_id"], sort=True)
    places = _rows_by(predictions, by)
    dates = [_Date.of(predictions.iloc[rows], codes[rows], names) for rows in places]
    whole = _ranked_measures(dates, np.ones((len(unique), 1)), capacities)[0]
    weights_of = _resampled(len(unique), len(predictions), draws=times, seed=seed)
    tasks = (partial(_ranked_measures, dates, weights, capacities) for weights in weights_of)
    threads = None if len(predictions) >= MANY_ROWS else 1
    drawn = np.concatenate(side_by_side(tasks, threads=threads))
    return whole, drawn, share_beyond(accounts_that_count(predictions))


def _ranked_measures(
    dates: Sequence[_Date], weights: FloatArray, capacities: Sequence[int]
) -> FloatArray:
    """Return by draw, ranking and measure the means over the dates that can be measured."""
    parts = []
    for date in dates:
        perfect = date.actual.curve(weights)
        curves = [one.curve(weights) for one in date.ranked]
        parts.append(
            np.stack(
                [
                    np.stack(
                        [
                            gini_of(curve, perfect),
                            *(capture_of(curve, accounts=size) for size in capacities),
                        ],
                        axis=1,
                    )
                    for curve in curves
                ],
                axis=1,
            )
        )
    return _mean_of_known(np.stack(parts))


def _mean_of_known(by_date: FloatArray) -> FloatArray:
    known = np.isfinite(by_date)
    counts = known.sum(axis=0)
    sums = np.where(known, by_date, 0.0).sum(axis=0)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


@dataclass(frozen=True)
class _Date:
    """The rankings of one as_of, by what accounts brought and by each prediction."""

    actual: Ranking
    ranked: tuple[Ranking, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame, accounts: IntArray, names: Sequence[str]) -> _Date:
        actual = rows["actual"]
        by = (Ranking.of(actual, rows[name], weighted_by=accounts) for name in ("actual", *names))
        perfect, *ranked = by
        return cls(perfect, tuple(ranked))


def _measures(dates: Sequence[_Date], weights: FloatArray, capacities: Sequence[int]) -> FloatArray:
    """Return a row per draw: Gini of both, its differences, the difference of each capture."""
    by_date = np.stack([_measures_at(one, weights, capacities) for one in dates])
    return _mean_of_known(by_date)


def _measures_at(date: _Date, weights: FloatArray, capacities: Sequence[int]) -> FloatArray:
    perfect = date.actual.curve(weights)
    card, past, *others = (one.curve(weights) for one in date.ranked)
    own, simple, *rivals = (gini_of(one, perfect) for one in (card, past, *others))
    captures = [
        capture_of(card, accounts=size) - capture_of(past, accounts=size) for size in capacities
    ]
    gains = [own - rival for rival in (simple, *rivals)]
    return np.stack([own, simple, *gains, *captures], axis=1)


def accounts_that_count(predictions: pd.DataFrame) -> float:
    """Return how many accounts of one size would say as much as these do of their amounts.

    Examples
    --------
    >>> rows = {"account_id": ["A", "B", "C", "D"], "actual": [90.0, 10.0, 0.0, -5.0]}
    >>> round(accounts_that_count(pd.DataFrame(rows)), 2)
    1.22
    """
    amounts = predictions["actual"].clip(lower=0.0)
    groups = amounts.groupby(predictions["account_id"], sort=True, dropna=False)
    by_account = groups.sum().to_numpy(dtype=float)
    squares = float((by_account**2).sum())
    return float(by_account.sum() ** 2 / squares) if squares > 0 else 0.0


def share_beyond(accounts: float) -> float:
    """Return the share of draws beyond each end of a 95 % range that rests on so many accounts.

    Examples
    --------
    >>> [round(share_beyond(accounts), 4) for accounts in (5, 30, 1_000)]
    [0.001, 0.0188, 0.0248]
    """
    from scipy.stats import norm, t  # takes a moment: only to compare

    free = max(accounts - 1.0, 1.0)
    return float(norm.cdf(t.ppf(_TAIL, free) * math.sqrt((free + 1.0) / free)))


def resampled(estimate: float, drawn: FloatArray, tail: float) -> Figure:
    """Return an estimate with the range that leaves `tail` of the draws beyond each end.

    Where draws lie on one side of the estimate, the range still holds it.
    """
    known = drawn[np.isfinite(drawn)]
    if not len(known) or not math.isfinite(estimate):
        return Figure.unknown("nothing was won in the tested horizons")
    low, high = np.quantile(known, [tail, 1 - tail])
    return Figure(estimate, min(float(low), estimate), max(float(high), estimate))


def _rows_by(predictions: pd.DataFrame, column: str) -> list[IntArray]:
    codes, unique = pd.factorize(predictions[column], sort=True)
    return [np.flatnonzero(codes == place) for place in range(len(unique))]


def _resampled(accounts: int, rows: int, *, draws: int, seed: int) -> Iterator[FloatArray]:
    """Yield weights of a few draws at a time: how often each account was drawn."""
    rng = np.random.default_rng(seed)
    at_once = max(_FEWEST_AT_ONCE, _CHUNK_NUMBERS // max(rows, 1))
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        taken = rng.integers(0, accounts, size=(size, accounts))
        places = taken + accounts * np.arange(size)[:, None]
        counts = np.bincount(places.ravel(), minlength=size * accounts)
        yield np.ascontiguousarray(counts.reshape(size, accounts).T, dtype=float)


def _draws(rows: int) -> int:
    return int(np.clip(_MOST_NUMBERS // max(rows, 1), _FEWEST_DRAWS, DRAWS))
