"""Simple rules: rankings by one column, and past revenue as a card and as a part of one."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tierkit.models.binning import RARE_ROWS, amount_edges, is_category, known_numbers
from tierkit.models.card import Card
from tierkit.models.criteria import NumericCriterion
from tierkit.models.rows import account_draws, account_ids, newest_rows, sample_accounts
from tierkit.statistics import FloatArray, gini, tweedie_coefficients

PAST_REVENUE = ("won_revenue_4q", "won_revenue_2q", "won_revenue_1q", "won_revenue_ever")
POWERS = ("won_revenue_4q", "won_revenue_2q", "won_revenue_1q")
"""The windows whose powers a fitted card is steadied by."""

QUARTERS_A_YEAR = 4
_NEXT_TO_NOTHING = 1e-6
"""The smallest predicted amount as a share of the mean: a factor cannot be 0."""

MOST_ROWS = 30_000
"""The best column is looked for in about so many rows: those of accounts drawn by their ids."""


def past_revenue_column(criteria: Container[str]) -> str:
    """Return the column that past revenue is read from.

    It is the past year; where the history is shorter, the longest whole window that is a criterion;
    failing that `won_revenue_4q`, which then holds the longest whole window.

    Examples
    --------
    >>> past_revenue_column({"won_revenue_1q", "won_revenue_2q", "industry"})
    'won_revenue_2q'
    """
    return next((name for name in PAST_REVENUE if name in criteria), PAST_REVENUE[0])


def fit_past_revenue_card(
    values: pd.DataFrame, target: pd.Series[float], *, column: str = PAST_REVENUE[0]
) -> Card:
    """Return the card that maps past revenue to the amounts that followed, never falling.

    Isotonic regression gives the steps; steps of fewer than 20 rows join the one below, so that one
    large account does not set the amount of its own step. Predicted and actual amounts of the
    training rows have the same sum. Accounts of one step are predicted the same: rank them by the
    column itself.

    Parameters
    ----------
    values, target
        A row per account and as_of: `column`, and won revenue of the horizon.
    column
        Past revenue.

    Examples
    --------
    >>> values = pd.DataFrame({"won_revenue_4q": [0.0] * 20 + [50.0] * 20})
    >>> card = fit_past_revenue_card(values, pd.Series([1.0] * 20 + [3.0] * 20))
    >>> card.predict(pd.DataFrame({"won_revenue_4q": [0.0, 49.0, 90.0]})).round(9).tolist()
    [1.0, 1.0, 3.0]
    """
    past = values[column].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(past)
    actual = target.to_numpy(dtype=float)
    total, mean = float(actual.sum()), float(np.mean(actual)) if len(actual) else 0.0
    if total <= 0 or not known.any():
        return Card(base=max(mean, 0.0), notes=("No revenue followed: accounts get the mean.",))
    order = np.argsort(past[known], kind="stable")
    edges, amounts = _steps(past[known][order], actual[known][order])
    unknown = max(float(actual[~known].mean()), 0.0) if (~known).any() else mean
    floored = np.maximum(np.append(amounts, unknown), _NEXT_TO_NOTHING * mean)
    points = np.log(floored / mean)
    one = NumericCriterion(column, edges, tuple(points[:-1].tolist()), missing=float(points[-1]))
    card = Card(base=mean, criteria=(one,)).with_accounts(newest_rows(values))
    return card.recalibrated(values, total=total)


def uncalibrated_past_revenue_card(
    values: pd.DataFrame, *, horizon: int, column: str = PAST_REVENUE[0], window: int | None = None
) -> Card:
    """Return the card that predicts the past again: past revenue, scaled to the horizon's length.

    Parameters
    ----------
    values
        The accounts to be scored.
    horizon
        Quarters that revenue is predicted for.
    column, window
        Past revenue, and the quarters that it covers; by default those that its name tells.
    """
    quarters = window or _quarters(column)
    note = (
        "No past quarter-end has a complete outcome yet: predicted revenue is the past revenue of "
        f"{quarters} quarter{'s' if quarters > 1 else ''}, scaled to {horizon}."
    )
    amounts = known_numbers(values[column]) if column in values.columns else np.zeros(0)
    if not (amounts > 0).any():
        return Card(base=0.0, notes=(note, "No account has past revenue."))
    scaled = amounts * horizon / quarters
    edges = amount_edges(amounts)
    place = np.searchsorted(np.array(edges), amounts, side="right")
    sums = np.bincount(place, weights=np.maximum(scaled, 0), minlength=len(edges) + 1)
    counts = np.bincount(place, minlength=len(edges) + 1)
    middle = np.array([0.0, *edges]) * horizon / quarters
    means = np.where(counts > 0, sums / np.maximum(counts, 1), middle)
    base = float(np.maximum(scaled, 0).mean())
    points = np.log(np.maximum(means / base, _NEXT_TO_NOTHING))
    one = NumericCriterion(column, edges, tuple(points.tolist()), missing=float(points[0]))
    card = Card(base=base, criteria=(one,), notes=(note,)).with_accounts(values)
    return card.recalibrated(values, total=float(np.maximum(scaled, 0).sum()))


def powers_of_past_revenue(
    criteria: Sequence[NumericCriterion], rows: pd.DataFrame, target: FloatArray
) -> list[FloatArray]:
    """Return points per bin (the missing one last) that follow powers of past revenue.

    Predicted revenue is proportional to the product, over windows of past revenue, of
    (1 + revenue ÷ its typical amount) to a power. The powers are fitted together (Tweedie, log
    link) and none is below 0: where past revenue tells nothing all points are 0. The typical amount
    is the median of the positive ones. Bins without rows are interpolated; unknown revenue counts
    as average.

    Parameters
    ----------
    criteria
        One per window; their bins are used, their points are not.
    rows
        Past revenue, a column per window.
    target
        Amounts that followed, 0 or more, some above.
    """
    scaled = [_log_of_typical(rows[one.name]) for one in criteria]
    powers = _powers(np.column_stack(scaled), target) if criteria else np.zeros(0)
    return [
        power * _by_bin(one, rows[one.name], column)
        for one, column, power in zip(criteria, scaled, powers, strict=True)
    ]


def _log_of_typical(column: pd.Series[Any]) -> FloatArray:
    """Return log(1 + amount ÷ typical amount), the mean where unknown; zeros without amounts."""
    amounts = column.to_numpy(dtype=float, na_value=np.nan)
    positive = amounts[amounts > 0]
    if not len(positive):
        return np.zeros(len(amounts))
    scaled = np.log1p(np.maximum(amounts, 0) / np.median(positive))
    return np.asarray(np.where(np.isnan(scaled), np.nanmean(scaled), scaled))


def _powers(scaled: FloatArray, target: FloatArray) -> FloatArray:
    """Return the fitted powers; while the lowest is below 0, it is 0 and the rest are refitted."""
    powers = np.zeros(scaled.shape[1])
    kept = [*range(scaled.shape[1])]
    while kept:
        found = tweedie_coefficients(scaled[:, kept], target)
        if found.min() >= 0:
            powers[kept] = found
            break
        kept.pop(int(found.argmin()))
    return powers


def _by_bin(criterion: NumericCriterion, column: pd.Series[Any], scaled: FloatArray) -> FloatArray:
    """Return the mean of each bin, interpolated where it has no rows; of all rows for missing."""
    bins = len(criterion.points)
    place = criterion.bin_of(column)
    rows = np.bincount(place, minlength=bins + 1)[:bins]
    sums = np.bincount(place, weights=scaled, minlength=bins + 1)[:bins]
    filled = np.flatnonzero(rows)
    means = np.interp(np.arange(bins), filled, sums[filled] / rows[filled])
    return np.append(means, scaled.mean())


def _steps(past: FloatArray, actual: FloatArray) -> tuple[tuple[float, ...], FloatArray]:
    """Return where steps begin (the first has no edge) and their mean amounts; `past` ascends."""
    from sklearn.isotonic import IsotonicRegression  # takes seconds: only to fit

    level = IsotonicRegression().fit(past, actual).predict(past)
    starts = [0]
    for start in (np.flatnonzero(np.diff(level) > 0) + 1).tolist():
        if start - starts[-1] >= RARE_ROWS and past[start] > past[start - 1]:
            starts.append(start)
    if len(starts) > 1 and len(past) - starts[-1] < RARE_ROWS:
        starts.pop()
    sizes = np.diff([*starts, len(past)])
    amounts = np.maximum(np.add.reduceat(actual, starts) / sizes, 0.0)
    return tuple(past[starts[1:]].tolist()), np.maximum.accumulate(amounts)


def _quarters(column: str) -> int:
    found = re.search(r"_(\d+)q$", column)
    return int(found[1]) if found else QUARTERS_A_YEAR


class Model(Protocol):
    """A named ranking of accounts that can be tested; a `Card` with a name is one too."""

    @property
    def name(self) -> str:
        """The model's name in reports."""

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return a number per row, higher is better; missing comes last."""


@dataclass(frozen=True)
class ColumnRule:
    """Rank by one column.

    Attributes
    ----------
    column
        Higher is better, or lower where `falling`; missing values come last.

    Examples
    --------
    >>> rule = ColumnRule("best_column", "days_since_last_won", falling=True)
    >>> rule.predict(pd.DataFrame({"days_since_last_won": [5.0, 90.0]})).tolist()
    [-5.0, -90.0]
    """

    name: str
    column: str
    falling: bool = False

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return the column, with its sign turned where falling; 0 where the column is absent."""
        if self.column not in values.columns:
            return pd.Series(0.0, index=values.index, name=self.name)
        found = values[self.column].astype(float)
        return (-found if self.falling else found).rename(self.name)


