"""Raw outcomes by tier: what accounts of each tier won, and what a mean hides."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.reporting.figures import figure
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.leadership.panels import row_picture
from tierkit.reporting.leadership.reading import (
    Facts,
    currency,
    number,
    parts,
    text,
    too_small,
    why,
)
from tierkit.reporting.words import money, money_range, money_with_range, plural, share

MEASURE = "won_revenue"
_WIDE, _NARROW = 440.0, 350.0
_COLUMNS = ["tier", "label", "text", "shade", "estimate", "low", "high"]


def raw_outcomes(facts: Facts) -> list[Fragment]:
    """Return a figure of won revenue by tier, in grey, and what its means hide."""
    table = outcome_table(facts)
    if table["estimate"].isna().all():
        return []
    wide, narrow = (row_picture(charts.range_rows, table, width=w) for w in (_WIDE, _NARROW))
    drawn = figure(wide, name="outcomes", finding=_finding(facts, table), narrow=narrow)
    return [Fragment(str(tag("div", joined(drawn, _beside(facts)), class_="pair")))]


def outcome_table(facts: Facts) -> pd.DataFrame:
    """Return one row a tier: its mean won revenue an account and quarter with its range.

    A tier that is too small to be shown, or whose mean is not known, has the reason as `text`.
    """
    entries = [entry for entry in parts(facts, "roi", "outcomes") if _is_measure(entry)]
    rows = [_row(facts, entry) for entry in entries]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _is_measure(entry: Facts) -> bool:
    return text(entry, "measure") == MEASURE


def _row(facts: Facts, entry: Facts) -> dict[str, object]:
    mean, low, high = (number(entry, key) for key in ("mean", "low", "high"))
    hidden = too_small(facts, entry)
    if hidden or mean is None:
        mean, low, high = None, None, None
    known = dict(zip(("estimate", "low", "high"), (mean, low, high), strict=True))
    spoken = hidden or why(entry, "mean")
    if mean is not None:
        spoken = money_with_range(currency(facts), mean, low, high)
    size = number(entry, "accounts")
    label = text(entry, "tier") + (f", {plural(size, 'account')}" if size is not None else "")
    row = {"tier": text(entry, "tier"), "label": label, "text": spoken, "shade": "grey"}
    return row | {key: math.nan if value is None else value for key, value in known.items()}


def _finding(facts: Facts, table: pd.DataFrame) -> str:
    known = table.dropna(subset="estimate").sort_values("estimate", ascending=False, kind="stable")
    first = known.iloc[0]
    if first["estimate"] <= 0:
        return "No tier's accounts won anything."
    won = f"{money(currency(facts), first['estimate'])} an account and quarter"
    most = "won most," if len(known) > 1 else "won"
    return f"{first['tier']} accounts {most} {won}, before adjusting for who was picked."


def _beside(facts: Facts) -> Markup:
    """Return the median and the largest deal, tier by tier."""
    lines = [
        tag("p", f"{text(entry, 'tier')}: {spoken}.", class_="small")
        for entry in parts(facts, "roi", "outcomes")
        if _is_measure(entry) and not too_small(facts, entry) and (spoken := _spread(facts, entry))
    ]
    head = tag("p", "What a mean hides", class_="aside") if lines else ""
    return tag("div", joined(head, *lines), class_="beside")


def _spread(facts: Facts, entry: Facts) -> str:
    median, largest = number(entry, "median"), number(entry, "largest_deal_share")
    half = deal = ""
    if median is not None:
        won = "nothing" if median <= 0 else f"{money(currency(facts), median)} or less"
        half = f"half of its account-quarters won {won}"
    if largest is not None:
        deal = f"the largest deal is {share(largest)} of its revenue{_without(facts, entry)}"
    return "; ".join(filter(None, [half, deal]))


def _without(facts: Facts, entry: Facts) -> str:
    """Return the range of the mean without the largest deal, empty where it is not known."""
    low, high = (number(entry, f"{end}_without_largest") for end in ("low", "high"))
    if low is None or high is None:
        return ""
    return f" (without it {money_range(currency(facts), low, high)} an account and quarter)"
