"""A deal with several companies is left out, given to the first or split, and the stake is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from projects import write_files

from tierkit.crm.trusted import examine_source
from tierkit.settings import read_settings

FILES = {
    "accounts.csv": "account_id,name\n9001,Acme\n9002,Bolt\n9003,Corn\n",
    "opportunities.csv": "opportunity_id,account_id,close_date,amount,is_won\n"
    "O1,9001,2026-01-15,900.00,true\n"
    "O2,9002;9003,2026-01-16,10.01,true\n"
    "O3,9001; 9002; 9003,2026-01-17,100.00,true\n"
    "O4,9003;9001,2026-01-18,,\n",
}


def by_account(folder, how):
    write_files(folder, FILES, settings=f'[data]\nseveral_companies = "{how}"\n')
    reading = examine_source(read_settings(folder))
    assert reading.tables is not None
    deals = reading.tables["opportunities"].sort("opportunity_id").collect()
    totals = dict.fromkeys(("9001", "9002", "9003"), Decimal(0))
    for account, amount in zip(deals["account_id"], deals["amount"], strict=True):
        totals[account] += amount or 0
    return [str(total) for total in totals.values()], deals["opportunity_id"].to_list(), reading


def test_without_a_primary_company_a_deal_is_left_out_by_name(tmp_path):
    totals, ids, reading = by_account(tmp_path, "primary")
    assert (totals, ids) == (["900.0000", "0", "0"], ["O1"])
    (part,) = reading.tables.exclusions
    assert part.reason == "several companies, none of them primary"
    assert (part.rows, part.won_revenue) == (3, "110.0100")


def test_the_first_company_gets_the_whole_deal(tmp_path):
    totals, ids, _ = by_account(tmp_path, "first")
    assert (totals, ids) == (["1000.0000", "10.0100", "0"], ["O1", "O2", "O3", "O4"])


def test_a_split_deal_keeps_every_cent(tmp_path):
    totals, ids, reading = by_account(tmp_path, "split")
    assert totals == ["933.3300", "38.3400", "38.3400"]  # 5.01 + 33.33, 5.00 + 33.34
    assert ids[1:3] == ["O2 (1 of 2)", "O2 (2 of 2)"]
    assert reading.tables.source_won_revenue == "1010.0100"


@pytest.mark.parametrize("how", ["first", "split"])
def test_the_share_at_stake_is_said(tmp_path, how):
    *_, reading = by_account(tmp_path, how)
    (remark,) = (one for one in reading.problems if one.rule == "several companies")
    assert "3 deals name several companies, with 110.01 won (11% of all)" in remark.message


def test_an_account_whose_own_id_has_a_semicolon_is_one_company(tmp_path):
    files = {
        name: text.replace("9002;9003", "9002").replace("9002", "X;1")
        for name, text in FILES.items()
    }
    files["opportunities.csv"] = "\n".join(
        line
        for line in files["opportunities.csv"].splitlines()
        if not line.startswith(("O3", "O4"))
    )
    write_files(tmp_path, files)
    assert examine_source(read_settings(tmp_path)).tables.source_won_revenue == "910.0100"
