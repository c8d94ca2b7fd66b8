"""Candidates, and the one that ranks: the simplest that nothing tested is better than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.models import ColumnRule
from tierkit.statistics import measured_draws, resampled

TOLERANCE = 0.005
"""A Gini of so much less is no reason to rank by something less simple."""

RULES: Mapping[str, str] = {
    "past_revenue": "past revenue",
    "last_quarter_revenue": "last quarter's revenue",
    "half_year_revenue": "the revenue of the last two quarters",
    "revenue_ever": "all revenue that is known",
    "revenue_per_quarter": "revenue a quarter since the first win",
    "same_quarter_last_year": "the same quarter a year ago",
    "best_column": "the best single criterion",
}
"""Simple rules in words, the simplest first."""

CARDS: Mapping[str, str] = {"rules_card": "the card set by hand", "card": "the fitted card"}
COLUMNS: Mapping[str, str] = {
    "last_quarter_revenue": "won_revenue_1q",
    "half_year_revenue": "won_revenue_2q",
    "revenue_ever": "won_revenue_ever",
    "revenue_per_quarter": "won_revenue_per_quarter",
}
PAST = "past_revenue"
_SIMPLEST = "it is the simplest that nothing tested is better than"
_ONE_TEST = "a single test shows nothing that is clearly better"
_LAST_YEAR = "won_revenue_same_quarter_last_year"
_DRAWS = 400
_ERRORS_IN_RANGE = 3.92
"""Standard errors from end to end of a 95 % range."""


@dataclass(frozen=True)
class Chosen:
    """The candidate that ranks the accounts, among those that it was chosen from.

    Attributes
    ----------
    name
        The candidate, as in the backtest.
    table
        A row per candidate, the simplest first: `gini`, what it has less than the best candidate
        with its 95 % range (`behind`, `low`, `high`), `worse` (the range of the Gini or of a
        capture at a capacity lies on the wrong side of 0).
    because
        Why, in a sentence.
    """

    name: str
    table: pd.DataFrame
    because: str

    def facts(self) -> list[dict[str, Any]]:
        """Return the candidates as `facts.json` holds them."""
        return [
            {
                "candidate": str(name),
                "in_words": in_words(str(name)),
                "gini": float(row["gini"]),
                "behind_the_best": {key: float(row[key]) for key in ("behind", "low", "high")},
                "significantly_worse": bool(row["worse"]),
                "ranks": str(name) == self.name,
            }
            for name, row in self.table.iterrows()
            if np.isfinite(row["gini"])
        ]


def in_words(name: str) -> str:
    """Return a candidate in words.

    Examples
    --------
    >>> in_words("last_quarter_revenue"), in_words("card")
    ("last quarter's revenue", 'the fitted card')
    """
    return {**RULES, **CARDS}.get(name, name.replace("_", " "))


def simple_rules(columns: Sequence[str], *, past_revenue: str, horizon: int) -> list[ColumnRule]:
    """Return the rules that rank by a column that there is, each only once; the simplest first.

    Parameters
    ----------
    columns
        Of the panel.
    past_revenue
        The column of past revenue.
    horizon
        The same quarter of last year is a rule where one quarter is predicted.
    """
    asked = {"past_revenue": past_revenue, **COLUMNS}
    if horizon == 1:
        asked["same_quarter_last_year"] = _LAST_YEAR
    there = [(name, column) for name, column in asked.items() if column in columns]
    first = {column: name for name, column in reversed(there)}
    return [ColumnRule(name, column) for name, column in there if first[column] == name]


def choose_ranking(
    predictions: pd.DataFrame,
    *,
    candidates: Sequence[str],
    capacities: Sequence[int],
    seed: int,
    in_force: str = "",
    held_out: pd.DataFrame | None = None,
) -> Chosen:
    """Return the simplest candidate that is not behind the best one.

    A candidate is behind where its Gini is lower by more than 0.005, or where its Gini or its
    capture at a capacity is lower with the whole 95 % range. What ranked the accounts in the last
    report keeps its place until the best one is significantly better, or better by more than 0.005
    at each of the two newest tested dates.

    Where fewer than two dates were tested, the best of many rules is mostly the luckiest one: past
    revenue and the cards alone are chosen from, unless they are worse than another rule. One is
    behind by more than 0.005 that is more than its standard error, and a measure that is lower by
    less makes none worse; what is in force gives way to more than 0.01 that is more than the error.

    Parameters
    ----------
    predictions
        A row per account and tested date with a column per candidate, as in `Backtest`.
    candidates
        From the simplest to the least simple.
    capacities
        Numbers of accounts at which captures are compared.
    seed
        Of the resampled accounts.
    in_force
        The candidate that ranked the accounts in the last report, if any.
    held_out
        Held-out accounts as a second test beside a single tested date, of the same weight: a card
        that learned from one date alone is worse than the one that will rank, and one that has seen
        other accounts of the tested date is better.
    """
    rows_by_test = _by_test(predictions, held_out)
    whole, drawn, tail = measured_draws(
        rows_by_test, names=candidates, capacities=capacities, seed=seed, draws=_DRAWS, by="test"
    )
    ginis = whole[:, 0]
    if not np.isfinite(ginis).any():
        table = pd.DataFrame({"gini": ginis, "behind": np.nan, "low": np.nan, "high": np.nan,
                              "worse": False}, index=[*candidates])  # fmt: skip
        return Chosen(candidates[0], table, "nothing was won that could be ranked")
    best = int(np.nanargmax(np.round(ginis, 9)))
    days = predictions["as_of"].unique()
    in_time = len(days) > 1
    least = 0.0 if in_time else TOLERANCE
    rows = [_against(whole, drawn, place, best, tail, least) for place in range(len(candidates))]
    table = pd.DataFrame(rows, index=[*candidates])
    fair = _fair_in_time(table) if in_time else _fair_at_one_date(table)
    name, why = str(fair[0]), _SIMPLEST if in_time else _ONE_TEST
    if in_force in table.index and in_force != name and not table.loc[in_force, "worse"]:
        passed = (
            _twice_ahead(predictions, candidates[best], in_force)
            if in_time
            else _clearly_ahead(table, name, in_force)
        )
        if not passed:
            name, why = in_force, "it ranked the last report, and nothing is significantly better"
    return Chosen(name, table, f"{in_words(name)} ranks the accounts: {why}")


def _by_test(predictions: pd.DataFrame, held_out: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows of all tests, numbered in the column `test`; held-out accounts come last."""
    dates, days = pd.factorize(predictions["as_of"], sort=True)
    rows = predictions.assign(test=dates)
    if held_out is None or held_out.empty:
        return rows
    return pd.concat([rows, held_out.assign(test=len(days))], ignore_index=True)


