"""Pages from executed notebooks: one title, linkable headings, folded code, same bytes."""

from __future__ import annotations

import re
import tomllib

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tierkit.errors import GateError
from tierkit.publishing.gates import read_page
from tierkit.publishing.manifest import settings_rows
from tierkit.rendering import notebooks
from tierkit.rendering.figures import Picture, figure
from tierkit.rendering.notebooks import (
    PageContext,
    leadership_sections,
    ordered_headings,
    render_analyst,
    render_leadership,
)
from tierkit.rendering.tables import html_table
from tierkit.settings import parse_settings, settings_template
from tierkit.table import Column, Table

CONTEXT = PageContext(
    title="Acme & <Sons>",
    label="FY2026Q3",
    quarter_dates="1 Aug – 31 Oct 2025",
    currency="USD",
    fingerprint="f00dcafe",
    versions={"tierkit": "1.2.3", "python": "3.11.7"},
    links={"leadership.html": "page for leadership", "analyst.html": "the whole analysis",
           "../index.html": "all quarters"},
)  # fmt: skip


def shown(html: str = "", *, tags: tuple[str, ...] = (), text: str = "", source: str = "show()"):
    """Return an executed code cell that shows HTML or text."""
    data = {"text/html": html} if html else {"text/plain": text}
    outputs = [new_output("execute_result", data=data, execution_count=1)]
    cell = new_code_cell(source, outputs=outputs, execution_count=1)
    cell.metadata["tags"] = list(tags)
    return cell


