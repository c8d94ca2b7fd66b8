"""The basis of an explorer, read once: accounts, criteria, outcomes, tiers held before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd

from tierkit.calendar import before, from_on
from tierkit.crm import to_frame
from tierkit.customers import HORIZON, accounts_at_risk, first_won
from tierkit.explorer.codes import BinCodes
from tierkit.explorer.gaps import Gap, gaps_of
from tierkit.explorer.rankings import Rankings
from tierkit.models import Examples, account_draws
from tierkit.serving import gross_margin, spent_by_tier
from tierkit.tiers import AccountContext, BoolArray, PreviousTiers, TierCandidates, can_be_tiered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierkit.crm import Rows
    from tierkit.explorer.learned import Learned
    from tierkit.runs import Run
    from tierkit.settings import Settings
    from tierkit.statistics import FloatArray, IntArray


_MOST_KEPT = 64


class AccountHistory:
    """Dated rows of one account at a time, none of them from `as_of` on.

    Parameters
    ----------
    run
        The project and the quarter.
    """

    def __init__(self, run: Run) -> None:
        self._work = run
        self.wins = lru_cache(maxsize=_MOST_KEPT)(self._wins)
        self.tiers = lru_cache(maxsize=_MOST_KEPT)(self._tiers)
        self.effort = lru_cache(maxsize=_MOST_KEPT)(self._effort)

    def _wins(self, account: str) -> pd.DataFrame:
        """Return won revenue by fiscal quarter: `quarter`, `wins`, `won_revenue`; newest first."""
        rows = _of(self._work.tables["opportunities"], account)
        known = before(rows, "close_date", self._work.as_of).filter(nw.col("is_won"))
        won = to_frame(known.select("close_date", nw.col("amount").cast(nw.Float64)))
        calendar = self._work.settings.fiscal_calendar
        days = pd.to_datetime(won["close_date"]).dt.date
        labels = days.map(lambda day: calendar.containing(day).label)
        by_quarter = won.groupby(labels, dropna=False)["amount"].agg(wins="size", won_revenue="sum")
        ordered = by_quarter.sort_index(ascending=False).rename_axis("quarter")
        found: pd.DataFrame = ordered.reset_index()
        return found

    def _tiers(self, account: str) -> pd.DataFrame:
        """Return the tiers held: `tier`, `start_date`, `end_date`, `reason`; newest first."""
        columns = ["tier", "start_date", "end_date", "reason"]
        if "tier_history" not in self._work.tables:
            return pd.DataFrame(columns=columns)
        rows = before(
            _of(self._work.tables["tier_history"], account), "start_date", self._work.as_of
        )
        found = to_frame(rows.select(*columns))
        return found.sort_values("start_date", ascending=False, ignore_index=True)

    def _effort(self, account: str) -> pd.DataFrame | None:
        """Return our touches of the last quarter: `activity`, `touches`, `hours`; None if unknown.

        What the account itself did (`inbound`) is no effort of ours. Hours are missing where the
        source has no minutes.
        """
        if "activities" not in self._work.tables:
            return None
        rows = _of(self._work.tables["activities"], account)
        recent = from_on(
            before(rows, "date", self._work.as_of), "date", self._work.quarter.start
        ).select("type", "direction", nw.col("minutes").cast(nw.Float64))
        ours = to_frame(recent)
        ours = ours[ours["direction"].ne("inbound") | ours["direction"].isna()]
        known = self._work.tables.has("activities", "minutes")
        grouped = ours.groupby("type", sort=True, dropna=False)["minutes"]
        table = grouped.agg(touches="size", minutes="sum").rename_axis("activity").reset_index()
        hours = table["minutes"] / 60 if known else float("nan")
        return table.assign(hours=hours)[["activity", "touches", "hours"]]


def _of(rows: Rows, account: str) -> Rows:
    found: Rows = rows.filter(nw.col("account_id") == nw.lit(account))
    return found


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
    """The inputs of every view of an explorer; none of them changes while one explores.

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

    run: Run
    learned: Learned
    accounts: pd.DataFrame
    now: BinCodes
    previous: PreviousTiers
    gaps: tuple[Gap, ...]

    @classmethod
    def of(cls, run: Run, learned: Learned) -> Basis:
        """Return the basis of a project whose panel and card are there."""
        from tierkit.runs import held_before

        values = learned.panel.values  # noqa: PD011 (a panel is no series)
        at = values.index.get_level_values("as_of") == pd.Timestamp(run.as_of)
        held = held_before(run)
        return cls(
            run=run,
            learned=learned,
            accounts=run.accounts().set_index("account_id", drop=False).sort_index(),
            now=BinCodes(values[at].droplevel("as_of").sort_index()),
            previous=held,
            gaps=gaps_of(run, learned, held),
        )

    def fitted_anew(self, settings: Settings) -> Basis:
        """Return the basis of the same project with a card fitted under other settings."""
        from tierkit.explorer.learned import learned_of

        run = replace(self.run, settings=settings)
        return Basis.of(run, learned_of(run, progress=lambda _: None))

    @property
    def ids(self) -> pd.Index[str]:
        """The accounts that can be predicted, in order."""
        found: pd.Index[str] = self.now.values.index  # noqa: PD011 (the rows of a panel)
        return found

    @property
    def currency(self) -> str:
        """The currency of all amounts."""
        return self.run.currency

    @property
    def tested(self) -> pd.DataFrame:
        """A row per account and tested date; see `Learned`."""
        return self.learned.tested

    @cached_property
    def context(self) -> AccountContext:
        """Columns, groups and tenure of accounts, which the rules of tiers ask for."""
        return AccountContext(
            columns=self.accounts,
            groups=self.groups,
            quarters_held=self.previous.quarters_held,
            held_by_model=self.previous.by_model,
        )

    @cached_property
    def groups(self) -> pd.Series[str] | None:
        """The group in which each account's tiers are filled; None where all are one."""
        from tierkit.runs import account_groups

        run = self.run
        return account_groups(run.tables, run.accounts(), settings=run.settings, as_of=run.as_of)

    @cached_property
    def candidates(self) -> TierCandidates:
        """The accounts that could have a tier: all there are, can be predicted or held one."""
        return TierCandidates(
            self.accounts.index.union(self.ids),
            previous=self.previous.tiers,
            context=self.context,
        )

    @cached_property
    def predicted_places(self) -> IntArray:
        """Places in `candidates.ids` of the accounts that can be predicted."""
        return self.candidates.ids.get_indexer(self.ids)

    def can_be_tiered(self, where: tuple[str, ...]) -> BoolArray:
        """Return which of `ids` meet every rule of the ICP and have a group where they need one."""
        if where not in self._met:
            if len(self._met) >= _MOST_KEPT:
                self._met.clear()
            met = can_be_tiered(self.accounts, where=where, groups=self.groups)
            self._met[where] = met.reindex(self.ids, fill_value=False).to_numpy(dtype=bool)
        return self._met[where]

    @cached_property
    def _met(self) -> dict[tuple[str, ...], BoolArray]:
        return {}

    @cached_property
    def margin(self) -> float:
        """The gross margin as a share of revenue, as the run has it."""
        run = self.run
        return gross_margin(run.tables, settings=run.settings, as_of=run.as_of).share

    @cached_property
    def first_won(self) -> pd.Series[float]:
        """The day on which each account first bought, by account_id."""
        return first_won(self.run.tables, settings=self.run.settings)

    def at_risk(self, length: int) -> pd.DataFrame:
        """Return the customers at risk as `accounts_at_risk` does, whatever is on screen."""
        if length not in self._at_risk:
            self._at_risk[length] = accounts_at_risk(
                self.run.outlook, length=length, window=HORIZON
            )
        return self._at_risk[length]

    @cached_property
    def _at_risk(self) -> dict[int, pd.DataFrame]:
        return {}

    @cached_property
    def rankings(self) -> Rankings:
        """The rankings that the card on screen is compared with."""
        return Rankings(self.tested, ranked_by=self.learned.ranked_by)

    @cached_property
    def spent(self) -> Mapping[str, float]:
        """Recorded cost of an account a quarter, by tier; empty where nothing is recorded."""
        run = self.run
        return spent_by_tier(run.tables, settings=run.settings, as_of=run.as_of)

    @cached_property
    def names(self) -> pd.Series[str]:
        """Each account's name, its id where it has none."""
        ids = pd.Series(self.accounts.index, index=self.accounts.index, dtype="object")
        return self.accounts["name"].astype("object").fillna(ids)

    @cached_property
    def history(self) -> AccountHistory:
        """Wins, tiers and effort of single accounts."""
        return AccountHistory(self.run)

    @cached_property
    def training(self) -> BinCodes:
        """The criteria of all rows that the card has learned from."""
        return BinCodes(self.examples.values)

    @cached_property
    def examples(self) -> Examples:
        """The rows that the card has learned from, as the run sees them."""
        learned = self.learned
        known = Examples.of(learned.panel, learned.won, days=learned.trained_on)
        return known.as_seen_on(self.run.as_of)

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

    settings, won = basis.run.settings, basis.learned.won
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
