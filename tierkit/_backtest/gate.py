"""The checks of a card beside the comparison with past revenue, before it ranks accounts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tierkit._backtest.shuffling import FOLDS, MOST_ROWS, Fold, Shuffled, shuffled_outcomes
from tierkit.figure import Figure
from tierkit.models import (
    ACCOUNT,
    BETTER,
    EVEN,
    KEEP,
    NO_BETTER,
    Backtest,
    Examples,
    gini_alone,
    probable_leaks,
    totals_moved,
)
from tierkit.parallel import ROWS_WORTH_PROCESSES, in_processes
from tierkit.settings import Settings
from tierkit.statistics import FloatArray, capture, gini
from tierkit.words import share

LEAK_ROWS = 20_000
"""The newest rows, on which every criterion is tested alone."""

WHALE_SHARE = 0.5
FEWEST_TO_COMPARE = 10
MOSTLY = 0.8
"""A rank correlation with effort from which on a score mostly follows it."""

_BAGS = 2


@dataclass(frozen=True)
class Gate:
    """The default checks of a model.

    Attributes
    ----------
    shuffled
        Gains on shuffled outcomes; None where the card did not come so far, or none were asked for.
    effort
        What criteria and effort find apart; None where no effort is recorded.
    leaks
        Criteria that predict too well alone, each with the reason; none of them is in the card.
    future_rows
        Accounts whose criteria change once the future is taken away; None where not tried.
    moved
        By how much totals of a horizon were those of the horizon before.
    overlap
        The share of Tier 1 that two cards of other seeds have in common; NaN without a fitted card.
    bags
        Of the card that ranks; 0 without one.
    """

    leaks: Mapping[str, str] = field(default_factory=dict)
    future_rows: int | None = None
    moved: FloatArray = field(default_factory=lambda: np.zeros(0))
    shuffled: Shuffled | None = None
    effort: EffortCheck | None = None
    overlap: float = math.nan
    bags: int = 0

    @property
    def stops_the_card(self) -> bool:
        """True if the card must not rank: it saw the future, or shuffled outcomes do as well."""
        return bool(_stopped_by(self))

    def facts(self) -> dict[str, Any]:
        """Return the parts of `facts.json` under `model` that the gate knows."""
        rank = None if self.shuffled is None else self.shuffled.rank
        return {
            **Figure.of(rank, _UNSHUFFLED).facts("shuffled_outcomes_rank"),
            "shuffled_outcomes_refits": len(self.shuffled.gains) if self.shuffled else 0,
            **Figure.of(self.overlap, _UNSEEDED).facts("tier_1_overlap_across_seeds"),
            "bags": self.bags,
            "leaks": [*self.leaks.values()],
            "effort": _effort_facts(self.effort),
            "totals_moved": _moved_facts(self.moved),
        }


_UNSHUFFLED = "the card did not pass the tests before this one, or model.shuffled_refits is 0"
_UNSEEDED = "no fitted card ranks the accounts, or Tier 1 has no capacity"


def leaks_of(examples: Examples, settings: Settings) -> dict[str, str]:
    """Return the criteria that have probably seen the outcome, each with the reason."""
    rows = examples.values  # noqa: PD011 (examples are no series)
    newest = rows.sort_index(level="as_of", kind="stable").index[-LEAK_ROWS:]
    values, won = rows.reindex(newest), examples.won.reindex(newest)
    alone = gini_alone(values, won, criteria=examples.criteria, seed=settings.model.seed)
    return probable_leaks(
        alone,
        undated=examples.undated,
        past_revenue=examples.past_revenue,
        trusted=settings.features.trusted,
    )


def pass_gate(
    tested: Backtest,
    folds: Sequence[Fold],
    gate: Gate,
    *,
    settings: Settings,
    effort: Sequence[str] = (),
) -> tuple[Backtest, Gate]:
    """Return the backtest with its last word, and what the checks found.

    Parameters
    ----------
    tested
        The comparison with past revenue and other simple rules.
    folds
        What was learned from and tested on.
    gate
        What is known so far: leaks and rows of the future.
    effort
        The columns of our own effort.
    """
    is_fitted = settings.model.kind != "rules card"
    shuffled = tested.verdict == BETTER and is_fitted
    found = replace(
        gate,
        effort=effort_check(folds, effort=effort, settings=settings, capacities=tested.capacities),
        shuffled=shuffled_outcomes(folds, settings=settings) if shuffled else None,
    )
    why = _stopped_by(found)
    if tested.verdict == BETTER and why:
        return replace(tested, verdict=NO_BETTER, because=f"{why} {KEEP}"), found
    return replace(tested, because=f"{tested.because}{_passed(tested, found)}"), found


def history_moved(examples: Examples, settings: Settings) -> FloatArray:
    """Return by how much totals of a horizon were those of the horizon before."""
    return totals_moved(examples.won, dates_apart=settings.target.horizon_quarters)


def concentration_notes(examples: Examples) -> tuple[str, ...]:
    """Return a sentence where half or more of the revenue that is learned from is one account's."""
    won = examples.won.clip(lower=0).groupby(level=ACCOUNT, dropna=False).sum()
    if won.sum() <= 0 or len(won) < FEWEST_TO_COMPARE or won.max() < WHALE_SHARE * won.sum():
        return ()
    return (
        f"One account brought {share(won.max() / won.sum())} of the revenue that is learned from: "
        "captures and totals are mostly its own, and one year without it changes them.",
    )


