"""Evidence behind the report: tests of the ranking and its amounts, the data, what is missing."""

from __future__ import annotations

import math

from tierkit.pages.chances import firmness, override_record
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
    ranking_in_tests,
    stopped_card,
    text,
    texts,
    why,
)
from tierkit.pages.model import challenged
from tierkit.pages.revenue import ledger_score
from tierkit.rendering import Fragment, joined, section, tag
from tierkit.words import MINUS, count, enumerated, money, plural, ratio, share


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
