"""Does the score find good accounts, or where we already went? Criteria and effort apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from tierkit.models import EVEN, Examples
from tierkit.parallel import ROWS_WORTH_PROCESSES, in_processes
from tierkit.settings import Settings
from tierkit.statistics import capture, gini

FOLDS = 2
MOSTLY = 0.8
"""A rank correlation with effort from which on a score mostly follows it."""

MOST_ROWS = 20_000
"""Learned from for each card, sampled by account."""

_BAGS = 2
Fold = tuple[Examples, Examples]


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
