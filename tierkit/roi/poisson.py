"""The estimators: the effect of holding a tier as a factor on revenue, and who gets a tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, ndtri, stdtr, stdtrit

from tierkit.figure import Figure
from tierkit.roi.standings import BoolArray, FloatArray, IntArray

_STEPS, _WARM_STEPS = 60, 3
_LONGEST_STEP = 2.0
_TOLERANCE = 1e-5
_LOGISTIC_TOLERANCE = 1e-3
_HALVINGS = 30
_JACKKNIFE_TERMS = 1
_MANY, _EVERY = 8_000, 6
_LARGEST_LOG = 30.0

_LARGE_FREEDOM = 2_000.0

WIDEST = 5.0
"""A standard error (log scale) beyond this says nothing: its interval spans a factor of 10⁸."""


@dataclass(frozen=True)
class Estimate:
    """An effect on the log scale.

    Attributes
    ----------
    log_effect, se
        exp(log_effect) is the factor by which holding the upper tier multiplies revenue; its
        standard error allows for any dependence inside a cluster (an approximate jackknife).
    base
        Mean revenue, without the upper tier, of the weighted rows that held it.
    dispersion
        Variance of revenue around its mean, over the squared mean.
    rows
        How many account-quarters stand behind it.
    influence
        By how much each cluster moves it: what estimates from the same clusters have in common.
    """

    log_effect: float
    se: float
    base: float
    dispersion: float
    rows: int
    influence: FloatArray = field(repr=False, compare=False, default_factory=lambda: np.zeros(0))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the standard error, from how unevenly clusters move the effect.

        Satterthwaite's: a variance that few accounts decide is itself uncertain. Infinite where the
        clusters are not known.
        """
        squares = self.influence**2
        variance, count = float(squares.sum()), int((squares > 0).sum())
        if count < 2 or not np.isfinite(variance):
            return float("inf")
        uneven = float((squares**2).sum()) - variance**2 / count
        return max(2 * variance**2 / uneven, 1.0) if uneven > 0 else float("inf")

    @property
    def z(self) -> float:
        """The effect in standard errors, as the normal deviate that is as unlikely."""
        ratio = abs(self.log_effect / self.se)
        if not self.freedom < _LARGE_FREEDOM:
            return self.log_effect / self.se
        return float(np.copysign(min(-ndtri(stdtr(self.freedom, -ratio)), ratio), self.log_effect))

    def based_on(self, outcome: FloatArray, held: FloatArray, weights: FloatArray) -> Estimate:
        """Return the estimate with the mean outcome, less the effect, of rows that held the tier.

        Rows may tell of the factor with one weight and stand for money with another.
        """
        weighing = weights * held
        if not weighing.sum() > 0:
            return self
        mean = float(np.average(outcome, weights=weighing))
        return replace(self, base=mean / float(np.exp(self.log_effect)))

    def relative(self) -> Figure:
        """Return the effect as a share with its 95 % interval."""
        reach = _reach(self.freedom) * self.se
        value, low, high = (
            float(np.expm1(self.log_effect + ends)) for ends in (0.0, -reach, reach)
        )
        return Figure(value, low, high)

    def money(self) -> Figure:
        """Return the effect in money per account and window, for the rows that it covers."""
        share = self.relative()
        if self.base < 0:  # more refunds than sales: nothing that a factor could raise
            return Figure.unknown(
                "the accounts that the comparison covers brought less than nothing"
            )
        return share.times(self.base)


def _reach(freedom: float) -> float:
    """Return the standard errors that a 95 % interval reaches to both sides."""
    return float(-stdtrit(freedom, 0.025)) if freedom < _LARGE_FREEDOM else 1.96


@dataclass(frozen=True)
class Weighted:
    """Rows for an estimate; the `controls` hold a constant."""

    outcome: FloatArray
    held: FloatArray
    controls: FloatArray
    weights: FloatArray
    cluster: IntArray


def effect_of_holding(rows: Weighted, instrument: BoolArray | FloatArray) -> Estimate | None:
    """Return the factor on revenue of holding the upper tier, with an instrument for holding it.

    Revenue divided by the factor where the tier was held is what would have been without it. The
    factor is the one that leaves, in a Poisson regression of that on the controls, nothing for the
    instrument to explain: for the ruled side and local linear controls this is a fuzzy
    discontinuity on the log scale; with the tier itself as instrument a Poisson regression.

    Returns
    -------
    Estimate or None
        None where the rows do not determine it.
    """
    scale = float(np.average(rows.outcome, weights=rows.weights))
    if not scale > 0:
        return None
    problem = _Moments(rows, np.asarray(instrument, dtype=float), rows.outcome / scale)
    solution = problem.solve()
    if solution is None:
        return None
    effect, slopes = solution
    influence = problem.influence(effect, slopes)
    se = float(np.sqrt((influence**2).sum()))
    if not 0 < se <= WIDEST:
        return None
    mean = problem.mean(slopes)
    weights = rows.weights * rows.held
    base = float(np.average(mean, weights=weights)) if weights.sum() > 0 else 0.0
    left = problem.without(effect) - mean
    dispersion = float(
        np.average(left**2, weights=rows.weights) / np.average(mean, weights=rows.weights) ** 2
    )
    count = int((rows.weights > 0).sum())
    return Estimate(effect, se, base * scale, dispersion, count, influence)


