"""How firm the tiers are: borderline, who may rise or fall, and how past overrides did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tierkit.recalibration.chances import Chances
from tierkit.reporting.fragment import Fragment, joined, tag
from tierkit.reporting.tables import html_table
from tierkit.reporting.words import money as spoken_money
from tierkit.reporting.words import plural, sentence
from tierkit.tiers.year_ahead import QUARTERS

MOST_ROWS = 15
_SIDES = {"raised": "put above the model's tier", "lowered": "put below the model's tier"}
_OF = "; all of them are in accounts.xlsx"


def borderline_table(chances: Chances, *, currency: str) -> Fragment:
    """Return the accounts that belong in another tier in 4 of 10 worlds or more."""
    if chances.belonging_why:
        why = sentence(chances.belonging_why)
        return Fragment(str(tag("p", f"Whether an account truly belongs in its tier: {why}")))
    rows = chances.borderline
    if rows.empty:
        return Fragment(
            str(tag("p", "No account belongs in another tier in 4 of 10 worlds or more."))
        )
    columns = ["tier", "borders_on", "rank", "predicted_revenue", "chance_in_tier"]
    total = spoken_money(currency, float(rows["predicted_revenue"].sum()))
    kinds = {"rank": "count", "predicted_revenue": f"money {currency}", "chance_in_tier": "share"}
    return html_table(
        rows[columns].head(MOST_ROWS).rename_axis("account_id").reset_index(),
        caption=f"{plural(len(rows), 'account')} on the borderline, with {total} of predicted "
        "revenue: each belongs in another tier in 4 of 10 worlds or more",
        kinds=kinds,
        name="borderline",
        total=len(rows),
        of=f"accounts, by money{_OF}",
    )


def chances_table(chances: Chances) -> Fragment:
    """Return, by direction, the accounts most likely to change tier within four quarters."""
    if chances.ahead_why:
        why = sentence(chances.ahead_why)
        return Fragment(str(tag("p", f"Chances within {QUARTERS} quarters: {why}")))
    parts = [
        _likely(chances.candidates, "chance_up", "Candidates for promotion", chances),
        _likely(chances.at_risk, "chance_down", "At risk of falling", chances),
    ]
    return Fragment(str(joined(*parts)))


def scoreboard_table(scoreboard: Sequence[Mapping[str, Any]]) -> Fragment:
    """Return what past overrides brought, beside the accounts that they displaced."""
    rows = [row for side in scoreboard if (row := _scored(side))]
    if not rows:
        why = next((str(side.get("difference_why", "")) for side in scoreboard), "")
        return Fragment(str(tag("p", f"How past overrides did: {sentence(why)}")))
    return html_table(
        pd.DataFrame(rows),
        caption="Past overrides beside the accounts that the model would have had in their place",
        kinds={
            **dict.fromkeys(("accounts", "neighbours", "account_windows"), "count"),
            **dict.fromkeys(("mean", "mean_of_neighbours", "difference", "low", "high"), "money"),
        },
        name="override-scoreboard",
    )


def _likely(rows: pd.DataFrame, column: str, title: str, chances: Chances) -> Fragment:
    if rows.empty:
        return Fragment(str(tag("p", f"{title}: no account has a chance of a quarter or more.")))
    columns = ["tier", "rank", "predicted_revenue", column, "account_quarters"]
    kinds = {"rank": "count", "predicted_revenue": "money", column: "share",
             "account_quarters": "count"}  # fmt: skip
    return html_table(
        rows[columns].head(MOST_ROWS).rename_axis("account_id").reset_index(),
        caption=f"{title} within {QUARTERS} quarters, as accounts of such a rank did; "
        f"{plural(chances.quarters, 'quarter')} followed ({chances.rests_on})",
        kinds=kinds,
        name=column.replace("_", "-"),
        total=len(rows),
        of=f"accounts with a chance of a quarter or more{_OF}",
    )


def _scored(side: Mapping[str, Any]) -> dict[str, object] | None:
    ours, theirs = side.get("overridden"), side.get("neighbours")
    if not ours or not theirs or not (ours["accounts"] and theirs["accounts"]):
        return None
    difference = side.get("difference") or {}
    return {
        "overridden": _SIDES.get(str(side.get("side")), str(side.get("what"))),
        "accounts": ours["accounts"],
        "account_windows": ours["account_windows"],
        "mean": ours["mean"],
        "neighbours": theirs["accounts"],
        "mean_of_neighbours": theirs["mean"],
        **{key: difference.get(name) for key, name in
           (("difference", "estimate"), ("low", "low"), ("high", "high"))},
        "remark": side.get("difference_why", ""),
    }  # fmt: skip
