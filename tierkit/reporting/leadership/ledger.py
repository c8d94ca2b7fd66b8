"""Promised and delivered: what came of earlier predictions whose window is over."""

from __future__ import annotations

import math

import pandas as pd

from tierkit.reporting.leadership.reading import (
    Facts,
    currency,
    number,
    part,
    parts,
    text,
    too_small,
)
from tierkit.reporting.words import count, day, money, number_word, plural, quarter_name, share

NEXT_QUARTER = "next quarter"
WANTED = 0.8

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


def kept_sentence(facts: Facts) -> str:
    """Return how many promises were kept, of all that are due, in one sentence.

    Examples
    --------
    >>> kept_sentence({})
    'nothing was promised before this run.'
    """
    (inside, due), waiting = ledger_score(facts), parts(facts, "ledger")
    if not waiting:
        return "nothing was promised before this run."
    if not due:
        return "no earlier promise is due yet."
    wanted = number(part(facts, "track_record"), "share_wanted") or WANTED
    promises, its = plural(due, "earlier promise"), "its" if due == 1 else "their"
    return f"{count(inside)} of {promises} came in within {its} range; {share(wanted)} should."


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
    kept = f" All in all {count(inside)} of {count(due)} did, over {number_word(quarters)} quarters"
    if record.get("is_track_record") is True:
        wanted = number(record, "share_wanted") or WANTED
        return f"{kept}; {share(wanted)} should."
    return f"{kept}; four make a track record."


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
