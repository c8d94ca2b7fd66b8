"""Charts as small SVG: drawn in a millisecond, in the colours of the page around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from tierkit.explorer.pages.parts import DOWN, PLAIN, UP, bar, note, table
from tierkit.explorer.rankings import bin_factors, lift_curve, revenue_curve, spoken
from tierkit.models import BY_COLUMN
from tierkit.rendering import tag
from tierkit.words import count, money, share

if TYPE_CHECKING:
    import pandas as pd

    from tierkit.explorer.session import Session

_WIDTH, _HEIGHT = 460, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 130, 10, 34
_STEPS = 4
_FACTOR_BAR = 9.0


def lift_chart(session: Session) -> Markup:
    """Return the lift curve of what is on screen, beside past revenue and chance."""
    view, rankings = session.view, session.basis.rankings
    if not view.backtest:
        return Markup("")
    screen = rankings.by_column if view.screen.kind in BY_COLUMN else view.tested
    lines = {"on screen": lift_curve(rankings.rows, screen), "past revenue": rankings.past_curve}
    if lines["on screen"].empty:
        return Markup("")
    tenth = float(lines["on screen"].set_index("accounts")["revenue"].loc[0.1])
    title = f"The best tenth of accounts brought {share(tenth)} of won revenue"
    return _chart(
        {name: (curve["accounts"], curve["revenue"]) for name, curve in lines.items()},
        across=lambda value: share(value),
        up=lambda value: share(value),
        title=title,
        axis="share of accounts, best-ranked first",
    )


def revenue_chart(session: Session) -> Markup:
    """Return predicted revenue against the number of accounts, with the ends of the tiers."""
    curve, view = revenue_curve(session), session.view
    if len(curve) < 2 or not curve["revenue"].iloc[-1] > 0:
        return Markup("")
    currency, ends, total = session.basis.currency, {}, 0
    for tier in view.settings.tiers:
        if tier.takes_rest:
            break
        total += view.sizes[tier.name]
        ends[tier.name] = float(total)
    return _chart(
        {"predicted revenue": (curve["accounts"], curve["revenue"])},
        across=lambda value: count(value),
        up=lambda value: money(currency, value),
        title="Predicted revenue against capacity",
        axis="accounts, best-ranked first",
        marks=ends,
    )


def factor_table(session: Session, criterion: str) -> Markup:
    """Return what each bin of a criterion multiplies by, with the accounts behind each."""
    found = bin_factors(session, criterion)
    if found.empty:
        return note("")
    reach = max(abs(math.log(factor)) for factor in found["factor"]) or 1.0
    most = max(int(found["accounts"].max()), 1)
    rows = [
        [str(row["bin"]), _from_the_middle(math.log(row["factor"]) / reach),
         f"×{row['factor']:.2f}", bar(row["accounts"] / most), count(float(row["accounts"]))]
        for row in found.to_dict("records")
    ]  # fmt: skip
    caption = f"{spoken(criterion)}: what each bin multiplies by, and the accounts in it"
    return table(["Bin", "", "Factor", "", "Accounts"], rows, caption=caption, text=2)


def _from_the_middle(length: float) -> Markup:
    """Return a bar to the right for a factor above 1, to the left below."""
    start = 0.5 if length >= 0 else 0.5 + length / 2
    colour = UP if length >= 0 else DOWN
    return bar(abs(length) / 2, colour=colour, start=start, whole=_FACTOR_BAR)


Spell = Callable[[float], str]
Line = tuple["pd.Series[float]", "pd.Series[float]"]


def _chart(
    lines: Mapping[str, Line],
    *,
    across: Spell,
    up: Spell,
    title: str,
    axis: str,
    marks: Mapping[str, float] | None = None,
) -> Markup:
    """Return lines with axes; `marks` are drawn upright and named."""
    right = max(float(x.iloc[-1]) for x, _ in lines.values())
    top = max(float(y.max()) for _, y in lines.values())

    def place(x: float, y: float) -> tuple[float, float]:
        return (_LEFT + (_WIDTH - _LEFT - _RIGHT) * x / right,
                _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * y / top)  # fmt: skip

    parts = [*_axes(place, right, top, across, up), *_marks(place, marks or {}, right, top)]
    for colour, (name, (x, y)) in zip((UP, PLAIN, DOWN), lines.items(), strict=False):
        points = [place(float(a), float(b)) for a, b in zip(x, y, strict=True)]
        parts += _line(points, name, colour)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, _HEIGHT - 4, axis, anchor="middle"))
    drawing = Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" style="width:100%;max-width:{}px;'
        'font:11px sans-serif;fill:currentColor">{}</svg>'
    ).format(title, _WIDTH, _HEIGHT, 2 * _WIDTH // 3 + 250, Markup("").join(parts))
    heading = tag("figcaption", title, style="font-weight:600;padding:8px 0 4px")
    return tag("figure", Markup("").join([heading, drawing]), style="margin:0 0 8px")


def _axes(
    place: Callable[[float, float], tuple[float, float]],
    right: float,
    top: float,
    across: Spell,
    up: Spell,
) -> list[Markup]:
    found = []
    for step in range(_STEPS + 1):
        part = step / _STEPS
        x, y = place(0.0, top * part)
        end, _ = place(right, top * part)
        found.append(_rule(x, y, end, y, "0.25"))
        found.append(_text(x - 6, y + 4, up(top * part), anchor="end"))
        at, bottom = place(right * part, 0.0)
        found.append(_text(at, bottom + 14, across(right * part), anchor="middle"))
    return found


def _marks(
    place: Callable[[float, float], tuple[float, float]],
    marks: Mapping[str, float],
    right: float,
    top: float,
) -> list[Markup]:
    found = []
    for number, (name, value) in enumerate(marks.items()):
        if value <= right:
            (x, low), (_, high) = place(value, 0.0), place(value, top)
            found.append(_rule(x, low, x, high, "0.8"))
            found.append(_text(x + 4, low - 6 - 13 * (number % 3), f"{name} ends"))
    return found


def _line(points: Sequence[tuple[float, float]], name: str, colour: str) -> list[Markup]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    drawn = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>').format(
        path, colour
    )
    return [drawn, *_name_at(points, name, colour)]


def _name_at(points: Sequence[tuple[float, float]], name: str, colour: str) -> list[Markup]:
    """Name a line in the margin, with its colour as a stroke before the words."""
    row = _TOP + (14 if colour == UP else 30)
    x = _WIDTH - _RIGHT + 12
    stroke = Markup('<path d="M{} {}h14" stroke="{}" stroke-width="3"/>').format(x, row - 4, colour)
    return [stroke, _text(x + 20, row, name)] if points else []


def _rule(x: float, y: float, to_x: float, to_y: float, opacity: str) -> Markup:
    return Markup(
        '<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="currentColor" stroke-opacity="{}"/>'
    ).format(x, y, to_x, to_y, opacity)


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, words
    )
