"""Small multiples: the same small figure for each headline number, over the published quarters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from tierkit import charts
from tierkit.reporting.figures import Picture, figure
from tierkit.reporting.fragment import Fragment
from tierkit.reporting.leadership.ledger import ledger_score
from tierkit.reporting.leadership.reading import Facts, number, part, parts, text, too_small
from tierkit.reporting.words import count, money, quarter_name, share

FEWEST_QUARTERS = 2
_WIDTH, _HEIGHT = 288.0, 130.0
Values = tuple[float | None, float | None, float | None]


def small_multiples(quarters: Sequence[Facts]) -> list[Fragment]:
    """Return one figure a headline number, the quarters in the order given.

    A measure that fewer than two quarters know is left out.

    Parameters
    ----------
    quarters
        The facts of each published quarter, the oldest first.
    """
    made = [_one(quarters, *measure) for measure in _MEASURES]
    return [figure_ for figure_ in made if figure_ is not None]


def quarter_table(quarters: Sequence[Facts], read: Callable[[Facts], Values]) -> pd.DataFrame:
    """Return one row a quarter: `quarter` and `value` with `low` and `high`, missing if unknown."""
    rows = []
    for facts in quarters:
        value, low, high = (math.nan if one is None else one for one in read(facts))
        name = quarter_name(text(part(facts, "quarter"), "label"))
        rows.append({"quarter": name, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["quarter", "value", "low", "high"])


def _one(
    quarters: Sequence[Facts],
    name: str,
    title: str,
    read: Callable[[Facts], Values],
    spell: Callable[[str, float], str],
) -> Fragment | None:
    table = quarter_table(quarters, read)
    known = table.dropna(subset="value")
    if len(known) < FEWEST_QUARTERS:
        return None
    say = partial(spell, text(quarters[-1], "currency"))
    first, last = known.iloc[0], known.iloc[-1]
    finding = (
        f"{title}: {say(last['value'])} in {last['quarter']}, {say(first['value'])} in "
        f"{first['quarter']}."
    )
    picture = Picture(
        lambda ax: charts.quarter_line(table, ax=ax, spell=say),
        _WIDTH, _HEIGHT, margins=(2.0, 2.0, 2.0, 20.0),
    )  # fmt: skip
    return figure(picture, name=name, finding=finding)


def _revenue(facts: Facts) -> Values:
    top = next(iter(parts(facts, "tiers")), {})
    if too_small(facts, top):
        return None, None, None
    return number(top, "predicted_revenue"), number(top, "low"), number(top, "high")


def _moves(facts: Facts) -> Values:
    up, down = (number(part(facts, "moves"), key) for key in ("up", "down"))
    first = text(part(facts, "decision"), "action") == "first run"
    return (None if up is None or down is None or first else up + down), None, None


def _gain(facts: Facts) -> Values:
    gain = part(facts, "model", "gain_over_past_revenue")
    return number(gain, "estimate"), number(gain, "low"), number(gain, "high")


def _kept(facts: Facts) -> Values:
    inside, due = ledger_score(facts)
    return (inside / due if due else None), None, None


def _scope(facts: Facts) -> Values:
    return number(part(facts, "data"), "accounts_in_scope"), None, None


def _gini(_currency: str, value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


_MEASURES: tuple[tuple[str, str, Callable[[Facts], Values], Callable[[str, float], str]], ...] = (
    ("quarters-revenue", "Predicted for the top tier", _revenue, money),
    ("quarters-moves", "Accounts that change tier", _moves, lambda _, value: count(value)),
    ("quarters-gain", "Gini over past revenue", _gain, _gini),
    ("quarters-kept", "Promises kept", _kept, lambda _, value: share(value)),
    ("quarters-scope", "Accounts in scope", _scope, lambda _, value: count(value)),
)
