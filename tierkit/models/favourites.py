"""Weights of a few criteria: factors with intervals, their stability, small segments.

A Tweedie regression on all past quarter-ends together; standard errors are clustered by account,
since what one account does at several dates is not news each time.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tierkit.criterion_words import LOG, plain_name, short_number
from tierkit.models.binning import RARE_ROWS, is_category, known_numbers
from tierkit.models.card import Card
from tierkit.models.rows import AS_OF, account_ids, sample_accounts
from tierkit.statistics import VARIANCE_POWER, FloatArray

MOST_FAVOURITES = 6
MOST_ROWS = 50_000
FEWEST_ACCOUNTS = 50
FEWEST_WINS = 20
TOO_ALIKE = 0.9
_REACH = 1.96
_SHARES = (0.25, 0.1, 0.02)
"""The lower end of a comparison: quartiles, or further out where most accounts are alike."""
_NEARLY = 0.01
_FACTORS = ("criterion", "from", "to", "from_value", "to_value", "factor", "low", "high",
            "same_direction", "dates", "lowest", "highest", "accounts")  # fmt: skip
_SEGMENTS = ("criterion", "segment", "accounts", "factor", "low", "high", "alone")


@dataclass(frozen=True)
class Favourites:
    """The worth of a few criteria, each with the others held equal.

    Attributes
    ----------
    factors
        A row per numeric criterion: `criterion` in words; `factor` of won revenue of an account at
        the value `to` (upper quartile, or further out where most are alike) over one at `from`
        (the same from below), both in words and as the numbers `to_value` and `from_value`, with
        its 95 % interval `low`, `high`; in how many of `dates` quarter-ends it had the same
        direction, the `lowest` and `highest` factor of a single one; `accounts`.
    segments
        A row per category of a text criterion with enough rows: `factor` over the average segment,
        with its 95 % interval, pooled towards 1 the more the fewer accounts tell of it; `alone` is
        the factor without pooling.
    why
        Why there is nothing, in a sentence; empty where there is.
    """

    factors: pd.DataFrame
    segments: pd.DataFrame
    why: str = ""


def favourite_criteria(
    card: Card, values: pd.DataFrame, *, asked: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the criteria to ask about: those that people name, or the card's weightiest.

    Of two numeric criteria that say nearly the same (rank correlation above 0.9) the weightier one
    stays, and all text criteria are kept.
    """
    named = [name for one in asked for name in (one, f"{LOG}{one}") if name in values.columns]
    if named:
        return tuple(dict.fromkeys(named))
    weight = card.importance().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in weight.index if str(name) in values.columns]
    texts = [name for name in names if is_category(values[name])]
    ranks: dict[str, pd.Series[float]] = {}
    for name in (name for name in names if name not in texts):
        if len(ranks) == MOST_FAVOURITES:
            break
        rank = values[name].rank()
        if not any(abs(rank.corr(other)) > TOO_ALIKE for other in ranks.values()):
            ranks[name] = rank
    return (*ranks, *texts)


def weigh_favourites(
    values: pd.DataFrame, target: pd.Series[float], *, criteria: Sequence[str], seed: int = 1
) -> Favourites:
    """Return what the criteria are worth, each with the others held equal.

    Of more than 50,000 rows, those of as many whole accounts as fit are used.

    Parameters
    ----------
    values
        A row per account and as_of; numbers with NaN for unknown (they count as average, and
        whether they are known is a criterion of its own), categories as text.
    target
        Won revenue over the horizon, same index; amounts below 0 count as 0.
    criteria
        A few columns; those with one value only are left out.
    seed
        Decides which accounts are used where they are too many.
    """
    values = sample_accounts(values, most_rows=MOST_ROWS, seed=seed)
    won = np.maximum(target.reindex(values.index).to_numpy(dtype=float), 0.0)
    accounts = account_ids(values).nunique()
    if accounts < FEWEST_ACCOUNTS or (won > 0).sum() < FEWEST_WINS:
        return _nothing(
            f"{accounts} accounts and {int((won > 0).sum())} rows with won revenue are too few to "
            f"say what carries weight: {FEWEST_ACCOUNTS} and {FEWEST_WINS} are needed."
        )
    spans = [one for name in criteria if (one := _span(values, name)) is not None]
    texts = [name for name in criteria if name in values.columns and is_category(values[name])]
    if not spans and not texts:
        return _nothing("No criterion has two values to compare.")
    design = pd.concat(
        [_numbers(values, spans), *(_dummies(values[name]) for name in texts)], axis=1
    )
    spans = [span for span in spans if span.name in design.columns]
    with threadpool_limits(1):  # threads of small products wait for each other
        found = _fitted(design, won, groups=pd.factorize(account_ids(values))[0])
        if found is None:
            return _nothing("The regression did not come to an end on these data.")
        by_date = _by_date(design, won, values)
    rows = [
        {**span.words(), **_interval(found, span.name), **_stability(found, by_date, span.name),
         "accounts": accounts}
        for span in spans
    ]  # fmt: skip
    segments = [row for name in texts for row in _pooled(found, values[name])]
    return Favourites(
        pd.DataFrame(rows, columns=[*_FACTORS]), pd.DataFrame(segments, columns=[*_SEGMENTS])
    )


