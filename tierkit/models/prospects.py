"""Beside predicted revenue: whether an account wins anything, how many wins, how much pipeline.

Each is a card of its own, so that it can be saved, read and translated like any other. A criterion
has the shape of what its bins brought (shrunk where they hold few rows), times a weight that is
fitted for all criteria together and is never below 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tierkit.models.binning import RARE_ROWS, bin_criteria
from tierkit.models.card import Card
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.models.rows import account_ids, newest_rows, sample_accounts
from tierkit.models.rules_card import scaled_criterion
from tierkit.models.simple_rules import POWERS
from tierkit.settings import ModelSettings
from tierkit.statistics import FloatArray, IntArray

FEWEST_ACCOUNTS = 50
FEWEST_WINS = 20
MOST_ROWS = 50_000
COLUMNS = ("won_probability", "predicted_wins", "predicted_pipeline")
_RIDGE = 1e-3
_MOST_WEIGHT = 2.0
_MOST_STEPS = 200
_FAR = 30.0
Loss = Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True)
class Prospects:
    """Three cards beside the one of revenue.

    Attributes
    ----------
    won
        Its prediction λ gives the probability to win anything in the horizon: 1 − exp(−λ).
    wins
        Won deals in the horizon.
    pipeline
        Pipeline created in the horizon, in money; None where deals have no created_date.
    """

    won: Card
    wins: Card
    pipeline: Card | None = None

    def predict(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return `won_probability`, `predicted_wins` and `predicted_pipeline` of each row.

        No account has fewer predicted wins than its probability to win anything. Pipeline is
        missing where it cannot be predicted.
        """
        chance = -np.expm1(-self.won.predict(values))
        wins = np.maximum(self.wins.predict(values), chance)
        pipeline = np.nan if self.pipeline is None else self.pipeline.predict(values)
        found = dict(zip(COLUMNS, (chance, wins, pipeline), strict=True))
        return pd.DataFrame(found, index=values.index)

    def to_plain(self) -> dict[str, Any]:
        """Return the cards as plain data; `from_plain` gives them back exactly."""
        pipeline = None if self.pipeline is None else self.pipeline.to_plain()
        return {"won": self.won.to_plain(), "wins": self.wins.to_plain(), "pipeline": pipeline}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Prospects:
        """Return what `to_plain` has written."""
        pipeline = data.get("pipeline")
        cards = Card.from_plain(data["won"]), Card.from_plain(data["wins"])
        return cls(*cards, None if pipeline is None else Card.from_plain(pipeline))


def fit_prospects(
    values: pd.DataFrame,
    happened: pd.DataFrame,
    *,
    criteria: Sequence[str],
    undated: Collection[str] = (),
    settings: ModelSettings,
    has_pipeline: bool = True,
) -> Prospects | None:
    """Return the cards fitted to what happened after each as_of, None where rows are too few.

    Of more than 50,000 rows, those of as many whole accounts as fit are used.

    Parameters
    ----------
    values
        A row per account and as_of, with the criteria.
    happened
        Same index: `wins_count` and `pipeline_created_amount` over the horizon.
    criteria, undated, settings
        As for `fit_card`.
    has_pipeline
        Whether it is known when deals were created.
    """
    most = min(settings.max_training_rows, MOST_ROWS)
    rows = sample_accounts(values, most_rows=most, seed=settings.seed)
    known = happened.reindex(rows.index)
    wins = np.maximum(known["wins_count"].to_numpy(dtype=float), 0.0)
    if account_ids(rows).nunique() < FEWEST_ACCOUNTS or (wins > 0).sum() < FEWEST_WINS:
        return None
    names = [name for name in criteria if name in rows.columns]
    binned = bin_criteria(rows, names, max_bins=settings.max_bins, amounts=POWERS)

    def card(target: FloatArray, loss: Loss) -> Card:
        shaped = [
            _shaped(one, binned.codes[:, place], target, pool_missing=one.name in undated)
            for place, one in enumerate(binned.criteria)
        ]
        return _weighted(shaped, binned.codes, target, loss).with_accounts(newest_rows(rows))

    created = np.maximum(known["pipeline_created_amount"].to_numpy(dtype=float), 0.0)
    with_money = has_pipeline and bool((created > 0).sum() >= FEWEST_WINS)
    return Prospects(
        won=card((wins > 0).astype(float), _bernoulli),
        wins=card(wins, _poisson).recalibrated(rows, total=float(wins.sum())),
        pipeline=card(created / created.mean(), _tweedie).recalibrated(
            rows, total=float(created.sum())
        )
        if with_money
        else None,
    )


def _shaped(
    criterion: Criterion, codes: IntArray, target: FloatArray, *, pool_missing: bool
) -> Criterion:
    """Return the criterion with the logarithm of what each bin brought over the mean of all.

    Each bin is filled up with 20 rows of the mean.
    """
    bins, mean = len(criterion.points_by_bin), float(target.mean())
    rows = np.bincount(codes, minlength=bins)
    sums = np.bincount(codes, weights=target, minlength=bins)
    points = np.log((sums + RARE_ROWS * mean) / (rows + RARE_ROWS) / mean)
    if pool_missing:
        points[-1] = 0.0
    if isinstance(criterion, NumericCriterion):
        *shape, missing = points.tolist()
        return replace(criterion, points=tuple(shape), missing=missing)
    *shape, other, missing = points.tolist()
    return replace(criterion, points=tuple(shape), other=other, missing=missing)


def _weighted(
    criteria: Sequence[Criterion], codes: IntArray, target: FloatArray, loss: Loss
) -> Card:
    """Return the card whose criteria are weighed together, none below 0."""
    from scipy.optimize import minimize  # takes a moment: only to fit

    shapes = [one.points_by_bin[codes[:, place]] for place, one in enumerate(criteria)]
    design = np.column_stack([np.ones(len(target)), *shapes])

    def whole(found: FloatArray) -> tuple[float, FloatArray]:
        value, slope = loss(np.clip(design @ found, -_FAR, _FAR), target)
        ridge = np.concatenate([[0.0], found[1:]])
        gradient = design.T @ slope / len(target) + 2 * _RIDGE * ridge
        return value / len(target) + _RIDGE * float(ridge @ ridge), gradient

    start = np.concatenate([[np.log(max(float(target.mean()), 1e-9))], np.zeros(len(criteria))])
    bounds = [(-_FAR, _FAR), *[(0.0, _MOST_WEIGHT)] * len(criteria)]
    with threadpool_limits(1):  # threads of small products wait for each other
        found = minimize(whole, start, jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"maxiter": _MOST_STEPS}).x  # fmt: skip
    kept = [
        scaled_criterion(one, by=float(weight))
        for one, weight in zip(criteria, found[1:], strict=True)
        if weight > 0
    ]
    return Card(base=float(np.exp(found[0])), criteria=tuple(kept))


def _bernoulli(log_rate: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    """Return minus the log likelihood of winning anything, and its slopes; p = 1 − exp(−rate)."""
    rate = np.exp(log_rate)
    chance = np.maximum(-np.expm1(-rate), 1e-300)
    value = float(((1 - target) * rate - target * np.log(chance)).sum())
    return value, (1 - target) * rate - target * rate * np.exp(-rate) / chance


def _poisson(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    mean = np.exp(log_mean)
    return float((mean - target * log_mean).sum()), mean - target


def _tweedie(log_mean: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
    root = np.exp(log_mean / 2)
    return float((2 * target / root + 2 * root).sum()), root - target / root
