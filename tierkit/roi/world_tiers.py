"""How a simulated world gives out its places, and the line that each account faced."""

from __future__ import annotations

import numpy as np

from tierkit.roi.standings import NO_TIER, BoolArray, FloatArray, IntArray


def assign(
    score: FloatArray,
    before: IntArray,
    forced: IntArray,
    *,
    capacities: tuple[int, ...],
    keep_band: float,
    fixed: BoolArray | None = None,
) -> tuple[IntArray, FloatArray]:
    """Return tiers by capacity, and the line that each account faced.

    Overrides take their places first, incumbents inside the band keep theirs, the rest is filled by
    rank. The line is the tier's own for those who reach it, the one above for those who do not.
    `fixed` accounts came up too short a while ago to leave the tier that they hold.
    """
    last = len(capacities)
    level = np.full(len(score), last, dtype=np.int64)
    open_ = np.ones(len(score), dtype=bool)
    order = np.argsort(-score, kind="stable")
    lines = []
    for tier, capacity in enumerate(capacities):
        forced_in = open_ & (forced == tier)
        by_rule = open_ & (forced == NO_TIER)
        incumbent = (before >= 0) & (before <= tier)
        stays = np.zeros(len(score), dtype=bool) if fixed is None else fixed & (before == tier)
        places = max(capacity - int(forced_in.sum()), 0)
        ranked = order[by_rule[order]]
        inside = incumbent[ranked] & (np.arange(len(ranked)) < keep_band * capacity)
        inside |= stays[ranked]
        stay = ranked[inside][np.argsort(~stays[ranked[inside]], kind="stable")][:places]
        enter = ranked[~inside][: places - len(stay)]
        chosen = forced_in.copy()
        chosen[stay] = chosen[enter] = True
        level[chosen] = tier
        open_ &= ~chosen
        by_score = by_rule & ~stays
        ends = [_line(score, by_score & group, chosen) for group in (incumbent, ~incumbent)]
        lines.append(np.where(incumbent, *ends))
    return level, _line_faced(score, level, lines)


def _line_faced(score: FloatArray, level: IntArray, lines: list[FloatArray]) -> FloatArray:
    """Return each account's nearer line: its tier's own if reached, else the one above."""
    padded = np.column_stack([*lines, np.full(len(score), -np.inf)])
    place = np.arange(len(score))
    own = padded[place, level]
    above = padded[place, np.maximum(level - 1, 0)]
    nearer_above = (level > 0) & (above - score < score - own)
    return np.where(nearer_above, above, own)


def _line(score: FloatArray, group: BoolArray, chosen: BoolArray) -> float:
    inside, outside = score[group & chosen], score[group & ~chosen]
    if len(inside) and len(outside):
        return float(inside.min() + outside.max()) / 2
    if len(inside):
        return float(inside.min()) - 0.01
    return float(outside.max()) + 0.01 if len(outside) else float(score.max())
