"""A source becomes trusted tables that conserve money, or every problem in words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from projects import ACCOUNTS, DEALS, write_project

from tierkit.crm.engine import connect
from tierkit.crm.period import used_revenue
from tierkit.crm.tables import read_written_tables, write_tables
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.errors import DataError, SettingsError
from tierkit.settings import read_settings

ACCEPTED = """[checks]
accept_left_out = ["no opportunity_id", "no account_id", "unknown account_id",
  "no close_date on a closed deal"]
"""
HEADER = "opportunity_id,account_id,close_date,amount,is_won\n"


def tables_of(folder, **files):
    return read_tables(read_settings(write_project(folder, **files)))


def problems_of(folder, **files):
    with pytest.raises(DataError) as caught:
        tables_of(folder, **files)
    return caught.value


def rows_of(table):
    return table.collect().to_pandas()


def test_columns_have_the_types_of_the_contract(tmp_path):
    deals = rows_of(tables_of(tmp_path)["opportunities"]).set_index("opportunity_id").sort_index()
    assert deals.loc["O1", "amount"] == Decimal("100.1000")
    assert deals["is_won"].tolist() == [True, False, True, None]
    assert str(deals.loc["O3", "close_date"])[:10] == "2026-06-30"
    assert deals["revenue_type"].unique().tolist() == ["new"]


@pytest.mark.parametrize("text", ["0012", "NA", "1e5", "true", "1.50"])
def test_ids_are_text_in_which_nothing_is_inferred(tmp_path, text):
    tables = tables_of(
        tmp_path,
        accounts=f"account_id\n{text}\n",
        deals=f"{HEADER}O1,{text},2026-01-01,5,true\n",
    )
    assert rows_of(tables["opportunities"])["account_id"].tolist() == [text]


def test_rows_that_cannot_be_used_are_named_with_rows_and_money(tmp_path):
    deals = HEADER + (
        "O1,A1,2026-01-01,10.00,true\n"
        "O1,A1,2026-01-01,10.00,true\n"
        "O2,,2026-01-01,20.00,true\n"
        "O3,A9,2026-01-01,30.00,true\n"
        "O4,A1,,40.00,true\n"
        "O5,A1,2026-01-01,,true\n"
        ",A1,2026-01-01,60.00,true\n"
        "O7,A1,2026-01-01,,false\n"
    )
    tables = tables_of(tmp_path, deals=deals, settings=ACCEPTED)
    assert {(part.reason, part.rows, part.won_revenue) for part in tables.exclusions} == {
        ("repeated row", 1, "10.0000"),
        ("no account_id", 1, "20.0000"),
        ("unknown account_id", 1, "30.0000"),
        ("no close_date on a closed deal", 1, "40.0000"),
        ("no amount on a won deal", 1, "0.0000"),
        ("no opportunity_id", 1, "60.0000"),
    }
    assert sorted(rows_of(tables["opportunities"])["opportunity_id"]) == ["O1", "O7"]
    assert tables.source_won_revenue == "170.0000"


def test_every_problem_is_reported_at_once(tmp_path):
    error = problems_of(
        tmp_path,
        accounts="name\nAcme\n",
        deals="opportunity_id,account_id,close_date,amount,is_won\n"
        "O1,A1,soon,ten,true\nO2,A1,later,20,perhaps\n",
        contacts="contact_id,account_id\nC1,A1\nC1,A2\n",
    )
    found = {(problem.table, problem.column, problem.rule) for problem in error.problems}
    assert {
        ("accounts", "account_id", "missing column"),
        ("opportunities", "close_date", "unreadable value"),
        ("opportunities", "amount", "unreadable value"),
        ("opportunities", "is_won", "unreadable value"),
    } <= found
    assert error.exit_code == 3
    assert "for example O1, O2" in str(error)


def test_one_id_with_two_contents_blocks_and_is_named(tmp_path):
    error = problems_of(tmp_path, deals=DEALS + "O1,A1,2026-01-15,999,true\n")
    (problem,) = error.problems
    assert (problem.rule, problem.rows, problem.examples) == ("one id, two contents", 2, ("O1",))


def test_a_few_unreadable_dates_leave_rows_out_and_many_block(tmp_path):
    good = "".join(f"G{n},A1,2026-01-01,1,true\n" for n in range(40))
    tables = tables_of(tmp_path / "few", deals=HEADER + good + "B1,A1,TBD,7,true\n")
    (exclusion,) = tables.exclusions
    assert (exclusion.reason, exclusion.won_revenue) == ("no close_date on a closed deal", "7.0000")
    rules = ["money left out", "unreadable value", "no stage history"]
    assert [remark.rule for remark in tables.remarks] == rules
    bad = "".join(f"B{n},A1,2026-02-30,1,true\n" for n in range(10))
    assert "close_date" in str(problems_of(tmp_path / "many", deals=HEADER + good + bad))


def test_money_that_cannot_be_read_on_a_won_deal_blocks(tmp_path):
    good = "".join(f"G{n},A1,2026-01-01,1,true\n" for n in range(200))
    error = problems_of(tmp_path, deals=HEADER + good + "B1,A1,2026-01-01,a lot,true\n")
    assert "'a lot'" in str(error)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("1.234,5", "1234.5"),
        ("1 234,50 €", "1234.5"),
        ("1'234.50", "1234.5"),
        ("-USD 5.20", "-5.2"),
        ("45k", "45000"),
        ("1.25M", "1250000"),
        ("5 MIO", "5000000"),
        ("12.50-", "-12.5"),
        ("12 34", None),
        ("12 PCS", None),
        ("7 %", None),
        ("(12.50)", "-12.5"),
        ("£1,000.25", "1000.25"),
        ("1e3", "1000"),
        ("-0.01", "-0.01"),
    ],
)
def test_amounts_as_people_write_them(tmp_path, text, amount):
    deals = f'{HEADER}O1,A1,2026-01-01,"{text}",true\n'
    if amount is None:
        assert "amount" in str(problems_of(tmp_path, deals=deals))
    else:
        assert rows_of(tables_of(tmp_path, deals=deals)["opportunities"])["amount"][0] == Decimal(
            amount
        )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("opportunities", b"", "empty"),
        ("opportunities", HEADER.encode(), "no rows"),
        ("opportunities", bytes(range(256)) * 40, "binary"),
        ("accounts", b"account_id,name\n", "no rows"),
        ("accounts", b"\n\n", "empty"),
    ],
)
def test_a_file_without_rows_or_of_bytes_is_a_sentence(tmp_path, name, content, words):
    folder = write_project(tmp_path)
    (folder / "data" / f"{name}.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_tables(read_settings(folder))


def test_a_missing_table_and_a_missing_source_are_sentences(tmp_path):
    folder = write_project(tmp_path)
    (folder / "data" / "opportunities.csv").unlink()
    with pytest.raises(DataError, match="required table is missing"):
        read_tables(read_settings(folder))
    with pytest.raises(DataError, match="neither a folder nor a DuckDB file"):
        read_tables(read_settings(folder, overrides=['data.source="nowhere"']))


@pytest.mark.parametrize(
    ("settings_text", "words"),
    [
        ("[data.columns.opportunitys]\namount = 'x'\n", "Did you mean opportunities?"),
        ("[data.columns.opportunities]\namont = 'x'\n", "Did you mean amount?"),
    ],
)
def test_a_name_that_the_contract_lacks_is_a_settings_error(tmp_path, settings_text, words):
    with pytest.raises(SettingsError, match=r"contract") as caught:
        tables_of(tmp_path, settings=settings_text)
    assert words in str(caught.value)


def test_a_mapped_column_that_the_source_lacks_is_named_with_the_nearest(tmp_path):
    error = problems_of(tmp_path, settings="[data.columns.opportunities]\namount = 'amout'\n")
    assert "Did you mean amount?" in str(error)


def test_values_constants_and_columns_are_mapped(tmp_path):
    tables = tables_of(
        tmp_path,
        deals="InvoiceNo,account_id,Date,Value,Stage Name\n"
        "1,A1,2026-01-01,5,Closed Won\n2,A1,2026-01-02,6,Closed Lost\n3,A1,,7,Talking\n",
        settings="""
        [data.columns.opportunities]
        opportunity_id = "InvoiceNo"
        close_date = "Date"
        amount = "Value"
        is_won = "Stage Name"
        [data.values.opportunities.is_won]
        won = ["Closed Won"]
        lost = ["Closed Lost"]
        [data.constants.opportunities]
        currency = "USD"
        """,
    )
    deals = rows_of(tables["opportunities"]).sort_values("opportunity_id")
    assert deals["is_won"].tolist() == [True, False, None]
    assert deals["currency"].tolist() == ["USD"] * 3
    assert [remark.rule for remark in tables.remarks] == ["unlisted value", "no stage history"]


def test_types_of_deals_must_be_mapped(tmp_path):
    deals = (
        "opportunity_id,account_id,close_date,amount,is_won,type\n"
        "1,A1,2026-01-01,5,true,New\n2,A1,2026-01-02,6.5,true,Upsell\n3,A1,2026-01-02,7,true,Test\n"
    )
    known = "[target]\nrevenue_types = {New = 'new', Test = 'exclude'"
    error = problems_of(tmp_path / "a", deals=deals, settings=known + "}\n")
    assert "'Upsell': 1 rows, 6.50 won" in str(error)
    tables = tables_of(tmp_path / "b", deals=deals, settings=known + ", Upsell = 'expansion'}\n")
    assert sorted(rows_of(tables["opportunities"])["revenue_type"]) == ["expansion", "new"]
    (exclusion,) = tables.exclusions
    assert (exclusion.rows, exclusion.won_revenue) == (1, "7.0000")


def test_another_currency_blocks(tmp_path):
    deals = (
        "opportunity_id,account_id,close_date,amount,is_won,currency\n1,A1,2026-01-01,5,true,EUR\n"
    )
    assert "1 rows in EUR" in str(problems_of(tmp_path, deals=deals))


LINES = """order,account,day,product,amount,cost
S1,A1,2026-01-01,P1,10.10,4
S1,A1,2026-01-01,P1,10.10,4
S1,A1,2026-01-01,P2,5,NULL
S2,A2,2026-02-01,P1,7,3
"""
LINE_SETTINGS = """
[data.columns.opportunity_lines]
opportunity_id = "order"
account_id = "account"
close_date = "day"
[data.constants.opportunity_lines]
is_won = true
"""


def lines_project(folder, lines):
    folder = write_project(folder, settings=LINE_SETTINGS, opportunity_lines=lines)
    (folder / "data" / "opportunities.csv").unlink()
    return read_settings(folder)


def test_deals_are_the_sums_of_their_lines_and_identical_lines_are_kept(tmp_path):
    deals = rows_of(read_tables(lines_project(tmp_path, LINES))["opportunities"])
    deals = deals.set_index("opportunity_id").sort_index()
    assert deals["amount"].tolist() == [Decimal("25.2"), Decimal(7)]
    # the cost of one line of S1 is unknown, so the cost of S1 is
    assert [None if pd.isna(cost) else cost for cost in deals["cost"]] == [None, Decimal(3)]


def test_lines_of_one_deal_with_two_accounts_block(tmp_path):
    project = lines_project(tmp_path, LINES + "S2,A1,2026-02-01,P1,7,3\n")
    with pytest.raises(DataError, match="more than one account_id"):
        read_tables(project)


def test_a_cp1252_file_with_semicolons_and_a_duckdb_file_give_the_same_tables(tmp_path):
    folder = write_project(tmp_path, accounts=ACCOUNTS.replace("Acme", "Müller"))
    plain = read_tables(read_settings(folder))
    expected = rows_of(plain["accounts"]).sort_values("account_id", ignore_index=True)
    text = ACCOUNTS.replace("Acme", "Müller").replace(",", ";")
    (folder / "data" / "accounts.csv").write_bytes(text.encode("cp1252"))
    again = rows_of(read_tables(read_settings(folder))["accounts"])
    pd.testing.assert_frame_equal(again.sort_values("account_id", ignore_index=True), expected)
    connection = connect()
    connection.execute(f"ATTACH '{tmp_path}/crm.duckdb' AS crm")
    for name in ("accounts", "opportunities"):
        file = f"'{folder}/data/{name}.csv', encoding='latin-1'"
        connection.execute(f"CREATE TABLE crm.{name} AS FROM read_csv({file})")
    connection.close()
    database = rows_of(
        read_tables(read_settings(folder, overrides=['data.source="crm.duckdb"']))["accounts"]
    )
    pd.testing.assert_frame_equal(database.sort_values("account_id", ignore_index=True), expected)


def test_parquet_gives_the_same_deals_as_csv(tmp_path):
    folder = write_project(tmp_path)
    plain = rows_of(read_tables(read_settings(folder))["opportunities"])
    frame = pd.read_csv(folder / "data" / "opportunities.csv", parse_dates=["close_date"])
    frame.to_parquet(folder / "data" / "opportunities.parquet")
    (folder / "data" / "opportunities.csv").unlink()
    typed = rows_of(read_tables(read_settings(folder))["opportunities"])
    by_id = {"by": "opportunity_id", "ignore_index": True}
    pd.testing.assert_frame_equal(typed.sort_values(**by_id), plain.sort_values(**by_id))


def test_tables_survive_being_written(tmp_path):
    tables = tables_of(tmp_path, deals=DEALS + ",A1,2026-01-01,60.00,true\n")
    write_tables(tables, tmp_path / "written")
    again = read_written_tables(tmp_path / "written")
    assert again.exclusions == tables.exclusions
    assert again.given == tables.given
    by_id = {"by": "opportunity_id", "ignore_index": True}
    pd.testing.assert_frame_equal(
        rows_of(again["opportunities"]).sort_values(**by_id),
        rows_of(tables["opportunities"]).sort_values(**by_id),
    )


deal = st.tuples(
    st.sampled_from(["O1", "O2", "O3", "O4", ""]),
    st.sampled_from(["A1", "A2", "A9", ""]),
    st.sampled_from(["2026-01-01", "2025-12-31", "2026-01-02", ""]),
    st.sampled_from(["0.01", "10", "-3.33", "1234567.89", ""]),
    st.sampled_from(["true", "false", ""]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(deal, min_size=1, max_size=12))
def test_money_in_is_money_used_plus_money_excluded(tmp_path_factory, rows):
    text = HEADER + "".join(",".join(row) + "\n" for row in rows)
    folder = write_project(Path(tmp_path_factory.mktemp("p")), deals=text, settings=ACCEPTED)
    reading = examine_source(read_settings(folder))
    if reading.tables is None:
        assert reading.blocking
        return
    tables = reading.tables
    won = sum((Decimal(row[3] or 0) for row in rows if row[4] == "true"), Decimal(0))
    found = used_revenue(tables, pd.Timestamp("2026-01-01").date())
    excluded = sum((Decimal(part.won_revenue) for part in found.excluded), Decimal(0))
    assert found.won_revenue == won == found.used_won_revenue + excluded


def test_examining_gives_warnings_and_blocks_together(tmp_path):
    folder = write_project(
        tmp_path, accounts=ACCOUNTS + "A4,Dune,US,many\n", deals=HEADER + "O1,A1,x,1,true\n"
    )
    reading = examine_source(read_settings(folder))
    assert reading.tables is None
    assert [(p.column, p.blocks) for p in reading.problems] == [
        ("amount", True),  # its money
        ("employees", False),
        ("close_date", True),
        ("", True),  # and no deal is left
        ("", False),  # and no history of stages
    ]


def test_footers_totals_and_repeated_headers_are_no_rows(tmp_path):
    deals = DEALS + (
        "opportunity_id,account_id,close_date,amount,is_won\n"
        "Grand Totals (4 records),,,350.30,\n"
        "Confidential Information - Do Not Distribute\n"
        '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
    )
    tables = tables_of(tmp_path, deals=deals)
    (exclusion,) = tables.exclusions
    assert (exclusion.reason, exclusion.rows) == (
        "report footer, totals line or repeated header",
        4,
    )
    assert tables.source_rows["opportunities"] == 8
    assert len(rows_of(tables["opportunities"])) == 4


def test_case_and_blanks_of_a_type_do_not_matter(tmp_path):
    deals = (
        "opportunity_id,account_id,close_date,amount,is_won,type\n1,A1,2026-01-01,5,true, NEW \n"
    )
    tables = tables_of(tmp_path, deals=deals, settings="[target]\nrevenue_types = {New = 'new'}\n")
    assert rows_of(tables["opportunities"])["revenue_type"].tolist() == ["new"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("O9,A1,2026-01-01,true,1,000\n", "1 line holds more values than the header"),
        ('O9,A1,2026-01-01,true,"5\nO10,A1,2026-01-01,true,7\n', "is not closed and swallows"),
    ],
)
def test_lines_that_do_not_fit_the_header_block_instead_of_losing_values(tmp_path, line, words):
    header = "opportunity_id,account_id,close_date,is_won,amount\n"
    deals = header + "O8,A1,2026-01-01,true,5\n" + line
    assert words in str(problems_of(tmp_path, deals=deals))


def test_values_of_several_lines_and_blank_ends_of_lines_are_fine(tmp_path):
    deals = HEADER.strip() + ',note\nO1,A1,2026-01-01,5,true,"one,\ntwo, three"\n'
    deals += "O2,A1,2026-01-01,5,true,,\n"
    assert len(rows_of(tables_of(tmp_path, deals=deals)["opportunities"])) == 2


def test_an_empty_type_column_is_an_unmapped_type(tmp_path):
    deals = "opportunity_id,account_id,close_date,amount,is_won,type\nO1,A1,2026-01-15,5,true,\n"
    settings = '[target]\nrevenue_types = { New = "new", Renewal = "renewal" }\n'
    (problem,) = examine_source(
        read_settings(write_project(tmp_path, deals=deals, settings=settings))
    ).blocking
    assert problem.rule == "unmapped revenue type"
    assert "'(empty)': 1 rows, 5.00 won" in problem.message