@dataclass(frozen=True)
class _Span:
    """A numeric column from its lower to its upper quartile, in logarithms where it is skewed."""

    name: str
    low: float
    high: float
    in_logs: bool

    def scaled(self, column: pd.Series[Any]) -> FloatArray:
        """Return the column so that it is 0 at the lower and 1 at the upper quartile."""
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        low, high, at = (self._scale(np.asarray(one)) for one in (self.low, self.high, numbers))
        moved = (at - low) / (high - low)
        return np.where(np.isfinite(moved), moved, np.nanmean(moved[np.isfinite(moved)]))

    def words(self) -> dict[str, object]:
        """Return the criterion in words, and the two values in words and as numbers."""
        low, high = (
            math.exp(one) if self.name.startswith(LOG) else one for one in (self.low, self.high)
        )
        return {
            "criterion": plain_name(self.name),
            "from": short_number(low),
            "to": short_number(high),
            "from_value": low,
            "to_value": high,
        }

    def _scale(self, numbers: np.ndarray[Any, Any]) -> FloatArray:
        return np.asarray(np.log1p(np.maximum(numbers, 0.0)) if self.in_logs else numbers)


def _span(values: pd.DataFrame, name: str) -> _Span | None:
    if name not in values.columns or is_category(values[name]):
        return None
    numbers = known_numbers(values[name])
    if len(numbers) < RARE_ROWS or np.ptp(numbers) == 0:
        return None
    ends = [np.quantile(numbers, [share, 1 - share]) for share in _SHARES]
    wide = [(low, high) for low, high in ends if high - low > _NEARLY * (ends[-1][1] - ends[-1][0])]
    if not wide:
        return None
    low, high = wide[0]
    skewed = bool(numbers.min() >= 0) and not name.startswith(LOG) and bool(numbers.max() > 1)
    return _Span(name, float(low), float(high), skewed)


def _numbers(values: pd.DataFrame, spans: Sequence[_Span]) -> pd.DataFrame:
    columns: dict[str, Any] = {"intercept": np.ones(len(values))}
    for span in spans:
        columns[span.name] = span.scaled(values[span.name])
        known = values[span.name].notna().to_numpy()
        if RARE_ROWS <= (~known).sum() <= len(known) - RARE_ROWS:
            columns[f"{span.name} is known"] = known.astype(float)
    frame = pd.DataFrame(columns, index=values.index)
    contents = pd.Series([frame[name].to_numpy().tobytes() for name in frame.columns])
    return frame.loc[:, ~contents.duplicated().to_numpy()]


def _dummies(column: pd.Series[Any]) -> pd.DataFrame:
    """Return the common segments against their average (sum coding); others count as average."""
    common = _common(column)
    coded = [(column == name).astype(float) - (column == common[-1]).astype(float)
             for name in common[:-1]]  # fmt: skip
    names = [_place(column, name) for name in common[:-1]]
    return pd.DataFrame(dict(zip(names, coded, strict=True)), index=column.index)


def _common(column: pd.Series[Any]) -> list[str]:
    counts = column.dropna().value_counts()
    return sorted(str(name) for name in counts.index[counts.to_numpy() >= RARE_ROWS])


def _place(column: pd.Series[Any], name: str) -> str:
    return f"{column.name} = {name}"


