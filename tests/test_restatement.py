"""Deals that change after a report are found: what was, what is, which quarter is restated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from projects import write_project

from tierkit.calendar import FiscalCalendar
from tierkit.crm.restatement import read_won_deals, restatements, won_deals, write_won_deals
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError
from tierkit.runs.opening import open_run
from tierkit.runs.restated import keep_won_deals, restated_deals
from tierkit.settings import read_settings

HEADER = "opportunity_id,account_id,close_date,amount,is_won\n"
FIRST = (
    "O1,A1,2026-01-15,100,true\nO2,A1,2026-02-15,200,true\nO3,A2,2026-03-15,300,true\n"
    "O4,A2,2026-03-20,400,true\nO5,A3,2026-06-20,500,true\n"
)
SECOND = (
    "O1,A1,2026-01-15,100,true\nO2,A1,2026-02-15,150,true\nO3,A2,2026-05-15,300,true\n"
    "O4,A2,2026-03-20,400,false\nO5,A3,2026-06-20,500,true\nO6,A3,2026-03-30,60,true\n"
)


def summary(folder, rows, as_of):
    tables = read_tables(read_settings(write_project(folder, deals=HEADER + rows)))
    return won_deals(tables, as_of)


def test_every_change_is_one_line_and_the_quarter_is_restated_by_its_sum(tmp_path):
    was = summary(tmp_path / "was", FIRST, date(2026, 4, 1))
    now = summary(tmp_path / "now", SECOND, date(2026, 7, 1))
    found = restatements(was, now, calendar=FiscalCalendar())
    columns = ["quarter", "opportunity_id", "change", "was", "is", "restated_by"]
    assert found[columns].to_numpy().tolist() == [
        ["2026Q1", "O2", "amount", "200.0000", "150.0000", "-50.0000"],
        ["2026Q1", "O3", "close_date", "2026-03-15", "2026-05-15", "-300.0000"],
        ["2026Q1", "O4", "no longer won", "400.0000", "", "-400.0000"],
        ["2026Q1", "O6", "won after all", "", "60.0000", "60.0000"],
    ]
    assert set(found["found"]) == {"2026-07-01"}
    before = sum(map(Decimal, was.deals["amount"]))
    after = 100 + 150 + 60
    assert before + sum(map(Decimal, found["restated_by"])) == after


def test_nothing_changed_is_no_line_and_the_same_hash_in_any_order(tmp_path):
    was = summary(tmp_path / "a", FIRST, date(2026, 4, 1))
    turned = "".join(reversed(FIRST.splitlines(keepends=True)))
    again = summary(tmp_path / "b", turned, date(2026, 4, 1))
    assert was.content_hash == again.content_hash
    assert restatements(was, again, calendar=FiscalCalendar()).empty


def test_a_summary_survives_being_written_and_is_refused_when_changed(tmp_path):
    was = summary(tmp_path / "a", FIRST, date(2026, 4, 1))
    file = write_won_deals(was, tmp_path)
    again = read_won_deals(tmp_path)
    assert (again.as_of, again.content_hash) == (was.as_of, was.content_hash)
    file.write_text(file.read_text().replace("100.0000", "900.0000"))
    with pytest.raises(DataError, match="changed after it was written"):
        read_won_deals(tmp_path)
    assert read_won_deals(tmp_path / "a") is None


HISTORY = "opportunity_id,changed_date,stage,amount\nO2,2026-05-02,Won,150\n"
MERGES = "account_id,merged_into\nA2,A1\n"


def published(folder, label):
    """Do what a published run leaves for the next one."""
    kept = keep_won_deals(open_run(str(folder), quarter=label))
    report = folder / "reports" / label
    report.mkdir(parents=True)
    return kept.rename(report / kept.name)


def test_a_later_run_lists_what_changed_and_marks_the_restated_quarter(tmp_path):
    folder = write_project(tmp_path, deals=HEADER + FIRST)
    file = published(folder, "2026Q1")
    write_project(tmp_path, deals=HEADER + SECOND, stage_history=HISTORY, merges=MERGES)
    found = restated_deals(open_run(str(folder), quarter="2026Q2"))
    assert found.since == "2026Q1"
    assert found.changes.set_index("opportunity_id")["changed"].dropna().to_dict() == {
        "O2": "2026-05-02"
    }
    # a merge alone is no change; what is gone is named under the account that is left
    assert set(found.changes["account_id"]) == {"A1", "A3"}
    assert found.facts()["quarters"] == [
        {"quarter": "2026Q1", "deals": 4, "was": 1000.0, "is": 310.0, "restated_by": -690.0}
    ]
    assert found.sentences() == [
        "2026Q1 is restated: 1,000.00 won in the report of 2026Q1, 310.00 now (-690.00; deals "
        "changed: 4)"
    ]
    file.write_text(file.read_text().replace("100.0000", "900.0000"))
    spoilt = restated_deals(open_run(str(folder), quarter="2026Q2"))
    assert "were changed afterwards" in spoilt.facts()["since_why"]


def test_the_first_report_has_nothing_to_restate(tmp_path):
    folder = write_project(tmp_path, deals=HEADER + FIRST)
    first = restated_deals(open_run(str(folder), quarter="2026Q1")).facts()
    assert (first["since"], first["deals"], first["quarters"]) == (None, 0, [])
    assert first["since_why"]
