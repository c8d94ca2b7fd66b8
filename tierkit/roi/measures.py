"""The measures by which tiers are compared, and the sums of account-quarters behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, trainable
from tierkit.crm import Tables
from tierkit.figure import Figure
from tierkit.roi.window_sums import ACTIVITY_COST, KEYS, LARGEST, SUMS, window_sums, won_rows
from tierkit.settings import Settings
from tierkit.statistics import middle_range, ratio, resampled_sums, wilson_range
from tierkit.tiers import tiers_in_force


@dataclass(frozen=True)
class AccountQuarters:
    """Outcomes by the tier in force on the first day of each quarter.

    Attributes
    ----------
    rows
        One row per quarter (`as_of`, its first day) and `account_id` that held a `tier` that day,
        with the sums over `[as_of, as_of + outcome_quarters)` that `tierkit.roi.window_sums` names:
        `won_revenue` (refunds included), `wins_value`, `wins_count`, `cost` and so on. An account
        without a row in a table that the source has counts as zero; where the source lacks the
        table the sum is missing.
    wins
        One row per win with `as_of`, `account_id`, `tier`, `value` and `sales_cycle_days` (whole
        days from created_date to close_date, missing without a created_date).
    quarters, withheld
        Labels of the quarters counted, and of those whose window is not over before `as_of`.
    """

    rows: pd.DataFrame
    wins: pd.DataFrame
    quarters: tuple[str, ...]
    withheld: tuple[str, ...]

    def of(self, *tiers: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows and the wins of some tiers."""
        return (self.rows[self.rows["tier"].isin(tiers)], self.wins[self.wins["tier"].isin(tiers)])


def account_quarters(tables: Tables, *, settings: Settings, as_of: date) -> AccountQuarters:
    """Return the outcomes of every account in every quarter that it began with a tier.

    Parameters
    ----------
    tables
        Trusted tables with `tier_history`.
    settings
        `roi.outcome_quarters` is how long outcomes are watched from the quarter's first day on.
    as_of
        First day that is not yet known; only windows that are over before it count.

    Raises
    ------
    DataError
        If the source has no `tier_history`.
    """
    quarters = _quarters_with_tiers(tables, settings=settings, as_of=as_of)
    calendar, length = settings.fiscal_calendar, settings.roi.outcome_quarters
    starts = trainable([quarter.start for quarter in quarters], as_of, calendar, length)
    held = tiers_in_force(tables, starts).rename(columns={"day": "as_of"})
    counted = [quarter for quarter in quarters if quarter.start in starts]
    windows = [Quarter(q.label, q.start, calendar.window_end(q.start, length)) for q in counted]
    rows = held
    for part in window_sums(tables, settings=settings, windows=windows):
        rows = rows.merge(part, on=KEYS, how="left", validate="1:1")
    wins = won_rows(tables, settings=settings, windows=windows)
    return AccountQuarters(
        rows=rows.reindex(columns=[*held.columns, *SUMS, *LARGEST]).fillna(
            {column: 0.0 for column in rows.columns if column in (*SUMS, *LARGEST)}
        ),
        wins=held.merge(wins, on=KEYS, how="inner", validate="1:m"),
        quarters=tuple(quarter.label for quarter in counted),
        withheld=tuple(quarter.label for quarter in quarters if quarter.start not in starts),
    )


def _quarters_with_tiers(tables: Tables, *, settings: Settings, as_of: date) -> Sequence[Quarter]:
    """Return the quarters from the first tier held on, up to the last that is over."""
    first = tables["tier_history"].select(nw.col("start_date").min()).collect().item()
    return [] if first is None else settings.fiscal_calendar.between(first, as_of)


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
    """The account-quarters and wins of one tier, or of several together.

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


Numbers = dict[str, Any]


Median = Callable[[TierRows], float]
ENDS_WITHOUT = ("low_without_largest", "high_without_largest")


@dataclass(frozen=True)
class Measure:
    """The recipe of one measure.

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
            return unknown(("low", "high"), "all are zero, and zeros tell no range")
        return {"low": low, "high": high}

    def _drawn(self, tier: TierRows, over: str, under: str) -> tuple[float, float]:
        return middle_range(ratio(tier.draws[over].to_numpy(), tier.draws[under].to_numpy()))

    def _largest_deal(self, tier: TierRows) -> Numbers:
        keys = ("largest_deal_share", *ENDS_WITHOUT)
        if not self.largest:
            return unknown(keys, "only a sum of money has a largest deal")
        total, largest = float(tier.rows[self.total].sum()), float(tier.rows[self.largest].max())
        if total <= 0 or largest <= 0:
            return unknown(keys, "there is no deal")
        return {"largest_deal_share": largest / total, **self._range_without(tier)}

    def _range_without(self, tier: TierRows) -> Numbers:
        """Return the range of the mean without the largest deal."""
        over, under = left_out(self.numerator), left_out(self.denominator)
        under = under if under in tier.sums else self.denominator
        if tier.sums[over].sum() <= 0:
            return unknown(ENDS_WITHOUT, "the largest deal is the only one")
        return dict(zip(ENDS_WITHOUT, self._drawn(tier, over, under), strict=True))


def unknown(keys: tuple[str, ...], why: str) -> Numbers:
    """Return None for each key, with its reason.

    Examples
    --------
    >>> unknown(("mean",), "too few to say (n = 4)")
    {'mean': None, 'mean_why': 'too few to say (n = 4)'}
    """
    figure = Figure.unknown(why)
    return {name: value for key in keys for name, value in figure.facts(key).items()}


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
