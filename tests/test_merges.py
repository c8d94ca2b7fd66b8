"""Merged accounts: revenue, touches, tiers and overrides go to the account that is left."""

from __future__ import annotations

import pandas as pd
import pytest
from projects import ACCOUNTS, DEALS, write_project
from report_samples import write_published

from tierkit.commands.check import check_project
from tierkit.crm.account_names import candidate_duplicates
from tierkit.crm.merges import carry_overrides, resolve_merges, survivors_of
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError
from tierkit.runs.opening import open_run
from tierkit.runs.tiering import tier_accounts
from tierkit.settings import read_settings


def tables_of(folder, **files):
    return read_tables(read_settings(write_project(folder, **files)))


def column(tables, name, *columns):
    return sorted(tables[name].select(*columns).collect().rows(), key=str)


TIERS = (
    "account_id,tier,start_date,end_date\n"
    "A1,Tier 1,2026-01-01,\nA2,Tier 2,2026-01-01,\nX9,Tier 1,2026-01-01,\n"
)


def test_a_merge_carries_revenue_touches_and_tiers_through_a_chain(tmp_path):
    tables = tables_of(
        tmp_path,
        merges="account_id,merged_into\nX8,X9\nX9,A3\nA2,A1\n",
        deals=DEALS + "O5,X8,2026-02-01,7.00,true\nO6,X9,2026-02-01,5.00,true\n",
        activities="account_id,date,type\nX9,2026-01-05,call\n",
        tier_history=TIERS,
    )
    assert column(tables, "accounts", "account_id") == [("A1",), ("A3",)]
    owners = dict(column(tables, "opportunities", "opportunity_id", "account_id"))
    assert owners["O3"] == "A1"
    assert owners["O5"] == owners["O6"] == "A3"
    assert column(tables, "activities", "account_id") == [("A3",)]
    assert column(tables, "tier_history", "account_id", "tier") == [
        ("A1", "Tier 1"),  # its own, not that of A2
        ("A3", "Tier 1"),  # carried from X9
    ]
    assert tables.source_won_revenue == "312.3000"
    assert all(part.won_revenue == "0.0000" for part in tables.exclusions)
    assert {part.reason for part in tables.exclusions} == {
        "merged into another account",
        "tier of an account that is now part of another",
    }


def test_merges_in_a_circle_block_and_are_named(tmp_path):
    with pytest.raises(DataError, match="A1 → A2 → A1"):
        tables_of(tmp_path, merges="account_id,merged_into\nA1,A2\nA2,A1\n")


def test_a_merge_into_an_unknown_account_is_not_carried_out_and_named(tmp_path):
    tables = tables_of(tmp_path, merges="account_id,merged_into\nA2,A9\n")
    assert "merged into an unknown account" in {remark.rule for remark in tables.remarks}
    assert ("A2",) in column(tables, "accounts", "account_id")


def test_an_override_of_a_merged_account_is_kept(tmp_path):
    folder = write_project(tmp_path, merges="account_id,merged_into\nA2,A1\n")
    (folder / "overrides.csv").write_text(
        "account_id,tier,reason,set_by,set_on,review_on\n"
        "A2,Tier 1,board,anna,2026-01-01,2027-01-01\n"
    )
    checked = check_project(read_settings(folder))
    assert checked.exit_code == 0
    overrides = pd.read_csv(folder / "overrides.csv", parse_dates=["set_on"])
    carried = carry_overrides(overrides, survivors_of(checked.tables))
    assert carried[["account_id", "tier"]].to_numpy().tolist() == [["A1", "Tier 1"]]


def test_chains_end_at_the_account_that_is_left():
    survivors, cycles = resolve_merges({"A": "B", "B": "C", "D": "E", "E": "F", "F": "E"})
    assert survivors == {"A": "C", "B": "C"}
    assert cycles == (("E", "F", "E"),)


