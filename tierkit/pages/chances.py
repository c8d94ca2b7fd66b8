"""Firmness of the tiers: borderline accounts, likely moves, the record of past overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from tierkit.pages.facts import Facts, currency, number, part, parts, ranged, text
from tierkit.rendering import Fragment, html_table, joined, tag
from tierkit.runs import Chances
from tierkit.table import Column, Columns, Table
from tierkit.tiers import QUARTERS_AHEAD
from tierkit.words import count, money, money_range, plural, sentence

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
    total = money(currency, float(rows["predicted_revenue"].sum()))
    caption = (
        f"{plural(len(rows), 'account')} on the borderline, with {total} of predicted revenue: "
        "each belongs in another tier in 4 of 10 worlds or more"
    )
    columns: Columns = ["account_id", "tier", "borders_on", "rank", "predicted_revenue",
               Column("chance_in_tier", "share")]  # fmt: skip
    table = Table("borderline", caption, columns, rows.rename_axis("account_id"),
                  currency=currency, most=MOST_ROWS, of=f"accounts, by money{_OF}")  # fmt: skip
    return html_table(table)


def chances_table(chances: Chances) -> Fragment:
    """Return, by direction, the accounts most likely to change tier within four quarters."""
    if chances.ahead_why:
        why = sentence(chances.ahead_why)
        return Fragment(str(tag("p", f"Chances within {QUARTERS_AHEAD} quarters: {why}")))
    parts = [
        _likely(chances.candidates, "chance_up", "Candidates for promotion", chances),
        _likely(chances.at_risk, "chance_down", "At risk of falling", chances),
    ]
    return Fragment(str(joined(*parts)))


def scoreboard_table(scoreboard: Sequence[Mapping[str, Any]]) -> Fragment:
    """Return what past overrides brought, beside the accounts that they displaced."""
    rows = [row for side in scoreboard if (row := _scored(side))]
    why = next((str(side.get("difference_why", "")) for side in scoreboard), "")
    columns: Columns = [
        "overridden", "accounts", Column("account_windows", "count"), Column("mean", "money"),
        Column("neighbours", "count"),
        *Column.each("money", "mean_of_neighbours", "difference", "low", "high"), "remark",
    ]  # fmt: skip
    caption = "Past overrides beside the accounts that the model would have had in their place"
    said = f"How past overrides did: {sentence(why)}"
    return html_table(Table("override-scoreboard", caption, columns, rows, why=said))


def _likely(rows: pd.DataFrame, column: str, title: str, chances: Chances) -> Fragment:
    columns: Columns = ["account_id", "tier", "rank", "predicted_revenue", Column(column, "share"),
               Column("account_quarters", "count")]  # fmt: skip
    caption = (
        f"{title} within {QUARTERS_AHEAD} quarters, as accounts of such a rank did; "
        f"{plural(chances.quarters, 'quarter')} followed ({chances.rests_on})"
    )
    many = "a chance of a quarter or more"
    name, why = column.replace("_", "-"), f"{title}: no account has {many}."
    table = Table(name, caption, columns, rows.rename_axis("account_id"), most=MOST_ROWS,
                  of=f"accounts with {many}{_OF}", why=why)  # fmt: skip
    return html_table(table)


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


def firmness(facts: Facts) -> str:
    """Return how many accounts are borderline, with the money, and how many may move."""
    tiers = parts(facts, "chances", "tiers")
    return " ".join(filter(None, (_borderline(facts, tiers), _ahead(tiers))))


def override_record(facts: Facts) -> str:
    """Return what accounts that people put above the model's tier brought, if it can be said."""
    sides = parts(facts, "overrides", "scoreboard")
    return next(filter(None, (_record(facts, side) for side in sides)), "")


def _borderline(facts: Facts, tiers: list[Facts]) -> str:
    known = [tier for tier in tiers if number(tier, "borderline_accounts") is not None]
    if not known:
        return ""
    accounts = int(sum(number(tier, "borderline_accounts") or 0 for tier in known))
    if not accounts:
        return "No account is on the borderline between tiers."
    amount = sum(number(tier, "borderline_predicted_revenue") or 0.0 for tier in known)
    at_stake = money(currency(facts), amount)
    return (
        f"{plural(accounts, 'account')} ({at_stake} predicted) may as well belong in another "
        "tier: as far as predictions missed before, they do in 4 of 10 cases or more."
    )


def _ahead(tiers: list[Facts]) -> str:
    up, down = (
        [found for tier in tiers if (found := number(tier, key)) is not None]
        for key in ("expected_up", "expected_down")
    )
    if not up or not down:
        return ""
    return (
        f"If accounts go on as before, about {count(round(sum(up)))} rise within four quarters "
        f"and {count(round(sum(down)))} fall."
    )


def _record(facts: Facts, side: Facts) -> str:
    found, accounts = ranged(part(side, "difference")), number(part(side, "overridden"), "accounts")
    if not found.has_range or not accounts:
        return ""
    unit = currency(facts)
    way = "above" if text(side, "side") == "raised" else "below"
    found_words = "brought about as much as"
    if found.is_above(0) or found.is_below(0):
        found_words = f"brought {'more' if found.is_above(0) else 'less'} than"
    return (
        f"{plural(int(accounts), 'account')} that people put {way} the model's tier {found_words} "
        f"those whose place they took: {found.say(partial(money, unit))} each on average "
        f"({found.say_range(partial(money_range, unit))} in 8 of 10 cases). People chose them, so "
        "this is a difference, not an effect."
    )


LEAST_CHANCE = 0.01
"""Of accounts that stay with more certainty than this, one line each would say nothing."""


def chance_sheets(chances: Chances) -> dict[str, Table]:
    """Return the accounts with a chance of another tier, and those on the borderline."""
    names = ("chance_in_tier", "chance_higher", "chance_lower", "chance_up", "chance_down")
    shares = Column.each("share", *names)
    known = chances.accounts.drop(columns="borders_on").dropna(
        how="all", subset=["chance_in_tier", "chance_up"]
    )
    moves = known[[*names[1:]]].fillna(0.0)
    open_to_chance = known[(moves >= LEAST_CHANCE).any(axis=1)]
    columns = ["tier", "borders_on", "rank", "predicted_revenue", "chance_in_tier"]
    return {
        "Chances": Table.sheet(open_to_chance.rename_axis("account_id").reset_index(), *shares),
        "Borderline": Table.sheet(
            chances.borderline[columns].rename_axis("account_id").reset_index(), *shares
        ),
    }
