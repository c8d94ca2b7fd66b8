"""What it would cost to keep the present model: accounts in another tier, money misplaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.backtest import ModelChoice
from tierkit.features.panel import Panel
from tierkit.models.criteria import IntArray
from tierkit.recalibration.champion import Champion
from tierkit.recalibration.work import Work
from tierkit.reporting.words import count, money, plural
from tierkit.tiers.eligibility import check_eligibility


@dataclass(frozen=True)
class Consequences:
    """The present model and a new fit, both on today's accounts in scope, cut by rank alone.

    Attributes
    ----------
    accounts
        How many accounts the new fit would put into another tier, of `of`.
    misplaced
        By upper tier: predicted revenue (by the new fit) that accounts up to that tier hold by the
        new fit, less what those hold that the present model would put there.
    """

    accounts: int
    of: int
    misplaced: dict[str, float]

    def sentence(self, currency: str) -> str:
        """Return the same as a sentence."""
        if not self.accounts:
            return "A new fit would leave every account in its tier."
        worst = max(self.misplaced.values(), default=0.0)
        move = f"A new fit would put {count(self.accounts)} of {plural(self.of, 'account')} into"
        return (
            f"{move} another tier and place {money(currency, worst)} of predicted revenue better."
        )


def consequences(work: Work, panel: Panel, choice: ModelChoice, present: Champion) -> Consequences:
    """Return what keeping the present model costs, by the new fit's own predictions."""
    values = panel.values  # noqa: PD011
    now = values[values.index.get_level_values("as_of") == pd.Timestamp(work.as_of)]
    now = now.droplevel("as_of")
    eligible = check_eligibility(work.accounts(), where=work.settings.icp.where)["eligible"]
    now = now[now.index.isin(eligible.index[eligible])]
    new = choice.ranked(now)
    old = present.model.ranked(now)["score"]
    amounts = new["predicted_revenue"].to_numpy(dtype=float)
    capacities = [tier.capacity for tier in work.settings.tiers]
    ids = now.index.to_numpy(dtype=str)
    before, after = (_tiers(_order(score, ids), capacities) for score in (old, new["score"]))
    misplaced = {
        tier.name: float(max(amounts[after <= place].sum() - amounts[before <= place].sum(), 0.0))
        for place, tier in enumerate(work.settings.tiers)
        if tier.capacity is not None
    }
    return Consequences(int((before != after).sum()), len(now), misplaced)


def consequence_facts(found: Consequences) -> dict[str, Any]:
    """Return what `facts.json` says of it."""
    misplaced = [
        {"down_to": name, "predicted_revenue": amount} for name, amount in found.misplaced.items()
    ]
    return {"accounts": found.accounts, "of": found.of, "misplaced": misplaced}


def _order(score: pd.Series[float], ids: Any) -> IntArray:  # noqa: ANN401 (an array of text)
    """Return each account's place, best first, ties by account_id."""
    order = np.lexsort((ids, -score.to_numpy(dtype=float)))
    places = np.empty(len(score), dtype=np.int64)
    places[order] = np.arange(len(score))
    return places


def _tiers(places: IntArray, capacities: list[int | None]) -> IntArray:
    ends = np.cumsum([np.inf if size is None else size for size in capacities])
    return np.searchsorted(ends, places, side="right")
