"""The criteria tab: the backtest of the card, what it predicts, what the last change did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tierkit.criterion_words import plain_name
from tierkit.explorer.pages.charts import factor_table, lift_chart
from tierkit.explorer.pages.parts import (
    DOWN,
    UP,
    bar,
    note,
    ratio_with_interval,
    share_with_interval,
    shown,
    signed,
    table,
    warning,
)
from tierkit.explorer.rankings import heaviest
from tierkit.models import BY_COLUMN, PAST
from tierkit.rendering import joined
from tierkit.words import count, money, share

if TYPE_CHECKING:
    from tierkit.explorer.session import Session

_STEPS = (0.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8)


def criteria_page(session: Session, *, criterion: str = "") -> Markup:
    """Return the criteria tab.

    Parameters
    ----------
    criterion
        The one whose bins are shown; by default the one that weighs most.
    """
    return joined(
        gate_line(session),
        backtest_table(session),
        last_change(session),
        factor_table(session, criterion or heaviest(session)),
        lift_chart(session),
        card_table(session),
        distribution_table(session),
    )


def gate_line(session: Session) -> Markup:
    """Return what ranks the accounts, and why."""
    gate = session.gate
    if session.card_is_set_by_hand:
        return note("The card set by hand ranks the accounts.")
    by_past = session.basis.learned.past_kind == PAST
    which = "The fitted card" if gate.card_ranks else "Past revenue" if by_past else "A simple rule"
    line = note(f"{which} ranks the accounts. {gate.because}")
    if session.gate_is_current:
        return line
    stale = "The card or a capacity has changed since the gate was checked; it is checked again "
    return joined(line, warning(f"{stale}before the settings are written, or now by its button."))


def backtest_table(session: Session) -> Markup:
    """Return capture at capacity and actual over predicted, beside what it is compared with."""
    view = session.view
    if not view.backtest:
        return warning(f"No backtest. {session.basis.learned.untested_because}")
    ends = view.ends
    first = view.backtest[0]
    rows = []
    for row in view.backtest:
        cells: list[object] = [row.name]
        for size in ends.values():
            cells.append(share_with_interval(row.captures[size].figure))
            same = row is first
            difference = first.captures[size].minus(row.captures[size])
            cells.append("" if same else _points(*difference.numbers()))
        rows.append([*cells, ratio_with_interval(row.actual_over_predicted)])
    header = ["Ranked by", *(part for name, size in ends.items()
                             for part in (f"Capture at {name} ({size:,})", "on screen over it")),
              "Actual over predicted"]  # fmt: skip
    tested = view.basis.rankings.rows
    dates = shown(len(tested.dates), len(tested.dates), "earlier quarter-ends")
    caption = (
        f"Share of won revenue that the top accounts brought, mean of {dates}, "
        f"{tested.count:,} accounts (95 % intervals)"
    )
    return table(header, rows, caption=caption)


def last_change(session: Session) -> Markup:
    """Return what the last change did, in a sentence and a small table."""
    change = session.change
    if change is None:
        return note("Nothing has been changed yet.")
    currency = session.basis.currency
    rows = [
        [
            name,
            f"{change.before.sizes.get(name, 0):,} → {change.after.sizes[name]:,}",
            _money_change(change.before.revenue.get(name, 0.0), change.after.revenue[name],
                          currency),
        ]
        for name in change.after.names
    ]  # fmt: skip
    captures = [
        f"capture at {name} {share_with_interval(before)} → {share_with_interval(after)}"
        for name, after in change.after.captures.items()
        if (before := change.before.captures.get(name)) is not None
    ]
    done = "; ".join([f"{count(change.accounts)} accounts have another tier", *captures])
    words = note(f"Last change, {change.words}: {done}.")
    return joined(words, table(["Tier", "Accounts", "Predicted revenue"], rows, caption=""))


def distribution_table(session: Session) -> Markup:
    """Return how many accounts are predicted how much."""
    view, currency = session.view, session.basis.currency
    money_of = view.screen.predicted
    edges = np.array([*_STEPS, np.inf])
    place = np.clip(np.searchsorted(edges, money_of, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    sums = np.bincount(place, weights=money_of, minlength=len(edges) - 1)
    filled = np.flatnonzero(counts)
    if not len(filled):
        return note("No account can be predicted.")
    most, total = counts.max(), sums.sum()
    rows = [
        [
            _step_words(step, currency),
            bar(counts[step] / most),
            count(float(counts[step])),
            share(float(sums[step] / total)) if total else "–",
        ]
        for step in range(int(filled[0]), int(filled[-1]) + 1)
    ]
    caption = f"Predicted revenue of {len(money_of):,} accounts over the horizon"
    header = ["Predicted revenue", "", "Accounts", "Share of the revenue"]
    return table(header, rows, caption=caption, text=2)


def card_table(session: Session) -> Markup:
    """Return the card on screen: criterion, strongest and weakest bin, share of importance."""
    card = session.view.card
    if not card.criteria:
        return note("The card has no criterion: every account is predicted the same.")
    importance = card.importance().sort_values(ascending=False, kind="stable")
    by_name = {one.name: one for one in card.criteria}
    rows = []
    for name, part in importance.items():
        one = by_name[str(name)]
        low, high = int(np.argmin(one.points_by_bin)), int(np.argmax(one.points_by_bin))
        rows.append(
            [
                plain_name(one.name),
                bar(float(part), colour=UP),
                _bin(one.bins[low], float(one.points_by_bin[low])),
                _bin(one.bins[high], float(one.points_by_bin[high])),
                share(float(part)),
            ]
        )
    caption = f"The card on screen, base {money(session.basis.currency, card.base)}"
    if session.view.screen.kind in BY_COLUMN:
        caption += "; it does not rank the accounts"
    header = ["Criterion", "", "Least where it is", "Most where it is", "Share of importance"]
    return table(header, rows, caption=caption, text=4)


def _bin(name: str, points: float) -> Markup:
    factor = math.exp(points)
    colour = UP if factor >= 1 else DOWN
    style = f"border-bottom:2px solid {colour}"
    return Markup('{} <span style="{}">×{:.2f}</span>').format(name, style, factor)


def _money_change(before: float, after: float, currency: str) -> str:
    words = f"{money(currency, before)} → {money(currency, after)}"
    if before <= 0 or before == after:
        return words
    return f"{words} ({signed(after - before, share(abs(after / before - 1)))})"


def _points(estimate: float, low: float, high: float) -> str:
    if not np.isfinite(estimate):
        return "–"
    spelled = f"{100 * estimate:+.1f}".replace("-", "−")
    if not np.isfinite(low):
        return f"{spelled} points"
    return f"{spelled} points ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")


def _step_words(step: int, currency: str) -> str:
    low = _STEPS[step]
    if step == len(_STEPS) - 1:
        return f"{money(currency, low)} or more"
    return f"{money(currency, low)} to {money(currency, _STEPS[step + 1])}"
