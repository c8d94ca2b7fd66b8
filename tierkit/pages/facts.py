"""Facts as pages read them: numbers, texts, and why a number is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from tierkit.charts import ROW_HEIGHT
from tierkit.figure import Figure
from tierkit.rendering import Fragment, Picture, figure, joined, tag
from tierkit.words import MINUS, SYMBOLS, UNITS, count, is_number, number_word, plural, sentence

Facts = Mapping[str, Any]
RULES = ("past revenue", "simple rule")
"""Kinds of model that are no card."""

NOT_COMPUTED = "not computed in this run"
_COUNTED = re.compile(r"\(n = (\d+)")
_KEY = re.compile(r"[;,] [^;.]*\[\[?[\w.]+\]\]?[^;]*?(?=\.?$)")
_COMMAND = re.compile(r"(?:(?<=[.!?])|^)[^.!?`]*`[^`]*`[^.!?]*[.!?]?")
_COLUMN = re.compile(r"\b([a-z]+(?:_[a-z]+)*)\.([a-z]+(?:_[a-z]+)+)\b")
_IDENTIFIER = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


def part(facts: Facts, *path: str) -> Facts:
    """Return the container at a path of keys; an empty one where there is none."""
    found: Any = facts
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def parts(facts: Facts, *path: str) -> list[Facts]:
    """Return the containers of the list at a path of keys."""
    found = part(facts, *path[:-1]).get(path[-1])
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [entry for entry in found if isinstance(entry, Mapping)]


def texts(facts: Facts, key: str) -> list[str]:
    """Return the texts of a list, the empty ones left out."""
    found = facts.get(key)
    entries = found if isinstance(found, Sequence) and not isinstance(found, str) else []
    return [str(entry) for entry in entries if entry is not None and str(entry).strip()]


def text(facts: Facts, key: str) -> str:
    """Return a text, empty where there is none."""
    found = facts.get(key)
    return str(found) if found is not None and not isinstance(found, Mapping | list) else ""


def number(facts: Facts, key: str) -> float | None:
    """Return a number that can be said, else None.

    Examples
    --------
    >>> number({"hours": float("nan")}, "hours"), number({"hours": 3}, "hours")
    (None, 3.0)
    """
    found = facts.get(key)
    return float(found) if is_number(found) else None  # type: ignore[arg-type]


def ranged(facts: Facts, key: str = "estimate") -> Figure:
    """Return a number with its range, as it stands under `key`, `low` and `high`."""
    return Figure.read(facts, key, low="low", high="high")


def numbers(facts: Facts) -> dict[str, float]:
    """Return the entries that are numbers above zero, the largest first, then by name."""
    known = {
        str(key): float(value) for key, value in facts.items() if is_number(value) and value > 0
    }
    return dict(sorted(known.items(), key=lambda entry: (-entry[1], entry[0])))


def why(facts: Facts, key: str, *, otherwise: str = NOT_COMPUTED) -> str:
    """Return why a number cannot be said, as words without a full stop.

    Examples
    --------
    >>> why({"cost": None, "cost_why": "no role has a cost."}, "cost"), why({}, "cost")
    ('no role has a cost', 'not computed in this run')
    """
    return in_plain_words(text(facts, f"{key}_why").strip() or otherwise).rstrip(".")


def currency(facts: Facts) -> str:
    """Return the currency's code."""
    return text(facts, "currency")


def min_group(facts: Facts) -> int:
    """Return the size below which a group's money is not shown."""
    return int(number(facts, "min_group") or 5)


def too_small(facts: Facts, group: Facts, key: str = "accounts") -> str:
    """Return why a group is too small to be shown, empty where it is large enough.

    Examples
    --------
    >>> too_small({}, {"accounts": 3}), too_small({}, {"accounts": 15})
    ('Not shown: 3 accounts, fewer than 5', '')
    """
    size = number(group, key)
    if size is None or size >= min_group(facts):
        return ""
    return f"Not shown: {plural(size, 'account')}, fewer than {min_group(facts)}"


def sum_is_telling(facts: Facts) -> bool:
    """Return true where one tier alone is too small to be shown: the sum of all would tell it."""
    return sum(bool(too_small(facts, tier)) for tier in parts(facts, "tiers")) == 1


def first_shown(facts: Facts) -> Facts:
    """Return the best tier that is large enough to be shown; the best one where none is.

    Examples
    --------
    >>> first_shown({"tiers": [{"tier": "A", "accounts": 3}, {"tier": "B", "accounts": 9}]})
    {'tier': 'B', 'accounts': 9}
    """
    tiers = parts(facts, "tiers")
    shown = (tier for tier in tiers if not too_small(facts, tier))
    return next(shown, tiers[0] if tiers else {})


