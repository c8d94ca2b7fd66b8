"""The total of known accounts by quarter, with the range that errors at earlier origins allow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from scipy.special import stdtrit

from tierkit.figure import Figure
from tierkit.forecast.history import KnownTotals
from tierkit.forecast.rules import A_YEAR, RULES, Trial
from tierkit.statistics import FloatArray

RANGE_SHARE = 0.8
WIDEST = 4.0
"""High ÷ low from which on a range says nothing."""

NARROWEST_WITHOUT_SEASON = 1.4
SEASON_UNKNOWN = "less than a year is known, so that the season cannot be"
_USUAL, _USUAL_WITHOUT_SEASON, _USUAL_ORIGINS = 0.12, 0.3, 2.0
_EVENS_OUT = 0.25
"""Chance evens out over quarters: the usual error of n of them is that of one ÷ n to this power."""

_FADING = 0.85
_EARLY = 0.5
NOTHING_WON = "nothing was won in the last four quarters"
NO_QUARTER = "no whole quarter is known"


@dataclass(frozen=True)
class Span:
    """Revenue of some quarters together.

    Attributes
    ----------
    predicted
        In money; NaN where it cannot be said.
    low, high
        They would hold it in 8 of 10 cases; NaN where that cannot be said.
    spread, freedom
        Standard deviation of the log error, and the degrees of freedom behind it.
    why
        Why there is no range, empty where there is one.
    """

    predicted: float
    low: float
    high: float
    spread: float
    freedom: float
    why: str = ""

    @property
    def figure(self) -> Figure:
        """The amount with its range, or the reason why there is none."""
        return Figure.of(self.predicted, self.why or NO_QUARTER, low=self.low, high=self.high)

    def facts(self) -> dict[str, Any]:
        """Return it as `facts.json` holds it."""
        return self.figure.facts("predicted", low="low", high="high")


@dataclass(frozen=True)
class Forecast:
    """The revenue to come of the accounts known at a date.

    Attributes
    ----------
    quarters
        A span per quarter of the horizon; their predictions add up to the horizon's.
    horizon
        All of them together.
    weights
        By rule in words: its weight.
    last_year
        What all accounts won in the same quarters a year before; NaN where that is not known.
    newcomers
        What accounts that were not known a horizon ago brought in the horizon since; NaN where the
        history is shorter.
    knows_season
        Whether a whole year is known.
    """

    quarters: tuple[Span, ...]
    horizon: Span
    weights: Mapping[str, float]
    last_year: tuple[float, ...]
    newcomers: float
    knows_season: bool

    @property
    def next_quarter(self) -> Span:
        """The first quarter."""
        return self.quarters[0]

    def facts(self) -> dict[str, Any]:
        """Return it as `facts.json` holds it."""
        new = Figure.of(self.newcomers, "the history is shorter than the horizon")
        before = [Figure.of(one, "a year ago is not known") for one in self.last_year]
        return {
            "horizon": self.horizon.facts(),
            "quarters": [
                {**span.facts(), **last.facts("same_quarter_last_year")}
                for span, last in zip(self.quarters, before, strict=True)
            ],
            **new.facts("new_accounts_brought"),
            "season_is_known": self.knows_season,
            "weights": dict(self.weights),
        }


def forecast(known: KnownTotals, *, quarters: int) -> Forecast:
    """Return what the accounts known after the last quarter will bring in the quarters that follow.

    Simple rules are tried against each other at earlier quarter-ends and combined by how they did
    (`Trial.combined`). The range comes from how far the same combination was off at earlier ones,
    each by what was known then: a t interval of log errors, in which newer ones count more and few
    are filled up with the usual error (12 % for one quarter, or 30 % where no whole year is known;
    less for more quarters, over which chance evens out). Horizons that overlap tell less.

    Parameters
    ----------
    known
        Totals by quarter.
    quarters
        Of the horizon.

    Examples
    --------
    >>> from tierkit.forecast.history import KnownTotals
    >>> table = np.full((9, 8), np.nan)
    >>> for origin in range(9):
    ...     table[origin, origin:] = 100.0
    >>> found = forecast(KnownTotals((None,) * 8, np.full(8, 100.0), table), quarters=2)
    >>> round(found.horizon.predicted), found.horizon.low > 150
    (200, True)
    """
    origin = len(known.totals)
    trial = Trial(known, quarters)
    amounts, weights = trial.combined(origin)
    if not np.isfinite(amounts).all():
        return _nothing(known, quarters)
    spans = []
    for ahead in range(quarters):
        spread, freedom = _spread(trial, origin, 1, ahead=ahead)
        spans.append(_span(float(amounts[ahead]), spread, freedom, known))
    spread, freedom = _spread(trial, origin, quarters, ahead=0)
    named = {name: float(one) for name, one in zip(RULES, weights, strict=True) if one > 0}
    return Forecast(
        tuple(spans),
        _span(float(amounts.sum()), spread, freedom, known),
        named,
        _last_year(known, quarters),
        _newcomers(known, quarters),
        origin >= A_YEAR,
    )


def earlier_forecasts(
    known: KnownTotals, days: Sequence[date], *, quarters: int
) -> dict[date, float]:
    """Return by date what would have been forecast for the horizon; dates without are absent."""
    ends = {quarter.as_of: place + 1 for place, quarter in enumerate(known.quarters)}
    trial, found = Trial(known, quarters), {}
    for day in days:
        if day in ends:
            amount = float(trial.combined(ends[day])[0].sum())
            if math.isfinite(amount):
                found[day] = amount
    return found


def interval(predicted: float, spread: float, freedom: float) -> tuple[float, float]:
    """Return the ends that would hold an amount in 8 of 10 cases, from the spread of log errors."""
    reach = math.exp(float(stdtrit(freedom, 1 - (1 - RANGE_SHARE) / 2)) * spread)
    return predicted / reach, predicted * reach


def _span(predicted: float, spread: float, freedom: float, known: KnownTotals) -> Span:
    low, high = interval(predicted, spread, freedom)
    if len(known.totals) < A_YEAR:
        least = max(NARROWEST_WITHOUT_SEASON, _moved(known.totals))
        low, high = min(low, predicted / least), max(high, predicted * least)
    if high > WIDEST * low:
        why = "earlier totals were off by too much to say a range"
        if len(known.totals) < A_YEAR:
            why = SEASON_UNKNOWN
        return Span(predicted, math.nan, math.nan, spread, freedom, why)
    return Span(predicted, low, high, spread, freedom)


def _spread(trial: Trial, origin: int, quarters: int, *, ahead: int) -> tuple[float, float]:
    """Return the spread of log errors of so many quarters, the first of them so far ahead."""
    usual = _USUAL if origin > A_YEAR else _USUAL_WITHOUT_SEASON
    usual *= quarters**-_EVENS_OUT
    squares, counts = 0.0, 0.0
    for earlier in range(2, origin - ahead):
        over = min(quarters, origin - ahead - earlier)
        said = float(trial.combined(earlier)[0][ahead : ahead + over].sum())
        start = earlier + ahead
        came = float(trial.known.of_known[earlier, start : start + over].sum())
        if said > 0 and came > 0:
            weight = _FADING ** (origin - earlier - 1) * over / quarters
            weight *= 1.0 if earlier >= A_YEAR else _EARLY
            squares, counts = squares + weight * math.log(said / came) ** 2, counts + weight
    effective = counts / (1 + (quarters - 1) / 2)
    mean = squares / counts if counts else 0.0
    variance = (mean * effective + _USUAL_ORIGINS * usual**2) / (effective + _USUAL_ORIGINS)
    return math.sqrt(variance), effective + _USUAL_ORIGINS


def _moved(totals: FloatArray) -> float:
    """Return by how much one quarter was another one at most."""
    positive = totals[totals > 0]
    return float(positive.max() / positive.min()) if len(positive) else 1.0


def _last_year(known: KnownTotals, quarters: int) -> tuple[float, ...]:
    count = len(known.totals)
    places = [count + ahead - A_YEAR * (ahead // A_YEAR + 1) for ahead in range(quarters)]
    return tuple(float(known.totals[place]) if place >= 0 else math.nan for place in places)


def _newcomers(known: KnownTotals, quarters: int) -> float:
    origin = len(known.totals) - quarters
    if origin < 1:
        return math.nan
    return float(known.totals[origin:].sum()) - known.came(origin, quarters)


def _nothing(known: KnownTotals, quarters: int) -> Forecast:
    """Return the forecast where no rule has anything to go by."""
    why, amount = (NOTHING_WON, 0.0) if len(known.totals) else (NO_QUARTER, math.nan)
    span = Span(amount, math.nan, math.nan, math.nan, math.nan, why)
    last = _last_year(known, quarters)
    return Forecast((span,) * quarters, span, {}, last, math.nan, len(known.totals) >= A_YEAR)
