"""The card on screen: what the settings make of the fitted card, or the card set by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tierkit.models import (
    BY_HAND,
    FITTED,
    Card,
    Kind,
    edit_card,
    fit_rules_card,
    ranked,
    set_by_hand,
)

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis, Fold
    from tierkit.explorer.codes import BinCodes
    from tierkit.settings import Settings
    from tierkit.statistics import FloatArray


@dataclass(frozen=True)
class Screen:
    """The ranking on screen: a card, and the score and the money that it gives each account.

    Attributes
    ----------
    card, kind
        The card, and what it is.
    score, predicted
        Of each account in `Basis.ids`; they rank by both, in this order.
    """

    card: Card
    kind: Kind
    score: FloatArray
    predicted: FloatArray


def screen_of(basis: Basis, settings: Settings, card: Card, *, card_ranks: bool) -> Screen:
    """Return what ranks the accounts under these settings.

    Parameters
    ----------
    card
        The one that the settings make.
    card_ranks
        Whether the card is better than past revenue, as the gate has found; a card set by hand
        ranks the accounts anyway.
    """
    if settings.model.kind == BY_HAND:
        return _by_card(basis, card, BY_HAND)
    if card_ranks and basis.learned.fitted is not None:
        return _by_card(basis, card, FITTED)
    found = ranked(
        basis.learned.past,
        basis.learned.past_kind,
        basis.now.values,
        past_revenue=basis.learned.past_revenue,
    )
    return Screen(
        basis.learned.past,
        basis.learned.past_kind,
        found["score"].to_numpy(dtype=float),
        found["predicted_revenue"].to_numpy(dtype=float),
    )


def _by_card(basis: Basis, card: Card, kind: Kind) -> Screen:
    score = basis.now.score(card)
    return Screen(card, kind, score, np.asarray(card.base * np.exp(score)))


def card_of(basis: Basis, settings: Settings) -> Card:
    """Return the card that the settings make, whether or not it ranks the accounts."""
    if settings.model.kind == BY_HAND:
        return rules_card(basis, settings)
    return edited_card(basis, settings)


def edited_card(basis: Basis, settings: Settings) -> Card:
    """Return the fitted card with the edits of the settings and the base that keeps its total."""
    fitted = basis.learned.fitted
    if fitted is None:
        return basis.learned.past
    edited = _edited(fitted, settings, basis.training)
    return edited if edited is fitted else _worth(basis, edited)


def _worth(basis: Basis, card: Card) -> Card:
    """Return the card whose predicted revenue adds up to what is forecast for all accounts."""
    share = float(np.exp(basis.now.score(card)).sum())
    total = basis.now.total(basis.learned.past)
    return replace(card, base=total / share) if share > 0 else card


def rules_card(basis: Basis, settings: Settings) -> Card:
    """Return the card that the settings set by hand, with the money that such points went with."""
    won = basis.learned.won
    if won.empty:
        past = pd.Series(basis.now.predict(basis.learned.past), index=basis.ids)
        return fit_rules_card(basis.now.values, past, settings=settings.card)
    if settings.card.points_to_double is None:
        rows = basis.examples
        return _worth(basis, fit_rules_card(rows.values, rows.shares, settings=settings.card))
    return _worth(basis, _by_hand(settings, basis.training, np.asarray(won, dtype=np.float64)))


def tested_by(basis: Basis, settings: Settings) -> FloatArray:
    """Return what the card on screen would have predicted, for each row of `Basis.tested`.

    At each tested date the edits are made on the card that was fitted then, so that it knows
    nothing of what followed. A card set by hand has the same points at every date.
    """
    predicted = np.zeros(len(basis.tested))
    to_double = _with_points_to_double(basis, settings)
    for card, fold in zip(basis.learned.folds, basis.folds, strict=True):
        made = _fold_card(card, fold, to_double)
        reference = made if settings.model.kind == BY_HAND else card
        predicted[fold.rows] = fold.tested.predict_near(made, reference=reference)
    return predicted


def _fold_card(fitted: Card, fold: Fold, settings: Settings) -> Card:
    if settings.model.kind == BY_HAND:
        return _by_hand(settings, fold.training, fold.won)
    return _edited(fitted, settings, fold.training)


def _edited(fitted: Card, settings: Settings, training: BinCodes) -> Card:
    if not settings.card.edits:
        return fitted
    edited = edit_card(fitted, settings.card.edits)
    total = training.total(fitted)
    plain = replace(edited, base=1.0)
    share = float(training.predict_near(plain, reference=fitted).sum())
    return replace(edited, base=total / share if share > 0 else 0.0)


def _by_hand(settings: Settings, training: BinCodes, won: FloatArray) -> Card:
    """Return the card of the settings, whose points have a worth, with the base of its money."""
    card = set_by_hand(training.values, settings=settings.card)
    share = float(np.exp(training.score(card)).sum())
    total = max(float(won.sum()), 0.0)
    return replace(card, base=total / share if share > 0 else 0.0)


def _with_points_to_double(basis: Basis, settings: Settings) -> Settings:
    """Return the settings with the worth of a point that all training rows have found."""
    if settings.model.kind != BY_HAND or settings.card.points_to_double is not None:
        return settings
    card = settings.card.model_copy(update={"points_to_double": points_to_double(basis, settings)})
    return settings.model_copy(update={"card": card})


def points_to_double(basis: Basis, settings: Settings) -> float:
    """Return how many points of the card set by hand double predicted revenue."""
    set_to = settings.card.points_to_double
    if set_to is not None:
        return set_to
    made = rules_card(basis, settings)
    plain = set_by_hand(
        basis.training.values,
        settings=settings.card.model_copy(update={"points_to_double": 1.0}),
    )
    sizes = [(np.abs(one.points_by_bin).max(), np.abs(other.points_by_bin).max())
             for one, other in zip(made.criteria, plain.criteria, strict=True)]  # fmt: skip
    worth = max((own / unit for own, unit in sizes if unit > 0), default=0.1)
    return float(f"{1.0 / worth:.6g}")
