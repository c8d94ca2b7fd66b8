"""Rows of a panel: their order, the newest of each account, and which ones a fit uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.models.draws import account_draws

ACCOUNT, AS_OF = "account_id", "as_of"


def account_ids(values: pd.DataFrame) -> pd.Index[Any]:
    """Return the account of each row; without an account_id in the index, the index itself."""
    named = ACCOUNT in values.index.names
    found: pd.Index[Any] = values.index.get_level_values(ACCOUNT) if named else values.index
    return found


def newest_rows(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the last as_of: every account once; all rows where there is one date."""
    chosen = are_newest(values)
    return values if chosen.all() else values[chosen]


def are_newest(values: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows are of the last as_of; all where there is no date."""
    if AS_OF not in values.index.names or values.empty:
        return np.ones(len(values), dtype=bool)
    days = values.index.get_level_values(AS_OF)
    return np.asarray(days.isin([days.max()]))


def sample_accounts(values: pd.DataFrame, *, most_rows: int, seed: int) -> pd.DataFrame:
    """Return the rows in order, or those of as many whole accounts as fit into `most_rows`.

    Which accounts is decided by their ids and the seed, so that neither the order of rows nor other
    accounts matter. At least one account stays.

    Examples
    --------
    >>> ids = pd.Index(["B", "A", "C", "A"], name="account_id")
    >>> values = pd.DataFrame({"x": range(4)}, index=ids)
    >>> sample_accounts(values, most_rows=4, seed=1)["x"].tolist()
    [1, 3, 0, 2]
    >>> len(sample_accounts(values, most_rows=2, seed=1))
    2
    """
    ordered = values.sort_index(kind="stable")
    if len(ordered) <= most_rows:
        return ordered
    codes, unique = pd.factorize(account_ids(ordered))
    draws = account_draws(unique, purpose="training rows", seed=seed)
    by_draw = np.argsort(draws, kind="stable")
    rows = np.bincount(codes)[by_draw]
    fitting = max(1, int(np.searchsorted(np.cumsum(rows), most_rows, side="right")))
    kept = np.zeros(len(unique), dtype=bool)
    kept[by_draw[:fitting]] = True
    return ordered[kept[codes]]
