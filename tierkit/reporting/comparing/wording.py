"""The difference between two runs as plain text."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from tierkit.reporting.comparing.difference import RunDifference
from tierkit.reporting.fragment import printable
from tierkit.reporting.words import count, plural

MOST_LINES = 20


def difference_text(found: RunDifference) -> str:
    """Return what differs as text: one line a change, at most 20 a part.

    Examples
    --------
    >>> empty = pd.DataFrame(columns=["what", "before", "after"])
    >>> moved = pd.DataFrame(columns=["account_id", "from", "to"])
    >>> print(difference_text(RunDifference("2026Q2", "2026Q3", empty, empty, empty, empty, moved,
    ...                                     empty, accounts=3)))
    2026Q2 → 2026Q3
    Nothing differs: settings, data, tiers and verdicts are the same.
    """
    lines = [f"{found.before} → {found.after}"]
    if found.is_empty:
        lines.append("Nothing differs: settings, data, tiers and verdicts are the same.")
    else:
        lines += _part("Verdicts", _sides(found.verdicts))
        lines += _part("Settings", _sides(found.settings))
        lines += _part("Data", _sides(found.data))
        lines += _part("Tiers", _tiers(found))
        lines += _part("Accounts that moved", _moved(found.moved))
    return "\n".join(printable(line) for line in lines)


def moved_in_words(found: RunDifference) -> str:
    """Return how many accounts have another tier, as a sentence."""
    if found.moved.empty:
        return f"No account of {count(found.accounts)} has another tier."
    have = "has" if len(found.moved) == 1 else "have"
    return (
        f"{plural(len(found.moved), 'account')} {have} another tier; "
        f"{plural(found.accounts, 'account')} had one in both runs."
    )


def _part(title: str, lines: Iterator[str]) -> list[str]:
    shown = list(lines)
    if not shown:
        return [f"{title}: the same"]
    rest = len(shown) - MOST_LINES
    more = [f"  … and {count(rest)} more"] if rest > 0 else []
    return [title, *(f"  {line}" for line in shown[:MOST_LINES]), *more]


def _sides(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        yield f"{row['what']}: {row['before']} → {row['after']}"


def _tiers(found: RunDifference) -> Iterator[str]:
    for row in found.tiers.to_dict("records"):
        if row["before"] != row["after"]:
            yield f"{row['tier']}: {row['before']} → {row['after']}"
    if not found.moved.empty:
        yield moved_in_words(found)
    for row in found.flows.to_dict("records"):
        yield f"{row['from']} → {row['to']}: {plural(row['accounts'], 'account')}"


def _moved(moved: pd.DataFrame) -> Iterator[str]:
    for row in moved.to_dict("records"):
        reason = row.get("move_reason")
        because = f" ({reason})" if isinstance(reason, str) and reason else ""
        yield f"{row['account_id']}: {row['from']} → {row['to']}{because}"
