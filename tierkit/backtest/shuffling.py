"""The card on outcomes that were dealt out anew: what it gains where there is nothing to gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.models.criteria import IntArray
from tierkit.models.examples import Examples
from tierkit.models.fitting import Prepared
from tierkit.models.measures import gini
from tierkit.models.rows import ACCOUNT, AS_OF, account_ids
from tierkit.settings import Settings

FOLDS = 2
"""The newest tested dates that are used: more cost time and change no verdict."""

MOST_ROWS = 20_000
"""Of one refit, sampled by account."""

_BAGS, _BINS, _GROUPS = 1, 32, 10
Fold = tuple[Examples, Examples]


@dataclass(frozen=True)
class Shuffled:
    """Gains in Gini over past revenue of cheap refits.

    Attributes
    ----------
    gain
        On the true outcomes.
    gains
        On outcomes that were shuffled.
    """

    gain: float
    gains: tuple[float, ...]

    @property
    def rank(self) -> int:
        """The place of the true gain among all of them; 1 is above all shuffled ones.

        Examples
        --------
        >>> Shuffled(0.04, (0.01, -0.02, 0.05)).rank
        2
        """
        return 1 + sum(not one < self.gain for one in self.gains)

    @property
    def is_above_all(self) -> bool:
        """Whether no refit on shuffled outcomes gained as much."""
        return self.rank == 1


def shuffled_outcomes(folds: Sequence[Fold], *, settings: Settings) -> Shuffled | None:
    """Return the card's gain on true outcomes and on outcomes that were dealt out anew.

    Accounts swap all their outcomes, at every date at once, with accounts of the same tenth of past
    revenue that were known at the same dates. What past revenue tells stays; whatever else a
    criterion tells is gone. Refits have one bag and 32 bins, and use at most 20,000 rows of the two
    newest tested dates. Folds by account have one test of all folds, since each account has one.

    Returns
    -------
    Shuffled or None
        None where the settings ask for none, or nothing can be fitted.
    """
    times = settings.model.shuffled_refits
    used = [*folds][-FOLDS:]
    if not times or not used:
        return None
    parts = [part for fold in used for one in fold for part in (one.values, one.won)]  # noqa: PD011
    how = (times, settings.model.seed, used[0][0].criteria)
    found = used[0][0].kept.value("shuffled", [*parts, how], lambda: _gains(used, times, settings))
    return None if found is None else Shuffled(found[0], tuple(found[1:]))


def _gains(folds: Sequence[Fold], times: int, settings: Settings) -> list[float] | None:
    """Return the gain on the true outcomes and, after it, those on shuffled ones."""
    update = {"bags": _BAGS, "max_bins": _BINS}
    cheap = settings.model.model_copy(
        update=update | {"max_training_rows": min(MOST_ROWS, settings.model.max_training_rows)}
    )
    prepared = [
        Prepared.of(train.values, criteria=train.criteria, undated=train.undated, settings=cheap)
        for train, _ in folds
    ]
    everything = pd.concat([one.won for fold in folds for one in fold])
    everything = everything[~everything.index.duplicated()].sort_index()
    past = _past_revenue(folds)
    deals = [everything] + [
        shuffled(everything, past, seed=settings.model.seed + time) for time in range(1, times + 1)
    ]
    gains = [_gain(folds, prepared, won) for won in deals]
    return gains if np.isfinite(gains).all() else None


def shuffled(won: pd.Series[float], past: pd.Series[float], *, seed: int) -> pd.Series[float]:
    """Return outcomes dealt out anew among accounts of the same tenth of past revenue.

    Parameters
    ----------
    won
        By account_id and as_of, sorted. An account gets all outcomes of one other account that was
        known at the same dates.
    past
        Past revenue by account.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["account_id", "as_of"])
    >>> won = pd.Series([1.0, 2.0, 3.0, 4.0], index=index)
    >>> sorted(shuffled(won, pd.Series({"A": 0.0, "B": 0.0}), seed=2).groupby("account_id").sum())
    [3.0, 7.0]
    """
    ids = won.index.get_level_values(ACCOUNT)
    tenths = (past.rank(pct=True) * _GROUPS).round().reindex(ids.unique())
    days = pd.factorize(won.index.get_level_values(AS_OF), sort=True)[0]
    known = pd.Series(days.astype(str), index=ids).groupby(level=0, sort=False).agg(",".join)
    strata = pd.factorize(tenths.astype(str) + "|" + known.reindex(tenths.index))[0]
    rows = pd.Series(np.arange(len(won)), index=ids).groupby(level=0, sort=False).agg(list)
    order = _permuted_within(strata, np.random.default_rng(seed))
    places = [*rows.reindex(tenths.index)]
    taken = np.empty(len(won), dtype=np.int64)
    for own, other in enumerate(order):
        taken[places[own]] = places[other]
    return pd.Series(won.to_numpy()[taken], index=won.index, name=won.name)


def _permuted_within(strata: IntArray, rng: np.random.Generator) -> IntArray:
    """Return positions such that each is taken once and stays in its stratum."""
    draws = rng.random(len(strata))
    own = np.lexsort((np.arange(len(strata)), strata))
    other = np.lexsort((draws, strata))
    order = np.empty(len(strata), dtype=np.int64)
    order[own] = other
    return order


def _past_revenue(folds: Sequence[Fold]) -> pd.Series[float]:
    """Return each account's mean past revenue over its dates."""
    frames = [one.past for fold in folds for one in fold]
    joined = pd.concat(frames)
    unique = joined[~joined.index.duplicated()].astype(float).fillna(0.0)
    means: pd.Series[float] = unique.groupby(
        account_ids(unique.to_frame()), sort=True, dropna=False
    ).mean()
    return means


def _gain(folds: Sequence[Fold], prepared: Sequence[Prepared], won: pd.Series[float]) -> float:
    """Return the mean gain over past revenue over the folds, learned and tested on `won`."""
    found = []
    for (_, test), one in zip(folds, prepared, strict=True):
        card = one.fit(won)
        actual = won.reindex(test.won.index)
        own = gini(actual, card.predict(test.values))
        found.append(own - gini(actual, test.past))
    return float(np.mean(found))
