"""Agreement of the rules of the tiers with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tierkit.settings.parts import Role, Tier, TieringSettings

NEW_LOGO, EXPANSION = "new logo", "expansion"
"""The lists of `tiering.new_and_expansion_apart`: accounts that never bought, and the others."""


def tier_problems(tiers: Sequence[Tier], *, tiering: TieringSettings | None = None) -> list[str]:
    """Return in sentences what tiers contradict, in themselves and among each other.

    Without `tiering` it is not known whether they are filled within groups, and not asked.

    Examples
    --------
    >>> tiers = (Tier(name="A", capacity=5, share=0.1), Tier(name="B"))
    >>> tier_problems(tiers, tiering=TieringSettings())
    ["tiers: 'A' is sized by capacity and by share; keep one of them"]
    """
    if not tiers:
        return ["tiers: there is none"]
    twice = sorted(name for name, n in Counter(tier.name for tier in tiers).items() if n > 1)
    return [
        *(f"tiers: the name {name!r} is given twice" for name in twice),
        *(problem for tier in tiers for problem in _own_problems(tier, tiering)),
        *_rest_problems(tiers),
        *_order_problems(tiers),
        *_sum_problems(tiers),
    ]


def hours_problems(tiers: Sequence[Tier], *, roles: Mapping[str, Role]) -> list[str]:
    """Return where a role has fewer hours than one account of a tier is entitled to.

    No people or no hours mean that nobody has said yet what the role has.

    Examples
    --------
    >>> from tierkit.settings.parts import Entitlement
    >>> visit = Entitlement(activity="visit", role="AE", per_quarter=2.0, hours=4.0)
    >>> hours_problems([Tier(name="A", entitlements=(visit,))],
    ...                roles={"AE": Role(people=1.0, hours_per_person=6.0)})
    ["tiers: one account of 'A' is entitled to 8 hours of AE a quarter, but [roles.AE] has 6"]
    """
    return [
        f"tiers: one account of {tier.name!r} is entitled to {asked:g} hours of {name} a quarter, "
        f"but [roles.{name}] has {has:g}"
        for tier in tiers
        for name, asked in _hours(tier).items()
        if name in roles and asked > (has := roles[name].hours) and has > 0
    ]


def _hours(tier: Tier) -> dict[str, float]:
    hours: dict[str, float] = {}
    for entitlement in tier.entitlements:
        asked = entitlement.per_quarter * entitlement.hours
        hours[entitlement.role] = hours.get(entitlement.role, 0.0) + asked
    return hours


def _own_problems(tier: Tier, tiering: TieringSettings | None) -> Iterable[str]:
    if len(tier.sizes) > 1:
        yield f"tiers: {tier.name!r} is sized by {' and by '.join(tier.sizes)}; keep one of them"
    grouped = tiering is None or tiering.within is not None or tiering.new_and_expansion_apart
    if tier.capacities and not grouped:
        yield (
            f"tiers: {tier.name!r} has capacities by group, but tiers are not filled within "
            "groups; set tiering.within or tiering.new_and_expansion_apart"
        )
    if tier.capacities and tier.capacity is None:
        yield f"tiers: {tier.name!r} has capacities by group, but no capacity for the other groups"


def _rest_problems(tiers: Sequence[Tier]) -> list[str]:
    return [
        f"tiers: {tier.name!r} has no capacity and is not the last; it would take all the rest"
        for tier in tiers[:-1]
        if tier.takes_rest
    ]


def _order_problems(tiers: Sequence[Tier]) -> list[str]:
    """Return lines that lie above that of a better tier: nobody could get in between."""
    lined = [(tier.name, tier.line) for tier in tiers if tier.line is not None and not tier.where]
    return [
        f"tiers: the line of {lower!r} ({below:g}) is not below that of {upper!r} ({above:g}), "
        "so nobody can reach it"
        for (upper, above), (lower, below) in pairwise(lined)
        if below >= above
    ]


def _sum_problems(tiers: Sequence[Tier]) -> Iterable[str]:
    for rule, of in (("share", "accounts"), ("revenue_share", "predicted revenue")):
        total = sum(getattr(tier, rule) or 0.0 for tier in tiers)
        if total > 1 + 1e-9:
            yield f"tiers: the {rule} of all tiers together is {total:g}, more than all {of}"
