"""The checks of a comparison: the same effect otherwise cut, and effects where none can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tierkit.figure import Figure
from tierkit.roi.adjusted import Adjusted, balance, effective_count
from tierkit.roi.boundary_rows import Boundaries, BoundaryRows, Covariates, Reading
from tierkit.roi.cutoff import SIGNIFICANT, Cutoff, bunching, cutoff, side_columns
from tierkit.roi.measures import Numbers
from tierkit.roi.standings import FloatArray, IntArray, Standings

DONUT_SHARE = 0.1
LONGER_WINDOWS = (2, 4)
_MOST_PULLED = 0.05


def line_checks(
    boundaries: Boundaries, number: int, readings: Mapping[Reading, Cutoff], *, window: int
) -> dict[str, Numbers]:
    """Return the checks of the comparison at one line; empty where it says nothing.

    Beside `cutoff_checks`: `wins`, `deal size` and `wins × usual deal size` (the other readings),
    `incumbents alone` and `others alone`, `the quarters before` (an effect on what was won before
    the tier was held: there can be none), `outcomes over 2 quarters` and `over 4` (later moves
    ignored), and `deals closed in the quarter` (mostly begun under an earlier tier).

    Parameters
    ----------
    number
        Of the upper tier.
    readings
        The comparison at the line in every reading.
    window
        Quarters over which outcomes are watched.
    """
    found = readings["won revenue"]
    if found.estimate is None:
        return {}
    rows = boundaries.rows(number, outcome_quarters=window)
    others: dict[str, Numbers] = {
        name: _effect(one) for name, one in readings.items() if name != "won revenue"
    }
    alone = {
        f"{name} alone": _effect(cutoff(rows.where(chosen), width=found.bandwidth))
        for name, chosen in (("incumbents", rows.incumbent), ("others", ~rows.incumbent))
    }
    return {
        **others,
        **cutoff_checks(rows, found),
        **alone,
        "the quarters before": _before(boundaries.standings, rows, found, window),
        **_longer_windows(boundaries, number, window),
        "deals closed in the quarter": _closed(boundaries.standings, rows),
    }


def cutoff_checks(rows: BoundaryRows, found: Cutoff) -> dict[str, Numbers]:
    """Return the checks of the comparison; `density` and `known before` have a say.

    `half the window`, `double the window`, `without the closest`: the same effect otherwise cut.
    `placebo line above`, `placebo line below`: an effect where no tier changes. `known before`: the
    columns known on the first day that jump at the line, inside half the window. `density`:
    crowding just above the line, in standard errors. `first stage`: how much of the tier the line
    decides. `sides`: what stands on either side, and the share whose tier is not that of its side.
    """
    reach = found.bandwidth
    half = cutoff(rows, width=reach / 2)
    return {
        "half the window": _effect(half),
        "double the window": _effect(cutoff(rows, width=reach * 2)),
        "without the closest": _effect(cutoff(rows, width=reach, hole=DONUT_SHARE * reach)),
        "placebo line above": _placebo(rows, reach, above=True),
        "placebo line below": _placebo(rows, reach, above=False),
        **deciding_checks(rows, half),
        "first stage": {"jump": found.first_stage},
        "sides": _sides(found.rows),
    }


def deciding_checks(rows: BoundaryRows, half: Cutoff) -> dict[str, Numbers]:
    """Return the checks that have a say: columns known before that jump, and crowding.

    Parameters
    ----------
    half
        The comparison inside half the window.
    """
    return {"known before": _continuity(half), "density": _density(rows)}


def _sides(near: BoundaryRows) -> Numbers:
    above, below = near.ruled, ~near.ruled
    return {
        "account_quarters_above": int(above.sum()),
        "account_quarters_below": int(below.sum()),
        "accounts_above": len(np.unique(near.account[above])),
        "accounts_below": len(np.unique(near.account[below])),
        "other_tier_share": float((near.held != near.ruled).mean()),
    }


def _effect(found: Cutoff) -> Numbers:
    if found.estimate is None:
        return Figure.unknown(found.why).effect()
    return found.estimate.relative().effect()


def _placebo(rows: BoundaryRows, reach: float, *, above: bool) -> Numbers:
    """Return the jump at a line half a window away, among accounts of one side only."""
    side = rows.where(rows.ruled if above else ~rows.ruled)
    middle = reach / 2 if above else -reach / 2
    moved = side.distance - middle
    shifted = side.where(np.abs(moved) < reach / 2)
    moved = shifted.distance - middle
    fake = BoundaryRows(**{**vars(shifted), "distance": moved, "ruled": moved >= 0,
                           "held": moved >= 0})  # fmt: skip
    return _effect(cutoff(fake, width=reach / 2))


def _continuity(found: Cutoff) -> Numbers:
    """Return how many of the columns known before jump at the line, and the largest jump."""
    near, names = found.rows, found.rows.known.names
    if found.estimate is None:
        return Figure.unknown(found.why).facts("largest_z")
    place = near.distance / found.bandwidth
    weights = 1 - place**2
    even, sides = np.ones(len(near)), [*side_columns(near, place), *_curves(near, place)]
    columns = np.column_stack([near.ruled * 1.0, even, *sides, near.quarter_columns()])
    jumps, errors = linear_jumps(near.known.values, columns, weights=weights, cluster=near.cluster)
    zs = np.divide(jumps, errors, out=np.zeros_like(jumps), where=errors > 1e-9)
    worst = int(np.argmax(np.abs(zs)))
    return {
        "columns": len(zs),
        "beyond_1.96": int((np.abs(zs) > SIGNIFICANT).sum()),
        "largest_z": float(zs[worst]),
        "largest": names[worst],
    }


def _curves(near: BoundaryRows, place: FloatArray) -> list[FloatArray]:
    """Return what bends on both sides: what was known before is held constant by nothing else."""
    both = [place**2, place**2 * near.ruled]
    if not 0 < near.incumbent.mean() < 1:
        return both
    return [*both, near.incumbent * place * near.ruled, near.incumbent * place**2]


def linear_jumps(
    values: FloatArray, columns: FloatArray, *, weights: FloatArray, cluster: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return for each column of `values` its weighted regression slope on the first of `columns`.

    With the slopes their standard errors, which allow for dependence inside clusters and for rows
    that pull the line towards themselves (HC3).
    """
    scaled = columns * weights[:, None]
    inverse = np.linalg.pinv(scaled.T @ columns)
    pull = np.einsum("ij,jk,ik->i", columns, inverse, scaled)
    left = values - columns @ (inverse @ (scaled.T @ values))
    left = left / np.maximum(1 - pull, _MOST_PULLED)[:, None]
    reach = scaled @ inverse[0]
    jump = inverse[0] @ (scaled.T @ values)
    count = int(cluster.max()) + 1
    sums = [np.bincount(cluster, reach * column, count) for column in left.T]
    return np.asarray(jump), np.sqrt([(one**2).sum() for one in sums])


