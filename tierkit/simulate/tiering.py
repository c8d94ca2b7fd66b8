"""Tiering in the simulated company: scores of what is known, capacities, band, overrides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tierkit.simulate.scenario import BoolArray, FloatArray, IntArray, Scenario

KEEP_BAND = 1.25
OVERRIDE_SHARE = 0.05
"""Share of the places in Tier 1 and Tier 2 that managers fill against the score."""

OVERRIDE_REASONS = (
    "Executive sponsor confirmed a budget for next year",
    "New CIO knows us from the previous company",
    "Competitor's contract ends within two quarters",
    "Expansion to two more regions agreed in principle",
    "Reference account for the whole industry",
    "Pilot went well; group-wide tender announced",
)


@dataclass(frozen=True)
class Desk:
    """The tiers held, and the overrides in force, between two re-tierings.

    Attributes
    ----------
    tier
        Tier held: 0 for none, 1, 2, 3.
    bias
        What the score gets wrong about each account for good, in points.
    override
        Tier that a manager set, 0 for none.
    set_on, keeps
        Quarter in which it was set, and the quarters for which it stays.
    reason
        Code of its reason.
    """

    tier: IntArray
    bias: FloatArray
    override: IntArray
    set_on: IntArray
    keeps: IntArray
    reason: IntArray

    @classmethod
    def opening(cls, scenario: Scenario) -> Desk:
        """Return the desk before anybody was tiered."""
        n = scenario.accounts
        none = np.zeros(n, dtype=np.int64)
        bias = 4.0 * scenario.rng("score").standard_normal(n)
        return cls(tier=none, bias=bias, override=none, set_on=none, keeps=none, reason=none)


@dataclass(frozen=True)
class Known:
    """The company's knowledge of each account on the first day of a quarter.

    Attributes
    ----------
    won, inbound, pipeline
        Revenue won in four quarters, inbound touches in two, amount in open deals.
    size
        Standardised log of employees.
    hunch
        What the reps believe: the log of the true rate of revenue, with an error.
    in_scope
        Whether the account is in the CRM and may hold a tier.
    """

    won: FloatArray
    inbound: FloatArray
    pipeline: FloatArray
    size: FloatArray
    hunch: FloatArray
    in_scope: BoolArray


def score_accounts(known: Known, *, bias: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return points from past revenue, size, engagement and pipeline, with an error."""
    points = (
        30.0
        + 7.0 * np.log1p(known.won / 5_000)
        + 4.0 * known.size
        + 4.0 * np.log1p(known.inbound)
        + 1.3 * np.log1p(known.pipeline / 5_000)
    )
    return np.round(points + bias + 3.0 * rng.standard_normal(len(points)), 4)


def retier(desk: Desk, known: Known, *, scenario: Scenario, step: int) -> tuple[Desk, pd.DataFrame]:
    """Give every account in scope a tier for the quarter.

    Returns
    -------
    tuple
        The desk afterwards, and one row per account in scope: account (position), tier, model_tier,
        score, rank, cut_score, overridden, reason (code).
    """
    score = score_accounts(known, bias=desk.bias, rng=scenario.rng("score", step))
    rank = _ranks(score, known.in_scope)
    nobody = np.zeros_like(desk.override)
    model_tier, _ = assign(score, rank, desk.tier, nobody, scenario.capacities)
    desk = _review_overrides(desk, known, rank, model_tier, scenario=scenario, step=step)
    tier, cut = assign(score, rank, desk.tier, desk.override, scenario.capacities)
    rows = pd.DataFrame(
        {"account": np.arange(len(score)), "tier": tier, "model_tier": model_tier, "score": score,
         "rank": rank, "cut_score": cut, "overridden": desk.override > 0, "reason": desk.reason}
    )  # fmt: skip
    return replace(desk, tier=tier), rows[known.in_scope].reset_index(drop=True)


def _ranks(score: FloatArray, in_scope: BoolArray) -> IntArray:
    """Return 1 for the best account in scope, and so on; 0 outside. Ties go by account id."""
    rank = np.zeros(len(score), dtype=np.int64)
    scope = np.flatnonzero(in_scope)
    best_first = scope[np.argsort(-score[scope], kind="stable")]
    rank[best_first] = np.arange(1, len(scope) + 1)
    return rank


