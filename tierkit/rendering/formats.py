"""The leadership page as PDF, through a Chrome, Chromium or Edge that is installed already."""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierkit.files import write_whole
from tierkit.processes import run_program
from tierkit.rendering.html import on_one_line

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
          "microsoft-edge", "microsoft-edge-stable", "msedge")  # fmt: skip
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
_QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-extensions",
          "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer")  # fmt: skip
_SECONDS = 60
_DATE = re.compile(rb"\(D:\d{14}")
_SAME = "Printing the page from a browser to PDF gives the same."
NO_BROWSER = (
    "No PDF: no Chrome, Chromium or Edge is installed here. Install one, or take pdf out of "
    f"run.formats. {_SAME}"
)


def find_browser() -> Path | None:
    """Return an installed browser that can print, None where there is none; nothing is fetched."""
    found = (shutil.which(name) for name in _NAMES)
    places = (place for place in _PLACES if Path(place).is_file())
    first = next((path for path in (*found, *places) if path), None)
    return None if first is None else Path(first)


def print_page(page: Path, target: Path) -> str:
    """Print a page to PDF; the same page gives the same bytes from the same browser.

    Returns
    -------
    str
        Empty when it is done; otherwise why there is no PDF, in a sentence. It is never an error:
        the page itself prints the same.
    """
    browser = find_browser()
    if browser is None:
        return NO_BROWSER
    with tempfile.TemporaryDirectory(prefix="tk-print-") as profile:
        printed_to = Path(profile) / "page.pdf"
        own = (f"--user-data-dir={profile}", f"--print-to-pdf={printed_to}")
        command = [str(browser), *_QUIET, *_as_root(), *own, page.resolve().as_uri()]
        try:
            run_program(command, timeout=_SECONDS).check_returncode()
            printed = printed_to.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            return f"No PDF: {browser.name} did not print the page ({_short(error)}). {_SAME}"
    write_whole(target, _DATE.sub(b"(D:20000101000000", printed), lasting=False)
    return ""


def _as_root() -> list[str]:
    """Return what Chrome needs to run as root, as it does in containers."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _short(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done within {_SECONDS} seconds"
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with status {error.returncode}"
    return str(error)


_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_LINE, _MOST_LINES = 180, 320, 600, 9
_MORE = "More in the report."
_INK = "1B2631"
_TONES = ("7096B6", "1F5C8C", "0F3A5F")
_DARK_TO_LIGHT = ("0F3A5F", "1F5C8C", "3574A6", "5089B6", "7096B6")
_TITLE_SIZES, _TEXT_SIZES = (28, 24, 20), (18, 16, 14, 12, 11)
_TITLE = (0.6, 0.4, 12.1, 1.1)
_SOURCE = (0.6, 6.95, 12.1, 0.5)
_TITLE_ONLY = 5
_ROOM_BESIDE_RANGES = 1.05
_BOLD_WIDTH = 0.82
"""The width that text of a usual weight may take where as many bold letters fit."""
_POINTS_AN_INCH, _LINE_HEIGHT, _LETTER_WIDTH, _AFTER = 72, 1.2, 0.52, 6
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_ERROR_BARS = (
    '<c:errBars xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    '<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
    "<c:plus>{plus}</c:plus><c:minus>{minus}</c:minus>"
    '<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></a:ln></c:spPr>'
    "</c:errBars>"
)
Series = Mapping[str, Sequence[float | None]]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Slide:
    """One slide: a finding as title, lines of text, the numbers of a bar chart, its source.

    `ranges`, low and high by category, are drawn as thin lines over the bars of a single series;
    its numbers then stand in the names of the categories.
    """

    title: str
    lines: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    series: Series = field(default_factory=dict)
    number_format: str = "#,##0"
    source: str = ""
    ranges: tuple[tuple[float | None, float | None], ...] = ()


def draw_deck(slides: Sequence[Slide], *, title: str, author: str) -> bytes:
    """Return the slides as a PowerPoint file, 13.3 by 7.5 inches, times in it as they are."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    for one in slides:
        _add(deck, one)
    deck.core_properties.title = _line(title)
    deck.core_properties.author = _line(author)
    written = io.BytesIO()
    deck.save(written)
    return written.getvalue()


