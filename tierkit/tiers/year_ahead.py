"""The chance that an account rises or falls within four quarters, as accounts of its rank did."""

from __future__ import annotations

import numpy as np
import pandas as pd

QUARTERS = 4
FEWEST = 30
"""Account-quarters that a chance rests on at least."""

CANDIDATE = 0.25
"""From which chance on an account is listed as a candidate for promotion, or as at risk."""

MOST_GROUPS = 20
COLUMNS = ("chance_up", "chance_down", "account_quarters")
TOO_SHORT = f"needs {QUARTERS + 1} quarters in a row in which tiers and ranks of accounts are known"


def followed(past: pd.DataFrame) -> pd.DataFrame:
    """Return what became of accounts within four quarters of each past quarter.

    Parameters
    ----------
    past
        One row per account and quarter: `account_id`, `quarter` (a running number), `level` (0 is
        the best tier), `rank`.

    Returns
    -------
    pandas.DataFrame
        The rows whose four next quarters are known for somebody, with `up` and `down`: whether the
        account stood in a better (lesser) tier at any of them. An account that is gone within the
        four quarters counts as what was seen of it; one of which nothing more was seen is left out.

    Examples
    --------
    >>> past = pd.DataFrame({"account_id": ["A"] * 5, "quarter": [1, 2, 3, 4, 5],
    ...                      "level": [1, 1, 0, 1, 1], "rank": [9, 8, 2, 9, 9]})
    >>> followed(past)[["quarter", "up", "down"]].to_dict("records")
    [{'quarter': 1, 'up': True, 'down': False}]
    """
    if past.empty:
        return past.assign(up=[], down=[])
    known = {*past["quarter"]}
    starts = [q for q in known if {q + n for n in range(1, QUARTERS + 1)} <= known]
    rows = past[past["quarter"].isin(starts)].reset_index(drop=True)
    later = [
        rows[["account_id"]]
        .assign(quarter=rows["quarter"] + n)
        .merge(past, on=["account_id", "quarter"], how="left", validate="1:1")["level"]
        for n in range(1, QUARTERS + 1)
    ]
    if rows.empty:
        return rows.assign(up=[], down=[])
    levels = pd.concat(later, axis=1).to_numpy(dtype=float)
    own = rows["level"].to_numpy(dtype=float)[:, None]
    up, down = np.any(levels < own, axis=1), np.any(levels > own, axis=1)
    seen = ~np.all(np.isnan(levels), axis=1)
    found = rows.assign(up=np.asarray(up), down=np.asarray(down))
    kept: pd.DataFrame = found[np.asarray(seen)]
    return kept


def chances_ahead(now: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the chance of each account to rise or fall within four quarters.

    The accounts that held a tier are cut by their rank in it into up to 20 groups of similar
    size, at least 30 account-quarters each; the chance is the share of the group that rose (fell).

    Parameters
    ----------
    now
        By account_id: `level` and `rank`.
    rows
        As `followed` gives them.

    Returns
    -------
    pandas.DataFrame
        With the index of `now`: `chance_up`, `chance_down`, `account_quarters` of the group; all
        missing where fewer than 30 account-quarters of the tier are known.

    Examples
    --------
    >>> rows = pd.DataFrame({"level": 1, "rank": range(40), "up": [True] * 10 + [False] * 30,
    ...                      "down": False})
    >>> now = pd.DataFrame({"level": [1, 0], "rank": [5, 1]}, index=["A", "B"])
    >>> chances_ahead(now, rows)["chance_up"].tolist()
    [0.25, nan]
    """
    found = pd.DataFrame(np.nan, index=now.index, columns=[*COLUMNS])
    for level in sorted({*now["level"]}):
        of_level = rows[rows["level"] == level]
        if len(of_level) < FEWEST:
            continue
        groups = int(np.clip(len(of_level) // FEWEST, 1, MOST_GROUPS))
        shares = np.linspace(0, 1, groups + 1)[1:-1]
        edges = np.unique(np.quantile(of_level["rank"].to_numpy(dtype=float), shares))
        place = np.searchsorted(edges, of_level["rank"].to_numpy(dtype=float), side="right")
        counts = np.bincount(place, minlength=len(edges) + 1).astype(float)
        mine = now["level"].to_numpy() == level
        own = np.searchsorted(edges, now.loc[mine, "rank"].to_numpy(dtype=float), side="right")
        for column, moved in (("chance_up", "up"), ("chance_down", "down")):
            sums = np.bincount(place, weights=of_level[moved].astype(float), minlength=len(counts))
            found.loc[mine, column] = np.divide(
                sums, counts, out=np.full(len(counts), np.nan), where=counts > 0
            )[own]
        found.loc[mine, "account_quarters"] = counts[own]
    return found
