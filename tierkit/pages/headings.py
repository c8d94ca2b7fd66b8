"""The title block, the recommendation in one paragraph, the footer."""

from __future__ import annotations

from collections.abc import Iterator

from tierkit.calendar import spell_date
from tierkit.crm import last_day
from tierkit.pages.customer_words import renewal_headline
from tierkit.pages.decisions import decisions, named_sentences, swap_words
from tierkit.pages.effects import finding, tier_pair, verdict, visible, waits
from tierkit.pages.effort import how_much_effort
from tierkit.pages.facts import (
    RULES,
    Facts,
    because,
    currency,
    first_shown,
    horizon,
    named_rule,
    number,
    part,
    parts,
    stopped_card,
    text,
    texts,
    tier_name,
    too_small,
    why,
)
from tierkit.pages.revenue import how_much_revenue, ledger_sentence, promise_sentence
from tierkit.pages.tiers import accounts_that_change, which_accounts
from tierkit.pages.whole import warnings, whole_sentences, whole_table
from tierkit.publishing import MOST_SUMMARY_CHARACTERS
from tierkit.rendering import Fragment, joined, on_one_line, section, tag
from tierkit.runs import Run
from tierkit.words import (
    count,
    day,
    day_range,
    money,
    money_range,
    money_with_range,
    number_word,
    plural,
    quarter_name,
    quarters_ahead,
    sentence,
    signed_share,
)

ACTIONS = {
    "first run": "Adopt these tiers as the first ones.",
    "hold": "Keep the present model; the tiers below follow from it.",
    "recalibrate": "Keep the present ranking, with corrected amounts, and adopt the tiers below.",
    "refit": "Adopt the newly fitted model and the tiers below.",
}


def title_block(facts: Facts) -> Fragment:
    """Return what this page is about: project, quarter with its dates, data, currency, scope."""
    data = part(facts, "data")
    title = tag("h1", title_sentence(facts))
    mark = draft_words(facts)
    scope = number(data, "accounts_in_scope")
    accounts = number(data, "accounts")
    items = [
        f"Data as of {day(known)}" if (known := _last_day(facts)) else "",
        f"Money in {currency(facts)}" if currency(facts) else "",
        f"{plural(scope, 'account')} in scope" + (f" of {count(accounts)}" if accounts else "")
        if scope is not None
        else f"{plural(accounts, 'account')}"
        if accounts is not None
        else "",
    ]
    project = tag("p", text(facts, "title") or "Account tiering", class_="project")
    named = "internal: names accounts" if parts(facts, "named") else ""
    meta = tag("p", " · ".join(filter(None, [*items, named])), class_="meta")
    marked = [tag("p", tag("strong", mark), class_="draft")] if mark else []
    return section("title", project, title, meta, *marked)


def draft_words(facts: Facts) -> str:
    """Return what a draft says of itself; empty for a report that is published."""
    name = text(facts, "draft")
    return f"Draft “{name}”: not published, no promise, nothing takes force." if name else ""


def recommendation(facts: Facts) -> Fragment:
    """Return what we recommend, in one paragraph."""
    action, *rest = recommendation_sentences(facts)
    lead = tag("strong", action)
    body = tag("p", lead + " " + tag("span", " ".join(rest)), class_="lead")
    return section("recommendation", tag("h2", "What we recommend"), body)


def the_whole(facts: Facts) -> Fragment:
    """Return the whole beside its tiers, last year and the target, promises, and warnings."""
    notes = [*whole_sentences(facts), f"Promised and delivered: {promise_sentence(facts)}"]
    lines = [tag("p", line) for line in notes]
    marked = [tag("p", joined(tag("strong", "▲ Note:"), line), class_="warning")
              for line in warnings(facts)]  # fmt: skip
    return section("whole", tag("h2", "The whole"), whole_table(facts), *lines, *marked)


def recommendation_sentences(facts: Facts) -> list[str]:
    """Return what we recommend, sentence by sentence: what to do first, then why."""
    decision = part(facts, "decision")
    action = _action(facts) or "No recommendation was computed."
    rest = [
        because(decision), _moved(facts), swap_words(facts), *named_sentences(facts),
        _promise(facts), _ranking(facts), _effect(facts),
    ]  # fmt: skip
    return [action, *filter(None, rest)]


