"""Accounts as the rules of the tiers see them: ranked, in their groups, with owner and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.rules import Rule
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.standing import BoolArray, Groups, IntArray, Standing


@dataclass(frozen=True)
class AccountContext:
    """What the rules of the tiers ask of accounts beside their prediction, each by account_id.

    Attributes
    ----------
    columns
        The columns that written rules name, and `owner`; None where nothing is known.
    groups
        The group in which the account's tiers are filled; None where all accounts are one.
    quarters_held
        For how many quarter-ends in a row the account has held its tier; an account that is absent
        has held it long enough.
    """

    columns: pd.DataFrame | None = None
    groups: pd.Series[str] | None = None
    quarters_held: pd.Series[int] | None = None


@dataclass(frozen=True)
class Line:
    """The accounts lined up, best rank first.

    Attributes
    ----------
    group
        By account its group, empty where all accounts are one.
    group_names
        The groups by code.
    """

    standing: Standing
    group: pd.Series[str]
    group_names: tuple[str, ...]


def line_up(
    ranked: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    held: IntArray,
    forced: IntArray,
    context: AccountContext,
) -> Line:
    """Return what is known of each account before slots are given.

    Parameters
    ----------
    ranked
        One row per account_id, best first: `score`, `predicted_revenue`.
    held, forced
        The level held before, and the level that an override sets.
    """
    group = _text(context.groups, ranked.index)
    codes, names = pd.factorize(group.to_numpy(dtype=object), sort=True)
    standing = Standing(
        scores=ranked["score"].to_numpy(dtype=float),
        money=ranked["predicted_revenue"].to_numpy(dtype=float),
        held=held,
        forced=forced,
        stays=_stays(ranked.index, held, tiers=tiers, stability=stability, context=context),
        groups=Groups(codes.astype(np.int64), max(1, len(names))),
        owners=_owners(ranked.index, tiers=tiers, context=context),
        meets=tuple(_meets(tier, ranked.index, context) for tier in tiers),
    )
    return Line(standing, group, tuple(map(str, names)) or ("",))


def levels_of(names: pd.Series[str], tiers: Sequence[str]) -> IntArray:
    """Return the level of each tier's name, that of no tier for missing and unknown ones.

    Examples
    --------
    >>> levels_of(pd.Series(["B", None, "X"], dtype="str"), ["A", "B"]).tolist()
    [1, 2, 2]
    """
    levels = pd.Index(tiers).get_indexer(pd.Index(names))
    return np.where(levels < 0, len(tiers), levels).astype(np.int64)


def _text(values: pd.Series[str] | None, index: pd.Index[str]) -> pd.Series[str]:
    if values is None:
        return pd.Series("", index=index, dtype="object")
    return values.reindex(index).astype("object").fillna("")


def _stays(
    index: pd.Index[str],
    held: IntArray,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    context: AccountContext,
) -> BoolArray:
    """Return whether each account has held its tier for fewer quarters than it shall."""
    if context.quarters_held is None:
        return np.zeros(len(index), dtype=bool)
    asked = np.array([minimum_stay(tier, stability) for tier in tiers] + [0])
    quarters = context.quarters_held.reindex(index).to_numpy(dtype=float)
    return np.asarray(quarters < asked[held])  # unknown is no reason to stay


def minimum_stay(tier: Tier, stability: StabilitySettings) -> int:
    """Return for how many quarters an account stays in the tier before rank can take it away."""
    return stability.min_quarters if tier.min_quarters is None else tier.min_quarters


def _owners(index: pd.Index[str], *, tiers: Sequence[Tier], context: AccountContext) -> IntArray:
    """Return a code for each owner, -1 for accounts without one and where no tier asks."""
    columns = context.columns
    asked = any(tier.max_per_owner is not None for tier in tiers)
    if columns is None or "owner" not in columns or not asked:
        return np.full(len(index), -1, dtype=np.int64)
    owners = columns["owner"].reindex(index)
    codes, _ = pd.factorize(owners.mask(owners.eq("")), sort=True)
    return codes.astype(np.int64)


def _meets(tier: Tier, index: pd.Index[str], context: AccountContext) -> BoolArray:
    """Return whether each account meets the tier's written rule; unknown is not met."""
    if tier.where is None:
        return np.ones(len(index), dtype=bool)
    rule = Rule(tier.where)
    columns = pd.DataFrame(index=index) if context.columns is None else context.columns
    asked = [column for column in columns.columns if column in rule.columns]
    met = rule.evaluate(columns[asked].reindex(index))
    return met.fillna(value=False).to_numpy(dtype=bool)
