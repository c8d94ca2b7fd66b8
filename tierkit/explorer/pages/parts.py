"""Shared parts of all tabs: bars, cells with intervals, tables with their row counts."""

from __future__ import annotations

import html
from collections.abc import Sequence

from markupsafe import Markup

from tierkit.figure import Figure
from tierkit.rendering import printable, tag
from tierkit.words import MINUS, share

UP, DOWN, PLAIN = "#0072b2", "#d55e00", "#7a8691"
"""Blue and orange are told apart by colour-blind readers, on light and on dark ground."""
MOST_ROWS = 20
_CELL = "padding:2px 10px 2px 0;text-align:{side};vertical-align:top"
_FIRST = ";white-space:nowrap"
_TABLE = "border-collapse:collapse;margin:0 0 12px;line-height:1.45"
_CAPTION = "text-align:left;font-weight:600;padding:8px 0 4px"
_UNBROKEN = '<span style="white-space:nowrap">{}</span>'
_BAR = 5.5
"""Width of a whole bar in ems."""
_SHORT, _SHORT_CAPTION = 14, 70
_LINE = "border-bottom:1px solid #8888884d"


def bar(length: float, *, colour: str = PLAIN, start: float = 0.0, whole: float = _BAR) -> Markup:
    """Return a bar from `start`, both as shares of `whole` (ems), 0 to 1; it prints, too."""
    width, left = max(0.0, min(1.0, length)) * whole, max(0.0, start) * whole
    return Markup(
        f'<span aria-hidden="true" style="display:inline-block;width:{width:.2f}em;'
        f'margin-left:{left:.2f}em;border-top:0.7em solid {colour}"></span>'
    )  # numbers and a colour of this module


def bar_to(used: float, *, most: float) -> Markup:
    """Return a bar on a scale that ends at `most`; what is beyond the whole looks beyond it.

    Parameters
    ----------
    used
        A share; above 1 the bar goes on in another colour, behind a mark at the whole.
    most
        The share at the end of the scale, 1 or more.

    Examples
    --------
    >>> bar_to(0.5, most=1.0).count(DOWN), bar_to(1.5, most=2.0).count(DOWN)
    (0, 1)
    """
    inside, beyond = min(used, 1.0) / most, max(used - 1.0, 0.0) / most
    left = max(1.0 - used, 0.0) / most * _BAR
    mark = Markup(
        f'<span aria-hidden="true" style="display:inline-block;margin-left:{left:.2f}em;'
        f'height:1em;border-left:2px solid currentColor;vertical-align:text-bottom"></span>'
    )  # numbers of this module
    over = bar(beyond, colour=DOWN) if beyond else Markup("")
    whole = Markup('<span style="white-space:nowrap">{}{}{}</span>')
    return whole.format(bar(inside, colour=UP), mark, over)


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, caption: str, text: int = 1
) -> Markup:
    """Return a table; the first `text` columns hold text, the others numbers to the right.

    A view of many rows says in its caption how many it shows of how many. Text is escaped here and
    put together as one string: a view is redrawn while one drags.
    """
    styles = [_style(place, text) for place in range(len(header))]
    head = "".join(
        f'<th scope="col" style="{style}">{_safe(name)}</th>'
        for name, style in zip(header, styles, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, styles)}</tr>" for row in rows)
    return Markup(
        f'<table style="{_TABLE}">{_caption(caption)}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )  # escaped above


def note(text: str) -> Markup:
    """Return a sentence on its own."""
    return tag("p", text, style="margin:4px 0;line-height:1.45")


def warning(text: str) -> Markup:
    """Return what a reader must not miss, marked by a word and not by colour alone."""
    style = (
        f"margin:4px 0;line-height:1.45;padding:4px 8px;border-left:4px solid {DOWN};"
        "white-space:pre-wrap"
    )
    return tag("p", text, style=style, role="alert")


def heading(text: str) -> Markup:
    """Return the title of a part."""
    return tag("h4", text, style="margin:10px 0 4px")


def shown(rows: int, total: int, what: str) -> str:
    """Return how many rows are shown of how many.

    Examples
    --------
    >>> shown(20, 1936, "accounts"), shown(3, 3, "accounts"), shown(1, 1, "accounts")
    ('20 of 1,936 accounts', '3 accounts', '1 account')
    """
    if total == 1:
        return f"1 {what.removesuffix('s')}"
    return f"{total:,} {what}" if rows >= total else f"{rows:,} of {total:,} {what}"


def share_with_interval(found: Figure) -> str:
    """Return a share with its 95 % interval.

    Examples
    --------
    >>> share_with_interval(Figure(0.31, 0.24, 0.38))
    '31 % (24–38 %)'
    """
    return (
        found.say(share, lambda low, high: f"{100 * low:.0f}–{100 * high:.0f} %")
        if found.is_known
        else "–"
    )


def ratio_with_interval(found: Figure | None) -> str:
    """Return a ratio with its 95 % interval; a dash where there is none."""
    if found is None or not found.is_known:
        return "–"
    return found.say("{:.2f}".format, "{:.2f}–{:.2f}".format)


def signed(value: float, spelled: str) -> str:
    """Return a spelled amount with the sign of a difference."""
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{spelled}"


def _cells(row: Sequence[object], styles: Sequence[str]) -> str:
    first = f'<th scope="row" style="{styles[0]};font-weight:normal">{_safe(row[0])}</th>'
    others = (
        f'<td style="{style}">{_spelled(cell)}</td>'
        for cell, style in zip(row[1:], styles[1:], strict=True)
    )
    return first + "".join(others)


def _safe(cell: object) -> str:
    return str(cell) if isinstance(cell, Markup) else html.escape(printable(cell))


def _spelled(cell: object) -> str:
    """Return a cell that breaks between an estimate and its interval, and not inside them."""
    text = _safe(cell)
    if isinstance(cell, Markup) or not text:
        return text
    estimate, bracket, interval = text.partition(" (")
    if bracket and text.endswith(")") and len(text) <= 3 * _SHORT:
        return f"{_UNBROKEN.format(estimate)} {_UNBROKEN.format('(' + interval)}"
    return _UNBROKEN.format(text) if len(text) <= _SHORT else text


def _caption(text: str) -> str:
    style = _CAPTION + (_FIRST if len(text) <= _SHORT_CAPTION else "")
    return f'<caption style="{style}">{_safe(text)}</caption>' if text else ""


def _style(place: int, text: int) -> str:
    side = "left" if place < text else "right"
    return f"{_CELL.format(side=side)};{_LINE}{'' if place else _FIRST}"
