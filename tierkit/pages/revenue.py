"""Predicted revenue and pipeline by tier, with ranges, and what came of earlier promises."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.pages.facts import (
    UNKNOWN,
    Facts,
    currency,
    first_shown,
    horizon,
    next_quarter,
    number,
    panel,
    part,
    parts,
    row_figure,
    text,
    tier_name,
    too_small,
    why,
)
from tierkit.rendering import Fragment, html_table, section, tag
from tierkit.table import Column, Columns, Table
from tierkit.words import (
    count,
    day,
    enumerated,
    money,
    money_range,
    money_with_range,
    number_word,
    plural,
    quarter_name,
    quarters_ahead,
    sentence,
    share,
    signed_share,
)

NEXT_QUARTER = "next quarter"
WANTED = 0.8
MOST_PROMISES = 7
_TOO_WIDE = 4.0

_COLUMNS = ("predicted", "low", "high", "delivered")


def matured(facts: Facts) -> pd.DataFrame:
    """Return the latest promise whose window is over, one row a tier; empty where there is none."""
    rows = [_row(facts, entry) for entry in _latest(facts)]
    return pd.DataFrame(rows, columns=["label", "text", *_COLUMNS])


def ledger_sentence(facts: Facts) -> str:
    """Return what earlier promises came to, in a sentence or two."""
    rows = _latest(facts)
    if not parts(facts, "ledger"):
        return "Earlier promises: none yet. This run's are checked here once their window is over."
    if not rows:
        return "Earlier promises: none is due yet. Each is checked here once its window is over."
    inside, tiers = sum(_inside(entry) for entry in rows), plural(len(rows), "tier")
    when = _promised(rows[0])
    return f"{when}: {inside} of {tiers} came in (diamond) within the range.{_record(facts)}"


def promise_sentence(facts: Facts) -> str:
    """Return how many promises came in, and how far off the newest ones were, in a sentence or two.

    Ranges that reach further than four times from end to end are no achievement: they are counted.

    Examples
    --------
    >>> promise_sentence({})
    'nothing was promised before this run.'
    """
    (inside, due), waiting = ledger_score(facts), parts(facts, "ledger")
    if not waiting:
        return "nothing was promised before this run."
    if not due:
        return "no earlier promise is due yet."
    wanted = number(part(facts, "track_record"), "share_wanted") or WANTED
    promises, its = plural(due, "earlier promise"), "its" if due == 1 else "their"
    wide = sum(map(_is_wide, (entry for entry in waiting if _due(facts, entry))))
    too_wide = f", though {count(wide)} of the ranges were too wide to be wrong" if wide else ""
    said = f"{count(inside)} of {promises} came in within {its} range; {share(wanted)} should"
    return f"{said}{_over_many(facts)}{too_wide}.{_furthest(facts)}"


def _over_many(facts: Facts) -> str:
    """Return that few quarters are no record; empty where there are enough, or nobody counted."""
    record = part(facts, "track_record")
    quarters = number(record, "quarters")
    if quarters is None or record.get("is_track_record") is True:
        return ""
    return f" over many quarters, and {number_word(quarters)} {_IS[quarters == 1]} due"


_IS = {True: "is", False: "are"}


def _is_wide(entry: Facts) -> bool:
    low, high = number(entry, "low"), number(entry, "high")
    return low is not None and high is not None and high > _TOO_WIDE * max(low, 0.0)


def _furthest(facts: Facts) -> str:
    """Return what came of the newest promise that is due, and of the tier furthest from it."""
    rows = _latest(facts)
    pairs = [
        (text(entry, "tier"), number(entry, "predicted") or 0.0, number(entry, "delivered") or 0.0)
        for entry in rows
    ]
    promised, came = math.fsum(row[1] for row in pairs), math.fsum(row[2] for row in pairs)
    if promised <= 0:
        return ""
    code = currency(facts)
    said = (
        f" The newest: {money(code, came)} of {money(code, promised)} promised "
        f"({signed_share(came / promised - 1)})"
    )
    tier, own, brought = max(pairs, key=lambda pair: abs(_logged(pair[2], pair[1])))
    far = f"; {tier} {money(code, brought)} of {money(code, own)}" if len(pairs) > 1 else ""
    return f"{said}{far}."


def _logged(came: float, promised: float) -> float:
    return math.log(max(came, 1.0) / max(promised, 1.0))


def promised_and_delivered(facts: Facts) -> Fragment:
    """Return the promises that are due, by quarter and tier, with what came of each."""
    due = [entry for entry in parts(facts, "ledger") if _due(facts, entry)]
    title = tag("h2", "Promised and delivered")
    if not due:
        return section("promises", title, tag("p", sentence(promise_sentence(facts))))
    names = list(dict.fromkeys(text(entry, "tier") for entry in due))
    keys = list(dict.fromkeys((text(e, "promised_on"), text(e, "window")) for e in due))
    rows = [
        {"promised_after": quarter_name(on), "for": window}
        | {text(e, "tier"): _kept(facts, e) for e in due
           if (text(e, "promised_on"), text(e, "window")) == (on, window)}
        for on, window in sorted(keys, reverse=True)
    ]  # fmt: skip
    columns: Columns = ["promised_after", "for", *Column.each("spoken", *names)]
    caption = "Delivered of promised; ✓ is inside the promised range, ▲ above it, ▼ below it"
    table = Table("promises", caption, columns, rows, most=MOST_PROMISES,
                  of="promises that are due, the newest first")  # fmt: skip
    return section(
        "promises", title, tag("p", sentence(promise_sentence(facts))), html_table(table)
    )


def _kept(facts: Facts, entry: Facts) -> str:
    promised, came = number(entry, "predicted") or 0.0, number(entry, "delivered") or 0.0
    low, high = number(entry, "low"), number(entry, "high")
    mark = ""
    if low is not None and high is not None:
        mark = "✓ " if low <= came <= high else "▲ " if came > high else "▼ "
    return f"{mark}{money(currency(facts), came)} of {money(currency(facts), promised)}"


def _latest(facts: Facts) -> list[Facts]:
    """Return the promises of the newest report that are due; the horizon's before a quarter's."""
    due = [entry for entry in parts(facts, "ledger") if _due(facts, entry)]
    newest = max((text(entry, "promised_on") for entry in due), default="")
    rows = [entry for entry in due if text(entry, "promised_on") == newest]
    whole = [entry for entry in rows if text(entry, "span") != NEXT_QUARTER]
    return whole or rows


def _promised(entry: Facts) -> str:
    on, window = day(quarter_name(text(entry, "promised_on"))), text(entry, "window")
    spans = f" for {window}" if window else ""
    return f"Promised after {on}{spans}" if "Q" in on else f"Promised on {on}{spans}"


def _record(facts: Facts) -> str:
    """Return the track record in a sentence; empty while only one quarter is due."""
    record = part(facts, "track_record")
    quarters, (inside, due) = number(record, "quarters"), ledger_score(facts)
    if quarters is None or not due or quarters < 2:
        return ""
    score = (
        f" All in all {count(inside)} of {count(due)} did, over {number_word(quarters)} quarters"
    )
    if record.get("is_track_record") is True:
        wanted = number(record, "share_wanted") or WANTED
        return f"{score}; {share(wanted)} should."
    return f"{score}; four make a track record."


def ledger_score(facts: Facts) -> tuple[int, int]:
    """Return how many due promises came in within their range, and how many with one are due.

    Tiers that are too small to be shown are not among them.
    """
    due = [entry for entry in parts(facts, "ledger") if _due(facts, entry)]
    ranged = [e for e in due if None not in (number(e, "low"), number(e, "high"))]
    return sum(map(_inside, ranged)), len(ranged)


def _due(facts: Facts, entry: Facts) -> bool:
    known = all(number(entry, key) is not None for key in ("predicted", "delivered"))
    return entry.get("mature") is True and known and not too_small(facts, entry)


def _inside(entry: Facts) -> bool:
    low, high, delivered = (number(entry, key) for key in ("low", "high", "delivered"))
    if low is None or high is None or delivered is None:
        return False
    return low <= delivered <= high


def _row(facts: Facts, entry: Facts) -> dict[str, object]:
    values = {key: number(entry, key) for key in _COLUMNS}
    spoken = [money(currency(facts), values[key] or 0.0) for key in ("delivered", "predicted")]
    row: dict[str, object] = {"label": text(entry, "tier"), "text": " of ".join(spoken)}
    return row | {key: math.nan if value is None else value for key, value in values.items()}


_PIPELINE_NEEDS = "it needs the date on which each deal was created"


def how_much_revenue(facts: Facts) -> Markup:
    """Return the panel on predicted revenue and pipeline by tier, and on earlier promises."""
    table, due = revenue_table(facts), matured(facts)
    body: list[Markup | Fragment] = []
    if table["estimate"].notna().any():
        finding = revenue_finding(table)
        body.append(row_figure(charts.range_rows, table, name="predicted-revenue", finding=finding))
    spoken = [_next_quarter(facts), _whole(facts), _pipeline(facts)]
    body.append(tag("p", " ".join(filter(None, spoken)), class_="small"))
    promises = ledger_sentence(facts)
    if len(due):
        body.append(row_figure(charts.ledger_ranges, due, name="ledger", finding=promises))
    else:
        body.append(tag("p", promises, class_="small"))
    return panel("How much revenue and pipeline?", *_number(facts), _sentence(facts), *body)


def revenue_table(facts: Facts) -> pd.DataFrame:
    """Return one row a tier: predicted revenue with its range; missing where it cannot be shown."""
    rows: list[dict[str, object]] = [
        {"label": text(tier, "tier"), "text": _spoken(facts, tier)} | _values(facts, tier)
        for tier in parts(facts, "tiers")
    ]
    table = pd.DataFrame(rows, columns=["label", "text", "estimate", "low", "high"])
    return table.assign(shade="tier")


def _values(facts: Facts, tier: Facts) -> dict[str, object]:
    keys = {"estimate": "predicted_revenue", "low": "low", "high": "high"}
    hidden = bool(too_small(facts, tier))
    known = {name: None if hidden else number(tier, key) for name, key in keys.items()}
    return {name: math.nan if value is None else value for name, value in known.items()}


def _spoken(facts: Facts, tier: Facts) -> str:
    amount, low, high = (number(tier, key) for key in ("predicted_revenue", "low", "high"))
    if too_small(facts, tier):
        return "too few to show"
    return "not known" if amount is None else money_with_range(currency(facts), amount, low, high)


def _number(facts: Facts) -> tuple[str, str]:
    first = first_shown(facts)
    amount = number(first, "predicted_revenue")
    if amount is None or too_small(facts, first):
        return UNKNOWN, "not shown"
    return money(currency(facts), amount), f"predicted for {text(first, 'tier')}"


def _sentence(facts: Facts) -> str:
    first = first_shown(facts)
    if not first:
        return "No account could be tiered."
    amount, low, high = (number(first, key) for key in ("predicted_revenue", "low", "high"))
    if too_small(facts, first):
        return f"{too_small(facts, first)}."
    if amount is None:
        return f"Not computed: {why(first, 'predicted_revenue')}."
    size, ahead = plural(number(first, "accounts") or 0, "account"), quarters_ahead(horizon(facts))
    start = f"From {size} of {tier_name(first)} in {ahead}"
    if low is None or high is None:
        return f"{start}; its range is not known: {why(first, 'low')}."
    return f"{start}, with an 80 % range of {money_range(currency(facts), low, high)}."


def revenue_finding(table: pd.DataFrame) -> str:
    """Return which tier should bring most; `table` has an estimate."""
    known = table.dropna(subset="estimate").reset_index(drop=True)
    most = known.iloc[int(known["estimate"].to_numpy().argmax())]
    if most["estimate"] <= 0:
        return "No tier is predicted to bring revenue."
    if len(known) == 1:
        return f"{most['label']} should bring {most['text'].partition(' (')[0]}."
    return f"{most['label']} should bring most: {most['text'].partition(' (')[0]}."


def _next_quarter(facts: Facts) -> str:
    """Return what the next quarter alone should bring, by tier; empty where it is the horizon."""
    if horizon(facts) == 1:
        return ""
    spoken = []
    for tier in parts(facts, "tiers"):
        coming = part(tier, "next_quarter")
        amount, low, high = (number(coming, key) for key in ("predicted_revenue", "low", "high"))
        if amount is not None and not too_small(facts, tier):
            money_ = money_with_range(currency(facts), amount, low, high)
            spoken.append(f"{text(tier, 'tier')} {money_}")
    return f"Of which in {next_quarter(facts)}: {enumerated(spoken)}." if spoken else ""


def _whole(facts: Facts) -> str:
    """Return what all known accounts should bring next quarter, beside the same one last year."""
    forecast = part(facts, "forecast")
    soon = next(iter(parts(forecast, "quarters")), {})
    amounts = [number(soon, key) for key in ("predicted", "low", "high", "same_quarter_last_year")]
    amount, low, high, before = amounts
    if amount is None:
        return ""
    money_ = money_with_range(currency(facts), amount, low, high)
    range_ = "" if low is not None else f"; no range, since {why(soon, 'low')}"
    last = "" if before is None else (
        f"; in the same quarter last year all accounts won {money(currency(facts), before)}"
    )  # fmt: skip
    return f"All known accounts together in {next_quarter(facts)}: {money_}{range_}{last}."


def _pipeline(facts: Facts) -> str:
    tiers = parts(facts, "tiers")
    amounts = [(tier, number(tier, "predicted_pipeline")) for tier in tiers]
    spoken = [
        f"{text(tier, 'tier')} {money(currency(facts), amount)}"
        for tier, amount in amounts
        if amount is not None and not too_small(facts, tier)
    ]
    if spoken:
        return f"Predicted pipeline: {enumerated(spoken)}."
    reason = why(tiers[0], "predicted_pipeline", otherwise=_PIPELINE_NEEDS) if tiers else ""
    return f"Pipeline is not predicted: {reason}." if reason else ""
