"""Lists of accounts: who moves, who is in a tier, who differs from a scenario."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tierkit.explorer.pages.parts import shown
from tierkit.rendering import joined, printable, tag
from tierkit.words import money

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

MOVES = "accounts that move"
MOST_LISTED = 20
ROW_HEIGHT = 26
"""Pixels of every row, the header's too: what opens an account lies over its name."""

_HEADER = ("Account", "Tier", "Predicted", "Rank", "Why", "Id")
_NUMBERS = ("Predicted", "Rank")
_STYLE = (
    "<style>.tierkit-listed{border-collapse:separate;border-spacing:0;margin:0;font:inherit}"
    f".tierkit-listed.tierkit-listed :is(th,td){{height:{ROW_HEIGHT}px;"
    f"line-height:{ROW_HEIGHT - 2}px;"
    "box-sizing:border-box;padding:0 9px 0 0;white-space:nowrap;text-align:left;"
    "overflow:hidden;text-overflow:ellipsis;max-width:10em;border-bottom:1px solid #8888884d}"
    ".tierkit-listed.tierkit-listed tbody th{font-weight:normal;max-width:12em}"
    ".tierkit-listed.tierkit-listed td:nth-child(5){max-width:18em}"
    ".tierkit-listed.tierkit-listed .n{text-align:right;font-variant-numeric:tabular-nums}</style>"
)


@dataclass(frozen=True)
class Listed:
    """The first accounts of a list, a row each, and how many there are.

    Attributes
    ----------
    accounts
        Their ids, in the order of the rows.
    names
        Their names, or ids where they have none.
    rows
        Tier (or move), predicted revenue, rank, and why, in words.
    total
        How many accounts the list has.
    """

    name: str
    accounts: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int

    @property
    def caption(self) -> str:
        """The name of the list and how many of its accounts are shown."""
        if not self.total:
            return f"{_capital(self.name)}: none."
        return f"{_capital(self.name)}: {shown(len(self.accounts), self.total, 'accounts')}"

    def table(self) -> Markup:
        """Return the rows as a table of fixed heights; empty where there is none.

        Columns that are empty for all of them are left out.
        """
        if not self.accounts:
            return Markup("")
        whole = [
            (name, *row, account)
            for name, account, row in zip(self.names, self.accounts, self.rows, strict=True)
        ]
        kept = [n for n, _ in enumerate(_HEADER) if any(row[n] for row in whole)]
        head = "".join(
            f'<th scope="col"{_side(_HEADER[n])}>{html.escape(_HEADER[n])}</th>' for n in kept
        )
        body = "".join(f"<tr>{_cells(row, kept)}</tr>" for row in whole)
        return Markup(
            f'{_STYLE}<table class="tierkit-listed"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )  # escaped above


def list_names(session: Session, *, against: str = "") -> list[str]:
    """Return the lists that there are; the last compares with a saved scenario."""
    compared = [_differing(against)] if against in session.scenarios else []
    return [MOVES, *session.view.names, *compared]


def listed(session: Session, name: str, *, against: str = "") -> Listed:
    """Return a list: moves and differences by predicted revenue, tiers by rank.

    Examples
    --------
    >>> from tierkit.explorer.example import example_explorer
    >>> found = listed(example_explorer(), "Tier 1")
    >>> found.accounts, found.rows, found.caption
    (('A1',), (('Tier 1', '$3.6 k', '1', ''),), 'Tier 1: 1 account')
    """
    if name == _differing(against) and against in session.scenarios:
        return _other_than(session, name, against)
    view, placed = session.view, session.view.placed
    is_move = name == MOVES
    if is_move:
        places = placed.moved[np.argsort(-view.money[placed.moved], kind="stable")]
    else:
        places = np.flatnonzero(placed.levels == view.names.index(name))
    first = places[:MOST_LISTED]
    accounts = tuple(str(one) for one in placed.ids[placed.order[first]])
    rows = [_row(session, int(place), is_move=is_move) for place in first]
    return Listed(name, accounts, _names(session, accounts), tuple(rows), len(places))


def all_lists(session: Session) -> Markup:
    """Return every list of the tiers tab, each folded under its caption."""
    return _folded(listed(session, name) for name in list_names(session))


def _folded(lists: Iterable[Listed]) -> Markup:
    return joined(
        *(tag("details", joined(tag("summary", one.caption), one.table())) for one in lists)
    )


def _row(session: Session, place: int, *, is_move: bool) -> tuple[str, ...]:
    """Return tier or move, predicted revenue, rank, and what holds the place."""
    view, placed = session.view, session.view.placed
    named, none = [*view.names, "no tier"], placed.places.none
    now, held = named[placed.levels[place]], named[placed.ranked.held[place]]
    by_hand = "override" if placed.ranked.forced[place] < none else ""
    return (
        f"{held} → {now}" if is_move else now,
        money(session.basis.currency, float(view.money[place])),
        f"{place + 1:,}" if placed.ranked.in_scope[place] else "–",
        str(placed.reasons[place]) if is_move else by_hand,
    )


def _other_than(session: Session, name: str, against: str) -> Listed:
    found = session.differing(against)
    first = found.head(MOST_LISTED)
    accounts = tuple(str(one) for one in first.index)
    amounts = (money(session.basis.currency, float(one)) for one in first["predicted_revenue"])
    moves = zip(first["before"], first["after"], amounts, strict=True)
    rows = tuple((f"{before} → {after}", amount, "", "") for before, after, amount in moves)
    return Listed(name, accounts, _names(session, accounts), rows, len(found))


def _names(session: Session, accounts: Sequence[str]) -> tuple[str, ...]:
    names = session.basis.names
    return tuple(str(names.get(account, account)) for account in accounts)


def _differing(against: str) -> str:
    return f"other tier than in {against}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _side(column: str) -> str:
    return ' class="n"' if column in _NUMBERS else ""


def _cells(row: Sequence[str], kept: Sequence[int]) -> str:
    texts = [(html.escape(printable(row[n])), _side(_HEADER[n])) for n in kept]
    first, *others = (text for text, _ in texts)
    sides = [side for _, side in texts][1:]
    return f'<th scope="row" title="{first}">{first}</th>' + "".join(
        f'<td{side} title="{text}">{text}</td>' for text, side in zip(others, sides, strict=True)
    )
