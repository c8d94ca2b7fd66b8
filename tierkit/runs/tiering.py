"""The stage that turns predicted revenue into tiers, effort and moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pandas as pd

from tierkit.crm import successors
from tierkit.figure import Figure
from tierkit.publishing import Published
from tierkit.runs.run import Run
from tierkit.runs.tier_inputs import account_groups, project_overrides, read_earlier_run
from tierkit.serving import (
    break_even,
    gross_margin,
    hours_by_role,
    role_effort,
    spent_by_tier,
    tier_effort,
)
from tierkit.settings import NEW_AND_EXPANSION, Tier
from tierkit.tiers import (
    AccountContext,
    Decomposition,
    MoveBudget,
    Moves,
    PreviousTiers,
    assign_within_budget,
    capacity_in,
    check_eligibility,
    decompose,
    minimum_stay,
    moved_accounts,
    previous_tiers,
    stability_facts,
    tier_moves,
    why_untiered,
    within_groups,
)

_FURTHEST = 8
_FEW = "too few accounts have won anything to learn from"


@dataclass(frozen=True, repr=False)
class Tiering:
    """The tiers that a run proposes.

    Attributes
    ----------
    assigned
        One row per account that is tiered, overridden, or held a tier before, as `assign_tiers`
        returns it, with the columns of the predictions beside.
    untiered
        One row per account without a tier: `account_id`, `reason`.
    budget
        What the move budget did.
    decomposition
        The parts of every move, which add up to it.
    tier_effort, role_effort, break_even
        What the entitlements of these tiers ask for.
    """

    assigned: pd.DataFrame
    untiered: pd.DataFrame
    overrides: pd.DataFrame
    previous: PreviousTiers
    moves: Moves
    budget: MoveBudget
    decomposition: Decomposition
    tier_effort: pd.DataFrame
    role_effort: pd.DataFrame
    break_even: pd.DataFrame

    def __repr__(self) -> str:
        """Return the sizes of the tiers, and how many accounts move."""
        sizes = self.tiered["tier"].value_counts(sort=False)
        tiers = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        moved = f"{self.moves.up:,} accounts move up, {self.moves.down:,} down"
        return f"Tiers: {tiers}; {len(self.untiered):,} accounts have none\n{moved}"

    def to_frame(self) -> pd.DataFrame:
        """Return a row per account that is tiered, overridden, or held a tier before."""
        return self.assigned

    @property
    def tiered(self) -> pd.DataFrame:
        """The accounts that have a tier, best rank first."""
        return self.assigned[self.assigned["tier"].notna()]

    @property
    def moved(self) -> pd.DataFrame:
        """The accounts whose tier changes, with the parts of the change."""
        found = moved_accounts(self.assigned)
        return found.join(self.decomposition.accounts, how="left", validate="1:1")


def tier_accounts(run: Run, predictions: pd.DataFrame) -> Tiering:
    """Give each account in scope a tier.

    Parameters
    ----------
    predictions
        One row per account_id that existed at `as_of`: `predicted_revenue`, `score`, and whatever
        else shall stand beside the tier.

    Raises
    ------
    SettingsError
        If a rule of the ICP names an unknown column.
    DataError
        With every problem of `overrides.csv`.
    """
    accounts = run.accounts()
    groups = account_groups(run.tables, accounts, settings=run.settings, as_of=run.as_of)
    eligible = within_groups(
        check_eligibility(accounts, where=run.settings.icp.where),
        groups,
        within=run.settings.tiering.within,
    )
    previous = held_before(run)
    overrides = project_overrides(run.settings, run.tables, as_of=run.as_of, groups=groups)
    in_scope = predictions.index.intersection(eligible.index[eligible["eligible"]])
    context = AccountContext(
        columns=accounts.set_index("account_id"),
        groups=groups,
        quarters_held=previous.quarters_held,
        held_by_model=previous.by_model,
    )
    assignment = assign_within_budget(
        by_value(run, predictions).loc[in_scope, ["predicted_revenue", "score"]],
        tiers=run.settings.tiers,
        stability=run.settings.stability,
        previous=previous.tiers,
        overrides=overrides,
        context=context,
    )
    beside = predictions.drop(columns=["score"])
    assigned = assignment.accounts.join(beside, how="left", validate="1:1")
    tiered = assigned.index[assigned["tier"].notna()]
    left_out = why_untiered(eligible, tiered=tiered, existing=predictions.index)
    return Tiering(
        assigned=assigned,
        untiered=left_out.rename_axis("account_id").reset_index(),
        overrides=overrides,
        previous=previous,
        moves=tier_moves(assigned),
        budget=assignment.budget,
        decomposition=decompose(
            assigned,
            moved=moved_accounts(assigned).index,
            tiers=run.settings.tiers,
            earlier=read_earlier_run(run, last_published(run)) if is_cut_on_revenue(run) else None,
        ),
        **_effort(run, assigned),
    )


def is_cut_on_revenue(run: Run) -> bool:
    """Return whether tiers are cut on predicted revenue alone."""
    return run.settings.target.value == NEW_AND_EXPANSION


def by_value(run: Run, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return `predictions` with the value that tiers are cut on as score and as amount.

    They stay as they are where tiers are cut on predicted revenue.

    Raises
    ------
    SettingsError
        If margin is asked for and none is known.
    """
    if is_cut_on_revenue(run):
        return predictions
    from tierkit.customers import account_value

    value = account_value(
        predictions["predicted_revenue"],
        run.tables,
        run.outlook,
        settings=run.settings,
        as_of=run.as_of,
    )
    return predictions.assign(predicted_revenue=value, score=value)


