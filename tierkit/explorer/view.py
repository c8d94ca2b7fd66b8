"""The view of one set of settings, computed as it is looked at, and the effect of one change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.customers import account_value
from tierkit.explorer.rankings import BacktestRow
from tierkit.explorer.screen import Screen, card_of, screen_of, tested_by
from tierkit.figure import Figure
from tierkit.models import BY_COLUMN, BY_HAND, SavedModel
from tierkit.serving import break_even, role_effort, tier_effort
from tierkit.settings import NEW_AND_EXPANSION
from tierkit.tiers import UNTIERED, directions, move_matrix

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.models import Card
    from tierkit.settings import Settings
    from tierkit.statistics import FloatArray, IntArray
    from tierkit.tiers import PlacedAccounts

    Levels = npt.NDArray[np.int8]
    Amounts = npt.NDArray[np.float32]


ON_SCREEN = "on screen"


@dataclass(frozen=True)
class View:
    """Everything that follows from the settings on screen.

    Attributes
    ----------
    settings
        Those on screen; the overrides stand beside.
    card_ranks
        Whether the fitted card is better than past revenue, as the gate has found.
    card_of_run
        The card that the gate has found the run to use under just these settings, where it asked.
    tested_by_run
        What the run computes ranges from under just these settings, where the gate was asked.
    """

    basis: Basis
    settings: Settings
    overrides: pd.DataFrame
    card_ranks: bool
    card_of_run: Card | None = None
    tested_by_run: pd.DataFrame | None = None

    @cached_property
    def screen(self) -> Screen:
        """The ranking of the accounts."""
        return screen_of(self.basis, self.settings, self.card, card_ranks=self.card_ranks)

    @cached_property
    def placed(self) -> PlacedAccounts:
        """The tier of every account, by the rule of the run."""
        eligible = self.basis.can_be_tiered(self.settings.icp.where)
        score, amount = self._cut_on
        return self.basis.candidates.place(
            self._spread(np.where(eligible, score, np.nan)),
            self._spread(amount),
            tiers=self.settings.tiers,
            stability=self.settings.stability,
            overrides=self.overrides,
        )

    @property
    def _cut_on(self) -> tuple[FloatArray, FloatArray]:
        """Score and amount of each account that tiers are cut on, as the run has them."""
        if self.settings.target.value == NEW_AND_EXPANSION:
            return self.screen.score, self.screen.predicted
        run = self.basis.run
        amounts = account_value(
            pd.Series(self.screen.predicted, index=self.basis.ids),
            run.tables,
            run.outlook,
            settings=self.settings,
            as_of=run.as_of,
            first=self.basis.first_won,
        )
        value = np.asarray(amounts, dtype=np.float64)
        return value, value

    @property
    def model(self) -> SavedModel:
        """The model on screen, as the run would save it."""
        return SavedModel(
            self.screen.card,
            self.screen.kind,
            self.basis.learned.past_revenue,
            self.settings.target.horizon_quarters,
        )

    @cached_property
    def tiered(self) -> pd.DataFrame:
        """The accounts that have a tier, best first, with what a run would publish of them."""
        placed = self.placed.frame.assign(predicted_revenue=self._predicted)
        return placed[self.placed.levels < len(self.names)]

    @property
    def names(self) -> list[str]:
        """The tiers, best first."""
        return [tier.name for tier in self.settings.tiers]

    @cached_property
    def money(self) -> FloatArray:
        """Predicted revenue of each account in the order of `placed`; 0 where none is predicted."""
        return np.nan_to_num(self._predicted)

    @cached_property
    def _predicted(self) -> FloatArray:
        return self._spread(self.screen.predicted)[self.placed.order]

    def _spread(self, values: FloatArray) -> FloatArray:
        """Return a number for each candidate, missing where it cannot be predicted."""
        spread = np.full(len(self.basis.candidates.ids), np.nan)
        spread[self.basis.predicted_places] = values
        return spread

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Accounts by tier."""
        counts = np.bincount(self.placed.levels, minlength=len(self.names) + 1)
        return {name: int(counts[level]) for level, name in enumerate(self.names)}

    @cached_property
    def revenue(self) -> dict[str, float]:
        """Predicted revenue by tier."""
        count = len(self.names) + 1
        sums = np.bincount(self.placed.levels, weights=self.money, minlength=count)
        return {name: float(sums[level]) for level, name in enumerate(self.names)}

    @cached_property
    def tiers(self) -> pd.DataFrame:
        """One row per account with a rank or a tier, best first: tier, rank, score, prediction."""
        placed = self.placed
        rank = pd.Series(np.arange(1, len(placed.order) + 1), dtype="Int64")
        return pd.DataFrame(
            {
                "tier": self._now.array,
                "rank": rank.where(~np.isnan(placed.scores)).array,
                "score": placed.scores,
                "predicted_revenue": self._predicted,
            },
            index=placed.ids[placed.order].rename("account_id"),
        )

    @cached_property
    def _now(self) -> pd.Series[str]:
        return pd.Series(self.placed.named(self.placed.levels))

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """Accounts by the tier held (rows) and the tier now (columns)."""
        return move_matrix(pd.Series(self.placed.previous_tier), self._now)

    @cached_property
    def moves(self) -> dict[str, int]:
        """Numbers of accounts that move up, down, enter and leave."""
        return directions(pd.Series(self.placed.previous_tier), self._now)

    @cached_property
    def tier_effort(self) -> pd.DataFrame:
        """Hours and cost that each tier asks for in a quarter."""
        return tier_effort(self.sizes, tiers=self.settings.tiers, roles=self.settings.roles)

    @cached_property
    def role_effort(self) -> pd.DataFrame:
        """Hours that are asked of each role in a quarter, against what it has."""
        return role_effort(self.sizes, tiers=self.settings.tiers, roles=self.settings.roles)

    @cached_property
    def break_even(self) -> pd.DataFrame:
        """The effect at which each tier pays for itself."""
        return break_even(
            self.sizes,
            self.revenue,
            horizon_quarters=self.settings.target.horizon_quarters,
            tiers=self.settings.tiers,
            roles=self.settings.roles,
            margin=self.basis.margin,
            spent=self.basis.spent,
        )

    @cached_property
    def ends(self) -> dict[str, int]:
        """Accounts in the first tier, and in the first two together, where they are limited."""
        found: dict[str, int] = {}
        total = 0
        for name, tier in zip(self.names[:2], self.settings.tiers, strict=False):
            if tier.takes_rest:
                break
            total += self.sizes[name]
            found[" + ".join(self.names[: len(found) + 1])] = total
        return found

    @cached_property
    def tested(self) -> FloatArray:
        """The prediction of the card on screen for each tested row, as it would have been then."""
        return tested_by(self.basis, self.settings)

    @property
    def range_is_of_run(self) -> bool:
        """True where ranges are those of the run, False where a quick test of the edits gives them.

        Simple rules and the card as it was fitted are tested at the opening, as the run does.
        """
        settings = self.settings
        untouched = not settings.card.edits and settings.model.kind != BY_HAND
        is_rule = self.screen.kind in BY_COLUMN
        return self.tested_by_run is not None or untouched or is_rule

    @cached_property
    def backtest(self) -> list[BacktestRow]:
        """The card on screen against past revenue, last quarter's tiers and the fitted card."""
        if self.basis.learned.method is None:
            return []
        sizes = [*self.ends.values()]
        rows = [self.basis.rankings.row(ON_SCREEN, self.tested, sizes, money=self.tested)]
        return [*rows, *self.basis.rankings.others(sizes)]

    @cached_property
    def pipeline(self) -> dict[str, float]:
        """Pipeline that each tier should create in the horizon; missing where it cannot be said."""
        from tierkit.runs import tier_pipeline

        by_account = np.asarray(
            self.basis.learned.pipeline.reindex(self.basis.ids), dtype=np.float64
        )
        amounts = self._spread(by_account)[self.placed.order]
        tiered = pd.DataFrame({"tier": self._now, "predicted_pipeline": amounts})
        totals = pd.DataFrame({"predicted_revenue": pd.Series(self.revenue)})
        found = tier_pipeline(self.basis.run, totals, tiered)["predicted_pipeline"]
        return {str(tier): float(amount) for tier, amount in found.items()}

    @cached_property
    def card(self) -> Card:
        """The card that the settings make, whether or not it ranks the accounts."""
        return self.card_of_run or card_of(self.basis, self.settings)


