"""Dates as exports write them, read by the whole column and never guessed value by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from tierkit.crm.date_words import Period, month_of, period_of

DateOrder = Literal["day-first", "month-first", "year-first"]
ZONE_FIX = 'Set [data] timezone, such as "America/New_York".'
FIRST_YEAR, LAST_YEAR = 1970, 2100
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_EXCEL_SERIALS = range(20_000, 80_000)  # 1954 to 2119

_TIME = r"(?:[T ,]+(?P<time>\d{1,2}:\d{2}.*))?"
_ISO = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}")
_PACKED = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:\d{6})?(?:\.0)?")
_NUMERIC = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<sign>[-/.])(?P<b>\d{{1,2}})(?P=sign)(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_ONE_YEAR = re.compile(
    rf"(?P<a>\d{{2}})(?P<sign>[-/.])(?P<b>\d{{1,2}})(?P=sign)(?P<c>\d{{2}}){_TIME}"
)
_ORDINAL = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|re|º|ª)?"
_NAME = r"(?P<name>[^\W\d_]{3,12})"
_OF = r"(?:[-/., ]+|[ ]+de[ ]+)"
_DAY_MONTH_NAME = re.compile(
    rf"{_ORDINAL}{_OF}{_NAME}\.?{_OF}(?P<y>\d{{4}}|\d{{2}}){_TIME}", re.IGNORECASE
)
_MONTH_NAME_DAY = re.compile(
    rf"{_NAME}\.?[-/. ]+{_ORDINAL}[-/., ]+(?P<y>\d{{4}}|\d{{2}}){_TIME}", re.IGNORECASE
)
_WEEKDAY = re.compile(r"(?P<word>[^\W\d_]{2,10})\.?,? (?=\d|[^\W\d_]{3,12}\.? \d)")
_CJK = re.compile(
    r"(?P<y>\d{4})[年년]\s*(?P<m>\d{1,2})[月월]\s*(?P<d>\d{1,2})[日일](?:[ ]+(?P<time>.*))?"
)
_SERIAL = re.compile(r"(?P<serial>\d{5})(?:\.\d+)?")
_EPOCH = re.compile(r"(?P<seconds>\d{10})(?P<milliseconds>\d{3})?(?:\.0)?")
_MIDNIGHT = "T00:00:00+00:00"
_MIDNIGHT_UTC = re.compile(r"[T ]00:00(?::00(?:[.]0+)?)?[ ]?(?:Z|[+]00:?00)$")
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True)
class DateReading:
    """Reading of a column of texts as dates.

    Attributes
    ----------
    days
        One per text, in order; None where it is no date between 1970 and 2100.
    unclear
        Why the column cannot be read as a whole, empty where it can.
    fix
        What to do about that.
    remark
        What a person should know of a column that can be read.
    """

    days: tuple[date | None, ...]
    unclear: str = ""
    fix: str = ""
    remark: str = ""


def read_dates(
    texts: Sequence[str], *, order: DateOrder | None = None, zone: str | None = None
) -> DateReading:
    """Read dates by what the whole column allows.

    Understood are ISO dates, 20180111, 5 Mar 2026 (in the large European languages), Excel serial
    numbers, seconds or milliseconds since 1970 (days where all of them are midnight in UTC,
    otherwise moments with a zone), and numeric dates such as 03/05/2026 where some value of the
    column decides between day and month (a first number above 12, or a second one), where they are
    written with dots (day first), or where `order` says it. A column of months, quarters or weeks
    is read as days that stand for them.

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
    written = _with_days_written(_with_epochs_written(texts))
    periods = _periods(written)
    if periods is not None:
        return periods
    numeric = [(text, match) for text in written if (match := _NUMERIC.fullmatch(text))]
    decided, unclear = (order, "") if order else _order(numeric)
    unclear = unclear or _two_orders(written)
    if unclear:
        fix = 'Set [data] date_order to "day-first" or "month-first".'
        fix = _FIXES.get(unclear.rpartition(": ")[2], fix)
        return DateReading((None,) * len(texts), unclear, fix)
    zoned = [text for text in written if _has_zone(text)]
    if zoned and zone is None:
        unclear = f"{len(zoned):,} values carry a time zone ({zoned[0]!r})"
        return DateReading((None,) * len(texts), unclear, ZONE_FIX)
    return DateReading(tuple(_read(text, order=decided, zone=zone) for text in written))


_SPANS = {
    "month": "names months; each counts on its last day",
    "quarter": "names quarters; each counts on its last day",
    "week": "names weeks; each counts on its Thursday",
}
_HALF = "a spreadsheet has turned them into dates with day and month exchanged"
_YEAR_DAY = "year, day, month"
_SOURCE = "Export the column again as text, and open the file in no spreadsheet before."
_FIXES = {_HALF: _SOURCE, _YEAR_DAY: "Write dates as 2026-09-30."}
_FEWEST_HALF = 3