def font_size(lines: Sequence[str], box: Box, sizes: Sequence[int]) -> int:
    """Return the largest size at which lines fit into a box, by a letter's usual width.

    Parameters
    ----------
    box
        Left, top, width and height in inches.
    sizes
        In points, the largest first; the smallest where none fits.

    Examples
    --------
    >>> box = (0, 0, 5, 1)
    >>> font_size(["short"], box, (28, 20)), font_size(["long " * 30], box, (28, 20))
    (28, 20)
    """
    return next((size for size in sizes if text_height(lines, box[2], size) <= box[3]), sizes[-1])


def text_height(lines: Sequence[str], width: float, size: int) -> float:
    """Return how many inches lines of text take at a size in points, each with a space after it."""
    letters = max(int(width * _POINTS_AN_INCH / (size * _LETTER_WIDTH)), 1)
    rows = sum(max(math.ceil(len(line) / letters), 1) for line in lines)
    return (rows * size * _LINE_HEIGHT + len(lines) * _AFTER) / _POINTS_AN_INCH


def _line(value: object, longest: int = _LONGEST_NAME) -> str:
    plain = on_one_line(value)
    return plain if len(plain) <= longest else f"{plain[: longest - 1].rstrip()}…"


def whole_sentences(line: str, longest: int = _LONGEST_LINE) -> str:
    """Return a line, or as many of its sentences as fit; within one sentence it is cut.

    Examples
    --------
    >>> whole_sentences("Two came. Three did not.", 20), whole_sentences("Two came.", 20)
    ('Two came.', 'Two came.')
    """
    plain = on_one_line(line)
    if len(plain) <= longest:
        return plain
    end = plain.rfind(". ", 0, longest)
    return plain[: end + 1] if end > 0 else _line(plain, longest)


def fitting(lines: Sequence[str], box: Box, size: int) -> tuple[str, ...]:
    """Return the lines that fit into a box whole, and that there are more where some do not.

    Examples
    --------
    >>> fitting(["one", "two"], (0, 0, 5, 1), 11), fitting(["one " * 60] * 9, (0, 0, 5, 1), 11)
    (('one', 'two'), ('More in the report.',))
    """
    shown = tuple(lines)
    while shown and text_height(shown, box[2], size) > box[3]:
        rest = [line for line in shown if line != _MORE][:-1]
        shown = (*rest, _MORE)
        if not rest:
            break
    return shown


def _add(deck: Any, one: Slide) -> None:  # noqa: ANN401 (python-pptx has no types)
    from pptx.util import Inches

    page = deck.slides.add_slide(deck.slide_layouts[_TITLE_ONLY])
    head = page.shapes.title
    head.left, head.top, head.width, head.height = map(Inches, _TITLE)
    title = _line(one.title, _LONGEST_TITLE)
    bold = (*_TITLE[:2], _TITLE[2] * _BOLD_WIDTH, _TITLE[3])
    _fill(head.text_frame, (title,), size=font_size((title,), bold, _TITLE_SIZES), bold=True)
    drawn = any(value is not None for values in one.series.values() for value in values)
    box = (0.6, 1.7, 5.4 if drawn else 12.1, 5.0)
    said = [whole_sentences(line) for line in one.lines[:_MOST_LINES]]
    lines = fitting(said, box, _TEXT_SIZES[-1])
    if lines:
        frame = page.shapes.add_textbox(*map(Inches, box)).text_frame
        _fill(frame, lines, size=font_size(lines, box, _TEXT_SIZES))
    if drawn:
        _chart(page, one, tuple(map(Inches, (6.3, 1.7, 6.5, 5.0))))
    if one.source:
        frame = page.shapes.add_textbox(*map(Inches, _SOURCE)).text_frame
        _fill(frame, (_line(one.source, _LONGEST_TITLE),), size=10)


