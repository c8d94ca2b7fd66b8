"""Accounts that could have been in either tier: compared with their like, weighted by overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tierkit.roi.boundary_rows import BoundaryRows, standardised
from tierkit.roi.poisson import Estimate, Weighted, cross_fitted_shares, effect_of_holding
from tierkit.roi.standings import BoolArray, FloatArray, IntArray
from tierkit.words import share as share_words

FEWEST_OFF_RULE = 50
FEWEST_PER_SIDE = 10
FOLDS = 5
FEWEST_ALIKE = 20
"""Effective account-quarters of either tier, below which the tiers have too little in common."""

MOST_BY_PEOPLE = 0.1
"""Share of what departs from the rule that people may have decided: they may know more."""

FARTHEST_APART = 0.25
"""Standard deviations by which weighted tiers may differ in a column and still be compared."""

SIGNIFICANT = 1.96
_TAIL = 0.02


@dataclass(frozen=True)
class Adjusted:
    """The comparison of accounts that could have been in either tier.

    Attributes
    ----------
    estimate
        None where it is withheld or cannot be said.
    why
        Why not; empty where there is an estimate.
    off_rule
        Account-quarters whose tier differs from what one line for all would have given: what the
        comparison learns from.
    rows, share, weights
        The rows compared, each one's chance of the upper tier, and its overlap weight.
    trimmed
        Account-quarters left out because no account off the rule is like them.
    """

    estimate: Estimate | None
    why: str
    off_rule: int
    rows: BoundaryRows
    share: FloatArray
    weights: FloatArray
    trimmed: int = 0


def adjusted(rows: BoundaryRows, *, won_before: FloatArray | None = None) -> Adjusted:
    """Compare accounts of both tiers that are alike in score, side of the line and history.

    The chance e of the upper tier is modelled on the score × the side of the capacity line and on
    everything known on the first day, cross-fitted by cluster. Accounts weigh 1 − e in the upper
    tier and e in the lower one (together e(1 − e)), in a Poisson regression on the same columns.

    It is withheld where people decided much of what departs from the rule, and where the tiers
    differed before.

    Parameters
    ----------
    won_before
        Accounts × quarters: what was won in the window that ends with each first day.
    """
    off = rows.off_rule
    count = int(off.sum())
    nothing = np.zeros(0)
    if count < FEWEST_OFF_RULE:
        why = f"withheld, too few off the rule (n = {count}, it takes {FEWEST_OFF_RULE})"
        return Adjusted(
            None, why, count, rows.where(np.zeros(len(rows), dtype=bool)), nothing, nothing
        )
    near = rows.where(_comparable(rows))
    controls = _controls(near)
    share = cross_fitted_shares(controls, near.held.astype(np.float64), _folds(near.cluster))
    weights = np.where(near.held, 1 - share, share)
    why = _by_people(near) or _too_far_apart(near, weights)
    why, estimate = why or _before_differs(near, weights, won_before), None
    if not why and _both_won(near):
        held, worth = near.held.astype(np.float64), near.worth / near.worth.mean()
        weighted = Weighted(near.outcome, held, controls, weights * worth, near.cluster)
        estimate = effect_of_holding(weighted, near.held)
        estimate = estimate and estimate.based_on(near.outcome, held, weights)
    if estimate is None and not why:
        why = "too few of the accounts that could be in either tier won anything"
    return Adjusted(estimate, why, count, near, share, weights, len(rows) - len(near))


def effective_count(weights: FloatArray) -> float:
    """Return how many equally weighted rows would tell as much.

    Examples
    --------
    >>> effective_count(np.array([1.0, 1.0, 0.0])), effective_count(np.zeros(0))
    (2.0, 0.0)
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _too_far_apart(near: BoundaryRows, weights: FloatArray) -> str:
    """Return why the tiers cannot be compared, empty where they have enough in common."""
    alike = min(effective_count(weights[near.held == side]) for side in (True, False))
    if alike < FEWEST_ALIKE:
        return (
            f"cannot compare: too little in common (as much as {alike:.0f} account-quarters, it "
            f"takes {FEWEST_ALIKE})"
        )
    rows = _balance(near, weights)
    worst = max(rows, key=lambda row: abs(float(row["after"])), default=None)
    if worst is None or abs(float(worst["after"])) <= FARTHEST_APART:
        return ""
    return f"cannot compare: even weighted they differ in {worst['column']}"


def _by_people(near: BoundaryRows) -> str:
    """Return why overrides spoil the comparison, empty where they are few.

    Whoever overrides may know more than the score, and what they know cannot be seen: where they
    won no more than their like, too few of them stood behind that to rely on it.
    """
    placed = int((near.overridden & near.held).sum())
    part = placed / max(int(near.off_rule.sum()), 1)
    if part <= MOST_BY_PEOPLE:
        return ""
    told = share_words(part)
    return f"cannot compare: people placed {told} of those off the rule, and may know more"


