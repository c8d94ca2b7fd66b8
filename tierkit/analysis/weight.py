"""What carries weight, wins and pipeline beside revenue, and what edits of the card cost."""

from __future__ import annotations

import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.models.favourites import Favourites
from tierkit.recalibration.beside import edit_facts
from tierkit.recalibration.work import Work
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural, signed_share

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
    frame = pd.DataFrame(
        {
            "criterion": rows["criterion"],
            "from": rows["from"],
            "to": rows["to"],
            "factor": rows["factor"],
            "low": rows["low"],
            "high": rows["high"],
            "same_direction": [
                f"{same} of {dates}"
                for same, dates in zip(rows["same_direction"], rows["dates"], strict=True)
            ],
            "lowest_of_one": rows["lowest"],
            "highest_of_one": rows["highest"],
        }
    )
    numbers = ("factor", "low", "high", "lowest_of_one", "highest_of_one")
    caption = (
        "Won revenue of typical high accounts (to) over typical low ones (from), the other rows "
        f"held equal; 95 % intervals, {plural(int(rows['accounts'].iloc[0]), 'account')}; and the "
        "same at single quarter-ends"
    )
    kinds = dict.fromkeys(numbers, "number") | dict.fromkeys(("from", "to"), "spoken")
    return html_table(frame, caption=caption, kinds=kinds, name="favourites")


def segments_table(weighed: Favourites) -> Fragment:
    """Return segments over the average one; small ones are pooled towards it."""
    rows = weighed.segments
    if rows.empty:
        return Fragment(str(tag("p", "No text criterion has two segments of enough accounts.")))
    kinds = {"accounts": "count", **dict.fromkeys(("factor", "low", "high", "alone"), "number")}
    caption = (
        "Won revenue of segments over the average one, the criteria above held equal, with 95 % "
        "intervals; the fewer accounts, the nearer to 1 (alone: without that)"
    )
    return html_table(rows, caption=caption, kinds=kinds, name="segments")


def edits_note(run: Work, model: ModelChoice) -> Fragment:
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


def prospects_table(run: Work, *, currency: str) -> Fragment:
    """Return what was predicted beside revenue at an earlier quarter-end, and what happened."""
    facts = run.read_facts("model").get("model", {}).get("prospects", {})
    rows = facts.get("tested", [])
    if not rows:
        why = facts.get("as_of_why", "the model has not been saved yet")
        return Fragment(str(tag("p", f"Wins and pipeline could not be tested: {why}.")))
    frame = pd.DataFrame(
        {
            "of_all_accounts": [_MEASURES[row["measure"]] for row in rows],
            "predicted": [row["predicted"] for row in rows],
            "actual": [row["actual"] for row in rows],
        }
    )
    caption = (
        f"Predicted on {facts['as_of']} for {plural(facts['accounts'], 'account')}, and what "
        f"happened in the horizon; pipeline in {currency}"
    )
    kinds = {"predicted": "count", "actual": "count"}
    return html_table(frame, caption=caption, kinds=kinds, name="prospects")
