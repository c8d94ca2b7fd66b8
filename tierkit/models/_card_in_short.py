"""The card in short: a line per criterion, bins of the same rounded factor together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from tierkit.models.card import Card
from tierkit.models.criteria import Criterion, NumericCriterion
from tierkit.words import factor_words, plain_name

COLUMNS = ("criterion", "importance", "factors")
_BETWEEN = "\u00a0· "  # a line breaks between bins, not before a factor or a dot


def card_in_short(card: Card) -> pd.DataFrame:
    r"""Return what a person reads at a glance; the whole card is `Card.table`.

    Returns
    -------
    DataFrame
        A row per criterion, the weightiest first: `criterion` in words, `importance` (its share,
        0 to 1), and `factors` in words: bins beside each other whose factors are the same in two
        digits are one. Unknown values have a factor where an account has one.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1, 2, 3), (-0.7, 0.01, 0.02, 0.7), counts=True)
    >>> card_in_short(Card(20.0, (wins,)))["factors"].str.replace("\xa0", " ").tolist()
    ['0 ×0.50 · 1–2 ×1.0 · 3 or more ×2.0 · unknown ×1.0']
    """
    criteria = {one.name: one for one in card.criteria}
    shares = card.importance().sort_values(ascending=False, kind="stable")
    rows = [
        (plain_name(str(name)), float(share), _BETWEEN.join(_factors(criteria[str(name)])))
        for name, share in shares.items()
    ]
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _factors(criterion: Criterion) -> list[str]:
    short = _joined_bins(criterion) if isinstance(criterion, NumericCriterion) else criterion
    said = [factor_words(points) for points in short.points_by_bin]
    bins = [*zip(short.bins, said, strict=True)]
    told = bins if _has_unknown(criterion) else bins[:-1]
    if isinstance(short, NumericCriterion):
        return [f"{name}\u00a0{factor}" for name, factor in told]
    by_factor: dict[str, list[str]] = {}
    for name, factor in told:
        by_factor.setdefault(factor, []).append(name)
    return [f"{', '.join(names)}\u00a0{factor}" for factor, names in by_factor.items()]


def _joined_bins(criterion: NumericCriterion) -> NumericCriterion:
    """Return the criterion without the edges between bins whose factors are spelled the same."""
    said = [factor_words(points) for points in criterion.points]
    kept = [place for place in range(len(criterion.edges)) if said[place] != said[place + 1]]
    return replace(
        criterion,
        edges=_at(criterion.edges, kept),
        points=(criterion.points[0], *_at(criterion.points[1:], kept)),
        accounts=(),
    )


def _at(values: Sequence[float], places: Sequence[int]) -> tuple[float, ...]:
    return tuple(values[place] for place in places)


def _has_unknown(criterion: Criterion) -> bool:
    return not criterion.accounts or criterion.accounts[-1] > 0
