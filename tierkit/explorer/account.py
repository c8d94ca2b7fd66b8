"""One account as the explorer shows it: its tier, why, and what would move it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tierkit.errors import SettingsError
from tierkit.models import PAST, NumericCriterion, account_ranges, reasons
from tierkit.tiers import check_eligibility
from tierkit.words import factor_words, plain_name, short_number

if TYPE_CHECKING:
    from tierkit.explorer.view import View
    from tierkit.models import Card
    from tierkit.settings import Tier

MOST_WAYS = 4


@dataclass(frozen=True)
class Factor:
    """What one criterion multiplies the account's predicted revenue by."""

    criterion: str
    bin: str
    points: float

    @property
    def factor(self) -> float:
        """The factor; 1 changes nothing."""
        return math.exp(self.points)


@dataclass(frozen=True)
class AccountView:
    """Everything that the explorer shows of one account.

    Attributes
    ----------
    tier, previous_tier
        Now and the day before `as_of`; empty without one.
    rank
        None where the account is not ranked, and `out_of_scope` says why.
    predicted, low, high
        Revenue predicted for the horizon and the range that holds in 8 of 10 cases; None where
        it is not known.
    base, factors
        Base amount and factors, the strongest first; their product is the predicted revenue.
    ways
        What would move the account to the next tier up or down, in words.
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
    previous_tier: str
    rank: int | None
    out_of_scope: str
    predicted: float | None
    low: float | None
    high: float | None
    base: float
    factors: tuple[Factor, ...]
    reasons: str
    ways: tuple[str, ...]
    override: dict[str, Any] | None
    wins: pd.DataFrame
    tiers: pd.DataFrame
    effort: pd.DataFrame | None
    entitled: pd.DataFrame


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
    found = view.places.ids.get_loc(account)
    row = np.flatnonzero(view.placed.order == found)
    rank, tier = _rank_and_tier(view, row)
    predicted = _predicted(view, account)
    low, high = _range(view, predicted)
    held = basis.previous.tiers
    overrides = view.overrides[view.overrides["account_id"] == account]
    return AccountView(
        account=account,
        name=str(basis.names.loc[account]),
        tier=tier,
        previous_tier=str(held.loc[account]) if account in held.index else "",
        rank=rank,
        out_of_scope="" if rank else _why_not(view, account),
        predicted=predicted,
        low=low,
        high=high,
        base=view.screen.card.base,
        factors=_factors(view.screen.card, view, account),
        reasons=_reasons(view, account),
        ways=_ways(view, account, rank) if rank else (),
        override=None if overrides.empty else dict(overrides.iloc[0]),
        wins=basis.history.wins(account),
        tiers=basis.history.tiers(account),
        effort=basis.history.effort(account),
        entitled=_entitled(view.settings.tiers, tier),
    )


def _rank_and_tier(view: View, row: np.ndarray[Any, Any]) -> tuple[int | None, str]:
    if not len(row):
        return None, ""
    place = int(row[0])
    level = int(view.placed.levels[place])
    ranked = not math.isnan(float(view.placed.scores[place]))
    return place + 1 if ranked else None, view.names[level] if level < len(view.names) else ""


def _predicted(view: View, account: str) -> float | None:
    ids = view.basis.ids
    return float(view.screen.predicted[ids.get_loc(account)]) if account in ids else None


def _range(view: View, predicted: float | None) -> tuple[float | None, float | None]:
    if predicted is None or view.basis.learned.method is None:
        return None, None
    is_past = view.screen.kind == PAST
    tested = pd.DataFrame(
        {
            "predicted": view.rankings.past_money if is_past else view.tested,
            "actual": view.rankings.rows.actual,
        }
    )
    found = account_ranges(tested, pd.Series([predicted]))
    low, high = (float(found[name].iloc[0]) for name in ("predicted_low", "predicted_high"))
    return (None, None) if math.isnan(low) else (low, high)


def _why_not(view: View, account: str) -> str:
    row = view.basis.accounts.loc[[account]].reset_index(drop=True)
    reason = str(check_eligibility(row, where=view.settings.icp.where)["reason"].iloc[0])
    return reason or "not yet an account: neither created nor active before the first unknown day"


def _factors(card: Card, view: View, account: str) -> tuple[Factor, ...]:
    if account not in view.basis.ids:
        return ()
    row = view.basis.now.values.loc[[account]]  # noqa: PD011 (a panel's rows)
    found = []
    for one in card.criteria:
        place = int(one.bin_of(row[one.name])[0])
        found.append(Factor(plain_name(one.name), one.bins[place], one.points_by_bin[place]))
    return tuple(sorted(found, key=lambda factor: -abs(factor.points)))


def _reasons(view: View, account: str) -> str:
    if account not in view.basis.ids:
        return ""
    row = view.basis.now.values.loc[[account]]  # noqa: PD011 (a panel's rows)
    return str(reasons(view.screen.card, row).iloc[0])


def _ways(view: View, account: str, rank: int) -> tuple[str, ...]:
    """Return in words what would move the account: up one tier, or down."""
    placed = view.placed
    level = int(placed.levels[rank - 1])
    found: list[str] = []
    if level > 0:
        found += _ways_up(view, account, rank, min(level, len(view.names)) - 1)
    below = placed.scores[(placed.levels > level) & ~np.isnan(placed.scores)]
    if level < len(view.names) - 1 and len(below) and view.screen.kind != PAST:
        short = math.exp(float(below.max() - placed.scores[rank - 1]))
        found.append(
            f"Predicted revenue below {factor_words(math.log(short))} of today's would rank it "
            f"behind the best of {view.names[level + 1]}."
            if short < 1
            else f"The best of {view.names[level + 1]} ranks before it; the keep band holds it."
        )
    return tuple(found)


def _ways_up(view: View, account: str, rank: int, target: int) -> list[str]:
    placed, name = view.placed, view.names[target]
    inside = np.flatnonzero((placed.levels == target) & ~np.isnan(placed.scores))
    if not len(inside):
        return [f"{name} has no ranked account: it is full of overrides, or has no place."]
    line, own = float(placed.scores[inside].min()), float(placed.scores[rank - 1])
    if own > line:
        return [f"It ranks before the last of {name}; accounts that held {name} keep their slots."]
    if view.screen.kind == PAST:
        return [
            f"{name} begins at {short_number(line)} of past revenue; it has {short_number(own)}."
        ]
    needed = line - own
    words = f"{name} begins at {factor_words(needed)} its predicted revenue."
    return [words, *_single_steps(view, account, needed, name)]


def _single_steps(view: View, account: str, needed: float, name: str) -> list[str]:
    """Return the smallest step of one criterion alone that would be enough, for some criteria."""
    row = view.basis.now.values.loc[[account]]  # noqa: PD011 (a panel's rows)
    steps = []
    for one in view.screen.card.criteria:
        own = int(one.bin_of(row[one.name])[0])
        points = one.points_by_bin
        last = len(one.points) if isinstance(one, NumericCriterion) else len(points) - 2
        enough = [place for place in range(last) if points[place] - points[own] >= needed]
        if enough:
            nearest = min(enough, key=lambda place: (abs(place - own), place))
            steps.append((points[nearest] - points[own], one, own, nearest))
    steps.sort(key=lambda step: (step[0], step[1].name))
    return [
        f"{plain_name(one.name)} {one.bins[nearest]} instead of {one.bins[own]} "
        f"({factor_words(gain)}) would be enough for {name}."
        for gain, one, own, nearest in steps[: MOST_WAYS - 1]
    ]


def _entitled(tiers: tuple[Tier, ...], name: str) -> pd.DataFrame:
    rows = [
        {"activity": one.activity, "role": one.role, "per_quarter": one.per_quarter,
         "hours": one.per_quarter * one.hours}
        for tier in tiers if tier.name == name for one in tier.entitlements
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["activity", "role", "per_quarter", "hours"])
