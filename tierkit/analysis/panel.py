"""The criteria of a panel: what each one is, how much of it is known, what was left out."""

from __future__ import annotations

import pandas as pd

from tierkit.features.panel import Panel
from tierkit.features.registry import describe
from tierkit.reporting.fragment import Fragment, tag
from tierkit.reporting.tables import html_table


def criteria_table(panel: Panel) -> Fragment:
    """Return one row per column of the panel: its meaning, and how often it is known."""
    names = [*panel.criteria, *panel.effort]
    values = panel.values  # noqa: PD011 (a panel, not a data frame)
    known = values[names].notna().mean()
    frame = pd.DataFrame(
        {
            "column": names,
            "meaning": [_meaning(name) for name in names],
            "use": ["our effort" if n in panel.effort else "criterion" for n in names],
            "values": ["today's" if name in panel.undated else "dated" for name in names],
            "known": [float(known[name]) for name in names],
        }
    )
    rows = len(values)
    dates = values.index.get_level_values("as_of").nunique()
    caption = f"{len(names)} columns of {rows:,} rows: one per account and each of {dates} dates"
    return html_table(frame, caption=caption, kinds={"known": "share"}, name="criteria")


def left_out_table(panel: Panel) -> Fragment:
    """Return the features that could not be built, and why."""
    if not panel.left_out:
        return Fragment(str(tag("p", "Every feature could be built from these data.")))
    frame = pd.DataFrame({"feature": list(panel.left_out), "why": list(panel.left_out.values())})
    caption = f"{len(frame)} features could not be built from these data"
    return html_table(frame, caption=caption, kinds={}, name="features_left_out")


def _meaning(name: str) -> str:
    try:
        return describe(name).split("\n\n", 1)[0].strip()
    except StopIteration:
        return "a column of accounts that the settings name"
