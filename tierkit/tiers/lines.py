"""The lines around an account: the score that would bring it up a tier, or cost it its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.slots import Ladder


@dataclass(frozen=True)
class Line:
    """A line between two tiers as one account faces it.

    Attributes
    ----------
    tier
        The tier on the other side.
    score
        An account moves when it is beyond this; None where nobody can cross it now.
    why
        Why there is no score, in words.
    """

    tier: str
    score: float | None
    why: str = ""


def lines_around(
    tiered: pd.DataFrame, account_id: str, *, tiers: Sequence[Tier], stability: StabilitySettings
) -> tuple[Line | None, Line | None]:
    """Return the line above an account and the one below it; None where there is no such tier.

    The line above is the score of the last account that found an open slot there. The line below is
    the score of the first account behind the keep band: whoever holds a tier and falls below it is
    behind the band.

    Parameters
    ----------
    tiered
        Rows of `tiers.csv` by account_id: `tier`, `previous_tier`, `rank`, `score`, `overridden`.
    account_id
        One of them.

    Examples
    --------
    >>> tiered = pd.DataFrame(
    ...     {"tier": ["Tier 1", "Tier 2", "Tier 2"], "previous_tier": [None] * 3,
    ...      "rank": [1, 2, 3], "score": [9.0, 8.0, 7.0], "overridden": False},
    ...     index=["A", "B", "C"])
    >>> tiers = [Tier(name="Tier 1", capacity=1), Tier(name="Tier 2")]
    >>> above, below = lines_around(tiered, "B", tiers=tiers, stability=StabilitySettings())
    >>> above, below
    (Line(tier='Tier 1', score=9.0, why=''), None)
    """
    ladder = Ladder.of(tiers, keep_band=stability.keep_band)
    level = ladder.names.index(str(tiered.loc[account_id, "tier"]))
    above = _entry(tiered, level - 1, ladder) if level else None
    below = _exit(tiered, level, ladder) if level + 1 < ladder.none else None
    return above, below


def _entry(tiered: pd.DataFrame, level: int, ladder: Ladder) -> Line:
    name = ladder.names[level]
    at_least = ladder.names[: level + 1]
    inside = (tiered["tier"] == name) & ~tiered["overridden"].astype(bool)
    entered = tiered[inside & ~tiered["previous_tier"].isin(at_least)]
    if entered.empty or entered["score"].isna().all():
        return Line(name, None, f"no slot of {name} was open: its holders are inside the keep band")
    return Line(name, float(entered["score"].min()))


def _exit(tiered: pd.DataFrame, level: int, ladder: Ladder) -> Line:
    name, ranked = ladder.names[level + 1], tiered.dropna(subset=["rank", "score"])
    end = ladder.keep_rank(level)
    if len(ranked) <= end:
        return Line(name, None, f"there are not enough accounts to be ranked behind {end:,.0f}")
    return Line(name, float(ranked.sort_values("rank", kind="stable")["score"].iloc[int(end)]))
