"""Accounts that changed tier, before and after: a description, without a say in the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tierkit.roi.boundary_rows import BoundaryRows
from tierkit.roi.ladder import BoolArray, FloatArray, Ladder
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding

LOOK_BACK = 4
"""Quarters before a move that the score itself has seen."""

BEFORE, AFTER = 8, 4
FEWEST = 20
CAUTION = (
    "Accounts move up after a big quarter and would have fallen back anyway; the score has seen "
    "the shaded quarters. This describes and decides nothing."
)


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


def event_study(ladder: Ladder, boundary: int) -> list[Mapping[str, float | str]]:
    """Return won revenue around moves across a boundary, quarter by quarter.

    Returns
    -------
    list
        One row per `group` (`moved up`, `moved down`) and quarter `step` from the move (0 is the
        first quarter in the new tier): `mean` won revenue per account, `low`, `high` (95 %),
        `accounts`, `seen_by_score` (1 in the quarters that the score looks back on).
    """
    before, level = ladder.held_before(), ladder.level
    known = (before >= 0) & (level >= 0)
    up = known & (before == boundary + 1) & (level == boundary)
    down = known & (before == boundary) & (level == boundary + 1)
    return [*_path(ladder, up, "moved up"), *_path(ladder, down, "moved down")]


def _path(ladder: Ladder, moves: BoolArray, group: str) -> list[Mapping[str, float | str]]:
    account, quarter = np.nonzero(moves)
    won = ladder.history.won_revenue
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
