"""Why an account is predicted what it is predicted: the card's factors in words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tierkit.models.card import Card
from tierkit.words import factor_words, plain_name

MOST_CHARACTERS = 200
MOST_EACH_WAY = 3
_NEGLIGIBLE = float(np.log(1.05))
_BETWEEN = " · "


def reasons(card: Card, values: pd.DataFrame) -> pd.Series[str]:
    """Return up to three reasons up and three down for each account, strongest first each way.

    Parameters
    ----------
    card
        The card that scores the accounts.
    values
        A row per account with the card's columns.

    Returns
    -------
    Series
        A text of at most 200 characters, `won revenue (4 quarters) 120k–300k: ×2.4 · …`. Where
        not all reasons fit, the stronger ones are there. Factors within 5 % of 1 are no reasons;
        the text is empty where there is none.

    Examples
    --------
    >>> from tierkit.models.criteria import NumericCriterion
    >>> wins = NumericCriterion("wins_count_4q", (1, 3), (-0.7, 0.0, 0.7), counts=True)
    >>> reasons(Card(20.0, (wins,)), pd.DataFrame({"wins_count_4q": [0, 2, 9]})).tolist()
    ['wins (4 quarters) 0: ×0.50', '', 'wins (4 quarters) 3 or more: ×2.0']
    """
    bins = card.bins_of(values).to_numpy()
    points = card.points_of(values).to_numpy()
    texts = [
        [f"{plain_name(one.name)} {name}: {factor_words(amount)}"
         for name, amount in zip(one.bins, one.points_by_bin, strict=True)]
        for one in card.criteria
    ]  # fmt: skip
    order = np.argsort(-np.abs(points), axis=1, kind="stable")
    found = [
        _joined((point[column], texts[column][place[column]]) for column in strongest)
        for point, place, strongest in zip(
            points.tolist(), bins.tolist(), order.tolist(), strict=True
        )
    ]
    return pd.Series(found, index=values.index, name="reasons", dtype="str")


def factors(card: Card, values: pd.DataFrame) -> pd.DataFrame:
    """Return each account's factors, a column per criterion; base × all of them is predicted."""
    return card.points_of(values).apply(np.exp)


def _joined(strongest_first: Iterable[tuple[float, str]]) -> str:
    """Return those reasons that fit, the ups before the downs."""
    ups: list[str] = []
    downs: list[str] = []
    room = MOST_CHARACTERS
    for points, text in strongest_first:
        side = ups if points > 0 else downs
        if abs(points) < _NEGLIGIBLE or room <= 0:
            break
        if len(side) < MOST_EACH_WAY:
            short = text if len(text) <= MOST_CHARACTERS else _shortened(text)
            if len(short) <= room:
                side.append(short)
                room -= len(short) + len(_BETWEEN)
    return _BETWEEN.join([*ups, *downs])


def _shortened(text: str) -> str:
    """Cut the bin's name, not the factor after it."""
    words, _, factor = text.rpartition(": ")
    return f"{words[: MOST_CHARACTERS - len(factor) - 3]}…: {factor}"
