"""What an explorer reads once: accounts, criteria, what happened, who held which tier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.explorer.codes import BinCodes
from tierkit.explorer.gaps import Gap, gaps_of
from tierkit.explorer.history import AccountHistory
from tierkit.models.draws import account_draws
from tierkit.tiers.lining_up import AccountContext
from tierkit.tiers.previous import PreviousTiers

if TYPE_CHECKING:
    from tierkit.explorer.learned import Learned
    from tierkit.models.criteria import FloatArray, IntArray
    from tierkit.recalibration.work import Work

MOST_TRAINING_ROWS = 20_000
"""The base of a fold's edited card is found on so many rows of its training, drawn by account."""


@dataclass(frozen=True)
class Fold:
    """One card of the backtest: the rows that it is tested on, and some that it has learned from.

    Attributes
    ----------
    rows
        Places of its rows in `Basis.tested`.
    tested, training
        Criteria of those rows, and of the accounts that it learned from.
    won
        What the accounts of `training` won in the horizon.
    """

    rows: IntArray
    tested: BinCodes
    training: BinCodes
    won: FloatArray


@dataclass(frozen=True)
class Basis:
    """What every view of an explorer is computed from; nothing in it changes while one explores.

    Attributes
    ----------
    accounts
        All accounts as they are today, by account_id, in its order.
    now
        The criteria of the accounts that existed at `as_of`, by account_id, in its order.
    previous
        The tiers held the day before.
    gaps
        What cannot be shown, and what would make it possible.
    """

    work: Work
    learned: Learned
    accounts: pd.DataFrame
    now: BinCodes
    previous: PreviousTiers
    gaps: tuple[Gap, ...]

    @classmethod
    def of(cls, work: Work, learned: Learned) -> Basis:
        """Return the basis of a project whose panel and card are there."""
        from tierkit.recalibration.tiering import held_before

        values = learned.panel.values  # noqa: PD011 (a panel is no series)
        at = values.index.get_level_values("as_of") == pd.Timestamp(work.as_of)
        held = held_before(work)
        return cls(
            work=work,
            learned=learned,
            accounts=work.accounts().set_index("account_id", drop=False).sort_index(),
            now=BinCodes(values[at].droplevel("as_of").sort_index()),
            previous=held,
            gaps=gaps_of(work, learned, held),
        )

    @property
    def ids(self) -> pd.Index[str]:
        """The accounts that can be predicted, in order."""
        found: pd.Index[str] = self.now.values.index  # noqa: PD011 (the rows of a panel)
        return found

    @property
    def currency(self) -> str:
        """The currency of all amounts."""
        return self.work.currency

    @property
    def tested(self) -> pd.DataFrame:
        """A row per account and tested date; see `Learned`."""
        return self.learned.tested

    @cached_property
    def context(self) -> AccountContext:
        """What the rules of the tiers ask of accounts beside their prediction."""
        return AccountContext(
            columns=self.accounts,
            groups=self.groups,
            quarters_held=self.previous.quarters_held,
        )

    @cached_property
    def groups(self) -> pd.Series[str] | None:
        """The group in which each account's tiers are filled; None where all are one."""
        from tierkit.recalibration.tier_groups import account_groups

        work = self.work
        return account_groups(
            work.tables, work.accounts(), settings=work.settings, as_of=work.as_of
        )

    @cached_property
    def names(self) -> pd.Series[str]:
        """Each account's name, its id where it has none."""
        ids = pd.Series(self.accounts.index, index=self.accounts.index, dtype="object")
        return self.accounts["name"].astype("object").fillna(ids)

    @cached_property
    def history(self) -> AccountHistory:
        """Wins, tiers and effort of single accounts."""
        return AccountHistory(self.work)

    @cached_property
    def training(self) -> BinCodes:
        """The criteria of all rows that the card has learned from."""
        values = self.learned.panel.values  # noqa: PD011
        return BinCodes(values.loc[self.learned.won.index])

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The folds of the backtest, in the order of `Learned.folds`."""
        return tuple(_fold(self, place) for place in range(len(self.learned.folds)))


def _fold(basis: Basis, place: int) -> Fold:
    rows = np.flatnonzero(basis.tested["fold"].to_numpy() == place)
    keys = pd.MultiIndex.from_frame(basis.tested.iloc[rows][["account_id", "as_of"]])
    won = _learned_from(basis, keys)
    values = basis.learned.panel.values  # noqa: PD011
    return Fold(
        rows=rows,
        tested=BinCodes(values.loc[keys]),
        training=BinCodes(values.loc[won.index]),
        won=np.asarray(won, dtype=np.float64),
    )


def _learned_from(basis: Basis, tested: pd.MultiIndex) -> pd.Series[float]:
    """Return won revenue of rows that the fold's card has learned from, at most so many."""
    from tierkit.calendar import trainable

    settings, won = basis.work.settings, basis.learned.won
    if basis.learned.method == "held-out accounts":
        accounts = won.index.get_level_values("account_id")
        known = won[~accounts.isin(tested.get_level_values("account_id").unique())]
    else:
        day = tested.get_level_values("as_of")[0].date()
        days = trainable(
            basis.learned.trained_on,
            day,
            settings.fiscal_calendar,
            settings.target.horizon_quarters,
        )
        known = won[won.index.get_level_values("as_of").isin(pd.to_datetime([*days]))]
    return _some(known)


def _some(won: pd.Series[float]) -> pd.Series[float]:
    if len(won) <= MOST_TRAINING_ROWS:
        return won
    accounts = won.index.get_level_values("account_id")
    draws = account_draws(accounts, purpose="explorer", seed=1)
    return won[draws < MOST_TRAINING_ROWS / len(won)]
