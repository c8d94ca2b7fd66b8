"""Weight of the criteria, wins and pipeline beside revenue, and what edits of the card cost."""

from __future__ import annotations

import pandas as pd

from tierkit._backtest import ModelChoice
from tierkit.features import Panel, describe_feature
from tierkit.models import Favourites
from tierkit.rendering import Fragment, html_table, joined, tag
from tierkit.runs import Run, edit_facts
from tierkit.table import Column, Columns, Table
from tierkit.words import plural, signed_share

_MEASURES = {
    "won": "accounts that win anything",
    "wins": "won deals",
    "pipeline": "pipeline created",
}


def favourites_table(weighed: Favourites) -> Fragment:
    """Return what criteria are worth with the others held equal, and how steadily."""
    rows = weighed.factors
    if rows.empty:
        return Fragment(str(tag("p", weighed.why or "No numeric criterion can be compared.")))
    steady = zip(rows["same_direction"], rows["dates"], strict=True)
    frame = rows.assign(same_direction=[f"{same} of {dates}" for same, dates in steady])
    frame = frame.rename(columns={"lowest": "lowest_of_one", "highest": "highest_of_one"})
    columns: Columns = ["criterion", *Column.each("spoken", "from", "to"),
               *Column.each("number", "factor", "low", "high"), "same_direction",
               *Column.each("number", "lowest_of_one", "highest_of_one")]  # fmt: skip
    caption = (
        "Won revenue of typical high accounts (to) over typical low ones (from), the other rows "
        f"held equal; 95 % intervals, {plural(int(rows['accounts'].iloc[0]), 'account')}; and the "
        "same at single quarter-ends"
    )
    return html_table(Table("favourites", caption, columns, frame))


def segments_table(weighed: Favourites) -> Fragment:
    """Return segments over the average one; small ones are pooled towards it."""
    rows = weighed.segments
    caption = (
        "Won revenue of segments over the average one, the criteria above held equal, with 95 % "
        "intervals; the fewer accounts, the nearer to 1 (alone: without that)"
    )
    why = "No text criterion has two segments of enough accounts."
    return html_table(Table("segments", caption, Column.of_all(rows), rows, why=why))


def edits_note(run: Run, model: ModelChoice) -> Fragment:
    """Return the edits of the card and what they cost in the tests."""
    facts = edit_facts(run, model)
    if not facts["made"]:
        return Fragment(str(tag("p", "The card is used as it was fitted, without edits.")))
    listed = tag("ul", joined(*(tag("li", text) for text in facts["made"])))
    cost = facts["cost"]
    spoken = "; ".join(
        f"{name.replace('_', ' ')} {signed_share(one['estimate'])} "
        f"({signed_share(one['low'])} to {signed_share(one['high'])})"
        for name, one in (cost or {}).items()
        if one["estimate"] is not None
    )
    said = f"The edits change, in the tests: {spoken}." if spoken else facts.get("cost_why", "")
    return Fragment(str(joined(tag("p", "Edits of the card:"), listed, tag("p", said))))


def prospects_table(run: Run, *, currency: str) -> Fragment:
    """Return what was predicted beside revenue at an earlier quarter-end, and what happened."""
    facts = run.read_facts("model").get("model", {}).get("prospects", {})
    rows = facts.get("tested", [])
    if not rows:
        why = facts.get("as_of_why", "the model has not been saved yet")
        return Fragment(str(tag("p", f"Wins and pipeline could not be tested: {why}.")))
    columns: Columns = ["of_all_accounts", *Column.each("count", "predicted", "actual")]
    spoken = [row | {"of_all_accounts": _MEASURES[row["measure"]]} for row in rows]
    caption = (
        f"Predicted on {facts['as_of']} for {plural(facts['accounts'], 'account')}, and what "
        f"happened in the horizon; pipeline in {currency}"
    )
    return html_table(Table("prospects", caption, columns, spoken))


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
    columns = Column.of_all(frame, Column("known", "share"))
    return html_table(Table("criteria", caption, columns, frame))


def left_out_table(panel: Panel) -> Fragment:
    """Return the features that could not be built, and why."""
    rows = [{"feature": name, "why": why} for name, why in panel.left_out.items()]
    caption = f"{plural(len(rows), 'feature')} could not be built from these data"
    why = "Every feature could be built from these data."
    return html_table(Table("features_left_out", caption, ["feature", "why"], rows, why=why))


def _meaning(name: str) -> str:
    try:
        return describe_feature(name).split("\n\n", 1)[0].strip()
    except StopIteration:
        return "a column of accounts that the settings name"
