"""Executed notebooks → the two pages; the same notebooks give the same bytes.

Charts that altair and plotly leave as data for a script become still pictures.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape
from nbconvert import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbformat import NotebookNode
from traitlets.config import Config

from tierkit.errors import GateError
from tierkit.rendering.html import tag
from tierkit.rendering.page import TEMPLATES, environment, style_sheet
from tierkit.words import quarter_name

LEADERSHIP_TAG = "leadership"
_HIDDEN_TAGS = {LEADERSHIP_TAG, "guide", "parameters", "injected-parameters"}
_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_FIRST_LEVEL = 2  # the page's title is the one <h1>
_LAST_LEVEL = 6


class Versions(dict[str, str]):
    """Versions by package; as text, one line of them."""

    def __str__(self) -> str:
        """Return `tierkit 0.1.0 · python 3.11.7 · …`."""
        return " · ".join(f"{name} {version}" for name, version in self.items())


@dataclass(frozen=True)
class PageContext:
    """The identity of a page; neither a run id nor a time of day.

    Attributes
    ----------
    title, project
        The name of the company or project, and of its folder's project; the same unless set apart.
    quarter_label, quarter_dates
        `2026Q3` and the days in words.
    currency, fingerprint
        Of all amounts; of data, settings and versions.
    versions
        By package.
    links
        What lies beside the pages of a report, in words by its path.

    Examples
    --------
    >>> PageContext("Acme", "2026Q3", "1 Jul – 30 Sep 2026", "USD", "f00d", {}).page_title
    'Account tiers — 2026 Q3 — Acme'
    """

    title: str
    label: str
    quarter_dates: str
    currency: str
    fingerprint: str
    versions: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let versions be written as one line."""
        object.__setattr__(self, "versions", Versions(self.versions))

    @property
    def quarter_label(self) -> str:
        """The quarter as people write it."""
        return quarter_name(self.label)

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.title

    @property
    def page_title(self) -> str:
        """The title that a browser shows in its tab."""
        return f"Account tiers — {self.quarter_label} — {self.title}"


@dataclass(frozen=True)
class Entry:
    """A heading in the list of contents, with those below it."""

    title: str
    anchor: str
    parts: tuple[Entry, ...] = ()


def render_leadership(notebook: NotebookNode, context: PageContext) -> str:
    """Return the page for leadership: the HTML of the cells tagged `leadership`, in their order.

    Raises
    ------
    GateError
        If no such cell shows anything.
    """
    sections = leadership_sections(notebook)
    if not sections:
        raise GateError(
            f"No cell tagged `{LEADERSHIP_TAG}` shows anything; the page for leadership is empty."
        )
    page = environment().get_template("leadership.html.j2")
    return page.render(
        context=context, sections=[Markup(part) for part in sections], style=style_sheet()
    )


def leadership_sections(notebook: NotebookNode) -> list[str]:
    """Return the HTML of each output of the cells tagged `leadership`."""
    return [
        output.data["text/html"]
        for cell in notebook.cells
        if cell.cell_type == "code" and LEADERSHIP_TAG in cell.metadata.get("tags", [])
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]


def render_analyst(
    notebooks: Sequence[NotebookNode],
    context: PageContext,
    *,
    settings: Sequence[tuple[str, str, bool]] = (),
) -> str:
    """Return the page for analysts: all notebooks under one title, code folded away.

    Parameters
    ----------
    notebooks
        Executed copies, in order. Cells of the leadership page and of parameters are left out.
    context
        What the page says of itself.
    settings
        Key, value, and whether it is the default, of every effective setting.
    """
    parts = [_settings_box(settings)] if settings else []
    parts += [_notebook_html(notebook) for notebook in notebooks]
    body, contents = ordered_headings(folded("\n".join(parts)))
    page = environment().get_template("analyst.html.j2")
    return page.render(
        context=context, contents=contents, body=Markup(body), style=style_sheet("analyst.css")
    )


