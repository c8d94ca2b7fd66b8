"""`reports/index.html`: the quarters that were published, with their headline numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tierkit.reporting import words
from tierkit.reporting.render import environment, style_sheet
from tierkit.reporting.scrub import Json

INDEX = "index.html"


def write_index(reports: Path, *, title: str) -> Path:
    """Write the list of published quarters, the newest first, and return its path.

    A folder without readable facts is left out: it is no report.
    """
    rows = index_rows(reports)
    page = environment().get_template("analyst_index.html.j2")
    path = reports / INDEX
    draft = path.with_suffix(".new")
    draft.write_text(
        page.render(title=title, rows=rows, style=style_sheet("analyst.css")), encoding="utf-8"
    )
    draft.replace(path)
    return path


def index_rows(reports: Path) -> list[dict[str, str]]:
    """Return one row per published quarter, in words, the newest first."""
    found = [(path.parent.name, _facts(path)) for path in sorted(reports.glob("*/facts.json"))]
    return [_row(name, facts) for name, facts in reversed(found) if facts]


def _facts(path: Path) -> Mapping[str, Json] | None:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("quarter"), dict) else None


def _row(folder: str, facts: Mapping[str, Json]) -> dict[str, str]:
    tiers: Sequence[Mapping[str, Json]] = facts.get("tiers") or [{}]
    quarter, top = facts["quarter"], tiers[0]
    moves: Mapping[str, Json] = facts.get("moves") or {}
    moved: list[Json] = [moves.get("up"), moves.get("down")]
    revenue: Json = top.get("predicted_revenue")
    currency = str(facts.get("currency", ""))
    return {
        "folder": folder,
        "quarter": f"{words.quarter_name(folder)} ({_days(quarter)})",
        "decision": str((facts.get("decision") or {}).get("action", "")),
        "verdict": str((facts.get("model") or {}).get("verdict", "")),
        "tier": str(top.get("tier", "")),
        "accounts": _count(top.get("accounts")),
        "predicted": words.money(currency, revenue) if words.is_number(revenue) else "–",
        "moves": _count(sum(moved)) if all(map(words.is_number, moved)) else "–",
    }


def _days(quarter: Mapping[str, Json]) -> str:
    return words.day_range(quarter.get("start", ""), quarter.get("end", ""))


def _count(value: Json) -> str:
    return words.count(value) if words.is_number(value) else "–"