def assign(
    score: FloatArray,
    rank: IntArray,
    previous: IntArray,
    override: IntArray,
    capacities: tuple[int, int],
) -> tuple[IntArray, FloatArray]:
    """Return each account's tier and the line that it faced.

    Overrides take their places first, incumbents ranked inside the keep band stay, the rest is
    filled by rank. An account of Tier 2 faced two lines; the one nearer to its score is given: it
    lies above the score if that was Tier 1's, and not above if it was Tier 2's.
    """
    tier = np.where(rank > 0, 3, 0)
    lines = []
    for number, capacity in enumerate(capacities, start=1):
        free = (tier == 3) & ((override == 0) | (override == number))
        chosen, line = _fill(score, rank, free, (previous > 0) & (previous <= number),
                             override == number, capacity)  # fmt: skip
        tier = np.where(chosen, number, tier)
        lines.append(line)
    upper, lower = lines
    nearer_upper = np.abs(score - upper) < np.abs(score - lower)
    cut = np.where((tier == 1) | ((tier == 2) & nearer_upper & (score < upper)), upper, lower)
    return tier, np.asarray(np.round(cut, 4), dtype=np.float64)


def _fill(
    score: FloatArray,
    rank: IntArray,
    free: BoolArray,
    incumbent: BoolArray,
    forced: BoolArray,
    capacity: int,
) -> tuple[BoolArray, FloatArray]:
    """Return who gets a place in one tier, and the line that each account faced for it."""
    order = np.flatnonzero(free)
    order = order[np.argsort(rank[order], kind="stable")]
    place = np.empty(len(rank), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    chosen = np.zeros(len(rank), dtype=bool)
    chosen[order[forced[order]][:capacity]] = True
    by_rule = order[~forced[order]]
    inside = incumbent[by_rule] & (place[by_rule] <= KEEP_BAND * capacity)
    stay = by_rule[inside][: capacity - int(chosen.sum())]
    chosen[stay] = True
    enter = by_rule[~inside][: capacity - int(chosen.sum())]
    chosen[enter] = True
    rule = np.zeros(len(rank), dtype=bool)
    rule[by_rule] = True
    exit_line = _line(score, rule & incumbent, chosen)
    entry_line = _line(score, rule & ~incumbent, chosen)
    return chosen, np.where(incumbent, exit_line, entry_line)


def _line(score: FloatArray, group: BoolArray, chosen: BoolArray) -> float:
    """Return the score between the lowest of the group that is in and the highest that is out."""
    inside, outside = score[group & chosen], score[group & ~chosen]
    if len(inside) and len(outside):
        return float((inside.min() + outside.max()) / 2)
    if len(inside):
        return float(inside.min())
    return float(outside.max() + 0.01) if len(outside) else float(score.max())


def _review_overrides(
    desk: Desk,
    known: Known,
    rank: IntArray,
    model_tier: IntArray,
    *,
    scenario: Scenario,
    step: int,
) -> Desk:
    """End overrides that are over or that the score has caught up with, and set new ones.

    The new ones are informed: of the accounts that the score leaves below a tier, managers choose
    those of which the reps believe most.
    """
    rng = scenario.rng("overrides", step)
    fields = [x.copy() for x in (desk.override, desk.set_on, desk.keeps, desk.reason)]
    override, set_on, keeps, reason = fields
    over = (step - set_on >= keeps) | (model_tier <= override) | ~known.in_scope
    override[over] = 0
    for tier, capacity in enumerate(scenario.capacities, start=1):
        wanted = max(1, round(OVERRIDE_SHARE * capacity)) - int((override == tier).sum())
        below = (
            (override == 0) & (model_tier > tier) & (rank <= 4 * sum(scenario.capacities[:tier]))
        )
        below = np.flatnonzero(below & known.in_scope)
        new = below[np.argsort(-known.hunch[below], kind="stable")][: max(0, wanted)]
        override[new], set_on[new] = tier, step
        keeps[new] = rng.integers(3, 7, len(new))
        reason[new] = rng.integers(0, len(OVERRIDE_REASONS), len(new))
    return replace(desk, override=override, set_on=set_on, keeps=keeps, reason=reason)
