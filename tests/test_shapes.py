"""Exports in other shapes than the contract's become tables without a preparation script."""

from __future__ import annotations

import gzip

import pytest
from projects import write_files

from tierkit.crm.dates import read_dates
from tierkit.crm.guessing import guess_settings
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.errors import DataError
from tierkit.settings import read_settings

ACCOUNTS = "account_id,name\nA1,Acme\nA2,Bolt\n"


def used(folder):
    """Guess settings for a folder of files, read it with them, and return the won revenue used."""
    (folder / "tierkit.toml").write_text(guess_settings(folder / "data", source="data"))
    return read_tables(read_settings(folder)).source_won_revenue


def deals(*amounts, header="amount", dates=("2026-01-15", "2026-04-20")):
    lines = [
        f'O{n},A{n % 2 + 1},{dates[n % 2]},"{amount}",true\n' for n, amount in enumerate(amounts)
    ]
    return f"opportunity_id,account_id,close_date,{header},is_won\n" + "".join(lines)


@pytest.mark.parametrize(
    ("amounts", "won"),
    [
        (("1'234.-", "1'000.50"), "2234.5000"),
        (("1.234,-", "1.000,50"), "2234.5000"),
        (("kr 1 234,-", "kr 1 000,50"), "2234.5000"),
        (("١٢٣٤", "1000.50"), "2234.5000"),
        (("１２３４", "1000.50"), "2234.5000"),
        (("1´234.50", "1´000.00"), "2234.5000"),
        (("$(34.00)", "$1,234.00"), "1200.0000"),
        (("$ -", "$1,234.00"), "1234.0000"),
        (("₹ 1.5 Lakh", "₹ 0.5 Crore"), "5150000.0000"),
        (("1.5万円", "2億円"), "200015000.0000"),
    ],
)
def test_amounts_mean_what_people_mean_by_them(tmp_path, amounts, won):
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": deals(*amounts)})
    assert read_tables(read_settings(tmp_path)).source_won_revenue == won


@pytest.mark.parametrize(
    ("amounts", "rule"),
    [
        (("$10.00", "€10.00"), "several currencies"),
        (("10.00 Dr", "20.00 Cr"), "unclear numbers"),
        (("10k-50k", "20"), "unreadable value"),
    ],
)
def test_amounts_that_cannot_be_one_number_block(tmp_path, amounts, rule):
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": deals(*amounts)})
    assert rule in {one.rule for one in examine_source(read_settings(tmp_path)).blocking}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17. März 2022", "2022-03-17"),
        ("1er août 2024", "2024-08-01"),
        ("5 de marzo de 2024", "2024-03-05"),
        ("March 5th, 2024", "2024-03-05"),
        ("Mittwoch, 5. Juni 2024", "2024-06-05"),
        ("2024年3月5日", "2024-03-05"),
        ("2024-03-05T00:00:00Z", "2024-03-05"),
        ("Mrz 24", "2024-03-31"),
        ("2024-03", "2024-03-31"),
        ("Q2 2024", "2024-06-30"),
        ("2024-W11", "2024-03-14"),
    ],
)
def test_a_date_of_any_of_these_forms_is_read(text, day):
    assert str(read_dates([text]).days[0]) == day


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["2024-15-03", "2024-01-02"], "year, day, month"),
        (["2024-03-05", "2024-01-02", "2024-07-08", "25/03/2024", "13/04/2024", "31/12/2024"],
         "day and month exchanged"),
        (["24-03-15", "23-04-10"], "no value of the column decides"),
        (["Mar-24", "2024-03-05"], "names a month"),
    ],
)  # fmt: skip
def test_dates_with_two_readings_are_refused(texts, why):
    assert why in read_dates(texts).unclear


def test_years_that_come_first_are_told_by_their_span():
    assert str(read_dates(["22-03-17", "24-04-01", "23-09-30"]).days[0]) == "2022-03-17"


def test_ids_as_spreadsheets_wrap_them_are_bare(tmp_path):
    files = {
        "accounts.csv": "account_id,name\n00012,Acme\n00013,Bolt\n",
        "opportunities.csv": "opportunity_id,account_id,close_date,amount,is_won\n"
        'O1,="00012",2026-01-15,10.00,ja\nO2,\'00013,2026-01-16,20.00,ja\n'
        "O3,\u200b00013\u00a0,2026-01-17,5.00,nein\n",
    }
    write_files(tmp_path, files)
    tables = read_tables(read_settings(tmp_path))
    assert tables.source_won_revenue == "30.0000"
    assert tables.exclusions == ()


