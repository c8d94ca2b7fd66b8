"""Points per bin by additive boosting: the only module that knows the library that fits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.rows import account_draws
from tierkit.parallel import MANY_ROWS, free_processors
from tierkit.statistics import VARIANCE_POWER, FloatArray, IntArray

VALIDATION_SHARE = 0.15

_HELPS = (
    "won_revenue_1q", "won_revenue_2q", "won_revenue_4q", "won_revenue_8q", "won_revenue_ever",
    "won_revenue_same_quarter_last_year", "wins_count_", "win_rate_shrunk_8q",
    "closed_deals_count_8q", "open_deals_count", "inbound_count_",
    "inbound_contacts_count_", "contacts_count", "contact_roles_count",
)  # fmt: skip

if TYPE_CHECKING:
    from interpret.glassbox import ExplainableBoostingRegressor


@dataclass(frozen=True)
class Pace:
    """The step size of boosting: small steps find a little more and take longer.

    Attributes
    ----------
    tries_share
        Whether the share of boosting in a card is tried; otherwise it is one half.
    """

    learning_rate: float
    smoothing_rounds: int
    early_stopping_rounds: int
    tries_share: bool = False


CAREFUL = Pace(0.05, smoothing_rounds=50, early_stopping_rounds=50, tries_share=True)
EVEN = replace(CAREFUL, tries_share=False)
QUICK = Pace(0.2, smoothing_rounds=12, early_stopping_rounds=12)
"""This and `EVEN` are for cards that are only compared with each other, never used."""


@dataclass(frozen=True)
class Boosted:
    """The result of boosting, on the log scale.

    Attributes
    ----------
    intercept
        Of the sum.
    points
        For each criterion the points of every bin, in the order of its `points_by_bin`.
    model, rows
        The library's own model, and the training rows as it was given them: arrays by name, from
        which it reads faster than from a data frame.
    """

    intercept: float
    points: tuple[FloatArray, ...]
    model: ExplainableBoostingRegressor
    rows: Mapping[str, npt.NDArray[Any]]


def boost(
    criteria: Sequence[Criterion],
    codes: IntArray,
    target: FloatArray,
    bags: IntArray,
    *,
    seed: int,
    pace: Pace = CAREFUL,
) -> Boosted:
    """Fit an additive Tweedie model with a log link to binned criteria.

    More of what can only help (won revenue, wins, open deals, inbound activities, contacts) never
    lowers the points.

    Parameters
    ----------
    criteria, codes
        The criteria and, a column each, the bin of every row; rows in a fixed order.
    target
        Amounts, 0 or more.
    bags
        From `bags_by_account`.
    pace
        How small the steps are.
    """
    from interpret.glassbox import ExplainableBoostingRegressor  # takes seconds: only to fit
    from joblib import parallel_config

    columns = {f"{place:04d}": _encoded(one, codes[:, place]) for place, one in enumerate(criteria)}
    model = ExplainableBoostingRegressor(
        feature_types=[_feature_type(one) for one in criteria],
        monotone_constraints=[int(only_helps(one)) for one in criteria],
        objective=f"tweedie_deviance:variance_power={VARIANCE_POWER}",
        interactions=0,
        outer_bags=bags.shape[1],
        learning_rate=pace.learning_rate,
        smoothing_rounds=pace.smoothing_rounds,
        early_stopping_rounds=pace.early_stopping_rounds,
        random_state=seed,
        n_jobs=_threads(rows=len(codes), bags=bags.shape[1]),
    )
    with warnings.catch_warnings(), parallel_config(backend="threading"):
        warnings.simplefilter("ignore")  # of missing values, which have a bin of their own here
        model.fit(columns, target, bags=bags.astype(np.int8))
    points = tuple(_points(model, place, one) for place, one in enumerate(criteria))
    return Boosted(float(np.ravel(model.intercept_)[0]), points, model, columns)


def bags_by_account(
    account_ids: pd.Index[Any], *, bags: int, seed: int, first: int = 0
) -> IntArray:
    """Return which rows each bag fits on (1) and which it stops by (-1).

    All rows of an account are on the same side; 15 % of the accounts, at least one, are kept to
    stop by. Bags are numbered, so that those from `first` on share nothing with those before.

    Examples
    --------
    >>> bags_by_account(pd.Index(["A", "A", "B"]), bags=1, seed=1).ravel().tolist()
    [1, 1, -1]
    """
    codes, unique = pd.factorize(account_ids)
    kept = max(1, round(VALIDATION_SHARE * len(unique)))
    sides = np.ones((len(unique), bags), dtype=np.int64)
    for bag in range(bags):
        draws = account_draws(unique, purpose=f"bag {first + bag}", seed=seed)
        sides[np.argsort(draws, kind="stable")[:kept], bag] = -1
    return np.asarray(sides[codes])


def _threads(*, rows: int, bags: int) -> int:
    """Return how many bags are fitted at a time: few rows would only wait for each other."""
    return min(bags, free_processors()) if rows >= MANY_ROWS else 1


def only_helps(criterion: Criterion) -> bool:
    """Return whether more of it can only help: won revenue, wins, open deals, engagement."""
    return criterion.name.startswith(_HELPS) and _is_ordered(criterion)


def _is_ordered(criterion: Criterion) -> bool:
    return isinstance(criterion, NumericCriterion) and len(criterion.edges) > 0


def _feature_type(criterion: Criterion) -> str | list[float]:
    """Return the cuts between codes, or that codes have no order."""
    if not _is_ordered(criterion):
        return "nominal"
    return [place + 0.5 for place in range(len(criterion.points_by_bin) - 2)]


def _encoded(
    criterion: Criterion, codes: IntArray
) -> npt.NDArray[np.float64] | npt.NDArray[np.object_]:
    if not _is_ordered(criterion):
        names = [f"{code:04d}" for code in range(len(criterion.points_by_bin))]
        return np.array(names, dtype=object)[codes]
    return np.where(codes == len(criterion.points_by_bin) - 1, np.nan, codes.astype(float))


def _points(model: ExplainableBoostingRegressor, place: int, criterion: Criterion) -> FloatArray:
    """Return the library's scores of one criterion in the order of the criterion's bins."""
    scores = np.asarray(model.term_scores_[place], dtype=float)
    if _is_ordered(criterion):  # missing first, unseen last
        return np.append(scores[1:-1], scores[0])
    levels: dict[str, int] = model.bins_[place][0]
    names = (f"{code:04d}" for code in range(len(criterion.points_by_bin)))
    return np.array([scores[levels[name]] if name in levels else 0.0 for name in names])