def _action(facts: Facts) -> str:
    """Return what to do: with the model, or with the rule that ranks in its place."""
    asked = text(part(facts, "decision"), "action")
    model = part(facts, "model")
    rule = text(model, "ranked_by_in_words") or "past revenue"
    if asked in ("refit", "first run") and text(model, "kind") in RULES:
        scope = number(part(facts, "data"), "accounts_in_scope")
        if _verdict_of(facts) == "cannot be tested":
            return f"Rank by {rule} until a ranking can be tested."
        of = f"with {plural(scope, 'account')} " if scope is not None else ""
        better = stopped_card(model) or f"{of}nothing that was tested does better"
        return f"Rank by {named_rule(model) or rule}: {better}."
    return ACTIONS.get(asked, "")


def title_sentence(facts: Facts) -> str:
    """Return what the report is about: `Account tiers, 2026 Q3 (1 Jul – 30 Sep 2026)`."""
    quarter = part(facts, "quarter")
    label = quarter_name(text(quarter, "label")) or "quarter not named"
    dates = _dates(quarter)
    return f"Account tiers, {label}" + (f" ({dates})" if dates else "")


def _moved(facts: Facts) -> str:
    """Return how many accounts change tier, as a sentence; empty where nothing was before."""
    changed, tiers = accounts_that_change(facts), parts(facts, "tiers")
    if changed is None:
        return ""
    everyone = plural(sum(number(tier, "accounts") or 0 for tier in tiers), "account")
    if changed == 0:
        return f"None of {everyone} changes tier."
    return f"{count(changed)} of {everyone} {'changes' if changed == 1 else 'change'} tier."


def footer(facts: Facts) -> Fragment:
    """Return how many remarks there are, what words mean, and the run's fingerprint."""
    notes = [
        "A range would hold what happens in about 8 of 10 cases; that of a tier's own effect would "
        "hold the truth in 19 of 20. Predicted revenue is won revenue "
        f"predicted for {quarters_ahead(horizon(facts))}. Adjusting means comparing only accounts "
        "that could have been in either tier. A case is one account in one quarter.",
        "What other words mean: tierkit help glossary. Why it is done like this: tierkit help "
        "explanation.",
    ]
    many = len(texts(facts, "remarks"))
    have = "stands" if many == 1 else "stand"
    seen = f"{plural(many, 'remark')} on the data {have} on the analyst page."
    remarks = [tag("p", seen)] if many else []
    mark = text(facts, "fingerprint")
    print_ = tag("p", f"Fingerprint of data, settings and versions: {mark}") if mark else ""
    return section("notes", *remarks, *(tag("p", note) for note in notes), print_)


def _dates(quarter: Facts) -> str:
    start, end = text(quarter, "start"), text(quarter, "end")
    return day_range(start, end) if start and end else ""


def _last_day(facts: Facts) -> str:
    """Return the last day that the report knows: never one after its quarter."""
    ends = (text(part(facts, "data"), "last_day"), text(part(facts, "quarter"), "end"))
    return min(filter(None, ends), default="")


def _promise(facts: Facts) -> str:
    tiers = parts(facts, "tiers")
    if not tiers:
        return "No account could be tiered."
    first = first_shown(facts)
    name = text(first, "tier")
    amount, low, high = (number(first, key) for key in ("predicted_revenue", "low", "high"))
    if too_small(facts, first):
        size = plural(number(first, "accounts") or 0, "account")
        return f"What {name} should bring is not shown: it has only {size}."
    if amount is None:
        return f"What {name} should bring cannot be said: {why(first, 'predicted_revenue')}."
    spread = ""
    if low is not None and high is not None:
        spread = f" (80 % range {money_range(currency(facts), low, high)})"
    ahead = quarters_ahead(horizon(facts))
    return f"{name} should bring {money(currency(facts), amount)} in {ahead}{spread}."


def _ranking(facts: Facts) -> str:
    if text(part(facts, "model"), "kind") in RULES and _verdict_of(facts) != "no signal":
        return ""  # which rule ranks and why was said
    return {
        "no better than past revenue": "The model ranks accounts no better than past revenue does.",
        "no signal": (
            "No ranking of accounts, past revenue included, foretold revenue: take the tiers as a "
            "working list."
        ),
        "cannot be tested": "How well the ranking foretells revenue cannot be tested yet.",
    }.get(_verdict_of(facts), "")


