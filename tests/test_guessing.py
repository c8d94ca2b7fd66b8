"""A folder of exports becomes settings with which it can be checked, with evidence beside them."""

from __future__ import annotations

import tomllib

import pytest
from projects import write_files

from tierkit.crm.guessing import guess_settings
from tierkit.crm.trusted import examine
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
    }
    assert values["target"]["revenue_types"] == {
        "New logo": "new",
        'Upsell "A"': "expansion",
        "Renewal": "renewal",
    }
    assert "Negotiation (1)" in text
    (tmp_path / "tierkit.toml").write_text(text, encoding="utf-8")
    reading = examine(read_settings(tmp_path))
    assert reading.blocking == ()
    assert reading.tables.source_won_revenue == "100.5000"


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
