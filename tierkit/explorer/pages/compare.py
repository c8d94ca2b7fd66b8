"""The compare tab: saved scenarios side by side, the accounts that differ, what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tierkit.explorer.pages.parts import MOST_ROWS, note, share_with_interval, shown, table
from tierkit.reporting.fragment import joined, tag
from tierkit.reporting.words import count, money, plural

if TYPE_CHECKING:
    from tierkit.explorer.session import Session


def compare_page(session: Session, *, against: str = "") -> Markup:
    """Return the compare tab.

    Parameters
    ----------
    against
        The saved scenario whose accounts are compared with those on screen.
    """
    parts = [scenario_table(session)]
    if against in session.scenarios:
        parts.append(differing_table(session, against))
    return joined(*parts, settings_lines(session))


def scenario_table(session: Session) -> Markup:
    """Return one column a scenario: sizes, predicted revenue, capture."""
    if not session.scenarios:
        return note("No scenario is saved. Give what is on screen a name, change it, and compare.")
    found = session.snapshots()
    currency = session.basis.currency
    screen = found["on screen"]
    rows: list[list[object]] = []
    for tier in screen.names:
        rows.append([f"{tier}: accounts", *(count(one.sizes.get(tier, 0)) for one in
                                            found.values())])  # fmt: skip
        amounts = (money(currency, one.revenue.get(tier, 0.0)) for one in found.values())
        rows.append([f"{tier}: predicted revenue", *amounts])
    for name in screen.captures:
        captures = (one.captures.get(name) for one in found.values())
        spoken = ("–" if one is None else share_with_interval(one) for one in captures)
        rows.append([f"Capture at {name}", *spoken])
    differ = (int((one.levels != screen.levels).sum()) for one in found.values())
    rows.append(["Accounts in another tier than on screen", *map(count, differ)])
    caption = f"{plural(len(found) - 1, 'saved scenario')} beside what is on screen"
    return table(["", *found], rows, caption=caption)


def differing_table(session: Session, name: str) -> Markup:
    """Return the accounts that have another tier on screen than in a scenario."""
    found = session.differing(name)
    if found.empty:
        return note(f"Every account has the same tier in {name}.")
    names, currency = session.basis.names, session.basis.currency
    rows = [
        [str(names.get(account, account)), str(account), row["before"], row["after"],
         money(currency, float(row["predicted_revenue"]))]
        for account, row in zip(found.index, found.head(MOST_ROWS).to_dict("records"), strict=False)
    ]  # fmt: skip
    header = ["Account", "Id", name, "On screen", "Predicted revenue"]
    caption = f"Accounts that differ: {shown(len(rows), len(found), 'accounts')}"
    return table(header, rows, caption=caption, text=4)


def settings_lines(session: Session) -> Markup:
    """Return which lines of `tierkit.toml` change, or have been changed."""
    lines = session.settings_difference()
    if not lines:
        words = "tierkit.toml says what is on screen."
        return joined(note(words), _lines(session.written)) if session.written else note(words)
    return joined(note("Copying as settings changes these lines of tierkit.toml:"), _lines(lines))


def _lines(text: str) -> Markup:
    return tag("pre", text, style="margin:4px 0;max-height:20em;overflow:auto")
