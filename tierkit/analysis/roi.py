"""Outcomes by tier, called raw differences, and what can be said at each boundary."""

from __future__ import annotations

import pandas as pd

from tierkit import charts
from tierkit.charts.rows import ROW_HEIGHT
from tierkit.recalibration.tier_roi import TierRoi
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import money, money_with_range, plural, sentence

WITHOUT_RESULT = "Nothing to draw: no outcome by tier is known yet."


def outcomes_scope(roi: TierRoi) -> Fragment:
    """Return which quarters are compared, and which are left out."""
    outcomes = roi.outcomes
    if not outcomes.quarters:
        return Fragment(str(tag("p", sentence(outcomes.why))))
    spoken = (
        f"{plural(len(outcomes.quarters), 'quarter')} from {outcomes.quarters[0]} to "
        f"{outcomes.quarters[-1]}, each account by the tier in force on the first day. "
        f"{sentence(outcomes.why)}"
    )
    return Fragment(str(tag("p", spoken.strip())))


def outcomes_figure(roi: TierRoi, *, currency: str) -> Fragment:
    """Return the mean won revenue per account and quarter of each tier, with its range."""
    rows = [row for row in roi.outcomes.rows if row["measure"] == "won_revenue"]
    known = [row for row in rows if row["mean"] is not None]
    if not known:
        return Fragment(str(tag("p", WITHOUT_RESULT)))
    table = pd.DataFrame(
        {
            "label": [str(row["tier"]) for row in known],
            "text": [
                money_with_range(currency, row["mean"], row["low"], row["high"]) for row in known
            ],
            "estimate": [row["mean"] for row in known],
            "low": [row["low"] for row in known],
            "high": [row["high"] for row in known],
            "shade": ["grey"] * len(known),
        }
    )
    finding = (
        f"Before adjusting for who was picked, an account of {known[0]['tier']} won "
        f"{money(currency, known[0]['mean'])} a quarter, one of {known[-1]['tier']} "
        f"{money(currency, known[-1]['mean'])}."
    )
    picture = Picture(
        lambda ax: charts.range_rows(table, ax=ax),
        width=640,
        height=ROW_HEIGHT * len(table),
    )
    return figure(picture, name="outcomes-by-tier", finding=finding)


def outcomes_table(roi: TierRoi) -> Fragment:
    """Return every measure of every tier: mean with range, median, largest deal, counts."""
    columns = ["tier", "measure", "mean", "low", "high", "median", "largest_deal_share",
               "accounts", "account_quarters", "cost"]  # fmt: skip
    rows = roi.outcomes.facts()
    if not rows:
        return Fragment(str(tag("p", sentence(roi.outcomes.why))))
    frame = pd.DataFrame(rows).reindex(columns=columns)
    frame["remark"] = [row.get("mean_why", "") for row in rows]
    frame["measure"] = frame["measure"].str.replace("_", " ")
    kinds = {
        **dict.fromkeys(("mean", "low", "high", "median", "cost"), "number"),
        "largest_deal_share": "share",
        "accounts": "count",
        "account_quarters": "count",
    }
    caption = "Raw differences: outcomes by tier, before adjusting for who was picked (80 % range)"
    return html_table(frame, caption=caption, kinds=kinds, name="outcomes")


def boundaries_table(roi: TierRoi) -> Fragment:
    """Return the verdict at each boundary between tiers, and the effect at which it would pay."""
    if not roi.boundaries:
        return Fragment(str(tag("p", "There is one tier only, so there is no boundary.")))
    frame = pd.DataFrame(
        {
            "boundary": [one["boundary"] for one in roi.boundaries],
            "verdict": [one["verdict"] for one in roi.boundaries],
            "pays_from": [one["break_even"] for one in roi.boundaries],
            "because": [one["because"] for one in roi.boundaries],
        }
    )
    caption = "What can be said of the effect of the upper tier"
    return html_table(frame, caption=caption, kinds={"pays_from": "effect"}, name="boundaries")
