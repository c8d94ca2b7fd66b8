"""Firmness of the tiers: borderline accounts, likely moves, the record of past overrides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from tierkit.pages.data import MAKES_POSSIBLE
from tierkit.pages.facts import (
    RULES,
    Facts,
    because,
    currency,
    in_plain_words,
    named_rule,
    number,
    part,
    parts,
    ranged,
    ranking_in_tests,
    stopped_card,
    text,
    texts,
    why,
)
from tierkit.pages.model import challenged
from tierkit.pages.revenue import ledger_score
from tierkit.rendering import Fragment, html_table, joined, section, tag
from tierkit.runs import Chances
from tierkit.table import Column, Columns, Table
from tierkit.tiers import QUARTERS_AHEAD
from tierkit.words import (
    MINUS,
    count,
    enumerated,
    money,
    money_range,
    plural,
    ratio,
    sentence,
    share,
)

MOST_ROWS = 15
_SIDES = {"raised": "put above the model's tier", "lowered": "put below the model's tier"}
_OF = "; all of them are in accounts.xlsx"


def borderline_table(chances: Chances, *, currency: str) -> Fragment:
    """Return the accounts that belong in another tier in 4 of 10 worlds or more."""
    if chances.belonging_why:
        why = sentence(chances.belonging_why)
        return Fragment(str(tag("p", f"Whether an account truly belongs in its tier: {why}")))
    rows = chances.borderline
    if rows.empty:
        return Fragment(
            str(tag("p", "No account belongs in another tier in 4 of 10 worlds or more."))
        )
    total = money(currency, float(rows["predicted_revenue"].sum()))
    caption = (
        f"{plural(len(rows), 'account')} on the borderline, with {total} of predicted revenue: "
        "each belongs in another tier in 4 of 10 worlds or more"
    )
    columns: Columns = ["account_id", "tier", "borders_on", "rank", "predicted_revenue",
               Column("chance_in_tier", "share")]  # fmt: skip
    table = Table("borderline", caption, columns, rows.rename_axis("account_id"),
                  currency=currency, most=MOST_ROWS, of=f"accounts, by money{_OF}")  # fmt: skip
    return html_table(table)


def chances_table(chances: Chances) -> Fragment:
    """Return, by direction, the accounts most likely to change tier within four quarters."""
    if chances.ahead_why:
        why = sentence(chances.ahead_why)
        return Fragment(str(tag("p", f"Chances within {QUARTERS_AHEAD} quarters: {why}")))
    parts = [
        _likely(chances.candidates, "chance_up", "Candidates for promotion", chances),
        _likely(chances.at_risk, "chance_down", "At risk of falling", chances),
    ]
    return Fragment(str(joined(*parts)))


def scoreboard_table(scoreboard: Sequence[Mapping[str, Any]]) -> Fragment:
    """Return what past overrides brought, beside the accounts that they displaced."""
    rows = [row for side in scoreboard if (row := _scored(side))]
    why = next((str(side.get("difference_why", "")) for side in scoreboard), "")
    columns: Columns = [
        "overridden", "accounts", Column("account_windows", "count"), Column("mean", "money"),
        Column("neighbours", "count"),
        *Column.each("money", "mean_of_neighbours", "difference", "low", "high"), "remark",
    ]  # fmt: skip
    caption = "Past overrides beside the accounts that the model would have had in their place"
    said = f"How past overrides did: {sentence(why)}"
    return html_table(Table("override-scoreboard", caption, columns, rows, why=said))


def _likely(rows: pd.DataFrame, column: str, title: str, chances: Chances) -> Fragment:
    columns: Columns = ["account_id", "tier", "rank", "predicted_revenue", Column(column, "share"),
               Column("account_quarters", "count")]  # fmt: skip
    caption = (
        f"{title} within {QUARTERS_AHEAD} quarters, as accounts of such a rank did; "
        f"{plural(chances.quarters, 'quarter')} followed ({chances.rests_on})"
    )
    many = "a chance of a quarter or more"
    name, why = column.replace("_", "-"), f"{title}: no account has {many}."
    table = Table(name, caption, columns, rows.rename_axis("account_id"), most=MOST_ROWS,
                  of=f"accounts with {many}{_OF}", why=why)  # fmt: skip
    return html_table(table)


def _scored(side: Mapping[str, Any]) -> dict[str, object] | None:
    ours, theirs = side.get("overridden"), side.get("neighbours")
    if not ours or not theirs or not (ours["accounts"] and theirs["accounts"]):
        return None
    difference = side.get("difference") or {}
    return {
        "overridden": _SIDES.get(str(side.get("side")), str(side.get("what"))),
        "accounts": ours["accounts"],
        "account_windows": ours["account_windows"],
        "mean": ours["mean"],
        "neighbours": theirs["accounts"],
        "mean_of_neighbours": theirs["mean"],
        **{key: difference.get(name) for key, name in
           (("difference", "estimate"), ("low", "low"), ("high", "high"))},
        "remark": side.get("difference_why", ""),
    }  # fmt: skip


def firmness(facts: Facts) -> str:
    """Return how many accounts are borderline, with the money, and how many may move."""
    tiers = parts(facts, "chances", "tiers")
    return " ".join(filter(None, (_borderline(facts, tiers), _ahead(tiers))))


def override_record(facts: Facts) -> str:
    """Return what accounts that people put above the model's tier brought, if it can be said."""
    sides = parts(facts, "overrides", "scoreboard")
    return next(filter(None, (_record(facts, side) for side in sides)), "")


