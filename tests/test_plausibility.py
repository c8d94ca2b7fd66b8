"""What rows contradict blocks a check and a run with both readings, until it is accepted."""

from __future__ import annotations

import pytest
from projects import write_files

from tierkit.crm.plausibility import ACCEPTABLE
from tierkit.crm.trusted import examine_source
from tierkit.errors import SettingsError
from tierkit.settings import read_settings

ACCOUNTS = "account_id,name\nA1,Acme\nA2,Bolt\n"
DEALS = "opportunity_id,account_id,created_date,close_date,amount,is_won,stage\n" + "".join(
    f"O{n},A{n % 2 + 1},2025-12-0{n},2026-01-1{n},{100 * n}.00,{won},{stage}\n"
    for n, (won, stage) in enumerate(
        [("true", "Won"), ("true", "Won"), ("false", "Lost"), ("", "Talk")], start=1
    )
)
LINES = "opportunity_id,account_id,close_date,is_won,product,Amount,Line total\n" + "".join(
    f"O{n},A1,2026-01-15,true,P{k},{20 * n}.00,{10 * n}.00\n" for n in range(1, 6) for k in range(2)
)
INVOICES = "Invoice,Customer,Date,Subtotal,Tax,Total\n" + "".join(
    f"I{n},A1,2026-01-1{n},{100 * n}.00,{19 * n}.00,{119 * n}.00\n" for n in range(1, 6)
)
MAPPED = """[data.tables]
opportunities = "invoices.csv"
[data.columns.opportunities]
opportunity_id = "Invoice"
account_id = "Customer"
close_date = "Date"
amount = "Total"
[data.constants.opportunities]
is_won = true
"""
CONTRADICTED = {
    "amount repeated in lines": (
        {"opportunity_lines.csv": LINES},
        '[data.columns.opportunity_lines]\namount = "Amount"\n',
        "'Amount' is 600.00 in all rows, 'Line total' is 300.00",
    ),
    "amount with tax": (
        {"invoices.csv": INVOICES},
        MAPPED,
        "'Total' is 1,785.00 in all rows, 'Subtotal' is 1,500.00",
    ),
    "history without changes": (
        {
            "opportunities.csv": DEALS,
            "stage_history.csv": "opportunity_id,stage,changed_date\n"
            + "".join(f"O{n},Talk,2025-12-0{n}\n" for n in range(1, 5)),
        },
        "",
        "4 rows, one for each deal",
    ),
    "no row matches": (
        {
            "opportunities.csv": DEALS,
            "activities.csv": "account_id,date,type\n"
            + "".join(f"X{n},2026-01-01,call\n" for n in range(4)),
        },
        "",
        "'X0' and 'X1' here, 'A1' and 'A2' there",
    ),
    "unread file of a table": (
        {"opportunities.csv": DEALS, "more.csv": DEALS.replace("O", "Q")},
        "",
        'opportunities = ["opportunities.csv", "more.csv"]',
    ),
    "ends that count as open": (
        {"opportunities.csv": DEALS.replace("false,Lost", ",Lost - price")},
        "",
        "'Lost - price' (1, 300.00)",
    ),
    "wins that say they are none": (
        {
            "opportunities.csv": DEALS.replace("true,Won", "Not won yet,Not won yet", 1).replace(
                "true,Won", "Won,Won", 1
            )
        },
        '[data.values.opportunities.is_won]\nwon = ["Won", "Not won yet"]\nlost = ["false"]\n',
        "the words say otherwise: 300.00 is won with them, 200.00 without",
    ),
}


def problems(folder, files, settings):
    write_files(folder, {"accounts.csv": ACCOUNTS, **files}, settings=settings)
    return {problem.rule: problem for problem in examine_source(read_settings(folder)).problems}


def test_every_contradiction_has_a_case():
    assert set(CONTRADICTED) == set(ACCEPTABLE)


@pytest.mark.parametrize("rule", CONTRADICTED)
def test_a_contradiction_blocks_until_it_is_accepted(tmp_path, rule):
    files, settings, said = CONTRADICTED[rule]
    found = problems(tmp_path, files, settings)
    assert found[rule].blocks
    assert said in str(found[rule])
    accepted = f'{settings}\n[checks]\naccept = ["{rule}"]\n'
    assert not problems(tmp_path, files, accepted)[rule].blocks


@pytest.mark.parametrize("rule", CONTRADICTED)
def test_tables_without_contradictions_are_not_remarked_on(tmp_path, rule):
    files = {
        "opportunities.csv": DEALS,
        "stage_history.csv": "opportunity_id,stage,changed_date\n"
        + "".join(f"O{n},Talk,2025-12-0{n}\nO{n},Won,2026-01-1{n}\n" for n in range(1, 4)),
        "activities.csv": "account_id,date,type\n" + "A1,2026-01-01,call\n" * 4,
    }
    assert rule not in problems(tmp_path, files, "")


def test_other_columns_of_money_are_named(tmp_path):
    files = {"opportunities.csv": DEALS.replace("stage\n", "stage,Order total\n", 1).replace(
        "Won\n", "Won,999\n"
    )}  # fmt: skip
    found = problems(tmp_path, files, "")["unused columns"]
    assert "'Order total' (1,998.00)" in found.message
    assert not found.blocks


def test_a_file_that_looks_like_a_table_is_named(tmp_path):
    people = "contact_id,account_id\nP1,A1\n"
    found = problems(tmp_path, {"opportunities.csv": DEALS, "people.csv": people}, "")
    assert '[data.tables] contacts = "people.csv"' in str(found["unused file"])


def test_only_such_rules_can_be_accepted(tmp_path):
    with pytest.raises(SettingsError, match="no rule 'missing table'"):
        problems(
            tmp_path,
            {"opportunities.csv": DEALS},
            '[checks]\naccept = ["missing table"]\n',
        )
