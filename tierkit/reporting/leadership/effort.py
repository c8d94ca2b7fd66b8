"""How much effort? Hours and cost by tier against what the team has."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.charts.rows import UNSPLIT
from tierkit.reporting.fragment import Fragment
from tierkit.reporting.leadership.panels import UNKNOWN, panel, row_figure
from tierkit.reporting.leadership.reading import Facts, currency, number, part, parts, text, why
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import count, enumerated, hours, money, share

QUESTION = "How much effort?"


def how_much_effort(facts: Facts) -> Markup:
    """Return the panel on hours and cost by tier against what the team has."""
    tiers = parts(facts, "tiers")
    known = [value for tier in tiers if (value := number(tier, "hours")) is not None]
    roles = effort_table(facts)
    if math.fsum(known) == 0:
        reason = (
            why(tiers[0], "hours", otherwise="no entitlements are set") if tiers else "no tiers"
        )
        return panel(QUESTION, UNKNOWN, "hours not known", f"Not computed: {reason}.")
    needed = math.fsum(known)
    body: list[Fragment] = []
    if len(roles):
        finding = effort_finding(roles)
        body.append(row_figure(charts.effort_bars, roles, name="effort", finding=finding))
    split = len(roles) and UNSPLIT not in roles
    by_tier = "By tier, in the order of the bars' parts" if split else "By tier"
    body.append(_by_tier(facts, caption=by_tier))
    words = " ".join(part for part in (_sentence(roles, needed), *_notes(facts)) if part)
    return panel(QUESTION, count(needed), "hours a quarter", words, *body)


def effort_table(facts: Facts) -> pd.DataFrame:
    """Return one row a role: hours by tier, and the hours available; empty without roles."""
    tiers = parts(facts, "tiers")
    rows, split = [], bool(tiers)
    for role in parts(facts, "effort", "roles"):
        needed, available = number(role, "hours"), number(role, "available")
        if needed is None:
            continue
        name = text(role, "role")
        by_tier = [number(part(tier, "entitlement_hours_by_role"), name) or 0.0 for tier in tiers]
        split &= math.isclose(math.fsum(by_tier), needed, rel_tol=0.01, abs_tol=0.5)
        row: dict[object, object] = {"label": name, "text": _of(needed, available)}
        row |= {"available": math.nan if available is None else available, UNSPLIT: needed}
        rows.append(row | dict(enumerate(by_tier)))
    hours_by = list(range(len(tiers))) if split else [UNSPLIT]
    return pd.DataFrame(rows, columns=["label", "text", "available", *hours_by])


def _of(needed: float, available: float | None) -> str:
    if available is None:
        return f"{count(needed)} h"
    spoken = f"{count(needed)} of {count(available)} h"
    return f"▲ over: {spoken}" if needed > available else spoken


def _sentence(roles: pd.DataFrame, needed: float) -> str:
    available = roles["available"].sum(min_count=len(roles)) if len(roles) else math.nan
    if math.isnan(available) or available <= 0:
        return f"The tiers' entitlements take {hours(needed)}; what the team has is not known."
    part_used = share(needed / available)
    return f"The tiers' entitlements take {part_used} of the {hours(available)} that the team has."


def _notes(facts: Facts) -> list[str]:
    """Return when the first tier pays, and a warning where everyone is treated alike.

    Where tiers are compared, the break-even stands there, against the tier below.
    """
    first = next(iter(parts(facts, "effort", "break_even")), {})
    told = any(number(one, "break_even") is not None for one in parts(facts, "roi", "boundaries"))
    known = number(first, "break_even") is not None and not told
    pays = text(first, "sentence") if known else ""
    alike = part(facts, "effort", "received").get("alike") is True
    warning = "Everyone is treated alike although value differs." if alike else ""
    return [pays, warning]


def effort_finding(roles: pd.DataFrame) -> str:
    """Return whether every role has the hours that its accounts need."""
    needed = roles.drop(columns=["label", "text", "available"]).sum(axis="columns")
    over = roles.loc[needed.gt(roles["available"]), "label"].tolist()
    if over:
        are = "is" if len(over) == 1 else "are"
        return f"{enumerated(over[:4])} {are} needed for more hours than there are (upright mark)."
    if roles["available"].isna().any():
        return "Hours that each role's accounts need."
    return "Every role has the hours (upright mark) that its accounts need."


def _by_tier(facts: Facts, *, caption: str) -> Fragment:
    tiers = parts(facts, "tiers")
    costs = [_cost(facts, tier) for tier in tiers]
    worked = [number(tier, "hours") for tier in tiers]
    table = pd.DataFrame(
        {
            "tier": [text(tier, "tier") for tier in tiers],
            "hours": ["not known" if value is None else count(value) for value in worked],
            "cost": costs,
        }
    )
    kinds = {"hours": "spoken", "cost": f"spoken {currency(facts)}".strip()}
    shown = table if any(costs) else table.drop(columns="cost")
    return html_table(shown.head(7), caption=caption, kinds=kinds, name="effort-by-tier")


def _cost(facts: Facts, tier: Facts) -> str:
    value = number(tier, "cost")
    return "" if value is None else money(currency(facts), value)