def _borderline(facts: Facts, tiers: list[Facts]) -> str:
    known = [tier for tier in tiers if number(tier, "borderline_accounts") is not None]
    if not known:
        return ""
    accounts = int(sum(number(tier, "borderline_accounts") or 0 for tier in known))
    if not accounts:
        return "No account is on the borderline between tiers."
    amount = sum(number(tier, "borderline_predicted_revenue") or 0.0 for tier in known)
    at_stake = money(currency(facts), amount)
    return (
        f"{plural(accounts, 'account')} ({at_stake} predicted) may as well belong in another "
        "tier: as far as predictions missed before, they do in 4 of 10 cases or more."
    )


def _ahead(tiers: list[Facts]) -> str:
    up, down = (
        [found for tier in tiers if (found := number(tier, key)) is not None]
        for key in ("expected_up", "expected_down")
    )
    if not up or not down:
        return ""
    return (
        f"If accounts go on as before, about {count(round(sum(up)))} rise within four quarters "
        f"and {count(round(sum(down)))} fall."
    )


def _record(facts: Facts, side: Facts) -> str:
    found, accounts = ranged(part(side, "difference")), number(part(side, "overridden"), "accounts")
    if not found.has_range or not accounts:
        return ""
    unit = currency(facts)
    way = "above" if text(side, "side") == "raised" else "below"
    found_words = "brought about as much as"
    if found.is_above(0) or found.is_below(0):
        found_words = f"brought {'more' if found.is_above(0) else 'less'} than"
    return (
        f"{plural(int(accounts), 'account')} that people put {way} the model's tier {found_words} "
        f"those whose place they took: {found.say(partial(money, unit))} each on average "
        f"({found.say_range(partial(money_range, unit))} in 8 of 10 cases). People chose them, so "
        "this is a difference, not an effect."
    )


def how_sure(facts: Facts) -> Fragment:
    """Return a line each: the ranking, money, tiers, past overrides, data, what is missing."""
    lines = certainty_lines(facts)
    items = joined(*(tag("dt", name) + tag("dd", spoken) for name, spoken in lines))
    return section("certainty", tag("h2", "How sure are we?"), tag("dl", items))


def certainty_lines(facts: Facts) -> list[tuple[str, str]]:
    """Return what is known of each thing that the page rests on, by its name."""
    lines = (
        ("The ranking", _ranking(facts)),
        ("The money", _calibration(facts)),
        ("The tiers", firmness(facts)),
        ("Past overrides", override_record(facts)),
        ("The data", _data(facts)),
        ("Not computed", _missing(facts)),
    )
    return [(name, spoken) for name, spoken in lines if spoken]


