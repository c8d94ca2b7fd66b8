"""How much revenue and pipeline? By tier with range, and what earlier promises came to."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.reporting.fragment import Fragment, tag
from tierkit.reporting.leadership.ledger import ledger_sentence, matured
from tierkit.reporting.leadership.panels import UNKNOWN, panel, row_figure
from tierkit.reporting.leadership.reading import (
    Facts,
    currency,
    first_shown,
    horizon,
    number,
    part,
    parts,
    text,
    tier_name,
    too_small,
    why,
)
from tierkit.reporting.words import (
    enumerated,
    money,
    money_range,
    money_with_range,
    plural,
    quarters_ahead,
)

_PIPELINE_NEEDS = "it needs the date on which each deal was created"


def how_much_revenue(facts: Facts) -> Markup:
    """Return the panel on predicted revenue and pipeline by tier, and on earlier promises."""
    table, due = revenue_table(facts), matured(facts)
    body: list[Markup | Fragment] = []
    if table["estimate"].notna().any():
        finding = revenue_finding(table)
        body.append(row_figure(charts.range_rows, table, name="predicted-revenue", finding=finding))
    body.append(tag("p", f"{_next_quarter(facts)} {_pipeline(facts)}".strip(), class_="small"))
    spoken = ledger_sentence(facts)
    if len(due):
        body.append(row_figure(charts.ledger_ranges, due, name="ledger", finding=spoken))
    else:
        body.append(tag("p", spoken, class_="small"))
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
    return f"Of it in the next quarter: {enumerated(spoken)}." if spoken else ""


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
