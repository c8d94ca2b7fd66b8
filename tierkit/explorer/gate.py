"""What the gate of the quarterly run says of the card on screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tierkit.explorer.learned import gate_key
from tierkit.models import BY_HAND, FITTED

if TYPE_CHECKING:
    from tierkit.explorer.basis import Basis
    from tierkit.models import Card
    from tierkit.settings import Settings


@dataclass(frozen=True)
class Gate:
    """What the gate of the quarterly run says of the card on screen.

    Attributes
    ----------
    card_ranks
        Whether the card ranks the accounts; past revenue does otherwise.
    because
        Why, in words.
    card
        The card that the run would use; None where it is the one that was learned at the opening.
    """

    card_ranks: bool
    because: str
    card: Card | None = None


def gate_of(basis: Basis, settings: Settings) -> Gate:
    """Return what the run would do under these settings, by the same function; it takes seconds."""
    from tierkit.runs import fit_model

    learned = basis.learned
    if settings.model.kind == BY_HAND:
        return Gate(card_ranks=True, because="A card set by hand ranks the accounts as it is.")
    if learned.fitted is None or gate_key(settings) == learned.gated:
        return Gate(card_ranks=learned.ranks, because=learned.because)
    choice = fit_model(replace(basis.work, settings=settings, model_file=None), learned.panel)
    ranks = choice.kind == FITTED
    return Gate(ranks, choice.backtest.because, choice.card if ranks else None)
