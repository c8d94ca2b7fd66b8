"""`overrides.csv`: signed, complete, checked all at once, kept when expired."""

from datetime import date

import pandas as pd
import pytest

from tierkit.errors import DataError
from tierkit.settings import StabilitySettings, Tier
from tierkit.tiers.assign import assign_tiers
from tierkit.tiers.overrides import OVERRIDE_COLUMNS, no_overrides, read_overrides

TIERS = (Tier(name="Tier 1", capacity=2), Tier(name="Tier 2"))
ACCOUNTS = {"0012", "NA", "A3", "A4", "A5"}
HEADER = ",".join(OVERRIDE_COLUMNS)
AS_OF = date(2026, 10, 1)


def read(folder, *lines, header=HEADER):
    (folder / "overrides.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_overrides(folder, accounts=ACCOUNTS, tiers=TIERS, as_of=AS_OF)


def problems(folder, *lines, header=HEADER):
    with pytest.raises(DataError) as raised:
        read(folder, *lines, header=header)
    assert raised.value.exit_code == 3
    return {(problem.column, problem.rule): problem for problem in raised.value.problems}


def test_without_a_file_there_are_none(tmp_path):
    found = read_overrides(tmp_path, accounts=ACCOUNTS, tiers=TIERS, as_of=AS_OF)
    pd.testing.assert_frame_equal(found, no_overrides())


def test_ids_stay_text_and_nothing_is_inferred(tmp_path):
    found = read(
        tmp_path,
        "NA,Tier 2,true,007,2026-07-01,2027-01-01",
        "0012,Tier 1,1e5,Kim,2026-07-01,2027-01-01",
    )
    assert found["account_id"].tolist() == ["0012", "NA"]
    assert found["reason"].tolist() == ["1e5", "true"]
    assert found["set_by"].tolist() == ["Kim", "007"]
    assert found["set_on"].tolist() == [date(2026, 7, 1)] * 2


def test_an_override_expires_the_day_after_its_review_and_still_applies(tmp_path):
    found = read(
        tmp_path,
        "A3,Tier 1,new plant,Kim,2026-01-01,2026-09-30",
        "A4,Tier 1,tender,Kim,2026-01-01,2026-10-01",
    )
    assert found["expired"].tolist() == [True, False]
    predicted = pd.DataFrame(
        {"score": [4.0, 3.0, 2.0, 1.0], "predicted_revenue": 1.0},
        index=pd.Index(["0012", "NA", "A3", "A4"], name="account_id"),
    )
    assigned = assign_tiers(
        predicted,
        tiers=TIERS,
        stability=StabilitySettings(),
        previous=pd.Series([], dtype="str"),
        overrides=found,
    )
    assert assigned.index[assigned["tier"] == "Tier 1"].tolist() == ["A3", "A4"]


def test_every_problem_is_reported_at_once(tmp_path):
    found = problems(
        tmp_path,
        "A3,Tier 1,,Kim,2026-07-01,2027-01-01",
        "X9,Tier 2,tender,Kim,2026-07-01,2027-01-01",
        "A4,Tier1,tender,Kim,2026-07-01,2027-01-01",
        "A5,Tier 2,tender,Kim,1 July,2027-01-01",
        "A5,Tier 2,tender,,2026-07-01,2027-13-01",
        ",Tier 2,tender,Kim,2026-07-01,2027-01-01",
    )
    assert set(found) == {
        ("reason", "empty"),
        ("account_id", "unknown account"),
        ("tier", "unknown tier"),
        ("set_on", "unreadable date"),
        ("account_id", "duplicate account"),
        ("set_by", "empty"),
        ("review_on", "unreadable date"),
        ("account_id", "empty"),
    }
    assert found["reason", "empty"].examples == ("A3",)
    assert found["account_id", "unknown account"].examples == ("X9",)
    assert found["tier", "unknown tier"].fix.startswith("Did you mean Tier 1?")
    assert found["set_on", "unreadable date"].examples == ("row 5 (1 July)",)
    assert found["account_id", "duplicate account"].rows == 2
    assert found["account_id", "empty"].examples == ("row 7",)


def test_missing_columns_are_named_with_what_was_found(tmp_path):
    found = problems(tmp_path, "A3,Tier 1", header="account_id,tier")
    (problem,) = found.values()
    assert "reason, set_by, set_on, review_on are missing; found account_id, tier" in str(problem)


def test_an_empty_file_lacks_every_column(tmp_path):
    (tmp_path / "overrides.csv").write_text("")
    with pytest.raises(DataError, match="found none"):
        read_overrides(tmp_path, accounts=ACCOUNTS, tiers=TIERS, as_of=AS_OF)


def test_a_header_alone_is_no_override(tmp_path):
    assert read(tmp_path).empty


def test_more_overrides_than_places_are_counted(tmp_path):
    found = problems(
        tmp_path, *(f"{x},Tier 1,tender,Kim,2026-07-01,2027-01-01" for x in ("A3", "A4", "A5"))
    )
    assert found["tier", "capacity"].message == "3 accounts are put into Tier 1; it has 2 places"
    assert found["tier", "capacity"].fix.startswith("Take out 1,")


def test_blanks_blank_lines_semicolons_and_a_byte_order_mark_do_no_harm(tmp_path):
    (tmp_path / "overrides.csv").write_text(
        "\ufeff" + HEADER.replace(",", ";") + "\r\n\r\n"
        " A3 ; Tier 1 ;big, new plant;Kim;2026-07-01;2027-01-01\r\n;;;;;\r\n",
        encoding="utf-8", newline="",
    )  # fmt: skip
    found = read_overrides(tmp_path, accounts=ACCOUNTS, tiers=TIERS, as_of=AS_OF)
    assert found[["account_id", "tier", "reason"]].to_numpy().tolist() == [
        ["A3", "Tier 1", "big, new plant"]
    ]


def test_a_comma_that_splits_a_reason_is_named_by_row(tmp_path):
    found = problems(tmp_path, "A3,Tier 1,big, new plant,Kim,2026-07-01,2027-01-01")
    assert found["", "row"].examples == ("row 2",)


def test_a_file_that_is_no_table_is_a_sentence(tmp_path):
    (tmp_path / "overrides.csv").write_bytes(b"account_id\xff\xfe")
    with pytest.raises(DataError, match=r"the columns account_id, tier, .+ are missing"):
        read_overrides(tmp_path, accounts=ACCOUNTS, tiers=TIERS, as_of=AS_OF)


def test_an_open_quotation_mark_is_a_sentence(tmp_path):
    found = problems(tmp_path, 'A3,Tier 1,"big plant,Kim,2026-07-01,2027-01-01')
    assert "not a valid CSV file" in found["", "file"].message
