"""The tiers that a run proposes: sizes and money, accounts, overrides, hours."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.pages.facts import Facts, number, panel, part, parts, row_figure, text, too_small
from tierkit.rendering import Fragment, html_table
from tierkit.runs import Tiering, tiers_table
from tierkit.table import Column, Columns, Table
from tierkit.words import count, enumerated, plural, share

MOST_ROWS = 20


def tier_table(tiering: Tiering, *, currency: str) -> Fragment:
    """Return one row per tier: its accounts, what is predicted of them, what they ask for."""
    by_tier = tiering.tiered.groupby("tier", observed=False)["predicted_revenue"]
    held = tiering.previous.tiers
    frame = (
        tiering.tier_effort.rename_axis("tier")
        .assign(
            held_before=held.value_counts().reindex(tiering.tier_effort.index, fill_value=0)
            if len(held)
            else None,
            predicted_revenue=by_tier.sum(),
            lowest_prediction=by_tier.min(),
        )
        .rename(columns={"hours": "hours_a_quarter", "cost": "cost_a_quarter"})
    )
    columns: Columns = ["tier", "accounts", Column("held_before", "count"), "predicted_revenue",
               Column("lowest_prediction", "money"), Column("hours_a_quarter", "count"),
               Column("cost_a_quarter", "money")]  # fmt: skip
    caption = f"{plural(len(tiering.tiered), 'account')} in {plural(len(frame), 'tier')}"
    return html_table(Table("tiers", caption, columns, frame, currency=currency))


def account_table(tiering: Tiering, *, currency: str) -> Fragment:
    """Return the accounts with the best ranks, with the reasons of their prediction."""
    columns = ["account_id", "tier", "model_tier", "rank", "predicted_revenue", "predicted_low",
               "predicted_high", "reasons"]  # fmt: skip
    caption = "The best-ranked accounts; the range holds in 8 of 10 cases"
    of = "accounts, by rank; all of them are in tiers.csv"
    return html_table(
        Table(
            "accounts", caption, columns, tiering.tiered, currency=currency, most=MOST_ROWS, of=of
        )
    )


def untiered_table(tiering: Tiering) -> Fragment:
    """Return how many accounts have no tier, by reason."""
    counts = tiering.untiered["reason"].value_counts().sort_index(kind="stable")
    counts = counts.sort_values(ascending=False, kind="stable")
    rows = [{"reason": reason, "accounts": accounts} for reason, accounts in counts.items()]
    caption = f"{plural(len(tiering.untiered), 'account')} without a tier"
    why = "Every account has a tier."
    columns = ["reason", "accounts"]
    return html_table(
        Table("untiered", caption, columns, rows, most=MOST_ROWS, of="reasons", why=why)
    )


def overrides_table(tiering: Tiering) -> Fragment:
    """Return the tiers that people set, beside the model's, with reason and review date."""
    beside = tiering.assigned[["model_tier", "rank"]]
    frame = tiering.overrides.set_index("account_id").join(beside, how="left", validate="1:1")
    frame = frame.reset_index().sort_values("review_on", kind="stable")
    frame["review"] = np.where(frame["expired"], "waits for review", "in force")
    columns = ["account_id", "tier", "model_tier", "rank", "reason", "set_by", "review_on",
               "review"]  # fmt: skip
    expired = int(frame["expired"].sum())
    caption = f"{plural(len(frame), 'override')}, {expired} past their review date"
    why = "No override is in force."
    return html_table(Table("overrides", caption, columns, frame, why=why))


def effort_table(tiering: Tiering) -> Fragment:
    """Return the hours that the tiers ask of each role, against what it has."""
    frame = tiering.role_effort.astype({"available": float})
    frame["available"] = frame["available"].where(frame["available"] > 0)  # 0: nobody has said
    hours = Column.each("count", *frame.columns.drop("share_used"))
    caption = "Hours a quarter by role: asked by each tier, and available"
    why = "No roles are set: write [roles] and the tiers' entitlements."
    return html_table(Table("effort", caption, ["role", *hours, "share_used"], frame, why=why))


_MOVES = {"up": "up", "down": "down", "entered": "new in a tier", "left": "no longer in one"}


