"""Accounts at the line: those just above it against those just below, over all quarters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tierkit.roi.boundary_rows import BoundaryRows
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding
from tierkit.roi.standings import BoolArray, FloatArray, IntArray
from tierkit.words import share

REACH_SHARE, REACH_TIMES = 0.95, 1.3
"""The window reaches to both sides 1.3 times as far as 95 % of the upper tier lie above it."""

FEWEST_EACH_SIDE = 20
FEWEST_WITH_REVENUE = 8
FEWEST_ACCOUNTS = 5
FEWEST_OF_A_KIND = 5
WEAKEST_FIRST_STAGE = 0.2
SIGNIFICANT = 1.96

BINS_EACH_SIDE = 20
FEWEST_SCORES = 60
REACH_QUANTILE = 0.5
"""The window holds this share of the scores above the line."""

_STEPS = 50


@dataclass(frozen=True)
class Cutoff:
    """The comparison at the line.

    Attributes
    ----------
    estimate
        None where it cannot be said.
    why
        Why not; empty where there is an estimate.
    bandwidth
        How far the window reaches, in normal scores.
    rows
        The account-quarters inside the window.
    first_stage
        By how much the chance of the upper tier rises at the line.
    """

    estimate: Estimate | None
    why: str
    bandwidth: float
    rows: BoundaryRows
    first_stage: float


def bandwidth(rows: BoundaryRows) -> float:
    """Return how far the window reaches to both sides; 0 where nobody is ruled in."""
    above = rows.distance[rows.ruled & rows.held & ~rows.placed]
    return REACH_TIMES * float(np.quantile(above, REACH_SHARE)) if len(above) else 0.0


def cutoff(rows: BoundaryRows, *, width: float | None = None, hole: float = 0.0) -> Cutoff:
    """Compare account-quarters above and below their own line.

    A local linear Poisson regression (Epanechnikov's weights) of the outcome on the distance to the
    line, with quarters and everything known on the first day as controls; the ruled side is the
    instrument for the tier held. Accounts that held the upper tier before and those that did not
    differ in everything and change over at zero distance, so each has a level and a slope of its
    own (the bend at the line and a curve are common); the one effect pools what each of the two
    tells. Accounts whose tier was decided before the score was known stand in no comparison; those
    that people place this quarter stay on the side of their score.

    Parameters
    ----------
    width
        How far the window reaches; by default `bandwidth`.
    hole
        Rows closer to the line than this are left out.
    """
    window = Window.of(rows, width=width, hole=hole)
    return window.compare(window.rows)


@dataclass(frozen=True)
class Window:
    """The account-quarters near a line, and what every reading of their deals is compared by."""

    rows: BoundaryRows
    reach: float

    @classmethod
    def of(cls, rows: BoundaryRows, *, width: float | None = None, hole: float = 0.0) -> Window:
        """Return the window of some rows; arguments as for `cutoff`."""
        reach = bandwidth(rows) if width is None else width
        inside = (np.abs(rows.distance) < reach) & (np.abs(rows.distance) >= hole)
        return cls(_on_both_sides(rows.where(inside & ~rows.placed)), reach)

    @cached_property
    def weights(self) -> FloatArray:
        """Epanechnikov's weights."""
        return np.asarray(1 - (self.rows.distance / self.reach) ** 2)

    @cached_property
    def controls(self) -> FloatArray:
        """Distance to the line, quarters, and what was known on the first day."""
        near = self.rows
        place = near.distance / self.reach
        by_distance = [*side_columns(near, place), place**2]
        known = near.known.standardised()
        return np.column_stack([np.ones(len(near)), *by_distance, near.quarter_columns(), known])

    @cached_property
    def first_stage(self) -> float:
        """The jump at the line in the share that holds the upper tier."""
        return first_stage(self.rows, self.weights)

    def compare(self, near: BoundaryRows) -> Cutoff:
        """Compare both sides in the reading of `near`, which are the rows of the window."""
        reach = self.reach
        if too_few := _too_few(near):
            return Cutoff(None, too_few, reach, near, 0.0)
        stage = self.first_stage
        if stage < WEAKEST_FIRST_STAGE:
            why = f"crossing the line raises the chance of {near.upper} by only {share(stage)}"
            return Cutoff(None, why.replace("%", " %"), reach, near, stage)
        weights, worth = self.weights, near.worth / near.worth.mean()
        held = near.held.astype(np.float64)
        weighted = Weighted(near.outcome, held, self.controls, weights * worth, near.cluster)
        estimate = effect_of_holding(weighted, near.ruled)
        if estimate is None:
            why = "what was won near the line does not determine an effect"
            return Cutoff(None, why, reach, near, stage)
        return Cutoff(estimate.based_on(near.outcome, held, weights), "", reach, near, stage)


def _on_both_sides(near: BoundaryRows) -> BoundaryRows:
    """Leave out incumbents, or all others, where they stand on one side alone."""
    chosen = np.zeros(len(near), dtype=bool)
    for kind in (near.incumbent, ~near.incumbent):
        sides = [int((kind & side).sum()) for side in (near.ruled, ~near.ruled)]
        if min(sides) >= FEWEST_OF_A_KIND:
            chosen |= kind
    return near if chosen.all() else near.where(chosen)


def first_stage(rows: BoundaryRows, weights: FloatArray) -> float:
    """Return the jump at the line in the share that holds the upper tier, by local lines."""
    return _jump(rows, rows.held.astype(np.float64), weights)


def _jump(rows: BoundaryRows, values: FloatArray, weights: FloatArray) -> float:
    ends = []
    for side in (True, False):
        chosen = rows.ruled == side
        columns = np.column_stack([np.ones(int(chosen.sum())), rows.distance[chosen]])
        root = np.sqrt(weights[chosen])
        line, *_ = np.linalg.lstsq(columns * root[:, None], values[chosen] * root, rcond=None)
        ends.append(float(line[0]))
    return ends[0] - ends[1]


def _too_few(near: BoundaryRows) -> str:
    """Return why too few account-quarters stand on one side, empty where there are enough."""
    for name, side in ((near.upper, near.ruled), (near.lower, ~near.ruled)):
        rows = int(side.sum())
        accounts = len(np.unique(near.account[side]))
        buying = int((near.outcome[side] > 0).sum())
        if min(rows, FEWEST_EACH_SIDE) < FEWEST_EACH_SIDE or accounts < FEWEST_ACCOUNTS:
            return f"too few at the line to say (n = {rows} on the side of {name})"
        if buying < FEWEST_WITH_REVENUE:
            return f"too few won anything near the line (n = {buying} on the side of {name})"
    return ""


def side_columns(near: BoundaryRows, place: FloatArray) -> list[FloatArray]:
    """Return slope and bend at the line, and level and slope of incumbents apart from others."""
    columns = [place, place * near.ruled]
    if not 0 < near.incumbent.mean() < 1:
        return columns
    return [*columns, near.incumbent.astype(np.float64), near.incumbent * place]


def line_picture(found: Cutoff, *, bins_each_side: int = 8) -> list[Mapping[str, float]]:
    """Return won revenue by distance to the line, in equally wide bins, for a picture.

    Returns
    -------
    list
        One row per bin with any account-quarter: `distance` (its middle, in normal scores), `mean`
        (won revenue per account and window), `low`, `high` (95 % by account), `account_quarters`,
        `accounts`, `ruled` (1 above the line), `held_share`.
    """
    near, reach = found.rows, found.bandwidth
    if reach <= 0 or len(near) == 0:
        return []
    width = reach / bins_each_side
    bins = np.floor(near.distance / width).astype(int)
    return [_bin(near, bins == number, (number + 0.5) * width) for number in np.unique(bins)]


def _bin(near: BoundaryRows, inside: BoolArray, middle: float) -> Mapping[str, float]:
    outcome, cluster = near.outcome[inside], near.cluster[inside]
    mean, count = float(outcome.mean()), int(cluster.max()) + 1
    sums = np.bincount(cluster, outcome - mean, count)
    half = SIGNIFICANT * float(np.sqrt((sums**2).sum())) / len(outcome)
    return {
        "distance": middle,
        "mean": mean,
        "low": max(0.0, mean - half) if mean >= 0 else mean - half,
        "high": mean + half,
        "account_quarters": len(outcome),
        "accounts": len(np.unique(near.account[inside])),
        "ruled": float(middle > 0),
        "held_share": float(near.held[inside].mean()),
    }


def bunching(points: FloatArray, cluster: IntArray, *, reach: float | None = None) -> float | None:
    """Return the jump in the density of scores at the line, in standard errors.

    The logarithm of the density is a line on each side. Positive: more scores just above the line.

    Parameters
    ----------
    points
        Score less the line that the account faced.
    cluster
        Scores inside a cluster may depend on each other.
    reach
        How far the window reaches; by default so far that it holds half of the scores above.

    Returns
    -------
    float or None
        None where fewer than 60 scores lie in the window.

    Examples
    --------
    >>> even = (np.arange(-500, 500) + 0.5) / 500
    >>> abs(bunching(even, np.arange(1000))) < 0.5
    True
    >>> crowded = np.concatenate([even, np.linspace(0, 0.1, 80)])
    >>> bunching(crowded, np.arange(1080)) > 3
    True
    """
    above = points[points >= 0]
    if len(above) == 0:
        return None
    width = float(np.quantile(above, REACH_QUANTILE)) if reach is None else reach
    inside = np.abs(points) < width
    if (
        width <= 0
        or inside.sum() < FEWEST_SCORES
        or min((points[inside] < 0).sum(), len(above)) == 0
    ):
        return None
    place, cluster = points[inside] / width, cluster[inside]
    middles = (np.arange(-BINS_EACH_SIDE, BINS_EACH_SIDE) + 0.5) / BINS_EACH_SIDE
    number = np.clip(np.floor(place * BINS_EACH_SIDE).astype(int) + BINS_EACH_SIDE, 0,
                     2 * BINS_EACH_SIDE - 1)  # fmt: skip
    counts = np.bincount(number, minlength=2 * BINS_EACH_SIDE).astype(float)
    columns = _columns(middles)
    fitted = _log_linear(counts, columns)
    if fitted is None:
        return None
    slopes, information = fitted
    left = counts - np.exp(columns @ slopes)
    reach_of_bin = columns @ np.linalg.inv(information)[0]
    # each score moves the jump by the reach of its bin; what is expected of all is taken off evenly
    expected = float(reach_of_bin @ (counts - left)) / len(place)
    sums = np.bincount(cluster, reach_of_bin[number])
    size = np.bincount(cluster)
    influence = sums - expected * size
    se = float(np.sqrt((influence**2).sum()))
    return float(slopes[0]) / se if se > 0 else None


def _columns(place: FloatArray) -> FloatArray:
    above = (place > 0) * 1.0
    return np.column_stack([above, np.ones(len(place)), place, place * above])


def _log_linear(counts: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return the slopes of a Poisson regression of counts, and their information."""
    slopes = np.zeros(columns.shape[1])
    slopes[1] = np.log(max(counts.mean(), 1e-9))
    for _ in range(_STEPS):
        mean = np.exp(np.clip(columns @ slopes, -30, 30))
        information = (columns * mean[:, None]).T @ columns + 1e-9 * np.eye(len(slopes))
        step = np.linalg.solve(information, columns.T @ (counts - mean))
        slopes = slopes + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            return slopes, information
    return None
