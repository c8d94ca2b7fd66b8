"""A folder of exports becomes settings with which it can be checked, with evidence beside them."""

from __future__ import annotations

import tomllib

import pytest
from projects import write_files

from tierkit.cli import main
from tierkit.crm.guessing import guess_settings
from tierkit.crm.trusted import examine_source
from tierkit.errors import DataError
from tierkit.settings import read_settings

FILES = {
    "customers.csv": "Customer ID,Company Name,Country,Headcount\nC1,Acme,US,5\nC2,Bolt,DE,9\n",
    "deals_2026.csv": "Deal ID,Customer ID,Created,Close Date,Deal Value,Deal Stage,Deal Type,"
    "Currency\n"
    "D1,C1,2025-12-01,2026-01-02,100.50,Signed,New logo,EUR\n"
    'D2,C2,2025-12-01,2026-01-03,50.00,Lost to X,"Upsell ""A""",EUR\n'
    "D3,C2,2025-12-01,2026-05-03,70.00,Negotiation,Renewal,EUR\n",
    "notes.txt.bak": "nothing",
}


def test_guessed_settings_read_the_folder_they_were_guessed_from(tmp_path):
    write_files(tmp_path, FILES)
    text = guess_settings(tmp_path / "data")
    values = tomllib.loads(text)
    assert values["data"]["tables"] == {
        "accounts": "customers.csv",
        "opportunities": "deals_2026.csv",
    }
    assert values["data"]["values"]["opportunities"]["is_won"] == {
        "won": ["Signed"],
        "lost": ["Lost to X"],
        "open": ["Negotiation"],
    }
    assert values["target"]["revenue_types"] == {
        "New logo": "new",
        'Upsell "A"': "expansion",
        "Renewal": "renewal",
    }
    assert "Negotiation (1)" in text
    (tmp_path / "tierkit.toml").write_text(text, encoding="utf-8")
    reading = examine_source(read_settings(tmp_path))
    assert reading.blocking == ()
    assert "unlisted value" not in {problem.rule for problem in reading.problems}
    assert reading.tables.source_won_revenue == "100.5000"


def test_columns_without_a_meaning_are_named_with_the_topic_that_lists_what_they_could_be(tmp_path):
    files = {
        "Kunden.csv": "Kundennummer;Firma;Angelegt am;Betreuungsklasse\nK1;Acme;01.02.2025;A\n",
        "Verkaufschancen.csv": "Chancennummer;Kundennummer;Erstellt am;Abschlussdatum;Betrag;"
        "Status;Art;Wetter\n"
        "V1;K1;13.02.2025;14.03.2025;10,50;Gewonnen;Neugeschäft;Regen\n",
    }
    write_files(tmp_path, files)
    text = guess_settings(tmp_path / "data")
    columns = tomllib.loads(text)["data"]["columns"]
    assert columns["accounts"]["created_date"] == "Angelegt am"
    deals = columns["opportunities"]
    assert deals["opportunity_id"] == "Chancennummer"
    assert (deals["created_date"], deals["type"]) == ("Erstellt am", "Art")
    assert "# Without a meaning yet: Wetter. `tierkit help opportunities`" in text
    assert "# Without a meaning yet: Betreuungsklasse. `tierkit help accounts`" in text


def test_a_folder_without_deals_says_how_they_are_found(tmp_path):
    write_files(tmp_path, {"accounts.csv": "account_id\nA1\n"})
    assert "call it opportunities.csv" in guess_settings(tmp_path / "data")


def test_orders_without_stages_are_all_won(tmp_path):
    files = {
        "clients.csv": "Customer ID\nC1\n",
        "invoices.csv": "Invoice No,Customer ID,Invoice Date,Total\n1,C1,2026-01-02,5.5\n",
    }
    write_files(tmp_path, files)
    text = guess_settings(tmp_path / "data")
    assert tomllib.loads(text)["data"]["constants"]["opportunities"] == {"is_won": True}


def test_marks_of_a_system_give_its_preset(tmp_path):
    files = {
        "Account.csv": "Id,Name\n1,A\n",
        "Opportunity.csv": "Id,AccountId,StageName,Amount,CloseDate,IsWon,IsClosed\n",
    }
    write_files(tmp_path, files)
    assert tomllib.loads(guess_settings(tmp_path / "data"))["data"]["preset"] == "salesforce"


def test_a_folder_without_tables_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="no CSV"):
        guess_settings(tmp_path)


LINES = {
    "products.csv": "ProductKey,Product\nP1,Bike\n",
    "resellers.csv": "ResellerKey,ResellerName,Country_Region\n1,Acme,Germany\n2,Bolt,France\n",
    "reseller_sales.csv": "SalesOrderNumber,OrderDate,ProductKey,ResellerKey,SalesAmount\n"
    "S1,2026-01-15,P1,1,10.00\nS1,2026-01-15,P2,1,0.50\nS2,2026-04-30,P1,2,7.00\n",
}


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return ended.value.code


