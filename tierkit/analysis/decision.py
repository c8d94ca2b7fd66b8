"""Hold, recalibrate or refit: the present model beside a new fit, and drift beside its chance."""

from __future__ import annotations

import pandas as pd

from tierkit.recalibration.work import Work
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import plural

_FIRST = "No earlier report holds a model: this one is the first."


def decision(run: Work) -> Fragment:
    """Return what is done with the present model, why, and what the newest quarters said of it."""
    facts = run.read_facts("decision")
    if not facts:
        return Fragment(str(tag("p", _FIRST)))
    lead = tag("p", joined(tag("strong", facts["action"].capitalize() + "."), facts["because"]))
    tested = facts.get("newest_quarters")
    if not tested or not tested["quarters"]:
        return Fragment(str(lead))
    gain = tested["gain"]
    frame = pd.DataFrame(
        {
            "measure": ["Gini of the present model", "Gini of a new fit", "gain of a new fit",
                        "present model: actual over predicted"],
            "value": [tested["champion_gini"], tested["challenger_gini"], gain["estimate"],
                      tested["champion_actual_over_predicted"]],
            "low": [None, None, gain["low"], None],
            "high": [None, None, gain["high"], None],
        }
    )  # fmt: skip
    on = plural(len(tested["quarters"]), "newest quarter")
    caption = f"Present model and a new fit on {on}, {plural(tested['accounts'], 'account')}"
    kinds = dict.fromkeys(("value", "low", "high"), "number")
    return Fragment(str(joined(lead, html_table(frame, caption=caption, kinds=kinds,
                                                name="challenge"))))  # fmt: skip


def drift_table(run: Work) -> Fragment:
    """Return how far the accounts of each criterion have drifted, beside what chance alone does."""
    rows = run.read_facts("decision").get("drift") or []
    if not rows:
        return Fragment(str(tag("p", "Drift is not known: no earlier model is compared with.")))
    frame = pd.DataFrame(rows)
    frame["drifted"] = frame["drifted"].map({True: "more than by chance", False: "no"})
    many = int((frame["drifted"] != "no").sum())
    caption = f"{plural(many, 'criterion', 'criteria')} of {len(frame)} drifted more than by chance"
    kinds = {"bins": "count", "psi": "number", "psi_by_chance": "number"}
    return html_table(frame, caption=caption, kinds=kinds, name="drift")