def _before_differs(near: BoundaryRows, weights: FloatArray, won_before: FloatArray | None) -> str:
    """Return why the quarters before spoil the comparison, empty where they do not.

    Of accounts that held the upper tier in neither case before, both groups must have won alike.
    """
    if won_before is None:
        return ""
    before = won_before[near.account, near.quarter]
    new = ~near.incumbent & ~np.isnan(before)
    rows = near.where(new)
    if min((before[new][rows.held == side] > 0).sum() for side in (True, False)) < FEWEST_PER_SIDE:
        return ""
    far = standardised(rows.capacity_distance[:, None])
    columns = np.column_stack([np.ones(len(rows)), far, rows.quarter_columns()])
    held = rows.held.astype(np.float64)
    placebo = effect_of_holding(
        Weighted(before[new], held, columns, weights[new], rows.cluster), rows.held
    )
    if placebo is None or abs(placebo.z) <= SIGNIFICANT:
        return ""
    return "cannot compare: the two groups differed already in the quarters before"


def _comparable(rows: BoundaryRows) -> BoolArray:
    """Return where accounts off the rule are found: on which sides of the line, and how far."""
    off, far = rows.off_rule, rows.capacity_distance
    low, high = np.quantile(far[off], [_TAIL, 1 - _TAIL])
    inside = (far >= low) & (far <= high)
    for side in (True, False):
        there = rows.by_capacity == side
        if (off & inside & there).sum() < FEWEST_PER_SIDE:
            inside &= ~there
    return np.asarray(inside)


def _controls(near: BoundaryRows) -> FloatArray:
    far, side = near.capacity_distance, near.by_capacity.astype(np.float64)
    by_score = [far, far**2]
    if 0 < side.mean() < 1:
        by_score += [side, side * far]
    return np.column_stack(
        [
            np.ones(len(near)),
            standardised(np.column_stack(by_score)),
            near.quarter_columns(),
            near.known.standardised(),
        ]
    )


def _folds(cluster: IntArray) -> IntArray:
    """Return the fold of each row: clusters are dealt out in an order of their own."""
    present, place = np.unique(cluster, return_inverse=True)
    dealt = np.random.default_rng(len(present)).permutation(len(present)) % FOLDS
    return np.asarray(dealt[place], dtype=np.int64)


def _both_won(near: BoundaryRows) -> bool:
    return all(int((near.outcome[near.held == side] > 0).sum()) >= FEWEST_PER_SIDE
               for side in (True, False))  # fmt: skip


def balance(found: Adjusted) -> list[Mapping[str, float | str]]:
    """Return how far apart both tiers lie in each known column, in standard deviations.

    Returns
    -------
    list
        One row per column: `column`, `before` and `after` the weights.
    """
    return _balance(found.rows, found.weights) if len(found.rows) else []


def _balance(near: BoundaryRows, weights: FloatArray) -> list[Mapping[str, float | str]]:
    spread = near.known.values.std(axis=0)
    even = np.ones(len(near))
    rows: list[Mapping[str, float | str]] = []
    for number, name in enumerate(near.known.names):
        values = near.known.values[:, number]
        apart = [_apart(values, near.held, one) for one in (even, weights)]
        unit = spread[number] if spread[number] > 0 else 1.0
        rows.append({"column": name, "before": apart[0] / unit, "after": apart[1] / unit})
    return rows


def _apart(values: FloatArray, held: BoolArray, weights: FloatArray) -> float:
    above, below = (
        float(np.average(values[side], weights=weights[side])) for side in (held, ~held)
    )
    return above - below


def overlap(found: Adjusted, *, bins: int = 10) -> list[Mapping[str, float]]:
    """Return how many account-quarters of each tier have which chance of the upper tier.

    Returns
    -------
    list
        One row per bin: `low`, `high` (chances), `upper`, `lower` (account-quarters), `weight` (the
        share of all weight).
    """
    edges = np.linspace(0, 1, bins + 1)
    number = np.clip(np.digitize(found.share, edges) - 1, 0, bins - 1)
    held = found.rows.held
    total = float(found.weights.sum()) or 1.0
    return [
        {
            "low": float(edges[one]),
            "high": float(edges[one + 1]),
            "upper": int((held & (number == one)).sum()),
            "lower": int((~held & (number == one)).sum()),
            "weight": float(found.weights[number == one].sum()) / total,
        }
        for one in range(bins)
    ]
