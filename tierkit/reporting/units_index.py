"""The page over the units of `tierkit run --each`: each unit, their totals, and the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from tierkit.reporting.document import document
from tierkit.reporting.fragment import joined, tag
from tierkit.reporting.leadership.reading import number, part, parts, text
from tierkit.reporting.scrub import Json
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural

INDEX, TOTALS = "index.html", "units.json"
_ELSEWHERE = "in no unit that was run"


@dataclass(frozen=True)
class UnitRow:
    """One unit, the rest, or the whole.

    Attributes
    ----------
    folder
        Of its report, relative to the index; empty where there is none.
    accounts, used_won_revenue
        Of its rows, exact.
    exit_code, said
        How its run ended, and its last words.
    facts
        Of its report; empty where its run failed.
    """

    name: str
    folder: str
    accounts: int
    used_won_revenue: Decimal
    exit_code: int = 0
    said: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)

    @property
    def predicted(self) -> float | None:
        """Predicted revenue of all its tiers; None where its run failed."""
        known = [number(tier, "predicted_revenue") for tier in parts(self.facts, "tiers")]
        return sum(value for value in known if value is not None) if known else None


def rest(rows: Sequence[UnitRow], whole: UnitRow) -> UnitRow:
    """Return what is in no unit, so that units and rest add up to the whole, to the cent.

    Examples
    --------
    >>> rest([UnitRow("EMEA", "", 3, Decimal("10.10"))], UnitRow("all", "", 5, Decimal("12.00")))
    UnitRow(name='in no unit that was run', folder='', accounts=2, \
used_won_revenue=Decimal('1.90'), exit_code=0, said='', facts={})
    """
    accounts = whole.accounts - sum(row.accounts for row in rows)
    used = whole.used_won_revenue - sum((row.used_won_revenue for row in rows), Decimal(0))
    return UnitRow(_ELSEWHERE, "", accounts, used)


def write_units_index(
    folder: Path,
    *,
    rows: Sequence[UnitRow],
    whole: UnitRow,
    title: str,
    currency: str,
) -> Path:
    """Write the page over the units and `units.json` with the same numbers; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    every = [*rows, rest(rows, whole), whole]
    failed = [row for row in rows if row.exit_code]
    state = (
        f"{plural(len(failed), 'unit')} of {len(rows)} failed; the others were published."
        if failed
        else f"All {plural(len(rows), 'unit')} were published."
    )
    body = joined(
        tag("h1", title),
        tag("p", state),
        _table(every, currency),
        *(tag("p", f"{row.name}: failed with exit code {row.exit_code}. {row.said}")
          for row in failed),
    )  # fmt: skip
    _replace(folder / INDEX, document(body, title=title))
    content = {"title": title, "units": [_plain(row) for row in every]}
    _replace(folder / TOTALS, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return folder / INDEX


def _table(rows: Sequence[UnitRow], currency: str) -> Markup:
    frame = pd.DataFrame(
        {
            "unit": pd.Series([_link(row) for row in rows], dtype="object"),  # keeps its links
            "accounts": [row.accounts for row in rows],
            "won_revenue_used": [float(row.used_won_revenue) for row in rows],
            "predicted_revenue": [row.predicted for row in rows],
            "decision": [text(part(row.facts, "decision"), "action") or None for row in rows],
        }
    )
    money = f"money {currency}".strip()
    kinds = {"accounts": "count", "won_revenue_used": money, "predicted_revenue": money}
    table = html_table(frame, caption="Units, the rest, and the whole", kinds=kinds, name="units")
    return Markup(table.html)


def _link(row: UnitRow) -> object:
    return tag("a", row.name, href=f"{row.folder}/leadership.html") if row.folder else row.name


def _plain(row: UnitRow) -> dict[str, Json]:
    predicted = row.predicted
    return {
        "unit": row.name,
        "accounts": row.accounts,
        "used_won_revenue": f"{row.used_won_revenue:.2f}",
        "predicted_revenue": predicted,
        **({} if predicted is not None else {"predicted_revenue_why": row.said or "not a run"}),
        "exit_code": row.exit_code,
    }


def _replace(path: Path, content: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)
