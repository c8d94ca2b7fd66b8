"""A card set by hand: its points from the settings, its money from what followed."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tierkit.criterion_words import LOG
from tierkit.errors import SettingsError
from tierkit.models.binning import is_category, known_numbers
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, Criterion, NumericCriterion
from tierkit.models.rows import newest_rows
from tierkit.settings import CardCriterion, CardSettings
from tierkit.statistics import FloatArray, tweedie_coefficients

_USUAL_POINTS_TO_DOUBLE = 10.0
_FLAT = math.log(1.01)


def fit_rules_card(
    values: pd.DataFrame, target: pd.Series[float], *, settings: CardSettings
) -> Card:
    """Return the card that the settings set by hand, with the money that such points went with.

    The points say who ranks before whom, and nothing changes that. How much a point is worth is
    `points_to_double`; where that is not set, it is fitted to what followed (Tweedie regression on
    the sum of points). The base makes predicted and actual revenue of `values` sum to the same.

    Parameters
    ----------
    values
        A row per account and as_of, with every column that the criteria name; `employees` also
        finds `log_employees`.
    target
        Won revenue over the horizon, same index, in money; amounts below 0 count as 0 while
        fitting.

    Raises
    ------
    SettingsError
        If a criterion names an absent column, or one that holds text instead of numbers or the
        other way round.

    Examples
    --------
    >>> rule = CardCriterion(criterion="wins_count_4q", edges=(1.0,), points=(0.0, 10.0))
    >>> values = pd.DataFrame({"wins_count_4q": [0.0, 0.0, 3.0]}, index=["A", "B", "C"])
    >>> card = fit_rules_card(values, pd.Series([10.0, 30.0, 80.0], index=["A", "B", "C"]),
    ...                       settings=CardSettings(criteria=(rule,)))
    >>> card.predict(values).round(6).to_dict()
    {'A': 20.0, 'B': 20.0, 'C': 80.0}
    """
    by_hand = tuple(_criterion(rule, values) for rule in settings.criteria)
    actual = np.asarray(target.reindex(values.index), dtype=np.float64)
    sums = np.asarray(Card(1.0, by_hand).score(values), dtype=np.float64)
    worth, note = _worth_of_a_point(sums, np.maximum(actual, 0.0), settings.points_to_double)
    criteria = tuple(scaled_criterion(one, by=worth) for one in by_hand)
    card = Card(base=1.0, criteria=criteria, notes=(note,)).with_accounts(newest_rows(values))
    return card.recalibrated(values, total=max(float(actual.sum()), 0.0))


def set_by_hand(values: pd.DataFrame, *, settings: CardSettings) -> Card:
    """Return the card of the settings with a base of 1; a tenth of a doubling a point by default.

    Parameters
    ----------
    values
        Rows of a panel, with every column that the criteria name.

    Raises
    ------
    SettingsError
        As `fit_rules_card` does.
    """
    worth = math.log(2) / (settings.points_to_double or _USUAL_POINTS_TO_DOUBLE)
    made = (scaled_criterion(_criterion(rule, values), by=worth) for rule in settings.criteria)
    return Card(base=1.0, criteria=tuple(made))


def column_named(name: str, columns: Collection[Any]) -> str:
    """Return the column that a criterion's name stands for, empty where there is none.

    Examples
    --------
    >>> column_named("employees", ["industry", "log_employees"]), column_named("x", ["industry"])
    ('log_employees', '')
    """
    return next((one for one in (name, f"{LOG}{name}") if one in columns), "")


def on_scale_of(column: str, named: str, number: float) -> float:
    """Return a number that people wrote for `named` on the scale of `column`.

    Examples
    --------
    >>> on_scale_of("log_employees", "employees", math.e), on_scale_of("tenure_days", "", 9.0)
    (1.0, 9.0)
    """
    if column == named or not column.startswith(LOG):
        return number
    return math.log(number) if number > 0 else -math.inf


def scaled_criterion(criterion: Criterion, *, by: float) -> Criterion:
    """Return the criterion with all of its points multiplied."""
    points = tuple(point * by for point in criterion.points)
    missing = criterion.missing * by
    if isinstance(criterion, NumericCriterion):
        return replace(criterion, points=points, missing=missing)
    return replace(criterion, points=points, missing=missing, other=criterion.other * by)


def _criterion(rule: CardCriterion, values: pd.DataFrame) -> Criterion:
    column = column_named(rule.criterion, values.columns)
    if not column:
        raise SettingsError(
            f"card.criteria: {rule.criterion} is no column of the panel; "
            f"there are {', '.join(map(str, values.columns))}."
        )
    is_list = isinstance(rule.points, tuple)
    if is_list == is_category(values[column]) and values[column].notna().any():
        holds, need = ("text", "a table") if is_list else ("numbers", "a list with edges")
        raise SettingsError(
            f"card.criteria: {rule.criterion} holds {holds}; its points must be {need}."
        )
    if not isinstance(rule.points, tuple):
        names = tuple(sorted(rule.points))
        points = tuple(rule.points[name] for name in names)
        return CategoricalCriterion(column, names, points, other=rule.other, missing=rule.missing)
    edges = tuple(on_scale_of(column, rule.criterion, edge) for edge in rule.edges)
    if not all(map(math.isfinite, edges)):
        raise SettingsError(f"card.criteria: {rule.criterion} is above 0; so must its edges be.")
    numbers = known_numbers(values[column])
    whole = bool(len(numbers)) and bool((numbers >= 0).all() and (numbers % 1 == 0).all())
    return NumericCriterion(column, edges, rule.points, missing=rule.missing, counts=whole)


def _worth_of_a_point(
    sums: FloatArray, target: FloatArray, to_double: float | None
) -> tuple[float, str]:
    """Return what a point adds on the log scale, and a sentence on it."""
    if to_double is not None:
        return math.log(2) / to_double, f"{to_double:g} points double predicted revenue, as set."
    spread = float(np.ptp(sums)) if len(sums) else 0.0
    if spread == 0 or target.sum() <= 0:
        usual = _USUAL_POINTS_TO_DOUBLE
        why = "every account has the same points" if spread == 0 else "no revenue followed"
        return math.log(2) / usual, f"{usual:g} points double predicted revenue: {why}."
    worth = float(tweedie_coefficients((sums / spread)[:, None], target)[0]) / spread
    if worth * spread <= _FLAT:
        return _FLAT / spread, (
            "More points went with no more revenue: accounts keep the order of their points, and "
            "all are predicted nearly the same."
        )
    return worth, f"{math.log(2) / worth:.3g} points double predicted revenue, as it was found."
