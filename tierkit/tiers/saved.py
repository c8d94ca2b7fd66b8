"""What stability saves and costs: moves that did not happen, and the revenue of the better rank."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from tierkit.settings import Tier
from tierkit.tiers.assign import KEPT_BY
from tierkit.tiers.budget import MoveBudget

NO_LIMIT = "stability.max_moves_share is 1, or nobody held a tier"
ENDLESS = "no band is wide enough: places were added, taken away or left open"


def moves_by_rank(assigned: pd.DataFrame) -> tuple[int, int]:
    """Return how many accounts would move by rank alone, and how many do; overrides aside."""
    before = assigned["previous_tier"].astype("object")
    free = before.notna() & assigned["rank"].notna() & ~assigned["overridden"]
    by_rank = assigned["unkept_tier"].astype("object").ne(before)
    now = assigned["tier"].astype("object").ne(before)
    return int((free & by_rank).sum()), int((free & now).sum())


def cost_of_stability(assigned: pd.DataFrame, *, tiers: tuple[Tier, ...]) -> pd.DataFrame:
    """Return what keeping incumbents costs each tier and those above it in predicted revenue.

    Parameters
    ----------
    assigned
        As `assign_tiers` returns it, with `predicted_revenue`.

    Returns
    -------
    pandas.DataFrame
        One row per tier with a rule: `tier`; `by_rank`, what accounts of this tier and those above
        would bring by rank alone; `held`, what they bring; `cost`, by how much that is less.
    """
    money = assigned["predicted_revenue"].fillna(0.0).to_numpy()
    by_rank = assigned["unkept_tier"].cat.codes.to_numpy()
    held = assigned["tier"].cat.codes.to_numpy()
    rows = []
    for level, tier in enumerate(tiers):
        if tier.takes_rest:
            continue
        best = float(money[(by_rank >= 0) & (by_rank <= level)].sum())
        kept = float(money[(held >= 0) & (held <= level)].sum())
        rows.append({"tier": tier.name, "by_rank": best, "held": kept, "cost": best - kept})
    return pd.DataFrame(rows, columns=["tier", "by_rank", "held", "cost"])


def stability_facts(
    assigned: pd.DataFrame, *, tiers: tuple[Tier, ...], budget: MoveBudget
) -> dict[str, Any]:
    """Return what `facts.json` says of the moves that were saved and what they cost."""
    by_rank, now = moves_by_rank(assigned)
    kept = assigned["kept_by"].value_counts()
    cost = cost_of_stability(assigned, tiers=tiers)
    return {
        "by_rank": by_rank,
        "saved": by_rank - now,
        "kept_by": {word: int(kept.get(word, 0)) for word in KEPT_BY},
        "cost": [
            {"tier": str(row["tier"]), "predicted_revenue": float(row["cost"])}
            for row in cost.to_dict("records")
        ],
        "budget": _budget(budget),
    }


def _budget(budget: MoveBudget) -> dict[str, Any]:
    endless = math.isinf(budget.band)
    return {
        "most": budget.most,
        **({"most_why": NO_LIMIT} if budget.most is None else {}),
        "asked": budget.asked,
        "band": None if endless else round(budget.band, 3),
        **({"band_why": ENDLESS} if endless else {}),
    }
