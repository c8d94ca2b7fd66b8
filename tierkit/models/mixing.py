"""The parts of a card beside boosting, and how much of each it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tierkit.models.boosting import QUICK, bags_by_account, boost, only_helps
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.rows import AS_OF, account_draws, account_ids
from tierkit.models.simple_rules import powers_of_past_revenue
from tierkit.statistics import FloatArray, IntArray, gini

SHARES = np.linspace(0, 1, 11)
BEFORE = 0.5
"""The share of boosting that is taken where nothing can be tried."""

SMOOTH = (0.0, 0.5, 1.0)
"""Shares of the smooth part in what is not boosting."""

_TOWARDS_NONE = 0.005
"""Gain in Gini that the smooth part needs to take the place of powers of past revenue."""

_TOWARDS_BEFORE = 0.003
"""Gain in Gini that a share needs to be taken all the way from one half to none or all."""

MOST_ROWS = 30_000
"""A share is tried on about so many rows: accounts are drawn by their ids."""

_THIRDS = 3
_HALF_WAY_WINS = 500
_RIDGE = 0.02
_MOST_STEPS = 60
_FAR = 20.0
_FEWEST_WINS = 20
Chosen = npt.NDArray[np.bool_]
Loss = Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True)
class Shares:
    """The shares of the parts in a card, which is their geometric mean.

    Attributes
    ----------
    boosting
        The share of boosting, 0 to 1.
    smooth
        The share of the smooth part in the rest, 0 to 1; the remainder is powers of past revenue.
    """

    boosting: float = BEFORE
    smooth: float = 0.0


def choose_shares(
    criteria: Sequence[Criterion],
    codes: IntArray,
    rows: pd.DataFrame,
    target: FloatArray,
    *,
    windows: Sequence[NumericCriterion],
    seed: int,
) -> Shares:
    """Return the shares of the parts that rank accounts best later on.

    The parts are fitted to the earlier dates of two thirds of the accounts and tried on the newest
    date of the others, each third in turn. The shares are those with the highest mean Gini, less a
    little for the distance of boosting from one half and for the smooth part, so that chance does
    not decide. One bag and large steps
    do for a try. With one date they are tried at that date, and the fewer rows have won revenue the
    nearer to one half the share stays: what ranks other accounts well at the same date may be a
    habit of that season. Of larger panels, the accounts of about 30,000 rows are used.

    Parameters
    ----------
    criteria, codes, rows, target
        As boosting sees them, in one order: bins, their codes, values, amounts of 0 or more.
    windows
        The criteria of past revenue.
    """
    earlier, newest, in_time = _in_time(rows)
    parts = _Parts(criteria, codes, rows, target, windows, seed)
    third = _thirds(rows, seed)
    found = [
        parts.ginis((third != place) & (third >= 0) & earlier, (third == place) & newest)
        for place in range(_THIRDS)
    ]
    measured = [one for one in found if one is not None]
    if not measured:
        return Shares()
    cost = _TOWARDS_BEFORE * np.abs(SHARES - BEFORE) / BEFORE
    smooth_cost = _TOWARDS_NONE * np.array(SMOOTH)
    worth = np.mean(measured, axis=0) - smooth_cost[:, None] - cost[None, :]
    row, column = np.unravel_index(int(np.argmax(np.round(worth, 9))), worth.shape)
    wins = int((target > 0).sum())
    trust = 1.0 if in_time else wins / (wins + _HALF_WAY_WINS)
    best = float(SHARES[column])
    return Shares(BEFORE + (best - BEFORE) * trust, SMOOTH[row] * trust)


@dataclass(frozen=True)
class _Parts:
    """The rows that the parts are fitted to, as `choose_shares` takes them."""

    criteria: Sequence[Criterion]
    codes: IntArray
    rows: pd.DataFrame
    target: FloatArray
    windows: Sequence[NumericCriterion]
    seed: int

    def ginis(self, train: Chosen, test: Chosen) -> FloatArray | None:
        """Return the Gini of every pair of shares on the tested rows; None with too few wins."""
        if min((self.target[side] > 0).sum() for side in (train, test)) < _FEWEST_WINS:
            return None
        bags = bags_by_account(account_ids(self.rows)[train], bags=1, seed=self.seed)
        target = self.target[train]
        boosted = boost(self.criteria, self.codes[train], target, bags, seed=self.seed, pace=QUICK)
        powers = powers_of_past_revenue(self.windows, self.rows[train], target)
        names = [one.name for one in self.criteria]
        places = [names.index(one.name) for one in self.windows]
        by_boosting = _sum_of(boosted.points, self.codes[test], range(len(names)))
        by_powers = _sum_of(powers, self.codes[test], places)
        smooth = smooth_points(self.criteria, self.codes[train], self.rows[train], target)
        by_smooth = _sum_of(smooth, self.codes[test], range(len(names)))
        ginis = np.array(
            [
                [
                    gini(self.target[test], share * by_boosting + (1 - share) * rest)
                    for share in SHARES
                ]
                for part in SMOOTH
                for rest in [(1 - part) * by_powers + part * by_smooth]
            ]
        )
        return np.asarray(np.nan_to_num(ginis))  # a ranking that says nothing counts as 0


def _thirds(rows: pd.DataFrame, seed: int) -> IntArray:
    """Return the third that each row's account is in; -1 for accounts beyond what is tried on."""
    draws = account_draws(account_ids(rows), purpose="mixing", seed=seed)
    kept = min(1.0, MOST_ROWS / max(len(rows), 1))
    third = np.floor(draws / kept * _THIRDS).astype(np.int64)
    return np.where(third < _THIRDS, third, -1)


