"""Expected renewals with ranges: chances, the sizes of renewals, and how far dates fell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.statistics import FloatArray, middle_range

DRAWS, FEWEST_DRAWS, MOST_DRAWN, AT_ONCE = 1_000, 200, 20_000_000, 500_000
UNTESTED_SPREAD = 0.5
"""Log odds by which a date may differ from what is said, where no date could be tested."""

UNTESTED_DATES = 2


@dataclass(frozen=True)
class DateSpread:
    """How far the odds of whole dates lay from what was said of them.

    Attributes
    ----------
    spread
        Standard deviation of the log odds between dates, beyond what chance explains.
    dates
        How many dates it was seen at.
    """

    spread: float = UNTESTED_SPREAD
    dates: int = 0

    @classmethod
    def seen(cls, tested: pd.DataFrame) -> DateSpread:
        """Return the spread of tested renewals.

        A date's shift is one step of Newton's from the odds that were said of it.
        """
        if tested.empty:
            return cls()
        chance = tested["chance"].to_numpy(dtype=float).clip(0.005, 0.995)
        sums = pd.DataFrame(
            {
                "day": tested["day"].to_numpy(),
                "missed": (tested["renewed"].to_numpy() > 0) - chance,
                "weight": chance * (1 - chance),
            }
        ).groupby("day", dropna=False).sum()  # fmt: skip
        shift, by_chance = sums["missed"] / sums["weight"], 1 / sums["weight"]
        beyond = float((shift**2 - by_chance).mean())
        return cls(float(np.sqrt(max(0.0, beyond))), len(sums))


def drawn_amounts(
    due: pd.DataFrame,
    groups: pd.Series[str],
    ratios: FloatArray,
    spread: DateSpread,
    *,
    seed: int,
) -> dict[str, FloatArray]:
    """Return draws of the value that will be renewed, by group.

    In each draw the odds of all renewals are shifted together, every renewal comes or not by its
    chance, and at the size of one that was seen.

    Parameters
    ----------
    due
        Renewals with `value`, `chance` and `expected`.
    groups
        The group of each, on the same index; missing is in none.
    ratios
        Renewed over due of renewals that were seen; their mean is made that of `expected`.
    """
    names = sorted(groups.dropna().unique())
    chance = due["chance"].to_numpy(dtype=float).clip(0.005, 0.995)
    value, expected = (due[name].to_numpy(dtype=float) for name in ("value", "expected"))
    size = np.divide(expected, due["chance"].to_numpy(dtype=float), out=np.zeros_like(expected),
                     where=due["chance"].to_numpy(dtype=float) > 0)  # fmt: skip
    rng = np.random.default_rng(seed)
    seen = ratios / ratios.mean() if len(ratios) and ratios.mean() > 0 else np.ones(1)
    odds = np.log(chance / (1 - chance))
    belongs = np.array([[group == name for name in names] for group in groups], dtype=float)
    belongs = belongs.reshape(len(value), len(names))
    draws = int(np.clip(MOST_DRAWN // max(len(value), 1), FEWEST_DRAWS, DRAWS))
    shifts = spread.spread * rng.standard_t(max(spread.dates, UNTESTED_DATES) + 1, size=draws)
    sums = []
    for some in np.array_split(shifts, max(1, draws * len(value) // AT_ONCE)):
        shape = (len(some), len(value))
        comes = rng.random(shape) < 1 / (1 + np.exp(-(odds + some[:, None])))
        sums.append((comes * size * seen[rng.integers(0, len(seen), shape)]) @ belongs)
    together = np.concatenate(sums)
    return {name: together[:, place] for place, name in enumerate(names)}


def ranged(expected: float, draws: FloatArray | None) -> Figure:
    """Return an expected amount with the range that 8 of 10 draws lie in; it holds the amount."""
    if draws is None or not len(draws):
        return Figure(expected, expected, expected)
    low, high = middle_range(draws)
    return Figure(expected, min(low, expected), max(high, expected))
