"""Numbers as a sales leader says them: "$6.1 M", "31 %", "+12 %", "1,840 accounts".

Every function takes a number that is known; what to say where it is not is the reader's
`<key>_why`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np

from tierkit.calendar import spell_date, spell_range

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
UNITS = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MINUS = "−"
_QUARTER = re.compile(r"^((?:FY)?\d{4})(Q[1-4])$")


def is_number(value: object) -> bool:
    """Return whether `value` can be said: a finite number, and no truth value.

    Examples
    --------
    >>> [is_number(value) for value in (3, 0.5, None, float("nan"), float("inf"), True, "3")]
    [True, True, False, False, False, False, False]
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def count(value: float) -> str:
    """Return a whole number with thousands set apart.

    Examples
    --------
    >>> count(1840), count(-3)
    ('1,840', '−3')
    """
    return f"{round(value):,}".replace("-", MINUS)


def plural(value: float, one: str, many: str = "") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "account"), plural(1840, "account"), plural(2, "currency", "currencies")
    ('1 account', '1,840 accounts', '2 currencies')
    """
    return f"{count(value)} {one if round(value) == 1 else many or one + 's'}"


def number_word(value: float) -> str:
    """Return small whole numbers as words, others as digits.

    Examples
    --------
    >>> number_word(4), number_word(12)
    ('four', '12')
    """
    whole = round(value)
    return NUMBER_WORDS[whole] if 0 <= whole < len(NUMBER_WORDS) else count(whole)


def money(currency: str, amount: float, *, figures: int = 2) -> str:
    """Return an amount of money, short.

    Parameters
    ----------
    currency
        The ISO code; those without a symbol of their own are written out.
    amount
        In units of the currency.
    figures
        Significant figures of amounts from a thousand on; smaller ones are whole units.

    Examples
    --------
    >>> money("USD", 6_123_456), money("GBP", 84_000), money("CHF", 6_123_456), money("USD", -1_250)
    ('$6.1 M', '£84 k', 'CHF 6.1 M', '−$1.2 k')
    >>> money("EUR", 0), money("EUR", 0.2), money("EUR", 999_600)
    ('€0', 'under €1', '€1.0 M')
    """
    symbol = _symbol(currency)
    if 0 < abs(amount) < 0.5:
        return f"under {symbol}1" if amount > 0 else f"over {MINUS}{symbol}1"
    unit, name = _unit(amount, figures)
    rounded = abs(_significant(amount, figures)) / unit
    digits = _digits(rounded, figures) if name else f"{abs(amount):.0f}"
    return _join(MINUS if amount < 0 else "", symbol, digits, name)


def money_range(currency: str, low: float, high: float) -> str:
    """Return two amounts as one range, with the unit said once where both share it.

    Examples
    --------
    >>> money_range("USD", 4_900_000, 7_400_000), money_range("USD", 84_000, 1_200_000)
    ('$4.9–7.4 M', '$84 k – $1.2 M')
    >>> money_range("EUR", 0, 0), money_range("EUR", 0, 310_000), money_range("USD", -2e6, 1.4e6)
    ('€0', '€0–310 k', '−$2.0 M to $1.4 M')
    """
    if money(currency, low) == money(currency, high):
        return money(currency, low)
    if low < 0:
        return f"{money(currency, low)} to {money(currency, high)}"
    (unit, name), (low_unit, _) = _unit(high, 2), _unit(low, 2)
    symbol = _symbol(currency)
    upper = _digits(_significant(high, 2) / unit, 2)
    if low == 0:
        return _join("", symbol, f"0–{upper}", name)
    if unit == low_unit:
        return _join("", symbol, f"{_digits(low / unit, 2)}–{upper}", name)
    return f"{money(currency, low)} – {money(currency, high)}"


def money_with_range(currency: str, amount: float, low: float | None, high: float | None) -> str:
    """Return an amount with its range, the amount alone where the range is not known.

    Examples
    --------
    >>> money_with_range("USD", 6_123_456, 4_900_000, 7_400_000)
    '$6.1 M ($4.9–7.4 M)'
    """
    spoken = money(currency, amount)
    if low is None or high is None or low == high:
        return spoken
    return f"{spoken} ({money_range(currency, low, high)})"


def share(value: float) -> str:
    """Return a part of one as a percentage.

    Examples
    --------
    >>> share(0.31), share(0.0081), share(0.034), share(0), share(0.0002), share(0.998), share(1)
    ('31 %', '0.8 %', '3.4 %', '0 %', 'under 0.1 %', 'over 99 %', '100 %')
    """
    percent = value * 100
    if 0 < percent < 0.05:
        return "under 0.1 %"
    if 99.5 <= percent < 99.995:
        return "over 99 %"
    return f"{_percent(percent)} %"


def signed_share(value: float) -> str:
    """Return a relative effect as a percentage with its sign.

    Examples
    --------
    >>> signed_share(0.12), signed_share(-0.081), signed_share(0), signed_share(11.84)
    ('+12 %', '−8.1 %', '0 %', '+1,200 %')
    """
    text = _percent(_significant(value * 100, 2))
    return f"{'' if text.startswith(MINUS) or text == '0' else '+'}{text} %"


def signed_range(low: float, high: float) -> str:
    """Return the range of a relative effect.

    Examples
    --------
    >>> signed_range(-0.05, 0.55)
    '−5 % to +55 %'
    """
    return f"{signed_share(low)} to {signed_share(high)}"


def hours(value: float) -> str:
    """Return working hours.

    Examples
    --------
    >>> hours(12_400.4), hours(1)
    ('12,400 hours', '1 hour')
    """
    return plural(value, "hour")


def ratio(value: float) -> str:
    """Return how many times one thing is the other, with two figures.

    Examples
    --------
    >>> ratio(1.04), ratio(0.5), ratio(12.4)
    ('1.0', '0.50', '12')
    """
    return _digits(value, 2).replace("-", MINUS)


def day(value: object) -> str:
    """Return a date, or its ISO text, as people write it; other text as it is.

    Examples
    --------
    >>> day("2026-09-30"), day("soon")
    ('30 Sep 2026', 'soon')
    """
    parsed = _date(value)
    return spell_date(parsed) if parsed else str(value)


def day_range(first: object, last: object) -> str:
    """Return two dates, or their ISO texts, as one span of days.

    Examples
    --------
    >>> day_range("2026-07-01", "2026-09-30")
    '1 Jul – 30 Sep 2026'
    """
    start, end = _date(first), _date(last)
    return spell_range(start, end) if start and end else f"{day(first)} – {day(last)}"


def quarter_name(label: str) -> str:
    """Return a quarter's label with the year set apart.

    Examples
    --------
    >>> quarter_name("2026Q3"), quarter_name("FY2026Q3")
    ('2026 Q3', 'FY2026 Q3')
    """
    return _QUARTER.sub(r"\1 \2", label)


def quarters_ahead(value: float) -> str:
    """Return a horizon in words.

    Examples
    --------
    >>> quarters_ahead(4), quarters_ahead(1)
    ('the next four quarters', 'the next quarter')
    """
    return "the next quarter" if value == 1 else f"the next {number_word(value)} quarters"


def sentence(text: object) -> str:
    """Return text with a capital first letter and a full stop; nothing stays nothing.

    Examples
    --------
    >>> sentence("no costs are known"), sentence("Why?"), sentence("  ")
    ('No costs are known.', 'Why?', '')
    """
    words = str(text).strip() if text is not None else ""
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words[-1] in ".!?…" else ".")


def enumerated(parts: Sequence[str]) -> str:
    """Return a list as people say it.

    Examples
    --------
    >>> enumerated(["8 up"]), enumerated(["8 up", "6 down", "2 new"])
    ('8 up', '8 up, 6 down and 2 new')
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _symbol(currency: str) -> str:
    return SYMBOLS.get(currency, f"{currency} " if currency else "")


