"""Does the score find good accounts, or where we already went? Criteria and effort apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from tierkit.models.boosting import EVEN
from tierkit.models.examples import Examples
from tierkit.models.measures import capture, gini
from tierkit.models.side_by_side import side_by_side
from tierkit.settings import Settings

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
    rows = [_predicted(train, test, by, settings) for train, test in used]
    measures = [_measures(part, [*by], capacities) for part in rows]
    scores = sum(measures[1:], measures[0]) / len(measures)
    together = pd.concat(rows, ignore_index=True)
    same = together["criteria alone"].rank().corr(together["effort alone"].rank())
    return EffortCheck(scores, float(same) if np.isfinite(same) else 0.0)


def _predicted(
    train: Examples, test: Examples, by: dict[str, tuple[str, ...]], settings: Settings
) -> pd.DataFrame:
    learned = train.sampled(MOST_ROWS, seed=settings.model.seed)

    def scored(columns: tuple[str, ...]) -> pd.Series[float]:
        card = learned.by(columns).fit(settings, most_bags=_BAGS, pace=EVEN)
        return card.score(test.values)

    scores = side_by_side(partial(scored, columns) for columns in by.values())
    found = dict(zip(by, scores, strict=True))
    return pd.DataFrame(found).assign(actual=test.won)


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
