"""What stops publication: missing parts, unexplained numbers, requests, names, secrets."""

from __future__ import annotations

import json
import math
import time
import zipfile

import pytest
from hypothesis import given, strategies as st
from report_samples import LABEL, facts, page, write_report

from tierkit.errors import GateError
from tierkit.publishing.gates import (
    MEGABYTE,
    RUN_FILES,
    Requirements,
    account_ids,
    account_names,
    check_report,
    read_page,
)
from tierkit.rendering.html import printable


@pytest.fixture
def report(tmp_path):
    return write_report(tmp_path / "report")


def problems(folder, requirements: Requirements | None = None) -> str:
    """Return what the gates say, as one text; empty where they say nothing."""
    try:
        check_report(folder, requirements or Requirements())
    except GateError as error:
        return "\n".join(str(problem) for problem in error.problems)
    return ""


def write_facts(folder, **changes: object) -> None:
    (folder / "facts.json").write_text(json.dumps(facts() | changes))


def test_a_good_report_passes(report):
    assert problems(report, Requirements(label=LABEL)) == ""


@pytest.mark.parametrize("name", RUN_FILES)
@pytest.mark.parametrize("empty", [True, False])
def test_every_file_must_be_there_and_hold_something(report, name, empty):
    (report / name).unlink()
    if empty:
        (report / name).touch()
    assert f"{name} is {'empty' if empty else 'missing'}" in problems(report)


def test_everything_is_said_at_once(report):
    (report / "model.json").unlink()
    (report / "tiers.csv").unlink()
    with pytest.raises(GateError, match="did not pass 2 gates") as caught:
        check_report(report)
    assert len(caught.value.problems) == 2


# ---- facts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_facts_hold_no_number_that_cannot_be_said(report, number):
    write_facts(report, tiers=[{"predicted_revenue": number}])
    assert "is no number that can be said" in problems(report)


def test_a_null_is_explained_beside_it(report):
    write_facts(report, ledger=[{"delivered": None}])
    assert "ledger.0.delivered is null. Say why in delivered_why" in problems(report)
    write_facts(report, ledger=[{"delivered": None, "delivered_why": ""}])
    assert "ledger.0.delivered is null" in problems(report)
    write_facts(report, ledger=[{"delivered": None, "delivered_why": "not over yet"}])
    assert problems(report) == ""


def test_facts_keep_to_the_schema_and_the_quarter(report):
    write_facts(report, schema=2)
    assert "schema must be 1, found 2" in problems(report)
    write_facts(report, tiers={}, moves={"up": 1})
    found = problems(report)
    assert "tiers must be a list" in found
    assert "moves.matrix must be a dict" in found
    write_facts(report)
    assert "quarter '2026Q3', this run is for 2026Q4" in problems(
        report, Requirements(label="2026Q4")
    )


@pytest.mark.parametrize("text", ["[]", "3", "{", '"facts"'])
def test_facts_that_are_none_are_named(report, text):
    (report / "facts.json").write_text(text)
    assert "facts.json" in problems(report)


# ---- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<script>1</script>", "a <script> element"),
        ("<link rel='stylesheet'>", "a <link> element"),
        ("<img alt='x' src='https://cdn.example/x.png'>", "asks for https://cdn.example/x.png"),
        ("<img alt='x' src='//cdn.example/x.png'>", "asks for //cdn.example/x.png"),
        ("<a href='http://example.com'>x</a>", "asks for http://example.com"),
        ("<svg><image xlink:href='HTTP://a.b/c'/></svg>", "asks for HTTP://a.b/c"),
        ("<a href='javascript:alert(1)'>x</a>", "a link that runs a script"),
        ("<p onclick='x()'>x</p>", "the script attribute onclick"),
        ("<style>@import 'x.css'</style>", "a style that asks for another file"),
        ("<p style='background: url(x.png)'>x</p>", "a style that asks for another file"),
        ("<img src='data:image/png;base64,AA'>", "an image without alternative text"),
        ("<p>No description has been provided for this image</p>", "without a description"),
        ("<h1>Another</h1>", "must have one <h1>, has 2"),
        ("<h3>Deep</h3>", "its headings skip a level"),
        ("<pre>&lt;Card object at 0x7f00&gt;</pre>", "shows an object of Python"),
    ],
)
def test_pages_hold_nothing_that_asks_runs_or_misleads(report, body, said):
    (report / "analyst.html").write_text(page(body))
    assert said in problems(report)