@dataclass(frozen=True)
class _Moments:
    """Moments: instrument and controls are uncorrelated with what is left of revenue."""

    rows: Weighted
    instrument: FloatArray
    outcome: FloatArray

    def without(self, effect: float) -> FloatArray:
        """Return the revenue that would have been without the upper tier."""
        return self.outcome * np.where(self.rows.held > 0, np.exp(-effect), 1.0)

    def mean(self, slopes: FloatArray) -> FloatArray:
        return np.exp(np.clip(self.rows.controls @ slopes, -_LARGEST_LOG, _LARGEST_LOG))

    def moments(self, effect: float, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sums that must vanish, and their derivatives."""
        rows = self.rows
        without, mean = self.without(effect), self.mean(slopes)
        left, weighted = rows.weights * (without - mean), rows.weights * mean
        size = rows.controls.shape[1] + 1
        sums = np.empty(size)
        sums[0], sums[1:] = self.instrument @ left, rows.controls.T @ left
        slope = np.empty((size, size))
        held = rows.weights * without * rows.held
        slope[0, 0], slope[1:, 0] = -(self.instrument @ held), -(rows.controls.T @ held)
        slope[0, 1:] = -((self.instrument * weighted) @ rows.controls)
        scaled = rows.controls * np.sqrt(weighted)[:, None]
        slope[1:, 1:] = -(scaled.T @ scaled)
        return sums, slope

    def solve(self) -> tuple[float, FloatArray] | None:
        effect, slopes = 0.0, np.zeros(self.rows.controls.shape[1])
        ridge = 1e-9 * float(self.rows.weights.sum())
        for number in range(_STEPS):
            sums, slope = self.moments(effect, slopes)
            slope = slope - ridge * np.eye(len(sums))
            warming = number < _WARM_STEPS
            try:
                step = (
                    np.concatenate([[0.0], np.linalg.solve(slope[1:, 1:], -sums[1:])])
                    if warming
                    else np.linalg.solve(slope, -sums)
                )
            except np.linalg.LinAlgError:
                return None
            longest = max(float(np.abs(self.rows.controls @ step[1:]).max()), abs(step[0]))
            if not np.isfinite(longest):
                return None
            step = step * min(1.0, _LONGEST_STEP / max(longest, 1e-12))
            effect, slopes = effect + float(step[0]), slopes + step[1:]
            if not warming and np.abs(step).max() < _TOLERANCE:
                return (effect, slopes) if abs(effect) < _LARGEST_LOG / 3 else None
        return None

    def influence(self, effect: float, slopes: FloatArray) -> FloatArray:
        """Return what leaving out each cluster moves the effect, by a short series.

        The squares add up to the effect's variance: a jackknife over clusters.
        """
        rows = self.rows
        _, slope = self.moments(effect, slopes)
        inverse = np.linalg.inv(slope - 1e-9 * rows.weights.sum() * np.eye(len(slope)))
        without, mean = self.without(effect), self.mean(slopes)
        columns = np.column_stack([self.instrument, rows.controls])
        sums = self._by_cluster(columns, rows.weights * (without - mean))
        step = sums @ inverse.T
        moves = step[:, 0].copy()
        for _ in range(_JACKKNIFE_TERMS):
            moved = step[rows.cluster]
            bend = rows.held * without * moved[:, 0]
            bend += mean * np.einsum("ij,ij->i", rows.controls, moved[:, 1:])
            step = -self._by_cluster(columns, rows.weights * bend) @ inverse.T
            moves += step[:, 0]
        clusters = int((np.bincount(rows.cluster, rows.weights) > 0).sum())
        found = -moves * np.sqrt((clusters - 1) / clusters)
        return found if np.isfinite(found).all() else np.full(len(found), np.inf)

    def _by_cluster(self, columns: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the weighted sums of columns over the rows of each cluster."""
        cluster = self.rows.cluster
        place = (cluster, np.arange(len(cluster)))
        members = csr_array((weights, place), shape=(cluster.max() + 1, len(cluster)))
        return np.asarray(members @ columns)


def pooled(
    estimates: Sequence[Estimate], *, precision: Sequence[float] | None = None
) -> Estimate | None:
    """Return the weighted mean of estimates, allowing for the clusters they share.

    Parameters
    ----------
    precision
        What each estimate weighs; by default its own inverse variance.

    Examples
    --------
    >>> one = Estimate(0.2, 0.1, 10.0, 2.0, 50, np.array([0.1, 0.0]))
    >>> other = Estimate(0.4, 0.1, 20.0, 4.0, 50, np.array([0.0, 0.1]))
    >>> both = pooled([one, other])
    >>> round(both.log_effect, 3), round(both.se, 4), both.rows
    (0.3, 0.0707, 100)
    """
    if not estimates:
        return None
    own = [1 / one.se**2 for one in estimates]
    weights = np.array(own if precision is None else precision)
    weights = weights / weights.sum()
    longest = max(len(one.influence) for one in estimates)
    influence = np.zeros(longest)
    for weight, one in zip(weights, estimates, strict=True):
        influence[: len(one.influence)] += weight * one.influence
    effect, base, dispersion = (
        float(weights @ [getattr(one, name) for one in estimates])
        for name in ("log_effect", "base", "dispersion")
    )
    rows = sum(one.rows for one in estimates)
    se = float(np.sqrt((influence**2).sum()))
    return Estimate(effect, se, base, dispersion, rows, influence)


def correlation(one: Estimate, other: Estimate) -> float:
    """Return how much two estimates from the same clusters move together, from −1 to 1."""
    shared = min(len(one.influence), len(other.influence))
    together = float(one.influence[:shared] @ other.influence[:shared])
    return float(np.clip(together / (one.se * other.se), -1.0, 1.0))


def cross_fitted_shares(
    columns: FloatArray, held: FloatArray, folds: IntArray, *, ridge: float = 1.0
) -> FloatArray:
    """Return each row's chance of the upper tier by a logistic regression without its own fold.

    The first column must be constant; the others bear a light ridge. From the slopes of all rows
    one Newton step leads to the slopes without a fold.
    """
    everyone = logistic_slopes(columns, held, ridge=ridge)
    numbers = np.unique(folds)
    parts = [_logistic_sums(columns[folds == one], held[folds == one], everyone) for one in numbers]
    gradient, information = (np.sum([part[which] for part in parts], axis=0) for which in (0, 1))
    penalty = _penalty(len(everyone), ridge)
    share = np.empty(len(held))
    for one, (own_gradient, own_information) in zip(numbers, parts, strict=True):
        left = gradient - own_gradient - penalty * everyone
        step = np.linalg.solve(information - own_information + np.diag(penalty), left)
        inside = folds == one
        share[inside] = expit(columns[inside] @ (everyone + step))
    return share


def logistic_slopes(columns: FloatArray, held: FloatArray, *, ridge: float = 1.0) -> FloatArray:
    """Return the slopes of a logistic regression; the first column is constant.

    Newton steps, halved while they would make the fit worse: where few rows hold the tier a whole
    step from the start can overshoot and never come back.
    """
    slopes = np.zeros(columns.shape[1])
    if len(held) > _MANY:  # every so many rows tell where to start
        few = slice(None, None, _EVERY)
        slopes = logistic_slopes(columns[few], held[few], ridge=ridge)
    penalty = _penalty(len(slopes), ridge)
    worth = _logistic_fit(columns, held, slopes, penalty)
    for _ in range(_STEPS):
        gradient, information = _logistic_sums(columns, held, slopes)
        step = np.linalg.solve(information + np.diag(penalty), gradient - penalty * slopes)
        for _ in range(_HALVINGS):
            better = _logistic_fit(columns, held, slopes + step, penalty)
            if better >= worth:
                break
            step = step / 2
        slopes, worth = slopes + step, better
        if np.abs(step).max() < _LOGISTIC_TOLERANCE:
            break
    return slopes


def _logistic_fit(
    columns: FloatArray, held: FloatArray, slopes: FloatArray, penalty: FloatArray
) -> float:
    """Return the log-likelihood less the ridge."""
    place = columns @ slopes
    return float(held @ place - np.logaddexp(0.0, place).sum() - 0.5 * penalty @ slopes**2)


def _penalty(size: int, ridge: float) -> FloatArray:
    return np.concatenate([[1e-6], np.full(size - 1, ridge)])


def _logistic_sums(
    columns: FloatArray, held: FloatArray, slopes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    share = expit(columns @ slopes)
    scaled = columns * np.sqrt(share * (1 - share))[:, None]
    return columns.T @ (held - share), scaled.T @ scaled
