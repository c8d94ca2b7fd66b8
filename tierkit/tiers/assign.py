"""Predicted revenue to tiers that hold to their rules and do not change for no reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tierkit.errors import DataError, Problem
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.placing import TierCandidates
from tierkit.tiers.ranked_accounts import AccountContext
from tierkit.tiers.slots import MoveBudget

NOTHING_KNOWN = AccountContext()


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
    _check(predicted, previous=previous, chosen=chosen, tiers=tiers)
    candidates = TierCandidates(
        predicted.index.union(chosen.index), previous=previous, context=context
    )
    known = predicted[["score", "predicted_revenue"]].reindex(candidates.ids)
    placed = candidates.place(
        known["score"].to_numpy(dtype=float),
        known["predicted_revenue"].to_numpy(dtype=float),
        tiers=tiers,
        stability=stability,
        overrides=overrides,
    )
    return Assignment(placed.frame, placed.budget)


def _check(
    predicted: pd.DataFrame,
    *,
    previous: pd.Series[str],
    chosen: pd.Series[str],
    tiers: Sequence[Tier],
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
    unknown = sorted(set(chosen) - {tier.name for tier in tiers})
    if unknown:
        there = ", ".join(tier.name for tier in tiers)
        problems.append(Problem(f"no tier {', '.join(unknown)}", f"There are {there}.",
                                "overrides", "tier", rule="unknown tier"))  # fmt: skip
    if problems:
        raise DataError("tiers cannot be assigned", problems)
