"""A criterion as people write it in `[[card.criteria]]`: points, and bins in its own units."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tierkit.criterion_words import LOG
from tierkit.models import Criterion, NumericCriterion, column_named

Plain = dict[str, Any]
USUAL_POINTS_TO_DOUBLE = 10.0


def hand_criterion(
    name: str,
    points: Sequence[float] | Mapping[str, float],
    *,
    edges: Sequence[float] = (),
    missing: float = 0.0,
    other: float = 0.0,
) -> Plain:
    """Return a criterion as `[[card.criteria]]` holds it.

    Examples
    --------
    >>> hand_criterion("industry", {"Energy": 5}, other=1)
    {'criterion': 'industry', 'points': {'Energy': 5.0}, 'other': 1.0, 'missing': 0.0}
    """
    if isinstance(points, Mapping):
        named = {str(key): float(value) for key, value in points.items()}
        return {"criterion": name, "points": named, "other": float(other),
                "missing": float(missing)}  # fmt: skip
    return {"criterion": name, "edges": [float(edge) for edge in edges],
            "points": [float(point) for point in points], "missing": float(missing)}  # fmt: skip


def is_same(name: str, other: str) -> bool:
    """Return whether two names are of one criterion: `employees` and `log_employees` are."""
    return name.removeprefix(LOG) == other.removeprefix(LOG)


def natural_name(name: str, known: Collection[str]) -> str:
    """Return the name under which people write a criterion's bins in its own units.

    Examples
    --------
    >>> natural_name("log_employees", ["log_employees"]), natural_name("tenure_days", [])
    ('employees', 'tenure_days')
    """
    plain = name.removeprefix(LOG)
    return plain if column_named(plain, known) == name else name


def natural_edges(criterion: NumericCriterion) -> list[float]:
    """Return where bins begin in the units of what is measured, never as a logarithm.

    Examples
    --------
    >>> natural_edges(NumericCriterion("log_employees", (math.log(100),), (0.0, 1.0)))
    [100.0]
    """
    if not criterion.name.startswith(LOG):
        return [*criterion.edges]
    return [float(f"{math.exp(edge):.12g}") for edge in criterion.edges]


def in_points(
    criterion: Criterion,
    *,
    known: Collection[str] = (),
    to_double: float = USUAL_POINTS_TO_DOUBLE,
) -> Plain:
    """Return a criterion as `[[card.criteria]]` holds it, its bins in its own units.

    Examples
    --------
    >>> in_points(NumericCriterion("wins_count_4q", (1.0,), (0.0, math.log(2)), missing=0.0))
    {'criterion': 'wins_count_4q', 'edges': [1.0], 'points': [0.0, 10.0], 'missing': 0.0}
    """

    def spell(points: float) -> float:
        return round(points / math.log(2) * to_double, 1) + 0.0

    if isinstance(criterion, NumericCriterion):
        name = natural_name(criterion.name, known)
        return {
            "criterion": name,
            "edges": [*criterion.edges] if name == criterion.name else natural_edges(criterion),
            "points": [spell(points) for points in criterion.points],
            "missing": spell(criterion.missing),
        }
    named = zip(criterion.categories, criterion.points, strict=True)
    return {
        "criterion": criterion.name,
        "points": {name: spell(points) for name, points in named},
        "other": spell(criterion.other),
        "missing": spell(criterion.missing),
    }
