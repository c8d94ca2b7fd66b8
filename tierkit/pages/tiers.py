"""The tiers that a run proposes: sizes and money, accounts, moves, overrides, effort."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.pages.facts import (
    Facts,
    number,
    numbers,
    panel,
    part,
    parts,
    ranged,
    row_figure,
    text,
    too_small,
    why,
)
from tierkit.rendering import Fragment, Picture, figure, html_table, joined, section, tag
from tierkit.runs import Tiering
from tierkit.table import Column, Columns, Table
from tierkit.tiers import UNTIERED, moves_by_rank
from tierkit.words import count, enumerated, plural, sentence, share

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
    columns = ["account_id", "previous_tier", "tier", "rank", "predicted_revenue", "move_reason",
               "main_part"]  # fmt: skip
    money = tiering.assigned[["predicted_revenue"]]
    moved = tiering.moved.join(money, how="left", validate="1:1").rename_axis("account_id")
    moved = moved.astype({"previous_tier": "object", "tier": "object"})
    return html_table(
        Table(
            "moved",
            "Accounts that change tier, and the main reason",
            columns,
            moved.fillna({"previous_tier": "untiered", "tier": "untiered"}),
            most=MOST_ROWS,
            of="moves, by rank; all of them are in accounts.xlsx",
            why="No account changes its tier.",
        )
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
    frame = tiering.role_effort
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


MOST_ROWS_OF_MOVES = 7
MOST_FAVOURITES = 2


def what_changed(facts: Facts) -> Fragment:
    """Return the moves as a small table, the main reasons, and what carries the weight."""
    title = tag("h2", "What changed")
    both = tag("div", joined(_moves_table(facts), _reasons(facts)), class_="pair")
    return section("changes", title, both, *_weights(facts))


def flow_table(facts: Facts) -> pd.DataFrame:
    """Return the largest flows between tiers: from, to, accounts; those who stay are left out."""
    matrix = part(facts, "moves", "matrix")
    rows = [
        {"from": str(before), "to": after, "accounts": int(amount)}
        for before in matrix
        for after, amount in numbers(part(matrix, str(before))).items()
        if str(before) != after
    ]
    table = pd.DataFrame(rows, columns=["from", "to", "accounts"])
    return table.sort_values("accounts", ascending=False, kind="stable", ignore_index=True)


def _moves_table(facts: Facts) -> Fragment:
    table = flow_table(facts)
    if table.empty:
        first = text(part(facts, "decision"), "action") == "first run"
        spoken = "The first run: every tier is new." if first else _nobody(facts)
        return Fragment(str(tag("p", spoken)))
    moving = table["accounts"].sum()
    return html_table(
        Table(
            "moves",
            f"Where {plural(moving, 'account')} {'goes' if moving == 1 else 'go'}",
            ["from", "to", "accounts"],
            table,
            most=MOST_ROWS_OF_MOVES,
            of="flows, the largest first",
        )
    )


def _nobody(facts: Facts) -> str:
    moves = part(facts, "moves")
    if number(moves, "up") is None:
        return f"Moves are not known: {why(moves, 'up', otherwise='no earlier tier is known')}."
    return "No account changes tier."


def _reasons(facts: Facts) -> Fragment | str:
    reasons = numbers(part(facts, "moves", "reasons"))
    if not reasons:
        return ""
    rows = [
        {"main_reason": reason[:1].upper() + reason[1:], "accounts": accounts}
        for reason, accounts in reasons.items()
    ]
    columns = ["main_reason", "accounts"]
    most = MOST_ROWS_OF_MOVES
    return html_table(
        Table("move-reasons", "Why they move", columns, rows, most=most, of="reasons")
    )


def _weights(facts: Facts) -> list[object]:
    known = parts(facts, "model", "weights")[:3]
    if not known:
        return [tag("p", _without_weights(facts))] if text(part(facts, "model"), "kind") else []
    lines = [tag("li", _weight(weight)) for weight in known]
    heading = tag("h3", "What carries the weight")
    return [heading, tag("ol", joined(*lines), class_="weights"), *_favourites(facts)]


def _favourites(facts: Facts) -> list[object]:
    """Return what the first criteria are worth by themselves, in one sentence."""
    known = parts(facts, "model", "favourite_criteria")[:MOST_FAVOURITES]
    spoken = [words for one in known if (words := _favourite(one))]
    return [tag("p", f"With all else equal, {'; '.join(spoken)}.")] if spoken else []


def _favourite(one: Facts) -> str:
    factor = ranged(one, "factor")
    if not factor.has_range:
        return ""
    return (
        f"{text(one, 'criterion')} of {text(one, 'to')} rather than {text(one, 'from')} goes with "
        f"{factor.say('{:.1f}'.format)} times the won revenue "
        f"({factor.say_range('{:.1f}–{:.1f}'.format)})"
    )


def _weight(weight: Facts) -> object:
    part_ = number(weight, "share")
    spoken = sentence(text(weight, "sentence") or text(weight, "criterion"))
    return joined(tag("strong", share(part_)), spoken) if part_ is not None else spoken


def _without_weights(facts: Facts) -> str:
    model = part(facts, "model")
    if text(model, "kind") in ("past revenue", "simple rule"):
        return "One criterion carries all the weight: what an account bought in the past."
    features = number(model, "features")
    used = f" of {count(features)} criteria" if features else ""
    return f"Which{used} carry the weight is {why(model, 'weights')}."
