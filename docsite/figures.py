"""Figures of the evidence, drawn from the tables of the page that they stand on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from statsmodels.stats.proportion import proportion_confint

from docsite.contrast import LEAST_OF_MARKS, LEAST_OF_TEXT, TEXT, lowest_contrasts, schemes
from tierkit.charts import INK, LINE, MUTED, TONES, WARN
from tierkit.rendering import Picture, figure

ROW, ABOVE, BELOW = 24.0, 6.0, 38.0
WIDTH, LABELS, SAID = 700.0, 250.0, 120.0
LETTER = 6.8  # as wide as a letter of a label is in the mean
_ASKED = re.compile(r"^<!-- figure: (\S+)(?: of (\S+))? -->$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")  # between cells; one inside a cell is escaped
_NUMBER = re.compile(r"[-+−]?\d[\d,]*\.?\d*")


@dataclass(frozen=True)
class Mark:
    """One row of a figure: a value with its range and what it is held against."""

    label: str
    value: float
    text: str
    low: float = math.nan
    high: float = math.nan
    aim: float = math.nan


@dataclass(frozen=True)
class Drawing:
    """Rows on one axis, and the finding that stands above them."""

    finding: str
    marks: list[Mark]
    axis: str
    zero: bool = False


def with_figures(page: str, folder: Path) -> str:
    """Return a page in which each comment `figure: NAME` is the figure of that name.

    It is drawn from the tables of the page, or of the file in `figure: NAME of FILE`.
    """

    def drawn(asked: re.Match[str]) -> str:
        source = (folder / asked[2]).read_text(encoding="utf-8") if asked[2] else page
        return _as_html(asked[1], FIGURES[asked[1]](source))

    return _ASKED.sub(drawn, page)


def _as_html(name: str, drawing: Drawing) -> str:
    height = ROW * len(drawing.marks) + ABOVE + BELOW
    labels = max([LABELS, *(LETTER * len(mark.label) for mark in drawing.marks)])
    width, margins = WIDTH + labels - LABELS, (labels, SAID, ABOVE, BELOW)
    picture = Picture(lambda ax: _draw(drawing, ax), width, height, margins)
    values = [(mark.label, mark.text) for mark in drawing.marks]
    shown = figure(picture, name=name, finding=drawing.finding, values=values).html
    return "\n".join(line for line in shown.splitlines() if line.strip())


def _draw(drawing: Drawing, ax: Axes) -> Axes:
    ends = [end for mark in drawing.marks for end in (mark.low, mark.high, mark.value, mark.aim)]
    known = [end for end in ends if not math.isnan(end)]
    low, high = min([0.0, *known]), max([0.0, *known])
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    ax.set_ylim(len(drawing.marks) - 0.5, -0.5)
    ax.axvline(0, color=LINE, linewidth=1)
    for row, mark in enumerate(drawing.marks):
        _draw_mark(ax, row, mark, bar=not drawing.zero)
    ax.set_yticks(range(len(drawing.marks)), [mark.label for mark in drawing.marks])
    ax.tick_params(length=0, labelsize=12, labelcolor=INK)
    ax.tick_params(axis="x", labelcolor=MUTED)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(drawing.axis, color=MUTED, fontsize=12)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _draw_mark(ax: Axes, row: int, mark: Mark, *, bar: bool) -> None:
    if not math.isnan(mark.low):
        ax.plot([mark.low, mark.high], [row, row], color=TONES[1], linewidth=2)
        ax.plot(mark.value, row, "o", color=TONES[0], markersize=6)
    elif bar:
        ax.barh(row, mark.value, 0.5, color=TONES[1])
    else:
        ax.plot(mark.value, row, "o", color=TONES[0], markersize=6)
    if not math.isnan(mark.aim):
        ax.plot([mark.aim, mark.aim], [row - 0.4, row + 0.4], color=WARN, linewidth=2)
    ax.annotate(mark.text, (1, row), xycoords=("axes fraction", "data"), xytext=(8, 0),
                textcoords="offset points", va="center", fontsize=12, color=INK,
                annotation_clip=False)  # fmt: skip


def tables_of(page: str) -> Iterator[tuple[str, pd.DataFrame]]:
    r"""Return the tables of a page, each with the last line of bold text above it.

    Examples
    --------
    >>> [(above, table)] = tables_of("**Acme**: 2 runs\n\n| a | b |\n| --- | ---: |\n| x | 1 |\n")
    >>> above, table.to_dict("list")
    ('Acme', {'a': ['x'], 'b': ['1']})
    """
    above, rows = "", list[list[str]]()
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in _BAR.split(line.strip("|"))])
            continue
        if rows:
            yield above, pd.DataFrame(rows[2:], columns=_told_apart(rows[0]))
            rows = []
        bold = re.match(r"\*\*([^*]+)\*\*", line)
        above = bold[1] if bold else above


def _told_apart(names: list[str]) -> list[str]:
    """Return names of columns; one that stood before gets a mark."""
    return [f"{name} 2" if name in names[:place] else name for place, name in enumerate(names)]


def _tables_with(page: str, *columns: str) -> Iterator[tuple[str, pd.DataFrame]]:
    found = [one for one in tables_of(page) if {*columns} <= {*one[1].columns}]
    if not found:
        raise ValueError(f"the page holds no table with the columns {', '.join(columns)}")
    yield from found


def _numbers(text: str) -> list[float]:
    """Return the numbers of a cell.

    Examples
    --------
    >>> _numbers("-0.068 to +0.043"), _numbers("1 of 44 (2.3 %)"), _numbers("1,234")
    ([-0.068, 0.043], [1.0, 44.0, 2.3], [1234.0])
    """
    return [float(one.replace(",", "").replace("−", "-")) for one in _NUMBER.findall(text)]


def _rate(label: str, cell: str, aim: float = math.nan) -> Mark:
    """Return a row such as "1 of 44 (2.3 %)" with its 95 % range by Wilson's formula."""
    hits, tried = _numbers(cell)[:2]
    low, high = proportion_confint(hits, tried, method="wilson")
    said = f"{hits:.0f} of {tried:.0f}"
    return Mark(label, 100 * hits / tried, said, 100 * low, 100 * high, aim)


