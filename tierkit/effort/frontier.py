"""How large a tier may be: hours and cost against the predicted revenue that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tierkit.settings import Role, Tier
from tierkit.tiers.effort import role_effort, tier_effort

MULTIPLES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
COLUMNS = ("tier", "size", "is_today", "predicted_revenue", "hours", "cost", "roles_short")


def size_frontier(
    predicted_revenue: pd.Series[float], *, tiers: Sequence[Tier], roles: Mapping[str, Role]
) -> pd.DataFrame:
    """Return what each size of each tier would ask of the team, and the revenue that it would hold.

    One tier's capacity is changed at a time, by multiples of today's; the others keep theirs and
    the last one takes the rest. Accounts are taken by rank alone.

    Parameters
    ----------
    predicted_revenue
        By rank, the best first: every account in scope.

    Returns
    -------
    pandas.DataFrame
        One row per tier with a capacity and size: `is_today`, `predicted_revenue` (of the accounts
        in this tier), `hours` and `cost` (of all tiers together, a quarter; missing where not
        known), `roles_short` (the roles that would need more hours than they have, in order).
    """
    rows = []
    for number, tier in enumerate(tiers):
        if tier.capacity:
            sizes = sorted({min(round(x * tier.capacity), len(predicted_revenue))
                            for x in MULTIPLES} | {tier.capacity})  # fmt: skip
            rows += [
                {"tier": tier.name, "size": size, "is_today": size == tier.capacity}
                | _asked(predicted_revenue, number, size, tiers=tiers, roles=roles)
                for size in sizes
            ]
    return pd.DataFrame(rows, columns=[*COLUMNS])


def largest_size(
    predicted_revenue: pd.Series[float],
    number: int,
    *,
    tiers: Sequence[Tier],
    roles: Mapping[str, Role],
) -> int | None:
    """Return how many accounts a tier could hold before a role runs out of hours.

    Returns
    -------
    int or None
        None where no role has hours, or where even none at all are too many.
    """
    if not any(role.people * role.hours_per_person for role in roles.values()):
        return None
    low, high = -1, len(predicted_revenue)
    while low < high:
        middle = (low + high + 1) // 2
        asked = _asked(predicted_revenue, number, middle, tiers=tiers, roles=roles)
        low, high = (low, middle - 1) if asked["roles_short"] else (middle, high)
    return None if low < 0 else low


def _asked(
    predicted: pd.Series[float],
    number: int,
    size: int,
    *,
    tiers: Sequence[Tier],
    roles: Mapping[str, Role],
) -> dict[str, object]:
    counts = _counts(len(predicted), number, size, tiers)
    effort = tier_effort(counts, tiers=tiers, roles=roles)
    needed = role_effort(counts, tiers=tiers, roles=roles)
    short = needed["hours"].gt(needed["available"]) & needed["available"].gt(0)
    first = sum(list(counts.values())[:number])
    held = predicted.to_numpy(dtype=float)[first : first + counts[tiers[number].name]]
    return {
        "predicted_revenue": float(held.sum()),
        "hours": float(effort["hours"].sum()) if effort["hours"].notna().all() else np.nan,
        "cost": float(effort["cost"].sum()) if effort["cost"].notna().all() else np.nan,
        "roles_short": ", ".join(map(str, needed.index[short])),
    }


def _counts(accounts: int, number: int, size: int, tiers: Sequence[Tier]) -> dict[str, int]:
    left, counts = accounts, {}
    for place, tier in enumerate(tiers):
        wanted = size if place == number else left if tier.capacity is None else tier.capacity
        counts[tier.name] = min(left, wanted)
        left -= counts[tier.name]
    return counts
