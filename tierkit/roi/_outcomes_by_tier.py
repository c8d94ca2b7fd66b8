"""Outcomes by tier side by side: raw differences, before adjusting for who was picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from tierkit.crm import Tables
from tierkit.figure import Figure
from tierkit.roi.measures import (
    ENDS_WITHOUT,
    MEASURES,
    AccountQuarters,
    Numbers,
    TierRows,
    account_quarters,
    unknown,
)
from tierkit.roi.window_sums import SIGNALS
from tierkit.settings import Settings

NO_HISTORY = (
    "Outcomes by tier need the tiers that were in force: record in tier_history which account held "
    "which tier from which day on. `tierkit accept QUARTER` writes it when tiers take force."
)
_NUMBERS = ("mean", "low", "high", "median", "largest_deal_share", *ENDS_WITHOUT)
NO_COSTS = "needs the table costs, or activities.cost"
COSTED_SHARE = 0.8
"""Below this share of won revenue with a known cost, margins are not stated."""


@dataclass(frozen=True)
class TierOutcomes:
    """The outcomes of the accounts of each tier.

    Attributes
    ----------
    rows
        One mapping per tier and measure, as `facts.json` holds them.
    quarters, withheld
        Labels of the quarters counted, and of those whose outcomes are not complete.
    why
        A sentence where there are no rows or some quarters are withheld; empty otherwise.
    source
        The rows behind it, None without `tier_history`.
    """

    rows: tuple[Mapping[str, Any], ...]
    quarters: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    why: str = ""
    source: AccountQuarters | None = None

    def facts(self) -> list[dict[str, Any]]:
        """Return plain values, as `facts.json` holds them."""
        return [dict(row) for row in self.rows]


def outcomes_by_tier(tables: Tables, *, settings: Settings, as_of: date) -> TierOutcomes:
    """Compare what came of the accounts of each tier, by the tier held when each quarter began.

    Per account and window of `roi.outcome_quarters` quarters: `won_revenue`, `pipeline_created`,
    `expansion`, `margin` (won deals whose cost is known), `effort_cost` (costs, and what activities
    cost) in money; `wins`; `effort_hours` of our own activities. `win_rate` is wins over closed
    deals, `deal_size` money per win, `sales_cycle_days` days per win, `gross_retention` and
    `net_retention` shares of the annual value under contract on the first day (growth left out, and
    included), `logo_churn` the share of accounts under contract that have none when the window
    ends, `usage` and `satisfaction` means of what `signals` measured, `revenue_per_cost_raw` won
    revenue over `effort_cost`, before adjusting for who was picked. Accounts without a deal count
    as zero, not as missing.

    Returns
    -------
    TierOutcomes
        Per tier and measure: `mean`, its 80 % range `low` to `high` (accounts resampled with all
        their quarters), `median`, `largest_deal_share`, the range `low_without_largest` to
        `high_without_largest` that the mean has without that deal, `accounts`, `account_quarters`,
        and `cost` (money spent per account and window). What cannot be said is None, with
        `<key>_why`. A tier with fewer accounts than `run.min_group` behind a measure is too
        few to say.
    """
    if "tier_history" not in tables:
        return TierOutcomes((), why=NO_HISTORY)
    source = account_quarters(tables, settings=settings, as_of=as_of)
    if source.rows.empty:
        why = _withheld(source.withheld) or f"tier_history has no tier in force. {NO_HISTORY}"
        return TierOutcomes((), withheld=source.withheld, why=why, source=source)
    reasons, min_group = _unknown_measures(tables, source), settings.run.min_group
    rows = []
    for number, name in enumerate(tier_order(source.rows["tier"], settings)):
        tier = TierRows(*source.of(name), seed=settings.model.seed + number)
        spent = _cost(tables, tier, min_group=min_group)
        rows += _tier_rows(name, tier, spent=spent, reasons=reasons, min_group=min_group)
    return TierOutcomes(
        tuple(rows), source.quarters, source.withheld, _withheld(source.withheld), source
    )


def tier_order(names: pd.Series[str], settings: Settings) -> list[str]:
    """Return the tiers that occur: those of the settings in their order, then others by name."""
    found = set(names.unique())
    ours = [tier.name for tier in settings.tiers if tier.name in found]
    return [*ours, *sorted(found.difference(ours))]


def _withheld(quarters: Sequence[str]) -> str:
    if not quarters:
        return ""
    verb = "is" if len(quarters) == 1 else "are"
    return f"{', '.join(quarters)} {verb} left out: the window of outcomes is not over yet."


def _tier_rows(
    name: str, tier: TierRows, *, spent: Numbers, reasons: Mapping[str, str], min_group: int
) -> list[dict[str, Any]]:
    """Return the rows of one tier, one per measure."""
    counts = {"accounts": len(tier.sums), "account_quarters": len(tier.rows)}
    made = []
    for key, measure in MEASURES.items():
        with_any = measure.accounts(tier)
        too_few = f"too few to say (n = {with_any})" if with_any < min_group else ""
        why = reasons.get(key, too_few)
        numbers = unknown(_NUMBERS, why) if why else measure.numbers(tier)
        made.append({"tier": name, "measure": key, **numbers, **counts, **spent})
    return made


def _unknown_measures(tables: Tables, source: AccountQuarters) -> dict[str, str]:
    """Return the measures that the source cannot tell for any tier, with the reason."""
    reasons = {
        key: f"needs {_spoken(*measure.needs)}"
        for key, measure in MEASURES.items()
        if measure.needs and not tables.has(*measure.needs)
    }
    rows = source.rows
    if not rows["losses_count"].any():
        reasons["win_rate"] = "no lost deals are recorded"
    if not rows["expansion_revenue"].any():
        reasons["expansion"] = "no deal is an expansion; target.revenue_types says which types are"
    if "margin" not in reasons and (why := _uncosted(rows)):
        reasons["margin"] = why
    for signal in SIGNALS:
        if signal not in reasons and not rows[f"{signal}_count"].any():
            reasons[signal] = f"signals has no measurement named {signal}"
    if not (rows["cost"].any() or rows["activity_cost"].any()):
        reasons |= dict.fromkeys(("effort_cost", "revenue_per_cost_raw"), NO_COSTS)
    return reasons


def _spoken(table: str, *columns: str) -> str:
    """Return what a measure needs, in words.

    Examples
    --------
    >>> _spoken("contracts"), _spoken("activities", "direction", "minutes")
    ('the table contracts', 'activities.direction and activities.minutes')
    """
    return " and ".join(f"{table}.{column}" for column in columns) or f"the table {table}"


def _uncosted(rows: pd.DataFrame) -> str:
    """Return why margins cannot be stated, empty where nearly all of the revenue has a cost."""
    won = float(rows["won_amount"].sum())
    share = float(rows["costed_amount"].sum()) / won if won > 0 else 0.0
    if share >= COSTED_SHARE:
        return ""
    return f"a cost is known for {100 * share:.0f} % of won revenue, and it takes 80 %"


def _cost(tables: Tables, tier: TierRows, *, min_group: int) -> Numbers:
    """Return the money spent per account and window."""
    if "costs" not in tables and not tables.has("activities", "cost"):
        return Figure.unknown(NO_COSTS).facts("cost")
    if len(tier.sums) < min_group:
        return Figure.unknown(f"too few to say (n = {len(tier.sums)})").facts("cost")
    return {"cost": float(tier.quarters["effort_cost"].mean())}
