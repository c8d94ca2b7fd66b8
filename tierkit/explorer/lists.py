"""Lists of accounts as lines of text: who moves, who is in a tier, who differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tierkit.words import money

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

MOST_LISTED = 200
MOVES = "accounts that move"
_BETWEEN = " · "


@dataclass(frozen=True)
class AccountLines:
    """The first accounts of a list, each as a line, and how many there are."""

    lines: dict[str, str]
    total: int


def list_names(session: Session, *, against: str = "") -> list[str]:
    """Return the lists that there are; the last compares with a saved scenario."""
    compared = [_differing(against)] if against in session.scenarios else []
    return [MOVES, *session.view.names, *compared]


def account_list(session: Session, name: str, *, against: str = "") -> AccountLines:
    """Return the accounts of a list, the largest predicted revenue first.

    Examples
    --------
    >>> from tierkit.explorer.example import example_explorer
    >>> [*account_list(example_explorer(), "Tier 1").lines.values()]
    ['Acme Freight · Tier 1 · $3.6 k']
    """
    if name == _differing(against) and against in session.scenarios:
        found = session.differing(against)
        moves = zip(found["before"], found["after"], strict=True)
        where = [f"{before} → {after}" for before, after in moves]
        return _lines(session, [*found.index], where, found["predicted_revenue"].tolist())
    view, placed = session.view, session.view.placed
    if name == MOVES:
        rows = placed.moved[np.argsort(-view.money[placed.moved], kind="stable")]
    else:
        rows = np.flatnonzero(placed.levels == view.names.index(name))
    first = rows[:MOST_LISTED]
    named = [*view.names, "no tier"]
    before, now = placed.ranked.held[first], placed.levels[first]
    pairs = zip(before.tolist(), now.tolist(), strict=True)
    where = [named[b] if a == b or name != MOVES else f"{named[a]} → {named[b]}" for a, b in pairs]
    listed = _lines(session, [*placed.ids[placed.order[first]]], where, view.money[first].tolist())
    return AccountLines(listed.lines, len(rows))


def _differing(against: str) -> str:
    return f"other tier than in {against}"


def _lines(
    session: Session, accounts: Sequence[str], where: Sequence[str], amounts: Sequence[float]
) -> AccountLines:
    names, currency = session.basis.names, session.basis.currency
    rows = zip(accounts, where, amounts, strict=True)
    found = {
        account: _BETWEEN.join([str(names.get(account, account)), tier, money(currency, amount)])
        for account, tier, amount in [*rows][:MOST_LISTED]
    }
    return AccountLines(found, len(accounts))
