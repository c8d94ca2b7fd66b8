"""Criteria as people read them: their names, their values and bins, the factors of the card."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

LOG = "log_"
_WINDOW = re.compile(r"(?P<base>.+)_(?P<quarters>\d+)q")
_PLAIN = {
    "won_gap_median_days": "median days between wins",
    "days_since_last_won_over_gap": "days since last won over the usual gap",
}
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def plain_name(name: str) -> str:
    """Return a criterion's name in words, with its window; a logarithm is named by what it is of.

    Examples
    --------
    >>> plain_name("won_revenue_4q"), plain_name("wins_count_1q"), plain_name("log_employees")
    ('won revenue (4 quarters)', 'wins (1 quarter)', 'employees')
    >>> plain_name("won_gap_median_days")
    'median days between wins'
    """
    base, window = name.removeprefix(LOG), ""
    if found := _WINDOW.fullmatch(base):
        base, quarters = found["base"], int(found["quarters"])
        window = f" ({quarters} quarter{'s' if quarters > 1 else ''})"
    base = base.removesuffix("_ever").removesuffix("_count").removesuffix("_shrunk")
    return _PLAIN.get(base, base.replace("_", " ").strip()) + window


def short_number(value: float) -> str:
    """Return a number with at most three significant digits and a unit.

    Examples
    --------
    >>> [short_number(value) for value in (0, 0.345, 12.5, 999.9, 120_000, -1_234_567)]
    ['0', '0.345', '12.5', '1k', '120k', '-1.23M']
    """
    rounded = float(f"{value:.3g}")
    for size, unit in _UNITS:
        if abs(rounded) >= size:
            return f"{rounded / size:.3g}{unit}"
    return f"{rounded:g}"


_COUNTED = re.compile(r"employees|(closed deals|open deals|wins|products|contacts)\b.*")


def is_counted(criterion: str) -> bool:
    """Return whether the plain name of a criterion is that of things that are counted.

    Examples
    --------
    >>> is_counted("wins (4 quarters)"), is_counted("tenure days")
    (True, False)
    """
    return _COUNTED.fullmatch(criterion) is not None


def factor_words(points: float) -> str:
    """Return the factor of some points, `×2.4`.

    Examples
    --------
    >>> [factor_words(math.log(factor)) for factor in (2.41, 0.8, 0.004, 1.0)]
    ['×2.4', '×0.80', '×0.004', '×1.0']
    """
    factor = math.exp(points)
    if factor >= 10:
        return f"×{factor:.0f}"
    if factor >= 0.995:
        return f"×{factor:.1f}"
    return f"×{factor:.2f}" if factor >= 0.01 else f"×{factor:.1g}"


def numeric_bins(name: str, edges: Sequence[float], *, counts: bool) -> tuple[str, ...]:
    """Return the bins between the edges in words; each bin holds its lower edge, not its upper.

    Parameters
    ----------
    name
        The criterion; edges of one named `log_…` are spelled on the scale of what it measures.
    counts
        Whether values are whole numbers, 0 or more.

    Examples
    --------
    >>> numeric_bins("won_revenue_4q", (120_000, 300_000), counts=False)
    ('under 120k', '120k–300k', '300k or more')
    >>> numeric_bins("wins_count_4q", (1, 2, 5), counts=True)
    ('0', '1', '2–4', '5 or more')
    """
    if not edges:
        return ("any value",)
    shown = [float(np.exp(edge)) for edge in edges] if name.startswith(LOG) else [*edges]
    spell = _spell_range_of_counts if counts else _spell_range
    between = [spell(low, high) for low, high in pairwise(shown)]
    first = spell(0, shown[0]) if counts and shown[0] > 0 else f"under {short_number(shown[0])}"
    return (first, *between, f"{short_number(shown[-1])} or more")


def _spell_range(low: float, high: float) -> str:
    between = " to " if low < 0 else "–"
    return f"{short_number(low)}{between}{short_number(high)}"


def _spell_range_of_counts(low: float, high: float) -> str:
    first, last = math.ceil(low), math.ceil(high) - 1
    return short_number(first) if last <= first else _spell_range(first, last)
