"""What stands beside the designs: the same effect otherwise cut, and effects where none can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tierkit.roi.adjusted import Adjusted, balance, effective_count
from tierkit.roi.boundary_rows import Boundaries, BoundaryRows
from tierkit.roi.covariates import Covariates
from tierkit.roi.cutoff import SIGNIFICANT, Cutoff, cutoff
from tierkit.roi.density import bunching
from tierkit.roi.ladder import FloatArray, IntArray, Ladder
from tierkit.roi.measures import Numbers, unsaid

DONUT_SHARE = 0.1
LONGER_WINDOWS = (2, 4)
_ENDS = ("estimate", "low", "high")


def line_checks(
    boundaries: Boundaries, number: int, rows: BoundaryRows, found: Cutoff, *, window: int
) -> dict[str, Numbers]:
    """Return everything that stands beside the comparison at one line; empty where it says nothing.

    Beside `cutoff_checks`: `the quarters before` (an effect on what was won before the tier was
    held: there can be none), `outcomes over 2 quarters` and `over 4` (later moves ignored), `deals
    begun in the quarter` (won within a year; none that an earlier tier began).

    Parameters
    ----------
    number
        Of the upper tier.
    window
        Quarters over which outcomes are watched.
    """
    if found.estimate is None:
        return {}
    ladder = boundaries.ladder
    return {
        **cutoff_checks(rows, found),
        "the quarters before": _before(ladder, rows, found, window),
        **_longer_windows(boundaries, number, window),
        "deals begun in the quarter": _begun(ladder, rows),
    }


def cutoff_checks(rows: BoundaryRows, found: Cutoff) -> dict[str, Numbers]:
    """Return what is shown beside the comparison at the line; only the density has a say.

    `half the window`, `double the window`, `without the closest`: the same effect otherwise cut.
    `placebo line above`, `placebo line below`: an effect where no tier changes. `known before`: the
    columns known on the first day that jump at the line, inside half the window. `density`:
    crowding just above the line, in standard errors. `first stage`: how much of the tier the line
    decides. `sides`: what stands on either side, and the share whose tier is not that of its side.
    """
    reach = found.bandwidth
    half = cutoff(rows, width=reach / 2)
    return {
        "half the window": _told(half),
        "double the window": _told(cutoff(rows, width=reach * 2)),
        "without the closest": _told(cutoff(rows, width=reach, hole=DONUT_SHARE * reach)),
        "placebo line above": _placebo(rows, reach, above=True),
        "placebo line below": _placebo(rows, reach, above=False),
        "known before": _continuity(half),
        "density": _density(rows),
        "first stage": {"jump": found.first_stage},
        "sides": _sides(found.rows),
    }


def _sides(near: BoundaryRows) -> Numbers:
    above, below = near.ruled, ~near.ruled
    return {
        "account_quarters_above": int(above.sum()),
        "account_quarters_below": int(below.sum()),
        "accounts_above": len(np.unique(near.account[above])),
        "accounts_below": len(np.unique(near.account[below])),
        "other_tier_share": float((near.held != near.ruled).mean()),
    }


def _told(found: Cutoff) -> Numbers:
    if found.estimate is None:
        return unsaid(_ENDS, found.why)
    return found.estimate.relative()


def _placebo(rows: BoundaryRows, reach: float, *, above: bool) -> Numbers:
    """Return the jump at a line half a window away, among accounts of one side only."""
    side = rows.where(rows.ruled if above else ~rows.ruled)
    middle = reach / 2 if above else -reach / 2
    moved = side.distance - middle
    shifted = side.where(np.abs(moved) < reach / 2)
    moved = shifted.distance - middle
    fake = BoundaryRows(**{**vars(shifted), "distance": moved, "ruled": moved >= 0,
                           "held": moved >= 0})  # fmt: skip
    return _told(cutoff(fake, width=reach / 2))


def _continuity(found: Cutoff) -> Numbers:
    """Return how many of the columns known before jump at the line, and the largest jump."""
    near, names = found.rows, found.rows.known.names
    if found.estimate is None:
        return unsaid(("largest_z",), found.why)
    weights = 1 - np.abs(near.distance) / found.bandwidth
    place = near.distance / found.bandwidth
    columns = np.column_stack(
        [near.ruled * 1.0, np.ones(len(near)), place, place * near.ruled, near.quarter_columns()]
    )
    zs = linear_jumps(near.known.values, columns, weights=weights, cluster=near.cluster)
    worst = int(np.argmax(np.abs(zs)))
    return {
        "columns": len(zs),
        "beyond_1.96": int((np.abs(zs) > SIGNIFICANT).sum()),
        "largest_z": float(zs[worst]),
        "largest": names[worst],
    }


def linear_jumps(
    values: FloatArray, columns: FloatArray, *, weights: FloatArray, cluster: IntArray
) -> FloatArray:
    """Return for each column of `values` its weighted regression slope on the first of `columns`.

    In standard errors that allow for dependence inside clusters; 0 for values that do not vary.
    """
    scaled = columns * weights[:, None]
    inverse = np.linalg.pinv(scaled.T @ columns)
    left = values - columns @ (inverse @ (scaled.T @ values))
    reach = scaled @ inverse[0]
    jump = inverse[0] @ (scaled.T @ values)
    count = int(cluster.max()) + 1
    sums = [np.bincount(cluster, reach * column, count) for column in left.T]
    se = np.sqrt([(one**2).sum() for one in sums])
    return np.asarray(np.divide(jump, se, out=np.zeros_like(jump), where=se > 1e-9))


def _density(rows: BoundaryRows) -> Numbers:
    z = bunching(rows.points, rows.cluster)
    return unsaid(("z",), "too few scores near the line") if z is None else {"z": z}


def _before(ladder: Ladder, rows: BoundaryRows, found: Cutoff, window: int) -> Numbers:
    """Return the effect at the line on the window before the quarter: a placebo.

    Nothing is held constant but the distance and the quarter, since the rest tells the outcome; so
    only half the window is looked at, where a straight line does.
    """
    won = ladder.outcome(window)
    earlier = np.maximum(rows.quarter - window, 0)
    outcome = np.where(rows.quarter >= window, won[rows.account, earlier], np.nan)
    known = ~np.isnan(outcome)
    nothing = Covariates(np.zeros((len(rows), 0)), ())
    placebo = replace(rows, outcome=outcome, known=nothing).where(known)
    return _told(cutoff(placebo, width=found.bandwidth / 2))


def _longer_windows(boundaries: Boundaries, number: int, window: int) -> dict[str, Numbers]:
    """Return the effect at the line on outcomes watched for longer; later moves are ignored."""
    return {
        f"outcomes over {quarters} quarters": _told(
            cutoff(boundaries.rows(number, outcome_quarters=quarters))
        )
        for quarters in LONGER_WINDOWS
        if quarters != window
    }


def _begun(ladder: Ladder, rows: BoundaryRows) -> Numbers:
    """Return the effect at the line on deals begun in the quarter: none of an earlier tier's."""
    begun = ladder.history.begun_revenue
    if begun is None:
        return unsaid(_ENDS, "needs opportunities.created_date")
    outcome = begun[rows.account, rows.quarter]
    known = ~np.isnan(outcome)
    return _told(cutoff(replace(rows, outcome=outcome).where(known)))


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