def _fitted(design: pd.DataFrame, won: FloatArray, *, groups: Any = None) -> Any:  # noqa: ANN401
    """Return the regression, None where it does not come to an end."""
    import statsmodels.api as sm  # takes a second: only to fit

    family = sm.families.Tweedie(var_power=VARIANCE_POWER, link=sm.families.links.Log())
    kinds = {"cov_type": "HC1"} if groups is None else {
        "cov_type": "cluster", "cov_kwds": {"groups": groups},
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = sm.GLM(won / won.mean(), design, family=family).fit(maxiter=100, **kinds)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError):
            return None
        finite = np.isfinite(found.params).all() and np.isfinite(found.bse).all()
    return found if finite and found.converged else None


def _by_date(design: pd.DataFrame, won: FloatArray, values: pd.DataFrame) -> pd.DataFrame:
    """Return the coefficients of each date alone, a row per date on which a fit is possible."""
    if AS_OF not in values.index.names:
        return pd.DataFrame(columns=design.columns)
    days = values.index.get_level_values(AS_OF)
    found = []
    for day in days.unique().sort_values():
        at = np.asarray(days == day)
        if at.sum() >= FEWEST_ACCOUNTS and (won[at] > 0).sum() >= FEWEST_WINS:
            fit = _fitted(design[at], won[at])
            found += [] if fit is None else [fit.params]
    return pd.DataFrame(found, columns=design.columns)


def _interval(found: Any, name: str) -> dict[str, float]:  # noqa: ANN401
    point, error = float(found.params[name]), float(found.bse[name])
    ends = (point, point - _REACH * error, point + _REACH * error)
    return dict(zip(("factor", "low", "high"), np.exp(ends).tolist(), strict=True))


def _stability(found: Any, by_date: pd.DataFrame, name: str) -> dict[str, float]:  # noqa: ANN401
    alone = by_date[name].to_numpy(dtype=float)
    same = int((np.sign(alone) == np.sign(found.params[name])).sum())
    ends = np.exp([alone.min(), alone.max()]).tolist() if len(alone) else [math.nan, math.nan]
    return {"same_direction": same, "dates": len(alone), "lowest": ends[0], "highest": ends[1]}


def _pooled(found: Any, column: pd.Series[Any]) -> list[dict[str, object]]:  # noqa: ANN401
    """Return the segments of a criterion, each pooled towards their average by what is known of it.

    The spread of the true factors is estimated from all segments (DerSimonian and Laird); each
    segment is then the mean of its own estimate and 1, weighed by their precision.
    """
    common = _common(column)
    if len(common) < 2:
        return []
    names = [_place(column, name) for name in common[:-1]]
    change = np.vstack([np.eye(len(names)), -np.ones(len(names))])  # the last is minus the others
    points = change @ found.params[names].to_numpy(dtype=float)
    errors = change @ found.cov_params().loc[names, names].to_numpy(dtype=float) @ change.T
    accounts = pd.Series(account_ids(column.to_frame()), index=column.index)
    counts = [int(accounts[(column == name).to_numpy()].nunique()) for name in common]
    # what few accounts tell of their own spread is uncertain: not below what so many usually leave
    usual = float(np.median(np.diag(errors) * counts)) / np.array(counts, dtype=float)
    variance = np.maximum(np.maximum(np.diag(errors), usual), 1e-12)
    # segments that look alike are not known to be: not below the error of their mean
    spread = max(_between(points, variance), float(np.median(variance)) / len(points))
    kept = spread / (spread + variance)
    half = _REACH * np.sqrt(kept * variance)
    return [
        {
            "criterion": plain_name(str(column.name)), "segment": name, "accounts": counts[place],
            "factor": math.exp(kept[place] * points[place]),
            "low": math.exp(kept[place] * points[place] - half[place]),
            "high": math.exp(kept[place] * points[place] + half[place]),
            "alone": math.exp(points[place]),
        }
        for place, name in enumerate(common)
    ]  # fmt: skip


def _between(points: FloatArray, variance: FloatArray) -> float:
    """Return the variance of the true values, of estimates and their variances.

    Examples
    --------
    >>> _between(np.array([-1.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0]))
    0.0
    >>> _between(np.array([-2.0, 0.0, 2.0]), np.array([1.0, 1.0, 1.0]))
    3.0
    """
    weights = 1 / variance
    mean = float(points @ weights / weights.sum())
    spread = float(weights @ (points - mean) ** 2) - (len(points) - 1)
    return max(spread / float(weights.sum() - (weights**2).sum() / weights.sum()), 0.0)


def _nothing(why: str) -> Favourites:
    return Favourites(pd.DataFrame(columns=[*_FACTORS]), pd.DataFrame(columns=[*_SEGMENTS]), why)