def held_before(run: Run) -> PreviousTiers:
    """Return the tiers held before the run, and for how long as far as the settings ask."""
    stays = [minimum_stay(tier, run.settings.stability) for tier in run.settings.tiers]
    calendar = run.settings.fiscal_calendar
    earlier = [calendar.shift(run.quarter, -n) for n in range(1, max(stays))]
    return previous_tiers(
        run.tables,
        as_of=run.as_of,
        published=[report.tiers["tier"] for report in _published_before(run, max(stays))],
        earlier_days=[quarter.end for quarter in earlier],
        successors=successors(run.tables),
    )


def last_published(run: Run) -> Published | None:
    """Return the newest published report of an earlier quarter, None without one."""
    found = _published_before(run, 0)
    return found[0] if found else None


def _published_before(run: Run, runs: int) -> list[Published]:
    """Return the newest published report of an earlier quarter and so many right before it."""
    calendar = run.settings.fiscal_calendar
    by_quarter = {report.quarter: report for report in run.earlier.reports}
    quarters = [calendar.shift(run.quarter, -n) for n in range(1, _FURTHEST + 1)]
    newest = next((n for n, quarter in enumerate(quarters) if quarter in by_quarter), _FURTHEST)
    in_a_row = takewhile(by_quarter.__contains__, quarters[newest : newest + 1 + runs])
    return [by_quarter[quarter] for quarter in in_a_row]


