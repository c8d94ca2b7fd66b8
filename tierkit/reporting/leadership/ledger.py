"""Promised and delivered: what came of earlier predictions whose window is over."""

from __future__ import annotations

import math

import pandas as pd

from tierkit.reporting.leadership.reading import Facts, currency, number, parts, text, too_small
from tierkit.reporting.words import day, money, plural

_COLUMNS = ("predicted", "low", "high", "delivered")


def matured(facts: Facts) -> pd.DataFrame:
    """Return the latest promise whose window is over, one row a tier; empty where there is none."""
    due = [entry for entry in parts(facts, "ledger") if _due(facts, entry)]
    latest = max((text(entry, "promised_on") for entry in due), default="")
    rows = [_row(facts, entry) for entry in due if text(entry, "promised_on") == latest]
    return pd.DataFrame(rows, columns=["label", "text", *_COLUMNS])


def ledger_sentence(facts: Facts) -> str:
    """Return what earlier promises came to, as a sentence."""
    entries = parts(facts, "ledger")
    due = [entry for entry in entries if _due(facts, entry)]
    if not entries:
        return "Earlier promises: none yet. This run's are checked here once their window is over."
    if not due:
        return "Earlier promises: none is due yet. Each is checked here once its window is over."
    latest = max(text(entry, "promised_on") for entry in due)
    rows = [entry for entry in due if text(entry, "promised_on") == latest]
    inside = sum(_inside(entry) for entry in rows)
    tiers = plural(len(rows), "tier")
    return f"Promised on {day(latest)}: {inside} of {tiers} came in (diamond) within the range."


def ledger_score(facts: Facts) -> tuple[int, int]:
    """Return how many due promises came in within their range, and how many are due."""
    due = [entry for entry in parts(facts, "ledger") if _due(facts, entry)]
    return sum(_inside(entry) for entry in due), len(due)


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
