"""Tables of a page: plain, accessible HTML in which every text is escaped."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pandas as pd
from markupsafe import Markup

from tierkit.rendering.html import Fragment, joined, tag
from tierkit.words import MINUS, count, day, is_number, share, signed_share

ABSENT = "–"


def html_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    kinds: Mapping[str, str],
    name: str,
    total: int | None = None,
    of: str = "",
) -> Fragment:
    """Return a table of a page; its first column heads the rows.

    Parameters
    ----------
    frame
        The rows to show, in order; the index is left out. A missing value is shown as a dash.
    caption
        What the table says, in a sentence.
    kinds
        Column to `text` (default), `spoken` (a number already in words), `count`, `number`,
        `money`, `share`, `effect` or `date`. A second word is the unit, which stands in the
        header: `money USD`, `number hours`.
    name
        What checks find the table by (`data-table`).
    total, of
        How many rows there are in all, and what they are: the footer says "Showing 20 of 500
        accounts, by revenue" when `of` is "accounts, by revenue".

    Examples
    --------
    >>> frame = pd.DataFrame({"tier": ["Tier 1"], "won": [1200.4]})
    >>> table = html_table(frame, caption="Won", name="won", kinds={"won": "money USD"})
    >>> "1,200" in table.html, "Won, USD" in table.html
    (True, True)
    """
    columns = [(str(column), kinds.get(str(column), "text")) for column in frame.columns]
    rows = [_row(values, columns) for values in frame.itertuples(index=False, name=None)]
    parts = [
        tag("caption", caption),
        tag("thead", tag("tr", joined(*(_header(*column) for column in columns)))),
        tag("tbody", joined(*rows)),
    ]
    if total is not None and total > len(frame):
        parts.append(_footer(len(frame), total, of, len(columns)))
    table = tag("table", joined(*parts), data_table=name)
    return Fragment(str(tag("div", table, class_="table", role="group", tabindex="0")))


def _header(column: str, kind: str) -> Markup:
    base, _, unit = kind.partition(" ")
    title = column.replace("_", " ")
    title = title[:1].upper() + title[1:] + (f", {unit}" if unit else "")
    return tag("th", title, scope="col", class_="" if base in _AS_TEXT else "n")


def _row(values: tuple[object, ...], columns: list[tuple[str, str]]) -> Markup:
    cells = [
        _cell(value, kind.partition(" ")[0])
        for value, (_, kind) in zip(values, columns, strict=True)
    ]
    first = tag("th", cells[0][0], scope="row", class_=cells[0][1])
    return tag("tr", joined(first, *(tag("td", text, class_=side) for text, side in cells[1:])))


def _cell(value: object, kind: str) -> tuple[object, str]:
    side = "" if kind in _AS_TEXT else "n"
    if hasattr(value, "__html__"):
        return value, side
    if _is_absent(value):
        return ABSENT, side
    return _WRITE.get(kind, str)(value), side


def _is_absent(value: object) -> bool:
    if value is None or value is pd.NaT or value is pd.NA:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def _footer(shown: int, total: int, of: str, columns: int) -> Markup:
    text = f"Showing {count(shown)} of {count(total)} {of}".strip()
    return tag("tfoot", tag("tr", tag("td", text, colspan=str(columns))))


def _plain(value: object) -> str:
    number = _number(value)
    return f"{number:,.4g}".replace("-", MINUS) if abs(number) < 1000 else count(number)


def _number(value: object) -> float:
    return float(value) if is_number(value) or hasattr(value, "__float__") else float(str(value))  # type: ignore[arg-type]


def _date(value: object) -> str:
    return day(value.date() if isinstance(value, pd.Timestamp) else value)


_AS_TEXT = ("text", "date")
_WRITE: dict[str, Callable[[object], str]] = {
    "count": lambda value: count(_number(value)),
    "money": lambda value: count(_number(value)),
    "number": _plain,
    "share": lambda value: share(_number(value)),
    "effect": lambda value: signed_share(_number(value)),
    "date": _date,
}