def _density(rows: BoundaryRows) -> Numbers:
    z = bunching(rows.points, rows.cluster)
    return Figure.of(z, "too few scores near the line").facts("z")


def _before(standings: Standings, rows: BoundaryRows, found: Cutoff, window: int) -> Numbers:
    """Return the effect at the line on the window before the quarter: a placebo.

    Nothing is held constant but the distance and the quarter, since the rest tells the outcome; so
    only half the window is looked at, where a straight line does.
    """
    before = standings.closed_before(window)[rows.account, rows.quarter]
    known = ~np.isnan(before)
    nothing = Covariates(np.zeros((len(rows), 0)), ())
    placebo = replace(rows, outcome=before, known=nothing).where(known)
    return _effect(cutoff(placebo, width=found.bandwidth / 2))


def _longer_windows(boundaries: Boundaries, number: int, window: int) -> dict[str, Numbers]:
    """Return the effect at the line on outcomes watched for longer; later moves are ignored."""
    return {
        f"outcomes over {quarters} quarters": _effect(
            cutoff(boundaries.rows(number, outcome_quarters=quarters))
        )
        for quarters in LONGER_WINDOWS
        if quarters != window
    }


def _closed(standings: Standings, rows: BoundaryRows) -> Numbers:
    """Return the effect at the line on what closed in the quarter, begun under whatever tier."""
    if not standings.begun:
        why = "the comparison itself is of deals closed in the quarter"
        return Figure.unknown(why).effect()
    closed = standings.history.won_revenue[rows.account, rows.quarter]
    return _effect(cutoff(replace(rows, outcome=closed)))


def overlap_checks(found: Adjusted) -> dict[str, Numbers]:
    """Return what tells whether accounts of both tiers are alike enough to be compared.

    `largest difference` of a known column between the tiers, in standard deviations, before and
    after the weights; `overlap`: how many equally weighted account-quarters would tell as much, and
    how many were left out because none off the rule is like them.
    """
    rows = balance(found)
    if not rows:
        return {}
    worst = {key: max(abs(float(row[key])) for row in rows) for key in ("before", "after")}
    return {
        "largest difference": worst,
        "overlap": {
            "effective_account_quarters": effective_count(found.weights),
            "left_out": found.trimmed,
        },
    }
