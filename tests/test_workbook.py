"""`accounts.xlsx`: numbers are numbers, text is text, and the same tables give the same bytes."""

import time
from datetime import date

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tierkit.figure import Figure
from tierkit.rendering import workbook
from tierkit.rendering.workbook import clean_text, write_workbook
from tierkit.table import Column, Table

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://example.com", "0012", "NA", "1e5", "  x"]


def read(path, sheet="Tiers"):
    page = openpyxl.load_workbook(path)[sheet]
    return [[cell.value for cell in row] for row in page.iter_rows()]


def cells(path, sheet="Tiers"):
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(min_row=2))


def write(path, frame, **kinds):
    given = [Column(name, kind) for name, kind in kinds.items()]
    return write_workbook(path, {"Tiers": Table("tiers", "", Column.of_all(frame, *given), frame)})


def test_text_stays_text_whatever_it_looks_like(tmp_path):
    path = tmp_path / "accounts.xlsx"
    write(path, pd.DataFrame({"account_id": HOSTILE}))
    assert [row[0].value for row in cells(path)] == HOSTILE
    assert {row[0].data_type for row in cells(path)} == {"s"}


def test_a_header_is_no_formula_either(tmp_path):
    path = tmp_path / "accounts.xlsx"
    write(path, pd.DataFrame({"=1+1": ["x"]}))
    page = openpyxl.load_workbook(path)["Tiers"]
    assert (page["A1"].value, page["A1"].data_type) == ("=1+1", "s")


def test_kinds_decide_types_and_formats(tmp_path):
    path = tmp_path / "accounts.xlsx"
    frame = pd.DataFrame({
        "account_id": ["A1"], "predicted_revenue": [1234567.5],
        "rank": pd.array([3], dtype="Int64"),
        "share_used": [0.25], "set_on": [date(2026, 9, 30)], "overridden": [True],
    })  # fmt: skip
    write(path, frame, predicted_revenue="money", share_used="share", set_on="date")
    (row,) = cells(path)
    assert [cell.data_type for cell in row] == ["s", "n", "n", "n", "d", "b"]
    assert [row[1].value, row[2].value, row[3].value] == [1234567.5, 3, 0.25]
    assert row[4].value.date() == date(2026, 9, 30)
    assert [cell.number_format for cell in row[1:5]] == [
        "#,##0",
        "#,##0",
        "0.0%",
        "yyyy-mm-dd",
    ]


def test_cells_to_fill_in_are_marked_and_have_a_list_to_choose_from(tmp_path):
    path = tmp_path / "accounts.xlsx"
    frame = pd.DataFrame({"account_id": ["A1", "A2"], "override_tier": ["", "=Tier 1"]})
    asked = Column("override_tier", "text", is_input=True, choices=("Tier 1", "Tier 2"))
    write_workbook(path, {"Tiers": Table.sheet(frame, asked)})
    page = openpyxl.load_workbook(path)["Tiers"]
    assert (page["B2"].value, page["B3"].value, page["B3"].data_type) == (None, "=Tier 1", "s")
    assert {page[cell].fill.fgColor.rgb for cell in ("B2", "B3")} == {"FFFFF6D6"}
    (rule,) = page.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1) == ("B2:B3", '"Tier 1,Tier 2"')


def test_a_sheet_prints_across_on_its_paper_with_its_header_on_every_page(tmp_path):
    path = tmp_path / "accounts.xlsx"
    write(path, pd.DataFrame({"account_id": ["A1"]}))
    page = openpyxl.load_workbook(path)["Tiers"]
    assert page.page_setup.orientation == "landscape"
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert page.page_setup.fitToHeight == 0  # as many pages as it needs, one across
    assert str(page.print_title_rows).replace("$", "") == "1:1"


def test_missing_values_are_empty_cells(tmp_path):
    path = tmp_path / "accounts.xlsx"
    frame = pd.DataFrame({
        "account_id": ["A1", "A2"], "tier": pd.Categorical([None, "Tier 1"]),
        "score": [float("nan"), float("inf")], "rank": pd.array([None, 1], dtype="Int64"),
        "when": [None, pd.NaT],
    })  # fmt: skip
    write(path, frame, when="date")
    assert read(path)[1:] == [["A1", None, None, None, None], ["A2", "Tier 1", None, 1, None]]


