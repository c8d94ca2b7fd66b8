"""Published reports read back: typed as the contract says, and a sentence for whatever is wrong."""

from __future__ import annotations

import json
import math

import pytest
from projects import write_project
from report_samples import TIER_HEADER, facts, write_published

from tierkit.commands import check_project
from tierkit.errors import SettingsError
from tierkit.publishing import EarlierReports, Published, read_published, read_tiers
from tierkit.runs.run import Run
from tierkit.settings import read_settings

TIERS = (
    "account_id,tier,model_tier,previous_tier,rank,score,predicted_revenue,overridden,group\n"
    "0012,Tier 1,Tier 1,,1,0.1,1234.56,False,NA\n"
    "NA,Tier 2,Tier 1,Tier 1,2,-0.30000000000000004,,True,\n"
)


@pytest.fixture
def report(tmp_path):
    return write_published(tmp_path, "2026Q3", TIERS)


def test_tiers_have_the_types_of_the_contract(report):
    tiers = Published.open(report).tiers
    assert tiers.index.tolist() == ["0012", "NA"]
    assert tiers["rank"].tolist() == [1.0, 2.0]
    assert tiers["score"].tolist() == [0.1, -0.30000000000000004]
    assert math.isnan(tiers.loc["NA", "predicted_revenue"])
    assert tiers["overridden"].tolist() == [False, True]
    assert tiers["previous_tier"].isna().tolist() == [True, False]
    assert tiers["group"].isna().tolist() == [False, True]


def test_rows_are_the_texts_of_the_file(report):
    first, second = Published.open(report).rows()
    assert first["account_id"] == "0012"
    assert second["score"] == "-0.30000000000000004"
    assert second["predicted_revenue"] == ""


def test_a_report_knows_its_quarter_and_its_name(report):
    published = Published.open(report)
    assert (published.name, published.currency) == ("2026Q3", "USD")
    assert published.quarter.dates == "1 Jul – 30 Sep 2026"
    assert repr(published).startswith("Published(2026Q3, ")


def rewrite(file, change):
    told = json.loads(file.read_text())
    change(told)
    file.write_text(json.dumps(told))


WRONG_FACTS = {
    "newer": (lambda told: told.update(schema=2), "schema 2 is newer than what this release"),
    "older": (lambda told: told.update(schema=0), "schema 0 is older than, or foreign to, what"),
    "none": (lambda told: told.pop("schema"), "schema None is older than, or foreign to, what"),
    "no container": (lambda told: told.pop("ledger"), "ledger must be a list"),
    "no quarter": (lambda told: told.update(quarter=7), "quarter must be a dict"),
    "no date": (lambda told: told["quarter"].update(start="soon"), "quarter.start and"),
    "no start": (lambda told: told["quarter"].pop("start"), "quarter.start and"),
    "no horizon": (lambda told: told["model"].pop("horizon_quarters"), "a whole number"),
    "no name": (lambda told: told["tiers"][0].pop("tier"), "each of tiers must name its tier"),
}


@pytest.mark.parametrize("kind", WRONG_FACTS)
def test_facts_of_another_schema_or_shape_are_a_sentence(report, kind):
    change, sentence = WRONG_FACTS[kind]
    rewrite(report / "facts.json", change)
    with pytest.raises(SettingsError, match=rf"^2026Q3/facts.json: .*{sentence}"):
        Published.open(report)


@pytest.mark.parametrize("content", ["", "[", "[1]", "7"])
@pytest.mark.parametrize("name", ["facts.json", "run.json"])
def test_damaged_json_is_a_sentence(report, name, content):
    (report / name).write_text(content)
    with pytest.raises(SettingsError, match=rf"^2026Q3/{name}: is not a file of a published"):
        _ = Published.open(report).manifest


def test_bytes_that_are_no_text_are_a_sentence(report):
    for name in ("facts.json", "tiers.csv"):
        written = (report / name).read_bytes()
        (report / name).write_bytes(b"\xff\xfe\xfa\n")
        with pytest.raises(SettingsError, match=rf"^2026Q3/{name}: is not a file of a published"):
            _ = Published.open(report).tiers
        (report / name).write_bytes(written)