def in_plain_words(reason: str) -> str:
    """Return a reason without commands, keys of settings and names of columns, as anybody reads it.

    Examples
    --------
    >>> in_plain_words("too few (n = 1)"), in_plain_words("needs opportunities.created_date")
    ('too few (1 case)', 'needs opportunities: created date')
    >>> in_plain_words("Record it in tier_history. `tierkit accept` writes it.")
    'Record it in tier history.'
    >>> in_plain_words("no tier has entitlements; write [[tiers.entitlements]] in tierkit.toml.")
    'no tier has entitlements.'
    """
    counted = _COUNTED.sub(lambda found: f"({plural(int(found[1]), 'case')}", reason)
    read = _COLUMN.sub(r"\1: \2", _COMMAND.sub("", _KEY.sub("", counted)))
    return _IDENTIFIER.sub(lambda found: found[0].replace("_", " "), read).strip()


def horizon(facts: Facts) -> float:
    """Return for how many quarters revenue is predicted."""
    return number(part(facts, "model"), "horizon_quarters") or 4


def before(facts: Facts) -> str:
    """Return as many quarters as the horizon has, before it, in words.

    Examples
    --------
    >>> before({"whole": {"quarters": 4}}), before({"whole": {"quarters": 2}})
    ('the year before', 'the two quarters before')
    """
    quarters = number(part(facts, "whole"), "quarters") or horizon(facts)
    if quarters == 4:
        return "the year before"
    return "the quarter before" if quarters == 1 else f"the {number_word(quarters)} quarters before"


def tier_name(tier: Facts) -> str:
    """Return a tier's name with its label, where it has one of its own."""
    name, label = text(tier, "tier") or "a tier without a name", text(tier, "label")
    return f"{name} ({label})" if label and label != name else name


def because(facts: Facts, key: str = "because") -> str:
    """Return a reason as a sentence."""
    return sentence(in_plain_words(text(facts, key)))


def money_parts(code: str, amounts: Sequence[float]) -> list[str]:
    """Return amounts and, last, their sum, all in one unit and so exact that they add up as said.

    Examples
    --------
    >>> money_parts("USD", [6_123_456, 9_480_000, 4_210_000])
    ['$6.1 M', '$9.5 M', '$4.2 M', '$19.8 M']
    >>> money_parts("USD", [9_755_162, 21_851_533, 11_308_057])
    ['$9.755 M', '$21.852 M', '$11.308 M', '$42.915 M']
    """
    unit, name = _unit([math.fsum(amounts), *amounts])
    return _column(code, amounts, unit, name, _adding(amounts, unit) if name else 0)


def money_column(code: str, amounts: Sequence[float]) -> list[str]:
    """Return amounts and, last, their sum, which add up as said, for what stands nowhere else.

    The sum is rounded as ever; of the amounts those with the largest remainders are rounded up.

    Examples
    --------
    >>> money_column("USD", [3_501_000, 21_430_000, 14_745_000])
    ['$3.5 M', '$21.4 M', '$14.8 M', '$39.7 M']
    """
    unit, name = _unit([math.fsum(amounts), *amounts])
    return _column(code, amounts, unit, name, _digits(amounts, unit) if name else 0)


def _column(code: str, amounts: Sequence[float], unit: float, name: str, digits: int) -> list[str]:
    parts = rounded_parts([amount / unit for amount in amounts], digits)
    return [_fixed(code, one, digits, name) for one in [*parts, round(math.fsum(parts), digits)]]


def _adding(amounts: Sequence[float], unit: float) -> int:
    """Return the fewest digits to which amounts add up as they are rounded; at most three."""
    total = math.fsum(amounts) / unit
    for digits in (1, 2):
        parts = [round(amount / unit, digits) for amount in amounts]
        if round(math.fsum(parts), digits) == round(total, digits):
            return digits
    return 3


def rounded_parts(amounts: Sequence[float], digits: int) -> list[float]:
    """Return amounts rounded up or down so that their sum is the rounded sum.

    Examples
    --------
    >>> rounded_parts([3.501, 21.43, 14.745], 1)
    [3.5, 21.4, 14.8]
    """
    steps = [amount * 10**digits for amount in amounts]
    plain = [round(amount, digits) for amount in amounts]
    if round(math.fsum(plain), digits) == round(math.fsum(amounts), digits):
        return plain
    lower = [math.floor(step) for step in steps]
    missing = round(math.fsum(steps)) - sum(lower)
    order = sorted(range(len(steps)), key=lambda place: (lower[place] - steps[place], place))
    raised = {*order[:missing]}
    return [(one + (place in raised)) / 10**digits for place, one in enumerate(lower)]


def _unit(amounts: Sequence[float]) -> tuple[float, str]:
    largest = max(map(abs, amounts), default=0.0)
    return next(((one, name) for one, name in UNITS if largest >= one), (1.0, ""))


def _digits(amounts: Sequence[float], unit: float) -> int:
    """Return one digit, or up to three where an amount is so small that it needs them."""
    smallest = min((abs(amount) for amount in amounts if amount), default=unit)
    return next((more for more, part in ((1, 1), (2, 10)) if smallest >= unit / part), 3)


