"""What is on screen: all that follows from one set of settings, computed when it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from tierkit.explorer.captures import Capture, RankedRows, capture, total_over
from tierkit.explorer.screen import Screen, card_of, screen_of, tested_by
from tierkit.serving import break_even, role_effort, tier_effort
from tierkit.statistics import Interval

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.explorer.placing import Placed, Places
    from tierkit.models import Card
    from tierkit.settings import Settings
    from tierkit.statistics import FloatArray


ON_SCREEN, FITTED_CARD, PAST_REVENUE, LAST_TIERS = (
    "on screen", "fitted card", "past revenue", "last quarter's tiers",
)  # fmt: skip
UNTIERED = "Untiered"
_MOST_KEPT = 24
"""Captures remembered; each holds a number per account."""


@dataclass(frozen=True)
class BacktestRow:
    """One ranking in the backtest.

    Attributes
    ----------
    captures
        By capacity in accounts.
    actual_over_predicted
        None where the ranking predicts no money.
    """

    name: str
    captures: dict[int, Capture]
    actual_over_predicted: Interval | None


@dataclass(frozen=True)
class View:
    """What follows from the settings on screen.

    Attributes
    ----------
    settings
        Those on screen; the overrides stand beside.
    card_ranks
        Whether the fitted card is better than past revenue, as the gate has found.
    card_of_run
        The card that the gate has found the run to use under just these settings, where it asked.
    """

    basis: Basis
    places: Places
    settings: Settings
    overrides: pd.DataFrame
    card_ranks: bool
    rankings: Rankings = field(repr=False)
    card_of_run: Card | None = None

    @cached_property
    def screen(self) -> Screen:
        """What ranks the accounts."""
        return screen_of(self.basis, self.settings, self.card, card_ranks=self.card_ranks)

    @cached_property
    def placed(self) -> Placed:
        """Who gets which tier."""
        return self.places.place(
            self.screen.score,
            self.screen.predicted,
            settings=self.settings,
            overrides=self.overrides,
        )

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
        spread = np.full(len(self.places.ids), np.nan)
        spread[self.places.predicted] = self.screen.predicted
        return spread[self.placed.order]

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
        codes = np.where(placed.levels == len(self.names), -1, placed.levels)
        rank = np.arange(1, len(placed.order) + 1)
        return pd.DataFrame(
            {
                "tier": pd.Categorical.from_codes(
                    codes.tolist(), categories=pd.Index(self.names), ordered=True
                ),
                "rank": pd.Series(rank, dtype="Int64").where(~np.isnan(placed.scores)).array,
                "score": placed.scores,
                "predicted_revenue": self._predicted,
            },
            index=self.places.ids[placed.order].rename("account_id"),
        )

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """Accounts by the tier held (rows) and the tier now (columns)."""
        names = [*self.names, UNTIERED]
        pairs = self.placed.standing.held * len(names) + self.placed.levels
        counts = np.bincount(pairs, minlength=len(names) ** 2).reshape(len(names), -1)
        return pd.DataFrame(counts, index=names, columns=names)

    @cached_property
    def moves(self) -> dict[str, int]:
        """How many accounts move up, down, enter and leave."""
        placed = self.placed
        before, now = placed.standing.held[placed.moved], placed.levels[placed.moved]
        none = len(self.names)
        both = (before < none) & (now < none)
        return {
            "up": int((both & (now < before)).sum()),
            "down": int((both & (now > before)).sum()),
            "entered": int(((before == none) & (now < none)).sum()),
            "left": int((now == none).sum()),
        }

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
        """How many accounts the first tier holds, and the first two together, where limited."""
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
        """What the card on screen would have predicted for each tested row."""
        return tested_by(self.basis, self.settings)

    @cached_property
    def backtest(self) -> list[BacktestRow]:
        """The card on screen against past revenue, last quarter's tiers and the fitted card."""
        if self.basis.learned.method is None:
            return []
        sizes = [*self.ends.values()]
        rows = [self.rankings.row(ON_SCREEN, self.tested, sizes, money=self.tested)]
        return [*rows, *self.rankings.others(sizes)]

    @cached_property
    def pipeline(self) -> dict[str, float]:
        """Pipeline that each tier should create in the horizon; missing where it cannot be said."""
        created = self.rankings.pipeline
        if created is None or self.basis.learned.method is None:
            return dict.fromkeys(self.names, float("nan"))
        is_past = self.screen.kind == "past revenue"
        ranked_by = self.rankings.past if is_past else self.tested
        predicted = self.rankings.past_money if is_past else self.tested
        ratios = self.rankings.by_tier(ranked_by, predicted, created, [*self.sizes.values()])
        return {
            name: self.revenue[name] * ratio for name, ratio in zip(self.names, ratios, strict=True)
        }

    @cached_property
    def card(self) -> Card:
        """The card that the settings make, whether or not it ranks the accounts."""
        return self.card_of_run or card_of(self.basis, self.settings)