def test_ids_that_a_spreadsheet_shortened_block(tmp_path):
    text = deals("10.00", "20.00").replace("O1", "1.23457E+11")
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": text})
    assert "shortened ids" in {one.rule for one in examine_source(read_settings(tmp_path)).blocking}


def test_one_file_per_quarter_is_one_table_and_what_overlaps_counts_once(tmp_path):
    lines = deals("10.00", "20.00", "30.00").splitlines(keepends=True)
    files = {
        "accounts.csv": ACCOUNTS,
        "deals_2026Q1.csv": "".join(lines[:3]),
        "deals_2026Q2.csv": lines[0] + "".join(lines[2:]),
    }
    write_files(tmp_path, files)
    used(tmp_path)
    tables = read_tables(read_settings(tmp_path))
    assert tables.source_rows["opportunities"] == 4
    assert [(part.reason, part.rows) for part in tables.exclusions] == [("repeated row", 1)]


def test_two_files_of_one_name_block_until_somebody_says_which(tmp_path):
    files = {
        "accounts.csv": ACCOUNTS,
        "opportunities.csv": deals("10.00"),
        "opportunities.txt": deals("10.00", "20.00"),
    }
    write_files(tmp_path, files)
    with pytest.raises(DataError, match=r"opportunities\.csv and opportunities\.txt both"):
        read_tables(read_settings(tmp_path))


def test_a_packed_file_is_read(tmp_path):
    write_files(tmp_path, {"accounts.csv": ACCOUNTS})
    packed = gzip.compress(deals("10.00", "20.00").encode())
    (tmp_path / "data" / "opportunities.csv.gz").write_bytes(packed)
    assert read_tables(read_settings(tmp_path)).source_won_revenue == "30.0000"


def test_title_lines_and_a_directive_stand_above_the_header(tmp_path):
    text = "sep=;\nDeals;;;;\nAs of today;;;;\n" + deals("10.00", "20.00").replace(",", ";")
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": text})
    reading = examine_source(read_settings(tmp_path))
    assert reading.tables.source_won_revenue == "30.0000"
    assert any("the header is in line 4" in str(problem) for problem in reading.problems)


ORDERS = (
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    "1,P1,Mug,2,2026-01-15 08:00:00,2.55,C1,UK\n1,P2,Bag,1,2026-01-15 08:00:00,10.00,C1,UK\n"
    "C2,P1,Mug,-1,2026-02-01 09:00:00,2.55,C1,UK\n3,P1,Mug,1,2026-04-15 08:00:00,2.95,C2,France\n"
    "4,P2,Bag,1,2026-04-16 08:00:00,1.00,C2,France\n4,P2,Bag,1,2026-04-16 08:00:00,1.00,C2,France\n"
)


def test_lines_with_quantity_and_price_need_no_list_of_accounts(tmp_path):
    write_files(tmp_path, {"online_retail.csv": ORDERS})
    assert used(tmp_path) == "17.5000"  # 5.10 + 10.00 - 2.55 + 2.95 + 1.00 + 1.00
    text = (tmp_path / "tierkit.toml").read_text()
    assert 'amount = "quantity * price"' in text
    assert 'accounts = "from opportunities"' in text
    accounts = read_tables(read_settings(tmp_path))["accounts"].select("account_id", "country")
    assert sorted(accounts.collect().rows()) == [("C1", "UK"), ("C2", "France")]


def test_rows_without_a_number_are_purchases_of_their_own(tmp_path):
    rows = "C1,2026-01-15,10.00\nC1,2026-01-15,10.00\nC2,2026-04-15,5.00\n"
    write_files(tmp_path, {"log.csv": "customer_id,date,amount\n" + rows})
    assert used(tmp_path) == "25.0000"


def test_credit_memos_lower_revenue_however_they_are_signed(tmp_path):
    rows = (
        "I1,A1,2026-01-15,Invoice,100.00\nM1,A1,2026-02-15,Credit Memo,30.00\n"
        "M2,A2,2026-02-16,Credit Memo,-5.00\n"
    )
    text = "Document Number,Customer ID,Date,Type,Amount\n" + rows
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "transactions.csv": text})
    assert used(tmp_path) == "65.0000"


