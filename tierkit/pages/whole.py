"""The whole: all tiers beside last year and the target, what is not in it, what weighs on it."""

from __future__ import annotations

import pandas as pd

from tierkit.pages.facts import (
    Facts,
    before,
    currency,
    money_parts,
    next_quarter,
    number,
    part,
    parts,
    quarter_spoken,
    ranking_in_tests,
    sum_is_telling,
    text,
    too_small,
    why,
)
from tierkit.rendering import Fragment, html_table, joined, section, tag
from tierkit.runs import Run, Tiering, territory_rows
from tierkit.table import Column, Columns, Table
from tierkit.words import (
    count,
    enumerated,
    money,
    money_range,
    ratio,
    share,
    signed_share,
)

MOST_TERRITORIES = 7
MUCH = 0.5
"""Growth of the last tier from which on the page says where it comes from."""
LARGE, MANY_BORDERLINE = 0.1, 1 / 3
"""From these shares on, the largest account and borderline places change how a page is read."""
CAPTURE, CLEARLY = "capture_tier_1", 0.9
"""A ranking is behind where its first accounts brought less than so much of what others' did."""
FAR_OFF = 1.5
"""From this factor on, up or down, what the tests say of amounts does."""
_TOO_FEW = "too few to show"


def whole_table(facts: Facts) -> Fragment:
    """Return the tiers and their sum: predicted, last year of the same accounts, next quarter."""
    whole = part(facts, "whole")
    tiers = parts(whole, "tiers")
    if not tiers or number(whole, "predicted_revenue") is None:
        return Fragment("")
    hidden = [bool(too_small(facts, tier)) for tier in tiers]
    rows = [_tier_row(facts, tier) for tier in tiers]
    for column in ("predicted_revenue", "last_horizon"):
        amounts = [number(tier, column) for tier in tiers]
        said = _amounts(facts, amounts, hidden)
        for row, words in zip(rows, said, strict=False):
            row[column] = words
    total = {"tier": "All tiers", "accounts": count(number(whole, "accounts") or 0)}
    for column in ("predicted_revenue", "last_horizon"):
        total[column] = _amounts(facts, [number(tier, column) for tier in tiers], hidden)[-1]
    telling = sum_is_telling(facts)
    total |= {
        "range": "–" if telling else _range(facts, whole),
        "change": "–" if telling else _change(whole),
    }
    ahead = f"predicted_{text(whole, 'span')}".replace(" ", "_").replace("_the_", "_")
    rename = {"predicted_revenue": ahead, "range": "range_that_holds_8_of_10",
              "last_horizon": "same_accounts_before"}  # fmt: skip
    frame = pd.DataFrame([*rows, total]).rename(columns=rename)
    columns: Columns = ["tier", *Column.each("spoken", *map(str, frame.columns[1:]))]
    caption = f"Won revenue, {currency(facts)}: predicted, and what the same accounts won before"
    return html_table(Table("whole", caption, columns, frame))


def _tier_row(facts: Facts, tier: Facts) -> dict[str, str]:
    name = text(tier, "tier")
    found = next((one for one in parts(facts, "tiers") if text(one, "tier") == name), {})
    small = bool(too_small(facts, tier))
    return {
        "tier": name,
        "accounts": count(number(tier, "accounts") or 0),
        "predicted_revenue": "",
        "range": _TOO_FEW if small else _range(facts, found),
        "last_horizon": "",
        "change": "–" if small else _change(tier),
    }


def _amounts(facts: Facts, amounts: list[float | None], hidden: list[bool]) -> list[str]:
    """Return amounts that add up as they are said; a hidden one, and the sum that tells it, not."""
    if any(amount is None for amount in amounts):
        return ["–"] * (len(amounts) + 1)
    known = [amount or 0.0 for amount in amounts]
    said = money_parts(currency(facts), known)
    if sum(hidden) == 1:  # no sum is shown that they would have to add up to
        said = [*(money(currency(facts), amount) for amount in known), "–"]
    shown = ["–" if small else words for small, words in zip(hidden, said, strict=False)]
    return [*shown, "–" if sum(hidden) == 1 else said[-1]]


def _range(facts: Facts, one: Facts) -> str:
    low, high = number(one, "low"), number(one, "high")
    return "–" if low is None or high is None else money_range(currency(facts), low, high)


def _change(one: Facts) -> str:
    change = number(one, "change")
    return "–" if change is None else signed_share(change)


def whole_sentences(facts: Facts) -> list[str]:
    """Return the whole beside last year and the target, and what is not part of it."""
    said = (_whole(facts), _towards_the_mean(facts), _target(facts), _not_in_it(facts))
    return [*filter(None, said)]


