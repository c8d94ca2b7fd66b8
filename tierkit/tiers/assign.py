"""Predicted revenue to tiers that hold to capacity and do not change for no reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tierkit.errors import DataError, Problem
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_problems
from tierkit.tiers.reasons import FIRST_RUN, move_reasons
from tierkit.tiers.slots import IntArray, Ladder, Standing, nearest_line, place


def assign_tiers(
    predicted: pd.DataFrame,
    *,
    tiers: Sequence[Tier],
    stability: StabilitySettings,
    previous: pd.Series[str],
    overrides: pd.DataFrame,
) -> pd.DataFrame:
    """Give each eligible account a tier.

    Overrides take their slots first. Whoever held a tier keeps its slot while its rank is at most
    `keep_band` times the capacity of that tier and those above together. Open slots fill by rank.
    No tier ever holds more than its capacity; a tier without one takes the rest.

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

    Returns
    -------
    pandas.DataFrame
        One row per account_id that is eligible, overridden, or held a tier before; best rank first,
        those without a rank at the end.

        - `tier`, missing beyond the last tier's capacity and outside the scope; `model_tier`, the
          tier by the same rule without any override; `previous_tier`. Ordered categories.
        - `rank`, 1 is best; `score`.
        - `cut_score`: of the lines between tiers the one nearest to the account's score. It is the
          exit line for accounts that held the tier above it or a better one (the score at rank
          `keep_band` × capacity), the entry line for others (the score of the last one let in;
          missing if no slot was open).
        - `overridden`; `kept_by_band`: whether the account would have lost its tier by rank alone.
        - `move_reason`, empty where the tier stayed.

    Raises
    ------
    DataError
        If an account appears twice or has no score, or if more accounts are put into a tier than it
        has places for.

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
    chosen = overrides.set_index("account_id")["tier"]
    _check(predicted, previous=previous, chosen=chosen, tiers=tiers)
    ladder = Ladder.of(tiers, keep_band=stability.keep_band)
    known = previous.dropna()
    ranked = _ranked(predicted, others=known.index.union(chosen.index))
    before = known.reindex(ranked.index)
    standing = Standing(
        scores=ranked["score"].to_numpy(dtype=float),
        held=_levels(before, ladder),
        forced=_levels(chosen.reindex(ranked.index), ladder),
    )
    assigned = _placed(standing, index=ranked.index, ladder=ladder)
    retired = before.notna().to_numpy() & (standing.held == ladder.none)
    levels = assigned["tier"].cat.codes.to_numpy(dtype=np.int64)
    reasons = move_reasons(
        standing, np.where(levels < 0, ladder.none, levels), retired=retired, ladder=ladder
    )
    return assigned.assign(
        previous_tier=_with_retired_names(before, ladder),
        move_reason=FIRST_RUN if known.empty else reasons,
    )[[*_COLUMNS]]


_COLUMNS = ("tier", "model_tier", "previous_tier", "rank", "score", "cut_score", "overridden",
            "kept_by_band", "move_reason")  # fmt: skip


def _placed(standing: Standing, *, index: pd.Index[str], ladder: Ladder) -> pd.DataFrame:
    """Return what follows from the slots: everything but the words."""
    final = place(standing, ladder=ladder)
    by_model = place(standing.without_overrides(ladder), ladder=ladder)
    by_rank = place(standing.without_history(ladder), ladder=ladder)
    overridden = standing.forced < ladder.none
    kept = (final.levels == standing.held) & (final.levels < by_rank.levels) & ~overridden
    rank = pd.Series(np.arange(1, len(index) + 1), index=index, dtype="Int64")
    return pd.DataFrame(
        {
            "tier": _names(final.levels, ladder),
            "model_tier": _names(by_model.levels, ladder),
            "rank": rank.where(standing.in_scope),
            "score": standing.scores,
            "cut_score": nearest_line(standing.scores, final.lines),
            "overridden": overridden,
            "kept_by_band": kept,
        },
        index=index,
    )


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
    problems += capacity_problems(chosen, tiers=tiers)
    unknown = sorted(set(chosen) - {tier.name for tier in tiers})
    if unknown:
        there = ", ".join(tier.name for tier in tiers)
        problems.append(Problem(f"no tier {', '.join(unknown)}", f"There are {there}.",
                                "overrides", "tier", rule="unknown tier"))  # fmt: skip
    if problems:
        raise DataError("tiers cannot be assigned", problems)


def _ranked(predicted: pd.DataFrame, *, others: pd.Index[str]) -> pd.DataFrame:
    """Return the accounts by rank, below them by account_id those that are not eligible."""
    by_id = predicted[["score", "predicted_revenue"]].sort_index()
    order = np.lexsort((-by_id["predicted_revenue"].to_numpy(), -by_id["score"].to_numpy()))
    ranked = by_id.iloc[order]
    outside = others.difference(predicted.index)
    index = ranked.index.append(outside) if len(outside) else ranked.index
    return ranked.reindex(index).rename_axis("account_id")


def _levels(names: pd.Series[str], ladder: Ladder) -> IntArray:
    """Return the level of each tier's name, `none` for missing and unknown ones."""
    levels = pd.Index(ladder.names).get_indexer(pd.Index(names))
    return np.where(levels < 0, ladder.none, levels).astype(np.int64)


def _names(levels: IntArray, ladder: Ladder) -> pd.Categorical[str]:
    codes = np.where(levels == ladder.none, -1, levels)
    return pd.Categorical.from_codes(
        codes.tolist(), categories=pd.Index(ladder.names), ordered=True
    )


def _with_retired_names(before: pd.Series[str], ladder: Ladder) -> pd.Categorical[str]:
    retired = sorted(set(before.dropna().unique()) - set(ladder.names))
    return pd.Categorical(before, categories=[*ladder.names, *retired], ordered=True)
