"""What managers write into the workbook takes force, is kept, and holds to capacity."""

from __future__ import annotations

import csv
from datetime import date

import openpyxl
import pandas as pd
import pytest
from projects import write_project
from report_samples import write_published

from tierkit.calendar import today
from tierkit.commands import undo_accept
from tierkit.commands.accept import accept_tiers
from tierkit.commands.review import ASKED, apply_review, read_review
from tierkit.errors import DataError, SettingsError
from tierkit.rendering.workbook import write_workbook
from tierkit.settings import SCRATCH, Tier, read_settings
from tierkit.table import Table

HEADER = "account_id,tier,model_tier,rank,score,overridden,move_reason,cut_score,group\n"
TIERS = """
[[tiers]]
name = "Tier 1"
capacity = 1
[[tiers]]
name = "Tier 2"
"""
BEGINS = date(2026, 10, 1)


@pytest.fixture
def settings(tmp_path):
    settings = read_settings(write_project(tmp_path, settings=TIERS))
    rows = ["A1,Tier 1,Tier 1,1,3,False,,2,", "A2,Tier 2,Tier 2,2,2,False,,2,",
            "A3,Tier 2,Tier 2,3,1,False,,2,"]  # fmt: skip
    write_published(settings.reports, "2026Q3", HEADER + "\n".join(rows) + "\n")
    return settings


def workbook(file, *rows):
    """A manager's sheet; each row is account, override tier, reason, review date."""
    frame = pd.DataFrame(
        [
            {"account_id": a, "override_tier": tier, "override_reason": why, "set_by": "Kim",
             "review_on": review}
            for a, tier, why, review in rows
        ],
        columns=[*ASKED],
    )  # fmt: skip
    write_workbook(file, {"Moves Kim": Table("moves", "", ASKED, frame)})
    return file


def history(settings):
    with (settings.folder / "tier_history.csv").open(newline="") as file:
        return {row["account_id"]: (row["tier"], row["reason"]) for row in csv.DictReader(file)}


def test_a_review_takes_its_slot_and_who_made_room_is_told(settings, tmp_path):
    file = workbook(tmp_path / "r.xlsx", ("A3", "Tier 1", "=tender", "2027-03-31"),
                    ("A2", "", "", "2027-03-31"))  # fmt: skip
    done = accept_tiers(settings, "2026Q3", review=file)
    assert (done.accounts, done.reviewed) == (3, 1)
    assert history(settings) == {
        "A1": ("Tier 2", "made room for an override (2026Q3)"),
        "A2": ("Tier 2", "stayed (2026Q3)"),
        "A3": ("Tier 1", "override: =tender (2026Q3)"),
    }
    kept = (settings.folder / "overrides.csv").read_text().splitlines()
    assert kept[1] == f"A3,Tier 1,=tender,Kim,{today()},2027-03-31"


def files_of(folder):
    return {file.name: file.read_bytes() for file in folder.glob("*.csv")}


def test_an_accept_is_taken_back_with_all_that_it_changed(settings, tmp_path):
    accept_tiers(settings, "2026Q3")
    before = files_of(settings.folder)
    file = workbook(tmp_path / "r.xlsx", ("A3", "Tier 1", "tender", "2027-03-31"))
    accept_tiers(settings, "2026Q3", review=file)
    changed = {"tier_history.csv", "overrides.csv", "crm_import_2026Q3.csv"}
    assert {name for name, now in files_of(settings.folder).items() if before.get(name) != now} == (
        changed
    )
    assert set(undo_accept(settings.folder)) == changed
    assert files_of(settings.folder) == before
    with pytest.raises(SettingsError, match="no accept that can be taken back"):
        undo_accept(settings.folder)


def test_an_accept_whose_files_changed_since_is_not_taken_back(settings):
    accept_tiers(settings, "2026Q3")
    file = settings.folder / "tier_history.csv"
    file.write_bytes(file.read_bytes() + b"\n")
    before = files_of(settings.folder)
    with pytest.raises(SettingsError, match=r"tier_history\.csv changed after it"):
        undo_accept(settings.folder)
    assert files_of(settings.folder) == before


def test_a_review_takes_the_place_of_an_earlier_override_of_the_account(settings, tmp_path):
    header = "account_id,tier,reason,set_by,set_on,review_on\n"
    (settings.folder / "overrides.csv").write_text(
        header
        + "A3,Tier 2,old,Lee,2026-01-01,2026-12-31\nA2,Tier 2,kept,Lee,2026-01-01,2026-12-31\n"
    )
    file = workbook(tmp_path / "r.xlsx", ("A3", "Tier 1", "tender", "2027-03-31"))
    accept_tiers(settings, "2026Q3", review=file)
    kept = (settings.folder / "overrides.csv").read_text().splitlines()[1:]
    assert [line.split(",")[:3] for line in kept] == [
        ["A2", "Tier 2", "kept"],
        ["A3", "Tier 1", "tender"],
    ]