class Rankings:
    """The rankings that the card on screen is compared with, measured once per capacity.

    Parameters
    ----------
    basis
        Of the explorer.
    """

    def __init__(self, basis: Basis) -> None:
        tested = basis.tested
        self.rows = RankedRows.of(tested)
        self.past = tested["past_revenue"].to_numpy(dtype=float)
        self.past_money = tested["past_revenue_predicted"].to_numpy(dtype=float)
        self._card = tested["card"].to_numpy(dtype=float)
        self._last = tested["last_tiers"].to_numpy(dtype=float) if "last_tiers" in tested else None
        self._kept: dict[tuple[str, int], Capture] = {}
        self._ordered: dict[str, tuple[FloatArray, ...]] = {}
        self._totals: dict[str, Interval] = {}
        self._basis = basis

    @cached_property
    def pipeline(self) -> FloatArray | None:
        """Pipeline that each tested row created in its horizon; None where it is not known."""
        from tierkit._outcomes import outcomes

        tables = self._basis.work.tables
        if not tables.has("opportunities", "created_date") or self._basis.tested.empty:
            return None
        tested = self._basis.tested
        days = [day.date() for day in sorted(tested["as_of"].unique())]
        created = outcomes(tables, days, settings=self._basis.work.settings)
        keys = pd.MultiIndex.from_frame(tested[["account_id", "as_of"]])
        found = created["pipeline_created_amount"].reindex(keys).fillna(0.0)
        return found.to_numpy(dtype=float)

    def row(
        self, name: str, ranked_by: FloatArray, sizes: list[int], *, money: FloatArray | None
    ) -> BacktestRow:
        """Return one ranking, measured."""
        captures = {size: capture(self.rows, ranked_by, accounts=size) for size in sizes}
        return BacktestRow(name, captures, None if money is None else total_over(self.rows, money))

    def others(self, sizes: list[int]) -> list[BacktestRow]:
        """Return the rankings that do not change while one explores."""
        found = [
            self._known(FITTED_CARD, self._card, sizes, money=self._card),
            self._known(PAST_REVENUE, self.past, sizes, money=self.past_money),
        ]
        if self._last is not None:
            found.append(self._known(LAST_TIERS, self._last, sizes, money=None))
        return found

    def by_tier(
        self,
        ranked_by: FloatArray,
        predicted: FloatArray,
        outcome: FloatArray,
        sizes: list[int],
    ) -> list[float]:
        """Return by tier what such accounts brought over what was predicted for them."""
        ends = np.cumsum(sizes)
        outcomes, amounts = np.zeros(len(sizes)), np.zeros(len(sizes))
        for places in self.rows.dates:
            order = places[np.argsort(-ranked_by[places], kind="stable")]
            tier = np.searchsorted(ends, np.arange(len(order)), side="right")
            inside = tier < len(sizes)
            kept, own = order[inside], tier[inside]
            outcomes += np.bincount(own, outcome[kept], minlength=len(sizes))
            amounts += np.bincount(own, predicted[kept], minlength=len(sizes))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(amounts > 0, outcomes / amounts, np.nan)
        return [float(ratio) for ratio in ratios]

    def _known(
        self, name: str, ranked_by: FloatArray, sizes: list[int], *, money: FloatArray | None
    ) -> BacktestRow:
        for size in sizes:
            if (name, size) not in self._kept:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                if name not in self._ordered:
                    self._ordered[name] = self.rows.ordered(ranked_by)
                self._kept[name, size] = capture(
                    self.rows, ranked_by, accounts=size, ordered=self._ordered[name]
                )
        captures = {size: self._kept[name, size] for size in sizes}
        if money is not None and name not in self._totals:
            self._totals[name] = total_over(self.rows, money)
        return BacktestRow(name, captures, self._totals.get(name))


if TYPE_CHECKING:
    from tierkit.explorer.view import View
    from tierkit.statistics import IntArray

    Levels = npt.NDArray[np.int8]
    Amounts = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """What is remembered of a view: the tier of every account, and the headline numbers.

    Attributes
    ----------
    levels
        The tier of each account in `Places.ids`, from 0; the number of tiers without one.
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
    captures: dict[str, Interval]

    @classmethod
    def of(cls, view: View, *, with_captures: bool) -> Snapshot:
        """Return what is remembered of a view."""
        count = len(view.names)
        levels = np.full(len(view.places.ids), count, dtype=np.int8)
        levels[view.placed.order] = view.placed.levels
        money = np.zeros(len(view.places.ids), dtype=np.float32)
        money[view.placed.order] = view.money
        captures: dict[str, Interval] = {}
        if with_captures and view.backtest:
            on_screen = view.backtest[0].captures
            captures = {name: on_screen[size].interval for name, size in view.ends.items()}
        return cls(levels, money, tuple(view.names), view.sizes, view.revenue, captures)


@dataclass(frozen=True)
class Change:
    """What one change did.

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
    names = [*snapshot.names, "Untiered"]
    return [names[level] for level in snapshot.levels[rows]]