@pytest.mark.parametrize(
    "body",
    [
        "<svg xmlns='http://www.w3.org/2000/svg'><path d='M0'/><a href='#b'></a></svg>",
        "<a href='leadership.html'>x</a><h2>One</h2><h3>Two</h3><h2>Three</h2>",
        "<p>&lt;script src='https://example.com'&gt; is only text</p>",
        "<style>p { background: url(data:image/png;base64,AA) }</style>",
    ],
)
def test_pages_may_hold_what_asks_for_nothing(report, body):
    (report / "analyst.html").write_text(page(body))
    assert problems(report) == ""


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (' lang="en"', "does not say its language"),
        ("<title>Tiers</title>", "has no title"),
        ("http-equiv", "has no Content-Security-Policy"),
        ("<h1>Tiers</h1>", "must have one <h1>, has 0"),
    ],
)
def test_pages_say_what_they_are(report, before, said):
    (report / "leadership.html").write_text(page().replace(before, ""))
    assert f"leadership.html: {said}" in problems(report)


def test_the_title_of_a_figure_is_not_the_title_of_the_page():
    assert read_page("<svg><title>Figure</title></svg><title>Page</title>").title == "Page"


def test_pages_are_small(report):
    (report / "leadership.html").write_text(page("x" * MEGABYTE))
    assert "leadership.html has 1.0 MB; it may have 1" in problems(report)


def test_required_figures_and_tables_are_found_by_their_names(report):
    (report / "leadership.html").write_text(
        page('<figure data-figure="tiers"></figure><table data-table="moves"></table>')
    )
    wanted = Requirements(
        figures={"leadership.html": ("tiers", "effort")},
        tables={"leadership.html": ("moves", "ledger")},
    )
    assert problems(report, wanted).splitlines() == [
        f"leadership.html: the {what} is missing. Fix the cell or the template that makes it."
        for what in ("figure effort", "table ledger")
    ]


# ---- names and ids of accounts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>Visit Blue Heron Freight.</p>", True),
        ("<p>Visit Blue&nbsp;Heron\n Freight.</p>", True),
        ('<svg aria-label="Blue Heron Freight grew"></svg>', True),
        ("<p>Müller &amp; Söhne grew</p>", True),
        ("<p>blue heron freight</p>", False),
        ("<p>Blue Heron Freighters</p>", False),
        ("<p>Blue</p><p>Heron</p>", False),
        ("<style>.Blue-Heron { content: 'Blue Heron Freight' }</style>", False),
    ],
)
def test_names_are_found_as_whole_words_in_what_people_read(report, text, found):
    (report / "leadership.html").write_text(page(text))
    names = Requirements(account_names=frozenset({"Blue Heron Freight", "Müller & Söhne"}))
    assert ("names of 1 account" in problems(report, names)) is found


@pytest.mark.parametrize("hidden", ["\x1b", "\u202e", "\u2066"])
def test_a_name_is_found_though_pages_leave_some_of_its_characters_out(hidden):
    names = account_names([f"Blue{hidden}heron Freight"])
    assert list(names.found_in(printable(f"from Blue{hidden}heron Freight")))


def test_names_that_the_page_says_anyway_are_not_looked_for(report):
    (report / "leadership.html").write_text(page("<p>Tier 2 Growth. Initech</p>"))
    given = Requirements(
        account_names=frozenset({"Growth", "Initech", "Tier"}), spoken="labels: Growth"
    )
    assert "names of 1 account, for example Initech." in problems(report, given)