def _fill(frame: Any, lines: Sequence[str], *, size: int, bold: bool = False) -> None:  # noqa: ANN401
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.TOP
    for place, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = _rgb(_INK)
        paragraph.space_after, paragraph.alignment = Pt(_AFTER), PP_ALIGN.LEFT


def _chart(page: Any, one: Slide, box: tuple[Any, ...]) -> None:  # noqa: ANN401
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
    from pptx.util import Pt

    data = CategoryChartData(number_format=one.number_format)  # type: ignore[no-untyped-call]
    data.categories = [_line(name) for name in one.categories]
    for name, values in one.series.items():
        data.add_series(name, values)  # type: ignore[no-untyped-call]
    shape = page.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *box, data)
    shape._element._nvXxPr.cNvPr.set("descr", _line(one.title))
    chart = shape.chart
    chart.has_title, chart.font.size = False, Pt(12)
    chart.has_legend = len(one.series) > 1
    if chart.has_legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.category_axis.reverse_order = True
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    chart.category_axis.has_major_gridlines = False
    chart.value_axis.visible, chart.value_axis.has_major_gridlines = False, False
    _colour(chart.plots[0], one.number_format)
    if one.ranges:
        _draw_ranges(chart.plots[0], one)
        drawn = [*one.ranges, *one.series.values()]
        ends = [0.0, *(end for part in drawn for end in part if end is not None)]
        chart.value_axis.minimum_scale = min(ends)
        chart.value_axis.maximum_scale = max(ends) * _ROOM_BESIDE_RANGES


def _draw_ranges(plot: Any, one: Slide) -> None:  # noqa: ANN401
    """Draw a range as a thin line over each bar, pale so that it is seen, in place of numbers."""
    from pptx.oxml import parse_xml

    values = next(iter(one.series.values()))
    known = [
        (0.0, 0.0) if value is None or low is None or high is None else (value - low, high - value)
        for value, (low, high) in zip(values, one.ranges, strict=True)
    ]
    series = plot.series[0]._element
    lengths = [_points(side) for side in zip(*known, strict=True)]
    bars = _ERROR_BARS.format(minus=lengths[0], plus=lengths[1], colour=_INK)
    series.find(f"{_CHART}cat").addprevious(parse_xml(bars))
    plot.has_data_labels = False
    for place in range(len(plot.categories)):
        plot.series[0].points[place].format.fill.fore_color.rgb = _rgb(_TONES[0])


def _points(lengths: Sequence[float]) -> str:
    points = "".join(
        f'<c:pt idx="{place}"><c:v>{length!r}</c:v></c:pt>' for place, length in enumerate(lengths)
    )
    return f'<c:numLit><c:ptCount val="{len(lengths)}"/>{points}</c:numLit>'


def _rgb(colour: str) -> Any:  # noqa: ANN401
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour)  # type: ignore[no-untyped-call]


def _colour(plot: Any, number_format: str) -> None:  # noqa: ANN401
    """Give each series a tone of the one accent, and its numbers as labels."""
    plot.has_data_labels, plot.gap_width = True, 60
    labels = plot.data_labels
    labels.number_format, labels.number_format_is_linked = number_format, False
    tones = _TONES[1:] if len(plot.series) == 1 else _TONES
    if len(plot.series) == 1:
        plot.series[0].invert_if_negative = False
        plot.series[0].format.fill.solid()
        plot.series[0].format.fill.fore_color.rgb = _rgb(tones[0])
        for place in range(len(plot.categories)):
            fill = plot.series[0].points[place].format.fill
            fill.solid()
            shade = _DARK_TO_LIGHT[min(place, len(_DARK_TO_LIGHT) - 1)]
            fill.fore_color.rgb = _rgb(shade)
        return
    for tone, series in zip(tones, plot.series, strict=False):
        series.invert_if_negative = False
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = _rgb(tone)
