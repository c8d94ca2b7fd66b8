"""`reports/index.html`: the quarters that were published, their headline numbers over time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tierkit.reporting import words
from tierkit.reporting.leadership.ledger import ledger_score
from tierkit.reporting.leadership.reading import number, part, parts, text, too_small
from tierkit.reporting.multiples import small_multiples
from tierkit.reporting.render import environment, style_sheet
from tierkit.reporting.scrub import Json

INDEX = "index.html"
Facts = Mapping[str, Json]


def write_index(reports: Path, *, title: str) -> Path:
    """Write the list of published quarters, the newest first, and return its path.

    A folder without readable facts is left out: it is no report.
    """
    found = published_facts(reports)
    page = environment().get_template("analyst_index.html.j2")
    path = reports / INDEX
    draft = path.with_suffix(".new")
    draft.write_text(
        page.render(
            title=title,
            rows=index_rows(reports),
            figures=small_multiples([facts for _, facts in found]),
            style=style_sheet("analyst.css"),
        ),
        encoding="utf-8",
    )
    draft.replace(path)
    return path


def published_facts(reports: Path) -> list[tuple[str, Facts]]:
    """Return the folder and the facts of every published quarter, the oldest first."""
    paths = sorted(reports.glob("*/facts.json"))
    found = [(path.parent.name, _facts(path)) for path in paths]
    known = [(name, facts) for name, facts in found if facts]
    return sorted(known, key=lambda entry: text(part(entry[1], "quarter"), "as_of") or entry[0])


def index_rows(reports: Path) -> list[dict[str, str]]:
    """Return one row per published quarter, in words, the newest first."""
    return [_row(name, facts) for name, facts in reversed(published_facts(reports))]


def _facts(path: Path) -> Facts | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("quarter"), dict) else None


def _row(folder: str, facts: Facts) -> dict[str, str]:
    top = next(iter(parts(facts, "tiers")), {})
    moved = [number(part(facts, "moves"), side) for side in ("up", "down")]
    inside, due = ledger_score(facts)
    known = [value for value in moved if value is not None]
    return {
        "folder": folder,
        "quarter": f"{words.quarter_name(folder)} ({_days(part(facts, 'quarter'))})",
        "decision": text(part(facts, "decision"), "action"),
        "verdict": text(part(facts, "model"), "verdict"),
        "tier": text(top, "tier"),
        "accounts": _count(number(top, "accounts")),
        "predicted": _money(facts, top),
        "moves": _count(sum(known)) if len(known) == len(moved) else "–",
        "kept": f"{words.count(inside)} of {words.count(due)}" if due else "none due",
    }


def _money(facts: Facts, tier: Facts) -> str:
    amount = number(tier, "predicted_revenue")
    if too_small(facts, tier):
        return "too few to show"
    return "–" if amount is None else words.money(text(facts, "currency"), amount)


def _days(quarter: Facts) -> str:
    return words.day_range(quarter.get("start", ""), quarter.get("end", ""))


def _count(value: float | None) -> str:
    return words.count(value) if value is not None else "–"
