"""How firm are the tiers: borderline, moves to come, and what past overrides brought."""

from __future__ import annotations

from tierkit.reporting.leadership.reading import Facts, currency, number, part, parts, text
from tierkit.reporting.words import count, money, money_range, plural


def firmness(facts: Facts) -> str:
    """Return how many accounts are borderline, with the money, and how many may move."""
    tiers = parts(facts, "chances", "tiers")
    return " ".join(filter(None, (_borderline(facts, tiers), _ahead(tiers))))


def override_record(facts: Facts) -> str:
    """Return what accounts that people put above the model's tier brought, if it can be said."""
    sides = parts(facts, "overrides", "scoreboard")
    return next(filter(None, (_record(facts, side) for side in sides)), "")


def _borderline(facts: Facts, tiers: list[Facts]) -> str:
    known = [tier for tier in tiers if number(tier, "borderline_accounts") is not None]
    if not known:
        return ""
    accounts = int(sum(number(tier, "borderline_accounts") or 0 for tier in known))
    if not accounts:
        return "No account is on the borderline between tiers."
    amount = sum(number(tier, "borderline_predicted_revenue") or 0.0 for tier in known)
    at_stake = money(currency(facts), amount)
    return (
        f"{plural(accounts, 'account')} ({at_stake} predicted) may as well belong in another "
        "tier: as far as predictions missed before, they do in 4 of 10 cases or more."
    )


def _ahead(tiers: list[Facts]) -> str:
    up, down = (
        [found for tier in tiers if (found := number(tier, key)) is not None]
        for key in ("expected_up", "expected_down")
    )
    if not up or not down:
        return ""
    return (
        f"If accounts go on as before, about {count(round(sum(up)))} rise within four quarters "
        f"and {count(round(sum(down)))} fall."
    )


def _record(facts: Facts, side: Facts) -> str:
    found, ours = part(side, "difference"), part(side, "overridden")
    estimate, low, high = (number(found, key) for key in ("estimate", "low", "high"))
    accounts = number(ours, "accounts")
    if estimate is None or low is None or high is None or not accounts:
        return ""
    unit = currency(facts)
    way = "above" if text(side, "side") == "raised" else "below"
    if low <= 0 <= high:
        found_words = "brought about as much as"
    else:
        found_words = f"brought {'more' if estimate > 0 else 'less'} than"
    return (
        f"{plural(int(accounts), 'account')} that people put {way} the model's tier {found_words} "
        f"those whose place they took: {money(unit, estimate)} each on average "
        f"({money_range(unit, low, high)} in 8 of 10 cases). People chose them, so this is a "
        "difference, not an effect."
    )
