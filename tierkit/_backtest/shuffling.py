"""The card on outcomes that were dealt out anew: what it gains where there is nothing to gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tierkit.models import ACCOUNT, AS_OF, QUICK, Examples, Prepared, account_ids
from tierkit.parallel import ROWS_WORTH_PROCESSES, in_processes
from tierkit.settings import ModelSettings, Settings
from tierkit.statistics import IntArray, gini

FOLDS = 2
"""The newest tested dates that are used: more cost time and change no verdict."""

MOST_ROWS = 20_000
"""Of one refit, learned from and tested on, sampled by account."""

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
        """True if no refit on shuffled outcomes gained as much."""
        return self.rank == 1


def shuffled_outcomes(folds: Sequence[Fold], *, settings: Settings) -> Shuffled | None:
    """Return the card's gain on true outcomes and on outcomes that were dealt out anew.

    Accounts swap their outcomes with accounts of the same tenth of past revenue that were known at
    the same dates: those of all tested dates at once, and those of all other dates at once, with
    somebody else. What past revenue tells stays; whatever else a criterion tells is gone, and so is
    that an account which buys much goes on to, by which any card would know it again.

    Refits have one bag, 32 bins, large steps and equal shares of boosting and past revenue, learn
    from at most 20,000 rows and are tested on at most 20,000 accounts of each of the two newest
    tested dates. Folds by account have one test of all folds, since each account has one.

    Returns
    -------
    Shuffled or None
        None where the settings ask for none, or nothing can be fitted.
    """
    times, seed = settings.model.shuffled_refits, settings.model.seed
    used = _sampled(folds, seed=seed)
    if not times or not used:
        return None
    first, _ = used[0]
    parts = [part for fold in used for one in fold for part in (one.values, one.won)]  # noqa: PD011
    how = (times, seed, first.criteria)
    found = first.cache.value("shuffled", [*parts, how], lambda: _gains(used, times, settings))
    return None if found is None else Shuffled(found[0], tuple(found[1:]))


def shuffled_ranking(
    folds: Sequence[Fold],
    predict: Callable[[Examples, Examples], pd.Series[float]],
    *,
    settings: Settings,
) -> Shuffled | None:
    """Return the same for any way to learn from some accounts and rank others.

    Parameters
    ----------
    predict
        Takes what is learned from and what is tested on, and returns what accounts are ranked by.
    """
    times, used = settings.model.shuffled_refits, _sampled(folds, seed=settings.model.seed)
    if not times or not used:
        return None
    gains = [
        float(np.mean([_gain_of(fold, predict, won) for fold in used]))
        for won in _dealt(used, times, settings)
    ]
    return Shuffled(gains[0], tuple(gains[1:])) if np.isfinite(gains).all() else None


def _gain_of(
    fold: Fold,
    predict: Callable[[Examples, Examples], pd.Series[float]],
    won: pd.Series[float],
) -> float:
    train, test = (replace(part, won=won.reindex(part.won.index)) for part in fold)
    return gini(test.won, predict(train, test)) - gini(test.won, test.past)


def _sampled(folds: Sequence[Fold], *, seed: int) -> list[Fold]:
    """Return the newest folds in whose test anybody won anything."""
    telling = [(train, test) for train, test in folds if test.won.gt(0).any()]
    return [
        (train.sampled(MOST_ROWS, seed=seed), test.sampled(MOST_ROWS, seed=seed))
        for train, test in telling[-FOLDS:]
    ]


def _dealt(folds: Sequence[Fold], times: int, settings: Settings) -> list[pd.Series[float]]:
    """Return the true outcomes and, after them, those that were dealt out anew."""
    everything = pd.concat([one.won for fold in folds for one in fold])
    everything = everything[~everything.index.duplicated()].sort_index()
    past = pd.concat([one.past for fold in folds for one in fold])
    days = pd.concat([test.won for _, test in folds]).index.get_level_values(AS_OF)
    tested = everything.index.get_level_values(AS_OF).isin(days)
    parts = [everything[chosen] for chosen in (tested, ~tested) if chosen.any()]
    swaps = [Swaps.of(part, _first_past(past, part.index)) for part in parts]
    seeds = settings.model.seed + np.arange(times * len(swaps)).reshape(times, len(swaps)) + 1
    deals = [
        pd.concat([one.dealt(seed=int(seed)) for one, seed in zip(swaps, row, strict=True)])
        for row in seeds
    ]
    return [everything, *(deal.sort_index() for deal in deals)]


def _gains(folds: Sequence[Fold], times: int, settings: Settings) -> list[float] | None:
    """Return the gain on the true outcomes and, after it, those on shuffled ones."""
    cheap = settings.model.model_copy(update={"bags": _BAGS, "max_bins": _BINS})
    refits = [_Refit.of(train, test, settings=cheap) for train, test in folds]
    dealt = _dealt(folds, times, settings)
    tasks = (partial(refit.gain, won) for won in dealt for refit in refits)
    rows = max(len(train.won) for train, _ in folds)
    each = in_processes(tasks, worth=rows >= ROWS_WORTH_PROCESSES)
    gains = np.reshape(each, (len(dealt), len(refits))).mean(axis=1).tolist()
    return gains if np.isfinite(gains).all() else None


@dataclass(frozen=True)
class Swaps:
    """Outcomes, and which accounts may swap theirs.

    Attributes
    ----------
    won
        By account_id and as_of, sorted.
    starts, counts
        For each account, in order, its first row and how many rows it has.
    strata
        Accounts of one number are of the same tenth of past revenue and known at the same dates.
    """

    won: pd.Series[float]
    starts: IntArray
    counts: IntArray
    strata: IntArray

    @classmethod
    def of(cls, won: pd.Series[float], past: pd.Series[float]) -> Swaps:
        """Return who may swap; `past` is each account's past revenue before all these outcomes."""
        accounts, ids = pd.factorize(won.index.get_level_values(ACCOUNT))
        days, _ = pd.factorize(won.index.get_level_values(AS_OF))
        known = np.zeros((len(ids), days.max(initial=0) + 1), dtype=np.int64)
        known[accounts, days] = 1
        tenths = (past.rank(pct=True) * _GROUPS).round().reindex(ids).fillna(-1.0)
        together = np.column_stack([tenths.to_numpy(dtype=np.int64), known])
        _, strata = np.unique(together, axis=0, return_inverse=True)
        counts = np.bincount(accounts, minlength=len(ids))
        return cls(won, np.cumsum(counts) - counts, counts, strata.ravel())

    def dealt(self, *, seed: int) -> pd.Series[float]:
        """Return outcomes dealt out anew: an account gets all those of one other account.

        Examples
        --------
        >>> index = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["account_id", "as_of"])
        >>> won = pd.Series([1.0, 2.0, 3.0, 4.0], index=index)
        >>> swaps = Swaps.of(won, pd.Series({"A": 0.0, "B": 0.0}))
        >>> sorted(swaps.dealt(seed=2).groupby("account_id").sum())
        [3.0, 7.0]
        """
        other = _permuted_within(self.strata, np.random.default_rng(seed))
        moved = np.repeat(self.starts[other] - self.starts, self.counts)
        taken = self.won.to_numpy()[np.arange(len(self.won)) + moved]
        return pd.Series(taken, index=self.won.index, name=self.won.name)


