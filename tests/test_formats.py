"""The report in other formats: PDF by an installed browser, slides with native charts."""

from __future__ import annotations

import io

import leadership_facts as companies
import pytest
from report_samples import page

from tierkit.pages import slides
from tierkit.rendering import Slide, formats
from tierkit.rendering.formats import text_height

pptx = pytest.importorskip("pptx")


def deck(tmp_path, facts):
    assert slides.write_slides(facts, tmp_path / "report.pptx") == ""
    return (tmp_path / "report.pptx").read_bytes()


def opened(content):
    return pptx.Presentation(io.BytesIO(content))


def test_eleven_slides_each_with_a_title_a_source_and_native_charts(tmp_path):
    shown = opened(deck(tmp_path, companies.with_designs("shown")))
    assert len(shown.slides) == 11
    titles = [slide.shapes.title.text_frame.text for slide in shown.slides]
    assert all(titles)
    assert titles[0].startswith("Northwind Instruments · Account tiers, 2026 Q3")
    charts = [shape.chart for slide in shown.slides for shape in slide.shapes if shape.has_chart]
    assert len(charts) == 9  # all but the decisions and how sure we are
    accounts = charts[0].plots[0].series[0].values
    assert list(accounts) == [15, 300, 1_525]
    feet = [slide.shapes[-1].text_frame.text for slide in shown.slides]
    assert feet[3].endswith("(1 Jul – 30 Sep 2026) · report 3f1c9a7e55d0b2c4 · 4 of 11")
    assert all(foot.startswith("Northwind Instruments") for foot in feet)


def test_the_same_facts_give_the_same_slides(tmp_path, monkeypatch):
    first = deck(tmp_path, companies.sample())
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert deck(tmp_path, companies.sample()) == first


@pytest.mark.parametrize("make", [dict, companies.small, companies.long_names])
def test_any_company_gives_slides_without_a_missing_number(tmp_path, make):
    shown = opened(deck(tmp_path, make()))
    text = "\n".join(
        shape.text_frame.text for slide in shown.slides for shape in slide.shapes
        if shape.has_text_frame
    )  # fmt: skip
    assert all(len(slide.shapes) > 2 for slide in shown.slides)  # more than title and source
    assert "nan" not in text.split()
    assert "()" not in text
    assert "None" not in text.split()


def test_nothing_leaves_its_slide(tmp_path):
    shown = opened(deck(tmp_path, companies.long_names()))
    for slide in shown.slides:
        for shape in slide.shapes:
            assert shape.left + shape.width <= shown.slide_width
            assert shape.top + shape.height <= shown.slide_height
            if shape.has_text_frame:
                runs = [run for part in shape.text_frame.paragraphs for run in part.runs]
                lines, size = [run.text for run in runs], int(runs[0].font.size.pt)
                assert text_height(lines, shape.width.inches, size) <= shape.height.inches


def test_a_range_is_drawn_over_its_bar_and_its_axis_holds_both():
    slide = Slide("Effects.", (), ("near: +13 %", "far: +60 %"), {"effect": (0.13, 0.6)},
                  "0%", ranges=((-0.22, 0.41), (None, None)))  # fmt: skip
    content = formats.draw_deck([slide], title="Effects", author="Acme")
    chart = next(shape.chart for shape in opened(content).slides[0].shapes if shape.has_chart)
    drawn = chart.plots[0].series[0]._element.xpath("c:errBars//c:v")
    assert [float(value.text) for value in drawn] == pytest.approx([0.28, 0, 0.35, 0])
    assert chart.value_axis.minimum_scale == -0.22
    assert chart.value_axis.maximum_scale > 0.6
    assert not chart.plots[0].has_data_labels


def test_hours_are_the_same_number_in_words_and_at_their_bar():
    facts = companies.sample()
    role = facts["effort"]["roles"][0]
    role["hours"] = 2_562.5
    slide = next(one for one in slides.slides(facts) if "hours needed" in one.series)
    assert slide.series["hours needed"][0] == 2_562
    assert any("2,562 of" in line for line in slide.lines)


def test_no_colour_of_a_chart_is_left_to_the_program(tmp_path):
    """Its own are red and green as soon as there are three."""
    shown = opened(deck(tmp_path, companies.sample()))
    charts = [shape.chart for slide in shown.slides for shape in slide.shapes if shape.has_chart]
    colours = {str(one.format.fill.fore_color.rgb) for chart in charts for one in chart.series}
    assert colours <= {"7096B6", "1F5C8C", "0F3A5F"}


def test_without_the_library_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(slides.importlib.util, "find_spec", lambda _name: None)
    assert slides.write_slides({}, tmp_path / "report.pptx") == slides.NO_LIBRARY
    assert not (tmp_path / "report.pptx").exists()


def test_without_a_browser_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_browser", lambda: None)
    assert formats.print_page(tmp_path / "page.html", tmp_path / "page.pdf") == formats.NO_BROWSER
    assert not (tmp_path / "page.pdf").exists()


def test_a_browser_that_fails_is_a_sentence_and_no_file(tmp_path, monkeypatch):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(formats, "find_browser", lambda: broken)
    said = formats.print_page(tmp_path / "page.html", tmp_path / "page.pdf")
    assert "chromium did not print the page (it ended with status 3)" in said
    assert not (tmp_path / "page.pdf").exists()


@pytest.mark.skipif(formats.find_browser() is None, reason="no browser is installed here")
def test_the_same_page_prints_to_the_same_bytes(tmp_path):
    source = tmp_path / "a page.html"
    source.write_text(page("<p>Three accounts</p>"))
    for name in ("one.pdf", "two.pdf"):
        assert formats.print_page(source, tmp_path / name) == ""
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