def _periods(texts: Sequence[str]) -> DateReading | None:
    """Read a column that names months, quarters or weeks; None where it holds none."""
    found: dict[str, Period] = {}
    for text in texts:
        if (period := period_of(text)) is not None:
            found[text] = period
    if not found:
        return None
    none, example = (None,) * len(texts), next(iter(found))
    others = [text for text in texts if text not in found]
    if any(_read(text, order="day-first", zone=None) for text in others):
        unclear = f"{example!r} names a {found[example].span}, {others[0]!r} a day"
        return DateReading(none, unclear, "Export the column with the day of every row.")
    days = tuple(found[text].day if text in found else None for text in texts)
    return DateReading(days, remark=f"{_SPANS[found[example].span]} ({example!r})")


def _two_orders(texts: Sequence[str]) -> str:
    """Return why a column holds dates in two orders, or in one that nobody means; else nothing."""
    iso = [(text, match) for text in texts if (match := _ISO.fullmatch(text))]
    swapped = [text for text, match in iso if int(match["m"]) > 12 >= int(match["d"])]
    if swapped:
        return f"{swapped[0]!r} can only be {_YEAR_DAY}".replace("be ", "be: ")
    numbers = [(text, match) for text in texts if (match := _NUMERIC.fullmatch(text))]
    early = [text for text, match in iso if int(match["d"]) <= 12]
    late = [text for text, match in numbers if max(int(match["a"]), int(match["b"])) > 12]
    if min(len(early), len(late)) >= _FEWEST_HALF and (len(early), len(late)) == (
        len(iso),
        len(numbers),
    ):
        return (
            f"every text such as {late[0]!r} has a day above 12 and every date such as "
            f"{early[0]!r} one up to 12: {_HALF}"
        )
    return ""


def _without_weekday(text: str) -> str:
    match = _WEEKDAY.match(text)
    return text if match is None or month_of(match["word"]) else text[match.end() :]


def _with_days_written(texts: Sequence[str]) -> list[str]:
    """Return the texts with other ways to write a day as ISO days.

    These are days of East Asia, days behind a weekday, and days that a system writes as midnight
    in UTC, if all moments are.
    """
    plain = [text if period_of(text) else _without_weekday(text) for text in texts]
    plain = [
        "{y}-{m}-{d}".format(**match.groupdict()) if (match := _CJK.fullmatch(text)) else text
        for text in plain
    ]
    zoned = [text for text in plain if _has_zone(text)]
    if zoned and all(_MIDNIGHT_UTC.search(text) for text in zoned):
        plain = [_MIDNIGHT_UTC.sub("", text) for text in plain]
    return plain


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
    first_is_year, unclear = _year_is_first([text for text, _ in numeric])
    if first_is_year or unclear:
        return ("year-first" if first_is_year else None), unclear
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


_YEARS_OF_DATA, _DAYS_OF_MONTH = 10, 12


def _year_is_first(texts: Sequence[str]) -> tuple[bool, str]:
    """Return whether dates of three numbers of two digits begin with the year, or both ways fit.

    Years of one export lie close together, days of many dates do not.
    """
    matches = [match for text in texts if (match := _ONE_YEAR.fullmatch(text))]
    if not matches or len(matches) < len(texts):
        return False, ""
    as_first = [_day(match["a"], match["b"], match["c"]) for match in matches]
    if None in as_first:
        return False, ""
    as_last = [
        _day(match["c"], match["b"], match["a"]) or _day(match["c"], match["a"], match["b"])
        for match in matches
    ]
    if None in as_last:
        return True, ""
    first, last = (
        max(numbers) - min(numbers)
        for numbers in ([int(match[group]) for match in matches] for group in ("a", "c"))
    )
    if first <= _YEARS_OF_DATA and last >= _DAYS_OF_MONTH:
        return True, ""
    if matches[0]["sign"] != "-" or (last <= _YEARS_OF_DATA and first >= _DAYS_OF_MONTH):
        return False, ""
    one, other = as_first[0], as_last[0]
    return False, (
        f"{texts[0]!r} is {one:%d %b %Y} or {other:%d %b %Y}, and no value of the column decides"
    )


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
    if order == "year-first":
        return _day(first, second, match["y"])
    day, month = (first, second) if order == "day-first" else (second, first)
    return _day(match["y"], month, day)


def _named(match: re.Match[str], _order: DateOrder | None) -> date | None:
    month = month_of(match["name"])
    return None if month is None else _day(match["y"], str(month), match["d"])


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