def _permuted_within(strata: IntArray, rng: np.random.Generator) -> IntArray:
    """Return positions such that each is taken once and stays in its stratum."""
    draws = rng.random(len(strata))
    own = np.lexsort((np.arange(len(strata)), strata))
    other = np.lexsort((draws, strata))
    order = np.empty(len(strata), dtype=np.int64)
    order[own] = other
    return order


def _first_past(past: pd.Series[float], rows: pd.Index[Any]) -> pd.Series[float]:
    """Return each account's past revenue on the first of its dates, before any of the outcomes."""
    known = past[~past.index.duplicated()].astype(float).fillna(0.0).reindex(rows)
    first = known.sort_index(level=AS_OF, kind="stable")
    return first.groupby(account_ids(first.to_frame()), sort=True, dropna=False).first()


@dataclass(frozen=True)
class _Refit:
    """A fold whose rows have their bins, ready to be fitted and tested again and again."""

    prepared: Prepared
    test: Examples
    codes: IntArray

    @classmethod
    def of(cls, train: Examples, test: Examples, *, settings: ModelSettings) -> _Refit:
        prepared = Prepared.of(
            train.values, criteria=train.criteria, undated=train.undated, settings=settings
        )
        tested = test.values  # noqa: PD011 (examples are no series)
        codes = [one.bin_of(tested[one.name]) for one in prepared.binned.criteria]
        none = np.zeros((len(tested), 0), dtype=np.int64)
        return cls(prepared, test, np.column_stack(codes) if codes else none)

    def gain(self, won: pd.Series[float]) -> float:
        """Return the gain over past revenue, learned and tested on `won`."""
        card = self.prepared.fit(won, pace=QUICK)
        score = np.zeros(len(self.codes))
        for place, one in enumerate(card.criteria):
            score = score + one.points_by_bin[self.codes[:, place]]
        actual = won.reindex(self.test.won.index)
        return gini(actual, score) - gini(actual, self.test.past)