def _unit(amount: float, figures: int) -> tuple[float, str]:
    size = abs(_significant(amount, figures))
    return next((unit for unit in UNITS if size >= unit[0]), (1.0, ""))


def _significant(value: float, figures: int) -> float:
    if value == 0:
        return 0.0
    return round(value, figures - 1 - math.floor(math.log10(abs(value))))


def _digits(value: float, figures: int) -> str:
    """Return a number with so many significant figures, whole ones from 100 to 999 in full."""
    if value == 0:
        return "0"
    rounded = round(value) if 100 <= abs(value) < 1000 else _significant(value, figures)
    before = len(str(int(abs(rounded)))) if abs(rounded) >= 1 else 0
    places = figures - before if before else figures - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(places, 0)}f}"


def _percent(percent: float) -> str:
    places = 1 if abs(percent) < 9.95 else 0
    text = f"{percent:,.{places}f}".removesuffix(".0").replace("-", MINUS)
    return "0" if text == f"{MINUS}0" else text


def _join(sign: str, symbol: str, digits: str, unit: str) -> str:
    return f"{sign}{symbol}{digits}{' ' + unit if unit else ''}"


def _date(value: object) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


LOG = "log_"
_WINDOW = re.compile(r"(?P<base>.+)_(?P<quarters>\d+)q")
_PLAIN = {
    "won_gap_median_days": "median days between wins",
    "days_since_last_won_over_gap": "days since last won over the usual gap",
}
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def plain_name(name: str) -> str:
    """Return a criterion's name in words, with its window; a logarithm is named by what it is of.

    Examples
    --------
    >>> plain_name("won_revenue_4q"), plain_name("wins_count_1q"), plain_name("log_employees")
    ('won revenue (4 quarters)', 'wins (1 quarter)', 'employees')
    >>> plain_name("won_gap_median_days")
    'median days between wins'
    """
    base, window = name.removeprefix(LOG), ""
    if found := _WINDOW.fullmatch(base):
        base, quarters = found["base"], int(found["quarters"])
        window = f" ({quarters} quarter{'s' if quarters > 1 else ''})"
    base = base.removesuffix("_ever").removesuffix("_count").removesuffix("_shrunk")
    return _PLAIN.get(base, base.replace("_", " ").strip()) + window


