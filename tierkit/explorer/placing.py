"""Tiers as fast as one drags: the slots of `tierkit.tiers` on arrays that are made once.

The result is that of `assign_tiers`, account for account; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.errors import DataError
from tierkit.tiers import (
    AccountContext,
    BoolArray,
    FloatArray,
    Groups,
    IntArray,
    MoveBudget,
    RankedAccounts,
    TierPlaces,
    capacity_problems,
    fill_places,
    levels_of,
    meets_all,
    minimum_stay,
    move_reasons,
    within_budget,
)

if TYPE_CHECKING:
    from tierkit.settings import Settings, Tier

_MOST_KEPT = 16


@dataclass(frozen=True)
class Placed:
    """Who gets which tier.

    Attributes
    ----------
    order
        Places of the accounts in `Places.ids`, best rank first, those without a rank at the end.
    levels
        The tier of each of them, from 0; the number of tiers where it gets none.
    """

    order: IntArray
    levels: IntArray
    standing: RankedAccounts
    ladder: TierPlaces
    budget: MoveBudget
    retired: BoolArray

    @cached_property
    def moved(self) -> IntArray:
        """Places in `order` of those whose tier changes; none where nobody held one."""
        held, none = self.standing.held, self.ladder.none
        if not (held < none).any() and not self.retired.any():
            return np.zeros(0, dtype=np.int64)
        stayed = (held == self.levels) & ~self.retired
        return np.flatnonzero(~stayed)

    @cached_property
    def reasons(self) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        """Why each account moves, empty where it does not."""
        return move_reasons(
            self.standing,
            self.levels,
            retired=self.retired,
            ladder=self.ladder,
            band=self.budget.band,
        )

    @property
    def scores(self) -> FloatArray:
        """The score of each account in `order`, missing where it is out of scope."""
        return self.standing.scores


class Places:
    """The accounts of a project, ready to be put into tiers.

    Parameters
    ----------
    accounts
        All accounts as they are today, by account_id in order.
    predicted
        The accounts that can be predicted, in order.
    previous
        The tier held the day before, by account_id.
    context
        What the rules of the tiers ask of accounts beside.

    Attributes
    ----------
    ids
        All accounts that could have a tier, in order.
    predicted
        Places in `ids` of those that can be predicted.
    """

    def __init__(
        self,
        accounts: pd.DataFrame,
        predicted: pd.Index[str],
        *,
        previous: pd.Series[str],
        context: AccountContext,
    ) -> None:
        self.ids = accounts.index.union(predicted).union(previous.dropna().index)
        self._accounts = accounts
        self.predicted = self.ids.get_indexer(predicted)
        self._previous = previous.dropna().reindex(self.ids)
        self._context = context
        self._levels_held: tuple[tuple[str, ...], IntArray] | None = None
        self._kept: dict[tuple[object, ...], np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}

    def eligible(self, where: tuple[str, ...]) -> BoolArray:
        """Return which accounts of `ids` can be predicted and meet every rule."""
        key = ("icp", where)
        if key not in self._kept:
            met = meets_all(self._accounts, where=where)
            meets = np.zeros(len(self.ids), dtype=bool)
            meets[self.ids.get_indexer(met.index)] = met
            known = np.zeros(len(self.ids), dtype=bool)
            known[self.predicted] = True
            self._keep(key, meets & known & self._in_a_group)
        return self._kept[key]

    @cached_property
    def _in_a_group(self) -> BoolArray:
        """Whether each account has a group, where tiers are filled within groups."""
        if self._context.groups is None:
            return np.ones(len(self.ids), dtype=bool)
        return np.asarray(self._context.groups.reindex(self.ids).notna())

    def place(
        self, score: FloatArray, money: FloatArray, *, settings: Settings, overrides: pd.DataFrame
    ) -> Placed:
        """Give each account its tier.

        Parameters
        ----------
        score, money
            Of the accounts that can be predicted.
        overrides
            `account_id` and `tier`.

        Raises
        ------
        DataError
            If more accounts are put into a tier than it has places for.
        """
        tiers = settings.tiers
        chosen = dict(zip(overrides["account_id"], overrides["tier"], strict=True))
        if problems := capacity_problems(chosen, tiers=tiers, groups=self._groups_of(chosen)):
            raise DataError("tiers cannot be assigned", problems)
        names = [tier.name for tier in tiers]
        forced = self._levels(overrides.set_index("account_id")["tier"], names)
        held = self._held(tuple(names))
        scores, amounts = self._spread(score), self._spread(money)
        order, in_scope = self._order(
            scores,
            amounts,
            eligible=self.eligible(settings.icp.where),
            others=(forced < len(names)) | self._held_before,
        )
        known = np.arange(len(order)) < in_scope
        groups, group_names = self._groups(order)
        standing = RankedAccounts(
            scores=np.where(known, scores[order], np.nan),
            money=np.where(known, amounts[order], np.nan),
            held=held[order],
            forced=forced[order],
            stays=self._stays(order, held, settings),
            groups=groups,
            owners=self._owners(order, tiers),
            meets=tuple(self._meets(tier)[order] for tier in tiers),
        )
        ladder = TierPlaces.of(tiers, standing, groups=group_names)
        budget = within_budget(standing, ladder=ladder, stability=settings.stability)
        levels = fill_places(standing, ladder=ladder, band=budget.band).levels
        retired = self._held_before[order] & (standing.held == len(names))
        return Placed(order, levels, standing, ladder, budget, retired)

    def _order(
        self, scores: FloatArray, money: FloatArray, *, eligible: BoolArray, others: BoolArray
    ) -> tuple[IntArray, int]:
        """Return the accounts by rank, below them those out of scope; and how many rank."""
        inside = np.flatnonzero(eligible)
        ranked = inside[np.lexsort((-money[inside], -scores[inside]))]
        outside = np.flatnonzero(others & ~eligible)
        return np.concatenate([ranked, outside]), len(ranked)

    @cached_property
    def _held_before(self) -> BoolArray:
        return np.asarray(self._previous.notna(), dtype=bool)

    def _held(self, names: tuple[str, ...]) -> IntArray:
        """Return the tier held before, from 0; the number of tiers where none was."""
        if self._levels_held is None or self._levels_held[0] != names:
            self._levels_held = (names, levels_of(self._previous, list(names)))
        return self._levels_held[1]

    def _spread(self, values: FloatArray) -> FloatArray:
        spread = np.full(len(self.ids), np.nan)
        spread[self.predicted] = values
        return spread

    def _groups_of(self, accounts: Iterable[str]) -> dict[str, str]:
        """Return the group of some accounts."""
        if self._context.groups is None:
            return {}
        found = self._context.groups.reindex([*accounts]).fillna("")
        return {str(account): str(group) for account, group in found.items()}

    def _levels(self, names: pd.Series[str], tiers: list[str]) -> IntArray:
        levels = np.full(len(self.ids), len(tiers), dtype=np.int64)
        levels[self.ids.get_indexer(names.index)] = levels_of(names, tiers)
        return levels

    def _stays(self, order: IntArray, held: IntArray, settings: Settings) -> BoolArray:
        if self._context.quarters_held is None:
            return np.zeros(len(order), dtype=bool)
        asked = np.array([minimum_stay(tier, settings.stability) for tier in settings.tiers] + [0])
        return np.asarray(self._quarters[order] < asked[held[order]])

    @cached_property
    def _quarters(self) -> FloatArray:
        held = self._context.quarters_held
        quarters = pd.Series(dtype=float) if held is None else held
        return np.asarray(quarters.reindex(self.ids), dtype=np.float64)

    def _groups(self, order: IntArray) -> tuple[Groups, tuple[str, ...]]:
        if self._context.groups is None:
            return Groups(np.zeros(len(order), dtype=np.int64), 1), ("",)
        codes, names = self._group_codes
        present, own = np.unique(codes[order], return_inverse=True)
        return Groups(own.astype(np.int64), len(present)), tuple(names[place] for place in present)

    @cached_property
    def _group_codes(self) -> tuple[IntArray, list[str]]:
        groups = self._context.groups
        texts = pd.Series(dtype=object) if groups is None else groups
        filled = texts.reindex(self.ids).astype("object").fillna("")
        names, codes = np.unique(filled.to_numpy(dtype=object), return_inverse=True)
        return codes.astype(np.int64), [str(name) for name in names]

    def _owners(self, order: IntArray, tiers: tuple[Tier, ...]) -> IntArray:
        columns = self._context.columns
        asked = any(tier.max_per_owner is not None for tier in tiers)
        if columns is None or "owner" not in columns or not asked:
            return np.full(len(order), -1, dtype=np.int64)
        owners = columns["owner"].reindex(self.ids)
        codes, _ = pd.factorize(owners.mask(owners.eq("")), sort=True)
        return codes.astype(np.int64)[order]

    def _meets(self, tier: Tier) -> BoolArray:
        if tier.where is None:
            return np.ones(len(self.ids), dtype=bool)
        key = ("tier", tier.where)
        if key not in self._kept:
            from tierkit.settings import Rule

            columns = self._accounts if self._context.columns is None else self._context.columns
            met = Rule(tier.where).evaluate(columns.reindex(self.ids))
            self._keep(key, met.fillna(value=False).to_numpy(dtype=bool))
        return self._kept[key]

    def _keep(self, key: tuple[object, ...], found: BoolArray) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = found
