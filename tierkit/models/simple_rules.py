"""Simple rules that a model must beat: each ranks accounts, higher is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from tierkit.models.binning import is_category
from tierkit.models.draws import account_draws
from tierkit.models.past_revenue import PAST_REVENUE
from tierkit.models.rows import account_ids, sample_accounts
from tierkit.statistics import gini

MOST_ROWS = 30_000
"""The best column is looked for in about so many rows: those of accounts drawn by their ids."""


class Model(Protocol):
    """What can be tested: it has a name and ranks accounts; a `Card` with a name does too."""

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
