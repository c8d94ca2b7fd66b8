"""Words in dates: months of the large European languages, months, quarters and weeks as dates."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

_LANGUAGES = (
    "en", "de", "de_AT", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "tr",
    "ru", "ro", "hu",
)  # fmt: skip
_ALSO = {
    "sept": 9, "mrz": 3, "maerz": 3, "mae": 3, "jän": 1, "aout": 8, "fevr": 2, "fev": 2, "dec": 12,
    "decembre": 12, "fevrier": 2,
}  # fmt: skip
"""Other short names of months, as spreadsheets and old systems write them."""


@cache
def months_by_name() -> dict[str, int]:
    """Return the number of each month by its names, long and short, in small letters.

    No name means two months in two of these languages.
    """
    from babel.dates import get_month_names

    return _ALSO | {
        name.casefold().rstrip("."): month
        for language in _LANGUAGES
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for month, name in get_month_names(width, context, language).items()
    }


def month_of(name: str) -> int | None:
    """Return the number of a month by its name.

    Examples
    --------
    >>> month_of("Mär"), month_of("août"), month_of("Mrz."), month_of("Foo")
    (3, 8, 3, None)
    """
    return months_by_name().get(name.casefold().rstrip("."))


Span = Literal["month", "quarter", "week"]


@dataclass(frozen=True)
class Period:
    """A day that stands for a month, quarter or week."""

    span: Span
    day: date


_YEAR = r"(?P<y>(?:19|20)\d{2}|\d{2})"
_FULL_YEAR = r"(?P<y>(?:19|20)\d{2})"
_NAME = r"(?P<name>[^\W\d_]{3,12})"
_BY_NAME = re.compile(rf"{_NAME}\.?[-/., ’']+{_YEAR}")
_YEAR_AND_NAME = re.compile(rf"{_FULL_YEAR}[-/., ]+{_NAME}\.?")
_YEAR_MONTH = re.compile(rf"{_FULL_YEAR}[-/.](?P<m>0?[1-9]|1[0-2])")
_MONTH_YEAR = re.compile(rf"(?P<m>0?[1-9]|1[0-2])[-/.]{_FULL_YEAR}")
_QUARTER = re.compile(
    rf"[QTq](?P<q>[1-4])[-/., ’']*{_YEAR}|(?P<q2>[1-4])[Qq][-/., ’']*(?P<y2>\d{{2,4}})"
)
_YEAR_QUARTER = re.compile(rf"{_FULL_YEAR}[-/., ]*[QqT](?P<q>[1-4])")
_WEEK = re.compile(rf"{_FULL_YEAR}[-/ ]?(?:W|KW|wk)[- ]?(?P<w>\d{{1,2}})", re.IGNORECASE)
_WEEK_YEAR = re.compile(rf"(?:W|KW|CW|wk)[- ]?(?P<w>\d{{1,2}})[-/ ]{_FULL_YEAR}", re.IGNORECASE)


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(year: int, month: int | None) -> Period | None:
    if month is None:
        return None
    return Period("month", date(year, month, monthrange(year, month)[1]))


def _named(match: re.Match[str]) -> Period | None:
    return _month(_year(match["y"]), month_of(match["name"]))


def _numbered(match: re.Match[str]) -> Period | None:
    return _month(_year(match["y"]), int(match["m"]))


def _quarter(match: re.Match[str]) -> Period | None:
    found = match.groupdict()
    year, quarter = found["y"] or found["y2"], int(found["q"] or found["q2"])
    end = _month(_year(year), quarter * 3)
    return None if end is None else Period("quarter", end.day)


def _week(match: re.Match[str]) -> Period | None:
    try:
        return Period("week", date.fromisocalendar(int(match["y"]), int(match["w"]), 4))
    except ValueError:
        return None


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Period | None]], ...] = (
    (_BY_NAME, _named),
    (_YEAR_AND_NAME, _named),
    (_YEAR_MONTH, _numbered),
    (_MONTH_YEAR, _numbered),
    (_QUARTER, _quarter),
    (_YEAR_QUARTER, _quarter),
    (_WEEK, _week),
    (_WEEK_YEAR, _week),
)


def period_of(text: str) -> Period | None:
    """Return the day that stands for a month, quarter or week; None where the text names none.

    A month or quarter counts on its last day, when what happened in it is known, a week on its
    Thursday, which says to which year it belongs.

    Examples
    --------
    >>> period_of("Mar-22").day, period_of("Q1 2024").day, period_of("2024-W11").day
    (datetime.date(2022, 3, 31), datetime.date(2024, 3, 31), datetime.date(2024, 3, 14))
    >>> period_of("2024-03-05") is None
    True
    """
    for pattern, read in _READERS:
        match = pattern.fullmatch(text)
        if match:
            return read(match)
    return None
