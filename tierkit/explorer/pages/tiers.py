"""The tiers tab: sizes, money, effort against capacity, moves, break-even."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from tierkit.explorer.pages.charts import revenue_chart
from tierkit.explorer.pages.criteria import last_change
from tierkit.explorer.pages.parts import UP, bar, bar_to, note, shown, table
from tierkit.rendering import joined
from tierkit.words import count, money, share, signed_share

if TYPE_CHECKING:
    from tierkit.explorer.session import Session


def tiers_page(session: Session) -> Markup:
    """Return the tiers tab, its lists of accounts aside."""
    return joined(
        tier_table(session),
        revenue_chart(session),
        role_table(session),
        break_even_table(session),
        last_change(session),
        matrix_table(session),
    )


def tier_table(session: Session) -> Markup:
    """Return one row a tier: size, money, hours, cost."""
    view, currency = session.view, session.basis.currency
    effort, pipeline = view.tier_effort.to_dict("index"), view.pipeline
    most = max([*view.sizes.values(), 1])
    rows = []
    for tier in session.settings.tiers:
        row = effort[tier.name]
        rows.append(
            [
                tier.name,
                bar(view.sizes[tier.name] / most, colour=UP),
                count(view.sizes[tier.name]),
                _size_words(tier.capacity, tier.share, tier.line, tier.revenue_share, currency),
                money(currency, view.revenue[tier.name]),
                _known(pipeline[tier.name], lambda value: money(currency, value)),
                _known(row["hours"].numbers()[0], count),
                _known(row["cost"].numbers()[0], lambda value: money(currency, value)),
            ]
        )
    header = ["Tier", "", "Accounts", "Rule", "Predicted revenue", "Predicted pipeline",
              "Hours", "Cost"]  # fmt: skip
    total = len(view.basis.candidates.ids)
    untiered = total - sum(view.sizes.values())
    tiered = shown(total - untiered, total, "accounts")
    caption = f"{tiered} in {len(rows)} tiers; hours and cost a quarter"
    return joined(table(header, rows, caption=caption, text=2), *_whys(view.tier_effort))


def role_table(session: Session) -> Markup:
    """Return the hours that are asked of each role against what it has."""
    roles = session.view.role_effort
    if roles.empty:
        return note("No [roles.NAME] in tierkit.toml: hours cannot be held against capacity.")
    rows = []
    most = max(1.0, *(used.value or 0.0 for used in roles["share_used"]))
    for name, row in roles.iterrows():
        used = row["share_used"].value or 0.0
        words = f"{row['share_used'].say(share)}{' – too much' if used > 1 else ''}"
        rows.append(
            [
                str(name),
                bar_to(used, most=most),
                count(float(row["hours"])),
                count(float(row["available"])) if row["available"] else "not known",
                words,
            ]
        )
    header = ["Role", "", "Hours asked", "Hours it has", "Used"]
    return table(header, rows, caption="Hours a quarter against capacity, by role", text=2)


def break_even_table(session: Session) -> Markup:
    """Return the effect at which each tier pays for what it costs more than the next."""
    found = session.view.break_even
    if found.empty:
        return note("There is one tier: nothing to compare it with.")
    currency = session.basis.currency
    rows = [
        [
            str(name),
            row["break_even"].say(signed_share),
            _known(row["extra_cost"].numbers()[0], lambda value: money(currency, value)),
            _known(float(row["revenue"]), lambda value: money(currency, value)),
        ]
        for name, row in found.iterrows()
    ]
    header = ["Boundary", "Break-even effect on revenue", "Extra cost", "Predicted revenue"]
    caption = "The effect at which a tier pays for itself; money per account and quarter"
    return table(header, rows, caption=caption)


def matrix_table(session: Session) -> Markup:
    """Return how many accounts move from where to where."""
    view = session.view
    if session.basis.previous.source == "none":
        return note("No earlier tiers are known, so no account moves.")
    moves, matrix = view.moves, view.matrix
    rows = [[f"from {name}", *(count(float(value)) for value in matrix.loc[name])]
            for name in matrix.index]  # fmt: skip
    caption = (
        f"Against today's tiers: {moves['up']:,} up, {moves['down']:,} down, "
        f"{moves['entered']:,} enter, {moves['left']:,} leave"
    )
    return table(["", *(f"to {name}" for name in matrix.columns)], rows, caption=caption)


def _known(value: float, spell: Callable[[float], str]) -> str:
    return "–" if math.isnan(value) else spell(value)


def _size_words(
    capacity: int | None,
    part: float | None,
    line: float | None,
    revenue: float | None,
    currency: str,
) -> str:
    if capacity is not None:
        return f"capacity {capacity:,}"
    if part is not None:
        return f"{share(part)} of accounts"
    if line is not None:
        return f"from {money(currency, line)} on"
    return "takes the rest" if revenue is None else f"{share(revenue)} of revenue"


def _whys(effort: pd.DataFrame) -> list[Markup]:
    figures = [*effort["hours"], *effort["cost"]]
    reasons = {figure.why for figure in figures if not figure.is_known}
    return [note(f"Not known: {why}.") for why in sorted(reasons)]
