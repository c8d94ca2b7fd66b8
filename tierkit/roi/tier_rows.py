"""What is known of the accounts of one tier: sums by account, and those sums in resamples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from tierkit.roi.window_sums import ACTIVITY_COST
from tierkit.statistics import resampled_sums

MINUTES_PER_HOUR = 60

LARGEST_OF = {
    "won_revenue": "largest_win_value",
    "wins_value": "largest_win_value",
    "expansion_revenue": "largest_expansion_value",
    "margin": "largest_margin",
    "pipeline_created_amount": "largest_created_amount",
}
"""Sums of money, and the column that holds the largest deal in each."""


@dataclass(frozen=True)
class TierRows:
    """What is known of one tier, or of several together.

    Attributes
    ----------
    rows, wins
        As in `AccountQuarters`.
    seed
        Of the resampling.
    """

    rows: pd.DataFrame
    wins: pd.DataFrame
    seed: int

    @cached_property
    def quarters(self) -> pd.DataFrame:
        """The rows with `effort_hours` and `effort_cost` (costs, and what activities cost)."""
        spent = self.rows[["cost", ACTIVITY_COST]].sum(axis=1)
        hours = self.rows["effort_minutes"] / MINUTES_PER_HOUR
        return self.rows.assign(effort_hours=hours, effort_cost=spent)

    @cached_property
    def sums(self) -> pd.DataFrame:
        """One row per account: the sums that measures divide, and its `quarters`.

        For each sum of money also the sum without the tier's largest deal, and `wins_count` without
        one, named by `left_out`.
        """
        by_account = self.quarters.groupby("account_id")
        sums = by_account.sum(numeric_only=True).assign(
            quarters=by_account.size(),
            closed_count=lambda sums: sums["wins_count"] + sums["losses_count"],
        )
        cycles = self.wins.groupby("account_id")["sales_cycle_days"].agg(["sum", "count"])
        cycles = cycles.reindex(sums.index).fillna(0.0)
        sums = sums.assign(cycle_days=cycles["sum"], cycles_count=cycles["count"]).astype(float)
        return pd.concat([sums, self._without_the_largest(sums)], axis=1)

    @cached_property
    def draws(self) -> pd.DataFrame:
        """The totals of `sums` in samples of accounts."""
        sums = resampled_sums(self.sums.to_numpy(), seed=self.seed)
        return pd.DataFrame(sums, columns=self.sums.columns)

    def _without_the_largest(self, sums: pd.DataFrame) -> pd.DataFrame:
        less = {}
        for total, largest in LARGEST_OF.items():
            less[left_out(total)] = sums[total] - self._largest(largest, sums)
        one = (self._largest("largest_win_value", sums) > 0).astype(float)
        return pd.DataFrame(less).assign(**{left_out("wins_count"): sums["wins_count"] - one})

    def _largest(self, column: str, sums: pd.DataFrame) -> pd.Series[float]:
        """Return the largest deal at the account that has it, 0 at all others."""
        values = self.rows[column].fillna(0.0).to_numpy()
        found = pd.Series(0.0, index=sums.index)
        if len(values) and values.max() > 0:
            place = int(values.argmax())
            found[self.rows["account_id"].iloc[place]] = float(values[place])
        return found


def left_out(column: str) -> str:
    """Return the name of a sum without the largest deal.

    Examples
    --------
    >>> left_out("margin")
    'margin, largest left out'
    """
    return f"{column}, largest left out"