def which_accounts(facts: Facts) -> Markup:
    """Return the panel on sizes, moves, and the share of predicted revenue by tier."""
    table = tier_shares(facts)
    everyone = table["accounts"].sum()
    changed = accounts_that_change(facts)
    big, unit = count(everyone), "account gets a tier" if everyone == 1 else "accounts get a tier"
    if changed is not None:
        big, unit = (
            count(changed),
            "account changes tier" if changed == 1 else "accounts change tier",
        )
    body = []
    if len(table):
        finding = sizes_finding(table)
        body = [row_figure(charts.tier_bars, table, name="tier-sizes", finding=finding)]
    return panel("Which accounts?", big, unit, _moves(facts, everyone), *body)


def accounts_that_change(facts: Facts) -> float | None:
    """Return how many accounts go up or down; None in a first run, or where that is not known."""
    up, down = (number(part(facts, "moves"), key) for key in ("up", "down"))
    if is_first_run(facts) or up is None or down is None:
        return None
    return up + down


def is_first_run(facts: Facts) -> bool:
    """Return whether nothing was in a tier before."""
    return text(part(facts, "decision"), "action") == "first run"


def tier_shares(facts: Facts) -> pd.DataFrame:
    """Return one row a tier: its accounts, and its share of all predicted revenue.

    Where a share is not known, or a tier is too small to be shown (the others' shares would tell
    its own), no tier has one, and `value` is the number of accounts.
    """
    tiers = parts(facts, "tiers")
    sizes = [number(tier, "accounts") or 0.0 for tier in tiers]
    shares = _shares(facts, tiers)
    spoken = [plural(size, "account") for size in sizes]
    if shares:
        spoken = [f"{size} · {share(held)}" for size, held in zip(spoken, shares, strict=True)]
    return pd.DataFrame(
        {
            "label": [text(tier, "tier") for tier in tiers],
            "accounts": sizes,
            "share": shares or [math.nan] * len(tiers),
            "value": shares or sizes,
            "text": spoken,
        }
    )


def _shares(facts: Facts, tiers: list[Facts]) -> list[float]:
    if any(too_small(facts, tier) for tier in tiers):
        return []
    given = [number(tier, "share_of_predicted_revenue") for tier in tiers]
    if all(held is not None for held in given):
        return [held or 0.0 for held in given]
    amounts = [number(tier, "predicted_revenue") for tier in tiers]
    total = math.fsum(amount or 0.0 for amount in amounts)
    if total <= 0 or any(amount is None for amount in amounts):
        return []
    return [(amount or 0.0) / total for amount in amounts]


def _moves(facts: Facts, everyone: float) -> str:
    if is_first_run(facts):
        tiers = plural(len(parts(facts, "tiers")), "tier")
        return f"The first run: {plural(everyone, 'account')} in {tiers}, none was in one before."
    moves = part(facts, "moves")
    known = [(number(moves, key), word) for key, word in _MOVES.items()]
    said = [(value, word) for value, word in known if value is not None]
    spoken = [f"{count(value)} {word}" for value, word in said if value or word in ("up", "down")]
    if not said:
        return "Which accounts move is not known: no earlier tier is known."
    kept = number(moves, "kept_by_band") or 0
    its = "keeps its" if kept == 1 else "keep their"
    stay = f" {plural(kept, 'account')} near a line {its} tier." if kept else ""
    return f"Of {plural(everyone, 'account')}: {enumerated(spoken)}.{stay}"


def sizes_finding(table: pd.DataFrame) -> str:
    """Return what the sizes show: the best tier's accounts, and what they hold."""
    first = table.iloc[0]
    size = plural(first["accounts"], "account")
    if math.isnan(first["share"]):
        return f"{first['label']} has {size} of {count(table['accounts'].sum())}."
    holds = "holds" if first["accounts"] == 1 else "hold"
    return f"{first['label']}: {size} {holds} {share(first['share'])} of predicted revenue."


def tier_sheets(tiering: Tiering) -> dict[str, Table]:
    """Return the sheets of tiers, of accounts without one, and of overrides."""
    frames = {
        "Tiers": tiers_table(tiering),
        "Untiered": tiering.untiered,
        "Overrides": _overrides_and_the_model(tiering),
    }
    return {name: Table.sheet(rows) for name, rows in frames.items()}


def _overrides_and_the_model(tiering: Tiering) -> pd.DataFrame:
    """Return the overrides with what the model would have given."""
    of_model = tiering.assigned[["model_tier", "rank", "predicted_revenue"]]
    found = tiering.overrides.set_index("account_id").join(of_model, how="left", validate="1:1")
    return found.reset_index().astype({"model_tier": "object"})
