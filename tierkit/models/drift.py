"""How far accounts have drifted from those that a card learned from, and how far by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tierkit.models.card import Card
from tierkit.statistics import FloatArray, IntArray
from tierkit.words import plain_name

MOST_BINS = 10
_DRAWS = 2_000
_HALF = 0.5
"""Added to every count, so that an empty bin does not make the index infinite."""


def stability_index(reference: IntArray, current: IntArray) -> float:
    """Return the population stability index (PSI) of two counts over the same bins.

    The sum over bins of (current share − reference share) × log(current ÷ reference share), half
    an account added to every count.

    Examples
    --------
    >>> stability_index(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(stability_index(np.array([50, 50]), np.array([80, 20])), 3)
    0.406
    """
    one, other = _shares(reference), _shares(current)
    return float(((other - one) * np.log(other / one)).sum())


def chance_index(
    reference: IntArray, current: IntArray, *, seed: int, draws: int = _DRAWS, level: float = 0.95
) -> float:
    """Return the index that accounts of the same make-up exceed in only 1 of 20 samples.

    Both counts are drawn again and again from what they have in common. With few accounts chance
    alone passes the customary 0.10: the limit must be this one, not a constant. Accounts that are
    in both samples move together, so that the true value lies lower still.
    """
    rng = np.random.default_rng(seed)
    both = reference + current
    shares = both / both.sum()
    first = rng.multinomial(int(reference.sum()), shares, size=draws)
    second = rng.multinomial(int(current.sum()), shares, size=draws)
    one, other = _shares(first), _shares(second)
    found = ((other - one) * np.log(other / one)).sum(axis=-1)
    return float(np.quantile(found, level))


def at_most_ten(reference: IntArray, current: IntArray) -> tuple[IntArray, IntArray]:
    """Return the counts with neighbouring bins joined until at most ten are left.

    The two neighbours that hold the fewest reference accounts together are joined first; the last
    bin, for missing values, stays by itself.

    Examples
    --------
    >>> one, other = at_most_ten(np.arange(13), np.ones(13, dtype=int))
    >>> len(one), int(one.sum()), int(other.sum())
    (10, 78, 13)
    """
    kept, now = reference.tolist(), current.tolist()
    while len(kept) > MOST_BINS:
        pairs = [kept[at] + kept[at + 1] for at in range(len(kept) - 2)]
        at = int(np.argmin(pairs))
        kept[at : at + 2] = [kept[at] + kept[at + 1]]
        now[at : at + 2] = [now[at] + now[at + 1]]
    return np.array(kept, dtype=np.int64), np.array(now, dtype=np.int64)


def card_drift(card: Card, values: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return how far each criterion of a card has drifted since it was fitted.

    Parameters
    ----------
    card
        A fitted card, whose bins know how many accounts they held.
    values
        The accounts of today, with the columns of the card.

    Returns
    -------
    DataFrame
        A row per criterion whose accounts are known: `criterion` in words, `bins`, `psi`,
        `psi_by_chance` (its 95 % value where nothing changed), `drifted`; the largest first.
    """
    rows = []
    for one in card.criteria:
        if not one.accounts or sum(one.accounts) == 0:
            continue
        bins = len(one.points_by_bin)
        counted = np.bincount(one.bin_of(values[one.name]), minlength=bins)
        before, now = at_most_ten(np.array(one.accounts, dtype=np.int64), counted)
        psi, chance = stability_index(before, now), chance_index(before, now, seed=seed)
        rows.append([plain_name(one.name), len(before), psi, chance, psi > chance])
    columns = ["criterion", "bins", "psi", "psi_by_chance", "drifted"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _shares(counts: IntArray) -> FloatArray:
    filled = counts + _HALF
    return np.asarray(filled / filled.sum(axis=-1, keepdims=True))