_AS_GOOD = 0.0005
"""Difference that would be printed as 0.000, and so is none."""


def _ranking(facts: Facts) -> str:
    model = part(facts, "model")
    backtest = part(model, "backtest")
    models = part(backtest, "models")
    verdict = text(model, "verdict") or text(backtest, "verdict")
    reason = because(model) or because(backtest)
    if not models or verdict == "cannot be tested":
        return f"It cannot be tested yet. {reason}".strip()
    spoken = {
        "better than past revenue": "Better than ranking by past revenue.",
        "no better than past revenue": "No better than ranking by past revenue.",
        "no signal": "It found no signal: the order is no better than chance.",
    }.get(verdict, "")
    gained = _gain(model) if verdict == "better than past revenue" else ""
    said = [_ranked_by(model), spoken, _captured(model), _tested_on(backtest), gained or reason]
    return " ".join(filter(None, [*said, _short_card(model), challenged(facts)]))


def _short_card(model: Facts) -> str:
    """Return what the short card costs, where a fitted card ranks; empty where nobody knows."""
    short = part(model, "short_card")
    below, count = number(short, "gini_below_the_full_card"), len(parts(short, "criteria"))
    if below is None or not count:
        return ""
    named = f"short card ({plural(count, 'criterion', 'criteria')}, whole points)"
    ranks = "full_card" in part(model, "backtest", "models")
    start = f"The {named} ranks the accounts" if ranks else f"A {named} can be printed"
    if below < _AS_GOOD:
        return f"{start}; it orders them as well as the full card."
    return f"{start}; its order is {below:.3f} worse than that of the full card, on a scale to 1."


def _ranked_by(model: Facts) -> str:
    """Return in a sentence what ranks, where it is a simple rule."""
    words, is_rule = named_rule(model), text(model, "kind") in RULES
    told = "shuffled outcomes" in text(model, "because")  # which stands further down
    better = "see below" if told else stopped_card(model) or "nothing that was tested is better"
    return f"Accounts are ranked by {words}: {better}." if words and is_rule else ""


def _captured(model: Facts) -> str:
    """Return what the first accounts brought: by what ranks, by past revenue, by tiers in force."""
    models, ranks = part(model, "backtest", "models"), text(model, "ranked_by") or "card"
    own, past, held = (
        number(part(models, name), "capture_tier_1") if name in models else None
        for name in (ranks if ranks in models else "card", "past_revenue", "last_tiers")
    )
    if own is None:
        return ""
    others = []
    if past is not None and ranks != "past_revenue":
        others.append(f"ranked by past revenue alone, as many accounts brought {share(past)}")
    if held is not None:
        others.append(f"those that the tiers in force put there brought {share(held)}")
    first = f"The accounts it put first brought {share(own)} of later revenue"
    return f"{'; '.join([first, *others])}."


def _gain(model: Facts) -> str:
    """Return by how much the order is better, as a sentence; empty where its range is not known."""
    gain = part(model, "gain_over_past_revenue")
    values = [number(gain, key) for key in ("estimate", "low", "high")]
    if None in values:
        return ""
    estimate, low, high = (f"{value:+.2f}".replace("-", MINUS) for value in values)
    return (
        f"The whole order is better by {estimate} (range {low} to {high}) on a scale from 0, "
        "chance, to 1, perfect foresight."
    )


def _tested_on(backtest: Facts) -> str:
    ends, accounts = len(texts(backtest, "as_of")), number(backtest, "accounts")
    on = f" on {plural(accounts, 'account')}" if accounts is not None else ""
    if text(backtest, "method") == "held-out accounts":
        return f"Tested{on} held out."
    return f"Tested at {plural(ends, 'earlier quarter-end')}{on}." if ends else ""


def _calibration(facts: Facts) -> str:
    model = ranking_in_tests(facts)
    value = number(model, "actual_over_predicted")
    inside, due = ledger_score(facts)
    kept = (
        f" Of {plural(due, 'earlier promise')} now due, {count(inside)} came in within the range."
        if due
        else ""
    )
    if value is None:
        missing = why(model, "actual_over_predicted")
        return f"Predicted against actual revenue is not known: {missing}.{kept}"
    times = f"{ratio(value)} times the predicted"
    return f"In the tests, actual revenue was {times}: {_read(value)}.{kept}"