def test_the_header_is_frozen_and_every_column_has_a_filter(tmp_path):
    path = tmp_path / "accounts.xlsx"
    write(path, pd.DataFrame({"account_id": ["A1", "A2"], "reasons": ["x" * 200, ""]}))
    page = openpyxl.load_workbook(path)["Tiers"]
    assert (page.freeze_panes, page.auto_filter.ref) == ("A2", "A1:B3")
    assert page.column_dimensions["A"].width < 20
    assert 55 < page.column_dimensions["B"].width < 65


def test_two_writes_give_the_same_bytes(tmp_path, monkeypatch):
    frame = pd.DataFrame({"account_id": HOSTILE, "score": range(len(HOSTILE))})
    write(tmp_path / "one.xlsx", frame)
    later = time.time() + 3_600
    monkeypatch.setattr(time, "time", lambda: later)
    write(tmp_path / "two.xlsx", frame)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_notes_come_last_and_hold_what_was_said(tmp_path):
    path = tmp_path / "accounts.xlsx"
    notes = {"Quarter": "2026Q3 (1 Jul – 30 Sep 2026)", "Fingerprint": "00ff"}
    write_workbook(path, {"Tiers": Table("tiers", "", ["a"], [{"a": "x"}])}, notes=notes)
    assert openpyxl.load_workbook(path).sheetnames == ["Tiers", "Notes"]
    assert read(path, "Notes")[1:] == [list(pair) for pair in notes.items()]


def test_long_text_is_cut_and_noted(tmp_path):
    path = tmp_path / "accounts.xlsx"
    said = write(path, pd.DataFrame({"reasons": ["x" * 40_000, "y"]}))
    assert len(read(path)[1][0]) == 32_767
    assert said == ("Tiers: cells cut at 32,767 characters: 1.",)
    assert read(path, "Notes")[1] == ["Cut 1", said[0]]


def test_more_rows_than_a_sheet_holds_are_cut_and_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    path = tmp_path / "accounts.xlsx"
    said = write(path, pd.DataFrame({"account_id": list("ABCDE")}))
    assert [row[0] for row in read(path)] == ["account_id", "A", "B", "C"]
    assert said == ("Tiers holds the first 3 of 5 rows; a sheet cannot hold more.",)


def test_a_table_without_rows_or_columns_is_an_empty_sheet(tmp_path):
    path = tmp_path / "accounts.xlsx"
    write(path, pd.DataFrame({"account_id": pd.Series([], dtype="str")}))
    assert read(path) == [["account_id"]]
    write(path, pd.DataFrame())
    assert read(path) == []


@settings(max_examples=15, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=30))
def test_any_text_gives_a_file_that_opens(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "accounts.xlsx"
    write(path, pd.DataFrame({"name": pd.Series([f"{text}|"], dtype="object")}))
    (row,) = cells(path)
    assert row[0].data_type == "s"
    assert "|" in row[0].value


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\x85", "\ud800", "\ufffe"])
def test_characters_that_a_workbook_cannot_hold_are_removed(bad):
    assert clean_text(f"a{bad}b\tc\n") == "ab\tc\n"


def test_names_that_mean_the_same_everywhere_have_their_format(tmp_path):
    path = tmp_path / "accounts.xlsx"
    exact = pd.DataFrame({"table": ["opportunities"], "rows": [3], "won_revenue": ["12.3400"]})
    write(path, exact)
    assert read(path)[1:] == [["opportunities", 3, 12.34]]
    assert cells(path)[0][2].number_format == "#,##0"
    assert exact["won_revenue"].tolist() == ["12.3400"]


def test_a_column_of_figures_is_its_numbers_and_why_there_is_none(tmp_path):
    path = tmp_path / "accounts.xlsx"
    rows = pd.DataFrame({"cost": [Figure(2.5), Figure.unknown("no role has a cost")]})
    write(path, rows)
    assert read(path) == [["cost", "cost_why"], [2.5, None], [None, "no role has a cost"]]