def test_every_wrong_row_is_told_at_once_and_nothing_is_written(settings, tmp_path):
    file = workbook(tmp_path / "r.xlsx", ("A3", "Tier 9", "tender", "2027-03-31"),
                    ("X9", "Tier 2", "", "2027-03-31"))  # fmt: skip
    with pytest.raises(DataError) as raised:
        accept_tiers(settings, "2026Q3", review=file)
    assert raised.value.exit_code == 3
    assert {p.rule for p in raised.value.problems} == {"unknown tier", "unknown account", "empty"}
    assert sorted(path.name for path in settings.folder.glob("*.csv*")) == []


def test_more_than_a_tier_holds_are_refused(settings, tmp_path):
    file = workbook(tmp_path / "r.xlsx", ("A2", "Tier 1", "one", "2027-03-31"),
                    ("A3", "Tier 1", "two", "2027-03-31"))  # fmt: skip
    with pytest.raises(DataError, match="2 accounts are put into Tier 1; it has 1 places"):
        accept_tiers(settings, "2026Q3", review=file)


def test_a_slot_that_an_override_opens_goes_to_the_best_below():
    proposed = (("A", "Tier 1", "1"), ("B", "Tier 2", "3"), ("C", "Tier 2", "2"))
    rows = [
        {"account_id": a, "tier": tier, "rank": rank, "overridden": "False"}
        for a, tier, rank in proposed
    ]
    review = [{"account_id": "A", "tier": "Tier 2", "reason": "closing down"}]
    found = apply_review(rows, review, tiers=(Tier(name="Tier 1", capacity=1), Tier(name="Tier 2")))
    assert {row["account_id"]: row["tier"] for row in found} == {
        "A": "Tier 2", "B": "Tier 2", "C": "Tier 1",
    }  # fmt: skip


def test_ids_that_excel_made_numbers_and_dates_are_read_as_they_were_meant(tmp_path):
    book = openpyxl.Workbook()
    book.active.append([*ASKED])
    book.active.append([1001, "Tier 1", "tender", "Kim", date(2027, 3, 31)])
    book.save(tmp_path / "r.xlsx")
    (row,) = read_review(tmp_path / "r.xlsx", set_on=BEGINS)
    assert (row["account_id"], row["review_on"], row["set_on"]) == (
        "1001",
        "2027-03-31",
        "2026-10-01",
    )


SPELLINGS = {
    "sheet": "account_id,override_tier,override_reason,set_by,review_on\n",
    "overrides.csv, day of decision left out": "account_id,tier,reason,set_by,review_on\n",
}


@pytest.mark.parametrize("header", SPELLINGS.values(), ids=SPELLINGS)
def test_a_csv_may_name_its_columns_as_the_sheet_or_as_overrides_csv_does(tmp_path, header):
    file = tmp_path / "review.csv"
    file.write_text(f"{header}A1,Tier 1,tender,Kim,2027-01-01\n")
    (row,) = read_review(file, set_on=BEGINS)
    assert row == {"account_id": "A1", "tier": "Tier 1", "reason": "tender", "set_by": "Kim",
                   "set_on": "2026-10-01", "review_on": "2027-01-01"}  # fmt: skip


def test_tiers_of_a_report_are_no_review(tmp_path):
    file = tmp_path / "tiers.csv"
    file.write_text(f"{HEADER}A1,Tier 1,Tier 1,1,3,False,,2,\n")
    with pytest.raises(DataError, match=r"account_id, override_tier.*or account_id, tier"):
        read_review(file, set_on=BEGINS)


def test_a_csv_of_overrides_is_read_too(tmp_path):
    file = tmp_path / "o.csv"
    file.write_text(
        "account_id,tier,reason,set_by,set_on,review_on\n0012,Tier 1,x,Kim,2026-09-01,2027-01-01\n"
    )
    (row,) = read_review(file, set_on=BEGINS)
    assert (row["account_id"], row["set_on"]) == ("0012", "2026-09-01")


@pytest.mark.parametrize(
    ("name", "error"), [("none.xlsx", SettingsError), ("x.txt", SettingsError)]
)
def test_a_file_that_cannot_be_a_review_is_a_sentence(tmp_path, name, error):
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(error, match="--overrides"):
        read_review(tmp_path / name, set_on=BEGINS)


def test_a_workbook_without_a_sheet_for_review_is_a_sentence(tmp_path):
    write_workbook(
        tmp_path / "r.xlsx", {"Tiers": Table("tiers", "", ["account_id"], [{"account_id": "A1"}])}
    )
    with pytest.raises(DataError, match="no sheet has the columns account_id, override_tier"):
        read_review(tmp_path / "r.xlsx", set_on=BEGINS)


@pytest.mark.parametrize("record", ["{", "[1]", '{"../other.csv": "0"}', '{"a/b.csv": "0"}'])
def test_a_record_that_no_accept_wrote_is_refused_in_words(tmp_path, record):
    (tmp_path / SCRATCH).mkdir()
    (tmp_path / SCRATCH / "accept.json").write_text(record)
    with pytest.raises(SettingsError, match=r"accept\.json"):
        undo_accept(tmp_path)
