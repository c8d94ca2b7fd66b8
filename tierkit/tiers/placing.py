"""Accounts put into tiers: what is known of them as arrays, made once, placed as often as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from tierkit.errors import DataError
from tierkit.settings import Rule, StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_problems
from tierkit.tiers.ranked_accounts import (
    FIRST_RUN,
    AccountContext,
    BoolArray,
    FloatArray,
    Groups,
    IntArray,
    RankedAccounts,
    Words,
    levels_of,
    minimum_stay,
    move_reasons,
)
from tierkit.tiers.slots import (
    MoveBudget,
    Placement,
    TierPlaces,
    fill_places,
    nearest_line,
    within_budget,
)

KEPT_BY = ("keep band", "minimum stay", "move budget")
_COLUMNS = ("tier", "model_tier", "previous_tier", "rank", "score", "cut_score", "overridden",
            "kept_by_band", "kept_by", "rule_tier", "unkept_tier", "group",
            "move_reason")  # fmt: skip
_MOST_KEPT = 16


@dataclass(frozen=True)
class PlacedAccounts:
    """The tier that each account gets.

    Attributes
    ----------
    ids
        All candidates, in order.
    order
        Places in `ids`, best rank first, those without a rank at the end.
    final
        The level of each of them, and the lines that it faced.
    ranked
        What was known of each of them.
    before
        The tier that each of them held, as it was named then.
    group_names
        The groups by code.
    """

    ids: pd.Index[str]
    order: IntArray
    final: Placement
    ranked: RankedAccounts
    places: TierPlaces
    budget: MoveBudget
    stability: StabilitySettings
    before: pd.Series[str]
    group_names: tuple[str, ...]

    @property
    def levels(self) -> IntArray:
        """The tier of each account, from 0; the number of tiers where it gets none."""
        return self.final.levels

    @property
    def scores(self) -> FloatArray:
        """The score of each account in `order`, missing where it is out of scope."""
        return self.ranked.scores

    @cached_property
    def retired(self) -> BoolArray:
        """True for accounts that held a tier that the settings no longer have."""
        retired: BoolArray = np.asarray(self.before.notna()) & (
            self.ranked.held == self.places.none
        )
        return retired

    @cached_property
    def moved(self) -> IntArray:
        """Places in `order` of those whose tier changes; none where nobody held one."""
        held, none = self.ranked.held, self.places.none
        if not (held < none).any() and not self.retired.any():
            return np.array([], dtype=np.int64)
        return np.flatnonzero((self.levels != held) | self.retired)

    @cached_property
    def reasons(self) -> Words:
        """Reason of each account's move, empty where its tier stays."""
        if self.before.isna().all():
            return np.full(len(self.order), FIRST_RUN, dtype=object)
        return move_reasons(
            self.ranked, self.levels, retired=self.retired, places=self.places,
            band=self.budget.band,
        )  # fmt: skip

    @cached_property
    def previous_tier(self) -> pd.Categorical[str]:
        """The tier held before, those that the settings no longer have after those they have."""
        gone = sorted(set(self.before[self.retired]))
        codes = np.where(self.ranked.held < self.places.none, self.ranked.held, -1)
        codes[self.retired] = self.places.none + np.searchsorted(gone, self.before[self.retired])
        return pd.Categorical.from_codes(
            codes.tolist(), categories=pd.Index([*self.places.names, *gone]), ordered=True
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per account, as `assign_tiers` returns it."""
        other = self._other_ways()
        rank = pd.Series(np.arange(1, len(self.order) + 1), dtype="Int64")
        groups = np.array(self.group_names, dtype=object)
        columns = {
            "tier": self.named(self.levels),
            "model_tier": self.named(other.by_model),
            "rule_tier": self.named(other.by_rule),
            "unkept_tier": self.named(other.unkept),
            "previous_tier": self.previous_tier,
            "rank": rank.where(self.ranked.in_scope).array,
            "score": self.scores,
            "cut_score": nearest_line(self.scores, self.final.lines),
            "overridden": self.ranked.forced < self.places.none,
            "kept_by_band": other.kept_by == 1,
            "kept_by": np.array(["", *KEPT_BY], dtype=object)[other.kept_by],
            "group": groups[self.ranked.groups.codes],
            "move_reason": self.reasons,
        }
        index = self.ids[self.order].rename("account_id")
        return pd.DataFrame(columns, index=index)[[*_COLUMNS]]

    def named(self, levels: IntArray) -> pd.Categorical[str]:
        """Return the names of tiers, missing where there is none."""
        codes = np.where(levels == self.places.none, -1, levels)
        return pd.Categorical.from_codes(
            codes.tolist(), categories=pd.Index(self.places.names), ordered=True
        )

    def _other_ways(self) -> _OtherWays:
        ranked, places, usual = self.ranked, self.places, self.stability.keep_band
        with_band = _levels(ranked.without_stay(), places, usual)
        stayed = _levels(ranked, places, usual) if ranked.stays.any() else with_band
        bare = ranked.without_history()
        unkept = _levels(bare, places, 1.0)
        free = ranked.forced == places.none
        kept = (self.levels == ranked.held) & (self.levels < unkept) & free
        holds = [kept & (levels == ranked.held) for levels in (with_band, stayed)]
        return _OtherWays(
            by_model=_levels(ranked.without_overrides(), places, self.budget.band),
            by_rule=unkept if free.all() else _levels(bare.without_overrides(), places, 1.0),
            unkept=unkept,
            kept_by=np.select([~kept, *holds], [0, 1, 2], 3).astype(np.int64),
        )


class _OtherWays(NamedTuple):
    """The levels of accounts with one rule after another left out, and the rule that held them."""

    by_model: IntArray
    by_rule: IntArray
    unkept: IntArray
    kept_by: IntArray


def _levels(ranked: RankedAccounts, places: TierPlaces, band: float) -> IntArray:
    return fill_places(ranked, places=places, band=band).levels


class TierCandidates:
    """The accounts that could have a tier, ready to be placed.

    Parameters
    ----------
    ids
        All that could have one: those that can be predicted, are overridden or held a tier before.
    previous
        The tier held the day before, by account_id.
    context
        What the rules of the tiers ask of accounts beside.

    Attributes
    ----------
    ids
        The same, in order.

    Examples
    --------
    >>> from tierkit.tiers.overrides import no_overrides
    >>> candidates = TierCandidates(["A1", "A2"], previous=pd.Series(dtype="str"))
    >>> scores = np.array([1.0, 3.0])
    >>> placed = candidates.place(scores, 10 * scores, tiers=[Tier(name="Tier 1", capacity=1)],
    ...                           stability=StabilitySettings(), overrides=no_overrides())
    >>> placed.frame["tier"].dropna().to_dict()
    {'A2': 'Tier 1'}
    """

    def __init__(
        self,
        ids: Iterable[str],
        *,
        previous: pd.Series[str],
        context: AccountContext | None = None,
    ) -> None:
        known = previous.dropna()
        self.ids: pd.Index[str] = pd.Index(ids).union(known.index).unique().sort_values()
        self.previous = known.reindex(self.ids)
        self._context = context or AccountContext()
        self._levels_held: tuple[tuple[str, ...], IntArray] | None = None
        self._rules_met: dict[str, BoolArray] = {}

    def place(
        self,
        score: FloatArray,
        money: FloatArray,
        *,
        tiers: Sequence[Tier],
        stability: StabilitySettings,
        overrides: pd.DataFrame,
    ) -> PlacedAccounts:
        """Give each account its tier.

        Parameters
        ----------
        score, money
            Of each account in `ids`; missing where it is not eligible.
        overrides
            `account_id` and `tier`.

        Raises
        ------
        DataError
            If more accounts are put into a tier than it has places for.
        """
        chosen = dict(zip(overrides["account_id"], overrides["tier"], strict=True))
        if problems := capacity_problems(chosen, tiers=tiers, groups=self._groups_of(chosen)):
            raise DataError("tiers cannot be assigned", problems)
        names = [tier.name for tier in tiers]
        forced = self._forced(chosen, names)
        order = self._order(score, money, others=(forced < len(names)) | self._held_one)
        codes, group_names = self._groups(order)
        held = self._held(tuple(names))
        ranked = RankedAccounts(
            scores=score[order],
            money=money[order],
            held=held[order],
            forced=forced[order],
            held_by_model=self._held_by_model(held, forced, names)[order],
            stays=self._stays(held, tiers, stability)[order],
            groups=Groups(codes, len(group_names)),
            owners=self._owners(tiers)[order],
            meets=tuple(self._meets(tier)[order] for tier in tiers),
        )
        places = TierPlaces.of(tiers, ranked, groups=group_names)
        budget = within_budget(ranked, places=places, stability=stability)
        final = fill_places(ranked, places=places, band=budget.band)
        before = self.previous.iloc[order]
        return PlacedAccounts(
            self.ids, order, final, ranked, places, budget, stability, before, group_names
        )

    def _order(self, score: FloatArray, money: FloatArray, *, others: BoolArray) -> IntArray:
        """Return the accounts by rank, below them those out of scope that others speak of."""
        eligible = ~np.isnan(score)
        inside = np.flatnonzero(eligible)
        ranked = inside[np.lexsort((-money[inside], -score[inside]))]
        return np.concatenate([ranked, np.flatnonzero(others & ~eligible)])

    @cached_property
    def _held_one(self) -> BoolArray:
        return np.asarray(self.previous.notna(), dtype=bool)

    def _held(self, names: tuple[str, ...]) -> IntArray:
        """Return the tier held before, from 0; the number of tiers where none was."""
        if self._levels_held is None or self._levels_held[0] != names:
            self._levels_held = (names, levels_of(self.previous, names))
        return self._levels_held[1]

    def _held_by_model(self, held: IntArray, forced: IntArray, names: list[str]) -> IntArray:
        """Return the tier held before as the model gave it, the number of tiers where none was."""
        unknown = np.where(held == forced, len(names), held)
        known = self._context.held_by_model
        if known is None:
            return unknown
        own = known.reindex(self.ids)
        return np.where(own.isna(), unknown, levels_of(own, names))

    def _forced(self, chosen: dict[str, str], names: list[str]) -> IntArray:
        levels = np.full(len(self.ids), len(names), dtype=np.int64)
        tiers = pd.Series([*chosen.values()], dtype="object")
        levels[self.ids.get_indexer(pd.Index([*chosen]))] = levels_of(tiers, names)
        return levels

    def _groups_of(self, accounts: Iterable[str]) -> dict[str, str] | None:
        """Return the group of some accounts; None where all accounts are one."""
        groups = self._context.groups
        if groups is None:
            return None
        found = groups.reindex([*accounts]).fillna("")
        return {str(account): str(group) for account, group in found.items()}

    def _groups(self, order: IntArray) -> tuple[IntArray, tuple[str, ...]]:
        """Return the group of each account as a code, and the groups that there are, by code."""
        if self._context.groups is None:
            return np.zeros(len(order), dtype=np.int64), ("",)
        codes, names = self._group_codes
        present, own = np.unique(codes[order], return_inverse=True)
        return own.astype(np.int64), tuple(names[place] for place in present) or ("",)

    @cached_property
    def _group_codes(self) -> tuple[IntArray, list[str]]:
        groups = self._context.groups
        texts = pd.Series(dtype=object) if groups is None else groups
        filled = texts.reindex(self.ids).astype("object").fillna("")
        names, codes = np.unique(filled.to_numpy(dtype=object), return_inverse=True)
        return codes.astype(np.int64), [str(name) for name in names]

    def _stays(
        self, held: IntArray, tiers: Sequence[Tier], stability: StabilitySettings
    ) -> BoolArray:
        """Return whether each account has held its tier for fewer quarters than it shall."""
        if self._context.quarters_held is None:
            return np.zeros(len(self.ids), dtype=bool)
        asked = np.array([minimum_stay(tier, stability) for tier in tiers] + [0])
        return np.asarray(self._quarters < asked[held])  # unknown is no reason to stay

    @cached_property
    def _quarters(self) -> FloatArray:
        held = self._context.quarters_held
        quarters = pd.Series(dtype=float) if held is None else held
        return np.asarray(quarters.reindex(self.ids), dtype=np.float64)

    def _owners(self, tiers: Sequence[Tier]) -> IntArray:
        """Return a code for each owner, -1 for accounts without one and where no tier asks."""
        columns = self._context.columns
        asked = any(tier.max_per_owner is not None for tier in tiers)
        if columns is None or "owner" not in columns or not asked:
            return np.full(len(self.ids), -1, dtype=np.int64)
        owners = columns["owner"].reindex(self.ids)
        codes, _ = pd.factorize(owners.mask(owners.eq("")), sort=True)
        return codes.astype(np.int64)

    def _meets(self, tier: Tier) -> BoolArray:
        """Return whether each account meets the tier's written rule; unknown is not met."""
        if tier.where is None:
            return np.ones(len(self.ids), dtype=bool)
        if tier.where not in self._rules_met:
            if len(self._rules_met) >= _MOST_KEPT:
                self._rules_met.clear()
            self._rules_met[tier.where] = self._evaluated(Rule(tier.where))
        return self._rules_met[tier.where]

    def _evaluated(self, rule: Rule) -> BoolArray:
        columns = self._context.columns
        frame = pd.DataFrame(index=self.ids) if columns is None else columns
        asked = [column for column in frame.columns if column in rule.columns]
        met = rule.evaluate(frame[asked].reindex(self.ids))
        return met.fillna(value=False).to_numpy(dtype=bool)
