"""Which accounts? Sizes, moves, and what share of predicted revenue each tier holds."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from tierkit import charts
from tierkit.reporting.leadership.panels import panel, row_figure
from tierkit.reporting.leadership.reading import Facts, number, part, parts, text, too_small
from tierkit.reporting.words import count, enumerated, plural, share

_MOVES = {"up": "up", "down": "down", "entered": "new in a tier", "left": "no longer in one"}


def which_accounts(facts: Facts) -> Markup:
    """Return the panel on sizes, moves, and the share of predicted revenue by tier."""
    table = tier_table(facts)
    everyone = table["accounts"].sum()
    changed = accounts_that_change(facts)
    big, unit = count(everyone), "account gets a tier" if everyone == 1 else "accounts get a tier"
    if changed is not None:
        big, unit = (
            count(changed),
            "account changes tier" if changed == 1 else "accounts change tier",
        )
    body = []
    if len(table):
        finding = sizes_finding(table)
        body = [row_figure(charts.tier_bars, table, name="tier-sizes", finding=finding)]
    return panel("Which accounts?", big, unit, _moves(facts, everyone), *body)


def accounts_that_change(facts: Facts) -> float | None:
    """Return how many accounts go up or down; None in a first run, or where that is not known."""
    up, down = (number(part(facts, "moves"), key) for key in ("up", "down"))
    if is_first_run(facts) or up is None or down is None:
        return None
    return up + down


def is_first_run(facts: Facts) -> bool:
    """Return whether nothing was in a tier before."""
    return text(part(facts, "decision"), "action") == "first run"


def tier_table(facts: Facts) -> pd.DataFrame:
    """Return one row a tier: its accounts, and its share of all predicted revenue.

    Where a share is not known, or a tier is too small to be shown (the others' shares would tell
    its own), no tier has one, and `value` is the number of accounts.
    """
    tiers = parts(facts, "tiers")
    sizes = [number(tier, "accounts") or 0.0 for tier in tiers]
    shares = _shares(facts, tiers)
    spoken = [plural(size, "account") for size in sizes]
    if shares:
        spoken = [f"{size} · {share(held)}" for size, held in zip(spoken, shares, strict=True)]
    return pd.DataFrame(
        {
            "label": [text(tier, "tier") for tier in tiers],
            "accounts": sizes,
            "share": shares or [math.nan] * len(tiers),
            "value": shares or sizes,
            "text": spoken,
        }
    )


def _shares(facts: Facts, tiers: list[Facts]) -> list[float]:
    if any(too_small(facts, tier) for tier in tiers):
        return []
    given = [number(tier, "share_of_predicted_revenue") for tier in tiers]
    if all(held is not None for held in given):
        return [held or 0.0 for held in given]
    amounts = [number(tier, "predicted_revenue") for tier in tiers]
    total = math.fsum(amount or 0.0 for amount in amounts)
    if total <= 0 or any(amount is None for amount in amounts):
        return []
    return [(amount or 0.0) / total for amount in amounts]


def _moves(facts: Facts, everyone: float) -> str:
    if is_first_run(facts):
        tiers = plural(len(parts(facts, "tiers")), "tier")
        return f"The first run: {plural(everyone, 'account')} in {tiers}, none was in one before."
    moves = part(facts, "moves")
    known = [(number(moves, key), word) for key, word in _MOVES.items()]
    said = [(value, word) for value, word in known if value is not None]
    spoken = [f"{count(value)} {word}" for value, word in said if value or word in ("up", "down")]
    if not said:
        return "Which accounts move is not known: no earlier tier is known."
    kept = number(moves, "kept_by_band") or 0
    its = "keeps its" if kept == 1 else "keep their"
    stay = f" {plural(kept, 'account')} near a line {its} tier." if kept else ""
    return f"Of {plural(everyone, 'account')}: {enumerated(spoken)}.{stay}"


def sizes_finding(table: pd.DataFrame) -> str:
    """Return what the sizes show: the best tier's accounts, and what they hold."""
    first = table.iloc[0]
    size = plural(first["accounts"], "account")
    if math.isnan(first["share"]):
        return f"{first['label']} has {size} of {count(table['accounts'].sum())}."
    holds = "holds" if first["accounts"] == 1 else "hold"
    return f"{first['label']}: {size} {holds} {share(first['share'])} of predicted revenue."
