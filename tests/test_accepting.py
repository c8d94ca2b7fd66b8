"""A published run proposes; accepting puts its tiers in force from a day on, once."""

from __future__ import annotations

import csv
from datetime import date

import pytest
from projects import write_project
from report_samples import write_published

from tierkit.commands.accept import accept_tiers
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.settings import read_settings
from tierkit.tiers import tiers_in_force

HEADER = "account_id,tier,model_tier,previous_tier,rank,score,overridden,move_reason,cut_score\n"


@pytest.fixture
def settings(tmp_path):
    return read_settings(write_project(tmp_path))


def publish(settings, label, *rows):
    write_published(settings.reports, label, HEADER + "".join(f"{row}\n" for row in rows))


def history(settings):
    with (settings.folder / "tier_history.csv").open(newline="") as file:
        return [
            (row["account_id"], row["tier"], row["start_date"], row["end_date"], row["cut_score"])
            for row in csv.DictReader(file)
        ]


def test_accepted_tiers_are_in_force_from_the_day_after_the_quarter(settings):
    publish(settings, "2026Q3", "A1,Tier 1,Tier 2,,1,3.5,True,override,3.1")
    done = accept_tiers(settings, "2026Q3")
    assert (done.accounts, done.ended) == (1, 0)
    assert history(settings) == [("A1", "Tier 1", "2026-10-01", "", "3.1")]


def test_the_next_acceptance_ends_the_one_before_also_for_accounts_that_left(settings):
    publish(settings, "2026Q3", "A1,Tier 1,Tier 1,,1,3,False,,2", "A2,Tier 2,Tier 2,,2,1,False,,2")
    publish(settings, "2026Q4", "A1,Tier 2,Tier 2,,1,3,False,,2")
    accept_tiers(settings, "2026Q3")
    done = accept_tiers(settings, "2026Q4", start=date(2027, 1, 15))
    assert (done.accounts, done.ended) == (1, 2)
    assert history(settings) == [
        ("A1", "Tier 1", "2026-10-01", "2027-01-15", "2"),
        ("A2", "Tier 2", "2026-10-01", "2027-01-15", "2"),
        ("A1", "Tier 2", "2027-01-15", "", "2"),
    ]


def test_accepting_twice_changes_nothing(settings):
    publish(settings, "2026Q3", "A1,Tier 1,Tier 1,,1,3,False,,2")
    accept_tiers(settings, "2026Q3")
    once = history(settings)
    accept_tiers(settings, "2026Q3")
    assert history(settings) == once


def test_the_crm_gets_what_changes_and_blanks_for_those_who_lose_their_tier(settings):
    rows = ("A1,Tier 1,Tier 1,Tier 2,1,3,False,rank rose into the tier,2",
            "A2,Tier 2,Tier 2,Tier 2,2,1,False,,2")  # fmt: skip
    publish(settings, "2026Q3", *rows)
    report = settings.reports / "2026Q3"
    (report / "crm_import_proposed.csv").write_text(
        "record_id,tier,previous_tier,effective_date,quarter,run_id,reason\n"
        "A1,Tier 1,Tier 2,2026-10-01,2026Q3,,rank rose into the tier\n"
        "A3,,Tier 2,2026-10-01,2026Q3,,left scope\n"
    )
    (report / "run.json").write_text('{"run_id": "r-1"}')
    done = accept_tiers(settings, "2026Q3", start=date(2026, 10, 15))
    assert (done.changes, done.crm_file.name) == (2, "crm_import_2026Q3.csv")
    assert done.crm_file.read_text().splitlines() == [
        "record_id,tier,previous_tier,effective_date,quarter,run_id,reason",
        "A1,Tier 1,Tier 2,2026-10-15,2026Q3,r-1,rank rose into the tier",
        "A3,,Tier 2,2026-10-15,2026Q3,r-1,left scope",
    ]


def test_accepted_tiers_are_read_beside_those_of_the_source(tmp_path):
    source = "account_id,tier,start_date,end_date\nA3,Tier 2,2026-07-01,\n"
    settings = read_settings(write_project(tmp_path, tier_history=source))
    publish(settings, "2026Q3", "A1,Tier 1,Tier 2,,1,3.5,True,override,3.1")
    accept_tiers(settings, "2026Q3")
    held = read_tables(settings)["tier_history"].collect().to_pandas()
    found = held.sort_values("account_id")[["account_id", "tier", "score", "cut_score"]]
    assert found.to_numpy().tolist()[0] == ["A1", "Tier 1", 3.5, 3.1]
    assert held["account_id"].sort_values().tolist() == ["A1", "A3"]


def test_what_was_accepted_wins_over_the_source_on_the_same_day(tmp_path):
    """The source says what it said before: another tier, one for an account that lost its own."""
    source = (
        "account_id,tier,start_date,end_date\n"
        "A1,Tier 2,2026-07-01,2026-10-01\nA1,Tier 2,2026-10-01,2027-01-01\n"
        "A2,Tier 2,2026-10-01,2027-01-01\nA3,Tier 1,2026-10-01,2027-01-01\n"
        "A2,Tier 1,2027-01-01,\n"
    )
    settings = read_settings(write_project(tmp_path, tier_history=source))
    rows = ("A1,Tier 1,Tier 1,,1,3,False,,2", "A2,Tier 2,Tier 2,,2,1,False,,2")
    publish(settings, "2026Q3", *rows)
    accept_tiers(settings, "2026Q3")
    tables = read_tables(settings)
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2027, 1, 1)]
    held = tiers_in_force(tables, days).astype({"day": "str"})
    assert held.to_numpy().tolist() == [
        ["2026-09-30", "A1", "Tier 2"],
        ["2026-10-01", "A1", "Tier 1"], ["2026-10-01", "A2", "Tier 2"],
        ["2027-01-01", "A1", "Tier 1"], ["2027-01-01", "A2", "Tier 1"],
    ]  # fmt: skip
    (conflict,) = [one for one in tables.remarks if one.rule == "accepted tiers"]
    assert (conflict.rows, conflict.examples) == (2, ("A1", "A3"))
    (left,) = [one for one in tables.exclusions if one.table == "tier_history"]
    assert (left.reason, left.rows) == ("tiers were accepted for that day", 3)


def test_what_cannot_be_accepted_is_a_sentence(settings):
    with pytest.raises(SettingsError, match="2026Q3: no report of it is published"):
        accept_tiers(settings, "2026Q3")
    publish(settings, "2026Q3", "A1,Tier 1,Tier 1,,1,3,False,,2")
    publish(settings, "2026Q4", "A1,Tier 1,Tier 1,,1,3,False,,2")
    accept_tiers(settings, "2026Q4")
    with pytest.raises(DataError, match="Give a later --from"):
        accept_tiers(settings, "2026Q3")
