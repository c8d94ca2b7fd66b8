"""The account tab: one account's tier, why, and what would move it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from tierkit.explorer.account import AccountView
from tierkit.explorer.pages.parts import DOWN, UP, bar, heading, note, shown, table, warning
from tierkit.rendering import joined, tag
from tierkit.words import count, day, money, money_with_range, quarter_name

if TYPE_CHECKING:
    from tierkit.explorer.session import Session
    from tierkit.tiers import TierExplanation

_MOST_FACTORS, _MOST_QUARTERS = 12, 8
_WATERFALL = 8.0
"""Width of the whole waterfall in ems."""


def account_page(session: Session) -> Markup:
    """Return the account tab."""
    found = session.shown_account
    if found is None:
        return note("Type a part of an account's name, its id or its domain.")
    currency = session.basis.currency
    return joined(
        heading(f"{found.name} ({found.account})"),
        _headline(found, currency),
        _override_line(found),
        *_explained(found, currency),
        _effort(session, found),
        _wins(found, currency),
        _tiers(session, found),
    )


def _headline(found: AccountView, currency: str) -> Markup:
    money_ = ""
    if found.predicted is not None:
        spelled = money_with_range(currency, found.predicted, found.low, found.high)
        quick = "" if found.range_is_of_run else ", by a quick test; Check the gate gives the run's"
        sure = f" (range: 8 of 10 cases{quick})" if found.low is not None else ""
        money_ = f" Predicted revenue {spelled}{sure}."
    standing = found.standing.removesuffix(".")
    return tag("p", f"{standing}.{money_}", style="margin:4px 0;font-weight:600;line-height:1.45")


def _explained(found: AccountView, currency: str) -> list[Markup]:
    if found.explained is None:
        return []
    why = found.explained.reasons
    return [
        *(note(move) for move in found.explained.moves),
        *([note(f"Why: {why}")] if why else []),
        waterfall(found.explained, currency),
    ]


def waterfall(found: TierExplanation, currency: str) -> Markup:
    """Return the factors one after the other, each with the amount that it leads to."""
    if found.factors.empty:
        return note("There is no card to explain its prediction by.")
    points = np.log(found.factors["factor"].to_numpy(dtype=float))
    levels = np.concatenate([[0.0], np.cumsum(points)])
    low, width = float(levels.min()), float(np.ptp(levels)) or 1.0
    rows: list[list[object]] = [["base", "", "", "", money(currency, found.base)]]
    shown_factors = found.factors.head(_MOST_FACTORS).to_dict("records")
    for place, factor in enumerate(shown_factors):
        start, end = float(levels[place]), float(levels[place + 1])
        drawn = bar(abs(end - start) / width, colour=UP if end >= start else DOWN,
                    start=(min(start, end) - low) / width, whole=_WATERFALL)  # fmt: skip
        amount = money(currency, found.base * math.exp(end))
        rows.append([factor["criterion"], factor["bin"], drawn, f"×{factor['factor']:.2f}", amount])
    smaller = len(points) - len(shown_factors)
    if smaller:
        rest = math.exp(levels[-1] - levels[_MOST_FACTORS])
        whole = money(currency, found.predicted_revenue)
        rows.append([f"{smaller} smaller ones", "", "", f"×{rest:.2f}", whole])
    header = ["Criterion", "Its value", "", "Factor", "Amount so far"]
    shown_ = shown(len(shown_factors), len(points), "factors")
    caption = f"From the base to the predicted revenue: {shown_}, strongest first"
    return table(header, rows, caption=caption, text=3)


def _override_line(found: AccountView) -> Markup:
    if found.override is None:
        return Markup("")
    row = found.override
    words = (
        f"Override to {row['tier']} by {row['set_by']} on {day(row['set_on'])}: {row['reason']}. "
        f"Review on {day(row['review_on'])}"
    )
    return warning(f"{words}{' – it is overdue' if row['expired'] else ''}.")


def _effort(session: Session, found: AccountView) -> Markup:
    dates = session.basis.run.quarter.dates
    entitled = [
        [str(row.activity), str(row.role), f"{row.per_quarter:g}", f"{row.hours:.1f}"]
        for row in found.entitled.itertuples()
    ]
    asked = (
        table(["Entitled to, a quarter", "Role", "Times", "Hours"], entitled,
              caption=f"{found.tier}: entitlement", text=2)
        if entitled else note("Its tier has no entitlements.")
    )  # fmt: skip
    if found.effort is None:
        return joined(asked, note("The source has no activities: effort cannot be shown."))
    done = [
        [str(row["activity"]), count(float(row["touches"])), _hours(float(row["hours"]))]
        for row in found.effort.to_dict("records")
    ]
    total = found.effort["hours"].sum() if len(found.effort) else 0.0
    asked_hours = float(found.entitled["hours"].sum()) if len(found.entitled) else 0.0
    caption = f"Our effort {dates}: {_hours(float(total))} hours, {asked_hours:.1f} entitled"
    if not done:
        return joined(asked, note(f"No touch of ours {dates}."))
    return joined(asked, table(["Activity", "Touches", "Hours"], done, caption=caption))


def _wins(found: AccountView, currency: str) -> Markup:
    if found.wins.empty:
        return note("It has not won anything yet.")
    newest = found.wins.head(_MOST_QUARTERS)
    most = max(float(newest["won_revenue"].max()), 1.0)
    rows = [
        [quarter_name(str(row["quarter"])), bar(float(row["won_revenue"]) / most, colour=UP),
         count(float(row["wins"])), money(currency, float(row["won_revenue"]))]
        for row in newest.to_dict("records")
    ]  # fmt: skip
    caption = f"Won revenue: {shown(len(newest), len(found.wins), 'winning quarters')}"
    return table(["Quarter", "", "Wins", "Won revenue"], rows, caption=caption, text=2)


def _tiers(session: Session, found: AccountView) -> Markup:
    if "tier_history" not in session.basis.run.tables:
        return note("The source has no tier_history: earlier tiers cannot be shown.")
    if found.tiers.empty:
        return note("It has held no tier.")
    rows = [
        [str(row["tier"]), day(row["start_date"]),
         "still held" if pd.isna(row["end_date"]) else day(row["end_date"]),
         "" if pd.isna(row["reason"]) else str(row["reason"])]
        for row in found.tiers.head(_MOST_QUARTERS).to_dict("records")
    ]  # fmt: skip
    caption = f"Tiers held: {shown(len(rows), len(found.tiers), 'spans')}"
    return table(["Tier", "From", "Until", "Reason"], rows, caption=caption, text=4)


def _hours(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"