def test_lines_of_orders_become_deals_and_the_settings_can_be_checked_at_once(tmp_path, capsys):
    write_files(tmp_path / "exports", LINES)
    project = tmp_path / "project"
    assert command("init", project, "--from", tmp_path / "exports" / "data") == 0
    text = (project / "tierkit.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["data"]["source"] == "../exports/data"
    assert 'account_id = "ResellerKey" # such as 1, 2; 100.0% of rows are in resellers.csv' in text
    assert "# Not used: products.csv." in text
    assert {"calendar", "target", "tiers"} <= set(tomllib.loads(text))
    capsys.readouterr()
    assert command("check", "-f", project) == 0
    assert "money 17.50 won = 17.50 used" in capsys.readouterr().out


def test_a_guess_needs_a_folder_and_excludes_the_sample(tmp_path, capsys):
    assert command("init", tmp_path / "a", "--from", tmp_path / "nowhere") == 2
    assert "no such folder" in capsys.readouterr().err
    assert command("init", tmp_path / "a", "--sample", "--from", tmp_path) == 2
    assert not (tmp_path / "a").exists()


REPORTS = {
    "report_accounts.csv": "Account ID,Account Name,Billing Country\nA1,Acme,US\n",
    "report_opportunities.csv": "Opportunity ID,Account ID,Stage,Amount,Close Date,Type\n"
    'O1,A1,Order received,"$45,000.00",2026-03-25,New Business\n'
    'O2,A1,Signed,"$5,000.00",2026-03-26,Renewal\n'
    'O3,A1,Dropped,"$1,000.00",2026-03-27,\n'
    '"Grand Totals (3 records)",,,"$51,000.00",,\n',
}


def test_stages_that_a_preset_cannot_know_are_guessed_beside_it(tmp_path):
    folder = write_files(tmp_path, REPORTS)
    text = guess_settings(folder / "data", source="data")
    values = tomllib.loads(text)
    assert values["data"]["preset"] == "salesforce"
    assert values["data"]["values"]["opportunities"]["is_won"]["won"] == ["Signed"]
    assert "Order received (1)" in text
    assert values["target"]["revenue_types"] == {"New Business": "new", "Renewal": "renewal"}
    assert '# only if `tierkit check` asks for it: "" = "new"' in text
    (folder / "tierkit.toml").write_text(text, encoding="utf-8")
    (problem,) = examine_source(read_settings(folder)).blocking
    assert problem.rule == "unmapped revenue type"  # that of O3, which only a person can decide


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_columns_with_types_of_their_own_are_guessed_too(tmp_path, zone):
    import pandas as pd

    write_files(tmp_path, {"accounts.csv": "account_id,name\n1,Acme\n2,Bolt\n"})
    days = pd.Series(pd.to_datetime(["2026-01-15 20:00", "2026-02-16 20:00", "2026-03-17 20:00"]))
    deals = pd.DataFrame(
        {
            "opportunity_id": [11, 12, 13],
            "account_id": [1, 2, 1],
            "close_date": days if zone is None else days.dt.tz_localize(zone),
            "amount": [10.5, 20.0, 30.0],
            "is_won": [True, False, True],
        }
    )
    deals.to_parquet(tmp_path / "data" / "opportunities.parquet")
    text = guess_settings(tmp_path / "data", source="data")
    (tmp_path / "tierkit.toml").write_text(text, encoding="utf-8")
    reading = examine_source(read_settings(tmp_path))
    if zone is not None:
        assert any("time zone" in str(problem) for problem in reading.blocking)
    else:
        assert reading.tables.source_won_revenue == "40.5000"


CODED = (
    "VC-Nr;Kundennr;Betrag;Phase;Abschlussdatum\n"
    + "".join(f"VC-5000{n};K1;{n}0,50;Gewonnen;0{n}.03.2025\n" for n in range(1, 10))
)  # fmt: skip
LISTED = "Kundennr;Firmenname\nK1;Acme\n"


@pytest.mark.parametrize(("header", "code"), [("VC-Nr", "VC-5"), ("Vorgang", "V/5"), ("Nr.", "5")])
def test_a_column_of_codes_that_tell_deals_apart_is_their_id(tmp_path, header, code):
    deals = CODED.replace("VC-Nr", header).replace("VC-5", code)
    write_files(tmp_path, {"Kunden.csv": LISTED, "Verkaufschancen.csv": deals})
    columns = tomllib.loads(guess_settings(tmp_path / "data"))["data"]["columns"]
    assert columns["opportunities"]["opportunity_id"] == header


def test_rows_without_an_id_are_named_by_their_values_and_copies_are_said(tmp_path):
    deals = (
        "Kundennr;Abschlussdatum;Betrag;Anm. 1\n"
        "K1;2025-03-01;10;\n;;;\nK1;2025-03-01;10;\nK2;2025-03-02;x;\n"
    )
    write_files(tmp_path, {"Kunden.csv": LISTED, "Verkaufschancen.csv": deals})
    text = guess_settings(tmp_path / "data")
    assert 'opportunity_id = "each row"' in text
    (tmp_path / "tierkit.toml").write_text(text, encoding="utf-8")
    reading = examine_source(read_settings(tmp_path))
    found = {problem.rule: problem for problem in reading.problems}
    assert found["identical rows"].rows == 1
    assert found["identical rows"].examples == ("K1 | 2025-03-01 | 10",)
    assert "row K2 | 2025-03-02 | x" in found["unreadable value"].examples


def test_headers_of_german_accounts_are_known_and_tell_the_currency(tmp_path):
    listed = (
        "Kundennr;Firmenname;Mitarbeiterzahl;Jahresumsatz (EUR);Kunde seit;Betreuer\n"
        "K1;Acme;38;6.207.464,00;13.12.2021;T. Kern\n"
    )
    write_files(tmp_path, {"Kunden.csv": listed, "Verkaufschancen.csv": CODED})
    values = tomllib.loads(guess_settings(tmp_path / "data"))
    assert values["calendar"]["currency"] == "EUR"
    assert values["data"]["columns"]["accounts"] == {
        "account_id": "Kundennr",
        "name": "Firmenname",
        "employees": "Mitarbeiterzahl",
        "annual_revenue": "Jahresumsatz (EUR)",
        "created_date": "Kunde seit",
        "owner": "Betreuer",
    }
