"""Rules for the revenue of known accounts by quarter, weighed by how they did before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tierkit.forecast.history import KnownTotals
from tierkit.statistics import FloatArray

A_YEAR = 4
_NEWEST = 4
"""Earlier origins from which it is learned how known accounts come out against a base."""

_TRIED = 8
_FADING = 0.8
_USUAL_ERROR, _USUAL_ORIGINS = 0.3, 2.0
_NEVER_BETTER = 0.15
Base = Callable[[FloatArray, int, int], float]


def mean_of_four(totals: FloatArray, origin: int, _ahead: int) -> float:
    """Return the mean of the last four quarters, or of those that there are."""
    return float(totals[max(0, origin - A_YEAR) : origin].mean()) if origin else np.nan


def same_quarter_last_year(totals: FloatArray, origin: int, ahead: int) -> float:
    """Return the newest known total of the same quarter of a year."""
    place = origin + ahead - A_YEAR * (ahead // A_YEAR + 1)
    return float(totals[place]) if place >= 0 else np.nan


def last_two(totals: FloatArray, origin: int, _ahead: int) -> float:
    """Return the geometric mean of the last two quarters."""
    if origin < 2 or min(totals[origin - 2 : origin]) <= 0:
        return np.nan
    return float(np.sqrt(totals[origin - 1] * totals[origin - 2]))


RULES: Mapping[str, tuple[Base, str]] = {
    "the mean of four quarters": (mean_of_four, ""),
    "the mean of four quarters × how earlier accounts came out against it": (mean_of_four, "level"),
    "the mean of four quarters × last year's season": (mean_of_four, "season"),
    "the same quarter last year": (same_quarter_last_year, ""),
    "the same quarter last year × how earlier accounts came out against theirs": (
        same_quarter_last_year,
        "level",
    ),
    "the geometric mean of the last two quarters": (last_two, ""),
}
"""A base from totals of all accounts, and how accounts known earlier came out against it: at the
newest origins (`level`), or at the origin a year before (`season`)."""


def by_rule(known: KnownTotals, origin: int, quarters: int) -> FloatArray:
    """Return what each rule predicts at a quarter-end: a row per rule, a column per quarter.

    Only what was known at the origin is used. NaN where a rule has nothing to go by.
    """
    rows = [
        [_predicted(known, origin, ahead, base, how) for ahead in range(quarters)]
        for base, how in RULES.values()
    ]
    return np.array(rows)


class Trial:
    """Every rule at every quarter-end, for one horizon; each is found once.

    Parameters
    ----------
    known
        Totals by quarter.
    quarters
        Of the horizon.
    """

    def __init__(self, known: KnownTotals, quarters: int) -> None:
        self.known, self.quarters = known, quarters
        self._predicted: dict[int, FloatArray] = {}
        self._combined: dict[int, tuple[FloatArray, FloatArray]] = {}

    def predicted(self, origin: int) -> FloatArray:
        """Return what each rule predicts at a quarter-end, as `by_rule` does."""
        if origin not in self._predicted:
            self._predicted[origin] = by_rule(self.known, origin, self.quarters)
        return self._predicted[origin]

    def combined(self, origin: int) -> tuple[FloatArray, FloatArray]:
        """Return the weighted geometric mean of the rules by quarter, and the weights.

        The weight of a rule falls with the square of its mean squared log error at up to eight
        earlier origins, of which newer ones count more; few origins are filled up with the error
        that such rules usually have. All NaN where no rule has anything to go by.
        """
        if origin not in self._combined:
            self._combined[origin] = self._weighed(origin)
        return self._combined[origin]

    def _weighed(self, origin: int) -> tuple[FloatArray, FloatArray]:
        predicted = self.predicted(origin)
        usable = np.asarray((np.isfinite(predicted) & (predicted > 0)).all(axis=1))
        if not usable.any():
            return np.full(self.quarters, np.nan), np.zeros(len(RULES))
        earlier = range(max(1, origin - _TRIED), origin)
        errors = [self._log_errors(one, min(self.quarters, origin - one)) for one in earlier]
        weights = np.zeros(len(RULES))
        for place in np.flatnonzero(usable):
            weights[place] = _weight(np.array([one[place] for one in errors]))
        weights /= weights.sum()
        logs = np.log(np.where(usable[:, None], predicted, 1.0))
        return np.exp((weights[:, None] * logs).sum(axis=0)), weights

    def _log_errors(self, origin: int, quarters: int) -> FloatArray:
        predicted, came = self.predicted(origin), self.known.came(origin, quarters)
        said = predicted[:, :quarters].sum(axis=1)
        if not came > 0:
            return np.full(len(predicted), np.nan)
        return np.asarray(np.log(np.where(said > 0, said, np.nan) / came))


def _weight(errors: FloatArray) -> float:
    """Return the weight of a rule with these log errors, the newest last."""
    seen = np.isfinite(errors)
    fade = _FADING ** np.arange(len(errors))[::-1][seen]
    squares = float((errors[seen] ** 2 * fade).sum()) + _USUAL_ORIGINS * _USUAL_ERROR**2
    spread = squares / (float(fade.sum()) + _USUAL_ORIGINS)
    return float((spread + _NEVER_BETTER**2) ** -2)


def _predicted(known: KnownTotals, origin: int, ahead: int, base: Base, how: str) -> float:
    level = base(known.totals, origin, ahead)
    if not level > 0:
        return float("nan")
    if how == "level":
        origins = range(max(1, origin - ahead - _NEWEST), origin - ahead)
    elif how == "season":
        place = origin - A_YEAR * (ahead // A_YEAR + 1)
        origins = range(place, place + 1) if place >= 1 else range(0)
    else:
        return level
    found = [_log_ratio(known, earlier, ahead, base) for earlier in origins]
    seen = [one for one in found if np.isfinite(one)]
    return level * float(np.exp(np.mean(seen))) if seen else float("nan")


def _log_ratio(known: KnownTotals, origin: int, ahead: int, base: Base) -> float:
    level, came = base(known.totals, origin, ahead), known.of_known[origin, origin + ahead]
    return float(np.log(came / level)) if level > 0 and came > 0 else float("nan")
