"""The line that each account faced at one boundary, and the accounts that a minimum stay keeps."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from tierkit.roi.standings import BoolArray, FloatArray, IntArray, Standings

FEW, SHARE = 3, 0.1
"""So many accounts, or this share of the upper tier, a recorded line may misplace more than the
best line would and still be believed."""


def own_lines(standings: Standings, boundary: int, *, stays: BoolArray | None = None) -> FloatArray:
    """Return the line between tier `boundary` and the next that each account faced.

    A recorded `cut_score` is the nearer of an account's lines: the tier's own if the score reaches
    it, the one above otherwise. An account that carries another boundary's line faced what its
    peers faced: those that, like it, held the upper tier (or one above) the quarter before, or did
    not. Where no line is recorded it lies where it misplaces the fewest of the accounts that were
    not placed otherwise; so it does where the recorded lines clearly did not decide, as when one
    line is recorded for all and incumbents faced a lower one. A line that is an account's own score
    moves half-way to the next score below, so that no account lies on it by construction.

    Parameters
    ----------
    stays
        Account-quarters whose tier a minimum stay decided: they tell nothing of the line.

    Returns
    -------
    numpy.ndarray
        Accounts × quarters; missing where nobody was scored.
    """
    placed = standings.overridden if stays is None else standings.overridden | stays
    lines = np.full(standings.score.shape, np.nan)
    before = standings.held_before()
    for quarter in range(standings.score.shape[1]):
        scored = ~np.isnan(standings.score[:, quarter]) & (standings.level[:, quarter] >= 0)
        if scored.any():
            incumbent = (before[:, quarter] >= 0) & (before[:, quarter] <= boundary)
            here = placed[:, quarter]
            known = _recorded(standings, quarter, boundary, scored, here)
            lines[:, quarter] = _filled(standings, quarter, boundary, known, incumbent, here)
    return lines


def _recorded(
    standings: Standings, quarter: int, boundary: int, scored: BoolArray, placed: BoolArray
) -> FloatArray:
    """Return the recorded lines that belong to the boundary, missing elsewhere."""
    score, cut = standings.score[:, quarter], standings.cut_score[:, quarter]
    level = standings.level[:, quarter]
    given = scored & ~np.isnan(cut)
    which = np.where(score >= cut, level, level - 1)
    sure = given & ~placed & (which >= 0)
    found = np.full(len(score), np.nan)
    found[sure & (which == boundary)] = cut[sure & (which == boundary)]
    middles = {b: float(np.median(cut[sure & (which == b)])) for b in set(which[sure].tolist())}
    unsure = given & ~sure
    if boundary in middles:
        gaps = {b: np.abs(cut - middle) for b, middle in middles.items()}
        nearest = np.logical_and.reduce([gaps[boundary] <= gap for gap in gaps.values()])
        found[unsure & nearest] = cut[unsure & nearest]
    return found


def _filled(
    standings: Standings,
    quarter: int,
    boundary: int,
    known: FloatArray,
    incumbent: BoolArray,
    placed: BoolArray,
) -> FloatArray:
    """Return a line for every account: its own, else its peers', else where it is found."""
    score, level = standings.score[:, quarter], standings.level[:, quarter]
    by_rule = ~np.isnan(score) & (level >= 0) & ~placed
    upper = level <= boundary
    line = known.copy()
    for peers in (incumbent, ~incumbent):
        group = by_rule & peers if (by_rule & peers).any() else by_rule
        given = known[peers & ~np.isnan(known)]
        recorded = np.where(np.isnan(known), np.median(given), known) if len(given) else known
        line[peers] = recorded[peers]
        if not len(given) or not _believed(score[group], upper[group], recorded[group]):
            line[peers] = find_line(score[group], upper[group])
    return _off_scores(line, score)


def _believed(score: FloatArray, upper: BoolArray, recorded: FloatArray) -> bool:
    """Return whether recorded lines misplace few accounts, or few more than the best line would."""
    allowed = max(FEW, SHARE * upper.sum())
    wrong = _misplaced(score, upper, recorded)
    if wrong <= allowed:
        return True
    best = np.full(len(score), find_line(score, upper))
    return bool(wrong <= _misplaced(score, upper, best) + allowed)


def _misplaced(score: FloatArray, upper: BoolArray, line: FloatArray) -> int:
    return int(((score >= line) != upper).sum())


