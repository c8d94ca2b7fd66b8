"""Numbers as a sales leader says them: "$6.1 M", "31 %", "+12 %", "1,840 accounts".

Every function takes a number that is known; what to say where it is not is the reader's
`<key>_why`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date

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