def ranking(page: str) -> Drawing:
    """Draw how far each peer is ahead in Gini, by company."""
    marks = []
    for company, table in _tables_with(page, "peer", "ahead by", "range"):
        for _, row in table[table["measure"] == "Gini"].iterrows():
            low, high = _numbers(row["range"])
            ahead = _numbers(row["ahead by"])[0]
            marks.append(Mark(f"{company}: {row['peer']}", ahead, f"{ahead:+.3f}", low, high))
    worse = sum(mark.low > 0 for mark in marks)
    finding = (
        f"Gini of each peer less that of what was published, with its 95 % range: {worse or 'none'}"
        f" of {len(marks)} is ahead with the whole range."
    )
    return Drawing(finding, marks, "right of zero: the peer orders accounts better", zero=True)


def tier_roi(page: str) -> Drawing:
    """Draw how often an effect is claimed, by world."""
    marks = []
    for _, table in _tables_with(page, "world", "suggestive or more", "aim"):
        for _, row in table.iterrows():
            aims = _numbers(row["aim"])
            aim = aims[-1] if aims else math.nan
            marks.append(_rate(row["world"], row["suggestive or more"], aim))
    finding = (
        "How often “suggestive” or more was said, with 95 % ranges. The line is the aim: an upper "
        "limit where there is no effect, a lower one where there is."
    )
    return Drawing(finding, marks, "% of simulated companies")


