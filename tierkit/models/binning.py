"""Columns to bins that people can read: which criteria can be used, and where their bins begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from tierkit.models.criteria import CategoricalCriterion, Criterion, NumericCriterion
from tierkit.statistics import FloatArray, IntArray

RARE_ROWS = 20
RARE_SHARE = 0.005
_TAIL_ROWS = 20
_TAIL_SHARE_OF_BINS = 0.25
_MOST_AMOUNT_BINS = 48
_AMOUNTS = np.array([1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8])


@dataclass(frozen=True)
class Binned:
    """Criteria with bins and without points yet, and what was dropped.

    Attributes
    ----------
    criteria
        All points are 0.
    codes
        A row per row of the values, a column per criterion: the position of the bin.
    dropped
        For each criterion that cannot be used, why.
    """

    criteria: tuple[Criterion, ...]
    codes: IntArray
    dropped: Mapping[str, str]


def bin_criteria(
    values: pd.DataFrame, criteria: Sequence[str], *, max_bins: int, amounts: Sequence[str] = ()
) -> Binned:
    """Cut every usable criterion into bins.

    Parameters
    ----------
    values
        A row per account and as_of; numbers or categories, missing where unknown.
    criteria
        The columns that may be used.
    max_bins
        The most bins of a numeric criterion, the missing one not counted.
    amounts
        The columns of past revenue, if any: each gets a bin for every quarter more, so that large
        accounts stay apart. Of identical columns these stay, the first of them before all.
    """
    reasons = _unusable(values, criteria, first=amounts)
    made: dict[str, Criterion] = {}
    for name in criteria:
        if name not in reasons:
            one = _criterion(values[name], max_bins=max_bins, is_amount=name in amounts)
            if len(np.unique(one.bin_of(values[name]))) > 1:
                made[name] = one
            else:
                reasons[name] = "almost every account has the same value"
    codes = [made[name].bin_of(values[name]) for name in made]
    table = np.column_stack(codes) if codes else np.zeros((len(values), 0), dtype=np.int64)
    return Binned(tuple(made.values()), table, reasons)


def numeric_edges(numbers: FloatArray, *, max_bins: int) -> tuple[float, ...]:
    """Return where bins begin: about equal groups, finer at the top, at round numbers.

    The top decides who is in the first tiers, so up to a quarter of the bins halve the last group
    again and again while 20 rows are left. Zero has a bin of its own where nothing is below it.
    Where values are few, each has a bin.

    Parameters
    ----------
    numbers
        Known values, at least one.
    max_bins
        The most bins.

    Examples
    --------
    >>> numeric_edges(np.array([0.0] * 50 + [1.0] * 30 + [2.0] * 20), max_bins=4)
    (1.0, 2.0)
    """
    distinct = np.unique(numbers)
    if len(distinct) <= max_bins:
        return tuple(distinct[1:].tolist())
    tail = int(max_bins * _TAIL_SHARE_OF_BINS)
    while tail and len(numbers) / (max_bins - tail) / 2**tail < _TAIL_ROWS:
        tail -= 1
    equal = max_bins - tail
    places = [*np.linspace(0, 1, equal + 1)[1:-1], *(1 - 0.5 ** np.arange(1, tail + 1) / equal)]
    edges = _rounded(np.quantile(numbers, places, method="higher"))
    smallest = numbers.min()
    above = numbers[numbers > smallest]
    if smallest == 0 and (numbers == 0).sum() >= RARE_ROWS and len(above):
        edges = np.append(edges[edges > above.min()], _rounded_down(above.min()))
    apart = edges[(edges > smallest) & (edges <= numbers.max())]
    return tuple(np.unique(apart)[-(max_bins - 1) :].tolist())


def amount_edges(numbers: FloatArray) -> tuple[float, ...]:
    """Return edges that grow by about a quarter each: 1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8, 10.

    Parameters
    ----------
    numbers
        Known amounts, some of them above 0. Edges span the largest 98 % of those; one more parts
        the others from 0.
    """
    positive = numbers[numbers > 0]
    low, high = np.quantile(positive, 0.02), positive.max()
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    grid = np.round(np.concatenate([_AMOUNTS * 10.0**power for power in powers]), 12)
    grid = grid[(grid >= low) & (grid <= high)]
    step = max(1, int(np.ceil(len(grid) / _MOST_AMOUNT_BINS)))
    first = _rounded_down(positive.min())
    return (first, *grid[::step][grid[::step] > first].tolist())


def is_category(column: pd.Series[Any]) -> bool:
    """Return whether a column holds categories: everything that is no number, and true or false."""
    return not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype)


def known_numbers(column: pd.Series[Any]) -> FloatArray:
    """Return the finite values of a numeric column."""
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(numbers[np.isfinite(numbers)])


def _unusable(
    values: pd.DataFrame, criteria: Sequence[str], *, first: Sequence[str]
) -> dict[str, str]:
    """Return why criteria cannot be used; of identical ones the first stays, `first` before all."""
    places = {name: place for place, name in enumerate(first)}
    reasons: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for name in sorted(criteria, key=lambda one: places.get(one, len(places))):
        if name not in values.columns:
            reasons[name] = "the column is absent"
        elif values[name].isna().all():
            reasons[name] = "no account has a value"
        elif _is_constant(values[name]):
            reasons[name] = "every account has the same value"
        else:
            twin = seen.setdefault(_content(values[name]), name)
            if twin != name:
                reasons[name] = f"identical to {twin}"
    return {name: reasons[name] for name in criteria if name in reasons}


def _is_constant(column: pd.Series[Any]) -> bool:
    codes, unique = pd.factorize(column, use_na_sentinel=True)
    return len(unique) + int((codes < 0).any()) <= 1


def _content(column: pd.Series[Any]) -> bytes:
    codes, unique = pd.factorize(column, use_na_sentinel=True)
    return codes.astype(np.int64).tobytes() + repr([*unique]).encode()


def _criterion(column: pd.Series[Any], *, max_bins: int, is_amount: bool) -> Criterion:
    name = str(column.name)
    if is_category(column):
        return _categorical(column)
    numbers = known_numbers(column)
    spread = is_amount and (numbers > 0).sum() >= RARE_ROWS
    edges: tuple[float, ...] = ()
    if len(numbers):
        edges = amount_edges(numbers) if spread else numeric_edges(numbers, max_bins=max_bins)
    whole = bool(len(numbers)) and bool((numbers >= 0).all() and (numbers % 1 == 0).all())
    return NumericCriterion(name, edges, (0.0,) * (len(edges) + 1), counts=whole)


def _categorical(column: pd.Series[Any]) -> CategoricalCriterion:
    """Return the common categories; those with few rows share the points of `other`."""
    counts = column.dropna().map(str).value_counts()
    needed = max(RARE_ROWS, RARE_SHARE * len(column))
    common = sorted(counts.index[counts.to_numpy() >= needed])
    return CategoricalCriterion(str(column.name), tuple(common), (0.0,) * len(common))


def _rounded(numbers: FloatArray) -> FloatArray:
    """Return numbers with two significant digits."""
    unit = _unit(numbers)
    return np.round(np.round(numbers / unit) * unit, 12)


def _rounded_down(number: float) -> float:
    unit = float(_unit(np.array([number]))[0])
    return float(np.round(np.floor(number / unit) * unit, 12))


def _unit(numbers: FloatArray) -> FloatArray:
    """Return the worth of the second significant digit."""
    size = np.abs(np.where(numbers == 0, 1.0, numbers))
    return np.asarray(10.0 ** (np.floor(np.log10(size)) - 1))
