"""Tiers in force and overrides come back from a spreadsheet as they went in, or are refused."""

from __future__ import annotations

from datetime import date

import pytest
from projects import write_project
from report_samples import write_published

from tierkit.commands.accept import accept_tiers
from tierkit.commands.check import check_project
from tierkit.crm.accepted_tiers import read_accepted_tiers
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError
from tierkit.explorer.writing import merged_overrides, overrides_text
from tierkit.settings import Tier, read_settings
from tierkit.tiers.overrides import read_overrides

HISTORY = (
    "account_id,tier,start_date,end_date,reason\n"
    "A1,Tier 1,2024-10-01,2025-01-13,stayed (2024Q3)\n"
    "A1,Tier 2,2025-01-13,,rose – early (2024Q4)\n"
    "A2,Tier 2,2024-10-01,,\n"
)
ROWS = {
    ("A1", "Tier 1", "2024-10-01", "2025-01-13"),
    ("A1", "Tier 2", "2025-01-13", ""),
    ("A2", "Tier 2", "2024-10-01", ""),
}


def rewritten(sign, way="%d.%m.%Y", encoding="utf-8"):
    def day(text):
        return date.fromisoformat(text).strftime(way) if text[:2] == "20" else text

    lines = [sign.join(map(day, line.split(","))) for line in HISTORY.splitlines()]
    return "\r\n".join(lines).encode(encoding)


