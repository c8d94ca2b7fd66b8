"""Decide now: at most five decisions, each with its number, its owner and its date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import NamedTuple

import pandas as pd

from tierkit.figure import Figure
from tierkit.pages.effects import best_design, effect, tier_pair, verdict
from tierkit.pages.facts import (
    RULES,
    Facts,
    because,
    currency,
    in_plain_words,
    next_quarter,
    number,
    numbers,
    part,
    parts,
    quarter_spoken,
    sum_is_telling,
    text,
    texts,
    too_small,
)
from tierkit.pages.moves import moves_in_words
from tierkit.rendering import Fragment, html_table, joined, section, tag
from tierkit.runs import Run
from tierkit.table import Column, Columns, Table
from tierkit.words import (
    count,
    day,
    enumerated,
    hours,
    money,
    money_with_range,
    number_word,
    plural,
    sentence,
    share,
)

MOST = 5
_MOST_NAMES = 2
MOSTLY = 0.5
_NOUNS = {"opportunities": "deal", "accounts": "account", "opportunity_lines": "line"}


class Decision(NamedTuple):
    """One thing to decide.

    Attributes
    ----------
    what
        What to do, as a sentence.
    number
        The money, hours or effect that hang on it, as a sentence.
    subject
        What it is about: the key of its owner in `decision.owners`.
    due
        When, where it is another day than that of all decisions.
    """

    what: str
    number: str
    subject: str
    due: str = ""

    def in_words(self, facts: Facts) -> str:
        """Return owner and date, `Chief revenue officer · by 15 Oct 2026 (day 15 of Q4 2026)`."""
        owner = text(part(facts, "decide", "owners"), self.subject)
        due = self.due or decided_by(facts)
        return " · ".join(part for part in (owner[:1].upper() + owner[1:], due) if part)


def decided_by(facts: Facts) -> str:
    """Return by when decisions are due, as a date and as a day of the quarter that they are for.

    A report of a quarter long past keeps its date; the day of the quarter tells where it is from.

    Examples
    --------
    >>> decided_by({"decide": {"by": "2026-10-15"}, "quarter": {"as_of": "2026-10-01",
    ...                                                         "next": "2026Q4"}})
    'by 15 Oct 2026 (day 15 of Q4 2026)'
    """
    by, as_of = text(part(facts, "decide"), "by"), text(part(facts, "quarter"), "as_of")
    if not by:
        return ""
    due = f"by {day(by)}"
    with suppress(ValueError):  # facts of another release may hold words in place of a date
        of_quarter = (date.fromisoformat(by) - date.fromisoformat(as_of)).days + 1
        due += f" (day {of_quarter} of {next_quarter(facts)})"
    return due


def decide_now(facts: Facts) -> Fragment:
    """Return at most five decisions: what to do in bold, its number, its owner and its date."""
    found = decisions(facts)[:MOST]
    title = tag("h2", "Decide now")
    if not found:
        return section("decisions", title, tag("p", "Nothing needs a decision this quarter."))
    return section("decisions", title, tag("ol", joined(*(_item(facts, one) for one in found))))


def _item(facts: Facts, one: Decision) -> object:
    who = one.in_words(facts)
    more = [tag("span", who, class_="owner")] if who else []
    return tag("li", joined(tag("strong", one.what), one.number, *more))


def decisions(facts: Facts) -> list[Decision]:
    """Return what there is to decide, the most pressing first."""
    makers = (_tiers, _hours, _overrides, _undelivered, _slots, _excluded, _untiered, _tables)
    return [decision for maker in makers for decision in maker(facts)]


def _tiers(facts: Facts) -> Iterator[Decision]:
    action = text(part(facts, "decision"), "action")
    moves = part(facts, "moves")
    up, down = number(moves, "up") or 0, number(moves, "down") or 0
    everyone = sum(number(tier, "accounts") or 0 for tier in parts(facts, "tiers"))
    amount = number(part(facts, "whole"), "predicted_revenue")
    is_shown = amount is not None and not sum_is_telling(facts)
    worth = f" with {money(currency(facts), amount or 0.0)} predicted" if is_shown else ""
    if action == "first run":
        yield Decision(
            "Accept the first tiers.", f"They cover {plural(everyone, 'account')}{worth}.", "tiers"
        )
    elif action in ("hold", "recalibrate", "refit"):
        is_rule = text(part(facts, "model"), "kind") in RULES
        model = " and the new model" if action == "refit" and not is_rule else ""
        said = f"{moves_in_words(up, down)}. {swap_words(facts)}".strip()
        yield Decision(f"Accept the new tiers{model}.", said, "tiers")


def swap_words(facts: Facts) -> str:
    """Return who enters and who leaves the first tier, in accounts and money, as a sentence.

    Examples
    --------
    >>> swap_words({"currency": "USD", "swaps": [{"tier": "Tier 1", "in_accounts": 3,
    ...     "in_predicted_revenue": 2.3e6, "out_accounts": 3, "out_predicted_revenue": 5e5}]})
    'Three accounts enter Tier 1 ($2.3 M predicted), three leave ($500 k).'
    """
    for swap in parts(facts, "swaps")[:1]:
        came, went = (number(swap, f"{side}_accounts") or 0 for side in ("in", "out"))
        if not came and not went:
            return f"Nobody enters or leaves {text(swap, 'tier')}."
        one = came == 1
        said = f"{number_word(came)} {'account' if one else 'accounts'} "
        said += f"{'enters' if one else 'enter'} {text(swap, 'tier')}"
        said += _bracketed(facts, swap, "in", " predicted")
        said += f", {number_word(went)} {'leaves' if went == 1 else 'leave'}"
        return sentence(said + _bracketed(facts, swap, "out", ""))
    return ""


def _bracketed(facts: Facts, swap: Facts, side: str, word: str) -> str:
    amount = number(swap, f"{side}_predicted_revenue")
    if amount is None or not number(swap, f"{side}_accounts"):
        return ""
    return f" ({money(currency(facts), amount)}{word})"


def named_sentences(facts: Facts) -> list[str]:
    """Return the names of those who enter and leave, where the settings ask for names."""
    said = []
    for one in parts(facts, "named"):
        for side, words in (("in", "Into"), ("out", "Out of")):
            names = texts(one, side)
            if names:
                said.append(f"{words} {text(one, 'tier')}: {enumerated(names)}.")
    return said


def _hours(facts: Facts) -> Iterator[Decision]:
    for role in parts(facts, "effort", "roles"):
        needed, available = number(role, "hours"), number(role, "available")
        if needed is not None and available and needed > available:  # of 0 nothing is known
            short = f"{hours(needed - available)} short of {hours(needed)} a quarter."
            yield Decision(
                f"{text(role, 'role')}: fewer accounts, lighter entitlements or more people.",
                short,
                "effort",
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
        else "They still hold their accounts' tiers."
    )
    by = numbers(part(overrides, "expired_set_by"))
    set_by = f" Set by {enumerated([*by][:_MOST_NAMES])}{_and_more(len(by))}." if by else ""
    since = text(overrides, "expired_since")
    due = f"review overdue since {day(since)}" if since else ""
    yield Decision(
        f"Review {plural(expired, 'expired override')}.", held + set_by, "overrides", due
    )


def _and_more(names: int) -> str:
    return f" and {count(names - _MOST_NAMES)} more" if names > _MOST_NAMES else ""


def _undelivered(facts: Facts) -> Iterator[Decision]:
    """One decision about the first tier that is shown, where most of its hours are not logged."""
    for tier in parts(facts, "effort", "tiers")[:1]:
        owed, logged = number(tier, "owed_hours"), number(tier, "logged_hours")
        if not owed or logged is None or logged >= MOSTLY * owed or too_small(facts, tier):
            continue
        name, quarter = text(tier, "tier"), quarter_spoken(text(tier, "logged_quarter"))
        cost = number(tier, "planned_cost")
        plan = f" Its plan costs {money(currency(facts), cost)} a quarter." if cost else ""
        hours_ = f"{count(logged)} of the {hours(owed)}"
        yield Decision(
            f"Serve {name} as planned, or plan what is served.",
            f"{hours_} that it was owed in {quarter} are logged.{plan}",
            "effort",
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
            yield Decision(
                f"Lighten the treatment of {upper}, or change it.",
                f"Compared with {lower} it brings {seen}." if seen else because(boundary),
                "treatment",
            )
        elif found == "shown" and value is not None:
            ends = (
                number(tier, "value_of_one_more_slot_low"),
                number(tier, "value_of_one_more_slot_high"),
            )
            worth = money_with_range(currency(facts), value, *ends)
            yield Decision(
                f"Add slots to {upper}, or not.", f"One more is worth {worth} a quarter.",
                "treatment",
            )  # fmt: skip
        elif even is not None and even > 0:
            yield Decision(
                f"Leave {upper} at its size until an effect is shown.",
                f"One more slot pays if {upper} treatment lifts revenue by {share(even)}.",
                "treatment",
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
    worth = f"{money(currency(facts), amount)} won revenue is left out."
    yield Decision(_fix(entry), worth, "data")


_FIXES = (
    ("no account id", "Add the customer to {rows}."),
    ("account that is not in accounts", "Add the missing accounts of {rows}."),
    ("unknown account", "Add the missing accounts of {rows}."),
    ("no amount", "Add the amount to {rows}."),
    ("no close date", "Add the close date to {rows}."),
    ("exchange rate", "Add the exchange rate of {rows}."),
    ("cannot be read", "Correct {rows} that cannot be read."),
)


def _fix(entry: Facts) -> str:
    """Return what to do about rows that were left out.

    Examples
    --------
    >>> _fix({"table": "opportunities", "rows": 8752, "reason": "no account id"})
    'Add the customer to 8,752 deals.'
    """
    name = text(entry, "table")
    table = name.replace("_", " ")
    noun = _NOUNS.get(name, f"row of {table}")
    many = f"{noun}s" if name in _NOUNS else f"rows of {table}"
    rows = plural(number(entry, "rows") or 0, noun, many)
    reason = in_plain_words(text(entry, "reason")).lower()
    for words, said in _FIXES:
        if words in reason:
            return said.format(rows=rows)
    return f"Correct {rows}: {in_plain_words(text(entry, 'reason'))}."


def _by_design(entry: Facts) -> bool:
    reason = text(entry, "reason").lower()
    return any(
        word in reason
        for word in ("on or after", "as_of", "exclude", "counted once", "copies", "left out by")
    )


def _untiered(facts: Facts) -> Iterator[Decision]:
    """Accounts that have no tier only because a column is empty."""
    unknown = {
        reason: amount
        for reason, amount in numbers(part(facts, "data", "untiered")).items()
        if "ICP unknown" in reason or "missing" in reason.lower()
    }
    for reason, amount in list(unknown.items())[:1]:
        yield Decision(
            f"Complete the data of {plural(amount, 'untiered account')}.",
            f"{reason[:1].upper()}{reason[1:]}.",
            "data",
        )


def _tables(facts: Facts) -> Iterator[Decision]:
    if "tier_history" in texts(part(facts, "data"), "missing_tables"):
        yield Decision(
            "Record from now on which tier each account is in.",
            "Without it nobody can ever tell whether tiers earn their keep.",
            "data",
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