@dataclass(frozen=True)
class Snapshot:
    """A view as it is remembered: the tier of every account, and the headline numbers.

    Attributes
    ----------
    levels
        The tier of each of `Basis.candidates`, from 0; the number of tiers without one.
    money
        Predicted revenue of each of them.
    sizes, revenue
        By tier.
    captures
        By tiers in words: the capture of the card on screen; empty until it was looked at.
    """

    levels: Levels
    money: Amounts
    names: tuple[str, ...]
    sizes: dict[str, int]
    revenue: dict[str, float]
    captures: dict[str, Figure]

    @classmethod
    def of(cls, view: View, *, with_captures: bool) -> Snapshot:
        """Return what is remembered of a view."""
        count = len(view.names)
        levels = np.full(len(view.basis.candidates.ids), count, dtype=np.int8)
        levels[view.placed.order] = view.placed.levels
        money = np.zeros(len(view.basis.candidates.ids), dtype=np.float32)
        money[view.placed.order] = view.money
        captures: dict[str, Figure] = {}
        if with_captures and view.backtest:
            on_screen = view.backtest[0].captures
            captures = {name: on_screen[size].figure for name, size in view.ends.items()}
        return cls(levels, money, tuple(view.names), view.sizes, view.revenue, captures)


@dataclass(frozen=True)
class Change:
    """The effect of one change.

    Attributes
    ----------
    words
        What was changed.
    accounts
        How many accounts have another tier than before.
    """

    words: str
    accounts: int
    before: Snapshot
    after: Snapshot


def change_between(words: str, before: Snapshot, after: Snapshot) -> Change:
    """Return what differs between two views of the same project."""
    return Change(words, int((before.levels != after.levels).sum()), before, after)


def differing(before: Snapshot, after: Snapshot, *, ids: pd.Index[str]) -> pd.DataFrame:
    """Return the accounts whose tier differs, the largest predicted revenue first.

    Returns
    -------
    DataFrame
        By account_id: `before` and `after`, the tiers, and `predicted_revenue` in `after`.
    """
    rows = np.flatnonzero(before.levels != after.levels)
    order = rows[np.argsort(-after.money[rows], kind="stable")]
    return pd.DataFrame(
        {
            "before": _named(before, order),
            "after": _named(after, order),
            "predicted_revenue": after.money[order].astype(float),
        },
        index=ids[order],
    )


def _named(snapshot: Snapshot, rows: IntArray) -> list[str]:
    names = [*snapshot.names, UNTIERED]
    return [names[level] for level in snapshot.levels[rows]]
