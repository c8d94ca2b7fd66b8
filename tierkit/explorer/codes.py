"""Accounts by bin: bins are looked up once, so that new points cost next to nothing."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pandas as pd

from tierkit.models import Card, Criterion, NumericCriterion
from tierkit.statistics import FloatArray, IntArray

_MOST_KEPT = 96
"""Bins of so many criteria are remembered; what was not used longest is forgotten."""


class BinCodes:
    """The rows of a panel as places of bins, ready to be scored by many cards.

    Scores are the same to the last bit as those of `Card.score`.

    Parameters
    ----------
    values
        A row per account (and as_of), a column per criterion.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0,), (-0.5, 0.5), counts=True)
    >>> BinCodes(pd.DataFrame({"wins_count_4q": [0.0, 3.0]})).score(Card(10.0, (wins,))).tolist()
    [-0.5, 0.5]
    """

    def __init__(self, values: pd.DataFrame) -> None:
        self.values = values
        self._kept: OrderedDict[tuple[object, ...], IntArray] = OrderedDict()
        self._total: tuple[Card, float] | None = None
        self._reference: tuple[Card, FloatArray] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def of(self, criterion: Criterion) -> IntArray:
        """Return the place of each row's bin."""
        key = _key(criterion)
        if key not in self._kept:
            found = criterion.bin_of(self.values[criterion.name])
            narrow = np.uint8 if len(criterion.points_by_bin) < 256 else np.int64
            self._kept[key] = found.astype(narrow)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def score(self, card: Card) -> FloatArray:
        """Return each row's sum of points."""
        total = np.zeros(len(self.values))
        for criterion in card.criteria:
            total += criterion.points_by_bin[self.of(criterion)]
        return total

    def predict_near(self, card: Card, *, reference: Card) -> FloatArray:
        """Return each row's predicted revenue; quick where few criteria differ from `reference`.

        Sums of points are those of the reference and the differences, so that they may differ from
        `Card.score` in the last bits.

        Examples
        --------
        >>> wins = NumericCriterion("wins_count_4q", (1.0,), (-0.5, 0.5), counts=True)
        >>> rows = BinCodes(pd.DataFrame({"wins_count_4q": [0.0, 3.0]}))
        >>> rows.predict_near(Card(10.0, ()), reference=Card(1.0, (wins,))).tolist()
        [10.0, 10.0]
        """
        return np.asarray(card.base * np.exp(self._near(card, reference)))

    def _near(self, card: Card, reference: Card) -> FloatArray:
        if self._reference is None or self._reference[0] is not reference:
            self._reference = (reference, self.score(reference))
        before = {one.name: one for one in reference.criteria}
        total = self._reference[1].copy()
        for criterion in card.criteria:
            old = before.pop(criterion.name, None)
            if old == criterion:
                continue
            total += criterion.points_by_bin[self.of(criterion)]
            if old is not None:
                total -= old.points_by_bin[self.of(old)]
        for gone in before.values():
            total -= gone.points_by_bin[self.of(gone)]
        return total

    def total(self, card: Card) -> float:
        """Return the predicted revenue of all rows; that of the last card is remembered."""
        if self._total is None or self._total[0] is not card:
            self._total = (card, float(self.predict(card).sum()))
        return self._total[1]

    def predict(self, card: Card) -> FloatArray:
        """Return each row's predicted revenue."""
        return np.asarray(card.base * np.exp(self.score(card)))


def _key(criterion: Criterion) -> tuple[object, ...]:
    if isinstance(criterion, NumericCriterion):
        return (criterion.name, criterion.edges)
    return (criterion.name, criterion.categories)
