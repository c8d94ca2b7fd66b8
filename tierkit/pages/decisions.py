"""Decide now: at most five decisions, each with its number."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from tierkit.figure import Figure
from tierkit.pages.effects import best_design, effect, tier_pair, verdict
from tierkit.pages.facts import (
    Facts,
    because,
    currency,
    in_plain_words,
    number,
    numbers,
    part,
    parts,
    text,
    texts,
    too_small,
)
from tierkit.rendering import Fragment, html_table, joined, section, tag
from tierkit.runs import Run
from tierkit.table import Column, Columns, Table
from tierkit.words import count, hours, money, plural, share

MOST = 5
Decision = tuple[str, str]


def decide_now(facts: Facts) -> Fragment:
    """Return at most five decisions: what to do in bold, its number after it."""
    found = decisions(facts)[:MOST]
    title = tag("h2", "Decide now")
    if not found:
        return section("decisions", title, tag("p", "Nothing needs a decision this quarter."))
    items = [tag("li", joined(tag("strong", what), number_)) for what, number_ in found]
    return section("decisions", title, tag("ol", joined(*items)))


def decisions(facts: Facts) -> list[Decision]:
    """Return what there is to decide, the most pressing first, as pairs of what and its number."""
    makers = (_tiers, _hours, _overrides, _slots, _excluded, _untiered, _tables)
    return [decision for maker in makers for decision in maker(facts)]


def _tiers(facts: Facts) -> Iterator[Decision]:
    action = text(part(facts, "decision"), "action")
    moves = part(facts, "moves")
    up, down = number(moves, "up") or 0, number(moves, "down") or 0
    everyone = sum(number(tier, "accounts") or 0 for tier in parts(facts, "tiers"))
    if action == "first run":
        yield "Accept the first tiers.", f"They cover {plural(everyone, 'account')}."
    elif action in ("hold", "recalibrate", "refit"):
        model = " and the new model" if action == "refit" else ""
        yield f"Accept the new tiers{model}.", f"{plural(up, 'account')} up, {count(down)} down."


def _hours(facts: Facts) -> Iterator[Decision]:
    for role in parts(facts, "effort", "roles"):
        needed, available = number(role, "hours"), number(role, "available")
        if needed is not None and available is not None and needed > available:
            short = f"{hours(needed - available)} short of {hours(needed)} a quarter."
            yield (
                f"{text(role, 'role')}: fewer accounts, lighter entitlements or more people.",
                short,
            )


def _overrides(facts: Facts) -> Iterator[Decision]:
    overrides = part(facts, "overrides")
    expired = number(overrides, "expired")
    if not expired:
        return
    amount = number(overrides, "expired_predicted_revenue")
    small = too_small(facts, {"accounts": expired})
    held = (
        f"{money(currency(facts), amount)} predicted revenue."
        if amount is not None and not small
        else ""
    )
    yield (
        f"Review {plural(expired, 'expired override')}.",
        held or "They still hold their accounts' tiers.",
    )


def _slots(facts: Facts) -> Iterator[Decision]:
    """One decision about the first boundary: the value of a slot only where an effect is shown."""
    for boundary in parts(facts, "roi", "boundaries")[:1]:
        upper, lower = tier_pair(boundary)
        found, less = verdict(boundary), text(boundary, "direction") == "less"
        tier = next((tier for tier in parts(facts, "tiers") if text(tier, "tier") == upper), {})
        value, even = number(tier, "value_of_one_more_slot"), number(boundary, "break_even")
        if found == "no effect worth having" or (found == "shown" and less):
            seen = effect(part(best_design(boundary), "relative"))
            yield (
                f"Lighten the treatment of {upper}, or change it.",
                f"Compared with {lower} it brings {seen}." if seen else because(boundary),
            )
        elif found == "shown" and value is not None:
            yield (
                f"Add slots to {upper}, or not.",
                f"One more is worth {money(currency(facts), value)} a quarter.",
            )
        elif even is not None and even > 0:
            yield (
                f"Leave {upper} at its size until an effect is shown.",
                f"One more slot pays if {upper} treatment lifts revenue by {share(even)}.",
            )


def _excluded(facts: Facts) -> Iterator[Decision]:
    """Yield the exclusion that costs most revenue, where someone can fix it."""
    known = [
        (abs(amount), entry)
        for entry in parts(facts, "data", "excluded")
        if (amount := number(entry, "won_revenue")) and not _by_design(entry)
    ]
    if not known:
        return
    amount, entry = max(known, key=lambda pair: (pair[0], text(pair[1], "reason")))
    rows = plural(number(entry, "rows") or 0, "row")
    where = f"{rows} of {text(entry, 'table')}".replace("_", " ")
    reason = in_plain_words(text(entry, "reason"))
    yield (
        f"Fix {where}: {reason}.",
        f"{money(currency(facts), amount)} won revenue is left out.",
    )


def _by_design(entry: Facts) -> bool:
    reason = text(entry, "reason").lower()
    return any(
        word in reason for word in ("on or after", "as_of", "exclude", "counted once", "copies")
    )


def _untiered(facts: Facts) -> Iterator[Decision]:
    """Accounts that have no tier only because a column is empty."""
    unknown = {
        reason: amount
        for reason, amount in numbers(part(facts, "data", "untiered")).items()
        if reason.lower().startswith("icp") or "missing" in reason.lower()
    }
    for reason, amount in list(unknown.items())[:1]:
        yield (
            f"Complete the data of {plural(amount, 'untiered account')}.",
            f"{reason[:1].upper()}{reason[1:]}.",
        )


def _tables(facts: Facts) -> Iterator[Decision]:
    if "tier_history" in texts(part(facts, "data"), "missing_tables"):
        yield (
            "Record from now on which tier each account is in.",
            "It decides whether the fourth question can ever be answered.",
        )


_FIRST = "No earlier report holds a model: this one is the first."


def decision(run: Run) -> Fragment:
    """Return what is done with the present model, why, and what the newest quarters said of it."""
    facts = run.read_facts("decision")
    if not facts:
        return Fragment(str(tag("p", _FIRST)))
    lead = tag("p", joined(tag("strong", facts["action"].capitalize() + "."), facts["because"]))
    tested = facts.get("newest_quarters")
    if not tested or not tested["quarters"]:
        return Fragment(str(lead))
    gain = Figure.read(tested["gain"], "estimate", low="low", high="high")
    found = {
        "Gini of the present model": Figure.read(tested, "champion_gini"),
        "Gini of a new fit": Figure.read(tested, "challenger_gini"),
        "gain of a new fit": gain,
        "present model: actual over predicted": Figure.read(
            tested, "champion_actual_over_predicted"
        ),
    }
    rows = [
        {"measure": what, "value": one, "low": one.low, "high": one.high}
        for what, one in found.items()
    ]
    on = plural(len(tested["quarters"]), "newest quarter")
    caption = f"Present model and a new fit on {on}, {plural(tested['accounts'], 'account')}"
    columns: Columns = ["measure", *Column.each("number", "value", "low", "high")]
    return Fragment(str(joined(lead, html_table(Table("challenge", caption, columns, rows)))))


def drift_table(run: Run) -> Fragment:
    """Return how far the accounts of each criterion have drifted, beside what chance alone does."""
    rows = run.read_facts("decision").get("drift") or []
    shown = [row | {"drifted": "more than by chance" if row["drifted"] else "no"} for row in rows]
    many = sum(row["drifted"] for row in rows)
    caption = f"{plural(many, 'criterion', 'criteria')} of {len(rows)} drifted more than by chance"
    frame = pd.DataFrame(shown)
    columns = Column.of_all(frame, Column("bins", "count"))
    why = "Drift is not known: there is no earlier model to compare with."
    return html_table(Table("drift", caption, columns, frame, why=why))