AS_LEFT = {
    "as written": HISTORY.encode(),
    "semicolons and dotted dates": rewritten(";"),
    "semicolons, Western Europe": rewritten(";", encoding="cp1252"),
    "tabs, UTF-16": rewritten("\t", encoding="utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + HISTORY.encode(),
    "month first": rewritten(",", "%m/%d/%Y"),
    "headers in capitals": HISTORY.replace("account_id,tier", "ACCOUNT_ID,Tier").encode(),
    "headers with blanks": HISTORY.replace("start_date", " Start Date ").encode(),
    "blank rows and cells": (HISTORY.replace("\n", ",,\n") + ",,,,,,\n\n,,,,,,\n").encode(),
}


@pytest.fixture
def settings(tmp_path):
    return read_settings(write_project(tmp_path))


def write_history(settings, content):
    (settings.folder / "tier_history.csv").write_bytes(content)


def key(row):
    return (row["account_id"], row["tier"], row["start_date"], row["end_date"])


@pytest.mark.parametrize("way", AS_LEFT)
def test_a_history_edited_in_a_spreadsheet_reads_as_it_was(settings, way):
    write_history(settings, AS_LEFT[way])
    found = read_accepted_tiers(settings)
    assert set(map(key, found.rows)) == ROWS
    assert found.rows[1]["reason"] == "rose – early (2024Q4)"
    held = read_tables(settings)["tier_history"].sort("start_date", "account_id").collect()
    assert held["start_date"].to_list() == [date(2024, 10, 1)] * 2 + [date(2025, 1, 13)]


@pytest.mark.parametrize("way", AS_LEFT)
def test_accepting_twice_on_an_edited_history_ends_each_tier_once(settings, way):
    write_history(settings, AS_LEFT[way])
    tiers = "account_id,tier\nA1,Tier 1\nA2,Tier 2\n"
    write_published(settings.reports, "2026Q3", tiers)
    for ended in (2, 0):
        assert accept_tiers(settings, "2026Q3").ended == ended
        rows = read_accepted_tiers(settings).rows
        assert len(rows) == 5
        assert all(not row["end_date"] or row["start_date"] <= row["end_date"] for row in rows)
        assert (
            sorted(row["start_date"] for row in rows if not row["end_date"]) == ["2026-10-01"] * 2
        )


UNCLEAR = {
    "2 Oct or 10 Feb": (HISTORY.replace("2024-10-01", "2/10/2024").replace("2025-01-13", ""),
                        "is 2 Oct 2024 or 10 Feb 2024", "row 2 (2/10/2024)"),
    "no day": (HISTORY.replace("2025-01-13,,", "soon,,"),
               "date that cannot be read", "row 3 (soon)"),
    "ends before it starts": (HISTORY.replace("2024-10-01,2025-01-13", "2025-10-01,2025-01-13"),
                              "ends before it starts", "row 2 (2025-10-01 to 2025-01-13)"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_unclear_is_refused_with_row_and_reason_by_every_command(settings, case):
    text, said, row = UNCLEAR[case]
    write_history(settings, text.encode())
    write_published(settings.reports, "2026Q3", "account_id,tier\nA1,Tier 1\n")
    for act in (lambda: accept_tiers(settings, "2026Q3"), lambda: read_tables(settings)):
        with pytest.raises(DataError) as raised:
            act()
        assert said in str(raised.value)
        assert row in str(raised.value)
    assert check_project(settings).exit_code == 3
    assert (settings.folder / "tier_history.csv").read_text() == text


def test_the_settings_decide_where_the_dates_do_not(tmp_path):
    settings = read_settings(write_project(tmp_path, settings='[data]\ndate_order = "day-first"\n'))
    write_history(settings, b"account_id,tier,start_date\nA1,Tier 1,2/10/2024\n")
    assert read_accepted_tiers(settings).rows[0]["start_date"] == "2024-10-02"


def test_columns_that_people_added_are_kept(settings):
    write_history(settings, b"Account ID;Tier;start_date;Owner's note\nA1;Tier 2;2024-10-01;call\n")
    write_published(settings.reports, "2026Q3", "account_id,tier\nA1,Tier 1\n")
    accept_tiers(settings, "2026Q3")
    assert [row["Owner's note"] for row in read_accepted_tiers(settings).rows] == ["call", ""]


def test_rows_that_an_accepted_report_wrote_and_that_are_gone_are_remarked(settings):
    write_published(settings.reports, "2026Q3", "account_id,tier\nA1,Tier 1\nA2,Tier 2\n")
    accept_tiers(settings, "2026Q3")
    file = settings.folder / "tier_history.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    remark = read_accepted_tiers(settings).remark
    assert "1 row is gone" in str(remark)
    assert "A2 (2026-10-01)" in str(remark)
    assert not remark.blocks
    assert "rows gone" in {problem.rule for problem in check_project(settings).problems}
    assert "1 row is gone" in accept_tiers(settings, "2026Q3").gone
    assert read_accepted_tiers(settings).remark is None


# ---- overrides -----------------------------------------------------------------------------------

TIERS = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2"))
OVERRIDES = (
    "account_id,tier,reason,set_by,set_on,review_on\nA1,Tier 1,größer,Kim,2026-07-31,2027-01-01\n"
)
EDITED = {
    "as written": OVERRIDES.encode(),
    "dotted": OVERRIDES.replace(",", ";").replace("2026-07-31", "31.07.2026")
    .replace("2027-01-01", "01.01.2027").encode("cp1252"),
    "capitals, one more column": OVERRIDES.replace("account_id", "ACCOUNT_ID")
    .replace("review_on\n", "Review On,Note\n").replace("2027-01-01\n", "2027-01-01,ok\n").encode(),
}  # fmt: skip


@pytest.mark.parametrize("way", EDITED)
def test_overrides_edited_in_a_spreadsheet_read_as_they_were(tmp_path, way):
    (tmp_path / "overrides.csv").write_bytes(EDITED[way])
    found = read_overrides(tmp_path, accounts={"A1"}, tiers=TIERS, as_of=date(2026, 10, 1))
    assert found[["account_id", "tier", "reason"]].to_numpy().tolist() == [
        ["A1", "Tier 1", "größer"]
    ]
    assert found["set_on"].tolist() == [date(2026, 7, 31)]


def test_the_explorer_adds_to_an_edited_file_and_keeps_its_columns():
    text = EDITED["capitals, one more column"].decode()
    row = {"account_id": "A2", "tier": "Tier 1", "reason": "plan", "set_by": "Lee",
           "set_on": "2026-08-01", "review_on": "2027-01-01"}  # fmt: skip
    assert overrides_text(text, row).splitlines() == [
        "account_id,tier,reason,set_by,set_on,review_on,Note",
        "A1,Tier 1,größer,Kim,2026-07-31,2027-01-01,ok",
        "A2,Tier 1,plan,Lee,2026-08-01,2027-01-01,",
    ]


def test_taking_back_an_override_leaves_what_others_wrote_meanwhile():
    head = OVERRIDES.splitlines(keepends=True)[0]
    ours = "A1,Tier 1,a,K,2026-07-31,2027-01-01\n"
    theirs = "A2,Tier 1,b,L,2026-07-31,2027-01-01\n"
    assert merged_overrides(head + ours + theirs, shown=head + ours, wanted=head) == head + theirs
    changed = ours.replace(",a,", ",another reason,")
    with pytest.raises(Exception, match="somebody else changed the override of A1"):
        merged_overrides(head + changed, shown=head + ours, wanted=head)