@pytest.mark.parametrize("name", ["facts.json", "tiers.csv", "run.json", "model.json"])
def test_a_missing_file_is_a_sentence(report, name):
    (report / name).unlink(missing_ok=True)
    parts = {"tiers.csv": "tiers", "model.json": "model"}
    with pytest.raises(SettingsError, match=rf"{name}.*No such file"):
        getattr(Published.open(report), parts.get(name, "manifest"))


WRONG_TIERS = {
    "no column": ("account_id,tier\nA1,Tier 1\n", "there is no column model_tier, previous_tier"),
    "empty": ("\n", "is not a file of a published report"),
    "cut off": (f"{TIER_HEADER}\nA1,Tier 1,Ti", "it ends in the middle of a line"),
    "a number": (f"{TIER_HEADER}\nA1,T,T,,first,,,,,False,,\n", "rank must be numbers .*'first'"),
    "yes or no": (f"{TIER_HEADER}\nA1,T,T,,1,,,,,maybe,,\n", "overridden must be True or False"),
    "twice": (f"{TIER_HEADER}\n" + "A1,T,T,,1,,,,,False,,\n" * 2, "account A1 has more than one"),
    "too long": (f"{TIER_HEADER}\nA1,T\n{'x,' * 30}\n", "is not a file of a published report"),
}


@pytest.mark.parametrize("kind", WRONG_TIERS)
def test_damaged_tiers_are_a_sentence(tmp_path, kind):
    text, sentence = WRONG_TIERS[kind]
    (tmp_path / "tiers.csv").write_text(text)
    with pytest.raises(SettingsError, match=sentence):
        read_tiers(tmp_path / "tiers.csv")


@pytest.mark.parametrize("content", ["{}", '{"schema": 9}', "[", '{"schema": 1, "kind": "x"}'])
def test_a_damaged_model_is_a_sentence(report, content):
    (report / "model.json").write_text(content)
    with pytest.raises(SettingsError, match="model"):
        _ = Published.open(report).model


# ---- a project's reports -------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path):
    return read_settings(write_project(tmp_path))


def test_the_newest_report_is_read_unless_a_quarter_is_named(settings):
    for label in ("2025Q4", "2026Q1"):
        write_published(settings.reports, label, TIERS)
    assert read_published(settings).quarter.label == "2026Q1"
    assert read_published(settings, label="2025Q4").quarter.label == "2025Q4"
    with pytest.raises(SettingsError, match=r"no report of it is published; there are 2025Q4, 2"):
        read_published(settings, label="2025Q3")


def damage(folder, kind):
    if kind == "tiers":
        (folder / "tiers.csv").write_text("account_id\n")
    elif kind == "newer":
        rewrite(folder / "facts.json", lambda told: told.update(schema=2))
    elif kind == "quarter":
        rewrite(folder / "facts.json", lambda told: told.update(quarter=facts()["quarter"]))
    else:
        (folder / kind).unlink()


@pytest.mark.parametrize("kind", ["tiers", "newer", "quarter", "tiers.csv"])
def test_a_damaged_earlier_report_is_left_out_by_name(settings, kind):
    for label in ("2025Q3", "2025Q4"):
        write_published(settings.reports, label, TIERS)
    damage(settings.reports / "2025Q4", kind)
    calendar = settings.fiscal_calendar
    found = EarlierReports.read(settings.reports, calendar, before=calendar.parse("2026Q1"))
    assert [report.quarter.label for report in found.reports] == ["2025Q3"]
    (sentence,) = found.left_out
    assert sentence.startswith("The report of 2025Q4 is left out. 2025Q4/")


def test_check_warns_of_a_damaged_report_and_a_run_can_start(settings):
    write_published(settings.reports, "2025Q4", TIERS)
    damage(settings.reports / "2025Q4", "newer")
    checked = check_project(settings)
    (warning,) = [one for one in checked.problems if one.rule == "damaged report"]
    assert "The report of 2025Q4 is left out" in warning.message
    assert checked.exit_code == 0


def test_only_strictly_earlier_quarters_are_read(settings):
    for label in ("2025Q4", "2026Q1", "2026Q2", "notes"):
        folder = "2025Q1" if label == "notes" else label
        write_published(settings.reports, folder, TIERS).rename(settings.reports / label)
    quarter = settings.fiscal_calendar.parse("2026Q1")
    work = Run(settings, quarter, {}, settings.scratch)
    assert [report.quarter.label for report in work.earlier.reports] == ["2025Q4"]
    assert work.earlier.left_out == ()
