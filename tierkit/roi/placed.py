"""Accounts that a minimum stay keeps in their tier whatever their score: nobody of them falls."""

from __future__ import annotations

import numpy as np

from tierkit.roi.standings import BoolArray, IntArray, Standings

LONGEST_STAY = 8
FEWEST = 5
FALL_SHARE = 0.1
"""Where fewer of those that scored too little fell, the score did not decide."""


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
    kept = np.zeros_like(asked)
    for quarters in range(1, LONGEST_STAY + 1):
        group = weak & (stay == quarters)
        if group.sum() < FEWEST or fell[group].mean() > FALL_SHARE:
            break
        kept |= asked & (stay == quarters)
    return kept


def quarters_above(level: IntArray, boundary: int) -> IntArray:
    """Return for how many quarters up to the one before an account was above the line."""
    count = np.zeros(level.shape, dtype=np.int64)
    above = (level >= 0) & (level <= boundary)
    for quarter in range(1, level.shape[1]):
        count[:, quarter] = np.where(above[:, quarter - 1], count[:, quarter - 1] + 1, 0)
    return count