def _stopped_by(gate: Gate) -> str:
    """Return in a sentence what keeps a card from ranking that is better than past revenue."""
    if gate.future_rows:
        return (
            f"Criteria of {gate.future_rows:,} accounts change once everything after the date is "
            "taken away, so the tests may have seen the future and count for nothing."
        )
    shuffled = gate.shuffled
    if shuffled is None or shuffled.is_above_all:
        return ""
    times, above = len(shuffled.gains), shuffled.rank - 1
    return (
        f"The card ranked better than past revenue, but so did {above} of {times} cards fitted to "
        f"shuffled outcomes, where there is nothing to find (gain {shuffled.gain:+.3f} against up "
        f"to {max(shuffled.gains):+.3f})."
    )


def _passed(tested: Backtest, gate: Gate) -> str:
    if tested.verdict != BETTER or gate.shuffled is None:
        return ""
    times = len(gate.shuffled.gains)
    return f" None of {times} cards fitted to shuffled outcomes gained as much."


def _effort_facts(check: EffortCheck | None) -> dict[str, Any]:
    if check is None:
        why = "no effort is recorded, or no card could be fitted"
        return {"capture": [], "follows_effort": None, "follows_effort_why": why, "warning": ""}
    rows = [
        {
            "by": str(name),
            **{
                key: value
                for column, number in row.items()
                for key, value in Figure.of(number, "no such tier").facts(str(column)).items()
            },
        }
        for name, row in check.scores.iterrows()
    ]
    return {"capture": rows, "follows_effort": check.follows_effort, "warning": check.warning}


def _moved_facts(moved: FloatArray) -> dict[str, Any]:
    if not len(moved):
        why = "the history is shorter than two horizons with an outcome"
        low = {"low": None, "low_why": why, "high": None, "high_why": why}
        return {"compared": 0, **low}
    return {"compared": len(moved), "low": float(moved.min()), "high": float(moved.max())}


@dataclass(frozen=True)
class EffortCheck:
    """Cards of account-intrinsic criteria, of effort alone, and of both.

    Attributes
    ----------
    scores
        By `criteria alone`, `effort alone`, `both`: `gini` and the capture at the capacities of
        Tier 1 (`capture_tier_1`) and of Tiers 1 + 2 (`capture_tier_2`), means over tested dates.
    follows_effort
        The rank correlation, over tested accounts, of the score by criteria with that by effort.
    """

    scores: pd.DataFrame
    follows_effort: float

    @property
    def warning(self) -> str:
        """A sentence where the score mostly re-learns past effort, else empty."""
        if not self.follows_effort >= MOSTLY:
            return ""
        alone, effort = self.scores["gini"]["criteria alone"], self.scores["gini"]["effort alone"]
        return (
            "The score mostly re-learns past effort: it ranks accounts almost as our effort does "
            f"(rank correlation {self.follows_effort:.2f}; Gini {alone:.3f} by criteria, "
            f"{effort:.3f} by effort alone). Accounts that nobody worked may be better than said."
        )


def effort_check(
    folds: Sequence[Fold],
    *,
    effort: Sequence[str],
    settings: Settings,
    capacities: tuple[int | None, int | None],
) -> EffortCheck | None:
    """Return what criteria and effort find apart and together, at the newest tested dates.

    Cards have two bags at most, equal shares of boosting and past revenue, and learn from at most
    20,000 rows. Effort never enters the card that ranks accounts.

    Parameters
    ----------
    folds
        What is learned from and tested on.
    effort
        The columns of our own effort.
    capacities
        Accounts in Tier 1, and in Tiers 1 and 2 together.

    Returns
    -------
    EffortCheck or None
        None where no effort is recorded or nothing could be fitted.
    """
    used = [*folds][-FOLDS:]
    if not effort or not used:
        return None
    own = used[0][0].criteria
    by = {"criteria alone": own, "effort alone": tuple(effort), "both": (*own, *effort)}
    scores = _scores(used, by, settings)
    rows = [scored.assign(actual=test.won) for scored, (_, test) in zip(scores, used, strict=True)]
    measures = [_measures(part, [*by], capacities) for part in rows]
    means = sum(measures[1:], measures[0]) / len(measures)
    together = pd.concat(rows, ignore_index=True)
    same = together["criteria alone"].rank().corr(together["effort alone"].rank())
    return EffortCheck(means, float(same) if np.isfinite(same) else 0.0)


def _scores(
    folds: Sequence[Fold], by: dict[str, tuple[str, ...]], settings: Settings
) -> list[pd.DataFrame]:
    """Return for each fold the scores of its tested accounts, a column for each set of criteria."""
    learned = [train.sampled(MOST_ROWS, seed=settings.model.seed) for train, _ in folds]
    rows = max(len(train.won) for train in learned)
    tasks = [
        partial(train.by(columns).fit, settings, most_bags=_BAGS, pace=EVEN)
        for train in learned
        for columns in by.values()
    ]
    cards = iter(in_processes(tasks, worth=rows >= ROWS_WORTH_PROCESSES))
    return [
        pd.DataFrame({name: next(cards).score(test.values) for name in by}) for _, test in folds
    ]


def _measures(
    rows: pd.DataFrame, names: Sequence[str], capacities: tuple[int | None, int | None]
) -> pd.DataFrame:
    actual = rows["actual"]
    found = {}
    for name in names:
        tiers = [
            np.nan if size is None else capture(actual, rows[name], accounts=size)
            for size in capacities
        ]
        found[name] = [gini(actual, rows[name]), *tiers]
    columns = ["gini", "capture_tier_1", "capture_tier_2"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)
