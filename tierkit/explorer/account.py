"""One account as the explorer shows it, explained by what explains it everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.models import BY_COLUMN, account_ranges
from tierkit.tiers import (
    TierExplanation,
    check_eligibility,
    explain_tier,
    why_untiered,
    within_groups,
)

if TYPE_CHECKING:
    from tierkit.explorer.view import View
    from tierkit.settings import Tier


@dataclass(frozen=True)
class AccountView:
    """Everything that the explorer shows of one account.

    Attributes
    ----------
    tier
        Empty without one.
    rank
        None where the account is not ranked.
    standing
        Its tier in a sentence, or why it has none.
    explained
        What it is predicted by and what would move it; None where nothing was known of it at
        `as_of`.
    low, high
        The range that holds its revenue in 8 of 10 cases; None where it is not known.
    override
        The row of `overrides.csv`, None without one.
    wins, tiers, effort
        As in `AccountHistory`.
    entitled
        What the tier entitles it to a quarter: `activity`, `role`, `per_quarter`, `hours`.
    """

    account: str
    name: str
    tier: str
    rank: int | None
    standing: str
    explained: TierExplanation | None
    low: float | None
    high: float | None
    override: dict[str, Any] | None
    wins: pd.DataFrame
    tiers: pd.DataFrame
    effort: pd.DataFrame | None
    entitled: pd.DataFrame

    @property
    def predicted(self) -> float | None:
        """Predicted revenue; None where nothing was known of the account."""
        return None if self.explained is None else self.explained.predicted_revenue


def account_view(view: View, account: str) -> AccountView:
    """Return everything that is shown of one account.

    Raises
    ------
    SettingsError
        If there is no such account.
    """
    basis = view.basis
    if account not in basis.accounts.index:
        raise SettingsError(f"no account {account}.")
    tiered = account in view.tiered.index
    tier = str(view.tiered["tier"].loc[account]) if tiered else ""
    untiered = "" if tiered else _why_untiered(view, account)
    explained = _explained(view, account, untiered)
    low, high = _range(view, explained)
    overrides = view.overrides[view.overrides["account_id"] == account]
    return AccountView(
        account=account,
        name=str(basis.names.loc[account]),
        tier=tier,
        rank=_rank(view, account),
        standing=_standing(explained, tier, untiered),
        explained=explained,
        low=low,
        high=high,
        override=None if overrides.empty else dict(overrides.iloc[0]),
        wins=basis.history.wins(account),
        tiers=basis.history.tiers(account),
        effort=basis.history.effort(account),
        entitled=_entitled(view.settings.tiers, tier),
    )


def _rank(view: View, account: str) -> int | None:
    candidate = view.basis.candidates.ids.get_loc(account)
    place = np.flatnonzero(view.placed.order == candidate)
    if not len(place) or np.isnan(view.placed.scores[place[0]]):
        return None
    return int(place[0]) + 1


def _explained(view: View, account: str, untiered: str) -> TierExplanation | None:
    if account not in view.basis.ids:
        return None
    return explain_tier(
        view.model,
        view.basis.now.values.loc[[account]],  # noqa: PD011 (a panel's rows)
        view.tiered,
        tiers=view.settings.tiers,
        stability=view.settings.stability,
        untiered=untiered,
    )


def _standing(explained: TierExplanation | None, tier: str, untiered: str) -> str:
    if explained is not None:
        return explained.standing
    return f"{tier}, by override." if tier else f"No tier: {untiered}."


def _why_untiered(view: View, account: str) -> str:
    basis, settings = view.basis, view.settings
    row = basis.accounts.loc[[account]].reset_index(drop=True)
    eligible = within_groups(
        check_eligibility(row, where=settings.icp.where),
        basis.groups,
        within=settings.tiering.within,
    )
    found = why_untiered(eligible, tiered=view.tiered.index, existing=basis.ids)
    return str(found.loc[account])


def _range(view: View, explained: TierExplanation | None) -> tuple[float | None, float | None]:
    if explained is None or view.basis.learned.method is None:
        return None, None
    by_column, rankings = view.screen.kind in BY_COLUMN, view.basis.rankings
    tested = pd.DataFrame(
        {
            "predicted": rankings.by_column_money if by_column else view.tested,
            "actual": rankings.rows.actual,
        }
    )
    found = account_ranges(tested, pd.Series([explained.predicted_revenue])).iloc[0]
    low, high = float(found["predicted_low"]), float(found["predicted_high"])
    return (None, None) if np.isnan(low) else (low, high)


def _entitled(tiers: tuple[Tier, ...], name: str) -> pd.DataFrame:
    rows = [
        {"activity": one.activity, "role": one.role, "per_quarter": one.per_quarter,
         "hours": one.per_quarter * one.hours}
        for tier in tiers if tier.name == name for one in tier.entitlements
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["activity", "role", "per_quarter", "hours"])
