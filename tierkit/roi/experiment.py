"""A randomised band: accounts around a line whose tier is drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.roi.assignment import Assignment, generator
from tierkit.roi.boundary_rows import BoundaryRows
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding
from tierkit.roi.standings import FloatArray, Standings
from tierkit.words import share

FEWEST_PER_ARM = 10
WEAKEST_FIRST_STAGE = 0.2


@dataclass(frozen=True)
class Band(Assignment):
    """Accounts around a line with the tier that a random draw gave them.

    Attributes
    ----------
    rows
        One row per account: account_id, quarter (label), upper, lower (tiers), drawn_tier, rank,
        seed.
    cost
        Predicted revenue of those that would have held the upper tier by rank, less that of those
        drawn into it: what the draw puts at risk.
    """

    cost: float = 0.0

    kind = "randomised band"
    columns = ("account_id", "quarter", "upper", "lower", "drawn_tier", "rank", "seed")

    def overrides(self) -> pd.DataFrame:
        """Return the draw as overrides, `account_id`, `tier`, `reason`, for the coming quarter."""
        return pd.DataFrame(
            {
                "account_id": self.rows["account_id"],
                "tier": self.rows["drawn_tier"],
                "reason": f"Drawn by lot, randomised band {self.hash}",
            }
        )

    def sentence(self, *, currency: str) -> str:
        """Return what was drawn and what it costs, in words."""
        first, last = int(self.rows["rank"].min()), int(self.rows["rank"].max())
        drawn = int((self.rows["drawn_tier"] == self.rows["upper"]).sum())
        return (
            f"{len(self.rows)} accounts at ranks {first} to {last} take part; a random draw puts "
            f"{drawn} of them into {self.rows['upper'].iloc[0]}. Against going by rank this puts "
            f"{currency} {self.cost:,.0f} of predicted revenue at risk. Assignment {self.hash}."
        )


def draw_band(
    assigned: pd.DataFrame,
    *,
    tiers: tuple[str, str],
    ranks: tuple[int, int],
    quarter: str,
    seed: int,
) -> Band:
    """Draw at random who of the accounts around a line gets the upper tier.

    As many are drawn into the upper tier as of these accounts would hold it by rank, so the tier
    keeps its size. Overridden accounts take no part. The same seed draws anew for another quarter
    or line.

    Parameters
    ----------
    assigned
        One row per account_id: `tier`, `rank`, `predicted_revenue`, `overridden`; as `assign_tiers`
        and the predictions give them.
    tiers
        The upper and the lower tier.
    ranks
        First and last rank of the band.
    quarter
        Label of the quarter in which the draw is in force.

    Raises
    ------
    SettingsError
        If the band does not hold accounts of both tiers.

    Examples
    --------
    >>> assigned = pd.DataFrame(
    ...     {"tier": ["Tier 1"] * 2 + ["Tier 2"] * 2, "rank": [1, 2, 3, 4], "overridden": False,
    ...      "predicted_revenue": [90.0, 80.0, 70.0, 60.0]},
    ...     index=pd.Index(["A", "B", "C", "D"], name="account_id"))
    >>> band = draw_band(
    ...     assigned, tiers=("Tier 1", "Tier 2"), ranks=(1, 4), quarter="2026Q4", seed=3)
    >>> int((band.rows["drawn_tier"] == "Tier 1").sum())
    2
    """
    upper, lower = tiers
    rank = assigned["rank"].astype("Float64").fillna(0.0)
    inside = (rank >= ranks[0]) & (rank <= ranks[1]) & ~assigned["overridden"].astype(bool)
    band = assigned[inside & assigned["tier"].astype("object").isin(tiers)]
    band = band.assign(tier=band["tier"].astype("object")).sort_index()
    places = int((band["tier"] == upper).sum())
    if places == 0 or places == len(band):
        raise SettingsError(
            f"ranks {ranks[0]} to {ranks[1]} hold {places} accounts of {upper} and "
            f"{len(band) - places} of {lower}: a band needs both. Widen it around the line."
        )
    drawn = generator(seed, quarter, *tiers).permutation(len(band)) < places
    money = band["predicted_revenue"].to_numpy(dtype=float)
    by_rank = (band["tier"] == upper).to_numpy()
    rows = pd.DataFrame(
        {
            "account_id": band.index.astype("object"),
            "quarter": quarter,
            "upper": upper,
            "lower": lower,
            "drawn_tier": np.where(drawn, upper, lower),
            "rank": band["rank"].to_numpy(dtype=np.int64),
            "seed": seed,
        }
    )
    return Band(rows, float(money[by_rank].sum() - money[drawn].sum()))


@dataclass(frozen=True)
class Randomised:
    """The read-out of randomised bands; `estimate` is None where `why` says."""

    estimate: Estimate | None
    why: str
    rows: int


def randomised(standings: Standings, rows: BoundaryRows, bands: Sequence[Band]) -> Randomised:
    """Compare accounts that a random draw put into the upper tier with those it put below.

    The draw is the instrument for the tier held, so accounts that did not keep to it do no harm.
    """
    drawn = _draws(standings, rows, bands)
    inside = ~np.isnan(drawn)
    if not inside.any():
        return Randomised(None, "no band was drawn by lot at this line", 0)
    near, upward = rows.where(inside), drawn[inside]
    won = [int((near.outcome[upward == arm] > 0).sum()) for arm in (1.0, 0.0)]
    if min(won) < FEWEST_PER_ARM:
        return Randomised(
            None, f"too few drawn accounts have won anything (n = {min(won)})", len(near)
        )
    followed = float(near.held[upward == 1].mean() - near.held[upward == 0].mean())
    if followed < WEAKEST_FIRST_STAGE:
        why = f"being drawn raised the chance of {near.upper} by only {share(followed)}"
        return Randomised(None, why.replace("%", " %"), len(near))
    place = near.distance - near.distance.mean()
    controls = np.column_stack(
        [np.ones(len(near)), place, near.quarter_columns(), near.known.standardised()]
    )
    weighted = Weighted(
        near.outcome, near.held.astype(np.float64), controls, np.ones(len(near)), near.cluster
    )
    estimate = effect_of_holding(weighted, upward)
    return Randomised(estimate, "" if estimate else "revenue determines no effect", len(near))


def _draws(standings: Standings, rows: BoundaryRows, bands: Sequence[Band]) -> FloatArray:
    """Return for each row 1 if it was drawn up and 0 if down, missing where none was drawn."""
    drawn = np.full(standings.level.shape, np.nan)
    accounts, quarters = pd.Index(standings.account_ids), pd.Index(standings.quarters)
    for band in bands:
        here = band.rows[(band.rows["upper"] == rows.upper) & (band.rows["lower"] == rows.lower)]
        account = accounts.get_indexer(pd.Index(here["account_id"].to_numpy(dtype=object)))
        quarter = quarters.get_indexer(pd.Index(here["quarter"].to_numpy(dtype=object)))
        known = (account >= 0) & (quarter >= 0)
        arm = (here["drawn_tier"] == here["upper"]).to_numpy(dtype=float)
        drawn[account[known], quarter[known]] = arm[known]
    return np.asarray(drawn[rows.account, rows.quarter])