def _in_time(rows: pd.DataFrame) -> tuple[Chosen, Chosen, bool]:
    """Return the rows before the newest date and those at it; all rows twice with one date."""
    every = np.ones(len(rows), dtype=bool)
    if AS_OF not in rows.index.names:
        return every, every, False
    days = rows.index.get_level_values(AS_OF)
    newest = np.asarray(days.isin([days.max()]))
    return (every, every, False) if newest.all() else (~newest, newest, True)


def _sum_of(points: Sequence[FloatArray], codes: IntArray, places: Sequence[int]) -> FloatArray:
    found = np.zeros(len(codes))
    for one, place in zip(points, places, strict=True):
        found = found + one[codes[:, place]]
    return found


def smooth_points(
    criteria: Sequence[Criterion], codes: IntArray, rows: pd.DataFrame, target: FloatArray
) -> list[FloatArray]:
    """Return points per bin (the missing one last) that follow two regressions with a log link.

    One says whether anything is won (Poisson on yes and no, so that chances multiply), the other
    how much is won where anything is (gamma). Their sum is again a sum over criteria. A number
    counts by its logarithm, taken at the mean of its bin; categories and unknown values have points
    of their own, drawn towards 0 by a ridge. More of what can only help never lowers the points.
    All points are 0 where fewer than 20 rows have won anything.

    Parameters
    ----------
    criteria, codes
        The criteria and, a column each, the bin of every row.
    rows
        Their values.
    target
        Amounts, 0 or more.
    """
    won = target > 0
    nothing = [np.zeros(len(one.points_by_bin)) for one in criteria]
    if won.sum() < _FEWEST_WINS or not criteria:
        return nothing
    parts = [_columns(one, codes[:, k], rows[one.name]) for k, one in enumerate(criteria)]
    design = np.column_stack([part[codes[:, k]] for k, part in enumerate(parts)])
    helps = np.concatenate([_helps(one, part) for one, part in zip(criteria, parts, strict=True)])
    amounts = target[won] / target[won].mean()
    found = _fitted(design, won.astype(float), _poisson, helps)
    found = found + _fitted(design[won], amounts, _gamma, helps)
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    return [part @ own for part, own in zip(parts, np.split(found, ends), strict=True)]


def _columns(one: Criterion, codes: IntArray, values: pd.Series[float]) -> FloatArray:
    """Return what each bin of a criterion means to a regression, a column per coefficient."""
    bins = len(one.points_by_bin)
    if not isinstance(one, NumericCriterion) or not one.edges:
        return np.eye(bins)
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    positive = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    typical = float(np.median(positive)) if len(positive) else 1.0
    scaled = np.sign(numbers) * np.log1p(np.abs(numbers) / typical)
    known = np.isfinite(scaled)
    counts = np.bincount(codes[known], minlength=bins)[: bins - 1]
    sums = np.bincount(codes[known], weights=scaled[known], minlength=bins)[: bins - 1]
    filled = np.flatnonzero(counts)
    if not len(filled):  # nothing is known among these rows
        return np.eye(bins)
    means = np.interp(np.arange(bins - 1), filled, sums[filled] / counts[filled])
    centre = float(scaled[known].mean())
    spread = float(scaled[known].std()) or 1.0
    table = np.zeros((bins, 2))
    table[:-1, 0] = (means - centre) / spread
    table[-1, 1] = 1.0
    return table


def _helps(one: Criterion, columns: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which coefficients must not be below 0."""
    found = np.zeros(columns.shape[1], dtype=bool)
    found[0] = only_helps(one)
    return found


def _fitted(
    design: FloatArray,
    target: FloatArray,
    loss: Loss,
    helps: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> FloatArray:
    """Return the coefficients without the intercept."""
    from scipy.optimize import minimize  # takes a moment: only to fit

    def whole(found: FloatArray) -> tuple[float, FloatArray]:
        log_mean = np.clip(found[0] + design @ found[1:], -_FAR, _FAR)
        value, slope = loss(log_mean, target)
        rest = found[1:]
        gradient = np.append(slope.mean(), design.T @ slope / len(target) + 2 * _RIDGE * rest)
        return value / len(target) + _RIDGE * float(rest @ rest), gradient

    start = np.append(np.log(max(float(target.mean()), 1e-9)), np.zeros(design.shape[1]))
    bounds = [(-_FAR, _FAR), *((0.0 if one else -_FAR, _FAR) for one in helps)]
    with threadpool_limits(1):  # threads of small products wait for each other
        found = minimize(whole, start, jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"maxiter": _MOST_STEPS}).x  # fmt: skip
    return np.asarray(found[1:], dtype=np.float64)


def _poisson(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    mean = np.exp(log_mean)
    return float((mean - target * log_mean).sum()), mean - target


def _gamma(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    ratio = target * np.exp(-log_mean)
    return float((ratio + log_mean).sum()), 1.0 - ratio
