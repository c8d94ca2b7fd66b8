"""One check lists everything that is wrong, each in one line, and is clean after fixing."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from projects import DEALS, write_files, write_project

from tierkit.calendar import FiscalCalendar
from tierkit.cli import main
from tierkit.commands.check import check_project, print_check
from tierkit.crm.checks import RULES, check_as_of
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.errors import SettingsError
from tierkit.features.example import tables_of
from tierkit.publishing.gates import read_page
from tierkit.settings import Settings, parse_settings, read_settings

SETTINGS = """
[target]
revenue_types = { New = "new", Renewal = "renewal" }
"""
CLEAN = {
    "accounts.csv": "account_id,name,parent_id,employees,annual_revenue\n"
    "A1,Acme,,50,1234.5\nA2,Bolt,A1,70,2000.0\nA3,Corn,A1,90,3000.0\n",
    "opportunities.csv": "opportunity_id,account_id,created_date,close_date,amount,is_won,type,"
    "currency\n"
    "O1,A1,2026-01-01,2026-01-13,100.50,true,New,USD\n"
    "O2,A2,2026-01-02,2026-02-13,200.00,true,Renewal,EUR\n"
    "O3,A3,2026-01-03,2026-03-13,300.00,false,New,USD\n"
    "O4,A3,2026-01-04,2026-04-13,,,New,USD\n",
    "opportunity_lines.csv": "opportunity_id,product,amount,quantity\nO1,P,100.00,1\nO1,P,0.50,2\n",
    "stage_history.csv": "opportunity_id,changed_date,stage\nO3,2026-03-13,Lost\n",
    "contacts.csv": "contact_id,account_id,created_date\nC1,A1,2026-01-15\nC2,A2,2026-01-05\n",
    "signals.csv": "account_id,date,signal,value\nA1,2026-03-15,usage,10.5\n",
    "merges.csv": "account_id,merged_into\nOLD,A1\n",
    "exchange_rates.csv": "currency,date,rate\nEUR,2026-01-01,1.1\n",
}
FAULTS = {  # the rule that finds it: file, what is right in it, what is wrong
    "one id, two contents": (
        "accounts.csv",
        "A3,Corn,A1,90,3000.0\n",
        "A3,Corn,A1,90,3000.0\nA3,Korn,A1,90,3000.0\n",
    ),
    "parents in a circle": ("accounts.csv", "A1,Acme,,", "A1,Acme,A2,"),
    "unreadable value": ("accounts.csv", ",70,", ",about seventy,"),
    "ids differ by case": ("opportunities.csv", "O4,A3", "O4,a3"),
    "unreadable value ": ("opportunities.csv", "300.00,false", "300.00,perhaps"),
    "unmapped revenue type": ("opportunities.csv", "true,New,USD", "true,Upsell,USD"),
    "missing rate": ("opportunities.csv", "Renewal,EUR", "Renewal,GBP"),
    "lines disagree": ("opportunity_lines.csv", "O1,P,0.50", "O1,P,0.90"),
    "unclear dates": (
        "contacts.csv",
        "2026-01-15\nC2,A2,2026-01-05",
        "03/05/2026\nC2,A2,04/05/2026",
    ),
    "unclear numbers": ("opportunity_lines.csv", "100.00,1", '100.00,"1,500"'),
    "merges in a circle": ("merges.csv", "OLD,A1\n", "OLD,OLDER\nOLDER,OLD\n"),
    "missing column": ("signals.csv", ",value", ",worth"),
}


def with_faults():
    files = dict(CLEAN)
    for name, clean, faulty in FAULTS.values():
        assert clean in files[name]
        files[name] = files[name].replace(clean, faulty)
    return files


def command(folder, capsys):
    """Check a project by the command line; return the exit code and the printed lines."""
    with pytest.raises(SystemExit) as ended:
        main(["check", "-f", str(folder)])
    return ended.value.code, capsys.readouterr().out.splitlines()


def test_twelve_faults_are_twelve_lines_in_one_check_and_mended_they_are_none(tmp_path, capsys):
    folder = write_files(tmp_path / "faulty", with_faults(), settings=SETTINGS)
    code, lines = command(folder, capsys)
    assert code == 3
    found = [line for line in lines if line.startswith(("BLOCK", "warn"))]
    assert len(found) == 12
    for rule in FAULTS:
        assert any(line[6:].startswith(rule.strip()) for line in found), rule
    assert lines[-1].endswith("A run cannot start.")
    code, lines = command(write_files(tmp_path / "fixed", CLEAN, settings=SETTINGS), capsys)
    assert (code, lines[-1]) == (0, "0 blocking, 0 warnings. A run can start.")


def test_rows_that_block_are_in_the_workbook_too(tmp_path):
    files = CLEAN | {
        "accounts.csv": CLEAN["accounts.csv"] + "A3,Korn,A1,90,3000.0\n",
        "opportunities.csv": CLEAN["opportunities.csv"].replace("true,New,USD", "true,Upsell,USD")
        + "O9,A9,2026-01-01,2026-01-13,50.00,true,New,USD\n",
    }
    checked = check_project(read_settings(write_files(tmp_path, files, settings=SETTINGS)))
    assert (checked.exit_code, checked.tables) == (3, None)
    book = openpyxl.load_workbook(checked.workbook)
    rows = {row[:4] for row in book["Rows left out"].iter_rows(values_only=True, min_row=2)}
    assert rows == {
        ("accounts", "one id, two contents", None, "A3"),
        ("opportunities", "unknown account_id", "O9", "A9"),
        ("opportunities", "unmapped revenue type", "O1", "A1"),
    }
    assert "A3" in checked.excluded_file.read_text(encoding="utf-8")


def test_every_row_that_is_rejected_is_in_the_workbook_with_what_is_wrong(tmp_path):
    footers = "".join(f'"Grand Totals ({n} records)",,,,,,,\n' for n in range(7))
    files = with_faults()
    files["accounts.csv"] += "".join(f"B{n},Co,,many,1\n" for n in range(9))
    files["opportunities.csv"] += footers
    checked = check_project(read_settings(write_files(tmp_path, files, settings=SETTINGS)))
    book = openpyxl.load_workbook(checked.workbook)
    rows = list(book["Rows left out"].iter_rows(values_only=True))
    cells = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    found = {
        (c["table"], c["reason"], c["opportunity_id"] or c["account_id"], c["column"], c["value"])
        for c in cells
    }
    employees = {f"B{n}": "many" for n in range(9)} | {"A2": "about seventy"}
    expected = {
        ("accounts", "unreadable value", account, "employees", value)
        for account, value in employees.items()
    } | {
        ("opportunities", "unreadable value", "O3", "is_won", "perhaps"),
        ("opportunities", "missing rate", "O2", "currency", None),
        ("accounts", "in a circle", "A1", "parent_id", "A2"),
        ("accounts", "in a circle", "A2", "parent_id", "A1"),
        ("merges", "in a circle", "OLD", "merged_into", "OLDER"),
        ("merges", "in a circle", "OLDER", "merged_into", "OLD"),
    }
    assert expected <= found
    assert sum(c["reason"].startswith("report footer") for c in cells) == 7


def test_a_check_writes_a_page_and_a_workbook_with_the_rows_left_out(tmp_path):
    files = CLEAN | {
        "opportunities.csv": CLEAN["opportunities.csv"]
        + "=O5,A9,2026-01-01,2026-01-13,50.00,true,New,USD\n"
    }
    checked = check_project(read_settings(write_files(tmp_path, files, settings=SETTINGS)))
    page = read_page(checked.page.read_text(encoding="utf-8"))
    assert page.faults == []
    assert {"read", "left_out", "units"} <= page.tables
    assert "unknown account_id" in page.words
    book = openpyxl.load_workbook(checked.workbook)
    rows = list(book["Rows left out"].iter_rows(values_only=True))
    assert rows[1][:3] == ("opportunities", "unknown account_id", "=O5")
    assert book["Rows left out"]["C2"].data_type == "s"


def test_a_warning_can_be_raised_to_a_block(tmp_path):
    folder = write_project(tmp_path, settings='[checks]\nblock = ["no stage history"]\n')
    (problem,) = examine_source(read_settings(folder)).blocking
    assert problem.rule == "no stage history"
    wrong = write_project(tmp_path / "b", settings='[checks]\nblock = ["no stage histroy"]\n')
    with pytest.raises(SettingsError, match="Did you mean 'no stage history'"):
        examine_source(read_settings(wrong))


HEADER = "opportunity_id,account_id,created_date,close_date,amount,is_won,stage\n"


def rules_of(folder, deals, **files):
    tables = read_tables(read_settings(write_project(folder, deals=HEADER + deals, **files)))
    return {remark.rule: remark for remark in tables.remarks}


def quarters_of_deals(counts):
    months = ["2025-01", "2025-04", "2025-07", "2025-10", "2026-01", "2026-04"]
    return "".join(
        f"Q{month}-{n},A{n % 30},{month}-01,{month}-15,10,true,Won\n"
        for month, count in zip(months, counts, strict=True)
        for n in range(count)
    )


MANY = "account_id\n" + "".join(f"A{n}\n" for n in range(30))


def test_a_half_loaded_quarter_stands_out_from_its_neighbours(tmp_path):
    even = rules_of(tmp_path / "a", quarters_of_deals([30] * 6), accounts=MANY)
    assert "quarter volume" not in even
    half = rules_of(tmp_path / "b", quarters_of_deals([30, 30, 30, 30, 30, 12]), accounts=MANY)
    assert "2026Q2 (1 Apr – 30 Jun 2026) holds 12, around it 30" in half["quarter volume"].message


def test_what_looks_wrong_in_dates_stages_and_money_is_said(tmp_path):
    deals = quarters_of_deals([30] * 6) + (
        "F1,A1,2026-01-01,2031-01-01,10,true,Won\n"
        "B1,A2,2026-03-01,2026-02-01,10,true,Won\n"
        "Y1,A2,1980-03-01,2026-02-01,10,true,Won\n"
        "L1,A3,2026-01-01,2026-02-01,90000,true,Won\n"
        "S1,A3,2026-01-01,2026-02-01,5,,Lost - no budget\n"
        "N1,A4,2026-01-01,2026-02-01,-999,true,Won\n"
    )
    found = rules_of(tmp_path, deals, accounts=MANY)
    assert {rule: found[rule].examples for rule in found if found[rule].examples} == {
        "won in the future": ("F1",),
        "closed before created": ("B1",),
        "implausible year": ("Y1",),
        "one large account": ("A3",),
        "netted accounts": ("A4",),
    }
    assert "'Lost - no budget' (1)" in found["unmapped stage"].message
    assert set(found) <= set(RULES)


def test_tables_that_end_long_before_as_of_are_stale(tmp_path):
    tables = read_tables(read_settings(write_project(tmp_path)))
    late = FiscalCalendar().parse("2026Q4").as_of
    assert [problem.rule for problem in check_as_of(tables, Settings(), late)] == ["stale table"]
    on_time = FiscalCalendar().parse("2026Q2").as_of
    assert check_as_of(tables, Settings(), on_time) == []


def test_accounts_that_nobody_changed_for_a_year_are_counted():
    # A and B changed or created within the year before 2026-01-01, C and D were not
    tables = tables_of(
        accounts="account_id created_date; A 2020-01-01; B 2025-05-01; C 2020-01-01; D 2024-12-31",
        account_history="account_id changed_date column value; A 2025-01-01 industry banking;"
        "C 2024-12-31 industry banking; D 2026-01-01 industry banking",
    )
    (found,) = [
        problem
        for problem in check_as_of(tables, Settings(), date(2026, 1, 1))
        if problem.rule == "accounts not updated"
    ]
    assert "2 of 4 accounts (50%) were not updated in the 365 days before" in found.message
    allowed = parse_settings({"checks": {"not_updated_share": 0.5}})
    rules = {problem.rule for problem in check_as_of(tables, allowed, date(2026, 1, 1))}
    assert "accounts not updated" not in rules


def test_a_stale_export_stops_a_run_where_the_settings_say_so(tmp_path, capsys):
    deals = "opportunity_id,account_id,close_date,amount,is_won\nO1,A1,2026-04-05,5,true\n"
    late = ["run", "--dry-run", "--quarter", "2026Q2", "-f"]
    for block, code in (("[]", 0), ('["stale table"]', 3)):
        settings = f"[checks]\nblock = {block}\n"
        folder = write_project(tmp_path / str(code), deals=deals, settings=settings)
        with pytest.raises(SystemExit) as ended:
            main([*late, str(folder)])
        assert ended.value.code == code
    assert "end more than 45 days before as_of" in capsys.readouterr().out


def test_statuses_are_counted_and_units_have_one_total(tmp_path):
    accounts = "account_id,status\nA1,customer\nA2,partner\nA3,customer\n"
    checked = check_project(read_settings(write_project(tmp_path, accounts=accounts)))
    stream = io.StringIO()
    print_check(checked, stream)
    assert "status customer 2, partner 1" in stream.getvalue()


def test_won_deals_of_unknown_amount_stand_beside_the_money_left_out(tmp_path, capsys):
    write_project(tmp_path, deals=DEALS + "O5,A1,2026-03-01,,true\n")
    assert "+ 0.00 left out, beside 1 won deal of unknown amount" in "\n".join(
        command(tmp_path, capsys)[1]
    )
