"""Accounts at the line: those just above it against those just below, over all quarters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tierkit.roi.boundary_rows import BoundaryRows
from tierkit.roi.ladder import BoolArray, FloatArray
from tierkit.roi.poisson import Estimate, Weighted, effect_of_holding

REACH_SHARE = 0.95
"""The window reaches as far to both sides as this share of the upper tier lies above its line."""

FEWEST_EACH_SIDE = 20
FEWEST_WITH_REVENUE = 8
FEWEST_ACCOUNTS = 5
WEAKEST_FIRST_STAGE = 0.2
SIGNIFICANT = 1.96


@dataclass(frozen=True)
class Cutoff:
    """The comparison at the line.

    Attributes
    ----------
    estimate
        None where it cannot be said.
    why
        Why not; empty where there is an estimate.
    bandwidth
        How far the window reaches, in normal scores.
    rows
        The account-quarters inside the window.
    first_stage
        By how much the chance of the upper tier rises at the line.
    """

    estimate: Estimate | None
    why: str
    bandwidth: float
    rows: BoundaryRows
    first_stage: float


def bandwidth(rows: BoundaryRows) -> float:
    """Return how far the window reaches to both sides; 0 where nobody is ruled in."""
    above = rows.distance[rows.ruled & rows.held]
    return float(np.quantile(above, REACH_SHARE)) if len(above) else 0.0


def cutoff(rows: BoundaryRows, *, width: float | None = None, hole: float = 0.0) -> Cutoff:
    """Compare account-quarters above and below their own line.

    A local linear Poisson regression (triangular weights, own slopes on each side) of won revenue
    on the distance to the line, with quarters and everything known on the first day as controls;
    the ruled side is the instrument for the tier held.

    Parameters
    ----------
    width
        How far the window reaches; by default `bandwidth`.
    hole
        Rows closer to the line than this are left out.
    """
    reach = bandwidth(rows) if width is None else width
    inside = (np.abs(rows.distance) < reach) & (np.abs(rows.distance) >= hole)
    near = rows.where(inside)
    too_few = _too_few(near)
    if too_few:
        return Cutoff(None, too_few, reach, near, 0.0)
    weights = 1 - np.abs(near.distance) / reach
    controls = _controls(near, reach)
    stage = first_stage(near, weights)
    if stage < WEAKEST_FIRST_STAGE:
        why = f"crossing the line raises the chance of {near.upper} by only {stage:.0%}"
        return Cutoff(None, why.replace("%", " %"), reach, near, stage)
    weighted = Weighted(near.outcome, near.held.astype(np.float64), controls, weights, near.cluster)
    estimate = effect_of_holding(weighted, near.ruled)
    why = "" if estimate else "revenue near the line does not determine an effect"
    return Cutoff(estimate, why, reach, near, stage)


def first_stage(rows: BoundaryRows, weights: FloatArray) -> float:
    """Return the jump at the line in the share that holds the upper tier, by local lines."""
    return _jump(rows, rows.held.astype(np.float64), weights)


def _jump(rows: BoundaryRows, values: FloatArray, weights: FloatArray) -> float:
    ends = []
    for side in (True, False):
        chosen = rows.ruled == side
        columns = np.column_stack([np.ones(int(chosen.sum())), rows.distance[chosen]])
        root = np.sqrt(weights[chosen])
        line, *_ = np.linalg.lstsq(columns * root[:, None], values[chosen] * root, rcond=None)
        ends.append(float(line[0]))
    return ends[0] - ends[1]


def _too_few(near: BoundaryRows) -> str:
    """Return why too few account-quarters stand on one side, empty where there are enough."""
    for name, side in ((near.upper, near.ruled), (near.lower, ~near.ruled)):
        rows = int(side.sum())
        accounts = len(np.unique(near.account[side]))
        buying = int((near.outcome[side] > 0).sum())
        if min(rows, FEWEST_EACH_SIDE) < FEWEST_EACH_SIDE or accounts < FEWEST_ACCOUNTS:
            return f"too few at the line to say (n = {rows} on the side of {name})"
        if buying < FEWEST_WITH_REVENUE:
            return f"too few won anything near the line (n = {buying} on the side of {name})"
    return ""


def _controls(near: BoundaryRows, reach: float) -> FloatArray:
    place = near.distance / reach
    return np.column_stack(
        [
            np.ones(len(near)),
            place,
            place * near.ruled,
            near.quarter_columns(),
            near.known.standardised(),
        ]
    )


def line_picture(found: Cutoff, *, bins_each_side: int = 8) -> list[Mapping[str, float]]:
    """Return won revenue by distance to the line, in equally wide bins, for a picture.

    Returns
    -------
    list
        One row per bin with any account-quarter: `distance` (its middle, in normal scores), `mean`
        (won revenue per account and window), `low`, `high` (95 % by account), `account_quarters`,
        `accounts`, `ruled` (1 above the line), `held_share`.
    """
    near, reach = found.rows, found.bandwidth
    if reach <= 0 or len(near) == 0:
        return []
    width = reach / bins_each_side
    bins = np.floor(near.distance / width).astype(int)
    return [_bin(near, bins == number, (number + 0.5) * width) for number in np.unique(bins)]


def _bin(near: BoundaryRows, inside: BoolArray, middle: float) -> Mapping[str, float]:
    outcome, cluster = near.outcome[inside], near.cluster[inside]
    mean, count = float(outcome.mean()), int(cluster.max()) + 1
    sums = np.bincount(cluster, outcome - mean, count)
    half = SIGNIFICANT * float(np.sqrt((sums**2).sum())) / len(outcome)
    return {
        "distance": middle,
        "mean": mean,
        "low": max(0.0, mean - half) if mean >= 0 else mean - half,
        "high": mean + half,
        "account_quarters": len(outcome),
        "accounts": len(np.unique(near.account[inside])),
        "ruled": float(middle > 0),
        "held_share": float(near.held[inside].mean()),
    }
