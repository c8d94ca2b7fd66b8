"""Tables of many columns and settings of many values are read like any other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from projects import ACCOUNTS, DEALS, write_project

from tierkit.crm.period import used_revenue
from tierkit.crm.trusted import examine_source, read_tables
from tierkit.settings import read_settings

MANY = 350
WON = Decimal("300.30")


def widened(text, value=""):
    """Return CSV with many more columns, all of one value."""
    header, *rows = text.splitlines()
    more = "".join(f",c{number}" for number in range(MANY))
    return "\n".join([header + more, *(row + f",{value}" * MANY for row in rows)]) + "\n"


@pytest.mark.parametrize("value", ["x"])
def test_money_is_the_same_with_many_more_columns(tmp_path, value):
    project = write_project(
        tmp_path, accounts=widened(ACCOUNTS, value), deals=widened(DEALS, value)
    )
    tables = read_tables(read_settings(project))
    assert used_revenue(tables, date(2027, 1, 1)).used_won_revenue == WON


def test_a_totals_line_of_many_columns_is_no_row(tmp_path):
    footer = "Grand Totals,,,300.30," + "," * MANY + "\n"
    project = write_project(tmp_path, deals=widened(DEALS) + footer)
    found = examine_source(read_settings(project))
    assert found.tables is not None
    assert used_revenue(found.tables, date(2027, 1, 1)).used_won_revenue == WON


def test_many_types_of_revenue_each_keep_their_meaning(tmp_path):
    rows = "".join(f"O{n},A1,2026-01-15,1,true,Type {n}\n" for n in range(MANY))
    types = ", ".join(f'"type {n}" = "{"new" if n % 2 else "renewal"}"' for n in range(MANY))
    project = write_project(
        tmp_path,
        deals=f"opportunity_id,account_id,close_date,amount,is_won,type\n{rows}",
        settings=f"[target]\nrevenue_types = {{ {types} }}\n",
    )
    deals = read_tables(read_settings(project))["opportunities"].collect().to_pandas()
    odd = deals["opportunity_id"].str[1:].astype(int) % 2 == 1
    assert (deals["revenue_type"] == "new").equals(odd)


def test_many_words_for_won_are_all_read(tmp_path):
    rows = "".join(f"O{n},A1,2026-01-15,1,word {n}\n" for n in range(MANY))
    words = ", ".join(f'"word {n}"' for n in range(MANY))
    project = write_project(
        tmp_path,
        deals=f"opportunity_id,account_id,close_date,amount,is_won\n{rows}",
        settings=f"[data.values.opportunities.is_won]\nwon = [{words}]\n",
    )
    tables = read_tables(read_settings(project))
    assert used_revenue(tables, date(2027, 1, 1)).used_won_revenue == MANY