def tier_facts(
    run: Run,
    tiering: Tiering,
    *,
    totals: pd.DataFrame,
    pipeline: pd.DataFrame,
    slots: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return what `facts.json` says of each tier.

    Parameters
    ----------
    totals
        By tier: `predicted_revenue`, `low`, `high`, and `why` where a range cannot be said.
    pipeline
        By tier: `predicted_pipeline`, and `why` where it cannot be said.
    slots
        By tier what one more slot is worth, as `tierkit.serving.sizes.slot_values` gives it.
    """
    tiers, roles = run.settings.tiers, run.settings.roles
    by_role = hours_by_role(_counts(tiering.assigned, tiers), tiers=tiers, roles=roles)
    held = tiering.previous.tiers.value_counts()
    everything = float(totals["predicted_revenue"].sum())
    facts = []
    for tier in run.settings.tiers:
        money, deals = _row(totals, tier.name), _row(pipeline, tier.name)
        effort = _row(tiering.tier_effort, tier.name)
        share = money["predicted_revenue"] / everything if everything else None
        before = int(held.get(tier.name, 0)) if len(held) else None
        revenue = Figure.of(money["predicted_revenue"], money["why"], low=money["low"],
                            high=money["high"])  # fmt: skip
        facts.append(
            {
                "tier": tier.name,
                "label": tier.label,
                "accounts": int(effort["accounts"]),
                **_capacity(tier, tiering),
                **Figure.of(before, "no earlier tiers are known").facts("previous_accounts"),
                **revenue.facts("predicted_revenue", low="low", high="high"),
                **Figure.of(share, "no revenue is predicted").facts("share_of_predicted_revenue"),
                **Figure.of(deals["predicted_pipeline"], deals["why"]).facts("predicted_pipeline"),
                **_sum(tiering, tier.name, "won_probability").facts("predicted_winners"),
                **_sum(tiering, tier.name, "predicted_wins").facts("predicted_wins"),
                **effort["hours"].facts("hours"),
                **effort["cost"].facts("cost"),
                "entitlement_hours_by_role": by_role[tier.name],
                **slots[tier.name],
            }
        )
    return facts


def _capacity(tier: Tier, tiering: Tiering) -> dict[str, Any]:
    """Return the capacity of a tier, over all groups together."""
    rules = " and ".join([*tier.sizes, *(["a written rule"] if tier.where else [])])
    why = f"it is filled by {rules.replace('_', ' ')}" if rules else "it takes the rest"
    if tier.capacity is None:
        return Figure.unknown(why).facts("capacity")
    ranked = tiering.assigned[tiering.assigned["rank"].notna()]
    groups = sorted(ranked["group"].unique()) or [""]
    return {"capacity": sum(capacity_in(tier, group) for group in groups)}


def _sum(tiering: Tiering, tier: str, column: str) -> Figure:
    """Return the sum over a tier's accounts of what stands beside their predictions."""
    if column not in tiering.tiered.columns:
        return Figure.unknown(_FEW)
    of_tier = tiering.tiered.loc[tiering.tiered["tier"] == tier, column]
    return Figure.of(of_tier.sum(min_count=1), _FEW)


def move_facts(run: Run, tiering: Tiering) -> dict[str, Any]:
    """Return the moves, their parts, and what stability saved and cost."""
    return {
        **tiering.moves.facts(),
        "decomposition": tiering.decomposition.facts(),
        "stability": stability_facts(
            tiering.assigned, tiers=run.settings.tiers, budget=tiering.budget
        ),
    }


def override_facts(tiering: Tiering) -> dict[str, Any]:
    """Return how many overrides are in force, how many wait for review, and the money they hold."""
    waiting = tiering.overrides[tiering.overrides["expired"]]
    money = tiering.assigned["predicted_revenue"].reindex(waiting["account_id"])
    since = str(min(waiting["review_on"]))[:10] if len(waiting) else None
    return {
        "in_force": len(tiering.overrides),
        "expired": len(waiting),
        "expired_predicted_revenue": float(money.sum()),
        "expired_since": since,
        **({} if since else {"expired_since_why": "no override waits for a review"}),
        "expired_set_by": {
            str(name): int(many)
            for name, many in waiting["set_by"].value_counts(sort=False).sort_index().items()
        },
    }


def _effort(run: Run, assigned: pd.DataFrame) -> dict[str, pd.DataFrame]:
    tiers, roles = run.settings.tiers, run.settings.roles
    counts = _counts(assigned, tiers)
    margin = gross_margin(run.tables, settings=run.settings, as_of=run.as_of)
    revenue = assigned.groupby("tier", observed=True)["predicted_revenue"].sum()
    return {
        "tier_effort": tier_effort(counts, tiers=tiers, roles=roles),
        "role_effort": role_effort(counts, tiers=tiers, roles=roles),
        "break_even": break_even(
            counts,
            {str(tier): float(money) for tier, money in revenue.items()},
            horizon_quarters=run.settings.target.horizon_quarters,
            tiers=tiers,
            roles=roles,
            margin=margin.share,
            spent=spent_by_tier(run.tables, settings=run.settings, as_of=run.as_of),
        ),
    }


def _counts(assigned: pd.DataFrame, tiers: Sequence[Tier]) -> dict[str, int]:
    return {tier.name: int((assigned["tier"] == tier.name).sum()) for tier in tiers}


def _row(table: pd.DataFrame, name: str) -> dict[str, Any]:
    return {str(column): value for column, value in table.loc[name].items()}