def _verdict_of(facts: Facts) -> str:
    model = part(facts, "model")
    return text(part(model, "backtest"), "verdict") or text(model, "verdict")


def _effect(facts: Facts) -> str:
    boundaries = parts(facts, "roi", "boundaries")
    if not boundaries and len(parts(facts, "tiers")) == 1:
        return ""
    if not boundaries:
        return (
            "Whether tier treatment itself adds revenue cannot be told: no tier in force in the "
            "past is known."
        )
    first = boundaries[0]
    spoken = finding(first, part(facts, "roi", "together"))
    if verdict(first) != "cannot tell":
        return f"{spoken}."
    upper, _ = tier_pair(first)
    size = next(
        (number(tier, "accounts") for tier in parts(facts, "tiers") if text(tier, "tier") == upper),
        None,
    )
    seen = visible(first, accounts=size)
    later = [pair for pair in waits(first) if pair[1] > 0]
    soon = f"; {_bring(*later[0])}" if later else ""
    return f"{spoken}: {seen}{soon}." if seen else f"{spoken}."


def _bring(size: float, quarters: float) -> str:
    more = "quarter" if quarters == 1 else "quarters"
    return f"{number_word(quarters)} more {more} would bring that to {signed_share(size)}"


def heading(run: Run) -> Fragment:
    """Return a line that names project, quarter and how far the data reach."""
    return Fragment(
        str(
            tag(
                "p",
                f"{run.title} · {run.quarter.label} ({run.quarter.dates}) · nothing from "
                f"{spell_date(run.as_of)} on is known · data until "
                f"{spell_date(last_day(run.source))} · {run.currency}",
            )
        )
    )


def three_questions(facts: Facts) -> Fragment:
    """Return the three panels: each one number, one sentence, one small figure."""
    panels = joined(which_accounts(facts), how_much_effort(facts), how_much_revenue(facts))
    return section("questions", tag("h2", "Three questions"), tag("div", panels, class_="panels"))


_LAST_LINE = "The whole page: leadership.html"
_LONGEST_LINE, _MOST_IN_MAIL = 600, 3


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
    below = (_moved, swap_words, _promise) if parts(facts, "tiers") else ()
    said_below = {say(facts) for say in below}
    lead = [one for one in recommendation_sentences(facts) if one not in said_below]
    lines = [_cut(head, 200), "", _cut(" ".join(lead), _LONGEST_LINE)]
    room = MOST_SUMMARY_CHARACTERS - len(_LAST_LINE) - 3 - sum(len(line) + 1 for line in lines)
    for line in _rest(facts):
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join([*lines, "", _LAST_LINE]) + "\n"


def _rest(facts: Facts) -> Iterator[str]:
    yield ""
    for line in [draft_words(facts), *whole_sentences(facts)[:2], renewal_headline(facts)]:
        if line:
            yield _cut(line, 300)
    for place, one in enumerate(decisions(facts)[:_MOST_IN_MAIL], 1):
        start = "\nTo decide\n" if place == 1 else ""
        yield start + _cut(f"{place}. {one.what} {one.number} ({one.in_words(facts)})", 240)
    for place, tier in enumerate(parts(facts, "tiers")):
        start = "\n" if place == 0 else ""
        yield start + _cut(f"{tier_name(tier)}: {_tier(facts, tier)}", 160)
    yield _cut(ledger_sentence(facts).replace(" (diamond)", ""), 300)
    together = part(facts, "roi", "together")
    for boundary in parts(facts, "roi", "boundaries"):
        yield _cut(f"{text(boundary, 'boundary')}: {sentence(finding(boundary, together))}", 240)


def _tier(facts: Facts, tier: Facts) -> str:
    size = plural(number(tier, "accounts") or 0, "account")
    amount, low, high = (number(tier, key) for key in ("predicted_revenue", "low", "high"))
    if too_small(facts, tier):
        return f"{size}; its money is not shown"
    if amount is None:
        return f"{size}; not predicted: {why(tier, 'predicted_revenue')}"
    return f"{size}, {money_with_range(currency(facts), amount, low, high)} predicted"


def _cut(line: str, most: int) -> str:
    """Return text on one line without characters that mail cannot hold, cut with an ellipsis."""
    plain = on_one_line(line)
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"
