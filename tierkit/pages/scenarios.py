"""Scenarios beside what is proposed: accounts that move, money with range, hours, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tierkit.pages.facts import Facts, currency, number, parts, text, texts, too_small, why
from tierkit.rendering import Fragment, html_table, section, tag
from tierkit.table import Column, Columns, Table
from tierkit.words import (
    count,
    enumerated,
    money,
    money_with_range,
    number_word,
    plural,
    quarter_name,
    share,
)

MOST_SCENARIOS = 7


def compare_scenarios(facts: Facts) -> Fragment:
    """Return what other sizes, effort or rules would give; nothing where none was asked for."""
    found = parts(facts, "scenarios")
    if len(found) < 2:
        return Fragment("")
    first = text(next(iter(parts(facts, "tiers")), {}), "tier")
    rows = [_row(facts, one, first) for one in found if parts(one, "tiers")]
    columns: Columns = ["scenario", *Column.each(
        "spoken", "accounts_otherwise", "predicted", "in_tests", "hours", "cost", "pays_from",
        "over_capacity",
    )]  # fmt: skip
    caption = f"Scenarios: money, range and break-even of {first}; hours and cost of all tiers"
    table = Table("scenarios", caption, columns, rows, most=MOST_SCENARIOS, of="scenarios")
    notes = [
        f"{text(one, 'scenario')}: not computed, {why(one, 'tiers', otherwise=text(one, 'why'))}."
        for one in found
        if not parts(one, "tiers")
    ]
    lines = [
        tag("p", line, class_="small") for line in [*_tested(rows), *notes, *_delivered(facts)]
    ]
    return section("scenarios", tag("h2", "Scenarios"), html_table(table), *lines)


def _row(facts: Facts, one: Facts, first: str) -> dict[str, str]:
    tier = next((tier for tier in parts(one, "tiers") if text(tier, "tier") == first), {})
    amount, low, high = (number(tier, key) for key in ("predicted_revenue", "low", "high"))
    code, even = currency(facts), number(tier, "break_even")
    tested = None if too_small(facts, tier) else number(one, "tested_capture")
    hours, cost = number(one, "hours"), number(one, "cost")
    size = plural(number(tier, "accounts") or 0, "account")
    worth = "too few to show" if too_small(facts, tier) else (
        "–" if amount is None else f"{money_with_range(code, amount, low, high)}, {size}"
    )  # fmt: skip
    other = number(one, "accounts_otherwise")
    return {
        "scenario": text(one, "scenario"),
        "accounts_otherwise": "–" if other is None else count(other),
        "predicted": worth,
        "in_tests": "–" if tested is None else share(tested),
        "hours": "–" if hours is None else f"{count(hours)} h",
        "cost": "–" if cost is None else money(code, cost),
        "pays_from": "–" if even is None else f"+{share(even)}",
        "over_capacity": enumerated([f"▲ {role}" for role in texts(one, "roles_short")]) or "no",
    }


def _tested(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return what the share in tests means, where one is shown."""
    if all(row["in_tests"] == "–" for row in rows):
        return []
    return [
        "In tests: the share of all later revenue that as many first-ranked accounts brought at "
        "earlier quarter-ends. Judge a scenario with another model by it, not by what it predicts."
    ]


def _delivered(facts: Facts) -> list[str]:
    """Return what the first tier of earlier scenarios brought, a sentence for each window."""
    rows = [row for row in parts(facts, "scenarios_delivered") if not too_small(facts, row)]
    spans = dict.fromkeys((text(row, "promised_on"), number(row, "quarters") or 1) for row in rows)
    return [
        _delivered_in(facts, [row for row in rows if text(row, "promised_on") == on
                              and (number(row, "quarters") or 1) == quarters])
        for on, quarters in spans
    ]  # fmt: skip


def _delivered_in(facts: Facts, rows: Sequence[Facts]) -> str:
    on = quarter_name(text(rows[0], "promised_on"))
    quarters = int(number(rows[0], "quarters") or 1)
    span = "quarter" if quarters == 1 else f"{number_word(quarters)} quarters"
    said = [
        f"{text(row, 'scenario')} {money(currency(facts), number(row, 'delivered') or 0.0)} "
        f"({plural(number(row, 'accounts') or 0, 'account')})"
        for row in rows
    ]
    return f"In the {span} after {on}, {text(rows[0], 'tier')} brought: {enumerated(said)}."
