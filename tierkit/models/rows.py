"""Rows of a panel: their order, the newest of each account, draws and samples of accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

ACCOUNT, AS_OF = "account_id", "as_of"

_TO_UNIT = 2.0**-53
_BITS_DROPPED = np.uint64(11)


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


def account_draws(
    account_ids: Iterable[Any], *, purpose: str, seed: int
) -> npt.NDArray[np.float64]:
    """Return for each id a number in [0, 1) that depends on the id, the purpose and the seed alone.

    Examples
    --------
    >>> first = account_draws(["A", "B", "A"], purpose="folds", seed=1)
    >>> bool(first[0] == first[2]), bool((account_draws(["A"], purpose="x", seed=1) == first[0])[0])
    (True, False)
    """
    given = account_ids if isinstance(account_ids, pd.Index) else [*account_ids]
    ids: pd.Index[Any] = given if isinstance(given, pd.Index) else pd.Index(given, dtype=object)
    codes, unique = ids.factorize()
    key = f"{purpose}:{seed}".encode()[:64]
    names = (str(one).encode() for one in unique.tolist())
    digests = [hashlib.blake2b(name, digest_size=8, key=key).digest() for name in names]
    numbers = np.frombuffer(b"".join(digests), dtype="<u8") >> _BITS_DROPPED
    drawn = numbers.astype(np.float64) * _TO_UNIT
    return np.asarray(drawn[codes])
