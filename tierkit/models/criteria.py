"""Criteria of a card: a column, cut into bins with points; missing is a bin of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from tierkit.criterion_words import numeric_bins
from tierkit.errors import SettingsError
from tierkit.statistics import FloatArray, IntArray

MOST_POINTS = 50
"""A factor of e⁵⁰ either way; beyond, a few criteria together pass what a number can hold."""


@dataclass(frozen=True)
class NumericCriterion:
    """A column of numbers, cut into bins.

    Attributes
    ----------
    name
        The column.
    edges
        Where bins begin, ascending. A bin holds its lower edge and not its upper one.
    points
        Of each bin, one more than edges; on the log scale, so that factor = exp(points).
    missing
        Points where the value is unknown.
    counts
        Whether values are whole numbers, 0 or more; it only changes how bins are spelled.
    accounts
        Accounts in each bin and, last, in the missing one, at the last date of training; empty
        where they are not known.

    Examples
    --------
    >>> revenue = NumericCriterion("won_revenue_4q", (100.0,), (-0.5, 0.5), missing=0.0)
    >>> revenue.points_of(pd.Series([99.9, 100.0, None])).tolist()
    [-0.5, 0.5, 0.0]
    """

    name: str
    edges: tuple[float, ...]
    points: tuple[float, ...]
    missing: float = 0.0
    counts: bool = False
    accounts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raise with every problem at once."""
        ascending = all(low < high for low, high in pairwise(self.edges))
        _raise_if_wrong(
            self,
            {
                "edges must be finite and ascend": ascending and _finite(self.edges),
                "there must be one more points than edges": len(self.points) == len(self.edges) + 1,
            },
        )

    @property
    def points_by_bin(self) -> FloatArray:
        """Points of every bin, the missing one last."""
        return np.array([*self.points, self.missing], dtype=float)

    @property
    def bins(self) -> tuple[str, ...]:
        """Every bin in words, the missing one last."""
        return (*numeric_bins(self.name, self.edges, counts=self.counts), "unknown")

    def bin_of(self, values: pd.Series[Any]) -> IntArray:
        """Return the position of each value's bin; values that are no number are unknown."""
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        found = np.searchsorted(np.array(self.edges, dtype=float), numbers, side="right")
        return np.where(np.isnan(numbers), len(self.points), found).astype(np.int64)

    def points_of(self, values: pd.Series[Any]) -> FloatArray:
        """Return the points of each value."""
        return self.points_by_bin[self.bin_of(values)]


@dataclass(frozen=True)
class CategoricalCriterion:
    """A column of categories.

    Attributes
    ----------
    name
        The column.
    categories
        Those with points of their own, sorted.
    points
        Of each category; on the log scale.
    other
        Points of every other value: too rare when the card was fitted, or never seen.
    missing
        Points where the value is unknown.
    accounts
        Accounts of each category, of the others and, last, of the missing ones.

    Examples
    --------
    >>> industry = CategoricalCriterion("industry", ("Energy",), (0.7,), other=0.1, missing=-0.2)
    >>> industry.points_of(pd.Series(["Energy", "Retail", None])).tolist()
    [0.7, 0.1, -0.2]
    """

    name: str
    categories: tuple[str, ...]
    points: tuple[float, ...]
    other: float = 0.0
    missing: float = 0.0
    accounts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raise with every problem at once."""
        ascending = all(first < second for first, second in pairwise(self.categories))
        _raise_if_wrong(
            self,
            {
                "categories must be sorted and unique": ascending,
                "there must be points for each category": len(self.points) == len(self.categories),
                "points must be finite": math.isfinite(self.other),
            },
        )

    @property
    def points_by_bin(self) -> FloatArray:
        """Points of every category, of the others, and of the missing ones last."""
        return np.array([*self.points, self.other, self.missing], dtype=float)

    @property
    def bins(self) -> tuple[str, ...]:
        """Every category, the others, and the missing ones last."""
        return (*self.categories, "other", "unknown")

    def bin_of(self, values: pd.Series[Any]) -> IntArray:
        """Return the position of each value's bin."""
        known = values.notna().to_numpy(dtype=bool)
        texts = values.astype(object).where(known, None).map(str)
        found = pd.Index(self.categories, dtype=object).get_indexer(pd.Index(texts, dtype=object))
        found = np.where(found < 0, len(self.categories), found)
        return np.where(known, found, len(self.categories) + 1).astype(np.int64)

    def points_of(self, values: pd.Series[Any]) -> FloatArray:
        """Return the points of each value."""
        return self.points_by_bin[self.bin_of(values)]


Criterion = NumericCriterion | CategoricalCriterion


def _finite(numbers: Sequence[float]) -> bool:
    return all(math.isfinite(number) for number in numbers)


def _raise_if_wrong(criterion: Criterion, rules: Mapping[str, bool]) -> None:
    points = criterion.points_by_bin
    bins = len(points)
    every = {
        **rules,
        "points must be finite": _finite(criterion.points) and math.isfinite(criterion.missing)
        and rules.get("points must be finite", True),
        f"points must lie between -{MOST_POINTS} and {MOST_POINTS}, or money has no end": not bool(
            (np.abs(points) > MOST_POINTS).any()
        ),
        "there must be accounts for every bin or none": len(criterion.accounts) in {0, bins},
    }  # fmt: skip
    wrong = [rule for rule, kept in every.items() if not kept]
    if wrong:
        raise SettingsError(f"card: {criterion.name}: {'; '.join(wrong)}.")