def _whole(facts: Facts) -> str:
    whole = part(facts, "whole")
    amount, change = number(whole, "predicted_revenue"), number(whole, "change")
    if amount is None or sum_is_telling(facts):
        return ""
    tiers = [
        f"{text(one, 'tier')} {_change(one)}"
        for one in parts(whole, "tiers")
        if number(one, "change") is not None and not too_small(facts, one)
    ]
    said = f"All tiers together: {money(currency(facts), amount)} in {text(whole, 'span')}"
    if change is None:
        return f"{said}; what came in {before(facts)} is not known: {why(whole, 'last_horizon')}."
    each = f" ({', '.join(tiers)})" if tiers else ""
    return f"{said}, {signed_share(change)} on what the same accounts won before{each}."


def _towards_the_mean(facts: Facts) -> str:
    """Return why a last tier seems to grow; empty where it does not, or is too small to be shown.

    Examples
    --------
    >>> _towards_the_mean({"whole": {"tiers": [{"tier": "Tier 1", "change": -0.1},
    ...                                        {"tier": "Tier 2", "change": 1.2}]}})
    'Tier 2 holds accounts after a weak year, and such accounts win more in the next.'
    """
    for last in parts(facts, "whole", "tiers")[-1:]:
        change = number(last, "change")
        if change is not None and change > MUCH and not too_small(facts, last):
            return (
                f"{text(last, 'tier')} holds accounts after a weak year, and such accounts win "
                "more in the next."
            )
    return ""


def _target(facts: Facts) -> str:
    target = part(facts, "whole", "target")
    goal, predicted = number(target, "target"), number(target, "predicted")
    if goal is None:
        return ""
    quarter = quarter_spoken(text(target, "quarter")) or next_quarter(facts)
    said = f"Target of {quarter}: {money(currency(facts), goal)}"
    of_goal = number(target, "predicted_over_target")
    if predicted is not None and of_goal is not None:
        said += f"; {money(currency(facts), predicted)} predicted ({share(of_goal)} of it)"
    covered = number(target, "pipeline_over_target")
    if covered is not None:
        said += f"; qualified pipeline due in it {ratio(covered)} × target"
    return f"{said}."


def _not_in_it(facts: Facts) -> str:
    whole = part(facts, "whole")
    renewals = number(whole, "renewals_last_horizon")
    new = number(whole, "new_accounts_last_horizon")
    missing = []
    if renewals is not None and renewals > 0:
        missing.append(f"renewals ({money(currency(facts), renewals)} in {before(facts)})")
    if new is not None and new > 0:
        missing.append(f"accounts not known yet ({money(currency(facts), new)} in {before(facts)})")
    if not missing:
        return ""
    return f"This is new and expansion business; not part of it: {enumerated(missing)}."


def warnings(facts: Facts) -> list[str]:
    """Return what changes the reading of the page: large accounts, borderline places, seats."""
    said = (_order_behind(facts), _amounts_off(facts), _large(facts), _borderline(facts))
    return [*filter(None, (*said, *_seats(facts)))]


def _order_behind(facts: Facts) -> str:
    """Return whether other orders put first who brought clearly more in the tests."""
    models = part(facts, "model", "backtest", "models")
    own = number(ranking_in_tests(facts), CAPTURE)
    others = {
        "those that the tiers in force put there": number(part(models, "last_tiers"), CAPTURE),
        "as many ranked by past revenue": number(part(models, "past_revenue"), CAPTURE),
    }
    better = {words: one for words, one in others.items() if one is not None}
    if own is None or not better or own >= CLEARLY * max(better.values()):
        return ""
    words, most = max(better.items(), key=lambda one: one[1])
    first = text(next(iter(parts(facts, "tiers")), {}), "tier") or "the first tier"
    return (
        f"In the tests the accounts that this ranking put first brought {share(own)} of later "
        f"revenue, {words} {share(most)}: look at who leaves {first} before you accept."
    )


def _amounts_off(facts: Facts) -> str:
    """Return by how much amounts were off in the tests; empty where they were nearly right."""
    value = number(ranking_in_tests(facts), "actual_over_predicted")
    if value is None or value <= 0 or 1 / FAR_OFF < value < FAR_OFF:
        return ""
    side = "too low" if value > 1 else "too high"
    return (
        f"In the tests accounts brought {ratio(value)} times what was predicted: take the amounts "
        f"on this page as {side}; the order of accounts stands apart from that."
    )


def _large(facts: Facts) -> str:
    largest = part(facts, "whole", "largest_account")
    won, predicted = number(largest, "share_of_won"), number(largest, "share_of_predicted")
    if won is not None and won >= LARGE:
        return f"One account holds {share(won)} of the revenue won in {before(facts)}."
    if predicted is not None and predicted >= LARGE:
        return f"One account holds {share(predicted)} of predicted revenue."
    return ""


def _borderline(facts: Facts) -> str:
    tiers = parts(facts, "chances", "tiers")[:-1]
    known = [(number(one, "borderline_accounts"), number(one, "accounts")) for one in tiers]
    near = sum(some for some, _ in known if some is not None)
    places = sum(every or 0 for some, every in known if some is not None)
    if not places or near / places < MANY_BORDERLINE:
        return ""
    names = enumerated([text(one, "tier") for one in tiers])
    return (
        f"{share(near / places)} of the places in {names} are borderline "
        f"({count(near)} of {count(places)}): a small change of the data moves those "
        "accounts, whether or not the ranking as a whole is good enough to adopt."
    )