FOLD_FROM = 7
"""Tables of so many rows are folded up: their caption says what is in them."""
_TABLE = re.compile(
    r'<div class="table[^>]*>\s*<table data-table="([^"]*)">.*?</table>\s*</div>', re.DOTALL
)
_CAPTION = re.compile(r"<caption>(.*?)</caption>", re.DOTALL)
_FOLDING_FIGURE = re.compile(
    r'<figure data-figure="([^"]*)"[^>]* data-folds[^>]*>.*?<figcaption>(.*?)</figcaption>.*?'
    r"</figure>",
    re.DOTALL,
)


def folded(html: str) -> str:
    """Return HTML in which every table has an anchor; what is long is folded under its caption.

    Examples
    --------
    >>> rows = "<tr><td>1</td></tr>" * 9
    >>> table = f'<table data-table="won"><caption>Won</caption><tbody>{rows}</tbody></table>'
    >>> folded(f'<div class="table">{table}</div>')[:77]
    '<details class="fold" id="table-won"><summary>Won <span class="count">(9 rows'
    """
    seen: Counter[str] = Counter()

    def fold(match: re.Match[str]) -> str:
        whole, name = match[0], match[1] or "table"
        seen[name] += 1
        anchor = f"table-{name}" if seen[name] == 1 else f"table-{name}-{seen[name]}"
        rows = whole.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr")
        caption = _CAPTION.search(whole)
        if rows < FOLD_FROM or caption is None:
            return whole.replace("<div ", f'<div id="{anchor}" ', 1)
        count = f'<span class="count">({rows} rows)</span>'
        summary = f"<summary>{caption[1]} {count}</summary>"
        return f'<details class="fold" id="{anchor}">{summary}{whole}</details>'

    figures = (
        r'<details class="fold" id="figure-\1"><summary>\2 <span class="count">(figure)</span>'
        r"</summary>\g<0></details>"
    )
    return _FOLDING_FIGURE.sub(figures, _TABLE.sub(fold, html))


def ordered_headings(html: str) -> tuple[str, list[Entry]]:
    """Return HTML with linkable headings that begin at level 2 and skip none, and its contents.

    Examples
    --------
    >>> html = "<h1>Fit</h1><h4 class='x'>Bins &amp; points</h4><h1>Fit</h1>"
    >>> html, contents = ordered_headings(html)
    >>> html
    '<h2 id="fit">Fit</h2><h3 id="bins-points">Bins &amp; points</h3><h2 id="fit-2">Fit</h2>'
    >>> [(entry.title, [part.anchor for part in entry.parts]) for entry in contents]
    [('Fit', ['bins-points']), ('Fit', [])]
    """
    headings: list[tuple[int, Entry]] = []
    seen: Counter[str] = Counter()

    def numbered(match: re.Match[str]) -> str:
        above = headings[-1][0] if headings else _FIRST_LEVEL - 1
        level = min(int(match[1]) + 1, above + 1, _LAST_LEVEL)
        title = Markup(_TAG.sub("", match[2])).unescape().strip().removesuffix("¶")
        anchor = _anchor(title, seen)
        headings.append((level, Entry(title, anchor)))
        return f'<h{level} id="{anchor}">{escape(title)}</h{level}>'

    return _HEADING.sub(numbered, html), _contents(headings)


def _contents(headings: Sequence[tuple[int, Entry]]) -> list[Entry]:
    found: list[Entry] = []
    for level, entry in headings:
        if level == _FIRST_LEVEL:
            found.append(entry)
        elif level == _FIRST_LEVEL + 1:
            last = found.pop()
            found.append(Entry(last.title, last.anchor, (*last.parts, entry)))
    return found


def _anchor(title: str, seen: Counter[str]) -> str:
    words = re.findall(r"[^\W_]+", title.lower())
    anchor = "-".join(words) or "section"
    seen[anchor] += 1
    return anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}"


