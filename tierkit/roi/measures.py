"""The measures by which tiers are compared: each is one sum over accounts divided by another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tierkit.roi.tier_rows import TierRows, left_out
from tierkit.statistics import middle_range, ratio, wilson_range

Numbers = dict[str, Any]


Median = Callable[[TierRows], float]
ENDS_WITHOUT = ("low_without_largest", "high_without_largest")


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
        The table and the columns without which it cannot be said.
    is_rate
        Whether it is a share of events, so that none or all of them still have a range.
    """

    numerator: str
    denominator: str
    median: Median
    largest: str = ""
    total: str = ""
    needs: tuple[str, ...] = ()
    is_rate: bool = False

    def accounts(self, tier: TierRows) -> int:
        """Return how many accounts have anything to divide by."""
        return int((tier.sums[self.denominator] > 0).sum())

    def numbers(self, tier: TierRows) -> Numbers:
        """Return mean, range, median, the largest deal's share and the range without it.

        What cannot be said is None with a reason.
        """
        over, under = (float(tier.sums[x].sum()) for x in (self.numerator, self.denominator))
        return {
            "mean": over / under,
            **self._range(tier, over, under),
            "median": self.median(tier),
            **self._largest_deal(tier),
        }

    def _range(self, tier: TierRows, over: float, under: float) -> Numbers:
        low, high = self._drawn(tier, self.numerator, self.denominator)
        if low < high:
            return {"low": low, "high": high}
        if self.is_rate:
            low, high = wilson_range(over, under)
            return {"low": low, "high": high}
        if over == 0:
            return unsaid(("low", "high"), "all are zero, and zeros tell no range")
        return {"low": low, "high": high}

    def _drawn(self, tier: TierRows, over: str, under: str) -> tuple[float, float]:
        return middle_range(ratio(tier.draws[over].to_numpy(), tier.draws[under].to_numpy()))

    def _largest_deal(self, tier: TierRows) -> Numbers:
        keys = ("largest_deal_share", *ENDS_WITHOUT)
        if not self.largest:
            return unsaid(keys, "only a sum of money has a largest deal")
        total, largest = float(tier.rows[self.total].sum()), float(tier.rows[self.largest].max())
        if total <= 0 or largest <= 0:
            return unsaid(keys, "there is no deal")
        return {"largest_deal_share": largest / total, **self._range_without(tier)}

    def _range_without(self, tier: TierRows) -> Numbers:
        """Return the range of the mean without the largest deal."""
        over, under = left_out(self.numerator), left_out(self.denominator)
        under = under if under in tier.sums else self.denominator
        if tier.sums[over].sum() <= 0:
            return unsaid(ENDS_WITHOUT, "the largest deal is the only one")
        return dict(zip(ENDS_WITHOUT, self._drawn(tier, over, under), strict=True))


def unsaid(keys: tuple[str, ...], why: str) -> Numbers:
    """Return None for each key with the reason beside it.

    Examples
    --------
    >>> unsaid(("mean",), "too few to say (n = 4)")
    {'mean': None, 'mean_why': 'too few to say (n = 4)'}
    """
    return {name: value for key in keys for name, value in ((key, None), (f"{key}_why", why))}


def _median_quarter(column: str) -> Median:
    return lambda tier: float(tier.quarters[column].median())


def _median_win(column: str) -> Median:
    return lambda tier: float(tier.wins[column].median())


def _median_account(over: str, under: str) -> Median:
    def median(tier: TierRows) -> float:
        known = tier.sums[tier.sums[under] > 0]
        return float((known[over] / known[under]).median())

    return median


def _median_measurement(signal: str) -> Median:
    def median(tier: TierRows) -> float:
        known = tier.rows[tier.rows[f"{signal}_count"] > 0]
        return float((known[f"{signal}_sum"] / known[f"{signal}_count"]).median())

    return median


def _a_quarter(
    column: str, *, largest: str = "", total: str = "", needs: tuple[str, ...] = ()
) -> Measure:
    """Return a measure per account and window."""
    median = _median_quarter(column)
    return Measure(column, "quarters", median, largest=largest, total=total, needs=needs)


def _of_start(column: str) -> Measure:
    """Return a measure per annual value under contract on the first day."""
    median = _median_account(column, "start_value")
    return Measure(column, "start_value", median, needs=("contracts",))


def _measured(signal: str) -> Measure:
    over, under = f"{signal}_sum", f"{signal}_count"
    return Measure(over, under, _median_measurement(signal), needs=("signals",))


MEASURES: Mapping[str, Measure] = {
    "won_revenue": _a_quarter(
        "won_revenue", largest="largest_win_value", total="wins_value"
    ),
    "wins": _a_quarter("wins_count"),
    "win_rate": Measure(
        "wins_count", "closed_count", _median_account("wins_count", "closed_count"), is_rate=True
    ),
    "deal_size": Measure(
        "wins_value", "wins_count", _median_win("value"),
        largest="largest_win_value", total="wins_value",
    ),
    "sales_cycle_days": Measure(
        "cycle_days", "cycles_count", _median_win("sales_cycle_days"),
        needs=("opportunities", "created_date"),
    ),
    "pipeline_created": _a_quarter(
        "pipeline_created_amount", largest="largest_created_amount",
        total="pipeline_created_amount", needs=("opportunities", "created_date"),
    ),
    "expansion": _a_quarter(
        "expansion_revenue", largest="largest_expansion_value", total="expansion_revenue"
    ),
    "gross_retention": _of_start("kept_value"),
    "net_retention": _of_start("end_value"),
    "logo_churn": Measure(
        "churned_count", "under_contract_count",
        _median_account("churned_count", "under_contract_count"), needs=("contracts",),
        is_rate=True,
    ),
    "margin": _a_quarter(
        "margin", largest="largest_margin", total="margin", needs=("opportunities", "cost")
    ),
    "satisfaction": _measured("satisfaction"),
    "usage": _measured("usage"),
    "effort_hours": _a_quarter(
        "effort_hours", needs=("activities", "direction", "minutes")
    ),
    "effort_cost": _a_quarter("effort_cost"),
    "revenue_per_cost_raw": Measure(
        "won_revenue", "effort_cost", _median_account("won_revenue", "effort_cost")
    ),
}  # fmt: skip
"""Every measure of a tier, in the order of the report."""
