"""Runs by unit: each row in one unit at most, totals that add up, one failure stops nobody."""

from __future__ import annotations

import json
import threading
from decimal import Decimal

import pytest
from projects import write_project

from tierkit.commands import units
from tierkit.commands.units import read_each, unit_name, unit_settings, unit_tables
from tierkit.crm.period import used_revenue
from tierkit.crm.trusted import read_tables
from tierkit.errors import SettingsError
from tierkit.pages.index import UnitRow, write_units_index
from tierkit.publishing.gates import read_page
from tierkit.publishing.plan import Handover, read_handover
from tierkit.settings import read_settings

OVERRIDES = (
    "account_id,tier,reason,set_by,set_on,review_on\n"
    "A1,Tier 1,board,Ann,2026-01-01,2027-01-01\nA2,Tier 1,board,Ann,2026-01-01,2027-01-01\n"
)
LINES = "opportunity_id,product,amount\nO1,X,100.10\nO3,Y,200.20\n"


@pytest.fixture
def whole(tmp_path):
    project = write_project(tmp_path / "a cme", opportunity_lines=LINES)
    (project / "overrides.csv").write_text(OVERRIDES)
    settings = read_settings(project)
    return settings, read_tables(settings), settings.fiscal_calendar.parse("2026Q3")


def test_units_are_those_named_or_every_value_there_is(whole):
    _, tables, _ = whole
    assert [unit.value for unit in read_each("country", tables)] == ["DE", "US"]
    assert [unit.value for unit in read_each("country=US", tables)] == ["US"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cuntry", "accounts have no such column. Did you mean country?"),
        ("country=UX", "no account has country = UX. Did you mean US?"),
        ("region", "0 values; between 1 and 200"),
    ],
)
def test_what_cannot_be_cut_is_refused_before_anything_runs(whole, given, said):
    _, tables, _ = whole
    with pytest.raises(SettingsError) as caught:
        read_each(given, tables)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["../..", "", "a/b", "$(rm)", "x" * 10_000, "‮EMEA", "a\0b"])
def test_folders_of_units_are_clean_and_apart(value):
    name = unit_name(value)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert 0 < len(name) <= 70
    assert name != unit_name(value + " ")


def test_units_hold_their_own_rows_and_add_up_to_the_cent(whole):
    _, tables, quarter = whole
    units = [unit_tables(tables, unit) for unit in read_each("country", tables)]
    german, american = units
    assert german["opportunities"].collect().to_pandas()["opportunity_id"].tolist() == ["O3"]
    assert german["opportunity_lines"].collect().to_pandas()["product"].tolist() == ["Y"]
    used = [used_revenue(own, quarter.as_of) for own in units]
    assert [one.used_won_revenue for one in used] == [Decimal("200.20"), Decimal("100.10")]
    assert all(one.won_revenue == one.used_won_revenue for one in used)
    total = used_revenue(tables, quarter.as_of).used_won_revenue
    assert sum(one.used_won_revenue for one in used) == total
    assert american.source_rows["accounts"] == 2


def test_a_unit_publishes_apart_and_starts_from_the_same_files(whole, tmp_path):
    settings, tables, _ = whole
    (german, _) = read_each("country", tables)
    own = unit_settings(settings, german, folder=tmp_path / "unit")
    assert own.reports.resolve() == settings.reports.resolve() / "each" / "country" / "DE"
    assert own.source.resolve() == settings.source.resolve()
    assert own.scratch != settings.scratch
    assert settings.run.reports == "reports"  # the whole's settings stay as they are


def test_one_unit_that_fails_stops_nobody_and_totals_add_up(whole, monkeypatch):
    settings, tables, quarter = whole
    each = read_each("country=US", tables)  # A2 is in no unit that was run
    said = []

    def run(unit, folder, _programs):
        assert read_handover(folder).settings.run.title.endswith(unit.value)
        rows = (folder / "overrides.csv").read_text().splitlines()
        assert [row[:2] for row in rows[1:]] == (["A1"] if unit.value == "US" else ["A2"])
        return (3, "no deal was ever closed", 0.1) if unit.value == "DE" else (0, "Published", 0.1)

    monkeypatch.setattr(units, "_run", run)
    handover = Handover(settings, quarter)
    done = units.run_each(
        handover, tables, [*each, *read_each("country=DE", tables)], on_step=said.append
    )
    assert [row.exit_code for row in done.rows] == [0, 3]
    assert done.exit_code == 3
    assert any("DE" in line and "failed (3): no deal was ever closed" in line for line in said)
    page = read_page(done.index.read_text())
    assert page.faults == []
    assert "1 unit of 2 failed" in page.words
    assert "leadership.html" not in page.words  # a link where there is a report, no markup to read
    told = json.loads((done.index.parent / "units.json").read_text())["units"]
    *parts, total = (Decimal(entry["used_won_revenue"]) for entry in told)
    assert sum(parts) == total == Decimal("300.30")
    assert sum(entry["accounts"] for entry in told[:-1]) == told[-1]["accounts"] == 3


def test_after_ctrl_c_no_further_unit_is_started(whole, monkeypatch):
    """The one that was begun meanwhile is ended; the last is never begun."""
    settings, tables, quarter = whole
    started, ended = [], threading.Event()

    def run(unit, _folder, _programs):
        started.append(unit.value)
        if unit.value == "A1":
            raise KeyboardInterrupt
        ended.wait()
        return 0, "published", 0.5

    monkeypatch.setattr(units, "_run", run)
    monkeypatch.setattr(units.Programs, "end", lambda _: ended.set())
    each = read_each("account_id", tables)
    with pytest.raises(KeyboardInterrupt):
        units.run_each(Handover(settings, quarter), tables, each, jobs=1, on_step=started.append)
    assert started in (["A1"], ["A1", "A2"])


def test_a_unit_with_a_report_is_a_link_and_its_name_stays_text(tmp_path):
    (tmp_path / "US").mkdir()
    rows = [UnitRow("US <b>", "US/2026Q3", 2, Decimal(5)), UnitRow("DE", "", 1, Decimal(2))]
    whole = UnitRow("The whole", "", 3, Decimal(7))
    index = write_units_index(tmp_path, rows=rows, whole=whole, title="Units", currency="USD")
    html = index.read_text()
    assert '<a href="US/2026Q3/leadership.html">US &lt;b&gt;</a>' in html
    assert html.count("<a ") == 1