def find_line(score: FloatArray, upper: BoolArray) -> float:
    """Return the line that misplaces the fewest accounts, half-way between two scores.

    Examples
    --------
    >>> find_line(np.array([1.0, 2.0, 5.0, 9.0]), np.array([False, True, False, True]))
    7.0
    """
    if len(score) == 0:
        return np.nan
    order = np.argsort(-score, kind="stable")
    ranked, inside = score[order], upper[order]
    let_in = np.concatenate([[0], np.cumsum(inside)])
    misplaced = (inside.sum() - let_in) + (np.arange(len(ranked) + 1) - let_in)
    ends = np.concatenate([[ranked[0] + 1.0], ranked, [ranked[-1] - 1.0]])
    middles = (ends[:-1] + ends[1:]) / 2
    splits = ends[:-1] > ends[1:]  # no line separates equal scores
    return float(middles[np.argmin(np.where(splits, misplaced, np.inf))])


def _off_scores(line: FloatArray, score: FloatArray) -> FloatArray:
    """Move lines that are somebody's score half-way to the next score below."""
    values = np.unique(score[~np.isnan(score)])
    place = np.searchsorted(values, line)
    on_score = (place < len(values)) & (place > 0)
    on_score &= values[np.minimum(place, len(values) - 1)] == line
    below = values[np.maximum(place - 1, 0)]
    return np.where(on_score, (line + below) / 2, line)


class NormalScale:
    """Places of values among a quarter's scores, as quantiles of a normal distribution.

    The order stays; the unit no longer depends on how a quarter's scores were scaled.

    Examples
    --------
    >>> NormalScale(np.array([1.0, 10.0, 100.0])).of(np.array([10.0, 55.0])).round(2).tolist()
    [0.0, 0.48]
    """

    def __init__(self, scores: FloatArray) -> None:
        self._values, counts = np.unique(scores[~np.isnan(scores)], return_counts=True)
        self._quantiles = ndtri((np.cumsum(counts) - counts / 2) / counts.sum())

    def of(self, values: FloatArray) -> FloatArray:
        """Return the quantile of each value; beyond all scores that of the nearest."""
        return np.asarray(np.interp(values, self._values, self._quantiles))


def capacity_line(score: FloatArray, level: IntArray, boundary: int) -> float:
    """Return the one line that would fill the upper tiers with as many accounts, by score alone."""
    known = np.sort(score[~np.isnan(score) & (level >= 0)])[::-1]
    places = int(((level >= 0) & (level <= boundary) & ~np.isnan(score)).sum())
    if places == 0 or places >= len(known):
        return np.nan
    return float((known[places - 1] + known[places]) / 2)


LONGEST_STAY = 8
FEWEST = 5
FALL_SHARE = 0.1
"""Share of those that scored too little and must fall for the score to have decided."""


def stays_unasked(standings: Standings, boundary: int) -> BoolArray:
    """Return which account-quarters keep a tier above the line for having come up lately.

    A rule that is not recorded shows in who falls: of the incumbents with a score no better than
    that of an incumbent who fell the same quarter, those that came up k quarters ago or less stay,
    all but a few. A k for which there are fewer than five such cases is not believed.

    Returns
    -------
    numpy.ndarray
        Accounts × quarters.
    """
    stay = quarters_above(standings.level, boundary)
    asked = (stay > 0) & ~standings.overridden & (standings.level >= 0)
    asked &= ~np.isnan(standings.score)
    fell = asked & (standings.level > boundary)
    score = np.where(asked, standings.score, np.nan)
    highest = np.where(fell, score, -np.inf).max(axis=0)
    weak = asked & (standings.score <= highest[None, :])
    stays = np.zeros_like(asked)
    for quarters in range(1, LONGEST_STAY + 1):
        group = weak & (stay == quarters)
        if group.sum() < FEWEST or fell[group].mean() > FALL_SHARE:
            break
        stays |= asked & (stay == quarters)
    return stays


def quarters_above(level: IntArray, boundary: int) -> IntArray:
    """Return for how many quarters up to the one before an account was above the line."""
    count = np.zeros(level.shape, dtype=np.int64)
    above = (level >= 0) & (level <= boundary)
    for quarter in range(1, level.shape[1]):
        count[:, quarter] = np.where(above[:, quarter - 1], count[:, quarter - 1] + 1, 0)
    return count