def test_candidate_duplicates_are_listed_with_the_money_at_stake_and_not_merged(tmp_path):
    accounts = (
        'account_id,name,domain\nA1,"ACME, Inc.",https://www.acme.com/us\nA2,Acme GmbH,\n'
        "A3,Other,acme.com\nA4,Free,gmail.com\nA5,Free too,gmail.com\n"
    )
    tables = tables_of(tmp_path, accounts=accounts)
    found = candidate_duplicates(tables)
    shown = found[["matched_by", "key", "account_id", "at_stake"]].astype(str)
    assert shown.to_numpy().tolist() == [
        ["name", "acme", "A1", "300.3000"],
        ["name", "acme", "A2", "300.3000"],
        ["domain", "acme.com", "A1", "100.1000"],
        ["domain", "acme.com", "A3", "100.1000"],
    ]
    assert len(column(tables, "accounts", "account_id")) == 5
    assert "candidate duplicates" in {remark.rule for remark in tables.remarks}


def test_ids_that_differ_only_by_case_are_warned_of_and_never_joined(tmp_path):
    tables = tables_of(
        tmp_path,
        accounts=ACCOUNTS + "a1,Acme two,US,5\n",
        deals=DEALS + "O9,a3,2026-01-01,5.00,true\n",
    )
    warned = {(remark.rule, remark.table) for remark in tables.remarks}
    assert {("ids differ by case", "accounts"), ("ids differ by case", "opportunities")} <= warned
    assert ("unknown account_id", "5.0000") in {
        (part.reason, part.won_revenue) for part in tables.exclusions
    }


def test_words_for_nobody_are_no_account_unless_an_account_is_called_so(tmp_path):
    deals = DEALS + "O8,Unassigned,2026-01-01,5.00,true\nO9,Select,2026-01-01,6.00,true\n"
    tables = tables_of(tmp_path, accounts=ACCOUNTS + "Select,The Select Co,US,5\n", deals=deals)
    (exclusion,) = tables.exclusions
    assert (exclusion.reason, exclusion.won_revenue) == ("no account_id", "5.0000")


def test_ids_written_as_decimals_join(tmp_path):
    tables = tables_of(
        tmp_path,
        accounts="account_id\n1001\n1002\n",
        deals="opportunity_id,account_id,close_date,amount,is_won\n1,1001.0,2026-01-01,5,true\n",
    )
    assert column(tables, "opportunities", "account_id") == [("1001",)]
    assert "ids as decimals" in {remark.rule for remark in tables.remarks}


OVERRIDES = (
    "account_id,tier,reason,set_by,set_on,review_on\nA2,Tier 1,board,anna,2026-01-01,2027-01-01\n"
)


@pytest.mark.parametrize("how", ["merged", "family"])
def test_tiers_and_overrides_go_with_their_account_through_the_run(tmp_path, how):
    tables = {"merges": "account_id,merged_into\nA2,A1\n"} if how == "merged" else {}
    parents = "account_id,name,parent_id\nA1,Acme,\nA2,Bolt,A1\nA3,Corn,\n"
    unit = "" if how == "merged" else '[target]\nunit = "ultimate_parent"\n'
    folder = write_project(tmp_path, accounts=parents, settings=unit, **tables)
    (folder / "overrides.csv").write_text(OVERRIDES)
    tiers = "account_id,tier\nA2,Tier 2\nA3,Tier 3\n"
    write_published(folder / "reports", "2026Q1", tiers)
    work = open_run(str(folder), quarter="2026Q2")
    predictions = pd.DataFrame(
        {"predicted_revenue": [5.0, 9.0], "score": [5.0, 9.0]},
        index=pd.Index(["A1", "A3"], name="account_id"),
    )
    assigned = tier_accounts(work, predictions).assigned
    assert assigned["tier"].astype(str).to_dict() == {"A1": "Tier 1", "A3": "Tier 1"}
    assert assigned["overridden"].to_dict() == {"A1": True, "A3": False}
    assert assigned["previous_tier"].astype(str).to_dict() == {"A1": "Tier 2", "A3": "Tier 3"}
