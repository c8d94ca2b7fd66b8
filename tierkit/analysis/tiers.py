"""The tiers that a run proposes: sizes and money, accounts, moves, overrides, effort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit import charts
from tierkit.recalibration.tiering import Tiering
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural
from tierkit.tiers.moves import UNTIERED
from tierkit.tiers.saved import moves_by_rank

MOST_ROWS = 20


def tier_table(tiering: Tiering, *, currency: str) -> Fragment:
    """Return one row per tier: its accounts, what is predicted of them, what they ask for."""
    by_tier = tiering.tiered.groupby("tier", observed=False)["predicted_revenue"]
    effort = tiering.tier_effort
    frame = pd.DataFrame(
        {
            "tier": effort.index,
            "accounts": effort["accounts"].to_numpy(),
            "held_before": [
                int((tiering.previous.tiers == name).sum()) if len(tiering.previous.tiers) else None
                for name in effort.index
            ],
            "predicted_revenue": by_tier.sum().reindex(effort.index).to_numpy(),
            "lowest_prediction": by_tier.min().reindex(effort.index).to_numpy(),
            "hours_a_quarter": effort["hours"].to_numpy(),
            "cost_a_quarter": effort["cost"].to_numpy(),
        }
    )
    money = f"money {currency}"
    kinds = {
        "accounts": "count",
        "held_before": "count",
        "predicted_revenue": money,
        "lowest_prediction": money,
        "hours_a_quarter": "count",
        "cost_a_quarter": money,
    }
    caption = f"{plural(len(tiering.tiered), 'account')} in {plural(len(frame), 'tier')}"
    return html_table(frame, caption=caption, kinds=kinds, name="tiers")


def account_table(tiering: Tiering, *, currency: str) -> Fragment:
    """Return the accounts with the best ranks, with the reasons of their prediction."""
    tiered = tiering.tiered
    money_columns = ["predicted_revenue", "predicted_low", "predicted_high"]
    columns = ["tier", "model_tier", "rank", *money_columns, "reasons"]
    frame = tiered[columns].astype({"model_tier": "object"}).head(MOST_ROWS).reset_index()
    money = f"money {currency}"
    kinds = {"rank": "count", **dict.fromkeys(money_columns, money)}
    return html_table(
        frame,
        caption="The best-ranked accounts; the range holds in 8 of 10 cases",
        kinds=kinds,
        name="accounts",
        total=len(tiered),
        of="accounts, by rank; all of them are in tiers.csv",
    )


def untiered_table(tiering: Tiering) -> Fragment:
    """Return how many accounts have no tier, by reason."""
    if tiering.untiered.empty:
        return Fragment(str(tag("p", "Every account has a tier.")))
    counts = tiering.untiered["reason"].value_counts().sort_index(kind="stable")
    frame = pd.DataFrame({"reason": counts.index, "accounts": counts.to_numpy()})
    frame = frame.sort_values("accounts", ascending=False, kind="stable")
    caption = f"{plural(len(tiering.untiered), 'account')} without a tier"
    return html_table(
        frame.head(MOST_ROWS),
        caption=caption,
        kinds={"accounts": "count"},
        name="untiered",
        total=len(frame),
        of="reasons",
    )


def moves_figure(tiering: Tiering) -> Fragment:
    """Return the accounts by the tier before and the tier now."""
    matrix = pd.DataFrame(tiering.moves.matrix).T
    if matrix.empty:
        return Fragment(str(tag("p", tiering.previous.remark or "No earlier tiers are known.")))
    matrix = (
        matrix.drop(index=UNTIERED, errors="ignore") if not matrix.loc[UNTIERED].any() else matrix
    )
    found = tiering.moves
    by_rank, now = moves_by_rank(tiering.assigned)
    finding = (
        f"{plural(found.up + found.down, 'account')} change tier: {found.up} up, {found.down} "
        f"down; {found.kept_by_band} keep theirs inside the keep band. By rank alone {by_rank:,} "
        f"would move, with overrides aside; as it is {now:,} do."
    )
    picture = Picture(
        lambda ax: charts.moves_heat(matrix, ax=ax),
        width=140 + 110 * len(matrix.columns),
        height=30 + 40 * len(matrix),
        margins=(140.0, 4.0, 30.0, 4.0),
    )
    return figure(picture, name="moves-matrix", finding=finding)


def moved_table(tiering: Tiering) -> Fragment:
    """Return the accounts whose tier changes, best rank first."""
    moved = tiering.moved
    if moved.empty:
        return Fragment(str(tag("p", "No account changes its tier.")))
    columns = ["previous_tier", "tier", "rank", "predicted_revenue", "move_reason", "main_part"]
    shown = moved.join(tiering.assigned[["predicted_revenue"]], how="left", validate="1:1")
    frame = shown[columns].head(MOST_ROWS).reset_index().astype({"previous_tier": "object"})
    frame["tier"] = frame["tier"].astype("object")
    return html_table(
        frame.fillna({"previous_tier": "untiered", "tier": "untiered"}),
        caption="Accounts that change tier, and the main reason",
        kinds={"rank": "count", "predicted_revenue": "money"},
        name="moved",
        total=len(moved),
        of="moves, by rank; all of them are in accounts.xlsx",
    )


def overrides_table(tiering: Tiering) -> Fragment:
    """Return the tiers that people set, beside the model's, with reason and review date."""
    if tiering.overrides.empty:
        return Fragment(str(tag("p", "No override is in force.")))
    beside = tiering.assigned[["model_tier", "rank"]]
    frame = tiering.overrides.set_index("account_id").join(beside, how="left", validate="1:1")
    frame = frame.reset_index().sort_values("review_on", kind="stable")
    frame["review"] = np.where(frame["expired"], "waits for review", "in force")
    columns = [
        "account_id",
        "tier",
        "model_tier",
        "rank",
        "reason",
        "set_by",
        "review_on",
        "review",
    ]
    expired = int(frame["expired"].sum())
    return html_table(
        frame[columns].astype({"model_tier": "object"}),
        caption=f"{plural(len(frame), 'override')}, {expired} past the date of review",
        kinds={"rank": "count", "review_on": "date"},
        name="overrides",
    )


def effort_table(tiering: Tiering) -> Fragment:
    """Return the hours that the tiers ask of each role, against what it has."""
    frame = tiering.role_effort.reset_index().drop(columns="share_used_why")
    if frame.empty:
        return Fragment(str(tag("p", "No roles are set: write [roles] and entitlements of tiers.")))
    hours = [column for column in frame.columns if column not in ("role", "share_used")]
    kinds = {**dict.fromkeys(hours, "count"), "share_used": "share"}
    caption = "Hours a quarter by role: asked by each tier, and available"
    return html_table(frame, caption=caption, kinds=kinds, name="effort")
