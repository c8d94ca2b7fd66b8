"""A card that names criteria which the data lack: it is opened without them, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tierkit.explorer import card_settings, scenario
from tierkit.explorer.gaps import Gap
from tierkit.models.rules_card import column_named
from tierkit.models.saved import BY_HAND

if TYPE_CHECKING:
    from tierkit.settings import Settings


def without_absent(settings: Settings, known: Sequence[str]) -> tuple[Settings, tuple[Gap, ...]]:
    """Return the settings without what their card names in vain, and what that is.

    Where nothing is left of a card set by hand, the fitted card takes its place.

    Parameters
    ----------
    known
        The criteria that the data have.

    Examples
    --------
    >>> from tierkit.settings import parse_settings
    >>> edit = {"criterion": "won_revenu_4q", "remove": True}
    >>> opened, gaps = without_absent(parse_settings({"card": {"edits": [edit]}}),
    ...                               ["won_revenue_4q"])
    >>> opened.card.edits
    ()
    >>> print(gaps[0])
    card.edits names won_revenu_4q, which the data lack: it is left out here. Did you mean \
won_revenue_4q? Correct it, take it out, or add the table that it comes from.
    """
    part = "criteria" if settings.model.kind == BY_HAND else "edits"
    named = [one.criterion for one in getattr(settings.card, part)]
    absent = [name for name in dict.fromkeys(named) if not column_named(name, known)]
    if not absent:
        return settings, ()
    gaps = tuple(_gap(part, name, known) for name in absent)
    if part == "criteria" and set(named) == set(absent):
        return card_settings.fitted(settings), gaps

    def change(plain: dict[str, Any]) -> None:
        kept = [one for one in plain["card"][part] if one["criterion"] not in absent]
        plain["card"][part] = kept

    return scenario.changed(settings, change), gaps


def _gap(part: str, name: str, known: Sequence[str]) -> Gap:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}? " if near else ""
    return Gap(
        f"card.{part} names {name}, which the data lack: it is left out here.",
        f"{hint}Correct it, take it out, or add the table that it comes from.",
    )
