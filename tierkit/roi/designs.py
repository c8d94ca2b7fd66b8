"""Ways to compare an upper tier with the one below, as the report holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tierkit.figure import Figure
from tierkit.roi.adjusted import Adjusted
from tierkit.roi.boundary_rows import BoundaryRows
from tierkit.roi.cutoff import Cutoff
from tierkit.roi.experiment import Randomised
from tierkit.roi.measures import AccountQuarters, Numbers, TierRows
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding
from tierkit.roi.standings import BoolArray, FloatArray, Standings
from tierkit.settings import Settings
from tierkit.statistics import middle_range, ratio, resampled_sums

DESIGNS = ("raw", "cutoff", "adjusted", "moved", "randomised")
"""Every design that a boundary is looked at with, in the order of the report.

To add one: a function below that returns a `Design`, its name here, its call in
`boundaries.study_boundaries`, and a row in `verdict.TABLE` if it has a say."""

LOOK_BACK = 4
"""Quarters before a move that the score itself has seen."""

BEFORE, AFTER = 8, 4
FEWEST = 20
CAUTION = (
    "Accounts move up after a big quarter and would have fallen back anyway; the score has seen "
    "the shaded quarters. This describes and decides nothing."
)


@dataclass(frozen=True)
class Design:
    """One comparison at one boundary.

    Attributes
    ----------
    design
        One of `DESIGNS`.
    target
        Of which accounts and which outcome it speaks, in words.
    relative, money
        The effect as a share of the lower tier's outcome, and in money per account and window:
        95 % intervals, of the raw difference 80 %.
    account_quarters
        How many account-quarters stand behind it.
    why
        What it can be trusted for, or why it says nothing, in words.
    checks
        Name and result of each check.
    off_rule
        Account-quarters off the rule of one line for all, or why that is no question here.
    """

    design: str
    target: str
    relative: Figure
    money: Figure
    account_quarters: int
    why: str
    checks: Numbers
    off_rule: int | str = "the raw difference uses no line"

    def facts(self) -> dict[str, Any]:
        """Return plain values, as `facts.json` holds them."""
        off = self.off_rule
        return {
            "design": self.design,
            "target": self.target,
            "relative": self.relative.effect(),
            "money": self.money.effect(),
            "account_quarters": self.account_quarters,
            **(Figure.unknown(off) if isinstance(off, str) else Figure(off)).facts("off_rule"),
            "checks": dict(self.checks),
            "why": self.why,
        }


def raw_design(source: AccountQuarters, upper: str, lower: str, settings: Settings) -> Design:
    """Compare mean won revenue per account and window between two tiers, as they are.

    The range resamples accounts, each with the quarters that it spent in either tier.
    """
    pair, names = TierRows(*source.of(upper, lower), seed=settings.model.seed), (upper, lower)
    sums = _sums_by_tier(pair, names)
    counts = [int((sums[:, column] > 0).sum()) for column in (1, 3)]
    smallest = min(counts)
    if smallest < settings.run.min_group:
        relative = money = Figure.unknown(f"too few to say (n = {smallest})")
    else:
        draws = resampled_sums(sums, seed=settings.model.seed)
        draws = draws[(draws[:, [1, 3]] > 0).all(axis=1)]
        relative, money = _relative(sums, draws, lower), _money(sums, draws)
    return Design(
        design="raw",
        target=(
            f"won revenue per account and {_window(settings)}: {counts[0]} accounts that began it "
            f"in {upper} against {counts[1]} in {lower}"
        ),
        relative=relative,
        money=money,
        account_quarters=len(pair.rows),
        why="before adjusting for who was picked",
        checks={},
    )


def cutoff_design(
    found: Cutoff, settings: Settings, checks: dict[str, Numbers], *, begun: bool = True
) -> Design:
    """Return the comparison at the line as the report holds it."""
    near = found.rows
    above, below = (len(np.unique(near.account[side])) for side in (near.ruled, ~near.ruled))
    return Design(
        design="cutoff",
        target=(
            f"{'revenue from deals begun in the' if begun else 'won revenue per account and'} "
            f"{_window(settings)}, for accounts at the line between "
            f"{near.upper} and {near.lower}: {above} just above it against {below} just below"
        ),
        **_effect(found.estimate, found.why),
        account_quarters=len(near),
        why=found.why
        or "whoever stands just above the line is much like whoever stands just below",
        checks=dict(checks),
        off_rule="accounts are compared across the line, not off it",
    )


def adjusted_design(found: Adjusted, settings: Settings, checks: dict[str, Numbers]) -> Design:
    """Return the comparison of accounts that could have been in either tier."""
    near = found.rows
    return Design(
        design="adjusted",
        target=(
            f"won revenue per account and {_window(settings)}, for accounts that could have been "
            f"in {near.upper} or {near.lower}, given score, side of the line and history"
        ),
        **_effect(found.estimate, found.why),
        account_quarters=len(near),
        why=found.why or "it holds if nothing but score and history decided who went off the rule",
        checks=dict(checks),
        off_rule=found.off_rule,
    )


def moved_design(found: Moved, upper: str, lower: str, settings: Settings) -> Design:
    """Return the accounts that moved up: described, without a say."""
    return Design(
        design="moved",
        target=(
            f"won revenue per account and {_window(settings)}, for {found.moves} moves from "
            f"{lower} to {upper} against accounts that stayed, given score and history"
        ),
        **_effect(found.estimate, found.why),
        account_quarters=found.estimate.rows if found.estimate else found.moves,
        why=found.why or CAUTION,
        checks={},
        off_rule="accounts are compared with themselves, not across a line",
    )


def randomised_design(found: Randomised, upper: str, lower: str, settings: Settings) -> Design:
    """Return the read-out of a randomised band."""
    return Design(
        design="randomised",
        target=(
            f"won revenue per account and {_window(settings)}, for accounts whose tier, {upper} or "
            f"{lower}, was drawn by lot"
        ),
        **_effect(found.estimate, found.why),
        account_quarters=found.rows,
        why=found.why or "a random draw decided, so only chance and the tier tell the groups apart",
        checks={},
        off_rule="a random draw decided, not a line",
    )


def unknown_design(name: str, why: str) -> Design:
    """Return a design that says nothing, with the reason."""
    return Design(name, "none", Figure.unknown(why), Figure.unknown(why), 0, why, {}, why)


def _effect(estimate: Estimate | None, why: str) -> dict[str, Figure]:
    if estimate is None:
        return {"relative": Figure.unknown(why), "money": Figure.unknown(why)}
    return {"relative": estimate.relative(), "money": estimate.money()}


def _window(settings: Settings) -> str:
    quarters = settings.roi.outcome_quarters
    return "quarter" if quarters == 1 else f"window of {quarters} quarters"


def _sums_by_tier(pair: TierRows, names: tuple[str, str]) -> FloatArray:
    """Return one row per account: revenue and windows in the upper, then in the lower tier."""
    parts = []
    for name in names:
        revenue = pair.rows["won_revenue"].where(pair.rows["tier"] == name)
        parts.append(revenue.groupby(pair.rows["account_id"], dropna=False).agg(["sum", "count"]))
    return pd.concat(parts, axis=1).to_numpy(dtype=float)


def _means(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    return sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]


def _relative(sums: FloatArray, draws: FloatArray, lower: str) -> Figure:
    above, below = _means(sums.sum(axis=0))
    if not below > 0:
        return Figure.unknown(f"{lower} won nothing, and nothing can be compared with nothing")
    low, high = middle_range(ratio(*_means(draws)) - 1)
    return Figure.of(float(above / below - 1), low=low, high=high)


def _money(sums: FloatArray, draws: FloatArray) -> Figure:
    above, below = _means(sums.sum(axis=0))
    low, high = middle_range(np.subtract(*_means(draws)))
    return Figure.of(float(above - below), low=low, high=high)


@dataclass(frozen=True)
class Moved:
    """Accounts that moved up against accounts that stayed below.

    Attributes
    ----------
    estimate
        The effect in the first window after a move, given score and history; None if unknown.
    why
        Why not; empty where there is an estimate.
    moves
        How many moves up.
    """

    estimate: Estimate | None
    why: str
    moves: int


def moved(rows: BoundaryRows) -> Moved:
    """Compare accounts that moved up with accounts that stayed below, given score and history."""
    new = rows.where(~rows.incumbent & (rows.quarter > rows.quarter.min(initial=0)))
    moves = int(new.held.sum())
    if moves < FEWEST or (new.outcome[new.held] > 0).sum() < FEWEST // 2:
        return Moved(None, f"too few moved up to say (n = {moves})", moves)
    lowest = float(np.quantile(new.distance[new.held], 0.1))
    near = new.where(new.distance >= lowest - 1.0)
    place = near.distance - near.distance.mean()
    controls = np.column_stack(
        [np.ones(len(near)), place, place**2, near.quarter_columns(), near.known.standardised()]
    )
    weighted = Weighted(
        near.outcome, near.held.astype(np.float64), controls, np.ones(len(near)), near.cluster
    )
    estimate = effect_of_holding(weighted, near.held)
    return Moved(estimate, "" if estimate else "revenue does not determine an effect", moves)


def event_study(standings: Standings, boundary: int) -> list[Mapping[str, float | str]]:
    """Return won revenue around moves across a boundary, quarter by quarter.

    Returns
    -------
    list
        One row per `group` (`moved up`, `moved down`) and quarter `step` from the move (0 is the
        first quarter in the new tier): `mean` won revenue per account, `low`, `high` (95 %),
        `accounts`, `seen_by_score` (1 in the quarters that the score looks back on).
    """
    before, level = standings.held_before(), standings.level
    known = (before >= 0) & (level >= 0)
    up = known & (before == boundary + 1) & (level == boundary)
    down = known & (before == boundary) & (level == boundary + 1)
    return [*_path(standings, up, "moved up"), *_path(standings, down, "moved down")]


def _path(standings: Standings, moves: BoolArray, group: str) -> list[Mapping[str, float | str]]:
    account, quarter = np.nonzero(moves)
    won = standings.history.won_revenue
    rows: list[Mapping[str, float | str]] = []
    for step in range(-BEFORE, AFTER):
        at = quarter + step
        inside = (at >= 0) & (at < won.shape[1])
        if inside.sum() < 2:
            continue
        rows.append({"group": group, "step": step, **_mean(won[account[inside], at[inside]]),
                     "seen_by_score": float(-LOOK_BACK <= step < 0)})  # fmt: skip
    return rows


def _mean(values: FloatArray) -> dict[str, float]:
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return {"mean": mean, "low": mean - half, "high": mean + half, "accounts": len(values)}