def _read(value: float) -> str:
    if 0.9 <= value <= 1.1:
        return "the amounts can be taken as they are"
    return (
        f"the amounts were too {'low' if value > 1 else 'high'} there. This report's are not "
        "scaled by it, since their total is forecast anew from all quarters"
    )


def _data(facts: Facts) -> str:
    data = part(facts, "data")
    total, used = number(data, "won_revenue"), number(data, "used_won_revenue")
    if total is None or used is None:
        return f"How much won revenue was used is not known: {why(data, 'used_won_revenue')}."
    code = currency(facts)
    all_of_it = (
        f"{money(code, used, figures=3)} of {money(code, total, figures=3)} won revenue was used"
    )
    part_used = f" ({share(used / total)})" if total > 0 else ""
    reasons = _left_out(facts)
    return f"{all_of_it}{part_used}." + (f" Left out: {enumerated(reasons)}." if reasons else "")


def _left_out(facts: Facts) -> list[str]:
    known = [
        (abs(amount), in_plain_words(text(entry, "reason")), amount)
        for entry in parts(facts, "data", "excluded")
        if (amount := number(entry, "won_revenue"))
    ]
    known.sort(key=lambda entry: (-entry[0], entry[1]))
    spoken = [
        f"{money(currency(facts), amount)} {in_plain_words(reason)}"
        for _, reason, amount in known[:3]
    ]
    rest = math.fsum(entry[2] for entry in known[3:])
    if len(known) > 3:
        spoken.append(
            f"{money(currency(facts), rest)} for {plural(len(known) - 3, 'other reason')}"
        )
    return spoken


def _missing(facts: Facts) -> str:
    tables = texts(part(facts, "data"), "missing_tables")
    needs = [
        f"{MAKES_POSSIBLE[table]} (needs {_spoken(table)})"
        for table in tables
        if table in MAKES_POSSIBLE
    ]
    spoken = "; ".join(needs[:4]) + (
        f"; and {count(len(needs) - 4)} more" if len(needs) > 4 else ""
    )
    returns = "" if "costs" in tables else _return(facts)
    lines = [f"{spoken[:1].upper()}{spoken[1:]}." if spoken else "", returns]
    return " ".join(filter(None, lines)) or "Nothing: every table that helps was there."


def _return(facts: Facts) -> str:
    boundaries = parts(facts, "roi", "boundaries")
    if any(
        number(part(boundary, "return_on_cost"), "estimate") is not None for boundary in boundaries
    ):
        return ""
    reason = text(part(facts, "roi"), "why")
    return (
        f"The return on what tiers cost: {reason.rstrip('.')}."
        if reason
        else ("The return on what tiers cost needs a shown effect and costs by account.")
    )


def _spoken(table: str) -> str:
    return table.replace("_", " ")


LEAST_CHANCE = 0.01
"""Of accounts that stay with more certainty than this, one line each would say nothing."""


def chance_sheets(chances: Chances) -> dict[str, Table]:
    """Return the accounts with a chance of another tier, and those on the borderline."""
    names = ("chance_in_tier", "chance_higher", "chance_lower", "chance_up", "chance_down")
    shares = Column.each("share", *names)
    known = chances.accounts.drop(columns="borders_on").dropna(
        how="all", subset=["chance_in_tier", "chance_up"]
    )
    moves = known[[*names[1:]]].fillna(0.0)
    open_to_chance = known[(moves >= LEAST_CHANCE).any(axis=1)]
    columns = ["tier", "borders_on", "rank", "predicted_revenue", "chance_in_tier"]
    return {
        "Chances": Table.sheet(open_to_chance.rename_axis("account_id").reset_index(), *shares),
        "Borderline": Table.sheet(
            chances.borderline[columns].rename_axis("account_id").reset_index(), *shares
        ),
    }
