"""Stability of Tier 1 across seeds, and as many bags as it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from tierkit.models import Card, Examples, Shares, average, sample_accounts
from tierkit.parallel import ROWS_WORTH_PROCESSES, in_processes
from tierkit.settings import Settings

WANTED_OVERLAP = 0.9


@dataclass(frozen=True)
class Steadied:
    """A card and how much of Tier 1 it shares with a card of another seed.

    Attributes
    ----------
    card
        The mean of both halves of its bags.
    bags
        How often it was fitted.
    overlap
        The share of Tier 1 that two cards with half of the bags each have in common; NaN where
        there is no Tier 1 with a capacity or no account.
    """

    card: Card
    bags: int
    overlap: float


def steadied_card(
    examples: Examples, *, settings: Settings, now: pd.DataFrame, size: int | None
) -> Steadied:
    """Return a card with enough bags that another seed gives almost the same Tier 1.

    Two cards are fitted, each with half of `model.bags`, on bags that share nothing. Their mean is
    the card. While they share less than 90 % of Tier 1, bags are doubled, up to `model.most_bags`.

    Parameters
    ----------
    examples
        What is learned from.
    now
        The accounts that will be ranked.
    size
        The capacity of Tier 1.
    """
    rows = sample_accounts(
        examples.values, most_rows=settings.model.max_training_rows, seed=settings.model.seed
    )
    total = float(examples.won.reindex(rows.index).sum())
    half = max(1, settings.model.bags // 2)
    shares = examples.part_shares(settings)
    fit = partial(_fit, examples, settings, shares=shares)
    halves = [partial(fit, bags=half, first_bag=bag) for bag in (0, half)]
    first, second = in_processes(halves, worth=len(rows) >= ROWS_WORTH_PROCESSES)
    used = half
    while True:
        card = average([first, second], rows, total=total)
        overlap = _shared(first, second, now, size)
        used *= 2
        if not overlap < WANTED_OVERLAP or 2 * used > settings.model.most_bags:
            return Steadied(examples.finished(card, settings), used, overlap)
        first, second = card, fit(bags=used, first_bag=used)


def _fit(
    examples: Examples, settings: Settings, *, bags: int, first_bag: int, shares: Shares
) -> Card:
    model = settings.model.model_copy(update={"bags": bags})
    return examples.fit(
        settings.model_copy(update={"model": model}), first_bag=first_bag, shares=shares
    )


def _shared(first: Card, second: Card, now: pd.DataFrame, size: int | None) -> float:
    """Return the share of the best accounts of one card that are among the best of the other."""
    if not size or now.empty:
        return float("nan")
    best = [
        {*one.score(now).sort_index().sort_values(ascending=False, kind="stable").index[:size]}
        for one in (first, second)
    ]
    return float(np.mean([len(best[0] & best[1]) / len(one) for one in best]))
