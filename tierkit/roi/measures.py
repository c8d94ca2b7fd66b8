"""The measures by which tiers are compared: each is one sum over accounts divided by another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from tierkit.roi.resampling import middle_range, ratio, resampled_sums, wilson_range

Numbers = dict[str, Any]


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
    def sums(self) -> pd.DataFrame:
        """One row per account: the sums that measures divide, and its `quarters`."""
        by_account = self.rows.groupby("account_id")
        sums = by_account.sum(numeric_only=True).assign(
            quarters=by_account.size(),
            closed_count=lambda sums: sums["wins_count"] + sums["losses_count"],
        )
        cycles = self.wins.groupby("account_id")["sales_cycle_days"].agg(["sum", "count"])
        cycles = cycles.reindex(sums.index).fillna(0.0)
        return sums.assign(cycle_days=cycles["sum"], cycles_count=cycles["count"]).astype(float)

    @cached_property
    def draws(self) -> pd.DataFrame:
        """The totals of `sums` in samples of accounts."""
        sums = resampled_sums(self.sums.to_numpy(), seed=self.seed)
        return pd.DataFrame(sums, columns=self.sums.columns)


Median = Callable[[TierRows], float]


@dataclass(frozen=True)
class Measure:
    """How one measure is computed.

    Attributes
    ----------
    numerator, denominator
        Columns of `TierRows.sums`; the measure is the ratio of their totals.
    median
        Its median over account-quarters, wins or accounts.
    largest, total
        Columns of `TierRows.rows`: the maximum of one over the sum of the other is the share of the
        largest deal. Empty where the measure is no sum of money.
    needs
        The column of `opportunities` without which it cannot be said.
    is_rate
        Whether it lies between 0 and 1.
    """

    numerator: str
    denominator: str
    median: Median
    largest: str = ""
    total: str = ""
    needs: str = ""
    is_rate: bool = False

    def accounts(self, tier: TierRows) -> int:
        """Return how many accounts have anything to divide by."""
        return int((tier.sums[self.denominator] > 0).sum())

    def numbers(self, tier: TierRows) -> Numbers:
        """Return mean, range, median and largest deal's share; None with a reason if need be."""
        over, under = (float(tier.sums[x].sum()) for x in (self.numerator, self.denominator))
        return {
            "mean": over / under,
            **self._range(tier, over, under),
            "median": self.median(tier),
            **self._largest_deal_share(tier),
        }

    def _range(self, tier: TierRows, over: float, under: float) -> Numbers:
        sums = (tier.draws[x].to_numpy() for x in (self.numerator, self.denominator))
        low, high = middle_range(ratio(*sums))
        if low < high:
            return {"low": low, "high": high}
        if self.is_rate:
            low, high = wilson_range(over, under)
            return {"low": low, "high": high}
        if over == 0:
            return unsaid(("low", "high"), "all are zero, and zeros tell no range")
        return {"low": low, "high": high}

    def _largest_deal_share(self, tier: TierRows) -> Numbers:
        key = "largest_deal_share"
        if not self.largest:
            return unsaid((key,), "only a sum of money has a largest deal")
        total = float(tier.rows[self.total].sum())
        if total <= 0:
            return unsaid((key,), "there is no deal")
        return {key: float(tier.rows[self.largest].max()) / total}


def unsaid(keys: tuple[str, ...], why: str) -> Numbers:
    """Return None for each key with the reason beside it.

    Examples
    --------
    >>> unsaid(("mean",), "too few to say (n = 4)")
    {'mean': None, 'mean_why': 'too few to say (n = 4)'}
    """
    return {name: value for key in keys for name, value in ((key, None), (f"{key}_why", why))}


def _median_quarter(column: str) -> Median:
    return lambda tier: float(tier.rows[column].median())


def _median_win(column: str) -> Median:
    return lambda tier: float(tier.wins[column].median())


def _median_account_win_rate(tier: TierRows) -> float:
    closed = tier.sums[tier.sums["closed_count"] > 0]
    return float((closed["wins_count"] / closed["closed_count"]).median())


MEASURES: Mapping[str, Measure] = {
    "won_revenue": Measure(
        "won_revenue", "quarters", _median_quarter("won_revenue"),
        largest="largest_win_value", total="wins_value",
    ),
    "wins": Measure("wins_count", "quarters", _median_quarter("wins_count")),
    "win_rate": Measure("wins_count", "closed_count", _median_account_win_rate, is_rate=True),
    "deal_size": Measure(
        "wins_value", "wins_count", _median_win("value"),
        largest="largest_win_value", total="wins_value",
    ),
    "sales_cycle_days": Measure(
        "cycle_days", "cycles_count", _median_win("sales_cycle_days"), needs="created_date",
    ),
    "pipeline_created": Measure(
        "pipeline_created_amount", "quarters", _median_quarter("pipeline_created_amount"),
        largest="largest_created_amount", total="pipeline_created_amount", needs="created_date",
    ),
}  # fmt: skip