def _settings_box(settings: Sequence[tuple[str, str, bool]]) -> str:
    rows = sorted(settings, key=lambda row: row[2])
    changed = sum(1 for row in rows if not row[2])
    box = environment().get_template("analyst_settings.html.j2")
    return box.render(rows=rows, changed=changed)


class _CellExporter(HTMLExporter):
    """Exports cells as the template gives them, without a second pass through an HTML parser.

    That pass would write every figure anew and drop what follows an unclosed element.
    """

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: object
    ) -> tuple[str, dict[str, Any]]:
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)


def _notebook_html(notebook: NotebookNode) -> str:
    shown = NotebookNode(notebook)  # type: ignore[no-untyped-call]
    shown["cells"] = [
        with_still_charts(cell)
        for cell in notebook.cells
        if not _HIDDEN_TAGS & set(cell.metadata.get("tags", []))
    ]
    exporter = _CellExporter(  # type: ignore[no-untyped-call]
        config=Config(),
        template_name="analyst",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(shown)
    if "<script" in html.lower():
        raise GateError("A cell of the analyst page shows a script; pages hold none. Take it out.")
    return html


_STILL = ("image/svg+xml", "image/png", "image/jpeg")


_VEGA_LITE, _PLOTLY = "application/vnd.vegalite.", "application/vnd.plotly."


_IN_HTML, _CALL = 'id="altair-viz-', "})({"


_PACKAGES = {_VEGA_LITE: "vl-convert-python", _PLOTLY: "kaleido"}


_STATIC = {_VEGA_LITE: 'alt.renderers.enable("png")', _PLOTLY: 'fig.show("png")'}


def with_still_charts(cell: NotebookNode) -> NotebookNode:
    """Return a cell whose charts of altair and plotly are pictures, or a sentence in their place.

    A chart that the notebook holds as a picture already is taken as it is. Others are drawn where
    the package is installed that draws them without a browser page.
    """
    if cell.cell_type != "code" or not any(map(_chart_kind, cell.outputs)):
        return cell
    changed: NotebookNode = NotebookNode(cell)  # type: ignore[no-untyped-call]
    changed["outputs"] = [_still(output) if _chart_kind(output) else output
                          for output in cell.outputs]  # fmt: skip
    return changed


def _chart_kind(output: Mapping[str, Any]) -> str:
    """Return which kind of chart needs a script to be seen; empty for any other output."""
    data = output.get("data", {})
    if any(kind in data for kind in _STILL):
        return ""
    if _IN_HTML in str(data.get("text/html", "")):
        return _VEGA_LITE
    return next((kind for kind in _PACKAGES if any(key.startswith(kind) for key in data)), "")


def _still(output: NotebookNode) -> NotebookNode:
    kind = _chart_kind(output)
    try:
        chart = _chart(output.data, kind)
        picture = _vega_lite_svg(chart) if kind == _VEGA_LITE else _plotly_svg(chart)
        data = {"image/svg+xml": picture}
    except Exception:
        data = {"text/html": str(_instead(kind))}
    changed = NotebookNode(output)  # type: ignore[no-untyped-call]
    changed["data"] = data
    return changed


def _chart(data: Mapping[str, Any], kind: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the chart as JSON; altair by itself writes it as the argument of a script."""
    html = str(data.get("text/html", ""))
    if kind == _VEGA_LITE and _IN_HTML in html:
        return json.JSONDecoder().raw_decode(html, html.index(_CALL) + len(_CALL) - 1)[0]
    return next(value for key, value in data.items() if key.startswith(kind))


def _instead(kind: str) -> Markup:
    return tag(
        "p",
        f"A chart stands here that only a script can show, and pages hold none. Show it as a "
        f"picture, {_STATIC[kind]}, or install {_PACKAGES[kind]} for it to be drawn by itself.",
    )


def _vega_lite_svg(chart: Any) -> str:  # noqa: ANN401 (JSON)
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart))


def _plotly_svg(chart: Any) -> str:  # noqa: ANN401 (JSON)
    import plotly.io

    return str(plotly.io.to_image(chart, format="svg").decode())
