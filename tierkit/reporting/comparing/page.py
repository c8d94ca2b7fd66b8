"""The difference between two runs as a page for analysts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from tierkit.reporting.comparing.difference import RunDifference
from tierkit.reporting.comparing.wording import moved_in_words
from tierkit.reporting.document import document
from tierkit.reporting.fragment import joined, tag
from tierkit.reporting.tables import html_table

MOST_ROWS = 200


def difference_page(found: RunDifference) -> str:
    """Return what differs as one self-contained page; it names accounts."""
    title = f"What changed from {found.before} to {found.after}"
    body = joined(
        tag("h1", title),
        tag("p", moved_in_words(found)),
        _part("Verdicts", found.verdicts, "verdicts"),
        _part("Settings", found.settings, "settings"),
        _part("Data", found.data, "data"),
        _part("Tiers", found.tiers, "tiers"),
        _part("Flows between tiers", found.flows, "flows", {"accounts": "count"}),
        _part("Accounts that moved", _as_text(found.moved), "moved",
              {"predicted_revenue": "money", "rank": "count"}),
    )  # fmt: skip
    return document(body, title=title)


def _part(
    title: str, table: pd.DataFrame, name: str, kinds: Mapping[str, str] | None = None
) -> Markup:
    heading = tag("h2", title)
    if table.empty:
        return joined(heading, tag("p", "The same in both runs."))
    shown = html_table(
        table.head(MOST_ROWS),
        caption=f"{title}: what differs",
        kinds=kinds or {},
        name=name,
        total=len(table),
        of="rows; all of them are in the two tiers.csv" if name == "moved" else "rows",
    )
    return joined(heading, shown)


def _as_text(moved: pd.DataFrame) -> pd.DataFrame:
    if "move_reason" not in moved:
        return moved
    return moved.assign(move_reason=moved["move_reason"].where(moved["move_reason"].notna(), ""))
