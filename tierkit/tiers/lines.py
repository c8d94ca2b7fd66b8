"""The lines around an account: the score that would bring it up a tier, or cost it its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.overrides import capacity_in


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
    names = [tier.name for tier in tiers]
    level = names.index(str(tiered.loc[account_id, "tier"]))
    peers = _same_group(tiered, account_id)
    above = _entry(peers, level - 1, tiers) if level else None
    last = level + 1 == len(tiers)
    below = None if last else _exit(peers, level, tiers, keep_band=stability.keep_band)
    return above, below


def _same_group(tiered: pd.DataFrame, account_id: str) -> pd.DataFrame:
    """Return the accounts that are tiered together with one."""
    if "group" not in tiered:
        return tiered
    group = tiered["group"].astype("object").fillna("")
    mine: pd.DataFrame = tiered[group == group[account_id]]
    return mine


def _entry(tiered: pd.DataFrame, level: int, tiers: Sequence[Tier]) -> Line:
    name = tiers[level].name
    if not tiers[level].sizes and tiers[level].where is not None:
        return Line(name, None, f"who is in {name} is decided by its written rule")
    at_least = [tier.name for tier in tiers[: level + 1]]
    inside = (tiered["tier"] == name) & ~tiered["overridden"].astype(bool)
    entered = tiered[inside & ~tiered["previous_tier"].isin(at_least)]
    if entered.empty or entered["score"].isna().all():
        return Line(name, None, f"no slot of {name} was open: its holders are inside the keep band")
    return Line(name, float(entered["score"].min()))


def _exit(tiered: pd.DataFrame, level: int, tiers: Sequence[Tier], *, keep_band: float) -> Line:
    tier, name = tiers[level], tiers[level + 1].name
    if not tier.sizes and tier.where is not None:
        return Line(name, None, f"who is in {tier.name} is decided by its written rule")
    ranked = tiered.dropna(subset=["rank", "score"]).sort_values("rank", kind="stable")
    end = _end(ranked, level, tiers, keep_band=keep_band)
    if len(ranked) <= end:
        return Line(name, None, f"there are not enough accounts to be ranked behind {end:,}")
    return Line(name, float(ranked["score"].iloc[end]))


def _end(ranked: pd.DataFrame, level: int, tiers: Sequence[Tier], *, keep_band: float) -> int:
    """Return the last place at which a holder of the tier keeps it."""
    line = tiers[level].line
    if line is not None:
        return int((ranked["predicted_revenue"] >= line / keep_band).sum())
    capacities = [tier.capacity for tier in tiers[: level + 1]]
    group = str(ranked["group"].iloc[0]) if "group" in ranked and len(ranked) else ""
    if None not in capacities:
        size = sum(capacity_in(tier, group) for tier in tiers[: level + 1])
    else:
        by_rule = ranked["rule_tier"] if "rule_tier" in ranked else ranked["tier"]
        size = int(by_rule.isin([tier.name for tier in tiers[: level + 1]]).sum())
    return math.floor(round(keep_band * size, 6))  # 1.15 × 100 is a little less than 115 in binary
