"""A fitted card as people change it: limits, factors of bins, criteria taken away."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tierkit.criterion_words import plain_name, short_number
from tierkit.models.card import Card
from tierkit.models.criteria import CategoricalCriterion, Criterion, NumericCriterion
from tierkit.models.rules_card import column_named, on_scale_of, scaled_criterion
from tierkit.settings import CardEdit


def edit_card(card: Card, edits: Sequence[CardEdit]) -> Card:
    """Return the card with the edits made one after the other; its base stays as it is.

    Parameters
    ----------
    card
        Fitted. Accounts in the bins of an edited criterion are no longer known.
    edits
        In factors. One that cannot be made (the card lacks the criterion, or it holds no numbers)
        changes nothing and is named in a note, since another fit may have the criterion.

    Examples
    --------
    >>> wins = NumericCriterion("wins_count_4q", (1.0,), (-0.7, 0.7), counts=True)
    >>> edit = CardEdit(criterion="wins_count_4q", highest_factor=1.5)
    >>> edited = edit_card(Card(20.0, (wins,)), [edit])
    >>> edited.table()["factor"].round(2).tolist()
    [0.5, 1.5, 1.0]
    >>> edited.notes
    ('Edited: wins (4 quarters): no factor above 1.5.',)
    """
    for edit in edits:
        card = _edited_card(card, edit)
    return card


def edit_in_words(edit: CardEdit) -> str:
    """Return what an edit changes, in words.

    Examples
    --------
    >>> edit_in_words(CardEdit(criterion="won_revenue_4q", at_least=100.0, factor=2.0))
    'won revenue (4 quarters): factor 2 from 100 on'
    >>> edit_in_words(CardEdit(criterion="industry", remove=True))
    'industry: removed'
    """
    parts = ["removed"] if edit.remove else [*_parts_in_words(edit)]
    return f"{plain_name(edit.criterion)}: {', '.join(parts)}"


def _parts_in_words(edit: CardEdit) -> Iterator[str]:
    if edit.weight is not None:
        yield f"weight {edit.weight:g}"
    if edit.factor is not None:
        yield f"factor {edit.factor:g} {_place_in_words(edit)}"
    for name, factor in (("other", edit.other), ("unknown", edit.missing)):
        if factor is not None:
            yield f"factor {factor:g} where it is {name}"
    if edit.highest_factor is not None:
        yield f"no factor above {edit.highest_factor:g}"
    if edit.lowest_factor is not None:
        yield f"no factor below {edit.lowest_factor:g}"


def _place_in_words(edit: CardEdit) -> str:
    if edit.value is not None:
        return f"where it is {edit.value}"
    if edit.at_least is None:
        return f"below {short_number(edit.below or 0.0)}"
    start = f"from {short_number(edit.at_least)}"
    return f"{start} on" if edit.below is None else f"{start} to below {short_number(edit.below)}"


def _edited_card(card: Card, edit: CardEdit) -> Card:
    column = column_named(edit.criterion, [one.name for one in card.criteria])
    found = next((one for one in card.criteria if one.name == column), None)
    if found is None:
        why = card.dropped.get(edit.criterion, "the card has no such criterion")
        return _noted(card, f"Not edited: {edit_in_words(edit)} ({why}).")
    if (edit.is_of_range and isinstance(found, CategoricalCriterion)) or (
        (edit.value is not None or edit.other is not None) and isinstance(found, NumericCriterion)
    ):
        holds = "text" if isinstance(found, CategoricalCriterion) else "numbers"
        return _noted(card, f"Not edited: {edit_in_words(edit)} (it holds {holds}).")
    others = [one if one is not found else _edited(one, edit) for one in card.criteria]
    kept = [one for one in others if not (edit.remove and one.name == column)]
    dropped = {**card.dropped, **({column: "removed by hand"} if edit.remove else {})}
    edited = replace(card, criteria=tuple(kept), dropped=dropped)
    return _noted(edited, f"Edited: {edit_in_words(edit)}.")


def _noted(card: Card, note: str) -> Card:
    return replace(card, notes=(*card.notes, note))


def _edited(criterion: Criterion, edit: CardEdit) -> Criterion:
    changed = criterion if edit.weight is None else scaled_criterion(criterion, by=edit.weight)
    if isinstance(changed, NumericCriterion) and edit.is_of_range and edit.factor is not None:
        low, high = (
            end if number is None else on_scale_of(changed.name, edit.criterion, number)
            for number, end in ((edit.at_least, -math.inf), (edit.below, math.inf))
        )
        changed = _with_range(changed, low=low, high=high, points=math.log(edit.factor))
    if isinstance(changed, CategoricalCriterion) and edit.value is not None and edit.factor:
        changed = _with_category(changed, edit.value, points=math.log(edit.factor))
    if isinstance(changed, CategoricalCriterion) and edit.other is not None:
        changed = replace(changed, other=math.log(edit.other))
    if edit.missing is not None:
        changed = replace(changed, missing=math.log(edit.missing))
    return _limited(changed, edit)


def _with_range(
    criterion: NumericCriterion, *, low: float, high: float, points: float
) -> NumericCriterion:
    """Return the criterion with one bin from `low` to below `high`; bins around it are cut."""
    outside = {edge for edge in criterion.edges if not low < edge < high}
    edges = sorted(outside | {end for end in (low, high) if math.isfinite(end)})
    starts = np.array([-math.inf, *edges])
    before = np.searchsorted(np.array(criterion.edges), starts, side="right")
    found = np.where((starts >= low) & (starts < high), points, np.array(criterion.points)[before])
    return replace(criterion, edges=tuple(edges), points=tuple(found.tolist()), accounts=())


def _with_category(
    criterion: CategoricalCriterion, value: str, *, points: float
) -> CategoricalCriterion:
    known = dict(zip(criterion.categories, criterion.points, strict=True)) | {value: points}
    names = tuple(sorted(known))
    found = tuple(known[name] for name in names)
    return replace(criterion, categories=names, points=found, accounts=())


def _limited(criterion: Criterion, edit: CardEdit) -> Criterion:
    low = -math.inf if edit.lowest_factor is None else math.log(edit.lowest_factor)
    high = math.inf if edit.highest_factor is None else math.log(edit.highest_factor)
    points = tuple(np.clip(criterion.points, low, high).tolist())
    missing = float(np.clip(criterion.missing, low, high))
    if isinstance(criterion, NumericCriterion):
        return replace(criterion, points=points, missing=missing)
    other = float(np.clip(criterion.other, low, high))
    return replace(criterion, points=points, missing=missing, other=other)