def endings(page: str) -> Drawing:
    """Draw how inputs ended that were made to do harm."""
    marks = []
    for _, table in _tables_with(page, "inputs", "tried", "otherwise"):
        for _, row in table.iterrows():
            for column in table.columns[2:]:
                count = _numbers(row[column])[0]
                marks.append(Mark(f"{row['inputs']}: {column}", count, f"{count:,.0f}"))
    return Drawing("How each input ended.", marks, "inputs")


def speed(page: str) -> Drawing:
    """Draw what the parts of a run take, and the whole against its limit."""
    marks = []
    _, table = next(_tables_with(page, "accounts", "whole run", "peak memory"))
    limits = (120.0, 300.0)
    for (_, row), limit in zip(table.iterrows(), limits, strict=True):
        size = row["accounts"].partition(" ")[0]
        for stage in table.columns[1:-2]:
            marks.append(Mark(f"{size}: {stage}", _numbers(row[stage])[0], f"{row[stage]} s"))
        low, high = _numbers(row["whole run"])
        middle = (low + high) / 2
        said = f"{low:.0f} to {high:.0f} s"
        marks.append(Mark(f"{size}: whole run", middle, said, low, high, limit))
    finding = "Seconds of a run by stage, for two sizes of company; the line is the limit."
    return Drawing(finding, marks, "seconds, two cores")


def accessibility(_: str) -> Drawing:
    """Draw the lowest contrast of each colour of reports, computed now."""
    marks = [
        Mark(f"{name}, {scheme}", value, f"{value:.1f} : 1",
             aim=LEAST_OF_TEXT if name in TEXT else LEAST_OF_MARKS)
        for scheme, colours in schemes().items()
        for name, value in lowest_contrasts(colours).items()
    ]  # fmt: skip
    short = sum(mark.value < mark.aim for mark in marks)
    finding = (
        "Lowest contrast of each colour with what it lies on, computed from the style sheet when "
        f"this site was built: {short or 'none'} is below its limit."
    )
    return Drawing(finding, marks, "contrast; the line is the limit")


def coverage(page: str) -> Drawing:
    """Draw how many intervals held the truth, beside published figures."""
    column = "intervals that hold the truth (aim 92 to 97.5 %)"
    (_, table), *_ = _tables_with(page, "world", "reading", column)
    is_told = ~table[column].str.startswith("told in")  # how often, where it is hardly ever
    table = table[is_told].reset_index(drop=True)
    counts = pd.DataFrame([_numbers(cell)[:2] for cell in table[column]], columns=["held", "of"])
    summed = counts.groupby(table["world"], sort=False).sum()
    marks = [_rate(str(world), f"{row.held} of {row.of}", 95.0) for world, row in summed.iterrows()]
    for _, published in _tables_with(page, "what", "coverage", "length"):
        for _, row in published.iterrows():
            share = _numbers(row["coverage"])
            if len(share) == 1:
                label = "rdrobust, linear" if "rdrobust" in row["what"] else "flexible adjustment"
                marks.append(Mark(f"published: {label}", 100 * share[0], f"{100 * share[0]:.1f} %"))
    finding = "Share of 95 % intervals that held the truth; the line is 95 %."
    return Drawing(finding, marks, "%", zero=True)


def renewals(page: str) -> Drawing:
    """Draw what came of renewals beside the chance that was said."""
    marks = []
    for _, table in _tables_with(page, "said", "came"):
        for _, row in table.iterrows():
            said, came = _numbers(row["said"])[0], _numbers(row["came"])[0]
            marks.append(Mark(row.iloc[0], came, f"{came:.0f} %", aim=said))
    finding = "Renewals that came, by the chance that was said before (the line)."
    return Drawing(finding, marks, "% of renewals, in fifths by chance")


FIGURES: dict[str, Callable[[str], Drawing]] = {
    "ranking": ranking,
    "tier_roi": tier_roi,
    "endings": endings,
    "speed": speed,
    "accessibility": accessibility,
    "coverage": coverage,
    "renewals": renewals,
}
"""Figures by the name that pages ask for."""
