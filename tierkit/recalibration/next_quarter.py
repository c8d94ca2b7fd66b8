"""What each tier should bring in the next quarter alone: a promise that is due three months on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tierkit.models.criteria import FloatArray
from tierkit.models.ranges import past_tiers, tier_total_ranges
from tierkit.recalibration.tiering import said
from tierkit.recalibration.work import Work

COLUMN = "next_quarter_revenue"
_UNTESTED = "no earlier prediction could be tested"
_NOBODY = "no tested account ranked there"


def next_quarter_totals(work: Work, totals: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Return what each tier should bring in the first quarter of the horizon, with its range.

    At the tested quarter-ends the accounts that would have been in a tier brought this part of
    their predicted revenue within one quarter; the same part of today's is predicted. The range
    comes from how far such predictions were off, as that of the horizon does. It knows of seasons
    only what the tested quarter-ends show: a strong quarter among them widens it.

    Parameters
    ----------
    totals
        By tier: `predicted_revenue` of the horizon.
    tested
        A row per tested account and as_of: `rank_by`, `predicted` of the horizon, and
        `next_quarter_revenue`, what was won in the first quarter after as_of.

    Returns
    -------
    pandas.DataFrame
        By tier: `predicted_revenue`, `low`, `high`, and `why` where they cannot be said.
    """
    if tested.empty:
        return _unsaid(totals, _UNTESTED)
    capacities = [tier.capacity for tier in work.settings.tiers]
    rows = tested.reset_index(drop=True)
    place = past_tiers(rows, capacities)
    parts = _parts(rows, place, len(totals))
    known = ~np.isnan(place)
    own = np.full(len(rows), np.nan)
    own[known] = parts[place[known].astype(int)]
    amounts = (totals["predicted_revenue"].astype(float) * parts).rename("predicted_revenue")
    ranges = tier_total_ranges(
        rows.assign(predicted=rows["predicted"] * own, actual=rows[COLUMN]),
        amounts,
        capacities=capacities,
        horizon=1,
        seed=work.settings.model.seed,
    )
    why = ranges["method"].where(amounts.notna(), _NOBODY)
    return pd.DataFrame(
        {
            "predicted_revenue": amounts,
            "low": ranges["low"].clip(upper=amounts),
            "high": ranges["high"].clip(lower=amounts),
            "why": why,
        }
    )


def with_next_quarter(tiers: list[dict[str, Any]], coming: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the facts of tiers with `next_quarter` beside what the horizon should bring."""
    return [{**tier, "next_quarter": _facts(coming.loc[tier["tier"]])} for tier in tiers]


def _facts(row: pd.Series[Any]) -> dict[str, Any]:
    keys = ("predicted_revenue", "low", "high")
    return {name: value for key in keys for name, value in said(key, row[key], row["why"]).items()}


def _parts(rows: pd.DataFrame, place: FloatArray, tiers: int) -> FloatArray:
    """Return by tier which part of its predicted revenue came within one quarter."""
    sums = rows.groupby(place, dropna=True)[[COLUMN, "predicted"]].sum().reindex(range(tiers))
    ratio = sums[COLUMN] / sums["predicted"].where(sums["predicted"] > 0)
    return np.asarray(ratio.to_numpy(dtype=float))


def _unsaid(totals: pd.DataFrame, why: str) -> pd.DataFrame:
    unknown = dict.fromkeys(("predicted_revenue", "low", "high"), np.nan)
    return pd.DataFrame({**unknown, "why": why}, index=totals.index)