def short_number(value: float) -> str:
    """Return a number with at most three significant digits and a unit.

    Examples
    --------
    >>> [short_number(value) for value in (0, 0.345, 12.5, 999.9, 120_000, -1_234_567)]
    ['0', '0.345', '12.5', '1k', '120k', '-1.23M']
    """
    rounded = float(f"{value:.3g}")
    for size, unit in _UNITS:
        if abs(rounded) >= size:
            return f"{rounded / size:.3g}{unit}"
    return f"{rounded:g}"


def long_number(said: str) -> float:
    """Return the number that `short_number` said.

    Examples
    --------
    >>> long_number("3.75k"), long_number("-1.23M"), long_number("58")
    (3750.0, -1230000.0, 58.0)
    """
    sizes = {unit: size for size, unit in _UNITS}
    return float(said.rstrip("".join(sizes))) * sizes.get(said[-1:], 1)


_COUNTED = re.compile(r"employees|(closed deals|open deals|wins|products|contacts)\b.*")


def is_counted(criterion: str) -> bool:
    """Return whether the plain name of a criterion is that of things that are counted.

    Examples
    --------
    >>> is_counted("wins (4 quarters)"), is_counted("tenure days")
    (True, False)
    """
    return _COUNTED.fullmatch(criterion) is not None


def factor_words(points: float) -> str:
    """Return the factor of some points, `×2.4`.

    Examples
    --------
    >>> [factor_words(math.log(factor)) for factor in (2.41, 0.8, 0.004, 1.0)]
    ['×2.4', '×0.80', '×0.004', '×1.0']
    """
    factor = math.exp(points)
    if factor >= 10:
        return f"×{factor:.0f}"
    if factor >= 0.995:
        return f"×{factor:.1f}"
    return f"×{factor:.2f}" if factor >= 0.01 else f"×{factor:.1g}"


def numeric_bins(name: str, edges: Sequence[float], *, counts: bool) -> tuple[str, ...]:
    """Return the bins between the edges in words; each bin holds its lower edge, not its upper.

    Parameters
    ----------
    name
        The criterion; edges of one named `log_…` are spelled on the scale of what it measures.
    counts
        Whether values are whole numbers, 0 or more.

    Examples
    --------
    >>> numeric_bins("won_revenue_4q", (120_000, 300_000), counts=False)
    ('under 120k', '120k–300k', '300k or more')
    >>> numeric_bins("wins_count_4q", (1, 2, 5), counts=True)
    ('0', '1', '2–4', '5 or more')
    """
    if not edges:
        return ("any value",)
    shown = [float(np.exp(edge)) for edge in edges] if name.startswith(LOG) else [*edges]
    spell = _spell_range_of_counts if counts else _spell_range
    between = [spell(low, high) for low, high in pairwise(shown)]
    first = spell(0, shown[0]) if counts and shown[0] > 0 else f"under {short_number(shown[0])}"
    return (first, *between, f"{short_number(shown[-1])} or more")


def _spell_range(low: float, high: float) -> str:
    between = " to " if low < 0 else "–"
    return f"{short_number(low)}{between}{short_number(high)}"


def _spell_range_of_counts(low: float, high: float) -> str:
    first, last = math.ceil(low), math.ceil(high) - 1
    return short_number(first) if last <= first else _spell_range(first, last)
