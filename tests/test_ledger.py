"""Promise and delivery: an earlier report is held to what it predicted once its window is over."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from projects import write_project
from report_samples import facts, write_published

from tierkit.crm.trusted import read_tables
from tierkit.runs.ledger import ledger_facts, track_record
from tierkit.runs.run import Run
from tierkit.settings import read_settings

HEADER = "opportunity_id,account_id,close_date,amount,is_won\n"
DEALS = HEADER + (
    "O1,A1,2026-01-15,100.00,true\n"
    "O2,A1,2026-03-31,20.00,true\n"
    "O3,A2,2026-02-01,7.00,true\n"
    "O4,A1,2026-04-01,999.00,true\n"  # after the window
    "O5,A3,2025-12-31,999.00,true\n"  # before it
)


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path, deals=DEALS, settings="[target]\nhorizon_quarters = 1\n")


def publish(project, label):
    tiers = [
        {"tier": name, "predicted_revenue": money, "low": money / 2, "high": money * 2}
        for name, money in (("Tier 1", 80.0), ("Tier 2", 10.0))
    ]
    model = {**facts()["model"], "horizon_quarters": 1}
    held = pd.DataFrame({"account_id": ["A1", "A2", "A3"], "tier": ["Tier 1", "Tier 2", "Tier 2"],
                         "predicted_revenue": [80.0, 6.0, 4.0]})  # fmt: skip
    told = {"model": model, "tiers": tiers}
    write_published(project / "reports", label, held.to_csv(index=False), told=told)


def ledger(project, label):
    settings = read_settings(project)
    quarter = settings.fiscal_calendar.parse(label)
    return ledger_facts(Run(settings, quarter, read_tables(settings), project / "scratch"))


def test_delivered_is_what_the_accounts_of_that_tier_won_in_the_window(project):
    publish(project, "2025Q4")
    first, second = ledger(project, "2026Q1")
    assert first == {
        "promised_on": "2025Q4",
        "span": "horizon",
        "accounts": 1,
        "error": 0.5,
        "five_accounts_share": 1.0,
        "window": "1 Jan – 31 Mar 2026",
        "tier": "Tier 1",
        "predicted": 80.0,
        "low": 40.0,
        "high": 160.0,
        "delivered": 120.0,
        "mature": True,
    }
    assert second["delivered"] == 7.0


def test_a_window_that_is_not_over_is_no_result(project):
    publish(project, "2025Q4")
    facts = project / "reports" / "2025Q4" / "facts.json"
    facts.write_text(facts.read_text().replace('"horizon_quarters": 1', '"horizon_quarters": 2'))
    first, *_ = ledger(project, "2026Q1")
    assert first["mature"] is False
    assert first["delivered"] is None
    assert first["delivered_why"] == "the window runs until 30 Jun 2026"


def test_only_strictly_earlier_reports_are_read(project):
    for label in ("2025Q4", "2026Q1", "2026Q2"):
        publish(project, label)
    assert {entry["promised_on"] for entry in ledger(project, "2026Q1")} == {"2025Q4"}


def test_a_damaged_report_is_left_out_by_name_and_the_others_count(project):
    for label in ("2025Q3", "2025Q4"):
        publish(project, label)
    (project / "reports" / "2025Q3" / "facts.json").write_text("{")
    assert {entry["promised_on"] for entry in ledger(project, "2026Q1")} == {"2025Q4"}


def promise_next_quarter(project, label, amounts):
    """Let a published report of a two-quarter horizon also promise the next quarter."""
    file = project / "reports" / label / "facts.json"
    facts = json.loads(file.read_text())
    facts["model"]["horizon_quarters"] = 2
    for tier, amount in zip(facts["tiers"], amounts, strict=True):
        tier["next_quarter"] = {"predicted_revenue": amount, "low": amount / 2, "high": amount * 2}
    file.write_text(json.dumps(facts))


def test_the_next_quarter_is_due_before_the_horizon_is(project):
    publish(project, "2025Q4")
    promise_next_quarter(project, "2025Q4", [60.0, 8.0])
    entries = ledger(project, "2026Q1")
    spans = [(entry["span"], entry["tier"], entry["mature"]) for entry in entries]
    assert spans == [
        ("next quarter", "Tier 1", True),
        ("next quarter", "Tier 2", True),
        ("horizon", "Tier 1", False),
        ("horizon", "Tier 2", False),
    ]
    assert [entry["delivered"] for entry in entries] == [120.0, 7.0, None, None]
    assert entries[0]["error"] == 1.0


def test_the_track_record_counts_what_is_due_and_says_where_it_went_wrong(project):
    publish(project, "2025Q4")
    promise_next_quarter(project, "2025Q4", [50.0, 8.0])  # ranges 25–100 and 4–16
    record = track_record(ledger(project, "2026Q1"))
    assert (record["quarters"], record["due"], record["not_yet_due"]) == (1, 2, 2)
    assert (record["inside"], record["share_inside"], record["share_wanted"]) == (1, 0.5, 0.8)
    assert 0 < record["share_inside_low"] < 0.5 < record["share_inside_high"] < 1
    assert record["is_track_record"] is False
    assert [entry["mean_error"] for entry in record["by_tier"]] == [1.4, -0.125]
    missed = record["went_wrong"]
    assert [(entry["tier"], entry["delivered"]) for entry in missed] == [("Tier 1", 120.0)]


def test_four_quarters_make_a_track_record(project):
    for label in ("2025Q1", "2025Q2", "2025Q3", "2025Q4"):
        publish(project, label)
    assert track_record(ledger(project, "2026Q1"))["is_track_record"] is True
    assert track_record(ledger(project, "2025Q4"))["is_track_record"] is False


def test_nothing_due_is_said_as_such():
    record = track_record([])
    assert (record["due"], record["share_inside"]) == (0, None)
    assert record["share_inside_why"] == "no promise with a range is due yet"
