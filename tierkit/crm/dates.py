"""Dates as exports write them, read by the whole column and never guessed value by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

DateOrder = Literal["day-first", "month-first"]
ZONE_MEND = 'Set [data] timezone, such as "America/New_York".'
FIRST_YEAR, LAST_YEAR = 1970, 2100
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_EXCEL_SERIALS = range(20_000, 80_000)  # 1954 to 2119
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TIME = r"(?:[T ,]+(?P<time>\d{1,2}:\d{2}.*))?"
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}")
_PACKED = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\d{6})?(?:\.0)?")
_NUMERIC = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<sign>[-/.])(?P<b>\d{{1,2}})(?P=sign)(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_DAY_MONTH_NAME = re.compile(
    rf"(?P<d>\d{{1,2}})[-/. ]+(?P<name>[A-Za-z]{{3,9}})\.?[-/., ]+(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_NAME_DAY = re.compile(
    rf"(?P<name>[A-Za-z]{{3,9}})\.?[-/. ]+(?P<d>\d{{1,2}})[-/., ]+(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_SERIAL = re.compile(r"(?P<serial>\d{5})(?:\.\d+)?")
_EPOCH = re.compile(r"(?P<seconds>\d{10})(?P<milliseconds>\d{3})?(?:\.0)?")
_MIDNIGHT = "T00:00:00+00:00"
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True)
class DateReading:
    """How a column of texts reads as dates.

    Attributes
    ----------
    days
        One per text, in order; None where it is no date between 1970 and 2100.
    unclear
        Why the column cannot be read as a whole, empty where it can.
    mend
        What to do about that.
    """

    days: tuple[date | None, ...]
    unclear: str = ""
    mend: str = ""


def read_dates(
    texts: Sequence[str], *, order: DateOrder | None = None, zone: str | None = None
) -> DateReading:
    """Read dates by what the whole column allows.

    Understood are ISO dates, 20180111, 5 Mar 2026, Excel serial numbers, seconds or milliseconds
    since 1970 (days where all of them are midnight in UTC, otherwise moments with a zone), and
    numeric dates such as 03/05/2026 where some value of the column decides between day and month (a
    first number above 12, or a second one), where they are written with dots (day first), or where
    `order` says it.

    Parameters
    ----------
    texts
        Distinct values, none missing.
    order
        Which comes first where a numeric date can be read both ways.
    zone
        The organisation's time zone, `America/New_York`; moments with a zone are converted to it.

    Examples
    --------
    >>> read_dates(["13/02/2026", "03/05/2026"]).days
    (datetime.date(2026, 2, 13), datetime.date(2026, 5, 3))
    >>> read_dates(["03/05/2026"]).unclear
    "'03/05/2026' is 3 May 2026 or 5 Mar 2026, and no value of the column decides"
    """
    texts = _with_epochs_written(texts)
    numeric = [(text, match) for text in texts if (match := _NUMERIC.fullmatch(text))]
    decided, unclear = (order, "") if order else _order(numeric)
    if unclear:
        mend = 'Set [data] date_order to "day-first" or "month-first".'
        return DateReading((None,) * len(texts), unclear, mend)
    zoned = [text for text in texts if _has_zone(text)]
    if zoned and zone is None:
        unclear = f"{len(zoned):,} values carry a time zone ({zoned[0]!r})"
        return DateReading((None,) * len(texts), unclear, ZONE_MEND)
    return DateReading(tuple(_read(text, order=decided, zone=zone) for text in texts))


def _with_epochs_written(texts: Sequence[str]) -> list[str]:
    """Return the texts with seconds and milliseconds since 1970 written as ISO days or moments."""
    found = {text: match for text in texts if (match := _EPOCH.fullmatch(text))}
    if not found:
        return list(texts)
    moments = {
        text: datetime.fromtimestamp(int(match["seconds"]), tz=UTC).isoformat()
        for text, match in found.items()
    }
    if all(moment.endswith(_MIDNIGHT) for moment in moments.values()):
        moments = {text: moment.removesuffix(_MIDNIGHT) for text, moment in moments.items()}
    return [moments.get(text, text) for text in texts]


def _read(text: str, *, order: DateOrder | None, zone: str | None) -> date | None:
    if zone is not None and _has_zone(text):
        return _in_zone(text, zone)
    for pattern, day_of in _READERS:
        match = pattern.fullmatch(text)
        if match:
            return _within_reason(day_of(match, order))
    return None


def _order(numeric: Sequence[tuple[str, re.Match[str]]]) -> tuple[DateOrder | None, str]:
    """Return which number of a column's numeric dates is the day, or why nobody can know."""
    day_first = [text for text, match in numeric if int(match["a"]) > 12 >= int(match["b"])]
    month_first = [text for text, match in numeric if int(match["b"]) > 12 >= int(match["a"])]
    if day_first and month_first:
        return None, f"{day_first[0]!r} is day first and {month_first[0]!r} is month first"
    if day_first or (numeric and all(match["sign"] == "." for _, match in numeric)):
        return "day-first", ""
    if month_first or all(match["a"] == match["b"] for _, match in numeric):
        return "month-first", ""
    text, match = next((t, m) for t, m in numeric if m["a"] != m["b"])
    readings = (_numeric(match, "day-first"), _numeric(match, "month-first"))
    spelt = " or ".join(f"{day.day} {day:%b %Y}" for day in readings if day)
    return None, f"{text!r} is {spelt}, and no value of the column decides"


def _has_zone(text: str) -> bool:
    match = _ISO.fullmatch(text)
    return bool(match and match["time"] and _ZONE.search(match["time"]))


def _in_zone(text: str, zone: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    return _within_reason(moment.astimezone(ZoneInfo(zone)).date())


def _plain(match: re.Match[str], _order: DateOrder | None) -> date | None:
    return _day(match["y"], match["m"], match["d"])


def _numeric(match: re.Match[str], order: DateOrder | None) -> date | None:
    first, second = match["a"], match["b"]
    day, month = (first, second) if order == "day-first" else (second, first)
    return _day(match["y"], month, day)


def _named(match: re.Match[str], _order: DateOrder | None) -> date | None:
    short = match["name"][:3].lower()
    return _day(match["y"], str(_MONTHS.index(short) + 1), match["d"]) if short in _MONTHS else None


def _serial(match: re.Match[str], _order: DateOrder | None) -> date | None:
    number = int(match["serial"])
    return _EXCEL_DAY_ZERO + timedelta(days=number) if number in _EXCEL_SERIALS else None


def _day(year: str, month: str, day: str) -> date | None:
    full = int(year) + (2000 if len(year) == 2 else 0)
    try:
        return date(full, int(month), int(day))
    except ValueError:
        return None


def _within_reason(day: date | None) -> date | None:
    return day if day is not None and FIRST_YEAR <= day.year <= LAST_YEAR else None


_Reader = Callable[[re.Match[str], DateOrder | None], date | None]
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_ISO, _plain),
    (_PACKED, _plain),
    (_NUMERIC, _numeric),
    (_DAY_MONTH_NAME, _named),
    (_MONTH_NAME_DAY, _named),
    (_SERIAL, _serial),
)