def _against(
    whole: np.ndarray[Any, Any],
    drawn: np.ndarray[Any, Any],
    place: int,
    best: int,
    tail: float,
    least: float,
) -> dict[str, Any]:
    """Return how far a candidate is behind the best one; ranges where both can be measured.

    A measure that is lower by no more than `least` makes none worse.
    """
    apart, draws = whole[best] - whole[place], drawn[:, best] - drawn[:, place]
    found = [resampled(float(apart[k]), draws[:, k], tail) for k in range(len(apart))]
    behind, low, high = found[0].numbers() if place != best else (0.0, 0.0, 0.0)
    return {
        "gini": whole[place, 0],
        "behind": behind,
        "low": low,
        "high": high,
        "worse": any(one.is_above(0) and gap > least for one, gap in zip(found, apart, strict=True))
        or not np.isfinite(whole[place, 0]),
    }


def _fair_in_time(table: pd.DataFrame) -> pd.Index[str]:
    """Return the candidates that are not behind the best one."""
    return table.index[~table["worse"] & (table["behind"] <= TOLERANCE)]


def _fair_at_one_date(table: pd.DataFrame) -> pd.Index[str]:
    """Return those of past revenue and the cards that are not behind the best of them.

    All that are not worse, where neither is among those.
    """
    known = table[~table["worse"]]
    entrants = known[[name == PAST or name in CARDS for name in known.index]]
    behind = entrants["gini"].max() - entrants["gini"]
    return entrants.index[behind <= _error(entrants)] if len(entrants) else known.index


def _error(table: pd.DataFrame) -> pd.Series[float]:
    """Return the standard error of how far each candidate is behind, 0.005 at least."""
    errors = (table["high"] - table["low"]).fillna(0.0) / _ERRORS_IN_RANGE
    return errors.clip(lower=TOLERANCE)


def _clearly_ahead(table: pd.DataFrame, name: str, in_force: str) -> bool:
    """Return whether one is ahead by more than 0.01 and by more than a standard error."""
    ahead = float(table["gini"][name] - table["gini"][in_force])
    return ahead > max(2 * TOLERANCE, float(_error(table)[in_force]))


def _twice_ahead(predictions: pd.DataFrame, best: str, in_force: str) -> bool:
    """Return whether one is ahead of the other at each of the two newest tested dates."""
    from tierkit.statistics import gini

    days = sorted(predictions["as_of"].unique())[-2:]
    parts = [predictions[predictions["as_of"] == day] for day in days]
    ahead = [gini(p["actual"], p[best]) - gini(p["actual"], p[in_force]) for p in parts]
    return len(ahead) == 2 and min(ahead) > TOLERANCE