def _seats(facts: Facts) -> list[str]:
    """Return which seats of the first tier rules hold, and who waits for one."""
    for seats in parts(facts, "seats")[:1]:
        held = [f"rank {count(number(one, 'rank') or 0)} ({text(one, 'by')})"
                for one in parts(seats, "held")]  # fmt: skip
        many = int(number(seats, "held_by_rules") or 0)
        if not held:
            return []
        more = f" and {count(many - len(held))} more" if many > len(held) else ""
        said = (
            f"Rules, not ranks, hold "
            f"{count(many)} of {count(number(seats, 'places') or 0)} places in "
            f"{text(seats, 'tier')}: {enumerated(held)}{more}"
        )
        return [f"{said}{_waiting(facts, seats)}."]
    return []


def _waiting(facts: Facts, seats: Facts) -> str:
    first = next(iter(parts(seats, "waiting")), {})
    rank, amount = number(first, "rank"), number(first, "predicted_revenue")
    if rank is None or amount is None:
        return ""
    return f"; rank {count(rank)}, {money(currency(facts), amount)} predicted, waits for a place"


def by_territory(facts: Facts) -> Fragment:
    """Return the largest territories: tiers held, predicted revenue, hours, accounts that move."""
    found = part(facts, "territories")
    rows = parts(found, "rows")
    by = text(found, "by")
    title = tag("h2", f"By {by}" if by else "By territory")
    if not rows:
        return Fragment("")
    names = [text(tier, "tier") for tier in parts(facts, "tiers")]
    large = [row for row in rows if not too_small(facts, row)]
    shown = [_territory(facts, row, by, names) for row in large[:MOST_TERRITORIES]]
    role = text(found, "role")
    columns: Columns = [by, *Column.each("count", *names), *Column.each("spoken", "predicted"),
                        *Column.each("spoken", _on_before(facts)),
                        *([Column("hours", "spoken", role)] if role else []),
                        *Column.each("spoken", "moves_up", "moves_down")]  # fmt: skip
    caption = f"Accounts by tier, money and hours of each {by}, the most predicted revenue first"
    table = Table("by-territory", caption, columns, shown, total=len(rows),
                  of="rows; all of them, and every owner, are on the analyst page")  # fmt: skip
    return section("territories", title, html_table(table))


def _on_before(facts: Facts) -> str:
    """Return the name of the column that holds predicted revenue against what came before."""
    return f"on_{before(facts)}".replace("the_", "").replace("the ", "").replace(" ", "_")


def _territory(facts: Facts, row: Facts, by: str, names: list[str]) -> dict[str, object]:
    predicted, last = number(row, "predicted_revenue") or 0.0, number(row, "last_horizon") or 0.0
    asked, available = number(row, "hours") or 0.0, number(row, "available") or 0.0
    of = f" of {count(available)}" if available else ""
    over = "▲ " if available and asked > available else ""
    return {
        by: text(row, "name"),
        **{name: number(part(row, "tiers"), name) for name in names},
        "predicted": money(currency(facts), predicted),
        _on_before(facts): signed_share(predicted / last - 1) if last > 0 else "–",
        "hours": f"{over}{count(asked)}{of}",
        "moves_up": count(number(row, "up") or 0),
        "moves_down": count(number(row, "down") or 0),
    }


def territory_tables(run: Run, tiering: Tiering) -> Fragment:
    """Return every territory and every owner: tiers held, money, hours asked and had, moves."""
    made = []
    for column in ("territory", "owner"):
        rows = territory_rows(run, tiering, column)
        money_columns = Column.each("money", "predicted_revenue", "last_horizon", unit=run.currency)
        counts = [name for name in rows.columns if name not in (column, "predicted_revenue",
                                                                "last_horizon")]  # fmt: skip
        columns = Column.of_all(rows, *money_columns, *Column.each("count", *counts))
        caption = (
            f"By {column}: tiers held, predicted revenue, what was won before, hours a quarter"
        )
        missing = f"By {column}: the accounts have no column of that name."
        made.append(html_table(Table(f"by-{column}", caption, columns, rows, why=missing)))
    return Fragment(str(joined(*made)))


def territory_sheets(run: Run, tiering: Tiering) -> dict[str, Table]:
    """Return a sheet of territories and one of owners."""
    money_columns = Column.each("money", "predicted_revenue", "last_horizon")
    sheets = {}
    for column, name in (("territory", "Territories"), ("owner", "Owners")):
        rows = territory_rows(run, tiering, column)
        counts = rows.columns.difference([column, "predicted_revenue", "last_horizon"])
        sheets[name] = Table.sheet(rows, *money_columns, *Column.each("count", *counts))
    return sheets
