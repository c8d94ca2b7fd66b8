"""The pages: every link leads somewhere, every block can be read, every page is listed."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.main import get_command

import tierkit
from benches import evidence_quick
from docsite.blocks import RUN_LANGUAGES, commands, find_blocks
from docsite.build import BESIDE_DOCS, RUN, listed, pages_to_run
from docsite.evidence import with_results
from docsite.execute import FailedBlockError, Workplace, execute
from docsite.figures import with_figures
from docsite.functions import functions_page, rendered
from docsite.reference import missing_from_reference
from tierkit.cli import app
from tierkit.reference import CHAPTERS, chapter, find_topic
from tierkit.reference.from_program import public_members
from tierkit.reference.pages import page_names
from tierkit.settings import parse_settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READMES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
MADE = {f"reference/{name}.md" for name in ("commands", *CHAPTERS)}
MADE |= {f"notebooks/{name}-{theme}.html" for theme in ("light", "dark")
         for name in ("fit_tier_model", "validate_tier_roi", "recalibrate")}  # fmt: skip
MADE |= {f"tutorial/{name}" for name in ("exports.zip", "exports-next-quarter.zip")}
MADE |= {"changelog.md", "architecture.md", "contributing.md"}
COPIED = {"ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"}
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")
APP = get_command(app)


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def links(page):
    text = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    found = (one or picture for one, picture in LINK.findall(text))
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=name_of)
def test_links_lead_somewhere(page):
    lost = []
    for link in links(page):
        target = (page.parent / link).resolve()
        made = target.is_relative_to(DOCS) and target.relative_to(DOCS).as_posix() in MADE
        if not made and not target.exists():
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_can_be_read(page):
    for block in find_blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}, line {block.first + 1}"
        if block.language == "python":
            compile(block.text, where, "exec")
        elif block.language == "toml":
            parse_settings(tomllib.loads(block.text))
        elif block.language == "yaml":
            assert yaml.safe_load(block.text), where
        elif block.language == "console":
            assert commands(block), where


def tierkit_calls(text):
    """Return the calls of tierkit in a command of a shell, each as its words."""
    plain = re.sub(r"\$\([^)]*\)", "X", text.replace("\\\n", " "))
    for part in re.split(r"&&|\|(?!\|)|;", plain):
        if part.split()[:1] == ["tierkit"]:
            yield shlex.split(part, comments=True)[1:]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_are_those_that_there_are(page):
    for block in find_blocks(page.read_text(encoding="utf-8")):
        for text in commands(block) if block.language == "console" else ():
            for words in tierkit_calls(text):
                known = {"--version", "-h", "--help"}
                if not words[0].startswith("-"):
                    known |= {name for one in APP.commands[words[0]].params for name in one.opts}
                asked = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
                assert asked <= known, text


def test_every_page_is_listed_once():
    nav = tomllib.loads((ROOT / "docsite" / "zensical.toml").read_text())["project"]["nav"]
    pages = [*listed(nav)]
    there = {page.relative_to(DOCS).as_posix() for page in PAGES}
    made = {name for name in MADE if name.endswith(".md")}
    assert len(pages) == len({*pages})
    assert not {*pages} - there - made
    unlisted = there | made - {*pages}
    assert not {name for name in unlisted - {*pages} if "/" in name}  # others stand under More


def test_every_block_of_tutorial_and_how_tos_is_run_or_says_what_it_is():
    silent = {"", "toml"}  # what a person types elsewhere, and lines that are shown alone
    for page in pages_to_run(DOCS):
        for block in find_blocks(page.read_text(encoding="utf-8")):
            assert block.is_run or block.language in silent, (page.name, block.first + 1)
    assert {page.parent.name for page in pages_to_run(DOCS)} == {*RUN}
    assert {"console", "python"} <= {*RUN_LANGUAGES}


@pytest.mark.parametrize("page", [ROOT / name for name in BESIDE_DOCS], ids=name_of)
def test_a_page_may_speak_of_the_marks_that_cite_and_draw(page):
    text = page.read_text(encoding="utf-8")
    assert with_figures(with_results(text, DOCS), DOCS) == text


@pytest.mark.parametrize("page", sorted((DOCS / "evidence").glob("*.md")), ids=name_of)
def test_evidence_cites_results_that_stand_in_the_docs(page):
    text = page.read_text(encoding="utf-8")
    found = with_results(text, DOCS)
    assert "<!-- results:" not in found
    assert "What falls short" in found or page.name == "index.md"
    cited = re.findall(r'open_points.md from "([^"]+)" to "([^"]+)"', text)
    headings = re.findall(r"^(\*\*.*?\*\*) \(", (DOCS / "open_points.md").read_text(), re.MULTILINE)
    assert not [pair for pair in cited if headings.index(pair[1]) - headings.index(pair[0]) != 1]


@pytest.mark.parametrize("page", sorted((DOCS / "evidence").glob("[!i]*.md")), ids=name_of)
def test_evidence_has_a_figure_and_the_command_that_makes_it_anew(page):
    text = page.read_text(encoding="utf-8")
    assert "<!-- figure: " in text
    shown = with_figures(with_results(text, DOCS), DOCS)
    assert "<svg" in shown
    assert "<!-- figure: " not in shown
    assert re.search(r"`(make|python -m) ", text)


def test_evidence_names_commands_that_there_are_and_runs_each_as_a_part():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {*re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)}
    parts = {*re.search(r"^PARTS \?= (.*)$", makefile, flags=re.MULTILINE)[1].split()}
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "evidence").glob("*.md")]
    asked = {name for page in pages for name in re.findall(r"`(?:make )?(bench[a-z-]*)`", page)}
    assert parts <= targets
    assert asked - {"bench-read"} == parts  # which is a part of `bench`


def test_each_quick_figure_has_a_range_and_a_function():
    stated = evidence_quick.ranges()
    assert {one for one in stated if stated[one]["low"] > stated[one]["high"]} == set()
    assert not [one for one in stated if not callable(getattr(evidence_quick, one, None))]
    assert {"says", "low", "high"} == {key for one in stated.values() for key in one}


def test_words_of_help_that_pages_name_are_topics():
    names = {one.name for name in CHAPTERS if name != "functions" for one in chapter(name).entries}
    topics = {
        *page_names(),
        "pages",
        *names,
        *CHAPTERS,
        *APP.commands,
        *chapter("tables").groups,
        "TOPIC",
        "commands",
    }
    topics |= {heading.strip("[]") for heading in chapter("settings").groups}
    asked = [
        topic
        for page in [*PAGES, *READMES]
        for topic in re.findall(r"`tierkit help ([^`]+)`", page.read_text(encoding="utf-8"))
    ]
    assert asked
    assert not [topic for topic in asked if topic not in topics]


def test_a_report_that_holds_what_the_reference_does_not_name_is_found_out(tmp_path):
    (tmp_path / "facts.json").write_text('{"tiers": [{"tier": "A"}], "whole": {"luck": 1}}')
    (tmp_path / "tiers.csv").write_text("account_id,mood\n")
    sheets = {"Capacity": ["role", "A", "B"], "Moves Kim": ["rank", "rang"]}
    with pd.ExcelWriter(tmp_path / "accounts.xlsx") as book:
        for name, columns in sheets.items():
            pd.DataFrame(columns=columns).to_excel(book, sheet_name=name, index=False)
    assert missing_from_reference(tmp_path) == [
        "Capacity.B", "Moves OWNER.rang", "tiers.csv.mood", "whole.luck",
    ]  # fmt: skip


def test_docstrings_stand_on_the_site_as_their_sections_say():
    pytest.importorskip("griffe")
    text = "A sum.\n\nParameters\n----------\na : int\n    A | B.\n\nExamples\n--------\n>>> 1\n1"
    shown = "\n".join(rendered(text))
    assert "| name | type | meaning |\n| --- | --- | --- |\n| `a` | `int` | A \\| B. |" in shown
    assert "```pycon\n>>> 1\n1\n```" in shown


def test_every_public_name_and_method_has_its_section():
    pytest.importorskip("griffe")
    page = functions_page()
    for name in {*tierkit.__all__} - {"__version__"}:
        assert f"## `{name}` {{ #{name} }}" in page
        thing = getattr(tierkit, name)
        inside = public_members(thing) if isinstance(thing, type) else ()
        assert not [one for one, _ in inside if f"### `{name}.{one}`" not in page]


@pytest.mark.parametrize("name", page_names())
def test_every_page_can_be_read_in_a_terminal(name):
    text = find_topic(name, APP)
    assert text.startswith("# ")
    assert not re.search(r"<!--|-->|\]\([^)]*\.md\)|\{\{|^---$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("command", APP.commands.values(), ids=lambda command: command.name)
def test_every_command_names_a_topic_that_says_more(command):
    (topic,) = re.findall(r"More: tierkit help (\S+)", command.epilog)
    assert find_topic(topic, APP)


def test_a_block_that_ends_otherwise_than_its_page_says_ends_the_build(tmp_path):
    workplace = Workplace(tmp_path, tmp_path)
    shown = execute("```console {exit=3}\n$ echo said; exit 3\n```\n", workplace)
    assert shown == "```console\n$ echo said; exit 3\nsaid\n```\n"
    with pytest.raises(FailedBlockError, match="line 3: `false` ended with 1, not 0"):
        execute("Text\n\n```console\n$ false\n```\n", workplace)


def test_a_file_of_a_page_is_written_merged_or_changed_as_its_block_says(tmp_path):
    workplace = Workplace(tmp_path, tmp_path)
    execute('```toml title="a.toml"\n[x]\na = 1\n```\n', workplace)
    execute('```toml title="a.toml"\n[x]\nb = 2\n```\n', workplace)
    execute('```diff title="a.toml"\n-a = 1\n+a = 3\n```\n', workplace)
    assert tomllib.loads((tmp_path / "a.toml").read_text()) == {"x": {"a": 3, "b": 2}}
    with pytest.raises(FailedBlockError, match="does not hold once"):
        execute('```diff title="a.toml"\n-a = 1\n+a = 3\n```\n', workplace)


def test_a_quick_figure_outside_its_range_fails(monkeypatch, capsys):
    stated = {"cents_lost": {"low": 0.0, "high": 0.0, "says": "Cents lost"}}
    monkeypatch.setattr(evidence_quick, "ranges", lambda: stated)
    monkeypatch.setattr(evidence_quick, "cents_lost", lambda: 0.0)
    evidence_quick.main()
    monkeypatch.setattr(evidence_quick, "cents_lost", lambda: 1.0)
    with pytest.raises(SystemExit, match="cents_lost"):
        evidence_quick.main()
    assert "FAIL    1.000  (0 to 0)  Cents lost" in capsys.readouterr().out


def test_the_citation_is_of_this_release():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == tierkit.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= {*citation}
