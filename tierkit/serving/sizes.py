"""Sizes of a tier: hours and cost against the predicted revenue that it would hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from tierkit.figure import Figure
from tierkit.serving.cost import boundary_name, extra_cost, role_effort, tier_effort
from tierkit.settings import Role, Tier

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
    if not any(role.hours for role in roles.values()):
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
        "hours": Figure.total(effort["hours"]).numbers()[0],
        "cost": Figure.total(effort["cost"]).numbers()[0],
        "roles_short": ", ".join(map(str, needed.index[short])),
    }


def _counts(accounts: int, number: int, size: int, tiers: Sequence[Tier]) -> dict[str, int]:
    left, counts = accounts, {}
    for place, tier in enumerate(tiers):
        wanted = size if place == number else left if tier.capacity is None else tier.capacity
        counts[tier.name] = min(left, wanted)
        left -= counts[tier.name]
    return counts


NOT_SHOWN = "no effect of the tier has been shown"
NO_LINE = "no tier lies below it"
KEY = "value_of_one_more_slot"
_SHOWN = "shown"
_BY_DESIGN = ("randomised", "cutoff", "adjusted")


def slot_values(
    boundaries: Sequence[Mapping[str, Any]],
    *,
    tiers: Sequence[Tier],
    roles: Mapping[str, Role],
    outcome_quarters: int,
    margin: float = 1.0,
) -> dict[str, dict[str, Any]]:
    """Return by tier what one more slot is worth a quarter.

    The effect in money that was shown at the tier's lower boundary (per account and quarter, times
    the margin) less what an account of the tier costs more than one of the tier below. The effect
    is that of the random draw where there was one, else the one at the line, since the account that
    one more slot lets in stands there; else the adjusted one.

    Parameters
    ----------
    boundaries
        As `facts.json` holds them in `roi.boundaries`.
    outcome_quarters
        The quarters of the window in which outcomes were counted.

    Returns
    -------
    dict
        By tier `value_of_one_more_slot` with its 95 % interval (`_low`, `_high`), None with a
        reason where no effect is shown; `value_of_one_more_slot_note` says what it rests on.

    Examples
    --------
    >>> shown = {"boundary": "A / B", "verdict": "shown", "designs": [
    ...     {"design": "cutoff", "money": {"estimate": 900.0, "low": 300.0, "high": 1500.0}}]}
    >>> found = slot_values([shown], tiers=[Tier(name="A", capacity=5), Tier(name="B")], roles={},
    ...                     outcome_quarters=1, margin=0.5)
    >>> found["A"]["value_of_one_more_slot"], found["A"]["value_of_one_more_slot_note"]
    (450.0, 'a quarter, by the cutoff design, before its cost: neither A nor B has entitlements')
    >>> found["B"]["value_of_one_more_slot_why"]
    'no tier lies below it'
    """
    by_name = {str(boundary.get("boundary")): boundary for boundary in boundaries}
    found = {}
    for upper, lower in pairwise(tiers):
        boundary = by_name.get(boundary_name(upper.name, lower.name), {})
        found[upper.name] = _value(boundary, extra_cost(upper, lower, roles=roles),
                                   quarters=outcome_quarters, margin=margin)  # fmt: skip
    return found | {tier.name: _facts(Figure.unknown(NO_LINE)) for tier in tiers[-1:]}


def _value(
    boundary: Mapping[str, Any], cost: Figure, *, quarters: int, margin: float
) -> dict[str, Any]:
    design, money = _shown_money(boundary)
    if not money.is_known:
        return _facts(money)
    worth = money.map(lambda amount: amount * margin / quarters - (cost.value or 0.0))
    after = " and after what it costs more" if cost.is_known else f", before its cost: {cost.why}"
    return {**_facts(worth), f"{KEY}_note": f"a quarter, by the {design} design{after}"}


def _shown_money(boundary: Mapping[str, Any]) -> tuple[str, Figure]:
    """Return the design whose money counts, and the money where an effect is shown."""
    designs = boundary["designs"] if boundary.get("verdict") == _SHOWN else []
    by_design = {entry.get("design"): entry.get("money") or {} for entry in designs}
    for design in _BY_DESIGN:
        money = Figure.read(by_design.get(design, {}), "estimate", low="low", high="high")
        if money.has_range:
            return design, money
    return "", Figure.unknown(NOT_SHOWN)


def _facts(worth: Figure) -> dict[str, Any]:
    return worth.facts(KEY, low=f"{KEY}_low", high=f"{KEY}_high")
