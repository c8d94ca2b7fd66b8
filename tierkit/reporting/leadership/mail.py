"""The report in a few lines of plain text, for the body of a mail."""

from __future__ import annotations

from collections.abc import Iterator

from tierkit.reporting.fragment import on_one_line
from tierkit.reporting.leadership.decisions import MOST, decisions
from tierkit.reporting.leadership.effects import finding
from tierkit.reporting.leadership.heading import recommendation_sentences, title_sentence
from tierkit.reporting.leadership.ledger import ledger_sentence
from tierkit.reporting.leadership.reading import (
    Facts,
    currency,
    number,
    part,
    parts,
    text,
    tier_name,
    too_small,
    why,
)
from tierkit.reporting.words import money_with_range, plural, sentence

MOST_CHARACTERS = 1_500
_LAST_LINE = "The whole page: leadership.html"
_LONGEST_LINE = 600


def mail_summary(facts: Facts) -> str:
    """Return the report as plain text of at most 1,500 characters, with nothing but its facts.

    Lines that do not fit are left out whole, the last ones first; the recommendation always stays.

    Examples
    --------
    >>> print(mail_summary({"title": "Acme", "quarter": {"label": "2026Q3"}}))
    Acme: Account tiers, 2026 Q3
    <BLANKLINE>
    No recommendation was computed. No account could be tiered. ...
    """
    title = text(facts, "title")
    head = (f"{title}: " if title else "") + title_sentence(facts)
    lines = [_cut(head, 200), "", _cut(" ".join(recommendation_sentences(facts)), _LONGEST_LINE)]
    room = MOST_CHARACTERS - len(_LAST_LINE) - 3 - sum(len(line) + 1 for line in lines)
    for line in _rest(facts):
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join([*lines, "", _LAST_LINE]) + "\n"


def _rest(facts: Facts) -> Iterator[str]:
    yield ""
    for tier in parts(facts, "tiers"):
        yield _cut(f"{tier_name(tier)}: {_tier(facts, tier)}", 160)
    yield _cut(ledger_sentence(facts).replace(" (diamond)", ""), 300)
    found = decisions(facts)[:MOST]
    if found:
        yield from ("", "To decide")
    for place, (what, its_number) in enumerate(found, 1):
        yield _cut(f"{place}. {what} {its_number}", 200)
    for boundary in parts(facts, "roi", "boundaries"):
        yield _cut(f"{text(boundary, 'boundary')}: {sentence(finding(boundary))}", 240)


def _tier(facts: Facts, tier: Facts) -> str:
    size = plural(number(tier, "accounts") or 0, "account")
    amount, low, high = (number(tier, key) for key in ("predicted_revenue", "low", "high"))
    if too_small(facts, tier):
        return f"{size}; its money is not shown"
    if amount is None:
        return f"{size}; not predicted: {why(tier, 'predicted_revenue')}"
    coming = part(tier, "next_quarter")
    quarter, *ends = (number(coming, key) for key in ("predicted_revenue", "low", "high"))
    soon = ""
    if quarter is not None:
        soon = f", {money_with_range(currency(facts), quarter, *ends)} of it next quarter"
    return f"{size}, {money_with_range(currency(facts), amount, low, high)} predicted{soon}"


def _cut(line: str, most: int) -> str:
    """Return text on one line without characters that mail cannot hold, cut with an ellipsis."""
    plain = on_one_line(line)
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"
