"""What changed: moves with their main reasons, and the criteria that carry the weight."""

from __future__ import annotations

import pandas as pd

from tierkit.reporting.fragment import Fragment, joined, section, tag
from tierkit.reporting.leadership.reading import Facts, number, numbers, part, parts, text, why
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import count, plural, sentence, share

MOST_ROWS = 7
MOST_FAVOURITES = 2


def what_changed(facts: Facts) -> Fragment:
    """Return the moves as a small table, the main reasons, and what carries the weight."""
    title = tag("h2", "What changed")
    both = tag("div", joined(_moves(facts), _reasons(facts)), class_="pair")
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


def _moves(facts: Facts) -> Fragment:
    table = flow_table(facts)
    if table.empty:
        first = text(part(facts, "decision"), "action") == "first run"
        spoken = "The first run: every tier is new." if first else _nobody(facts)
        return Fragment(str(tag("p", spoken)))
    moving = table["accounts"].sum()
    return html_table(
        table.head(MOST_ROWS),
        caption=f"Where {plural(moving, 'account')} {'goes' if moving == 1 else 'go'}",
        kinds={"accounts": "count"},
        name="moves",
        total=len(table),
        of="flows, the largest first",
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
    table = pd.DataFrame({"main_reason": list(reasons), "accounts": list(reasons.values())})
    table["main_reason"] = table["main_reason"].str[:1].str.upper() + table["main_reason"].str[1:]
    return html_table(
        table.head(MOST_ROWS),
        caption="Why they move",
        kinds={"accounts": "count"},
        name="move-reasons",
        total=len(table),
        of="reasons",
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
    factor, low, high = (number(one, key) for key in ("factor", "low", "high"))
    if factor is None or low is None or high is None:
        return ""
    return (
        f"{text(one, 'criterion')} of {text(one, 'to')} rather than {text(one, 'from')} goes with "
        f"{factor:.1f} times the won revenue ({low:.1f}–{high:.1f})"
    )


def _weight(weight: Facts) -> object:
    part_ = number(weight, "share")
    spoken = sentence(text(weight, "sentence") or text(weight, "criterion"))
    return joined(tag("strong", share(part_)), spoken) if part_ is not None else spoken


def _without_weights(facts: Facts) -> str:
    model = part(facts, "model")
    if text(model, "kind") == "past revenue":
        return "One criterion carries all the weight: what an account bought in the past."
    features = number(model, "features")
    used = f" of {count(features)} criteria" if features else ""
    return f"Which{used} carry the weight is {why(model, 'weights')}."
