"""The stage that holds effort against value, against what was promised and what the team has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from tierkit.calendar import Quarter, complete_quarter_ends
from tierkit.effort.alike import Alike, treated_alike
from tierkit.effort.delivered import delivered_entitlements
from tierkit.effort.frontier import largest_size, size_frontier
from tierkit.effort.margin import Margin, gross_margin
from tierkit.effort.proportion import (
    Estimate,
    concentration,
    effort_index,
    lorenz_curve,
    tier_index,
)
from tierkit.effort.received import EffortReceived, effort_received
from tierkit.effort.slots import slot_values
from tierkit.recalibration.tiering import Tiering
from tierkit.recalibration.work import Work
from tierkit.tiers.effort import tier_break_even

DELIVERED_QUARTERS = 4


@dataclass(frozen=True)
class EffortStudy:
    """Effort received, promised, delivered, and what other sizes of tiers would ask.

    Attributes
    ----------
    received
        What was done for accounts.
    accounts
        One row per tiered account, by rank: `tier`, `value`, `effort`, `effort_index`,
        `excess_effort`, `served` (`over`, `under` or empty). No rows without effort.
    by_tier, curve, concentration, relative
        As `tierkit.effort.proportion` gives them; `relative` is effort's concentration over
        value's.
    delivered, delivered_why
        As `tierkit.effort.delivered` gives them.
    frontier, largest
        What other sizes would ask, and the largest size that the team could serve, by tier.
    break_even
        As `tier_break_even` returns it, and the `margin` in it.
    """

    received: EffortReceived
    accounts: pd.DataFrame
    by_tier: pd.DataFrame
    curve: pd.DataFrame
    concentration: Estimate
    relative: Estimate
    alike: Alike
    delivered: pd.DataFrame
    delivered_why: str
    frontier: pd.DataFrame
    largest: dict[str, int | None]
    break_even: pd.DataFrame
    margin: Margin


def study_effort(work: Work, tiering: Tiering) -> EffortStudy:
    """Hold the effort that accounts received against their value and their entitlements."""
    settings, tiered = work.settings, tiering.tiered
    received = effort_received(work.tables, as_of=work.as_of, quarters=settings.effort.quarters)
    value = tiered["predicted_revenue"].dropna().clip(lower=0.0).astype(float)
    proportion = effort_index(value, received.by_account)
    spent = not received.why and proportion["effort"].sum() > 0
    known = proportion if spent else proportion.iloc[:0]
    tier = tiered["tier"].reindex(known.index)
    seed = settings.model.seed
    of_effort, relative = _concentration(known, seed=seed)
    delivered, why = delivered_entitlements(work.tables, last_quarters(work), settings=settings)
    ranked = _by_rank(tiered)
    margin = gross_margin(work.tables, settings=settings, as_of=work.as_of)
    return EffortStudy(
        received=received,
        accounts=_accounts(known, tier, work),
        by_tier=tier_index(known, tier, seed=seed) if spent else pd.DataFrame(),
        curve=lorenz_curve(known) if spent else pd.DataFrame(),
        concentration=of_effort,
        relative=relative,
        alike=treated_alike(
            known,
            relative,
            received,
            below=settings.effort.alike_share,
            fewest=settings.run.min_group,
        ),
        delivered=delivered,
        delivered_why=why,
        frontier=size_frontier(ranked, tiers=settings.tiers, roles=settings.roles),
        largest={
            tier.name: largest_size(ranked, number, tiers=settings.tiers, roles=settings.roles)
            for number, tier in enumerate(settings.tiers)
            if tier.capacity
        },
        break_even=tier_break_even(
            tiering.tier_effort,
            _revenue(tiering),
            horizon_quarters=settings.target.horizon_quarters,
            margin=margin.share,
        ),
        margin=margin,
    )


def last_quarters(work: Work) -> list[Quarter]:
    """Return the last quarters before `as_of` of which activities are known from the first day."""
    if "activities" not in work.tables:
        return []
    first = work.tables["activities"].select(nw.col("date").min()).collect().item()
    if first is None:
        return []
    calendar = work.settings.fiscal_calendar
    month = first.replace(day=1)  # who starts to write down in a month knows that month
    ends = complete_quarter_ends(calendar, month, work.as_of, look_back=1, horizon=0)
    return [calendar.ending_at(end) for end in ends][-DELIVERED_QUARTERS:]


def slot_facts(work: Work) -> dict[str, dict[str, Any]]:
    """Return by tier what one more slot is worth, from the comparison that the run has left."""
    settings = work.settings
    return slot_values(
        work.read_facts("roi")["roi"]["boundaries"],
        tiers=settings.tiers,
        roles=settings.roles,
        outcome_quarters=settings.roi.outcome_quarters,
        margin=gross_margin(work.tables, settings=settings, as_of=work.as_of).share,
    )


def _accounts(proportion: pd.DataFrame, tier: pd.Series[str], work: Work) -> pd.DataFrame:
    limits = work.settings.effort
    index = proportion["effort_index"]
    served = pd.Series("", index=proportion.index, dtype="str")
    served = served.mask(index >= limits.over_served, "over")
    served = served.mask(index <= limits.under_served, "under")
    return proportion.assign(tier=tier.astype("str"), served=served)


def _concentration(proportion: pd.DataFrame, *, seed: int) -> tuple[Estimate, Estimate]:
    if proportion.empty or not proportion["value"].sum() > 0:
        nothing = Estimate(float("nan"), float("nan"), float("nan"))
        return nothing, nothing
    return concentration(proportion, seed=seed)


def _by_rank(tiered: pd.DataFrame) -> pd.Series[float]:
    ranked = tiered[tiered["rank"].notna()].sort_values("rank", kind="stable")
    return ranked["predicted_revenue"].astype(float)


def _revenue(tiering: Tiering) -> dict[str, float]:
    sums = tiering.tiered.groupby("tier", observed=True)["predicted_revenue"].sum()
    return {str(tier): float(money) for tier, money in sums.items()}
