"""Predicted revenue to tiers that hold to their rules and do not change for no reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.errors import DataError, Problem
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_problems
from tierkit.tiers.reasons import FIRST_RUN, move_reasons
from tierkit.tiers.slots import (
    MoveBudget,
    Placement,
    TierPlaces,
    fill_places,
    nearest_line,
    within_budget,
)
from tierkit.tiers.standing import AccountContext, IntArray, RankedAccounts, levels_of, line_up

NOTHING_KNOWN = AccountContext()
KEPT_BY = ("keep band", "minimum stay", "move budget")


@dataclass(frozen=True)
class Assignment:
    """Tiers, and what the move budget did to reach them.

    Attributes
    ----------
    accounts
        As `assign_tiers` returns it.
    """

    accounts: pd.DataFrame
    budget: MoveBudget


def assign_tiers(
    predicted: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    previous: pd.Series[str],
    overrides: pd.DataFrame,
    context: AccountContext = NOTHING_KNOWN,
) -> pd.DataFrame:
    """Give each eligible account a tier.

    Overrides take their slots first. Whoever held a tier keeps its slot while its rank is at most
    `keep_band` times the capacity of that tier and those above together, or while it has not held
    the tier for its minimum stay. Open slots fill by rank. No tier ever holds more than its
    capacity; a tier without a rule takes the rest. Where more accounts would move than
    `max_moves_share` of those that hold a limited tier, the band is widened until they do not.

    Parameters
    ----------
    predicted
        One row per eligible account_id with `score` and `predicted_revenue`, higher is better.
        Accounts are ranked by score, then predicted revenue, then account_id ascending, so that
        neither ties nor the order of rows decide anything.
    previous
        The tier held the day before, by account_id. Where it is empty, rank alone decides.
    overrides
        `account_id` and `tier` of each override, as `read_overrides` gives them. One for an account
        that is not eligible stands too; such an account has no rank and no score.
    context
        What the rules of the tiers ask of accounts beside: columns, group, owner, quarters held.

    Returns
    -------
    pandas.DataFrame
        One row per account_id that is eligible, overridden, or held a tier before; best rank first,
        those without a rank at the end.

        - `tier`, missing where no tier has room and outside the scope; `model_tier`, the tier by
          the same rules without any override; `rule_tier`, without overrides and as if nobody had
          held a tier; `unkept_tier`, with overrides and as if nobody had held a tier;
          `previous_tier`. Ordered categories.
        - `rank`, 1 is best, among all; `score`; `group`, in which its tiers are filled.
        - `cut_score`: of the lines between tiers the one nearest to the account's score. It is the
          exit line for accounts that held the tier above it or a better one (the score at rank
          `keep_band` × capacity), the entry line for others (the score of the last one let in;
          missing if no slot was open, under a written rule and during a minimum stay).
        - `overridden`; `kept_by_band`: whether the account would have lost its tier by rank alone
          and keeps it inside the band; `kept_by`: `keep band`, `minimum stay` or `move budget`,
          empty where nothing kept it.
        - `move_reason`, empty where the tier stayed.

    Raises
    ------
    DataError
        If an account appears twice or has no score, or if more accounts are put into a tier than it
        has places for.
    SettingsError
        If a written rule names a column that `context` does not hold.

    Examples
    --------
    >>> from tierkit.tiers.overrides import no_overrides
    >>> predicted = pd.DataFrame(
    ...     {"score": [9.0, 8.0, 7.0], "predicted_revenue": [90.0, 80.0, 70.0]},
    ...     index=pd.Index(["A1", "A2", "A3"], name="account_id"),
    ... )
    >>> assigned = assign_tiers(
    ...     predicted,
    ...     tiers=[Tier(name="Tier 1", capacity=1), Tier(name="Tier 2")],
    ...     stability=StabilitySettings(keep_band=2.0),
    ...     previous=pd.Series({"A1": "Tier 2", "A2": "Tier 1", "A3": "Tier 2"}),
    ...     overrides=no_overrides(),
    ... )
    >>> assigned["tier"].to_dict()
    {'A1': 'Tier 2', 'A2': 'Tier 1', 'A3': 'Tier 2'}
    >>> assigned["kept_by_band"].to_dict()
    {'A1': False, 'A2': True, 'A3': False}
    """
    return assign_within_budget(
        predicted,
        tiers=tiers,
        stability=stability,
        previous=previous,
        overrides=overrides,
        context=context,
    ).accounts


def assign_within_budget(
    predicted: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    previous: pd.Series[str],
    overrides: pd.DataFrame,
    context: AccountContext = NOTHING_KNOWN,
) -> Assignment:
    """Do what `assign_tiers` does, and say what the move budget did."""
    chosen = overrides.set_index("account_id")["tier"]
    _check(predicted, previous=previous, chosen=chosen, tiers=tiers, groups=context.groups)
    known = previous.dropna()
    ranked = _ranked(predicted, others=known.index.union(chosen.index, sort=False))
    before = known.reindex(ranked.index)
    names = [tier.name for tier in tiers]
    line = line_up(
        ranked,
        tiers=tiers,
        stability=stability,
        held=levels_of(before, names),
        forced=levels_of(chosen.reindex(ranked.index), names),
        context=context,
    )
    ladder = TierPlaces.of(tiers, line.standing, groups=line.group_names)
    budget = within_budget(line.standing, ladder=ladder, stability=stability)
    given = _given(line.standing, ladder, stability=stability, budget=budget)
    retired = before.notna().to_numpy() & (line.standing.held == ladder.none)
    reasons = move_reasons(
        line.standing, given.final.levels, retired=retired, ladder=ladder, band=budget.band
    )
    frame = _placed(line.standing, given, ladder=ladder, index=ranked.index)
    accounts = frame.assign(
        previous_tier=_with_retired_names(before, ladder),
        move_reason=FIRST_RUN if known.empty else reasons,
        group=line.group,
    )[[*_COLUMNS]]
    return Assignment(accounts, budget)


_COLUMNS = ("tier", "model_tier", "previous_tier", "rank", "score", "cut_score", "overridden",
            "kept_by_band", "kept_by", "rule_tier", "unkept_tier", "group",
            "move_reason")  # fmt: skip


@dataclass(frozen=True)
class _Given:
    """Where accounts are placed: finally, and with one thing after the other left away."""

    final: Placement
    by_model: IntArray
    by_rule: IntArray
    unkept: IntArray
    kept_by: IntArray


def _given(
    standing: RankedAccounts,
    ladder: TierPlaces,
    *,
    stability: StabilitySettings,
    budget: MoveBudget,
) -> _Given:
    final = fill_places(standing, ladder=ladder, band=budget.band)
    usual = stability.keep_band
    with_band = fill_places(standing.without_stay(), ladder=ladder, band=usual).levels
    stayed = (
        fill_places(standing, ladder=ladder, band=usual).levels
        if standing.stays.any()
        else with_band
    )
    bare = standing.without_history()
    unkept = fill_places(bare, ladder=ladder, band=1.0).levels
    plain, alone = standing.without_overrides(), bare.without_overrides()
    free = standing.forced == ladder.none
    kept = (final.levels == standing.held) & (final.levels < unkept) & free
    holds = [kept & (levels == standing.held) for levels in (with_band, stayed)]
    return _Given(
        final=final,
        by_model=fill_places(plain, ladder=ladder, band=budget.band).levels,
        by_rule=unkept if free.all() else fill_places(alone, ladder=ladder, band=1.0).levels,
        unkept=unkept,
        kept_by=np.select([~kept, *holds], [0, 1, 2], 3).astype(np.int64),
    )


def _placed(
    standing: RankedAccounts, given: _Given, *, ladder: TierPlaces, index: pd.Index[str]
) -> pd.DataFrame:
    """Return what follows from the slots: everything but the words."""
    rank = pd.Series(np.arange(1, len(index) + 1), index=index, dtype="Int64")
    return pd.DataFrame(
        {
            "tier": _names(given.final.levels, ladder),
            "model_tier": _names(given.by_model, ladder),
            "rule_tier": _names(given.by_rule, ladder),
            "unkept_tier": _names(given.unkept, ladder),
            "rank": rank.where(standing.in_scope),
            "score": standing.scores,
            "cut_score": nearest_line(standing.scores, given.final.lines),
            "overridden": standing.forced < ladder.none,
            "kept_by_band": given.kept_by == 1,
            "kept_by": np.array(["", *KEPT_BY], dtype=object)[given.kept_by],
        },
        index=index,
    )


def _check(
    predicted: pd.DataFrame,
    *,
    previous: pd.Series[str],
    chosen: pd.Series[str],
    tiers: Sequence[Tier],
    groups: pd.Series[str] | None,
) -> None:
    problems = [
        Problem(f"{index[index.duplicated()].nunique()} accounts appear more than once",
                "Keep one row of each.", table, "account_id", rule="duplicate account",
                examples=tuple(map(str, index[index.duplicated()].unique()[:5])))
        for table, index in (("predicted", predicted.index), ("previous tiers", previous.index),
                             ("overrides", chosen.index))
        if index.has_duplicates
    ]  # fmt: skip
    unscored = predicted.index[predicted[["score", "predicted_revenue"]].isna().any(axis=1)]
    if len(unscored):
        problems.append(
            Problem(f"{len(unscored)} accounts have none", "Score every eligible account.",
                    "predicted", "score", rule="missing score", rows=len(unscored),
                    examples=tuple(map(str, unscored[:5])))
        )  # fmt: skip
    if not chosen.index.has_duplicates:
        given = dict(zip(map(str, chosen.index), chosen, strict=True))
        problems += capacity_problems(given, tiers=tiers, groups=_by_account(groups, chosen.index))
    unknown = sorted(set(chosen) - {tier.name for tier in tiers})
    if unknown:
        there = ", ".join(tier.name for tier in tiers)
        problems.append(Problem(f"no tier {', '.join(unknown)}", f"There are {there}.",
                                "overrides", "tier", rule="unknown tier"))  # fmt: skip
    if problems:
        raise DataError("tiers cannot be assigned", problems)


def _by_account(groups: pd.Series[str] | None, accounts: pd.Index[str]) -> dict[str, str] | None:
    if groups is None:
        return None
    names = groups.reindex(accounts).fillna("")
    return dict(zip(map(str, accounts), map(str, names), strict=True))


def _ranked(predicted: pd.DataFrame, *, others: pd.Index[str]) -> pd.DataFrame:
    """Return the accounts by rank, below them by account_id those that are not eligible."""
    by_id = predicted[["score", "predicted_revenue"]].sort_index()
    order = np.lexsort((-by_id["predicted_revenue"].to_numpy(), -by_id["score"].to_numpy()))
    ranked = by_id.iloc[order]
    outside = others.difference(predicted.index, sort=False).sort_values()
    index = ranked.index.append(outside) if len(outside) else ranked.index
    return ranked.reindex(index).rename_axis("account_id")


def _names(levels: IntArray, ladder: TierPlaces) -> pd.Categorical[str]:
    codes = np.where(levels == ladder.none, -1, levels)
    return pd.Categorical.from_codes(
        codes.tolist(), categories=pd.Index(ladder.names), ordered=True
    )


def _with_retired_names(before: pd.Series[str], ladder: TierPlaces) -> pd.Categorical[str]:
    retired = sorted(set(before.dropna().unique()) - set(ladder.names))
    return pd.Categorical(before, categories=[*ladder.names, *retired], ordered=True)
