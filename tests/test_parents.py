"""Ultimate parents: circles are named, orphans stand alone, totals do not depend on the unit."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, strategies as st
from projects import write_project

from tierkit.crm._hierarchy import hierarchy, unit_totals
from tierkit.crm.trusted import read_tables
from tierkit.errors import DataError
from tierkit.settings import read_settings

ACCOUNTS = "account_id,parent_id\nA1,\nA2,A1\nA3,A2\nA4,GONE\n"
UNIT = '[target]\nunit = "ultimate_parent"\n'


def tables_of(folder, **files):
    return read_tables(read_settings(write_project(folder, **files)))


def test_all_deals_of_a_family_belong_to_its_ultimate_parent_its_own_among_them(tmp_path):
    tables = tables_of(tmp_path, accounts=ACCOUNTS, settings=UNIT)
    deals = tables["opportunities"].select("account_id").collect()["account_id"]
    assert set(deals.to_list()) == {"A1"}
    accounts = tables["accounts"].select("account_id").collect()["account_id"]
    assert sorted(accounts.to_list()) == ["A1", "A4"]
    (exclusion,) = tables.exclusions
    assert (exclusion.reason, exclusion.rows) == ("tiered with its ultimate parent", 2)


def test_both_units_have_the_same_won_revenue(tmp_path):
    totals = [
        unit_totals(tables_of(tmp_path / name, accounts=ACCOUNTS, settings=text))
        for name, text in (("account", ""), ("parent", UNIT))
    ]
    for total in totals:
        assert set(total["won_revenue"]) == {Decimal("300.3000")}
    assert totals[0]["units"].tolist() == [4, 2]


def test_a_circle_of_parents_blocks_and_is_named(tmp_path):
    with pytest.raises(DataError, match="A1 → A2 → A1"):
        tables_of(tmp_path, accounts="account_id,parent_id\nA1,A2\nA2,A1\nA3,A1\n")


def test_unknown_parents_and_deep_chains_are_remarked(tmp_path):
    deep = "".join(f"D{level},D{level - 1}\n" for level in range(1, 9))
    tables = tables_of(tmp_path, accounts=ACCOUNTS + "D0,D0\n" + deep)
    remarks = {remark.rule: remark for remark in tables.remarks}
    assert remarks["unknown parent"].examples == ("A4",)
    assert remarks["deep hierarchy"].rows == 2


def slow_top(parents, account):
    seen = [account]
    while parents.get(seen[-1]) in parents and parents[seen[-1]] != seen[-1]:
        seen.append(parents[seen[-1]])
        if seen[-1] in seen[:-1]:
            return None
    return seen[-1]


ids = [f"A{number}" for number in range(12)]


@given(st.lists(st.sampled_from([*ids, "", "X"]), min_size=12, max_size=12))
def test_climbing_gives_what_a_walk_gives(chosen):
    parents = dict(zip(ids, chosen, strict=True))
    frame = pd.DataFrame({"account_id": ids, "parent_id": [p or None for p in chosen]})
    found = hierarchy(frame)
    tops = dict(zip(found.tops["account_id"], found.tops["ultimate_parent"], strict=True))
    walked = {account: slow_top(parents, account) for account in ids}
    assert tops == {account: top for account, top in walked.items() if top is not None}
    assert bool(found.cycles) == (None in walked.values())
    assert set(found.orphans) == {account for account, parent in parents.items() if parent == "X"}