def test_a_sheet_with_a_column_per_month_becomes_rows(tmp_path):
    text = (
        "Customer No,Customer,Jan-25,Feb-25,Mar-25,Apr-25,May-25,Jun-25\n"
        "A1,Acme,10.00,,5.00,,,1.00\nA2,Bolt,,2.00,,,,\n"
    )
    write_files(tmp_path, {"sales by month.csv": text})
    assert used(tmp_path) == "18.0000"


def test_an_amount_that_each_line_repeats_is_not_summed(tmp_path):
    lines = "".join(
        f"D{n},A{n % 2 + 1},2026-01-15,Closed Won,{10 * n}.00,P{k},{5 * n}.00\n"
        for n in range(1, 6)
        for k in range(2)
    )
    header = "Opportunity ID,Account ID,Close Date,Stage,Amount,Product Name,Total Price\n"
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "with products.csv": header + lines})
    assert used(tmp_path) == "150.0000"


def test_a_total_with_its_tax_gives_way_to_the_net_amount(tmp_path):
    rows = "".join(f"I{n},A1,2026-01-1{n},100.00,20.00,120.00\n" for n in range(1, 6))
    text = "Invoice No,Customer ID,Invoice Date,Subtotal,VAT,Total\n" + rows
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "invoices.csv": text})
    assert used(tmp_path) == "500.0000"


def test_much_money_left_out_is_said_first_and_blocks_until_it_is_accepted(tmp_path):
    text = deals("10.00", "70.00").replace("A2", "X9")
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": text})
    (problem,) = examine_source(read_settings(tmp_path)).blocking
    assert problem.rule == "money left out"
    accept = ['checks.accept_left_out=["unknown account_id"]']
    assert examine_source(read_settings(tmp_path, overrides=accept)).blocking == ()


def test_cents_and_thousands_are_told_by_the_header(tmp_path):
    text = deals("4360", "1050", header="amount_cents")
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": text})
    assert used(tmp_path) == "54.1000"


def test_an_encoding_that_cannot_be_judged_is_named_and_set(tmp_path):
    write_files(tmp_path, {"opportunities.csv": deals("10.00", "20.00")})
    names = "account_id,name\nA1,株式会社テスト\nA2,有限会社サンプル\n"
    (tmp_path / "data" / "accounts.csv").write_bytes(names.encode("cp932"))
    with pytest.raises(DataError, match="encoding = "):
        read_tables(read_settings(tmp_path))
    tables = read_tables(read_settings(tmp_path, overrides=['data.encoding="cp932"']))
    assert ("株式会社テスト",) in tables["accounts"].select("name").collect().rows()


def test_one_wrong_byte_does_not_change_every_other_name(tmp_path):
    write_files(tmp_path, {"opportunities.csv": deals("10.00", "20.00")})
    names = "account_id,name\nA1,Łódź Händler\n".encode() + "A2,Bölt\n".encode("cp1252")
    (tmp_path / "data" / "accounts.csv").write_bytes(names)
    reading = examine_source(read_settings(tmp_path))
    found = reading.tables["accounts"].select("name").collect().rows()
    assert sorted(found) == [("Bölt",), ("Łódź Händler",)]
    assert any("line 3" in str(problem) for problem in reading.problems)


def test_rows_under_the_first_of_a_group_belong_to_its_account(tmp_path):
    rows = "".join(
        f"{name if k == 0 else ''},O{name}{k},2026-01-1{k},10.00,Closed Won\n"
        for name in ("Acme", "Bolt", "Corn")
        for k in range(3)
    )
    header = "Account Name,Opportunity ID,Close Date,Amount,Stage\n"
    write_files(tmp_path, {"report.csv": header + rows})
    assert used(tmp_path) == "90.0000"
    tables = read_tables(read_settings(tmp_path))
    assert sorted(tables["opportunities"].collect()["account_id"].to_list())[:4] == [
        "Acme", "Acme", "Acme", "Bolt",
    ]  # fmt: skip


def test_extracts_without_ids_that_overlap_are_counted_once(tmp_path):
    def rows(*days):
        return "".join(f"2026-01-{day},Acme,5.00\n" for day in days)

    header = "Date,Customer,Amount\n"
    files = {
        "sales_1.csv": header + rows(10, 11, 11, 12),
        "sales_2.csv": header + rows(11, 11, 12, 13, 13),
    }
    write_files(tmp_path, files)
    assert used(tmp_path) == "30.0000"  # six rows: two of the 11th and of the 13th
    reading = examine_source(read_settings(tmp_path))
    assert any("3 rows stand in two files" in problem.message for problem in reading.problems)


