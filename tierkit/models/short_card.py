"""The short card: few criteria, few bins, whole points; what people print and sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, Criterion, NumericCriterion
from tierkit.statistics import FloatArray, IntArray

MOST_CRITERIA = 8
MOST_BINS = 6
POINTS_TO_DOUBLE = 5
"""So many points double predicted revenue."""

_FAR = 1e9
A_POINT = math.log(2) / POINTS_TO_DOUBLE


def shortened(card: Card, *, fewest: int = 1) -> Card:
    """Return the card with at most 8 criteria, at most 6 bins each, and whole points.

    The most important criteria stay. Neighbouring bins are joined where that changes the points of
    the fewest accounts least (the sum of squares, by dynamic programming); unknown values keep a
    bin of their own. Points are rounded to multiples of log(2)/5: 5 points double. The base is that
    of the full card; see `Card.recalibrated`.

    Parameters
    ----------
    card
        Fitted.
    fewest
        Accounts that a bin of a numeric criterion holds at least, where that can be.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0, 2.0), (0.0, 0.4, 0.5), accounts=(5, 5, 5, 0))
    >>> short = shortened(Card(20.0, (wins,)))
    >>> [round(points / A_POINT) for points in short.criteria[0].points]
    [0, 3, 4]
    """
    ranked = card.importance().sort_values(ascending=False, kind="stable").index[:MOST_CRITERIA]
    kept = [one for one in card.criteria if one.name in {*map(str, ranked)}]
    short = [_with_few_bins(one, fewest) for one in kept]
    telling = [one for one in short if np.ptp(one.points_by_bin[: _known(one)]) > 0]
    return replace(card, criteria=tuple(telling))


def whole_points(card: Card) -> list[dict[str, Any]]:
    """Return a short card as people print it: by criterion its bins with whole points.

    The lowest bin of a criterion has 0 points, so that no points are below it; points only add up.

    Returns
    -------
    list of dict
        `criterion` (the column) and `bins`: `bin` in words, `points`, `accounts` (None where they
        are not known).
    """
    found = []
    for one in card.criteria:
        points = [round(float(value) / A_POINT) for value in one.points_by_bin]
        accounts: Sequence[int | None] = one.accounts or [None] * len(points)
        rows = zip(one.bins, points, accounts, strict=True)
        lowest = min(points)
        bins = [{"bin": name, "points": own - lowest, "accounts": n} for name, own, n in rows]
        found.append({"criterion": one.name, "bins": bins})
    return found


def _known(one: Criterion) -> int:
    """Return how many bins hold known values."""
    return len(one.points_by_bin) - 1


def _with_few_bins(one: Criterion, fewest: int) -> Criterion:
    if isinstance(one, CategoricalCriterion):
        return _few_categories(one)
    weights = _weights(one, len(one.points))
    starts = _segments(np.array(one.points), weights, most=MOST_BINS - 1, fewest=fewest)
    ends = [*starts[1:], len(one.points)]
    points = [
        _rounded(float(np.average(one.points[start:end], weights=weights[start:end])))
        for start, end in zip(starts, ends, strict=True)
    ]
    kept = [place for place in range(1, len(points)) if points[place] != points[place - 1]]
    accounts: tuple[int, ...] = ()
    if one.accounts:
        edges = [0, *(starts[place] for place in kept), len(one.points)]
        sums = np.add.reduceat(np.array(one.accounts[:-1]), edges[:-1])
        accounts = (*map(int, sums), one.accounts[-1])
    return NumericCriterion(
        one.name,
        tuple(one.edges[starts[place] - 1] for place in kept),
        (points[0], *(points[place] for place in kept)),
        missing=_rounded(one.missing),
        counts=one.counts,
        accounts=accounts,
    )


def _few_categories(one: CategoricalCriterion) -> CategoricalCriterion:
    """Return the criterion with the categories that matter most; the others share one bin."""
    weights = _weights(one, len(one.categories) + 1)
    order = np.argsort(-np.abs(np.array(one.points)) * weights[:-1], kind="stable")
    kept = sorted(order[: MOST_BINS - 2].tolist())
    rest = [place for place in range(len(one.categories)) if place not in kept]
    amounts = np.array([*(one.points[place] for place in rest), one.other])
    of_rest = np.array([*(weights[place] for place in rest), weights[-1]])
    accounts: tuple[int, ...] = ()
    if one.accounts:
        others = sum(one.accounts[place] for place in rest) + one.accounts[-2]
        accounts = (*(one.accounts[place] for place in kept), others, one.accounts[-1])
    return CategoricalCriterion(
        one.name,
        tuple(one.categories[place] for place in kept),
        tuple(_rounded(one.points[place]) for place in kept),
        other=_rounded(float(np.average(amounts, weights=of_rest))),
        missing=_rounded(one.missing),
        accounts=accounts,
    )


def _weights(one: Criterion, bins: int) -> FloatArray:
    """Return how many accounts are in each bin of known values; a little where there are none."""
    counts = np.array(one.accounts[:bins], dtype=float) if one.accounts else np.ones(bins)
    return np.asarray(np.maximum(counts, 0.1), dtype=np.float64)


def _rounded(points: float) -> float:
    return round(points / A_POINT) * A_POINT


def _segments(points: FloatArray, weights: FloatArray, *, most: int, fewest: int) -> list[int]:
    """Return where segments of the least weighted sum of squares begin, the first at 0."""
    count = len(points)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    firsts = np.concatenate([[0.0], np.cumsum(weights * points)])
    seconds = np.concatenate([[0.0], np.cumsum(weights * points**2)])

    def cost(start: int, end: int) -> float:
        whole = sums[end] - sums[start]
        if whole < fewest and weights.sum() >= fewest:
            return _FAR
        return float(seconds[end] - seconds[start] - (firsts[end] - firsts[start]) ** 2 / whole)

    segments = max(1, min(most, count, int(weights.sum() // max(fewest, 1))))
    best = np.full((segments + 1, count + 1), np.inf)
    came: IntArray = np.zeros((segments + 1, count + 1), dtype=np.int64)
    best[0, 0] = 0.0
    for used in range(1, segments + 1):
        for end in range(used, count + 1):
            costs = [best[used - 1, start] + cost(start, end) for start in range(used - 1, end)]
            place = int(np.argmin(np.round(costs, 12)))
            best[used, end], came[used, end] = costs[place], place + used - 1
    starts, end = [], count
    for used in range(segments, 0, -1):
        end = int(came[used, end])
        starts.append(end)
    return starts[::-1]