@pytest.mark.parametrize(
    ("account_id", "text", "found"),
    [
        ("A-0012", "<p>see A-0012</p>", True),
        ("A-0012", "<p>see A-00123</p>", False),
        ("A-0012", '<a href="#A-0012">x</a>', True),
        ("0015g00000ABCde", "<p>0015g00000ABCde</p>", True),
        ("2026", "<p>in 2026</p>", False),
        ("A12", "<p>A12</p>", False),
    ],
)
def test_ids_are_found_unless_they_could_be_numbers_of_the_page(report, account_id, text, found):
    (report / "leadership.html").write_text(page(text))
    ids = Requirements(account_ids=frozenset({account_id}))
    assert ("ids of 1 account" in problems(report, ids)) is found


def test_facts_hold_no_ids_either(report):
    write_facts(report, remarks=["A-0012 was left out"])
    assert "facts.json: holds ids" in problems(
        report, Requirements(account_ids=frozenset({"A-0012"}))
    )


def test_the_analyst_page_may_name_accounts(report):
    (report / "analyst.html").write_text(page("<p>Blue Heron Freight</p>"))
    names = Requirements(account_names=frozenset({"Blue Heron Freight"}))
    assert problems(report, names) == ""


def test_fifty_thousand_names_and_ids_take_less_than_five_seconds(report):
    (report / "leadership.html").write_text(
        page("<p>Account 49999 Freight</p>" + "word " * 180_000)
    )
    given = Requirements(
        account_names=frozenset(f"Account {number} Freight" for number in range(50_000)),
        account_ids=frozenset(f"A-{number:05}" for number in range(50_000)),
    )
    begun = time.process_time()
    assert "names of 1 account, for example Account 49999 Freight" in problems(report, given)
    assert time.process_time() - begun < 5


WORD = st.text(st.sampled_from("abÄ1"), min_size=1, max_size=3)
NAME = st.lists(WORD, min_size=1, max_size=3).map(" ".join)


@given(names=st.lists(NAME, max_size=6), before=NAME, after=NAME)
def test_a_name_is_found_wherever_it_stands(names, before, after):
    sought = account_names(names)
    for name in names:
        if len(name) >= 5 and any(character.isalpha() for character in name):
            assert name in set(sought.found_in(f"{before}, {name} ({after})"))


@given(ids=st.lists(NAME, max_size=6), text=NAME)
def test_nothing_is_found_that_does_not_stand_there(ids, text):
    assert all(found in text for found in account_ids(ids).found_in(text))


# ---- paths and secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["leadership.html", "facts.json", "notebooks/fit.ipynb"])
def test_no_file_holds_a_local_path(report, name):
    file = report / name
    file.write_text(file.read_text().replace("}", "}\\n/srv/acme/data", 1) + "/srv/acme/data")
    assert f"{name}: holds the local path /srv/acme" in problems(
        report, Requirements(paths=("/srv/acme",))
    )


def test_a_longer_name_is_another_path(report):
    (report / "analyst.html").write_text(page("<p>/srv/acme-old and https:/srv/acmes</p>"))
    assert problems(report, Requirements(paths=("/srv/acme",))) == ""


def test_no_file_holds_a_secret_however_it_is_written(report):
    secret = 'hunter"2&more'
    (report / "analyst.html").write_text(page("<p>hunter&quot;2&amp;more</p>"))
    (report / "model.json").write_text(json.dumps({"by": secret}))
    with zipfile.ZipFile(report / "accounts.xlsx", "w", zipfile.ZIP_DEFLATED) as workbook:
        workbook.writestr("xl/sharedStrings.xml", f"<t>{secret}</t>")
    found = problems(report, Requirements(secrets={"CRM_PASSWORD": secret}))
    for name in ("analyst.html", "model.json", "accounts.xlsx"):
        assert f"{name}: holds the value of the environment variable CRM_PASSWORD" in found
    assert "hunter" not in found