def test_sheets_of_one_kind_are_read_together(tmp_path):
    import pandas as pd

    write_files(tmp_path, {})
    rows = [
        ("I1", "A", "2026-01-10", 2, 1.5, 7),
        ("I1", "B", "2026-01-10", 1, 4.0, 7),
        ("CI2", "A", "2026-01-11", -1, 1.5, 7),
        ("I3", "A", "2026-02-01", 10, 1.5, 8),
    ]
    columns = ["Invoice", "StockCode", "InvoiceDate", "Quantity", "Price", "Customer ID"]
    with pd.ExcelWriter(tmp_path / "data" / "retail.xlsx") as book:
        pd.DataFrame(rows[:3], columns=columns).to_excel(book, sheet_name="Year 2025", index=False)
        pd.DataFrame(rows[1:], columns=columns).to_excel(book, sheet_name="Year 2026", index=False)
    assert used(tmp_path) == "20.5000"  # 3 + 4 - 1.5 + 15


@pytest.mark.parametrize(
    ("header", "value", "worth"),
    [
        ("Discount", "50%", "100.0000"),
        ("Discount", "0.5", "100.0000"),
        ("Discount %", "50", "100.0000"),
    ],
)
def test_a_discount_is_read_as_a_share(tmp_path, header, value, worth):
    text = f"Order ID,Customer ID,Order Date,Qty,Unit Price,{header}\n" + "".join(
        f"{n},A1,2026-01-1{n},2,{20 * n},{value}\n" for n in (2, 3)
    )
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "orders.csv": text})
    assert used(tmp_path) == worth


def test_a_column_of_whatever_name_tells_invoices_from_credit_notes(tmp_path):
    text = "Belegnummer;Vorgang;Kundennummer;Belegdatum;Nettobetrag\n" + "".join(
        f"{n};{kind};A1;1{n}.01.2026;10,00\n"
        for n, kind in enumerate(["Rechnung", "Gutschrift", "Rechnung", "Rechnung"])
    )
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "Rechnungen.csv": text})
    assert used(tmp_path) == "20.0000"


def test_a_net_amount_is_found_by_its_numbers_alone(tmp_path):
    rows = "".join(f"I{n};A1;1{n}.01.2026;119,00;19,00;100,00\n" for n in range(1, 6))
    text = "Rechnungsnummer;Kundennummer;Rechnungsdatum;Summe;MwSt;Warenwert\n" + rows
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "Rechnungen.csv": text})
    assert used(tmp_path) == "500.0000"


def test_a_column_of_whatever_name_tells_how_deals_ended(tmp_path):
    text = "Opportunity ID,Account ID,Close Date,Amount,Fortschritt\n" + "".join(
        f"O{n},A{n % 2 + 1},2026-01-1{n},10.00,{stage}\n"
        for n, stage in enumerate(["gewonnen", "verloren", "gewonnen", "Angebot"])
    )
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "deals.csv": text})
    assert used(tmp_path) == "20.0000"


def test_stages_decide_where_nobody_uses_the_flag_for_closed(tmp_path):
    text = "Opportunity ID,Account ID,Close Date,Amount,Won,Closed,Stage\n" + "".join(
        f"O{n},A{n % 2 + 1},2026-01-1{n},10.00,{won},0,{stage}\n"
        for n, (won, stage) in enumerate([(1, "Closed Won"), (0, "Closed Lost"), (0, "Talk")])
    )
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "deals.csv": text})
    assert used(tmp_path) == "10.0000"
    deals = read_tables(read_settings(tmp_path))["opportunities"].sort("opportunity_id").collect()
    assert deals["is_won"].to_list() == [True, False, None]


def test_an_unreadable_close_date_never_gives_way_to_the_day_of_creation(tmp_path):
    text = deals("10.00", "20.00", dates=("someday", "soon")).replace(
        "opportunity_id,account_id,", "opportunity_id,account_id,created_date,"
    ).replace(",someday", ",2026-01-01,someday").replace(",soon", ",2026-01-01,soon")  # fmt: skip
    write_files(tmp_path, {"accounts.csv": ACCOUNTS, "opportunities.csv": text})
    with pytest.raises(DataError, match="close_date"):
        used(tmp_path)


def test_weeks_are_no_months():
    reading = read_dates(["KW 11/2022", "KW 40/2022"])
    assert [str(day) for day in reading.days] == ["2022-03-17", "2022-10-06"]