def money_grid(code: str, rows: Sequence[Sequence[float]]) -> list[list[str]]:
    """Return amounts with the sum of each row and a last row of sums, which add up as said.

    The first column is said as `money_parts` says it, in the unit of the whole.

    Examples
    --------
    >>> for row in money_grid("USD", [[1_440_000, 2_430_000], [3_410_000, 4_420_000]]):
    ...     print(*row)
    $1.4 M $2.4 M $3.8 M
    $3.4 M $4.4 M $7.8 M
    $4.8 M $6.8 M $11.6 M
    """
    unit, name = _unit([math.fsum(cell for row in rows for cell in row)])
    digits = _adding([row[0] for row in rows], unit) if name else 0
    columns = [
        rounded_parts([cell / unit for cell in column], digits)
        for column in zip(*rows, strict=True)
    ]
    cells = [*zip(*columns, strict=True), [math.fsum(column) for column in columns]]
    across = [[*row, math.fsum(row)] for row in cells]
    return [[_fixed(code, round(cell, digits), digits, name) for cell in row] for row in across]


def _fixed(code: str, amount: float, digits: int, unit: str) -> str:
    sign, symbol = MINUS if amount < 0 else "", SYMBOLS.get(code, f"{code} " if code else "")
    return f"{sign}{symbol}{abs(amount):,.{digits}f}" + (f" {unit}" if unit else "")


_LABEL = re.compile(r"^((?:FY)?\d{4})(Q[1-4])$")


def ranking_in_tests(facts: Facts) -> Facts:
    """Return what the tests found of what ranks; else of the card, else of past revenue."""
    models = part(facts, "model", "backtest", "models")
    names = (text(part(facts, "model"), "ranked_by"), "card", "past_revenue")
    return next((part(models, name) for name in names if name in models), {})


def named_rule(model: Facts) -> str:
    """Return a rule that ranks, with the criterion that it found best.

    Examples
    --------
    >>> named_rule({"ranked_by": "best_column", "ranked_by_in_words": "the best single criterion",
    ...             "weights": [{"criterion": "wins (4 quarters)"}]})
    'the best single criterion, wins (4 quarters)'
    """
    words = text(model, "ranked_by_in_words")
    criterion = text(next(iter(parts(model, "weights")), {}), "criterion")
    is_found = text(model, "ranked_by") == "best_column" and words and criterion
    return f"{words}, {criterion}" if is_found else words


def stopped_card(model: Facts) -> str:
    """Return why a card that did better in the tests does not rank; empty where none did."""
    place, refits = (number(model, f"shuffled_outcomes_{key}") for key in ("rank", "refits"))
    if place is None or place <= 1 or refits is None:
        return ""
    return (
        f"the fitted card did better in the tests, but so did {count(place - 1)} of "
        f"{plural(refits, 'card')} fitted to outcomes dealt out at random, so it may have found "
        "nothing"
    )


def quarter_spoken(label: str) -> str:
    """Return a quarter's label as people say it.

    Examples
    --------
    >>> quarter_spoken("2026Q4"), quarter_spoken("FY2026Q4")
    ('Q4 2026', 'Q4 FY2026')
    """
    return _LABEL.sub(r"\2 \1", label)


def next_quarter(facts: Facts) -> str:
    """Return the name of the quarter after that of the report, `Q4 2026`."""
    return quarter_spoken(text(part(facts, "quarter"), "next")) or "the next quarter"


WIDTH = 288.0
UNKNOWN = "–"


def panel(question: str, big: str, unit: str, words: str, *body: Markup | Fragment) -> Markup:
    """Return a panel.

    Parameters
    ----------
    question
        Its title.
    big, unit
        The one number, and what it counts.
    words
        The one sentence.
    body
        The figure, and what stands below it.
    """
    value = tag("p", tag("span", big, class_="big") + " " + tag("span", unit), class_="number")
    rest = [tag("div", joined(*body[1:]))] if body[1:] else []
    parts = (tag("h3", question), value, tag("p", words), *body[:1], *rest)
    return tag("article", joined(*parts), class_="panel")


def row_figure(
    draw: Callable[..., Axes], table: pd.DataFrame, *, name: str, finding: str
) -> Fragment:
    """Return a figure of one row per row of the table, as wide as a panel."""
    values = [*zip(map(str, table["label"]), map(str, table["text"]), strict=True)]
    picture = row_picture(draw, table, width=WIDTH)
    return figure(picture, name=name, finding=finding, values=values)


def row_picture(draw: Callable[..., Axes], table: pd.DataFrame, *, width: float) -> Picture:
    """Return a picture of one row per row of the table."""

    def on(ax: Axes) -> Axes:
        return draw(table, ax=ax)

    return Picture(on, width, ROW_HEIGHT * len(table) + 4, (1.0, 5.0, 0.0, 4.0))