def executed(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    made = new_notebook()
    made.cells = list(cells)
    return made


@pytest.fixture(scope="module")
def analyst() -> str:
    fit = executed(
        new_markdown_cell("# Fit the model\n\nWhy & how."),
        shown(text="quarter = '2026Q3'", tags=("parameters",), source="secret_default = 1"),
        shown(text="x", tags=("injected-parameters",), source="project = '/srv/acme'"),
        new_markdown_cell("## Bins"),
        shown('<table data-table="bins"><tr><td>1</td></tr></table>', source="bins(a < b)"),
    )
    last = executed(
        new_markdown_cell("# Recalibrate\n\n#### Moves"),
        shown("<h1>Only for leadership</h1>", tags=("leadership",)),
        shown(text="<b>Acme</b> moved", source="moves()"),
        new_markdown_cell("# Bins"),
    )
    settings = parse_settings({"stability": {"keep_band": 1.5}})
    return render_analyst([fit, last], CONTEXT, settings=settings_rows(settings))


def test_the_analyst_page_has_one_title_and_every_heading_is_in_the_contents(analyst):
    found = read_page(analyst)
    assert found.headings == [1, 2, 2, 3, 2, 3, 2]
    anchors = re.findall(r'<h[23] id="([^"]+)"', analyst)
    assert anchors == [
        "settings-of-this-report",
        "fit-the-model",
        "bins",
        "recalibrate",
        "moves",
        "bins-2",
    ]
    assert re.findall(r'<a href="#([^"]+)"', analyst) == anchors
    assert found.faults == []


def test_code_is_folded_and_escaped_and_parameters_are_left_out(analyst):
    assert '<pre class="code"><code>bins(a &lt; b)' in analyst
    assert "secret_default" not in analyst
    assert "/srv/acme" not in analyst
    assert "highlight" not in re.sub(r"<style>.*?</style>", "", analyst, flags=re.DOTALL)


def test_what_init_writes_into_a_new_project_is_no_setting_that_differs():
    written = parse_settings(tomllib.loads(settings_template()))
    assert [key for key, _, is_default in settings_rows(written) if not is_default] == []
    larger = written.model_copy(
        update={"tiers": (written.tiers[0].model_copy(update={"capacity": 7}), *written.tiers[1:])}
    )
    changed = [row[:2] for row in settings_rows(larger) if not row[2]]
    assert changed == [("tiers.0.capacity", "7")]


def test_results_are_shown_and_text_stays_text(analyst):
    assert '<table data-table="bins">' in analyst
    assert "&lt;b&gt;Acme&lt;/b&gt; moved" in analyst


def test_leadership_cells_are_not_repeated_for_analysts(analyst):
    assert "Only for leadership" not in analyst


def test_settings_that_differ_come_first(analyst):
    assert re.search(r"<p>1 of \d+ settings differ from the defaults", analyst)
    first = analyst.index('<th scope="row">stability.keep_band</th><td>1.5</td>')
    assert first < analyst.index('<th scope="row">data.source</th>')
    assert analyst.count("tierkit.toml or --set") == 1


def test_the_title_names_product_quarter_and_company(analyst):
    assert "<title>Account tiers — FY2026 Q3 — Acme &amp; &lt;Sons&gt;</title>" in analyst
    assert "f00dcafe" in analyst
    assert "tierkit 1.2.3 · python 3.11.7" in analyst


def test_figures_are_taken_over_to_the_letter():
    svg = '<svg role="img" viewBox="0 0 1 1"><linearGradient/><path d="M0 0"/></svg>'
    assert svg in render_analyst([executed(shown(svg))], CONTEXT)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
@pytest.mark.parametrize("kind", ["count", "money", "date", "text"])
def test_a_missing_value_is_a_dash_whatever_its_type(missing, kind):
    frame = pd.DataFrame({"account": ["A1"], "rank": pd.Series([missing], dtype="object")})
    table = Table("ranks", "Ranks", ["account", Column("rank", kind)], frame)
    assert "–</td>" in html_table(table).html


def page_of(**data):
    cell = new_code_cell("my_chart", execution_count=1)
    cell.outputs = [new_output("display_data", data={key.replace("__", "/"): value
                                                     for key, value in data.items()})]  # fmt: skip
    return render_analyst([executed(cell)], CONTEXT)


PNG = "iVBORw0KGgo=\n"


def test_a_figure_of_ones_own_is_a_picture_that_is_read_aloud():
    page = page_of(image__png=PNG, text__plain="<Figure>")
    assert '<img alt="Figure of this cell: my_chart" src="data:image/png;base64,iVBO' in page
    assert "&lt;Figure&gt;" not in page
    assert read_page(page).faults == []


@pytest.mark.parametrize(
    "kind", ["application/vnd.vegalite.v6+json", "application/vnd.plotly.v1+json"]
)
def test_a_chart_that_needs_a_script_is_a_picture_or_a_sentence_and_never_absent(kind, monkeypatch):
    chart = {kind: {"data": []}, "text/plain": "Chart(…)"}
    assert "only a script can show" in page_of(**chart)
    for drawn in ("_vega_lite_svg", "_plotly_svg"):
        monkeypatch.setattr(notebooks, drawn, lambda _: "<svg><title>mine</title></svg>")
    page = page_of(**chart)
    assert "<svg><title>mine</title></svg>" in page
    assert "only a script" not in page
    assert "data:image/png" in page_of(**chart, image__png=PNG)


def test_a_chart_that_altair_writes_as_a_script_becomes_a_picture(monkeypatch):
    """Without a renderer asked for, altair's HTML holds the chart as the argument of a script."""
    drawn = []
    monkeypatch.setattr(
        notebooks, "_vega_lite_svg", lambda chart: drawn.append(chart) or "<svg></svg>"
    )
    html = (
        '<div id="altair-viz-1f"></div><script>(function(spec, embedOpt){ run({}) })'
        '({"mark": "bar", "title": "a })( b"}, {"mode": "vega-lite"});</script>'
    )
    page = render_analyst([executed(shown(html))], CONTEXT)
    assert drawn == [{"mark": "bar", "title": "a })( b"}]
    assert "<svg></svg>" in page


def test_a_script_in_a_cell_is_refused():
    notebook = executed(new_markdown_cell("Hello <script>alert(1)</script>"))
    with pytest.raises(GateError, match="shows a script"):
        render_analyst([notebook], CONTEXT)


def test_rendering_twice_gives_the_same_bytes_and_leaves_the_notebook_alone():
    notebook = executed(new_markdown_cell("# One"), shown("<p>1</p>", tags=("leadership",)))
    before = nbformat.writes(notebook)
    assert render_analyst([notebook], CONTEXT) == render_analyst([notebook], CONTEXT)
    assert render_leadership(notebook, CONTEXT) == render_leadership(notebook, CONTEXT)
    assert nbformat.writes(notebook) == before


def test_the_leadership_page_is_the_html_of_its_cells_in_order():
    notebook = executed(
        shown("<h1>Acme</h1>", tags=("leadership",)),
        shown("<p>for analysts</p>"),
        shown(text="plain text", tags=("leadership",)),
        shown("<p>effort</p>", tags=("other", "leadership"), source="effort(facts)"),
        new_markdown_cell("# Words"),
    )
    assert leadership_sections(notebook) == ["<h1>Acme</h1>", "<p>effort</p>"]
    page = render_leadership(notebook, CONTEXT)
    assert page.index("<h1>Acme</h1>") < page.index("<p>effort</p>")
    for absent in ("analysts", "plain text", "effort(facts)", "Words"):
        assert absent not in page
    assert "<title>Account tiers — FY2026 Q3 — Acme &amp; &lt;Sons&gt;</title>" in page
    found = read_page(page)
    assert (found.language, found.faults) == ("en", [])
    assert found.policy.startswith("default-src 'none'")


def test_a_leadership_page_without_anything_is_refused():
    with pytest.raises(GateError, match="No cell tagged `leadership` shows anything"):
        render_leadership(executed(shown("<p>1</p>")), CONTEXT)


@pytest.mark.parametrize(
    ("html", "levels"),
    [
        ("<h1>a</h1><h6>b</h6><h6>c</h6><h2>d</h2>", [2, 3, 4, 3]),
        ("<h3>a</h3><h1>b</h1>", [2, 2]),
        ("<p>none</p>", []),
    ],
)
def test_headings_begin_at_level_two_and_skip_none(html, levels):
    ordered, _ = ordered_headings(html)
    assert [int(level) for level in re.findall(r"<h(\d)", ordered)] == levels


def test_each_page_links_to_what_lies_beside_it_and_not_to_itself():
    """A report's files lie together, so that a link needs no address."""
    notebook = executed(shown("<h1>Acme</h1>", tags=("leadership",)))
    leadership = render_leadership(notebook, CONTEXT)
    assert re.findall(r'href="([^"#]*)"', leadership) == ["analyst.html", "../index.html"]
    analyst = render_analyst([notebook], CONTEXT)
    assert re.findall(r'href="([^"#]+)"', analyst) == ["leadership.html", "../index.html"]


def test_a_long_table_is_folded_under_its_caption_and_each_has_an_anchor():
    """What is folded can still be found by the browser's own search, and linked to."""

    def table(rows: int) -> str:
        frame = pd.DataFrame({"tier": ["Tier 1"] * rows})
        return html_table(Table("tiers", "All tiers", ["tier"], frame)).html

    page = render_analyst([executed(shown(table(40)), shown(table(2)))], CONTEXT)
    assert '<details class="fold" id="table-tiers"><summary>All tiers' in page
    assert '<div id="table-tiers-2" class="table"' in page
    assert page.count("<details") == 1


def test_a_figure_that_folds_is_folded_under_its_finding_and_others_are_not():
    picture = Picture(lambda ax: ax.set_axis_off() or ax, 100, 40)
    open_, folds = (
        figure(picture, name=name, finding="Two tiers.", folds=folds).html
        for name, folds in (("tiers", False), ("sizes", True))
    )
    page = render_analyst([executed(shown(open_), shown(folds))], CONTEXT)
    assert '<details class="fold" id="figure-sizes"><summary>Two tiers. <span' in page
    assert page.count("<details") == 1


def test_the_code_of_all_cells_has_one_switch_and_no_script():
    page = render_analyst([executed(shown("<p>1</p>", source="a = 1"))], CONTEXT)
    assert page.count('type="checkbox"') == 1
    assert ".analyst:has(#all-code:checked) pre.code { display: block; }" in page
    assert "<script" not in page


def test_what_stands_at_the_marks_of_a_figure_can_be_read_aloud():
    picture = Picture(lambda ax: ax.set_axis_off() or ax, 100, 40)
    drawn = figure(picture, name="tiers", finding="Two tiers.", values=[("Tier <1>", "15 · 31 %")])
    assert '<div class="unseen"><table><tr><th scope="row">Tier &lt;1&gt;</th>' in drawn.html
    assert "31 %" in drawn.html


def test_a_table_of_many_columns_prints_on_paper_turned_on_its_side():
    frame = pd.DataFrame([range(9)], columns=[*"abcdefghi"])
    assert 'class="table broad"' in html_table(Table("all", "All", [*"abcdefghi"], frame)).html
    assert 'class="table"' in html_table(Table("few", "Few", [*"abc"], frame)).html