@dataclass(frozen=True)
class RandomRule:
    """Rank by a number drawn from each account's id and the seed; the same at every as_of."""

    seed: int
    name: str = "random"

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return the drawn numbers, 0 to 1."""
        draws = account_draws(account_ids(values), purpose="random order", seed=self.seed)
        return pd.Series(draws, index=values.index, name=self.name)


@dataclass(frozen=True)
class TierRule:
    """Rank by the tier that an account held the day before as_of.

    Attributes
    ----------
    held
        Tier by (account_id, as_of); accounts without one come last.
    best_first
        The names of the tiers.
    """

    held: pd.Series[str]
    best_first: Sequence[str]
    name: str = "last_tiers"

    def predict(self, values: pd.DataFrame) -> pd.Series[float]:
        """Return minus the place of the tier."""
        places = {tier: -float(place) for place, tier in enumerate(self.best_first)}
        tiers = self.held.reindex(values.index)
        return tiers.map(places).astype(float).rename(self.name)


def past_revenue_rule(column: str = PAST_REVENUE[0]) -> ColumnRule:
    """Return the rule to beat: rank by the revenue of the past year."""
    return ColumnRule("past_revenue", column)


def last_quarter_rule() -> ColumnRule:
    """Return the rule to rank by the revenue of the last quarter."""
    return ColumnRule("last_quarter_revenue", "won_revenue_1q")


def best_column(
    values: pd.DataFrame, target: pd.Series[float], *, criteria: Sequence[str]
) -> ColumnRule:
    """Return the rule by the one numeric column, rising or falling, that ranks these rows best.

    Give it training rows alone; of many, those of the accounts of about 30,000 rows decide. Of
    equally good columns the first is taken; without any numeric column, past revenue.

    Examples
    --------
    >>> values = pd.DataFrame({"wins_count_4q": [0.0, 1, 2], "days_since_last_won": [9.0, 5, 8]})
    >>> best_column(values, pd.Series([0.0, 50, 10]), criteria=[*values]).column
    'days_since_last_won'
    """
    rules = [
        ColumnRule("best_column", name, falling=falling)
        for name in criteria
        if name in values.columns and not is_category(values[name])
        for falling in (False, True)
    ]
    rows = sample_accounts(values, most_rows=MOST_ROWS, seed=0)
    actual = target.reindex(rows.index)
    found = [gini(actual, rule.predict(rows)) for rule in rules]
    known = np.nan_to_num(np.array(found), nan=-np.inf)
    return rules[int(known.argmax())] if rules else ColumnRule("best_column", PAST_REVENUE[0])
