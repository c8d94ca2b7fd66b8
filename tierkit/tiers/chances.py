"""The chance that an account truly belongs in its tier, and the accounts on the borderline.

Predictions miss; by how much, the tests of earlier predictions tell. Many worlds are drawn in which
every account brings its predicted revenue times what a tested account of similar size brought of
its own; in each the accounts are ranked anew and the same places are given out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.models import FEWEST_ROWS, size_groups
from tierkit.tiers.ranked_accounts import FloatArray, IntArray

DRAWS = 400
BORDERLINE = 0.4
"""Borderline is who belongs in another tier in 4 of 10 worlds or more."""

UNTESTED = f"fewer than {FEWEST_ROWS} earlier predictions could be tested"
BY_RULE = "who is in it is decided by its written rule"
_MOST_NUMBERS = 20_000_000
COLUMNS = ("chance_in_tier", "chance_higher", "chance_lower", "borders_on")


def chances_to_belong(
    assigned: pd.DataFrame, tested: pd.DataFrame, *, seed: int, draws: int = DRAWS
) -> pd.DataFrame:
    """Return how often each account would be in its tier, ranked by what it brings.

    Parameters
    ----------
    assigned
        By account_id: `tier` (ordered categories, best first), `rank`, `predicted_revenue`, and
        `group`, in which tiers are filled.
    tested
        `predicted` and `actual` of accounts in the backtest.
    draws
        How many worlds; fewer where there are very many accounts.

    Returns
    -------
    pandas.DataFrame
        One row per ranked account with a tier: `chance_in_tier`; `chance_higher` and
        `chance_lower`, that it belongs in a better or a lesser one (the three add up to 1);
        `borders_on`, the tier in which it belongs otherwise, most often, where that is so in 4 of
        10 worlds or more; empty for all others. No rows where fewer than 50 predictions were
        tested.

    Notes
    -----
    Errors are drawn for each account by itself: a good or bad year for all of them moves no rank.

    Examples
    --------
    Tested accounts brought exactly what was predicted: nothing is open.

    >>> tested = pd.DataFrame({"predicted": [10.0] * 60, "actual": [10.0] * 60})
    >>> tiers = pd.Categorical(["Tier 1", "Tier 2"], ordered=True)
    >>> assigned = pd.DataFrame({"tier": tiers, "rank": [1, 2], "group": "",
    ...     "predicted_revenue": [90.0, 40.0]}, index=pd.Index(["A", "B"], name="account_id"))
    >>> chances_to_belong(assigned, tested, seed=1)["chance_in_tier"].to_dict()
    {'A': 1.0, 'B': 1.0}
    """
    ranked = assigned[assigned["tier"].notna() & assigned["rank"].notna()].sort_values(
        "rank", kind="stable"
    )
    known = tested[(tested["predicted"] > 0) & tested["actual"].notna()]
    if len(known) < FEWEST_ROWS or ranked.empty:
        return _nothing()
    rng = np.random.default_rng(seed)
    worlds = min(draws, max(50, _MOST_NUMBERS // len(ranked)))
    levels: IntArray = ranked["tier"].cat.codes.to_numpy().astype(np.int64)
    errors = _Errors(known, ranked["predicted_revenue"].to_numpy(dtype=float))
    tallies = _Tallies.of(ranked, levels)
    for _ in range(worlds):
        tallies.add(errors.drawn(rng))
    return tallies.table(ranked, worlds)


class _Errors:
    """Actual over predicted of tested accounts, by groups of similar predicted revenue."""

    def __init__(self, known: pd.DataFrame, amounts: FloatArray) -> None:
        predicted = known["predicted"].to_numpy(dtype=float)
        ratios = (known["actual"] / known["predicted"]).to_numpy(dtype=float)
        edges = size_groups(predicted)
        group = np.searchsorted(edges, predicted, side="right")
        self._ratios = ratios[np.argsort(group, kind="stable")]
        sizes = np.bincount(group, minlength=len(edges) + 1)
        own = np.searchsorted(edges, amounts, side="right")
        self._size, self._first = sizes[own], (np.cumsum(sizes) - sizes)[own]
        self._amounts = amounts

    def drawn(self, rng: np.random.Generator) -> FloatArray:
        """Return what each account brings in one world."""
        place = self._first + (rng.random(len(self._amounts)) * self._size).astype(np.int64)
        drawn: FloatArray = self._amounts * self._ratios[place]
        return drawn


class _Tallies:
    """In how many worlds each account belongs in its tier, in a better and in a lesser one."""

    def __init__(self, groups: list[IntArray], levels: IntArray) -> None:
        self._groups, self._levels = groups, levels
        self._places = [np.sort(levels[members]) for members in groups]
        self._seen = np.zeros((len(levels), int(levels.max()) + 1), dtype=np.int64)

    @classmethod
    def of(cls, ranked: pd.DataFrame, levels: IntArray) -> _Tallies:
        codes = pd.factorize(ranked["group"])[0]
        return cls([np.flatnonzero(codes == code) for code in range(codes.max() + 1)], levels)

    def add(self, brought: FloatArray) -> None:
        """Count one world; where two bring the same, the better rank keeps its place."""
        for members, places in zip(self._groups, self._places, strict=True):
            order = members[np.argsort(-brought[members], kind="stable")]
            self._seen[order, places] += 1

    def table(self, ranked: pd.DataFrame, worlds: int) -> pd.DataFrame:
        """Return the shares of all worlds."""
        rows, own = np.arange(len(self._levels)), self._levels
        inside = self._seen[rows, own]
        better = np.arange(self._seen.shape[1])[None, :] < own[:, None]
        higher = np.where(better, self._seen, 0).sum(axis=1)
        elsewhere = self._seen.copy()
        elsewhere[rows, own] = -1
        names = np.array([*ranked["tier"].cat.categories.astype(str)], dtype=object)
        borders = names[elsewhere.argmax(axis=1)]
        return pd.DataFrame(
            {
                "chance_in_tier": inside / worlds,
                "chance_higher": higher / worlds,
                "chance_lower": (worlds - inside - higher) / worlds,
                "borders_on": np.where(inside <= (1 - BORDERLINE) * worlds, borders, ""),
            },
            index=ranked.index,
        )


def _nothing() -> pd.DataFrame:
    empty = pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
    return empty.astype({"borders_on": "object"}).rename_axis("account_id")


QUARTERS_AHEAD = 4
FEWEST = 30
"""Account-quarters that a chance rests on at least."""

CANDIDATE = 0.25
"""From which chance on an account is listed as a candidate for promotion, or as at risk."""

MOST_GROUPS = 20
YEAR_AHEAD_COLUMNS = ("chance_up", "chance_down", "account_quarters")
TOO_SHORT = (
    f"needs {QUARTERS_AHEAD + 1} quarters in a row in which tiers and ranks of accounts are known"
)


def tiers_a_year_later(past: pd.DataFrame) -> pd.DataFrame:
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
    >>> tiers_a_year_later(past)[["quarter", "up", "down"]].to_dict("records")
    [{'quarter': 1, 'up': True, 'down': False}]
    """
    if past.empty:
        return past.assign(up=[], down=[])
    known = {*past["quarter"]}
    starts = [q for q in known if {q + n for n in range(1, QUARTERS_AHEAD + 1)} <= known]
    rows = past[past["quarter"].isin(starts)].reset_index(drop=True)
    later = [
        rows[["account_id"]]
        .assign(quarter=rows["quarter"] + n)
        .merge(past, on=["account_id", "quarter"], how="left", validate="1:1")["level"]
        for n in range(1, QUARTERS_AHEAD + 1)
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
        As `tiers_a_year_later` gives them.

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
    found = pd.DataFrame(np.nan, index=now.index, columns=[*YEAR_AHEAD_COLUMNS])
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
