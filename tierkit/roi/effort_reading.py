"""What a hold-out of effort has shown: those drawn against the others, and whether that pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from tierkit.roi.boundary_rows import Boundaries, covariates
from tierkit.roi.effort_draw import FEWEST_DRAWN, EffortDraw
from tierkit.roi.measures import unsaid
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding
from tierkit.roi.standings import BoolArray, IntArray
from tierkit.words import share, signed_range

UNLIKELY = 0.001
"""A split of the accounts that a fair lot gives less often than this was not kept to."""

_ENDS = ("estimate", "low", "high")
_WORDS = {
    "less": (
        "a loss of more than {limit}, what the effort costs, is ruled out",
        "less effort loses more than {limit}, what the effort costs",
        "a loss of more than {limit}, what the effort costs, is not ruled out yet",
    ),
    "more": (
        "more effort brings more than {limit}, what the effort costs",
        "more effort does not bring {limit}, what the effort costs",
        "whether more effort brings {limit}, what the effort costs, cannot be told yet",
    ),
}


def effort_facts(
    boundaries: Boundaries, draw: EffortDraw, *, pays_from: float | None, outcome_quarters: int = 1
) -> dict[str, Any]:
    """Return what a draw of effort has shown so far, as `facts.json` holds it.

    Parameters
    ----------
    pays_from
        The effect at which the tier's effort pays: what may be lost by giving less of it, or must
        be won by giving more. None where the cost is not known.

    Returns
    -------
    dict
        `tier`, `arm`, `quarter`, `quarters`, `accounts`, `drawn`, `relative` (of revenue from deals
        begun, drawn against usual), `margin`, `holds` (non-inferior for less effort, paying for
        more; null while it cannot be told), `sentence`.
    """
    found, why = _reading(boundaries, draw, outcome_quarters)
    head = {
        "tier": draw.tier,
        "arm": draw.arm,
        "quarter": draw.quarter,
        "quarters": draw.quarters,
        "accounts": len(draw.rows),
        "drawn": int(draw.rows["drawn"].sum()),
    }
    margin = unsaid(("margin",), "the cost is not known") if pays_from is None else {
        "margin": pays_from
    }  # fmt: skip
    who = f"accounts of {draw.tier} that a lot gave {draw.arm} effort"
    if found is None:
        said = {"relative": unsaid(_ENDS, why), **unsaid(("holds",), why)}
        return {**head, **margin, **said, "sentence": f"What {who} brought cannot be told: {why}."}
    relative = found.relative()
    holds, meaning = _meaning(draw.arm, relative, pays_from)
    unknown = unsaid(("holds",), meaning) if holds is None else {"holds": holds}
    word = "more" if relative["estimate"] >= 0 else "less"
    brought = (
        f"{who[:1].upper()}{who[1:]} brought {share(abs(relative['estimate']))} {word} revenue "
        f"(range {signed_range(relative['low'], relative['high'])}) than those that got the usual"
    )
    return {**head, **margin, "relative": relative, **unknown, "sentence": f"{brought}; {meaning}."}


def _meaning(
    arm: str, relative: dict[str, float], pays_from: float | None
) -> tuple[bool | None, str]:
    """Return whether less effort loses less than it saves, or more brings more than it costs."""
    if pays_from is None:
        return None, "what the effort costs is not known, so it is not said whether that pays"
    limit = -pays_from if arm == "less" else pays_from
    above, below = relative["low"] > limit, relative["high"] < limit
    words = _WORDS[arm][0 if above else 1 if below else 2]
    return (above if above or below else None), words.format(limit=share(pays_from))


def _reading(
    boundaries: Boundaries, draw: EffortDraw, outcome_quarters: int
) -> tuple[Estimate | None, str]:
    """Return the effect on those drawn, given everything known on each quarter's first day."""
    standings = boundaries.standings
    if draw.quarter not in standings.quarters:
        return None, f"{draw.quarter} is not over"
    first = standings.quarters.index(draw.quarter)
    account = pd.Index(standings.account_ids).get_indexer(pd.Index(draw.rows["account_id"]))
    there = account >= 0
    lot = draw.rows["drawn"].to_numpy(dtype=bool)
    if why := _sample_ratio(lot, there):
        return None, why
    outcome = standings.outcome(outcome_quarters)
    columns = range(first, min(first + draw.quarters, outcome.shape[1]))
    rows, quarters, arms = _crossed(account[there], lot[there], columns)
    known = ~np.isnan(outcome[rows, quarters])
    rows, quarters, arms = rows[known], quarters[known], arms[known]
    value = outcome[rows, quarters]
    fewest = min(((value > 0) & (arms == arm)).sum() for arm in (True, False))
    if fewest < FEWEST_DRAWN:
        return None, f"too few have won anything yet (n = {fewest})"
    before = covariates(boundaries.known, boundaries.past_scores, (rows, quarters)).standardised()
    seasons = (quarters[:, None] == np.unique(quarters)[None, 1:]) * 1.0
    worth = 1 / boundaries.usual[rows, quarters]
    controls = np.column_stack([np.ones(len(rows)), seasons, before])
    cluster, drawn = standings.history.cluster[rows], arms.astype(np.float64)
    found = effect_of_holding(
        Weighted(value, drawn, controls, worth / worth.mean(), cluster), drawn
    )
    return found, "" if found else "what was won determines no effect"


def _sample_ratio(lot: BoolArray, there: BoolArray) -> str:
    """Return why the groups are not those of the lot, empty where they may be."""
    if not there.any():
        return "none of the accounts is found"
    fair = float(lot.mean())
    chance = binomtest(int(lot[there].sum()), int(there.sum()), fair).pvalue
    if chance >= UNLIKELY:
        return ""
    return (
        f"of those found {share(float(lot[there].mean()))} were drawn, where the lot drew "
        f"{share(fair)}: accounts are missing from one group"
    )


def _crossed(
    account: IntArray, lot: BoolArray, columns: Sequence[int]
) -> tuple[IntArray, IntArray, BoolArray]:
    quarters = np.asarray(columns, dtype=np.int64)
    return (
        np.repeat(account, len(quarters)),
        np.tile(quarters, len(account)),
        np.repeat(lot, len(quarters)),
    )


def dispersions(boundaries: Boundaries, *, outcome_quarters: int = 1) -> list[dict[str, Any]]:
    """Return by tier the variance of an account-quarter's wins over its squared mean."""
    standings = boundaries.standings
    wins = standings.outcome(outcome_quarters, of="wins")
    found: list[dict[str, Any]] = []
    for number, tier in enumerate(standings.tiers):
        values = wins[(standings.level == number) & ~np.isnan(wins)]
        if len(values) < 2 or not values.mean() > 0:
            found.append({"tier": tier, **unsaid(("dispersion",), "too little was won to say")})
            continue
        found.append({"tier": tier, "dispersion": float(values.var(ddof=1) / values.mean() ** 2)})
    return found
